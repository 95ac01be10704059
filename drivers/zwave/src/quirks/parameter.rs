//! Configuration parameters of models, by name: what each does, which values it has, and how they stand in a frame.

use std::collections::BTreeMap;

use keyway_lock::Parameter;
use serde::Deserialize;

/// One parameter of a model.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParameterQuirk {
    /// Its name: small letters, digits and underscores.
    pub name: String,
    /// What it does, in a few words.
    pub does: String,
    /// Its number.
    pub number: u8,
    /// Bytes of its value: 1, 2 or 4.
    pub size: u8,
    /// Its value has no sign.
    #[serde(default)]
    pub unsigned: bool,
    /// Words for values.
    #[serde(default)]
    pub values: BTreeMap<String, i64>,
    /// The least and the most that is allowed beside those with a word; none: only those.
    pub range: Option<(i64, i64)>,
    /// It can only be read.
    #[serde(default)]
    pub read_only: bool,
    /// At these values no guest's code opens the door.
    #[serde(default)]
    pub closed_to_guests: Vec<i64>,
}

impl ParameterQuirk {
    /// What is wrong with it: the key, and what would be right. `code_length`: the parameter that is never set, since all
    /// codes are lost by that.
    pub(super) fn wrong_of(&self, code_length: Option<u8>) -> Option<(&'static str, &'static str)> {
        let length = code_length == Some(self.number) && !self.read_only;
        let wrong =
            length.then_some(("number", "should not be the length of all codes: to set that empties every slot"));
        wrong.or_else(|| self.wrong())
    }

    fn wrong(&self) -> Option<(&'static str, &'static str)> {
        let named = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let fits = |value: &i64| self.encode(*value).is_some();
        let range = self.range.iter().flat_map(|(least, most)| [least, most]);
        let none = self.values.is_empty() && self.range.is_none() && !self.read_only;
        let wrong = [
            (self.name.is_empty() || !self.name.chars().all(named), "name", "should be small letters, digits and _"),
            (!matches!(self.size, 1 | 2 | 4), "size", "should be 1, 2 or 4"),
            (none, "values", "should be there, or range, or read_only"),
            (!self.values.values().all(fits), "values", "should fit the size"),
            (!range.clone().all(fits), "range", "should fit the size"),
            (self.range.is_some_and(|(least, most)| least > most), "range", "should be the least and the most"),
        ];
        wrong.into_iter().find(|(wrong, ..)| *wrong).map(|(_, key, should)| (key, should))
    }

    /// Whether the lock may be told this value.
    pub fn allows(&self, value: i64) -> bool {
        let in_range = self.range.is_some_and(|(least, most)| (least..=most).contains(&value));
        !self.read_only && (in_range || self.values.values().any(|known| *known == value))
    }

    /// A value as it stands in a frame; `None`: it does not fit.
    pub fn encode(&self, value: i64) -> Option<Vec<u8>> {
        let bits = u32::from(self.size) * 8;
        let span = 1_i64.checked_shl(bits)?;
        let (least, most) = if self.unsigned { (0, span - 1) } else { (-span / 2, span / 2 - 1) };
        let bytes = value.to_be_bytes();
        (least..=most).contains(&value).then(|| bytes.get(8 - usize::from(self.size)..).unwrap_or(&[]).to_vec())
    }

    /// A value of a frame, whatever its size there.
    pub fn decode(&self, bytes: &[u8]) -> Option<i64> {
        let first = bytes.first()?;
        let fill = if !self.unsigned && first & 0x80 != 0 { 0xFF } else { 0 };
        let mut wide = [fill; 8];
        wide.get_mut(8_usize.checked_sub(bytes.len())?..)?.copy_from_slice(bytes);
        Some(i64::from_be_bytes(wide))
    }

    /// What the hub is told of it, with the value that the lock told last.
    pub fn told(&self, value: Option<i64>) -> Parameter {
        Parameter {
            name: self.name.clone(),
            does: self.does.clone(),
            values: self.values.clone(),
            range: self.range,
            can_be_set: !self.read_only,
            closed_to_guests: value.is_some_and(|value| self.closed_to_guests.contains(&value)),
            value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(size: u8, unsigned: bool) -> ParameterQuirk {
        ParameterQuirk {
            name: "beeper".to_owned(),
            does: "beeps".to_owned(),
            number: 3,
            size,
            unsigned,
            values: BTreeMap::from([("off".to_owned(), 0)]),
            range: Some((1, 9)),
            read_only: false,
            closed_to_guests: Vec::new(),
        }
    }

    #[test]
    fn values_stand_in_frames_in_their_size_with_or_without_a_sign() {
        assert_eq!(parameter(1, true).encode(255), Some(vec![255]));
        assert_eq!(parameter(1, false).encode(255), None);
        assert_eq!(parameter(2, false).encode(-2), Some(vec![0xFF, 0xFE]));
        assert_eq!(parameter(4, true).encode(0xFFFF_FFFF), Some(vec![0xFF; 4]));
        assert_eq!(parameter(1, true).encode(-1), None);
        for (size, unsigned, value) in [(1, true, 200), (1, false, -100), (2, false, -2), (4, false, 70_000)] {
            let parameter = parameter(size, unsigned);
            assert_eq!(parameter.decode(&parameter.encode(value).unwrap()), Some(value));
        }
        assert_eq!((parameter(1, true).decode(&[]), parameter(1, true).decode(&[0; 9])), (None, None));
    }

    #[test]
    fn only_values_with_a_word_or_in_the_range_are_allowed() {
        let beeper = parameter(1, true);
        assert_eq!([0, 1, 9, 10].map(|value| beeper.allows(value)), [true, true, true, false]);
        assert!(!ParameterQuirk { read_only: true, ..beeper }.allows(1));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let right = parameter(1, true);
        assert_eq!(right.wrong(), None);
        let wrong = |parameter: ParameterQuirk| parameter.wrong().map(|(key, _)| key);
        assert_eq!(wrong(ParameterQuirk { name: "A b".to_owned(), ..right.clone() }), Some("name"));
        assert_eq!(wrong(ParameterQuirk { size: 3, ..right.clone() }), Some("size"));
        assert_eq!(wrong(ParameterQuirk { range: Some((0, 300)), ..right.clone() }), Some("range"));
        assert_eq!(wrong(ParameterQuirk { range: None, values: BTreeMap::new(), ..right }), Some("values"));
    }
}
