//! What locks do otherwise than they say, or otherwise than the Door Lock cluster says: data, by maker and model. What is
//! built in is `config/zigbee-quirks.toml`; a user's own file of the same form goes over it.

use std::collections::BTreeSet;
use std::time::Duration;

use keyway_lock::{Alike, Pin, QuirksError, SlotNumber};
use serde::Deserialize;

use crate::zcl::door_lock::NO_USER;

const BUILT_IN: &str = include_str!("../../../config/zigbee-quirks.toml");

/// All that is known of models.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quirks(Vec<Entry>);

/// What is known of one lock. `None`, or nothing: it does as it says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quirk {
    /// The first user that can be a guest.
    pub first_slot: Option<u16>,
    /// Users with a PIN.
    pub slots: Option<u16>,
    /// Users that are not for guests.
    pub reserved_slots: BTreeSet<SlotNumber>,
    /// Fewest and most digits of a code.
    pub code_lengths: Option<(u8, u8)>,
    /// Codes it can't tell apart.
    pub alike: Alike,
    /// It hides its codes.
    pub masked: Option<bool>,
    /// It does not say whether a user has a code.
    pub unreadable: bool,
    /// It takes a code only where there is none.
    pub clear_first: bool,
    /// How long it tells the old content of a user after a set.
    pub settle: Duration,
    /// How long it may take to answer a question.
    pub patience: Option<Duration>,
    /// It tells its battery in per cent, and not in half per cents.
    pub whole_percent: bool,
    /// Its events have the bytes of a user in the wrong order.
    pub swapped_users: bool,
    /// The number by which its keypad events name the first slot.
    pub first_event_user: Option<u16>,
    /// It wants no PIN with a command to its bolt, not even an empty one.
    pub no_pin_field: bool,
    /// The attribute by which it tells who moved its bolt, instead of an event.
    pub action_attribute: Option<u16>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    lock: Vec<Entry>,
}

/// How the user in an event is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum EventUsers {
    Plain,
    Swapped,
}

/// One entry: which locks, and what is peculiar about them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    /// Where it is known from, or what happens without it: for the reader of the file.
    #[serde(rename = "reason")]
    _reason: String,
    /// None: whoever made it.
    manufacturer: Option<String>,
    /// None: all of this maker.
    #[serde(default)]
    models: Vec<String>,
    first_slot: Option<u16>,
    slots: Option<u16>,
    reserved_slots: Option<BTreeSet<u16>>,
    code_lengths: Option<(u8, u8)>,
    shared_buttons: Option<Vec<String>>,
    masked: Option<bool>,
    unreadable: Option<bool>,
    clear_first: Option<bool>,
    settle_ms: Option<u64>,
    answer_seconds: Option<u64>,
    whole_percent: Option<bool>,
    event_users: Option<EventUsers>,
    first_event_user: Option<u16>,
    empty_pin: Option<bool>,
    action_attribute: Option<u16>,
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

    /// What is known of a lock with this maker's and model's name. Later entries count before earlier ones.
    pub fn of(&self, manufacturer: &str, model: &str) -> Quirk {
        let mut quirk = Quirk::default();
        self.0.iter().filter(|entry| entry.is_of(manufacturer, model)).for_each(|entry| entry.apply(&mut quirk));
        quirk
    }
}

impl Entry {
    fn is_of(&self, manufacturer: &str, model: &str) -> bool {
        let maker = self.manufacturer.as_ref().is_none_or(|own| own == manufacturer);
        maker && (self.models.is_empty() || self.models.iter().any(|own| own == model))
    }

    fn apply(&self, quirk: &mut Quirk) {
        quirk.first_slot = self.first_slot.or(quirk.first_slot);
        quirk.slots = self.slots.or(quirk.slots);
        if let Some(slots) = &self.reserved_slots {
            quirk.reserved_slots = slots.iter().copied().map(SlotNumber).collect();
        }
        quirk.code_lengths = self.code_lengths.or(quirk.code_lengths);
        if let Some(buttons) = &self.shared_buttons {
            quirk.alike.buttons.clone_from(buttons);
        }
        quirk.masked = self.masked.or(quirk.masked);
        quirk.unreadable = self.unreadable.unwrap_or(quirk.unreadable);
        quirk.clear_first = self.clear_first.unwrap_or(quirk.clear_first);
        quirk.settle = self.settle_ms.map_or(quirk.settle, Duration::from_millis);
        quirk.patience = self.answer_seconds.map(Duration::from_secs).or(quirk.patience);
        quirk.whole_percent = self.whole_percent.unwrap_or(quirk.whole_percent);
        quirk.swapped_users = self.event_users.map_or(quirk.swapped_users, |users| users == EventUsers::Swapped);
        quirk.first_event_user = self.first_event_user.or(quirk.first_event_user);
        quirk.action_attribute = self.action_attribute.or(quirk.action_attribute);
        quirk.no_pin_field = self.empty_pin.map_or(quirk.no_pin_field, |empty| !empty);
    }

