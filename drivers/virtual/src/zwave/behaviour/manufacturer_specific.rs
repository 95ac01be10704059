//! Manufacturer Specific.

use keyway_zwave::cc::manufacturer_specific::ManufacturerSpecificCommand as Command;

pub(super) use keyway_zwave::cc::manufacturer_specific::CLASS;

use super::{Lock, Reaction};

/// No maker has this id, so that no host finds peculiarities of a real lock under it.
const MANUFACTURER: u16 = 0x7FFE;

pub(super) fn handle(lock: &mut Lock, command: &[u8]) -> Option<Reaction> {
    let Command::Get = Command::decode(command).ok()? else { return None };
    let (manufacturer, product_type, product) =
        lock.setup.oddities.product.unwrap_or((MANUFACTURER, 1, lock.setup.user_code_version.into()));
    Some(Reaction::Answer(Command::Report { manufacturer, product_type, product }.encode()))
}
