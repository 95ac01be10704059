//! Operations on access grants.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::access_codes::Shown;
use super::grant_codes::{self, Wish};
use super::input::Input;
use super::outcome::{Failure, Outcome, no_access_grant, no_user_identity, nothing, one};
use super::user_identities::{self, Person};
use crate::model::{
    AccessCode, AccessGrant, AccessGrantId, AccessMethod, ApiError, CodeStatus, Device, DeviceId, EventSubject,
    EventType, ProblemKind, Timestamp, UserIdentityId, Window, WorkspaceId,
};
use crate::store::{GrantFilter, StoreError, Unit};

pub(super) fn create(unit: &mut Unit<'_>, mut input: Input) -> Outcome {
    let order = Order::read(&mut input, unit.now());
    input.finish()?;
    let Some(order) = order else { return nothing() };
    if let Some(key) = &order.key
        && let Some(known) = unit.grant_by_key(key)?
    {
        if !order.is_for(unit, &known)? {
            let message = "belongs to another access grant: use another key, or update or delete that grant";
            return Err(ApiError::invalid("access_grant_key", message).into());
        }
        return one("access_grant", of(unit, &known, Shown::ToTheHost)?);
    }
    let devices = devices(unit, &order.device_ids)?;
    let user_identity_id = match order.who {
        Who::Known(id) => unit.user_identity(id)?.ok_or_else(no_user_identity)?.user_identity_id,
        Who::New(person) => user_identities::insert(unit, person)?.user_identity_id,
    };
    let now = unit.now();
    let grant = AccessGrant {
        access_grant_id: unit.id(),
        access_grant_key: order.key,
        user_identity_id,
        name: order.name,
        device_ids: devices.iter().map(|device| device.device_id).collect(),
        window: Window { starts_at: order.starts_at.unwrap_or(now), ends_at: order.ends_at },
        created_at: now,
        deleted_at: None,
    };
    unit.insert_grant(&grant)?;
    tell(unit, EventType::AccessGrantCreated, &grant)?;
    grant_codes::make(unit, &grant, &devices, &order.wishes)?;
    one("access_grant", of(unit, &grant, Shown::ToTheHost)?)
}

pub(super) fn get(unit: &mut Unit<'_>, mut input: Input) -> Outcome {
    let named = Named::read(&mut input);
    input.finish()?;
    let grant = named.find(unit)?;
    one("access_grant", of(unit, &grant, Shown::ToTheHost)?)
}

pub(super) fn list(unit: &mut Unit<'_>, mut input: Input) -> Outcome {
    let ids: Option<Vec<AccessGrantId>> = input.ids("access_grant_ids");
    let user: Option<UserIdentityId> = input.id("user_identity_id");
    let device: Option<DeviceId> = input.id("device_id");
    let key = input.nullable_text("access_grant_key");
    let limit = input.number("limit", 1..=10_000).and_then(|limit| usize::try_from(limit).ok());
    input.finish()?;
    let fits = |grant: &&AccessGrant| {
        ids.as_ref().is_none_or(|ids| ids.contains(&grant.access_grant_id))
            && key.as_ref().is_none_or(|key| *key == grant.access_grant_key)
    };
    let grants = unit.grants(&GrantFilter { user, device })?;
    let chosen = grants.iter().filter(fits).take(limit.unwrap_or(usize::MAX));
    let shown: Vec<Value> = chosen.map(|grant| of(unit, grant, Shown::ToTheHost)).collect::<Result<_, _>>()?;
    one("access_grants", shown.into())
}

pub(super) fn update(unit: &mut Unit<'_>, mut input: Input) -> Outcome {
    let named = Named::read(&mut input);
    let name = input.nullable_text("name");
    let (starts_at, ends_at) = (input.time("starts_at"), input.nullable_time("ends_at"));
    input.finish()?;
    let old = named.find(unit)?;
    let window =
        Window { starts_at: starts_at.unwrap_or(old.window.starts_at), ends_at: ends_at.unwrap_or(old.window.ends_at) };
    if window != old.window {
        check_window(&window, unit.now())?;
    }
    let new = AccessGrant { name: name.unwrap_or_else(|| old.name.clone()), window, ..old.clone() };
    if new != old {
        unit.update_grant(&new)?;
    }
    if window != old.window {
        grant_codes::change_window(unit, &new)?;
        tell(unit, EventType::AccessGrantAccessTimesChanged, &new)?;
    }
    nothing()
}

pub(super) fn delete(unit: &mut Unit<'_>, mut input: Input) -> Outcome {
    let named = Named::read(&mut input);
    input.finish()?;
    let grant = named.find(unit)?;
    let deleted = AccessGrant { deleted_at: Some(unit.now()), ..grant };
    unit.update_grant(&deleted)?;
    tell(unit, EventType::AccessGrantDeleted, &deleted)?;
    grant_codes::withdraw(unit, &deleted)?;
    nothing()
}

