//! Operations on access grants.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, json};
use utoipa::ToSchema;

use super::access_codes::AccessCodeResource;
use super::access_methods::AccessMethodResource;
use super::call::{Call, Shown};
use super::grant_codes::{self, RequestedAccessMethod, Wish};
use super::outcome::{Failure, Nothing, no_access_grant, no_user_identity, response};
use super::page::{Cursor, Page, Pagination};
use super::parameter::{Key, Limit, Nullable};
use super::request::request;
use super::trouble::{ErrorEntry, MutationEntry, WarningEntry};
use super::user_identities::{self, CreateUserIdentity};
use crate::model::{
    AccessCode, AccessGrant, AccessGrantId, AccessMethod, AccessMethodId, ApiError, CodeStatus, Device, DeviceId,
    EventSubject, EventType, ProblemKind, Timestamp, UserIdentityId, Window, WorkspaceId,
};
use crate::store::{GrantFilter, StoreError, Unit};

request! {
    /// Grants somebody access to doors for a time: makes a PIN that suits all of them and reserves its place in each.
    pub(super) struct CreateAccessGrant {
        /// Who: a known person.
        user_identity_id: Option<UserIdentityId>,
        /// Or a new one.
        user_identity: Option<CreateUserIdentity>,
        /// Which doors.
        device_ids: Option<Vec<DeviceId>>,
        /// How: at present by PIN code only.
        requested_access_methods: Vec<RequestedAccessMethod>,
        /// From when; left out: from now.
        starts_at: Option<Timestamp>,
        /// Until when; left out or null: until it is deleted.
        ends_at: Option<Timestamp>,
        /// A name to show.
        name: Option<String>,
        /// The host's own unique name for it. The same order again under the same key gives the same grant.
        access_grant_key: Option<Key>,
    }
}

request! {
    /// Tells of an access grant.
    pub(super) struct GetAccessGrant {
        /// By id.
        access_grant_id: Option<AccessGrantId>,
        /// Or by the host's own key.
        access_grant_key: Option<Key>,
    }
}

request! {
    /// Lists access grants, oldest first.
    pub(super) struct ListAccessGrants {
        /// Only these.
        access_grant_ids: Option<Vec<AccessGrantId>>,
        /// Only the one with this key; null: only those without one.
        access_grant_key: Nullable<Key>,
        /// Only of this person.
        user_identity_id: Option<UserIdentityId>,
        /// Only with this door.
        device_id: Option<DeviceId>,
        /// At most so many.
        limit: Option<Limit>,
        /// The next page of the same request.
        page_cursor: Option<Cursor>,
    }
}

request! {
    /// Changes the name or the times of an access grant; its codes follow.
    pub(super) struct UpdateAccessGrant {
        /// Which, by id.
        access_grant_id: Option<AccessGrantId>,
        /// Or by the host's own key.
        access_grant_key: Option<Key>,
        /// The new name; null: none.
        name: Nullable<String>,
        /// The new start.
        starts_at: Option<Timestamp>,
        /// The new end; null: none.
        ends_at: Nullable<Timestamp>,
    }
}

request! {
    /// Deletes an access grant: its codes leave the locks at once.
    pub(super) struct DeleteAccessGrant {
        /// Which, by id.
        access_grant_id: Option<AccessGrantId>,
        /// Or by the host's own key.
        access_grant_key: Option<Key>,
    }
}

response!(OneAccessGrant { access_grant: AccessGrantResource });
response!(AccessGrants { access_grants: Vec<AccessGrantResource>, pagination: Pagination });

