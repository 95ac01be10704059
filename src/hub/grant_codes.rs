//! The codes of a grant: one PIN for all its doors, and a slot reserved in each.

use std::collections::BTreeMap;
use std::time::Duration;

use keyway_lock::Pin;
use serde_json::Map;

use super::outcome::Failure;
use super::parameter::{Whole, words};
use super::promise::{self, Times, Wanted, ids};
use super::request::request;
use crate::model::{AccessGrant, AccessMethod, AccessMethodId, ApiError, CodeOrigin, Device, EventSubject, EventType};
use crate::store::{CodeFilter, StoreError, Unit};

/// A start no further away than a lock takes to be written.
const IMMINENT: Duration = Duration::from_secs(3);
/// Methods in one grant; each takes a slot in every door.
const MOST_METHODS: usize = 10;

request! {
    /// One requested access method.
    pub(super) struct RequestedAccessMethod {
        /// How: "code".
        mode: Mode,
        /// This PIN; refused where a door can't take it.
        code: Option<Pin>,
        /// A PIN with so many digits, where all doors take such.
        preferred_code_length: Option<Whole<4, 10>>,
    }
}

words! {
    /// How somebody gets in.
    pub(super) enum Mode {
        /// A PIN at the keypad.
        Code = "code",
        /// A card.
        Card = "card",
        /// A key on a telephone.
        MobileKey = "mobile_key",
        /// A key in a cloud.
        CloudKey = "cloud_key",
    }
}

/// A requested access method that a local hub can make.
pub(super) struct Wish {
    code: Option<Pin>,
    preferred_length: Option<u8>,
}

impl Wish {
    /// Checks `requested_access_methods`.
    ///
    /// # Errors
    /// With every one that can't be made.
    pub(super) fn read_all(requested: Vec<RequestedAccessMethod>) -> Result<Vec<Self>, ApiError> {
        const FIELD: &str = "requested_access_methods";
        if requested.is_empty() || requested.len() > MOST_METHODS {
            let message = format!("give 1 to {MOST_METHODS}, such as [{{\"mode\":\"code\"}}]");
            return Err(ApiError::invalid(FIELD, message));
        }
        let mut fields = BTreeMap::new();
        let mut wishes = Vec::with_capacity(requested.len());
        for (place, asked) in requested.into_iter().enumerate() {
            if asked.mode != Mode::Code {
                let message =
                    "a local hub makes PIN codes only: use \"code\" (cards, mobile and cloud keys need a cloud)";
                fields.insert(format!("{FIELD}[{place}].mode"), vec![message.to_owned()]);
            }
            if asked.code.is_some() && asked.preferred_code_length.is_some() {
                let message = "give code or preferred_code_length, not both";
                fields.insert(format!("{FIELD}[{place}].preferred_code_length"), vec![message.to_owned()]);
            }
            let preferred_length = asked.preferred_code_length.and_then(|Whole(length)| u8::try_from(length).ok());
            wishes.push(Self { code: asked.code, preferred_length });
        }
        if fields.is_empty() { Ok(wishes) } else { Err(ApiError::invalid_fields(fields)) }
    }

    /// Whether this wish made the method.
    pub(super) fn is_for(&self, method: &AccessMethod) -> bool {
        if self.code.is_some() || method.requested {
            return method.requested && self.code == method.pin;
        }
        let length = method.pin.as_ref().and_then(|pin| u8::try_from(pin.digits()).ok());
        let got = method.refused_length.or(length);
        self.preferred_length.is_none_or(|wanted| Some(wanted) == got)
    }
}

/// Makes the methods of a grant, in the order of the wishes: each a PIN that suits all doors, a slot reserved in each.
pub(super) fn make(
    unit: &mut Unit<'_>,
    grant: &AccessGrant,
    devices: &[Device],
    wishes: &[Wish],
) -> Result<(), Failure> {
    for (place, (wish, id)) in wishes.iter().zip(ids(unit, wishes.len())).enumerate() {
        make_one(unit, grant, devices, id, wish, place)?;
    }
    Ok(())
}

/// `place` is the wish's place in the request.
fn make_one(
    unit: &mut Unit<'_>,
    grant: &AccessGrant,
    devices: &[Device],
    id: AccessMethodId,
    wish: &Wish,
    place: usize,
) -> Result<(), Failure> {
    let tables = promise::tables(unit, devices, &grant.window)?;
    let field = format!("requested_access_methods[{place}].{}", if wish.code.is_some() { "code" } else { "mode" });
    let wanted = Wanted { code: wish.code.as_ref(), preferred_length: wish.preferred_length, field: &field };
    let pin = promise::pin(unit, devices, &tables, &grant.window, &wanted)?;
    let mut method = AccessMethod {
        access_method_id: id,
        access_grant_id: grant.access_grant_id,
        requested: wish.code.is_some(),
        refused_length: wish.preferred_length.filter(|length| usize::from(*length) != pin.digits()),
        pin: Some(pin.clone()),
        issued_at: None,
        deleted_at: None,
        revoked_at: None,
        failed_at: None,
        created_at: unit.now(),
    };
    unit.insert_method(&method)?;
    tell(unit, EventType::AccessMethodCreated, grant, &method)?;
    for (door, id) in devices.iter().zip(&tables).zip(ids(unit, devices.len())) {
        promise::reserve(unit, door, id, origin(grant, &method), &pin, &times(grant))?;
    }
    issue_before_start(unit, grant, &mut method)
}

