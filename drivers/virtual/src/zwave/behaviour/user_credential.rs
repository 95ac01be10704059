//! User Credential: users with PIN Codes. The PINs are the door's codes, slot by slot; whose they are is kept here.

use std::collections::BTreeMap;

use keyway_lock::{Pin, SlotNumber};
use keyway_zwave::cc::user_credential::{
    Credential, CredentialCapabilities, CredentialReport, CredentialReportType, CredentialTypeCapabilities,
    GENERAL_USER, Modifier, NameEncoding, Operation, PIN_CODE, SINGLE_RULE, User, UserCapabilities,
    UserCredentialCommand, UserReport, UserReportType, all_users_checksum, credential_checksum, user_checksum,
};

pub(super) use keyway_zwave::cc::user_credential::CLASS;

use super::{Lock, Reaction};
use crate::door::{By, Code, DoorError, DoorEvent};

const USER_SET: u8 = 0x05;
const CREDENTIAL_SET: u8 = 0x0A;
const ASSOCIATION_SET: u8 = 0x12;
/// Longest name of a user.
const NAME_LENGTH: u8 = 32;
/// Longest hash of a PIN, where PINs are not shown.
const HASH_LENGTH: u8 = 20;

/// Who there is, and whose the PINs are.
#[derive(Default)]
pub(super) struct Users {
    /// Users that were made over the air.
    made: BTreeMap<u16, User>,
    /// Whose a PIN is; of one that is not in here, the user of its slot's number.
    owners: BTreeMap<SlotNumber, u16>,
}

/// Whether a command changes users or credentials.
pub(super) fn is_change(command: &[u8]) -> bool {
    [USER_SET, CREDENTIAL_SET, ASSOCIATION_SET].iter().any(|change| command.starts_with(&[CLASS, *change]))
}

pub(super) fn handle(lock: &mut Lock, command: &[u8]) -> Option<Reaction> {
    use UserCredentialCommand as Command;
    let report = match Command::decode(command).ok()? {
        Command::UserCapabilitiesGet => Command::UserCapabilitiesReport(user_capabilities(lock)),
        Command::CredentialCapabilitiesGet => Command::CredentialCapabilitiesReport(credential_capabilities(lock)),
        Command::UserGet(id) => Command::UserReport(told_user(lock, id)),
        Command::CredentialGet { user, kind, slot } => Command::CredentialReport(told(lock, user, kind, slot)?),
        Command::UserSet(operation, user) => return Some(change_user(lock, operation, user)),
        Command::CredentialSet(operation, credential) => return Some(change_pin(lock, operation, &credential)),
        Command::AssociationSet { kind, slot, user } => {
            let here = SlotNumber(slot);
            let known = kind == PIN_CODE && user_of(lock, user).is_some() && lock.door.codes().contains_key(&here);
            if !known || lock.door.is_rejecting() {
                return Some(Reaction::Refused);
            }
            lock.users.owners.insert(here, user);
            Command::AssociationReport { kind, slot, user, status: 0 }
        }
        Command::AllUsersChecksumGet => Command::AllUsersChecksumReport(all_users_checksum(
            users(lock).into_iter().map(|user| (user.clone(), pins(lock, user.id))).collect(),
        )),
        Command::UserChecksumGet(id) => {
            let checksum = user_of(lock, id).map_or(0, |user| user_checksum(&user, pins(lock, id)));
            Command::UserChecksumReport { user: id, checksum }
        }
        Command::CredentialChecksumGet(kind) => {
            let checksum = if kind == PIN_CODE { credential_checksum(pins(lock, 0)) } else { 0 };
            Command::CredentialChecksumReport { kind, checksum }
        }
        _ => return None,
    };
    Some(Reaction::Answer(report.encode()))
}