pub(super) fn create(call: &mut Call<'_, '_>, asked: CreateAccessGrant) -> Result<OneAccessGrant, Failure> {
    let order = Order::read(asked)?;
    if let Some(key) = &order.key
        && let Some(known) = call.grant_by_key(key)?
    {
        if !order.is_for(call, &known)? {
            let message = "belongs to another access grant: use another key, or update or delete that grant";
            return Err(ApiError::invalid("access_grant_key", message).into());
        }
        return one(call, &known);
    }
    let now = call.now();
    let window = Window { starts_at: order.starts_at.unwrap_or(now), ends_at: order.ends_at };
    check_window(&window, now)?;
    let devices = devices(call, &order.device_ids)?;
    let user_identity_id = match order.who {
        Who::Known(id) => call.user_identity(id)?.ok_or_else(no_user_identity)?.user_identity_id,
        Who::New(person) => user_identities::insert(call, person)?.user_identity_id,
    };
    let grant = AccessGrant {
        access_grant_id: call.id(),
        access_grant_key: order.key,
        user_identity_id,
        name: order.name,
        device_ids: devices.iter().map(|device| device.device_id).collect(),
        reservation_key: None,
        space_ids: Vec::new(),
        schedule: None,
        window,
        created_at: now,
        deleted_at: None,
    };
    call.insert_grant(&grant)?;
    tell(call, EventType::AccessGrantCreated, &grant)?;
    grant_codes::make(call, &grant, &devices, &order.wishes)?;
    one(call, &grant)
}

pub(super) fn get(call: &mut Call<'_, '_>, asked: GetAccessGrant) -> Result<OneAccessGrant, Failure> {
    let grant = NamedGrant::new(asked.access_grant_id, asked.access_grant_key)?.find(call)?;
    one(call, &grant)
}

pub(super) fn list(call: &mut Call<'_, '_>, asked: ListAccessGrants) -> Result<AccessGrants, Failure> {
    let key = asked.access_grant_key.given().map(|key| key.map(|Key(key)| key));
    let filter = GrantFilter {
        ids: asked.access_grant_ids,
        user: asked.user_identity_id,
        device: asked.device_id,
        key,
        ..GrantFilter::default()
    };
    let all = call.grants(&filter)?;
    let (page, pagination) = Page::new(asked.limit, asked.page_cursor).cut(all, |grant| grant.access_grant_id.0);
    let shown = call.shown();
    let access_grants = page.iter().map(|grant| of(call, grant, shown)).collect::<Result<_, _>>()?;
    Ok(AccessGrants { access_grants, pagination })
}

pub(super) fn update(call: &mut Call<'_, '_>, asked: UpdateAccessGrant) -> Result<Nothing, Failure> {
    let old = NamedGrant::new(asked.access_grant_id, asked.access_grant_key)?.find(call)?;
    let window = Window {
        starts_at: asked.starts_at.unwrap_or(old.window.starts_at),
        ends_at: asked.ends_at.or(old.window.ends_at),
    };
    if window != old.window {
        check_window(&window, call.now())?;
    }
    let new = AccessGrant { name: asked.name.or(old.name.clone()), window, ..old.clone() };
    if new != old {
        call.update_grant(&new)?;
    }
    if window != old.window {
        grant_codes::change_window(call, &new)?;
        tell(call, EventType::AccessGrantAccessTimesChanged, &new)?;
    }
    Ok(Nothing {})
}

pub(super) fn delete(call: &mut Call<'_, '_>, asked: DeleteAccessGrant) -> Result<Nothing, Failure> {
    let grant = NamedGrant::new(asked.access_grant_id, asked.access_grant_key)?.find(call)?;
    let deleted = AccessGrant { deleted_at: Some(call.now()), ..grant };
    call.update_grant(&deleted)?;
    tell(call, EventType::AccessGrantDeleted, &deleted)?;
    grant_codes::withdraw(call, &deleted)?;
    Ok(Nothing {})
}

/// A grant as everybody may see it, with the state of its methods and codes.
#[derive(Serialize, ToSchema)]
pub(super) struct PublicGrant {
    #[serde(flatten)]
    grant: AccessGrantResource,
    access_methods: Vec<AccessMethodResource>,
    access_codes: Vec<AccessCodeResource>,
}

