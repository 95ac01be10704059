//! The codes of a grant: one PIN for all its doors, and a slot reserved in each.

use std::collections::BTreeMap;
use std::time::Duration;

use keyway_lock::Pin;
use serde_json::Map;
use uuid::Uuid;

use super::outcome::Failure;
use super::parameter::{Whole, words};
use super::request::request;
use crate::model::{
    AccessCode, AccessGrant, AccessMethod, AccessMethodId, ApiError, CodeOrigin, Device, EventSubject, EventType,
    Presence, Timestamp, Window,
};
use crate::plan::pin::{self, NoPin};
use crate::plan::warn::{self, Health};
use crate::plan::{Moment, SlotTable, slot};
use crate::store::{StoreError, Unit};

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

/// Makes the methods of a grant, in the order of the wishes.
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

/// Ids that sort in the order in which they are given out: those of one millisecond do not by themselves.
fn ids<T: From<Uuid> + Ord>(unit: &mut Unit<'_>, count: usize) -> Vec<T> {
    let mut ids: Vec<T> = (0..count).map(|_| unit.id()).collect();
    ids.sort();
    ids
}

/// Makes one method: a PIN that suits all doors, a slot reserved in each. `place` is the wish's place in the request.
fn make_one(
    unit: &mut Unit<'_>,
    grant: &AccessGrant,
    devices: &[Device],
    id: AccessMethodId,
    wish: &Wish,
    place: usize,
) -> Result<(), Failure> {
    let mut tables = Vec::with_capacity(devices.len());
    for device in devices {
        tables.push(table(unit, device)?);
    }
    let doors: Vec<pin::Door> = tables.iter().map(|table| pin::Door::new(table, &grant.window, None)).collect();
    let pin = match &wish.code {
        Some(pin) => pin::check(pin, &doors).map(|()| pin.clone()),
        None => pin::choose(unit.rng(), &doors, wish.preferred_length),
    };
    let field = format!("requested_access_methods[{place}].{}", if wish.code.is_some() { "code" } else { "mode" });
    let pin = pin.map_err(|reason| refusal(&field, &reason, |door| devices.get(door)))?;
    let now = unit.now();
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
        created_at: now,
    };
    unit.insert_method(&method)?;
    for ((device, table), id) in devices.iter().zip(&tables).zip(ids(unit, devices.len())) {
        let full = |full: slot::Full| ApiError::invalid("device_ids", format!("{}: {full}", device.name));
        let mut code = AccessCode {
            access_code_id: id,
            origin: CodeOrigin::Grant {
                access_grant_id: grant.access_grant_id,
                access_method_id: method.access_method_id,
                user_identity_id: grant.user_identity_id,
            },
            device_id: device.device_id,
            slot: slot::choose(table, &grant.window, None, now).map_err(full)?,
            pin: Some(pin.clone()),
            window: grant.window,
            schedule: grant.schedule.clone(),
            deleted_at: None,
            presence: Presence::Absent,
            problem: None,
            created_at: now,
        };
        code.problem = warn::problem(&code, Health::of(device, false), moment(now));
        unit.insert_code(&code)?;
    }
    issue_before_start(unit, grant, &mut method)
}

/// Moves a grant's codes to its new window. A code that is in its lock stays in its slot: whatever was reserved there
/// for the new time makes way.
pub(super) fn change_window(unit: &mut Unit<'_>, grant: &AccessGrant) -> Result<(), Failure> {
    for mut method in unit.methods_of_grant(grant.access_grant_id)? {
        for code in unit.codes_of_method(method.access_method_id)? {
            if code.deleted_at.is_none() {
                move_code(unit, &code, &grant.window)?;
            }
        }
        issue_before_start(unit, grant, &mut method)?;
    }
    Ok(())
}

