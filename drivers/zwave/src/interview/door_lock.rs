//! What its bolt can do.

use super::stage::{InterviewAsk, LEARNED, Stage};
use crate::cc::door_lock::{self, DoorLockCommand};

pub(super) const CAPABILITIES: Stage = Stage {
    name: "door lock capabilities",
    ask: |record, _| {
        let able = record.supports(door_lock::CLASS) && record.version_of(door_lock::CLASS) >= 4;
        if !able || record.door_sensor.is_some() && record.has_auto_relock.is_some() {
            return Vec::new();
        }
        let example = DoorLockCommand::CapabilitiesReport { components: 0, options: 0 }.encode();
        vec![InterviewAsk::kind_of_report(DoorLockCommand::CapabilitiesGet.encode(), &example)]
    },
    learn: |record, _, heard| match DoorLockCommand::decode(heard.report()?).ok()? {
        DoorLockCommand::CapabilitiesReport { components, options } => {
            record.door_sensor = Some(components & 0x01 != 0);
            record.has_auto_relock = Some(options & door_lock::AUTO_RELOCK != 0);
            LEARNED
        }
        _ => None,
    },
};

pub(super) const CONFIGURATION: Stage = Stage {
    name: "door lock configuration",
    ask: |record, _| match record.has_auto_relock {
        Some(true) if record.auto_relock.is_none() => vec![InterviewAsk::report(
            DoorLockCommand::ConfigurationGet.encode(),
            [door_lock::CLASS, door_lock::CONFIGURATION_REPORT],
        )],
        _ => Vec::new(),
    },
    learn: |record, _, heard| match DoorLockCommand::decode(heard.report()?).ok()? {
        DoorLockCommand::ConfigurationReport(configuration) => {
            record.auto_relock = Some(configuration.extras?.auto_relock);
            LEARNED
        }
        _ => None,
    },
};
