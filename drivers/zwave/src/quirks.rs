//! What locks do otherwise than they say, or otherwise than their command classes say: data, by maker, product and
//! firmware. What is built in is `config/quirks.toml`; a user's own file of the same form goes over it.

mod parameter;

use std::collections::BTreeSet;
use std::time::Duration;

use keyway_lock::{Alike, Pin, QuirksError, SlotNumber};
use serde::Deserialize;

pub use parameter::ParameterQuirk;

const BUILT_IN: &str = include_str!("../../../config/quirks.toml");

/// All that is known of models.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quirks(Vec<Entry>);

/// What is known of one lock. `None`, or nothing: it does as it says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quirk {
    /// Whether its Supervision can be relied on, if it says that it has it.
    pub supervision: Option<bool>,
    /// How long it may take to answer a question.
    pub patience: Option<Duration>,
    /// How long it tells the old content of a slot after a set.
    pub settle: Duration,
    /// Fewest and most digits of a code.
    pub code_lengths: Option<(u8, u8)>,
    /// The configuration parameter that says how many digits every code has.
    pub code_length_parameter: Option<u8>,
    /// Codes it can't tell apart.
    pub alike: Alike,
    /// Slots that are not for guests.
    pub reserved_slots: BTreeSet<SlotNumber>,
    /// It hides its codes.
    pub masked: Option<bool>,
    /// The number by which its keypad events name slot 1; those below name no slot.
    pub first_event_user: Option<u16>,
    /// Of its notifications, the version 1 fields are to be believed.
    pub alarm_events: bool,
    /// What can be set of it by configuration parameters.
    pub parameters: Vec<ParameterQuirk>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    lock: Vec<Entry>,
}

/// One entry: which locks, and what is peculiar about them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    /// Where it is known from, or what happens without it: for the reader of the file.
    #[serde(rename = "reason")]
    _reason: String,
    manufacturer: u16,
    /// Product type and product; none: all of this maker.
    #[serde(default)]
    products: Vec<(u16, u16)>,
    /// The firmwares from and to which it is so, as [version, sub-version].
    firmware_from: Option<(u8, u8)>,
    firmware_to: Option<(u8, u8)>,
    supervision: Option<bool>,
    answer_seconds: Option<u64>,
    settle_ms: Option<u64>,
    code_lengths: Option<(u8, u8)>,
    code_length_parameter: Option<u8>,
    shared_buttons: Option<Vec<String>>,
    first_digits: Option<u8>,
    reserved_slots: Option<BTreeSet<u16>>,
    masked: Option<bool>,
    first_event_user: Option<u16>,
    alarm_events: Option<bool>,
    #[serde(default, rename = "parameter")]
    parameters: Vec<ParameterQuirk>,
}

impl Quirks {
    /// What comes with this release.
    pub fn built_in() -> Self {
        // That it can be read is tested.
        Self::parse(BUILT_IN).unwrap_or_default()
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// [`QuirksError`].
    pub fn parse(text: &str) -> Result<Self, QuirksError> {
        let file: File = toml::from_str(text).map_err(|error| QuirksError::Toml(error.to_string()))?;
        file.lock.iter().try_for_each(Entry::check)?;
        Ok(Self(file.lock))
    }

    /// These, and the others over them: where both say something of a lock, the others count.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// What is known of a lock with these ids and this firmware. Later entries count before earlier ones.
    pub fn of(&self, product: Option<(u16, u16, u16)>, firmware: Option<(u8, u8)>) -> Quirk {
        let mut quirk = Quirk::default();
        if let Some(product) = product {
            self.0.iter().filter(|entry| entry.is_of(product, firmware)).for_each(|entry| entry.apply(&mut quirk));
        }
        quirk
    }
}

impl Entry {
    fn is_of(&self, (manufacturer, kind, product): (u16, u16, u16), firmware: Option<(u8, u8)>) -> bool {
        let from = self.firmware_from.is_none_or(|from| firmware.is_some_and(|firmware| firmware >= from));
        let to = self.firmware_to.is_none_or(|to| firmware.is_some_and(|firmware| firmware <= to));
        let product = self.products.is_empty() || self.products.contains(&(kind, product));
        self.manufacturer == manufacturer && product && from && to
    }

    fn apply(&self, quirk: &mut Quirk) {
        quirk.supervision = self.supervision.or(quirk.supervision);
        quirk.patience = self.answer_seconds.map(Duration::from_secs).or(quirk.patience);
        quirk.settle = self.settle_ms.map_or(quirk.settle, Duration::from_millis);
        quirk.code_lengths = self.code_lengths.or(quirk.code_lengths);
        quirk.code_length_parameter = self.code_length_parameter.or(quirk.code_length_parameter);
        if let Some(buttons) = &self.shared_buttons {
            quirk.alike.buttons.clone_from(buttons);
        }
        quirk.alike.first_digits = self.first_digits.or(quirk.alike.first_digits);
        if let Some(slots) = &self.reserved_slots {
            quirk.reserved_slots = slots.iter().copied().map(SlotNumber).collect();
        }
        quirk.masked = self.masked.or(quirk.masked);
        quirk.first_event_user = self.first_event_user.or(quirk.first_event_user);
        quirk.alarm_events = self.alarm_events.unwrap_or(quirk.alarm_events);
        // By name: a later one takes the place of an earlier one.
        quirk.parameters.retain(|known| self.parameters.iter().all(|parameter| parameter.name != known.name));
        quirk.parameters.extend(self.parameters.iter().cloned());
    }