/// The grant and the state of its codes as shown to everybody, without PINs; `None` once it is deleted, or over and
/// its codes are proven gone.
pub(super) fn public(unit: &mut Unit<'_>, id: AccessGrantId) -> Result<Option<PublicGrant>, StoreError> {
    let Some(grant) = unit.grant(id)?.filter(|grant| grant.deleted_at.is_none()) else { return Ok(None) };
    let (now, workspace) = (unit.now(), unit.workspace_id()?);
    let methods = unit.methods_of_grant(id)?;
    let codes = codes(unit, &methods)?;
    if grant.window.is_over(now) && codes.iter().all(|code| code.is_finished(now)) {
        return Ok(None);
    }
    let shown = Shown::ToEverybody;
    let access_methods =
        methods.iter().map(|method| super::access_methods::of(unit, method, shown)).collect::<Result<_, _>>()?;
    Ok(Some(PublicGrant {
        grant: AccessGrantResource::new(&grant, &methods, &codes, now, workspace, shown),
        access_methods,
        access_codes: codes.iter().map(|code| AccessCodeResource::new(code, now, workspace, shown)).collect(),
    }))
}

/// Which grant a request is about: by id or by the host's own key.
pub(super) enum NamedGrant {
    Id(AccessGrantId),
    Key(String),
}

impl NamedGrant {
    pub(super) fn new(id: Option<AccessGrantId>, key: Option<Key>) -> Result<Self, ApiError> {
        match (id, key) {
            (Some(id), _) => Ok(Self::Id(id)),
            (None, Some(Key(key))) => Ok(Self::Key(key)),
            (None, None) => Err(ApiError::invalid("access_grant_id", "give access_grant_id or access_grant_key")),
        }
    }

    pub(super) fn find(self, unit: &mut Unit<'_>) -> Result<AccessGrant, Failure> {
        let found = match self {
            Self::Id(id) => unit.grant(id)?,
            Self::Key(key) => unit.grant_by_key(&key)?,
        };
        Ok(found.filter(|grant| grant.deleted_at.is_none()).ok_or_else(no_access_grant)?)
    }
}

/// What `create` was asked, checked as far as the request alone tells.
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
    New(CreateUserIdentity),
}

impl Order {
    /// Names everything that is wrong at once.
    fn read(asked: CreateAccessGrant) -> Result<Self, ApiError> {
        let who = match (asked.user_identity_id, asked.user_identity) {
            (Some(id), None) => Ok(Who::Known(id)),
            (None, Some(person)) => Ok(Who::New(person)),
            (Some(_), Some(_)) => {
                Err(ApiError::invalid("user_identity", "give user_identity_id or user_identity, not both"))
            }
            (None, None) => {
                let message = "give user_identity_id, or user_identity to make a new one";
                Err(ApiError::invalid("user_identity_id", message))
            }
        };
        let doors = match asked.device_ids {
            Some(ids) if !ids.is_empty() => Ok(ids),
            Some(_) | None => Err(ApiError::invalid("device_ids", "give at least one")),
        };
        let wishes = Wish::read_all(asked.requested_access_methods);
        let (who, device_ids, wishes) = ApiError::all3(who, doors, wishes)?;
        let key = asked.access_grant_key.map(|Key(key)| key);
        let (name, starts_at, ends_at) = (asked.name, asked.starts_at, asked.ends_at);
        Ok(Self { key, who, device_ids, wishes, name, starts_at, ends_at })
    }

