//! The service, where systemd runs.

use std::path::Path;
use std::process::Command;

use super::{Condition, Finding};

/// There while systemd is the machine's first process (sd_booted(3)).
const BOOTED: &str = "/run/systemd/system";

pub(super) fn look(hub_runs: bool) -> Vec<Finding> {
    if !Path::new(BOOTED).exists() {
        return Vec::new();
    }
    let properties = "--property=LoadState,ActiveState,UnitFileState,NRestarts,WatchdogUSec";
    let asked = Command::new("systemctl").args(["show", "keyway.service", properties]).output();
    match asked {
        Ok(output) => read(&String::from_utf8_lossy(&output.stdout), hub_runs),
        Err(error) => vec![Finding::new("service", Condition::Unknown, format!("systemctl: {error}"))],
    }
}

fn read(shown: &str, hub_runs: bool) -> Vec<Finding> {
    let value =
        |name: &str| shown.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default();
    if value("LoadState") != "loaded" {
        return match hub_runs {
            true => vec![Finding::new("service", Condition::Notice, "the hub runs, but not as the service keyway")],
            false => vec![Finding::new("service", Condition::Notice, "the service keyway is not installed")],
        };
    }
    let mut findings = Vec::new();
    let mut add = |condition, message: String| findings.push(Finding::new("service", condition, message));
    let restarts = value("NRestarts");
    match value("ActiveState") {
        "active" => add(Condition::Fine, format!("active, started again {restarts} times")),
        state => add(Condition::Problem, format!("{state}: systemctl status keyway, journalctl -u keyway")),
    }
    if value("UnitFileState") != "enabled" {
        add(Condition::Notice, "it is not started with the machine: systemctl enable keyway".to_owned());
    }
    if matches!(value("WatchdogUSec"), "" | "0" | "infinity") {
        add(Condition::Notice, "no watchdog would start a hub anew that hangs (WatchdogSec=60)".to_owned());
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systemd_says_of_the_service_is_told_with_what_to_do() {
        let conditions = |shown| read(shown, false).iter().map(|told| told.condition).collect::<Vec<_>>();
        let fine = "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNRestarts=0\nWatchdogUSec=1min\n";
        assert_eq!(conditions(fine), [Condition::Fine]);
        let failed =
            "LoadState=loaded\nActiveState=failed\nUnitFileState=disabled\nNRestarts=9\nWatchdogUSec=infinity\n";
        assert_eq!(conditions(failed), [Condition::Problem, Condition::Notice, Condition::Notice]);
        assert_eq!(conditions("LoadState=not-found\n"), [Condition::Notice]);
    }
}
