//! Choosing one PIN that satisfies all doors at once, or saying why a requested one does not.

use keyway_lock::{Capabilities, Pin, SlotContent};
use rand::CryptoRng;
use zeroize::Zeroizing;

use super::facts::SlotTable;
use crate::model::{AccessCode, AccessCodeId, CodeProblem, Presence, ProblemKind, Timestamp, Window};

/// Digits, if nobody asks for another length.
const DEFAULT_LENGTH: u8 = 6;
/// Tries at one length before another is taken. A door with every second PIN taken fails 1000 times once in 10^301.
const TRIES: u32 = 1000;

/// What one door asks of a PIN.
#[derive(Debug, Clone)]
pub struct Door {
    /// What the lock takes.
    pub capabilities: Capabilities,
    /// PINs that are or will be on this door in an overlapping time.
    pub taken: Vec<Pin>,
}

impl Door {
    /// The door of this slot table, for a window. `except` is the code itself, when its window changes.
    ///
    /// A code of another time is in nobody's way, though it may still be in the lock: it leaves before the next goes in.
    /// Unless it can't be taken out.
    pub fn new(table: &SlotTable, window: &Window, except: Option<AccessCodeId>) -> Self {
        let matters = |code: &&AccessCode| {
            let planned = code.deleted_at.is_none() && code.window.overlaps(window);
            Some(code.access_code_id) != except && (planned || is_stuck(code))
        };
        let ours = table.codes.iter().filter(matters).filter_map(|code| code.pin.clone());
        let foreign = table.words.iter().filter(|(slot, _)| table.is_foreign(**slot));
        let shown = foreign.filter_map(|(_, word)| match &word.content {
            SlotContent::Code(pin) => Some(pin.clone()),
            SlotContent::Free | SlotContent::Hidden | SlotContent::Unusable => None,
        });
        Self { capabilities: table.capabilities.clone(), taken: ours.chain(shown).collect() }
    }
}

/// Why a PIN can't be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPin {
    /// This door does not take the PIN asked for.
    #[error("{reason}")]
    Refused {
        /// Which, by its place in the doors given.
        door: usize,
        /// Why, in plain words; never the PIN.
        reason: String,
    },
    /// No length is taken by all doors.
    #[error("no PIN length is taken by all of these doors: split them over several access grants")]
    NoCommonLength,
    /// No digits are on all keypads.
    #[error("these doors have no two digits in common: split them over several access grants")]
    NoCommonDigits,
    /// Everything is taken.
    #[error("no PIN is left that is unlike every other one on these doors")]
    NoneLeft,
}

/// Whether every door takes this PIN.
///
/// # Errors
/// [`NoPin::Refused`] with the first door that does not.
pub fn check(pin: &Pin, doors: &[Door]) -> Result<(), NoPin> {
    for (door, asks) in doors.iter().enumerate() {
        asks.capabilities.check(pin).map_err(|refusal| NoPin::Refused { door, reason: refusal.to_string() })?;
        if asks.taken.iter().any(|other| asks.capabilities.alike.collide(pin, other)) {
            let reason = "another code on this door is the same to its keypad, or begins like it".to_owned();
            return Err(NoPin::Refused { door, reason });
        }
    }
    Ok(())
}

/// Whether this code's PIN may stay at other times. What it bears with already is no hindrance: a stay can be cut short
/// although somebody has set a PIN like the guest's by hand since. A code that was over bears with nothing.
///
/// # Errors
/// [`NoPin::Refused`], with door 0.
pub fn check_moved(
    pin: &Pin,
    table: &SlotTable,
    code: &AccessCode,
    window: &Window,
    now: Timestamp,
) -> Result<(), NoPin> {
    let mut door = Door::new(table, window, Some(code.access_code_id));
    if !code.window.is_over(now) {
        let meets = |other: &AccessCode, window| other.deleted_at.is_none() && other.window.overlaps(window);
        let other = |other: &&AccessCode| other.access_code_id != code.access_code_id;
        let new = table.codes.iter().filter(other).filter(|other| meets(other, window) && !meets(other, &code.window));
        door.taken = new.filter_map(|other| other.pin.clone()).collect();
    }
    check(pin, &[door])
}

/// Chooses a PIN: of the preferred length if all doors take it, else of the nearest that all take. Never a trivial one.
///
/// # Errors
/// [`NoPin`].
pub fn choose(rng: &mut impl CryptoRng, doors: &[Door], preferred: Option<u8>) -> Result<Pin, NoPin> {
    let digits = common_digits(doors);
    if digits.len() < 2 {
        return Err(NoPin::NoCommonDigits);
    }
    let wanted = preferred.unwrap_or(DEFAULT_LENGTH);
    let mut lengths = common_lengths(doors);
    // The nearest first; of two equally near ones the longer, which is harder to guess.
    lengths.sort_by_key(|length| (length.abs_diff(wanted), std::cmp::Reverse(*length)));
    if lengths.is_empty() {
        return Err(NoPin::NoCommonLength);
    }
    for length in lengths {
        for _ in 0..TRIES {
            let Ok(pin) = Pin::new(&random(rng, &digits, length)) else { break };
            if !is_trivial(pin.expose()) && check(&pin, doors).is_ok() {
                return Ok(pin);
            }
        }
    }
    Err(NoPin::NoneLeft)
}

/// Whether a code does not leave its lock.
pub(super) fn is_stuck(code: &AccessCode) -> bool {
    let refused = |problem: &CodeProblem| problem.kind == ProblemKind::FailedToRemove;
    code.presence != Presence::Absent && code.problem.as_ref().is_some_and(refused)
}

fn common_lengths(doors: &[Door]) -> Vec<u8> {
    let fits = |length: &u8| {
        doors.iter().all(|d| (d.capabilities.min_code_length..=d.capabilities.max_code_length).contains(length))
    };
    let range = u8::try_from(Pin::MIN_LEN).unwrap_or(4)..=u8::try_from(Pin::MAX_LEN).unwrap_or(10);
    range.filter(fits).collect()
}

fn common_digits(doors: &[Door]) -> Vec<char> {
    ('0'..='9').filter(|digit| doors.iter().all(|door| door.capabilities.digits.contains(*digit))).collect()
}

/// Uniform digits: bytes that would favour the first digits are thrown away.
fn random(rng: &mut impl CryptoRng, digits: &[char], length: u8) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(usize::from(length)));
    let fair = 256 - 256 % digits.len();
    let mut byte = Zeroizing::new([0]);
    while text.len() < usize::from(length) {
        rng.fill_bytes(&mut *byte);
        let value = usize::from(byte[0]);
        if value < fair {
            text.extend(digits.get(value % digits.len()));
        }
    }
    text
}

/// Whether somebody would guess it: all the same, a staircase, a repeated pair, or a year.
fn is_trivial(digits: &str) -> bool {
    let bytes = digits.as_bytes();
    let steps: Vec<i16> = bytes.windows(2).map(|two| i16::from(two[1]) - i16::from(two[0])).collect();
    let staircase = [0, 1, -1].iter().any(|step| steps.iter().all(|s| s == step));
    let pairs = bytes.len() >= 4 && bytes.iter().skip(2).zip(bytes).all(|(a, b)| a == b);
    let year = bytes.len() == 4 && (digits.starts_with("19") || digits.starts_with("20"));
    staircase || pairs || year
}
