//! What the node supports under its highest security class.

use super::stage::{InterviewAsk, LEARNED, Stage};
use crate::node::info::supported_classes;
use crate::security::{SecurityClass, s0, s2};
use crate::transport::exchange::Beginning;

pub(super) const SECURE_CLASSES: Stage = Stage {
    name: "commands supported securely",
    ask: |record, about| match about.granted.iter().max() {
        _ if !record.secure.is_empty() => Vec::new(),
        None => Vec::new(),
        // Security 0 counts reports to follow in front of the list.
        Some(SecurityClass::S0) => vec![InterviewAsk::report(
            s0::COMMANDS_SUPPORTED_GET.to_vec(),
            Beginning::from(s0::COMMANDS_SUPPORTED_REPORT).with_follow(2),
        )],
        Some(_) => vec![InterviewAsk::report(s2::COMMANDS_SUPPORTED_GET.to_vec(), s2::COMMANDS_SUPPORTED_REPORT)],
    },
    learn: |record, _, heard| {
        let report = heard.report()?;
        let list = report.get(if report.starts_with(&s0::COMMANDS_SUPPORTED_REPORT) { 3 } else { 2 }..)?;
        record.secure = supported_classes(list);
        LEARNED
    },
};
