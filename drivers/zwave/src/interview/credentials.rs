//! What the users and the PINs of a lock with User Credential can be.

use super::stage::{InterviewAsk, LEARNED, Stage};
use crate::cc::user_credential::{
    self, CredentialCapabilities, CredentialTypeCapabilities, UserCapabilities, UserCredentialCommand,
};
use crate::node::table::{PinFacts, UserFacts};

/// Fewest and most digits of any PIN ([`keyway_lock::Pin`]).
const DIGITS: (u8, u8) = (4, 10);

pub(super) const USER_CAPABILITIES: Stage = Stage {
    name: "what its users can be",
    ask: |record, _| {
        if !record.supports(user_credential::CLASS) || record.credential_users.is_some() {
            return Vec::new();
        }
        let example = UserCredentialCommand::UserCapabilitiesReport(UserCapabilities::default()).encode();
        vec![InterviewAsk::kind_of_report(UserCredentialCommand::UserCapabilitiesGet.encode(), &example)]
    },
    learn: |record, _, heard| match UserCredentialCommand::decode(heard.report()?).ok()? {
        UserCredentialCommand::UserCapabilitiesReport(told) => {
            record.credential_users = Some(UserFacts {
                guests: if told.has_guests() { told.users } else { 0 },
                name_length: told.name_length,
                name_encoding: told.name_encoding().into(),
            });
            LEARNED
        }
        _ => None,
    },
};

pub(super) const CREDENTIAL_CAPABILITIES: Stage = Stage {
    name: "what its credentials can be",
    ask: |record, _| {
        if !record.supports(user_credential::CLASS) || record.credential_pins.is_some() {
            return Vec::new();
        }
        let example = UserCredentialCommand::CredentialCapabilitiesReport(CredentialCapabilities::default()).encode();
        vec![InterviewAsk::kind_of_report(UserCredentialCommand::CredentialCapabilitiesGet.encode(), &example)]
    },
    learn: |record, _, heard| match UserCredentialCommand::decode(heard.report()?).ok()? {
        UserCredentialCommand::CredentialCapabilitiesReport(told) => {
            record.credential_pins = Some(pin_facts(&told));
            LEARNED
        }
        _ => None,
    },
};

/// What its capabilities mean for PINs that guests can have.
fn pin_facts(told: &CredentialCapabilities) -> PinFacts {
    const NONE: PinFacts = PinFacts { slots: 0, min_length: 0, max_length: 0, checksum: false };
    let (fewest, most) = DIGITS;
    let digits = |length: u8| length.clamp(fewest, most);
    // Those that are too long or too short for anybody, or can only be learned at the lock (0), are none.
    let usable = |pins: &&CredentialTypeCapabilities| pins.min_length <= most && pins.max_length >= fewest;
    told.pins().filter(usable).map_or(NONE, |pins| PinFacts {
        slots: pins.slots,
        min_length: digits(pins.min_length),
        max_length: digits(pins.max_length),
        checksum: told.checksum,
    })
}