    fn check(&self) -> Result<(), QuirksError> {
        let digits = |length: u8| (Pin::MIN_LEN..=Pin::MAX_LEN).contains(&usize::from(length));
        let button = |button: &String| !button.is_empty() && button.bytes().all(|byte| byte.is_ascii_digit());
        let wrong = [
            (self.answer_seconds.is_some_and(|s| !(1..=30).contains(&s)), "answer_seconds", "should be 1 to 30"),
            (self.settle_ms.is_some_and(|ms| ms > 10_000), "settle_ms", "should be 0 to 10000"),
            (
                self.code_lengths.is_some_and(|(least, most)| !digits(least) || !digits(most) || least > most),
                "code_lengths",
                "should be the fewest and the most digits, each 4 to 10",
            ),
            (self.first_digits.is_some_and(|count| !digits(count)), "first_digits", "should be 4 to 10"),
            (
                self.shared_buttons.as_ref().is_some_and(|buttons| !buttons.iter().all(button)),
                "shared_buttons",
                "should be digits, such as [\"12\", \"34\"]",
            ),
            (self.first_event_user == Some(0), "first_event_user", "should be 1 or more"),
        ];
        let wrong = wrong.into_iter().find(|(wrong, ..)| *wrong).map(|(_, key, should)| (key, should));
        let in_parameter =
            || self.parameters.iter().find_map(|parameter| parameter.wrong_of(self.code_length_parameter));
        match wrong.or_else(in_parameter) {
            Some((key, should)) => Err(QuirksError::Value { name: self.name.clone(), key, should }),
            None => Ok(()),
        }
    }
}

impl Quirk {
    /// The slot that a keypad event means by this user.
    pub fn slot_of_event(&self, user: SlotNumber) -> Option<SlotNumber> {
        match self.first_event_user {
            Some(first) => user.0.checked_sub(first).map(|index| SlotNumber(index + 1)),
            None => Some(user),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHLAGE: (u16, u16, u16) = (0x003B, 0x0001, 0x0469);

    fn refusal(line: &str) -> String {
        let text = format!("[[lock]]\nname = \"X\"\nreason = \"-\"\nmanufacturer = 1\n{line}\n");
        Quirks::parse(&text).unwrap_err().to_string()
    }

    #[test]
    fn what_is_built_in_can_be_read_and_a_lock_that_is_not_in_it_does_as_it_says() {
        let quirks = Quirks::parse(BUILT_IN).unwrap();
        assert_eq!(quirks, Quirks::built_in());
        assert_eq!(quirks.of(Some((0x7FFE, 1, 2)), None), Quirk::default());
        assert_eq!(quirks.of(None, None), Quirk::default());
        assert_eq!(quirks.of(Some(SCHLAGE), Some((1, 0))).code_length_parameter, Some(16));
    }

    #[test]
    fn a_users_own_file_counts_before_what_is_built_in_key_by_key() {
        let own =
            "[[lock]]\nname = 'Mine'\nreason = 'mine'\nmanufacturer = 0x003B\nproducts = [[1, 0x469]]\nsettle_ms = 900";
        let quirk = Quirks::built_in().and(Quirks::parse(own).unwrap()).of(Some(SCHLAGE), None);
        assert_eq!((quirk.settle, quirk.code_length_parameter), (Duration::from_millis(900), Some(16)));
    }

    #[test]
    fn an_entry_for_some_firmwares_is_for_no_other_and_for_none_that_is_not_known() {
        let text = "[[lock]]\nname = 'X'\nreason = '-'\nmanufacturer = 1\nfirmware_from = [2, 1]\nfirmware_to = [3, 0]\nmasked = true";
        let quirks = Quirks::parse(text).unwrap();
        let masked = |firmware| quirks.of(Some((1, 1, 1)), firmware).masked;
        assert_eq!(
            [Some((2, 0)), Some((2, 1)), Some((3, 0)), Some((3, 1)), None].map(masked),
            [None, Some(true), Some(true), None, None]
        );
    }

    #[test]
    fn events_count_users_from_their_own_first_number_on() {
        let quirk = Quirk { first_event_user: Some(60), ..Quirk::default() };
        assert_eq!(
            [60, 61, 59].map(|user| quirk.slot_of_event(SlotNumber(user))),
            [Some(SlotNumber(1)), Some(SlotNumber(2)), None]
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(refusal("answer_seconds = 90"), "lock \"X\": `answer_seconds` should be 1 to 30");
        assert!(refusal("code_lengths = [4, 12]").contains("`code_lengths`"));
        assert!(refusal("shared_buttons = ['ab']").contains("`shared_buttons`"));
        let parameter = "[[lock.parameter]]\nname = 'beeper'\ndoes = 'beeps'\nnumber = 3\nsize = 3\nrange = [0, 1]";
        assert_eq!(refusal(parameter), "lock \"X\": `size` should be 1, 2 or 4");
        let length = parameter.replace("size = 3", "size = 1");
        assert!(refusal(&format!("code_length_parameter = 3\n{length}")).contains("`number`"));
        let unknown = refusal("colour = 'red'");
        assert!(unknown.contains("colour") && unknown.contains("line 5"), "{unknown}");
    }
}