/// What it reports to its lifeline of what a hand did; what the hub does is answered.
pub(super) fn report(lock: &mut Lock, event: DoorEvent) -> Option<Vec<u8>> {
    let report = match event {
        DoorEvent::CodeAdded(slot, By::Hand) => {
            UserCredentialCommand::CredentialReport(of_pin(lock, CredentialReportType::Added, slot))
        }
        // At the keypad a user goes with its PIN.
        DoorEvent::CodeDeleted(slot, By::Hand) => {
            let owner = lock.users.owners.remove(&slot).unwrap_or(slot.0);
            lock.users.made.remove(&owner);
            UserCredentialCommand::UserReport(deleted_user(owner, Modifier::Local))
        }
        DoorEvent::AllCodesDeleted(By::Hand) => {
            lock.users = Users::default();
            UserCredentialCommand::UserReport(deleted_user(0, Modifier::Local))
        }
        _ => return None,
    };
    Some(report.encode())
}

/// Event parameter of a notification about a PIN that was used: Credential Usage Data.
pub(super) fn usage(lock: &Lock, slot: SlotNumber) -> Vec<u8> {
    let ([user_high, user_low], [high, low]) = (owner(lock, slot).to_be_bytes(), slot.0.to_be_bytes());
    vec![user_high, user_low, 1, PIN_CODE, high, low]
}

fn user_capabilities(lock: &Lock) -> UserCapabilities {
    UserCapabilities {
        users: lock.setup.door.slots,
        rules: 1 << SINGLE_RULE,
        name_length: NAME_LENGTH,
        schedules: false,
        all_users_checksum: true,
        user_checksum: true,
        name_encodings: 1 << u8::from(NameEncoding::Ascii),
        types: vec![1 << GENERAL_USER],
    }
}

fn credential_capabilities(lock: &Lock) -> CredentialCapabilities {
    let length = |length: usize| u8::try_from(length).unwrap_or(u8::MAX);
    let pins = CredentialTypeCapabilities {
        kind: PIN_CODE,
        slots: lock.setup.door.slots,
        min_length: length(*lock.setup.door.pin_lengths.start()),
        max_length: length(*lock.setup.door.pin_lengths.end()),
        hash_length: if lock.door.is_masking() { HASH_LENGTH } else { 0 },
        ..CredentialTypeCapabilities::default()
    };
    CredentialCapabilities { checksum: true, types: vec![pins], ..CredentialCapabilities::default() }
}

fn owner(lock: &Lock, slot: SlotNumber) -> u16 {
    lock.users.owners.get(&slot).copied().unwrap_or(slot.0)
}

/// A user that was made, or one that came with a PIN set by hand.
fn user_of(lock: &Lock, id: u16) -> Option<User> {
    let by_hand = || {
        let name = format!("User-{id}").into_bytes();
        (!pins(lock, id).is_empty()).then(|| User::guest(id, NameEncoding::Ascii, name))
    };
    if id == 0 { None } else { lock.users.made.get(&id).cloned().or_else(by_hand) }
}

fn users(lock: &Lock) -> Vec<User> {
    (1..=lock.setup.door.slots).filter_map(|id| user_of(lock, id)).collect()
}

/// The PINs of a user, or of all: 0.
fn pins(lock: &Lock, user: u16) -> Vec<Credential> {
    let codes = lock.door.codes().iter().map(|(slot, code)| Credential::pin(owner(lock, *slot), slot.0, &code.pin));
    codes.filter(|pin| user == 0 || pin.user == user).collect()
}

fn told_user(lock: &Lock, id: u16) -> UserReport {
    let all = users(lock);
    let id = if id == 0 { all.first().map_or(0, |first| first.id) } else { id };
    let next = all.iter().map(|user| user.id).find(|other| *other > id).unwrap_or(0);
    match user_of(lock, id) {
        Some(user) => UserReport { next, ..of_user(lock, UserReportType::Answer, user) },
        None => UserReport { next, ..no_user(UserReportType::Answer, id) },
    }
}