/// The grant and the state of its codes as shown to everybody, without PINs; `None` once it is deleted, or over and
/// its codes are proven gone.
pub(super) fn public(unit: &mut Unit<'_>, id: AccessGrantId) -> Result<Option<Value>, StoreError> {
    let Some(grant) = unit.grant(id)?.filter(|grant| grant.deleted_at.is_none()) else { return Ok(None) };
    let (now, workspace) = (unit.now(), unit.workspace_id()?);
    let methods = unit.methods_of_grant(id)?;
    let codes = codes(unit, &methods)?;
    if grant.window.is_over(now) && codes.iter().all(|code| code.is_finished(now)) {
        return Ok(None);
    }
    let mut json = resource(&grant, &methods, &codes, now, workspace, Shown::ToEverybody);
    let shown: Vec<Value> = methods
        .iter()
        .map(|method| super::access_methods::of(unit, method, Shown::ToEverybody))
        .collect::<Result<_, _>>()?;
    json["access_methods"] = shown.into();
    let public = |code: &AccessCode| super::access_codes::resource(code, now, workspace, Shown::ToEverybody);
    json["access_codes"] = codes.iter().map(public).collect();
    Ok(Some(json))
}

/// Which grant a request is about: by id or by the host's own key.
struct Named {
    id: Option<AccessGrantId>,
    key: Option<String>,
}

impl Named {
    fn read(input: &mut Input) -> Self {
        let named = Self { id: input.id("access_grant_id"), key: input.text("access_grant_key") };
        if !input.has("access_grant_id") && named.id.is_none() && named.key.is_none() {
            input.require("access_grant_id");
        }
        named
    }

    fn find(self, unit: &mut Unit<'_>) -> Result<AccessGrant, Failure> {
        let found = match (self.id, self.key) {
            (Some(id), _) => unit.grant(id)?,
            (None, Some(key)) => unit.grant_by_key(&key)?,
            (None, None) => None,
        };
        Ok(found.filter(|grant| grant.deleted_at.is_none()).ok_or_else(no_access_grant)?)
    }
}

/// What `create` was asked.
struct Order {
    key: Option<String>,
    who: Who,
    device_ids: Vec<DeviceId>,
    wishes: Vec<Wish>,
    name: Option<String>,
    starts_at: Option<Timestamp>,
    ends_at: Option<Timestamp>,
}

enum Who {
    Known(UserIdentityId),
    New(Person),
}

impl Order {
    /// `None` only together with an error noted in `input`.
    fn read(input: &mut Input, now: Timestamp) -> Option<Self> {
        let who = read_who(input);
        input.require("device_ids");
        let device_ids = input.ids::<DeviceId>("device_ids");
        if device_ids.as_ref().is_some_and(Vec::is_empty) {
            input.refuse::<()>("device_ids", "give at least one");
        }
        let wishes = Wish::read_all(input);
        let (name, key) = (input.text("name"), input.text("access_grant_key"));
        if key.as_ref().is_some_and(|key| key.is_empty()) {
            input.refuse::<()>("access_grant_key", "must not be empty");
        }
        let starts_at = input.time("starts_at");
        let ends_at = input.nullable_time("ends_at").flatten();
        let window = Window { starts_at: starts_at.unwrap_or(now), ends_at };
        if let Err(error) = check_window(&window, now) {
            input.take_over(error);
        }
        Some(Self { key, who: who?, device_ids: device_ids?, wishes: wishes?, name, starts_at, ends_at })
    }

    /// Whether this very order made the grant: asked again under the same key, it gets the same answer (I7).
    fn is_for(&self, unit: &mut Unit<'_>, grant: &AccessGrant) -> Result<bool, StoreError> {
        let same_person = match &self.who {
            Who::Known(id) => *id == grant.user_identity_id,
            Who::New(person) => unit.user_identity(grant.user_identity_id)?.is_some_and(|known| person.is(&known)),
        };
        let methods = unit.methods_of_grant(grant.access_grant_id)?;
        let same_methods = methods.len() == self.wishes.len()
            && self.wishes.iter().zip(&methods).all(|(wish, method)| wish.is_for(method));
        Ok(same_person
            && same_methods
            && once(&self.device_ids) == grant.device_ids
            && self.name == grant.name
            && self.ends_at == grant.window.ends_at
            && self.starts_at.is_none_or(|starts_at| starts_at == grant.window.starts_at))
    }
}

fn read_who(input: &mut Input) -> Option<Who> {
    let id = input.id("user_identity_id");
    if !input.has("user_identity") {
        if id.is_none() && !input.has("user_identity_id") {
            input.refuse::<()>("user_identity_id", "give user_identity_id, or user_identity to make a new one");
        }
        return id.map(Who::Known);
    }
    if id.is_some() {
        return input.refuse("user_identity", "give user_identity_id or user_identity, not both");
    }
    let mut nested = input.object("user_identity")?;
    let person = Person::read(&mut nested);
    input.absorb("user_identity", nested);
    Some(Who::New(person))
}

fn check_window(window: &Window, now: Timestamp) -> Result<(), ApiError> {
    match window.ends_at {
        Some(end) if end <= window.starts_at => Err(ApiError::invalid("ends_at", "must be after starts_at")),
        Some(end) if end <= now => Err(ApiError::invalid("ends_at", format!("must be in the future; it is {now}"))),
        Some(_) | None => Ok(()),
    }
}