fn move_code(unit: &mut Unit<'_>, code: &AccessCode, window: &Window) -> Result<(), Failure> {
    let Some(device) = unit.device(code.device_id)? else { return Ok(()) };
    let now = unit.now();
    let table = table(unit, &device)?;
    let Some(pin) = &code.pin else {
        let message = "is over for so long that its PIN is forgotten: make a new access grant";
        return Err(ApiError::invalid("access_grant_id", message).into());
    };
    let door = pin::Door::new(&table, window, Some(code.access_code_id));
    pin::check(pin, &[door]).map_err(|reason| refusal("starts_at", &reason, |_| Some(&device)))?;
    let full = |full: slot::Full| ApiError::invalid("starts_at", format!("{}: {full}", device.name));
    let slot = if slot::may_keep(&table, code, window, now) {
        code.slot
    } else if code.presence == Presence::Absent {
        slot::choose(&table, window, Some(code.access_code_id), now).map_err(full)?
    } else {
        for rival in slot::rivals(&table, code, window, now) {
            let free = slot::choose(&table, &rival.window, Some(rival.access_code_id), now).map_err(full)?;
            unit.update_code(&AccessCode { slot: free, ..rival.clone() })?;
        }
        code.slot
    };
    let mut moved = AccessCode { slot, window: *window, problem: None, ..code.clone() };
    moved.problem = warn::problem(&moved, Health::of(&device, false), moment(now));
    Ok(unit.update_code(&moved)?)
}

/// Takes a deleted grant's codes back: they leave the locks as soon as these can be reached.
pub(super) fn withdraw(unit: &mut Unit<'_>, grant: &AccessGrant) -> Result<(), StoreError> {
    let now = unit.now();
    for method in unit.methods_of_grant(grant.access_grant_id)? {
        let codes = unit.codes_of_method(method.access_method_id)?;
        for code in codes.iter().filter(|code| code.deleted_at.is_none()) {
            unit.update_code(&AccessCode { deleted_at: Some(now), problem: None, ..code.clone() })?;
        }
        // What never was in a lock is revoked with this; the rest when its lock has proven that.
        if codes.iter().all(|code| code.presence == Presence::Absent && !code.window.is_over(now)) {
            tell(unit, EventType::AccessMethodRevoked, grant, &method)?;
        }
    }
    Ok(())
}

/// I4: before the window, a PIN that is fixed, reserved on every door and fits each lock may be handed out. With the
/// start a moment away, the locks' own proof is waited for: it is there as soon as anybody could use the PIN.
pub(super) fn issue_before_start(
    unit: &mut Unit<'_>,
    grant: &AccessGrant,
    method: &mut AccessMethod,
) -> Result<(), Failure> {
    let now = unit.now();
    if method.issued_at.is_some() || grant.window.starts_at <= now.after(IMMINENT) {
        return Ok(());
    }
    method.issued_at = Some(now);
    unit.update_method(method)?;
    Ok(tell(unit, EventType::AccessMethodIssued, grant, method)?)
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

pub(super) fn table(unit: &mut Unit<'_>, device: &Device) -> Result<SlotTable, Failure> {
    let capabilities = device.info.as_ref().map(|info| info.capabilities.clone());
    let capabilities = capabilities.ok_or_else(|| ApiError::invalid("device_ids", "is not ready yet"))?;
    let words = unit.slots(device.device_id)?.into_iter().map(|word| (word.report, word.told_at));
    Ok(SlotTable::new(capabilities, words, unit.live_codes(device.device_id)?))
}

fn refusal<'a>(field: &str, reason: &NoPin, device: impl Fn(usize) -> Option<&'a Device>) -> ApiError {
    match reason {
        NoPin::Refused { door, reason } => {
            let name = device(*door).map_or("a door", |device| device.name.as_str());
            ApiError::invalid(field, format!("{name}: {reason}"))
        }
        NoPin::NoCommonLength | NoPin::NoCommonDigits => ApiError::invalid("device_ids", reason.to_string()),
        NoPin::NoneLeft => ApiError::invalid(field, reason.to_string()),
    }
}

/// An operation is asked for by a person who sees the clock: its times are taken as they are. Whether the lock may be
/// written by that clock is the reconciler's to judge (I6).
pub(super) fn moment(utc: Timestamp) -> Moment {
    Moment { utc, trusted: true }
}
