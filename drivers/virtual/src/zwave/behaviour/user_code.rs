//! User Code, versions 1 and 2.

use keyway_lock::{Pin, SlotNumber};
use keyway_zwave::cc::user_code::{
    CodeBytes, UserCode, UserCodeCapabilities, UserCodeCommand, UserIdStatus, keypad_mode, number_of,
};

pub(super) use keyway_zwave::cc::user_code::CLASS;

use super::{Lock, Reaction};
use crate::door::{By, Code, DoorEvent};

const SET: u8 = 0x01;
const USERS_NUMBER_REPORT: u8 = 0x05;
const EXTENDED_SET: u8 = 0x0B;

/// Codes in one Extended Report: what fits a frame under S2.
const CODES_A_REPORT: usize = 2;

/// Whether a command changes codes.
pub(super) fn is_change(command: &[u8]) -> bool {
    command.starts_with(&[CLASS, SET]) || command.starts_with(&[CLASS, EXTENDED_SET])
}

pub(super) fn handle(lock: &mut Lock, command: &[u8]) -> Option<Reaction> {
    let command = UserCodeCommand::decode(command).ok()?;
    let second = lock.setup.user_code_version >= 2;
    let answer = |report: UserCodeCommand| Some(Reaction::Answer(report.encode()));
    match command {
        UserCodeCommand::Set(code) => Some(change(lock, &[code])),
        UserCodeCommand::Get(user) => answer(UserCodeCommand::Report(content(lock, user))),
        UserCodeCommand::UsersNumberGet if second => answer(UserCodeCommand::UsersNumberReport(lock.setup.door.slots)),
        UserCodeCommand::UsersNumberGet => {
            let slots = u8::try_from(lock.setup.door.slots).unwrap_or(u8::MAX);
            Some(Reaction::Answer(vec![CLASS, USERS_NUMBER_REPORT, slots]))
        }
        UserCodeCommand::CapabilitiesGet if second => answer(UserCodeCommand::CapabilitiesReport(capabilities())),
        UserCodeCommand::KeypadModeGet if second => answer(mode(lock)),
        UserCodeCommand::KeypadModeSet(mode) if second => match keypad_mode(mode) {
            Some(mode) if !lock.door.is_rejecting() => {
                lock.door.set_keypad(mode, By::Radio);
                Some(Reaction::Done)
            }
            _ => Some(Reaction::Refused),
        },
        UserCodeCommand::AdminCodeGet if second => answer(UserCodeCommand::AdminCodeReport(admin_code(lock))),
        UserCodeCommand::AdminCodeSet(code) if second => Some(set_admin_code(lock, &code)),
        UserCodeCommand::ExtendedSet(codes) if second => Some(change(lock, &codes)),
        UserCodeCommand::ExtendedGet { user, more } if second => answer(extended(lock, user, more)),
        UserCodeCommand::ChecksumGet if second => answer(UserCodeCommand::ChecksumReport(checksum(lock))),
        _ => None,
    }
}

/// What the lock reports by itself: that its keypad lets others in, as somebody at it wished.
pub(super) fn report(lock: &Lock, event: DoorEvent) -> Option<Vec<u8>> {
    let able = lock.setup.codes_by.has_user_code() && lock.setup.user_code_version >= 2;
    matches!(event, DoorEvent::KeypadMode(_, By::Hand)).then(|| mode(lock).encode()).filter(|_| able)
}

fn mode(lock: &Lock) -> UserCodeCommand {
    UserCodeCommand::KeypadModeReport(number_of(lock.door.keypad()))
}

/// One that hides its codes hides this as well.
fn admin_code(lock: &Lock) -> CodeBytes {
    match lock.door.admin_code() {
        Some(code) if lock.door.is_masking() => CodeBytes::from(&vec![b'*'; code.digits()][..]),
        Some(code) => CodeBytes::from(code),
        None => CodeBytes::default(),
    }
}

fn set_admin_code(lock: &mut Lock, code: &CodeBytes) -> Reaction {
    let pin = std::str::from_utf8(code.expose()).ok().and_then(|digits| Pin::new(digits).ok());
    if pin.is_none() && !code.expose().is_empty() {
        return Reaction::Refused;
    }
    match lock.door.set_admin_code(pin, By::Radio) {
        Ok(()) => Reaction::Done,
        Err(_) => Reaction::Refused,
    }
}

