//! What its bolt can do.

use super::stage::{InterviewAsk, LEARNED, Stage};
use crate::cc::door_lock::{self, DoorLockCommand};

pub(super) const CAPABILITIES: Stage = Stage {
    name: "door lock capabilities",
    ask: |record, _| {
        let able = record.supports(door_lock::CLASS) && record.version_of(door_lock::CLASS) >= 4;
        let known = record.door_sensor.is_some() && record.has_auto_relock.is_some();
        if !able || known && record.settings.bolt_options.is_some() {
            return Vec::new();
        }
        let example = DoorLockCommand::CapabilitiesReport { operation_types: 0, components: 0, options: 0 }.encode();
        vec![InterviewAsk::kind_of_report(DoorLockCommand::CapabilitiesGet.encode(), &example)]
    },
    learn: |record, _, heard| match DoorLockCommand::decode(heard.report()?).ok()? {
        DoorLockCommand::CapabilitiesReport { operation_types, components, options } => {
            record.door_sensor = Some(components & 0x01 != 0);
            record.has_auto_relock = Some(options & door_lock::AUTO_RELOCK != 0);
            record.settings.bolt_options = Some(options);
            record.settings.operation_types = operation_types;
            LEARNED
        }
        _ => None,
    },
};

pub(super) const CONFIGURATION: Stage = Stage {
    name: "door lock configuration",
    ask: |record, _| {
        let relock = record.has_auto_relock == Some(true) && record.auto_relock.is_none();
        let bolt = record.settings.has_bolt_settings() && record.settings.bolt.is_none();
        if !relock && !bolt {
            return Vec::new();
        }
        let report = [door_lock::CLASS, door_lock::CONFIGURATION_REPORT];
        vec![InterviewAsk::report(DoorLockCommand::ConfigurationGet.encode(), report)]
    },
    learn: |record, _, heard| {
        record.learn(heard.report()?);
        record.settings.bolt.and(LEARNED)
    },
};
