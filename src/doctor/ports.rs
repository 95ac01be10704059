//! A stick's port: whether it is there, may be opened, and who holds it. It is never opened.

use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Access, access};

use super::{Condition, Finding};
use crate::radio::PortAddress;

/// Stable names of serial devices.
const BY_ID: &str = "/dev/serial/by-id";
/// A coordinator that takes longer is none.
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);
/// Who may use serial ports, by Debian's word.
const GROUP: &str = "dialout";

pub(super) fn look(name: &str, port: &PortAddress, hub_runs: bool) -> Vec<Finding> {
    match port {
        PortAddress::Serial { path, .. } => serial(name, path, hub_runs),
        // A running hub holds it: another connection would throw it out, or be one too many.
        PortAddress::Tcp { .. } if hub_runs => Vec::new(),
        PortAddress::Tcp { address } => vec![tcp(name, address)],
    }
}

fn serial(name: &str, path: &Path, hub_runs: bool) -> Vec<Finding> {
    let shown = path.display();
    let Ok(metadata) = std::fs::metadata(path) else {
        return vec![problem(format!(
            "stick {name}: {shown} is not there. Is it plugged in? {}",
            match by_id(None).as_slice() {
                [] => format!("There is none at {BY_ID}"),
                there => format!("There are: {}", there.join(", ")),
            }
        ))];
    };
    if !metadata.file_type().is_char_device() {
        return vec![problem(format!("stick {name}: {shown} is no serial device (zwave.port, zigbee.port)"))];
    }
    let mut findings = Vec::new();
    let group = name_of_group(metadata.gid());
    if access(path, Access::READ_OK | Access::WRITE_OK).is_err() {
        let group = group.as_deref().unwrap_or("root");
        findings.push(problem(format!(
            "stick {name}: you may not use {shown}: the hub's user must be in the group {group} (usermod -aG {group} keyway)"
        )));
    } else if group.as_deref().is_some_and(|group| group != GROUP) && metadata.mode() & 0o006 != 0o006 {
        let group = group.unwrap_or_default();
        findings.push(Finding::new(
            "stick",
            Condition::Notice,
            format!("stick {name}: {shown} belongs to the group {group}, and the service is in {GROUP}: add it there"),
        ));
    }
    for (id, program) in holders(path) {
        if hub_runs && program == "keyway" {
            continue;
        }
        findings.push(problem(format!(
            "stick {name}: {shown} is held by {program} (process {id}): stop it, a stick serves one program"
        )));
    }
    if !path.starts_with(BY_ID)
        && let [better, ..] = by_id(Some(path)).as_slice()
    {
        let message = format!("stick {name}: {shown} may be another one after a restart: say {better}");
        findings.push(Finding::new("stick", Condition::Notice, message));
    }
    if findings.is_empty() && !hub_runs {
        let message = format!("stick {name}: {shown} is there and free; which one it is, the hub finds out");
        findings.push(Finding::new("stick", Condition::Fine, message));
    }
    findings
}

fn tcp(name: &str, address: &str) -> Finding {
    let tried = address.to_socket_addrs().and_then(|mut all| {
        let address = all.next().ok_or(std::io::ErrorKind::NotFound)?;
        TcpStream::connect_timeout(&address, ANSWERS_WITHIN)
    });
    match tried {
        Ok(_) => Finding::new("stick", Condition::Fine, format!("stick {name}: tcp://{address} takes connections")),
        Err(error) => problem(format!(
            "stick {name}: tcp://{address}: {error}. Is the program or coordinator behind it running and reachable?"
        )),
    }
}

fn problem(message: String) -> Finding {
    Finding::new("stick", Condition::Problem, message)
}

/// The stable names: of all, or of this device.
fn by_id(of: Option<&Path>) -> Vec<String> {
    let device = of.and_then(|path| path.canonicalize().ok());
    let entries = std::fs::read_dir(BY_ID).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_meant = |path: &PathBuf| of.is_none() || (device.is_some() && path.canonicalize().ok() == device);
    let mut names: Vec<String> = entries.filter(is_meant).map(|path| path.display().to_string()).collect();
    names.sort();
    names
}

/// Name of a group, in /etc/group.
fn name_of_group(id: u32) -> Option<String> {
    let groups = std::fs::read_to_string("/etc/group").ok()?;
    groups.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        (fields.get(2)?.parse() == Ok(id)).then(|| fields.first().map(|name| (*name).to_owned()))?
    })
}

/// Processes that have it open, as far as they can be seen: id and name.
fn holders(path: &Path) -> Vec<(u32, String)> {
    let Ok(device) = path.canonicalize() else { return Vec::new() };
    let mut holders = Vec::new();
    for process in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = process.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let open = std::fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten();
        if open.filter_map(|file| std::fs::read_link(file.path()).ok()).any(|file| file == device) {
            let name = std::fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            holders.push((id, name.trim().to_owned()));
        }
    }
    holders.sort();
    holders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_holds_a_file_is_found_and_a_port_that_is_none_is_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(holders(file.path()).iter().any(|(id, _)| *id == std::process::id()));
        let told = serial("zwave", file.path(), false);
        assert!(told[0].message.contains("no serial device"), "{told:?}");
        let told = serial("zwave", Path::new("/dev/serial/by-id/none"), false);
        assert!(told[0].condition == Condition::Problem && told[0].message.contains("plugged in"), "{told:?}");
        assert!(serial("zwave", Path::new("/dev/null"), true).iter().all(|told| told.condition != Condition::Fine));
    }
}
