//! The clock and the disk.

use std::path::Path;

use rustix::fs::{Access, StatVfsMountFlags, access, statvfs};

use super::{Condition, Finding};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;

/// Less free space than this is soon none: a migration copies the database, and a backup does.
const LITTLE: u64 = 200 * 1024 * 1024;

/// Of a machine whose hub does not run: what a hub that starts now would make of it.
pub(super) fn clock(config: &Config) -> Finding {
    let clock = SystemClock::new(None, config.clock);
    match clock.trust().problem() {
        None => Finding::new("clock", Condition::Fine, format!("right ({})", clock.trust().name())),
        Some(problem) => Finding::new("clock", Condition::Problem, problem),
    }
}

pub(super) fn disk(data_dir: &Path) -> Vec<Finding> {
    let shown = data_dir.display();
    let space = match statvfs(data_dir) {
        Ok(space) => space,
        Err(error) => {
            let condition = match error {
                rustix::io::Errno::NOENT => Condition::Notice,
                _ => Condition::Unknown,
            };
            let message = format!("the data directory {shown}: {error}. The hub makes it when it first starts");
            return vec![Finding::new("disk", condition, message)];
        }
    };
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let megabytes = free / (1024 * 1024);
    let mut findings = vec![match free {
        ..LITTLE => {
            let message = format!("{megabytes} MB are free at {shown}: make room, or nothing can be written soon");
            Finding::new("disk", Condition::Problem, message)
        }
        LITTLE.. => Finding::new("disk", Condition::Fine, format!("{megabytes} MB are free at {shown}")),
    }];
    if space.f_flag.contains(StatVfsMountFlags::RDONLY) {
        let message = format!(
            "the disk of {shown} is mounted read-only, as a kernel does when an SD card fails: see `dmesg`, and replace the card"
        );
        findings.push(Finding::new("disk", Condition::Problem, message));
    } else if access(data_dir, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        let message = format!("you may not write at {shown}: whether the hub may is not known. Run this as its user");
        findings.push(Finding::new("disk", Condition::Unknown, message));
    }
    findings
}