    fn check(&self) -> Result<(), QuirksError> {
        let digits = |length: u8| (Pin::MIN_LEN..=Pin::MAX_LEN).contains(&usize::from(length));
        let button = |button: &String| !button.is_empty() && button.bytes().all(|byte| byte.is_ascii_digit());
        let wrong = [
            (
                self.manufacturer.is_none() && self.models.is_empty(),
                "manufacturer",
                "or `models` should say which locks",
            ),
            (self.slots == Some(0), "slots", "should be 1 or more"),
            (self.answer_seconds.is_some_and(|s| !(1..=30).contains(&s)), "answer_seconds", "should be 1 to 30"),
            (self.settle_ms.is_some_and(|ms| ms > 10_000), "settle_ms", "should be 0 to 10000"),
            (
                self.code_lengths.is_some_and(|(least, most)| !digits(least) || !digits(most) || least > most),
                "code_lengths",
                "should be the fewest and the most digits, each 4 to 10",
            ),
            (
                self.shared_buttons.as_ref().is_some_and(|buttons| !buttons.iter().all(button)),
                "shared_buttons",
                "should be digits, such as [\"12\", \"34\"]",
            ),
        ];
        match wrong.into_iter().find(|(wrong, ..)| *wrong) {
            Some((_, key, should)) => Err(QuirksError::Value { name: self.name.clone(), key, should }),
            None => Ok(()),
        }
    }
}

impl Quirk {
    /// The slot that an event means by this user, of a lock whose first slot is this; `None`: nobody in particular.
    pub fn slot_of_event(&self, user: u16, first_slot: SlotNumber) -> Option<SlotNumber> {
        let user =
            if self.swapped_users && user > 0xFF && user.to_le_bytes()[0] == 0 { user.swap_bytes() } else { user };
        match self.first_event_user {
            _ if user == NO_USER => None,
            Some(first) => user.checked_sub(first).map(|index| SlotNumber(first_slot.0.saturating_add(index))),
            None => Some(SlotNumber(user)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(line: &str) -> String {
        let text = format!("[[lock]]\nname = \"X\"\nreason = \"-\"\nmanufacturer = \"X\"\n{line}\n");
        Quirks::parse(&text).unwrap_err().to_string()
    }

    #[test]
    fn what_is_built_in_can_be_read_and_a_lock_that_is_not_in_it_does_as_it_says() {
        let quirks = Quirks::parse(BUILT_IN).unwrap();
        assert_eq!(quirks, Quirks::built_in());
        assert_eq!(quirks.of("Nobody", "X"), Quirk::default());
        let (old, new) = (quirks.of("Yale", "YRD210 PB DB"), quirks.of("Yale", "YRD256 TSDB"));
        assert_eq!(
            (old.first_slot, old.whole_percent, new.first_slot, new.whole_percent),
            (Some(1), true, Some(1), false)
        );
        assert_eq!(quirks.of("Kwikset", "SMARTCODE_LEVER_5").first_slot, Some(0));
    }

    #[test]
    fn a_users_own_file_counts_before_what_is_built_in_key_by_key() {
        let own = "[[lock]]\nname = 'Mine'\nreason = 'mine'\nmanufacturer = 'Yale'\nsettle_ms = 900";
        let quirk = Quirks::built_in().and(Quirks::parse(own).unwrap()).of("Yale", "YRD256 TSDB");
        assert_eq!((quirk.settle, quirk.first_slot), (Duration::from_millis(900), Some(1)));
    }

    #[test]
    fn the_user_of_an_event_is_found_although_its_bytes_are_swapped() {
        let yale = Quirk { swapped_users: true, ..Quirk::default() };
        let slots = [0x0300, 3, 0x0101, NO_USER].map(|user| yale.slot_of_event(user, SlotNumber(1)));
        assert_eq!(slots, [Some(SlotNumber(3)), Some(SlotNumber(3)), Some(SlotNumber(0x0101)), None]);
    }

    #[test]
    fn events_count_users_from_their_own_first_number_on() {
        let quirk = Quirk { first_event_user: Some(60), ..Quirk::default() };
        let slots = [60, 61, 59].map(|user| quirk.slot_of_event(user, SlotNumber(1)));
        assert_eq!(slots, [Some(SlotNumber(1)), Some(SlotNumber(2)), None]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(refusal("answer_seconds = 90"), "lock \"X\": `answer_seconds` should be 1 to 30");
        assert!(refusal("code_lengths = [4, 12]").contains("`code_lengths`"));
        let unknown = refusal("colour = 'red'");
        assert!(unknown.contains("colour") && unknown.contains("line 5"), "{unknown}");
    }
}