fn of_user(lock: &Lock, kind: UserReportType, user: User) -> UserReport {
    let made = lock.users.made.contains_key(&user.id);
    let hub = lock.lifeline.first().copied().unwrap_or(1);
    let modifier = if made { Modifier::ZWave(hub.into()) } else { Modifier::Local };
    UserReport { kind, next: 0, modifier, user }
}

fn no_user(kind: UserReportType, id: u16) -> UserReport {
    UserReport { kind, next: 0, modifier: Modifier::Nobody, user: User::none(id) }
}

fn deleted_user(id: u16, modifier: Modifier) -> UserReport {
    UserReport { modifier, ..no_user(UserReportType::Deleted, id) }
}

/// A PIN as it is told; of a lock that hides them not even how long it is.
fn of_pin(lock: &Lock, kind: CredentialReportType, slot: SlotNumber) -> CredentialReport {
    let shown = !lock.door.is_masking();
    let (user, no_pin) = (owner(lock, slot), Credential::no_pin(0, slot.0));
    match lock.door.codes().get(&slot) {
        Some(code) => {
            let made = lock.users.made.contains_key(&user);
            let credential =
                if shown { Credential::pin(user, slot.0, &code.pin) } else { Credential { user, ..no_pin } };
            let modifier = if made { Modifier::ZWave(1) } else { Modifier::Local };
            CredentialReport { kind, credential, shown, modifier, next: (0, 0) }
        }
        None => CredentialReport { kind, credential: no_pin, shown, modifier: Modifier::Nobody, next: (0, 0) },
    }
}

/// The answer to a Credential Get. `None`: no such question.
fn told(lock: &Lock, user: u16, kind: u8, slot: u16) -> Option<CredentialReport> {
    if kind == 0 && slot != 0 {
        return None;
    }
    let slots: Vec<u16> = pins(lock, user).iter().map(|pin| pin.slot).collect();
    let of_kind = |_: &&u16| kind == 0 || kind == PIN_CODE;
    let found = slots.iter().filter(of_kind).find(|other| slot == 0 || **other == slot).copied();
    let after = found.unwrap_or(slot);
    let next = slots.iter().copied().find(|other| *other > after).map_or((0, 0), |next| (PIN_CODE, next));
    let answer = match found {
        Some(found) => of_pin(lock, CredentialReportType::Answer, SlotNumber(found)),
        None => {
            let none = of_pin(lock, CredentialReportType::Answer, SlotNumber(0));
            CredentialReport { credential: Credential { user, kind, ..Credential::no_pin(user, slot) }, ..none }
        }
    };
    Some(CredentialReport { next, ..answer })
}

fn change_user(lock: &mut Lock, operation: Operation, user: User) -> Reaction {
    let answer = |report: UserReport| Reaction::Answer(UserCredentialCommand::UserReport(report).encode());
    let refuse = |report: UserReport| Reaction::RefusedWith(UserCredentialCommand::UserReport(report).encode());
    if lock.door.is_rejecting() || user.id > lock.setup.door.slots {
        return Reaction::Refused;
    }
    let there = user_of(lock, user.id);
    match (operation, there) {
        (Operation::Delete, _) => {
            for pin in pins(lock, user.id) {
                remove(lock, SlotNumber(pin.slot));
            }
            match user.id {
                0 => lock.users.made.clear(),
                id => _ = lock.users.made.remove(&id),
            }
            answer(deleted_user(user.id, Modifier::ZWave(1)))
        }
        _ if user.id == 0 || user.kind != GENERAL_USER || user.rule != SINGLE_RULE => Reaction::Refused,
        (Operation::Add, Some(there)) => refuse(of_user(lock, UserReportType::AddRejected, there)),
        (Operation::Modify, None) => refuse(no_user(UserReportType::ModifyRejected, user.id)),
        (Operation::Modify, Some(there)) if there == user => answer(of_user(lock, UserReportType::Unchanged, there)),
        (Operation::Add | Operation::Modify, there) => {
            let kind = if there.is_some() { UserReportType::Modified } else { UserReportType::Added };
            for pin in pins(lock, user.id) {
                lock.door.set_enabled(SlotNumber(pin.slot), user.active);
            }
            lock.users.made.insert(user.id, user.clone());
            answer(of_user(lock, kind, user))
        }
    }
}

