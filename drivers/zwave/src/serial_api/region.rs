//! The regions of the world whose frequencies a stick can use (Z-Wave Host API, Serial API setup, RF region values).

use super::command::Command;
use super::function::{self, setup};

const REGIONS: [(u8, &str); 12] = [
    (0x00, "europe"),
    (0x01, "usa"),
    (0x02, "australia_new_zealand"),
    (0x03, "hong_kong"),
    (0x05, "india"),
    (0x06, "israel"),
    (0x07, "russia"),
    (0x08, "china"),
    (0x09, "usa_long_range"),
    (0x0B, "europe_long_range"),
    (0x20, "japan"),
    (0x21, "korea"),
];

/// A region's name; one that is not known here is shown by its number.
pub fn name_of(region: u8) -> String {
    let known = REGIONS.into_iter().find(|(number, _)| *number == region);
    known.map_or_else(|| format!("region {region:#04x}"), |(_, name)| name.to_owned())
}

/// The region of a name.
pub fn of_name(name: &str) -> Option<u8> {
    REGIONS.into_iter().find(|(_, known)| *known == name).map(|(number, _)| number)
}

/// Sets the region, from the next start on.
pub fn set(region: u8) -> Command {
    Command::query(function::SETUP, &[setup::SET_RF_REGION, region])
}

/// Whether the stick took it.
pub fn was_set(payload: &[u8]) -> bool {
    payload.starts_with(&[setup::SET_RF_REGION]) && payload.get(1).is_some_and(|success| *success != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_found_by_its_name_and_shown_by_it() {
        for (number, name) in REGIONS {
            assert_eq!((of_name(name), name_of(number).as_str()), (Some(number), name));
        }
        assert_eq!((of_name("moon"), name_of(0x44).as_str()), (None, "region 0x44"));
        assert!(was_set(&[0x40, 1]) && !was_set(&[0x40, 0]) && !was_set(&[0]));
    }
}