/// Event parameter of a notification about a user: a User Code Report (Notification type list, Access Control 5, 6, 13, 14).
/// The digits stay out of it, as with many locks.
pub(super) fn event_parameter(lock: &Lock, slot: SlotNumber) -> Vec<u8> {
    if let Some(first) = lock.setup.oddities.first_event_user {
        return vec![u8::try_from(first.saturating_add(slot.0).saturating_sub(1)).unwrap_or(u8::MAX)];
    }
    let code = UserCode { code: CodeBytes::cleared(), ..content(lock, slot) };
    if slot.0 <= u8::MAX.into() {
        UserCodeCommand::Report(code).encode()
    } else {
        UserCodeCommand::ExtendedReport { codes: vec![code], next: SlotNumber(0) }.encode()
    }
}

/// All or nothing is not promised: those before one that is refused stay changed.
fn change(lock: &mut Lock, codes: &[UserCode]) -> Reaction {
    for code in codes {
        if let Some(now) = lock.now.filter(|_| lock.setup.oddities.settle_ms > 0) {
            let old = content(lock, code.user);
            lock.old.insert(code.user, (now + lock.setup.oddities.settle(), old));
        }
        // One that is not as long as it should be is dropped without a word.
        let taken = code.status == UserIdStatus::Available
            || code.code.expose().len() == usize::from(lock.setup.oddities.code_length.unwrap_or(0));
        if lock.setup.oddities.code_length.is_some() && !taken {
            continue;
        }
        let changed = match (code.status, code.user) {
            (UserIdStatus::Available, SlotNumber(0)) => lock.door.clear_all_codes(By::Radio).is_ok(),
            (UserIdStatus::Available, slot) => lock.door.clear_code(slot, By::Radio).is_ok(),
            (status @ (UserIdStatus::Enabled | UserIdStatus::Disabled), slot) => {
                let digits = std::str::from_utf8(code.code.expose()).ok();
                let pin = digits.and_then(|digits| Pin::new(digits).ok());
                let enabled = status == UserIdStatus::Enabled;
                pin.is_some_and(|pin| lock.door.set_code(slot, Code { pin, enabled }, By::Radio).is_ok())
            }
            _ => false,
        };
        if !changed {
            return Reaction::Refused;
        }
    }
    Reaction::Done
}

fn content(lock: &Lock, user: SlotNumber) -> UserCode {
    if let Some((_, old)) = lock.old.get(&user) {
        return old.clone();
    }
    let Some(code) = lock.door.codes().get(&user) else {
        // A slot that is not there: status not available.
        let status = if lock.door.has_slot(user) { UserIdStatus::Available } else { UserIdStatus::NotAvailable };
        return UserCode { status, ..UserCode::cleared(user) };
    };
    let digits = if lock.door.is_masking() {
        CodeBytes::from(&vec![b'*'; code.pin.digits()][..])
    } else {
        CodeBytes::from(&code.pin)
    };
    let status = if code.enabled { UserIdStatus::Enabled } else { UserIdStatus::Disabled };
    UserCode { user, status, code: digits }
}

fn extended(lock: &Lock, user: SlotNumber, more: bool) -> UserCodeCommand {
    let after = |slot: SlotNumber| lock.door.codes().range(SlotNumber(slot.0.saturating_add(1))..).next();
    let next_taken = |slot| after(slot).map_or(SlotNumber(0), |(next, _)| *next);
    let mut codes = vec![content(lock, user)];
    let mut last = user;
    while more && codes.len() < CODES_A_REPORT && next_taken(last) != SlotNumber(0) {
        last = next_taken(last);
        codes.push(content(lock, last));
    }
    UserCodeCommand::ExtendedReport { codes, next: next_taken(last) }
}

fn checksum(lock: &Lock) -> u16 {
    let code = |(slot, code): (&SlotNumber, &Code)| UserCode {
        status: if code.enabled { UserIdStatus::Enabled } else { UserIdStatus::Disabled },
        ..UserCode::enabled(*slot, &code.pin)
    };
    keyway_zwave::cc::user_code::checksum(lock.door.codes().iter().map(code).collect())
}

fn capabilities() -> UserCodeCapabilities {
    UserCodeCapabilities {
        checksum: true,
        multiple_report: true,
        multiple_set: true,
        // Available, enabled, disabled.
        statuses: vec![0x07],
        // Normal, vacation, privacy, locked out.
        keypad_modes: vec![0x0F],
        // The digits 0 to 9.
        keys: vec![0, 0, 0, 0, 0, 0, 0xFF, 0x03],
        admin_code: true,
        admin_code_deactivation: true,
    }
}