    /// Whether this very order made the grant: asked again under the same key, it gets the same answer (I7), also when
    /// the grant is over meanwhile.
    fn is_for(&self, unit: &mut Unit<'_>, grant: &AccessGrant) -> Result<bool, StoreError> {
        let same_person = match &self.who {
            Who::Known(id) => *id == grant.user_identity_id,
            Who::New(person) => unit.user_identity(grant.user_identity_id)?.is_some_and(|known| person.is_for(&known)),
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

fn one(call: &mut Call<'_, '_>, grant: &AccessGrant) -> Result<OneAccessGrant, Failure> {
    let shown = call.shown();
    Ok(OneAccessGrant { access_grant: of(call, grant, shown)? })
}

fn of(unit: &mut Unit<'_>, grant: &AccessGrant, shown: Shown) -> Result<AccessGrantResource, StoreError> {
    let methods = unit.methods_of_grant(grant.access_grant_id)?;
    let codes = codes(unit, &methods)?;
    Ok(AccessGrantResource::new(grant, &methods, &codes, unit.now(), unit.workspace_id()?, shown))
}

/// An access grant as Seam writes it, with the doors besides.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = AccessGrant)]
pub(super) struct AccessGrantResource {
    access_grant_id: AccessGrantId,
    workspace_id: WorkspaceId,
    user_identity_id: UserIdentityId,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_grant_key: Option<String>,
    name: Option<String>,
    display_name: String,
    /// Which doors.
    device_ids: Vec<DeviceId>,
    location_ids: Vec<DeviceId>,
    space_ids: Vec<DeviceId>,
    access_method_ids: Vec<AccessMethodId>,
    requested_access_methods: Vec<RequestedResource>,
    starts_at: Timestamp,
    ends_at: Option<Timestamp>,
    created_at: Timestamp,
    errors: Vec<ErrorEntry>,
    warnings: Vec<WarningEntry>,
    pending_mutations: Vec<MutationEntry>,
}

/// What was requested, and what was made of it.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = RequestedAccessMethod)]
struct RequestedResource {
    /// `code`.
    mode: &'static str,
    display_name: &'static str,
    /// The PIN that was asked for, where the caller may see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    created_at: Timestamp,
    created_access_method_ids: [AccessMethodId; 1],
}

impl RequestedResource {
    fn new(method: &AccessMethod, shown: Shown) -> Self {
        let asked_for = method.pin.as_ref().filter(|_| method.requested && shown == Shown::ToTheHost);
        Self {
            mode: "code",
            display_name: "PIN Code",
            code: asked_for.map(|pin| pin.expose().to_owned()),
            created_at: method.created_at,
            created_access_method_ids: [method.access_method_id],
        }
    }
}

impl AccessGrantResource {
    fn new(
        grant: &AccessGrant,
        methods: &[AccessMethod],
        codes: &[AccessCode],
        now: Timestamp,
        workspace: WorkspaceId,
        shown: Shown,
    ) -> Self {
        Self {
            access_grant_id: grant.access_grant_id,
            workspace_id: workspace,
            user_identity_id: grant.user_identity_id,
            access_grant_key: grant.access_grant_key.clone(),
            name: grant.name.clone(),
            display_name: grant.display_name(),
            device_ids: grant.device_ids.clone(),
            location_ids: Vec::new(),
            space_ids: Vec::new(),
            access_method_ids: methods.iter().map(|method| method.access_method_id).collect(),
            requested_access_methods: methods.iter().map(|method| RequestedResource::new(method, shown)).collect(),
            starts_at: grant.window.starts_at,
            ends_at: grant.window.ends_at,
            created_at: grant.created_at,
            errors: Vec::new(),
            warnings: warnings(codes, now),
            pending_mutations: Vec::new(),
        }
    }
}

fn warnings(codes: &[AccessCode], now: Timestamp) -> Vec<WarningEntry> {
    let troubled = |name, message: &str, fits: &dyn Fn(&AccessCode) -> bool| {
        let failed: Vec<&AccessCode> =
            codes.iter().filter(|code| code.standing_problem(now).is_some() && fits(code)).collect();
        let since = failed.iter().filter_map(|code| code.problem.as_ref()).map(|problem| problem.since).min()?;
        Some(WarningEntry::new(name, message, since).at_all(failed.iter().map(|code| code.device_id).collect()))
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
