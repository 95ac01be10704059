//! Which version of its command classes the node speaks.

use super::stage::{InterviewAsk, LEARNED, Stage};
use crate::cc::version::{self, VersionCommand};
use crate::cc::{
    battery, door_lock, indicator, manufacturer_specific, notification, schedule_entry_lock, user_code, wake_up,
};

/// The command classes whose version matters here.
const VERSIONED: [u8; 8] = [
    user_code::CLASS,
    door_lock::CLASS,
    notification::CLASS,
    battery::CLASS,
    indicator::CLASS,
    schedule_entry_lock::CLASS,
    wake_up::CLASS,
    manufacturer_specific::CLASS,
];

pub(super) const VERSIONS: Stage = Stage {
    name: "versions of its command classes",
    ask: |record, _| {
        let wanted = |class: &u8| record.supports(*class) && !record.versions.contains_key(class);
        let classes = VERSIONED.into_iter().filter(wanted).filter(|_| record.supports(version::CLASS));
        let ask = |class| {
            let report = VersionCommand::CommandClassReport { class, version: 0 }.encode();
            let beginning = report.get(..3).unwrap_or(&report).to_vec();
            InterviewAsk::report(VersionCommand::CommandClassGet(class).encode(), beginning)
        };
        classes.map(ask).collect()
    },
    learn: |record, _, heard| match VersionCommand::decode(heard.report()?).ok()? {
        VersionCommand::CommandClassReport { class, version } => {
            record.versions.insert(class, version.max(1));
            LEARNED
        }
        _ => None,
    },
};
