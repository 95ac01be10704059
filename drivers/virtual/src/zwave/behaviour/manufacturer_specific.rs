//! Manufacturer Specific.

use keyway_zwave::cc::manufacturer_specific::ManufacturerSpecificCommand as Command;

pub(super) use keyway_zwave::cc::manufacturer_specific::CLASS;
use keyway_zwave::cc::manufacturer_specific::SERIAL_NUMBER;

use super::{Lock, Reaction};

/// No maker has this id, so that no host finds peculiarities of a real lock under it.
const MANUFACTURER: u16 = 0x7FFE;

pub(super) fn handle(lock: &mut Lock, command: &[u8]) -> Option<Reaction> {
    let report = match (Command::decode(command).ok()?, &lock.setup.oddities.serial_number) {
        (Command::Get, _) => product(lock),
        // Whatever kind is asked for: it has no other.
        (Command::DeviceSpecificGet { .. }, Some(number)) => {
            Command::DeviceSpecificReport { kind: SERIAL_NUMBER, is_text: true, id: number.clone().into_bytes() }
        }
        _ => return None,
    };
    Some(Reaction::Answer(report.encode()))
}

/// The version that tells what it has to tell.
pub(super) fn version(lock: &Lock) -> u8 {
    if lock.setup.oddities.serial_number.is_some() { 2 } else { 1 }
}

fn product(lock: &Lock) -> Command {
    let (manufacturer, product_type, product) =
        lock.setup.oddities.product.unwrap_or((MANUFACTURER, 1, lock.setup.user_code_version.into()));
    Command::Report { manufacturer, product_type, product }
}