fn change_pin(lock: &mut Lock, operation: Operation, credential: &Credential) -> Reaction {
    use CredentialReportType as Kind;
    let slot = SlotNumber(credential.slot);
    let encode = |report: CredentialReport| UserCredentialCommand::CredentialReport(report).encode();
    if operation == Operation::Delete {
        return delete_pins(lock, credential);
    }
    if credential.kind != PIN_CODE || !lock.door.has_slot(slot) {
        return Reaction::Refused;
    }
    let refuse = |lock: &Lock, kind| Reaction::RefusedWith(encode(of_pin(lock, kind, slot)));
    let held = lock.door.codes().get(&slot).cloned();
    let owned = held.is_some() && owner(lock, slot) == credential.user;
    let Some(user) = user_of(lock, credential.user) else {
        let none = CredentialReport { kind: Kind::WrongUser, ..of_pin(lock, Kind::WrongUser, SlotNumber(0)) };
        return Reaction::RefusedWith(encode(CredentialReport { credential: nobodys(credential), ..none }));
    };
    match (operation, &held) {
        (Operation::Add, Some(_)) => return refuse(lock, Kind::AddRejected),
        (Operation::Modify, None) => return refuse(lock, Kind::ModifyRejected),
        (Operation::Modify, Some(_)) if !owned => return refuse(lock, Kind::WrongUser),
        _ => {}
    }
    let digits = std::str::from_utf8(credential.data.expose()).ok();
    let Some(pin) = digits.and_then(|digits| Pin::new(digits).ok()) else { return Reaction::Refused };
    if held.as_ref().is_some_and(|held| held.pin == pin) {
        return Reaction::Answer(encode(of_pin(lock, Kind::Unchanged, slot)));
    }
    match lock.door.set_code(slot, Code { pin, enabled: user.active }, By::Radio) {
        Ok(()) => {
            lock.users.owners.insert(slot, user.id);
            let kind = if held.is_some() { Kind::Modified } else { Kind::Added };
            Reaction::Answer(encode(of_pin(lock, kind, slot)))
        }
        Err(DoorError::Duplicate(_)) => {
            let none = of_pin(lock, Kind::Duplicate, slot);
            let credential = Credential { user: user.id, ..none.credential };
            Reaction::RefusedWith(encode(CredentialReport { credential, ..none }))
        }
        Err(DoorError::Rejecting) => refuse(lock, Kind::SecurityRules),
        // Passed over in silence.
        Err(_) => Reaction::Refused,
    }
}

/// As it was asked for, without what it was to be.
fn nobodys(credential: &Credential) -> Credential {
    Credential { kind: credential.kind, ..Credential::no_pin(credential.user, credential.slot) }
}

fn delete_pins(lock: &mut Lock, credential: &Credential) -> Reaction {
    let Credential { user, kind, slot, .. } = *credential;
    if lock.door.is_rejecting() || slot != 0 && (user == 0 || kind == 0) {
        return Reaction::Refused;
    }
    let meant = |pin: &Credential| (kind == 0 || kind == PIN_CODE) && (slot == 0 || pin.slot == slot);
    for pin in pins(lock, user).into_iter().filter(meant) {
        remove(lock, SlotNumber(pin.slot));
    }
    let report = CredentialReport {
        kind: CredentialReportType::Deleted,
        credential: nobodys(credential),
        shown: !lock.door.is_masking(),
        modifier: Modifier::ZWave(1),
        next: (0, 0),
    };
    Reaction::Answer(UserCredentialCommand::CredentialReport(report).encode())
}

/// Takes a PIN out, and forgets whose it was.
fn remove(lock: &mut Lock, slot: SlotNumber) {
    if lock.door.clear_code(slot, By::Radio).is_ok() {
        lock.users.owners.remove(&slot);
    }
}