/// The devices of a new grant, each once; every one must be able to hold codes.
fn devices(unit: &mut Unit<'_>, ids: &[DeviceId]) -> Result<Vec<Device>, Failure> {
    let mut devices = Vec::with_capacity(ids.len());
    for id in once(ids) {
        let refuse = |message: String| ApiError::invalid("device_ids", message);
        let device = unit.device(id)?.ok_or_else(|| refuse(format!("there is no device {id}")))?;
        if device.info.is_none() {
            let message = format!("{} can't be used yet: it is still being asked what it can do", device.name);
            return Err(refuse(message).into());
        }
        if !device.takes_codes() {
            return Err(refuse(format!("{} takes no access codes", device.name)).into());
        }
        devices.push(device);
    }
    Ok(devices)
}

fn once(ids: &[DeviceId]) -> Vec<DeviceId> {
    let mut seen = BTreeSet::new();
    ids.iter().copied().filter(|id| seen.insert(*id)).collect()
}

fn tell(unit: &mut Unit<'_>, event: EventType, grant: &AccessGrant) -> Result<(), StoreError> {
    let subject = EventSubject {
        access_grant_id: Some(grant.access_grant_id),
        user_identity_id: Some(grant.user_identity_id),
        ..EventSubject::default()
    };
    let mut details = Map::new();
    if let Some(key) = &grant.access_grant_key {
        details.insert("access_grant_key".to_owned(), json!(key));
    }
    if event == EventType::AccessGrantAccessTimesChanged {
        details.insert("starts_at".to_owned(), json!(grant.window.starts_at));
        details.insert("ends_at".to_owned(), json!(grant.window.ends_at));
    }
    unit.emit(event, subject, details)
}

fn codes(unit: &mut Unit<'_>, methods: &[AccessMethod]) -> Result<Vec<AccessCode>, StoreError> {
    let mut codes = Vec::new();
    for method in methods {
        codes.extend(unit.codes_of_method(method.access_method_id)?);
    }
    Ok(codes)
}

fn of(unit: &mut Unit<'_>, grant: &AccessGrant, shown: Shown) -> Result<Value, StoreError> {
    let methods = unit.methods_of_grant(grant.access_grant_id)?;
    let codes = codes(unit, &methods)?;
    Ok(resource(grant, &methods, &codes, unit.now(), unit.workspace_id()?, shown))
}

fn resource(
    grant: &AccessGrant,
    methods: &[AccessMethod],
    codes: &[AccessCode],
    now: Timestamp,
    workspace: WorkspaceId,
    shown: Shown,
) -> Value {
    let requested = |method: &AccessMethod| {
        let mut json = json!({
            "mode": "code",
            "display_name": "PIN Code",
            "created_at": method.created_at,
            "created_access_method_ids": [method.access_method_id],
        });
        if let Some(pin) = method.pin.as_ref().filter(|_| method.requested && shown == Shown::ToTheHost) {
            json["code"] = json!(pin.expose());
        }
        json
    };
    let mut json = json!({
        "access_grant_id": grant.access_grant_id,
        "workspace_id": workspace,
        "user_identity_id": grant.user_identity_id,
        "name": grant.name,
        "display_name": grant.display_name(),
        "device_ids": grant.device_ids,
        "location_ids": [],
        "space_ids": [],
        "access_method_ids": methods.iter().map(|method| method.access_method_id).collect::<Vec<_>>(),
        "requested_access_methods": methods.iter().map(requested).collect::<Vec<_>>(),
        "starts_at": grant.window.starts_at,
        "ends_at": grant.window.ends_at,
        "created_at": grant.created_at,
        "errors": [],
        "warnings": warnings(codes, now),
        "pending_mutations": [],
    });
    if let Some(key) = &grant.access_grant_key {
        json["access_grant_key"] = json!(key);
    }
    json
}

fn warnings(codes: &[AccessCode], now: Timestamp) -> Vec<Value> {
    let troubled = |name: &str, message: &str, fits: &dyn Fn(&AccessCode) -> bool| {
        let failed: Vec<&AccessCode> =
            codes.iter().filter(|code| code.standing_problem(now).is_some() && fits(code)).collect();
        let since = failed.iter().filter_map(|code| code.problem.as_ref()).map(|problem| problem.since).min()?;
        let devices: Vec<DeviceId> = failed.iter().map(|code| code.device_id).collect();
        Some(json!({"warning_code": name, "message": message, "created_at": since, "failed_devices": devices}))
    };
    let is = |code: &AccessCode, kinds: &[ProblemKind]| {
        code.problem.as_ref().is_some_and(|problem| kinds.contains(&problem.kind))
    };
    let setting = [ProblemKind::FailedToSet, ProblemKind::DelayInSetting, ProblemKind::WillNotWork];
    let under =
        troubled("underprovisioned_access", "not every door has, or would get, its code", &|code| is(code, &setting));
    let over = troubled("overprovisioned_access", "a door still has a code that it should not have", &|code| {
        code.status(now) == CodeStatus::Removing
    });
    under.into_iter().chain(over).collect()
}