/// Moves a grant's codes to its new times.
pub(super) fn change_times(unit: &mut Unit<'_>, grant: &AccessGrant) -> Result<(), Failure> {
    for method in living_methods(unit, grant)? {
        for code in unit.codes(&codes_of(&method))? {
            promise::retime(unit, &code, &times(grant))?;
        }
        // It may have failed by that.
        let Some(mut method) = unit.method(method.access_method_id)? else { continue };
        // It may have been over, and its codes out.
        method.revoked_at = None;
        unit.update_method(&method)?;
        issue_before_start(unit, grant, &mut method)?;
    }
    Ok(())
}

/// Has those codes of a grant tried again that their locks could not take, or refused.
pub(super) fn try_again(unit: &mut Unit<'_>, grant: &AccessGrant) -> Result<(), Failure> {
    for method in living_methods(unit, grant)? {
        for code in unit.codes(&codes_of(&method))? {
            promise::try_again(unit, code)?;
        }
    }
    Ok(())
}

/// Takes a deleted grant's codes back: they leave the locks as soon as these can be reached.
pub(super) fn withdraw(unit: &mut Unit<'_>, grant: &AccessGrant) -> Result<(), StoreError> {
    living_methods(unit, grant)?.iter().try_for_each(|method| withdraw_codes(unit, method))
}

/// Deletes one method of a grant that stays: its codes leave the locks likewise.
pub(super) fn withdraw_method(
    unit: &mut Unit<'_>,
    grant: &AccessGrant,
    method: &AccessMethod,
) -> Result<(), StoreError> {
    let deleted = AccessMethod { deleted_at: Some(unit.now()), ..method.clone() };
    unit.update_method(&deleted)?;
    tell(unit, EventType::AccessMethodDeleted, grant, &deleted)?;
    withdraw_codes(unit, &deleted)
}

fn withdraw_codes(unit: &mut Unit<'_>, method: &AccessMethod) -> Result<(), StoreError> {
    for code in unit.codes(&codes_of(method))? {
        promise::take_back(unit, &code)?;
    }
    // What never was in a lock is revoked with this; the rest when its lock has proven that.
    unit.settle_method(method.access_method_id)
}

/// I4: before the time, a PIN that is fixed, reserved on every door and fits each lock may be handed out. With that a
/// moment away, the locks' own proof is waited for: it is there as soon as anybody could use the PIN.
pub(super) fn issue_before_start(
    unit: &mut Unit<'_>,
    grant: &AccessGrant,
    method: &mut AccessMethod,
) -> Result<(), Failure> {
    let now = unit.now();
    let next = grant.window.occurrence(grant.schedule.as_ref(), now);
    if method.issued_at.is_some() || next.is_none_or(|next| next.starts_at <= now.after(IMMINENT)) {
        return Ok(());
    }
    issue(unit, grant, method)
}

/// The PIN may be handed out from now on.
pub(super) fn issue(unit: &mut Unit<'_>, grant: &AccessGrant, method: &mut AccessMethod) -> Result<(), Failure> {
    method.issued_at = Some(unit.now());
    unit.update_method(method)?;
    Ok(tell(unit, EventType::AccessMethodIssued, grant, method)?)
}

pub(super) fn living_methods(unit: &mut Unit<'_>, grant: &AccessGrant) -> Result<Vec<AccessMethod>, StoreError> {
    let mut methods = unit.methods_of_grant(grant.access_grant_id)?;
    methods.retain(|method| method.deleted_at.is_none());
    Ok(methods)
}

pub(super) fn codes_of(method: &AccessMethod) -> CodeFilter {
    CodeFilter { method: Some(method.access_method_id), not_deleted: true, ..CodeFilter::default() }
}

pub(super) fn origin(grant: &AccessGrant, method: &AccessMethod) -> CodeOrigin {
    CodeOrigin::Grant {
        access_grant_id: grant.access_grant_id,
        access_method_id: method.access_method_id,
        user_identity_id: grant.user_identity_id,
    }
}

pub(super) fn times(grant: &AccessGrant) -> Times {
    Times { window: grant.window, schedule: grant.schedule.clone() }
}

pub(super) fn tell(
    unit: &mut Unit<'_>,
    event: EventType,
    grant: &AccessGrant,
    method: &AccessMethod,
) -> Result<(), StoreError> {
    let subject = EventSubject {
        access_grant_id: Some(grant.access_grant_id),
        access_method_id: Some(method.access_method_id),
        user_identity_id: Some(grant.user_identity_id),
        ..EventSubject::default()
    };
    unit.emit(event, subject, Map::new())
}
