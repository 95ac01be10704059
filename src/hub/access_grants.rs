//! Operations on access grants.

use serde_json::{Map, json};

use super::call::Call;
use super::grant_codes::{self, RequestedAccessMethod, Wish};
use super::grant_doors;
use super::grant_order::{Doors, Order, Who, check_times, usable};
use super::grant_resource::{AccessGrantResource, of};
use super::outcome::{Failure, Nothing, no_access_grant, no_user_identity, response};
use super::page::{Cursor, Page, Pagination};
use super::parameter::{Key, Limit, Nullable};
use super::recurrence::Recurrence;
use super::request::request;
use super::user_identities::{self, CreateUserIdentity};
use crate::model::{
    AccessCodeId, AccessGrant, AccessGrantId, ApiError, Device, DeviceId, EventSubject, EventType, SpaceId, Timestamp,
    UserIdentityId, Window,
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
        /// And all doors of these spaces, also those that join them later.
        space_ids: Option<Vec<SpaceId>>,
        /// Spaces, by the host's own keys.
        space_keys: Option<Vec<String>>,
        /// The old name of `space_ids`.
        location_ids: Option<Vec<SpaceId>>,
        /// How: at present by PIN code only.
        requested_access_methods: Vec<RequestedAccessMethod>,
        /// From when; left out: from now.
        starts_at: Option<Timestamp>,
        /// Until when; left out or null: until it is deleted.
        ends_at: Option<Timestamp>,
        /// Within these times only now and then: a recurring grant. PIN and slot stay its own all the time.
        schedule: Option<Recurrence>,
        /// A name to show.
        name: Option<String>,
        /// Groups the grants of one stay.
        reservation_key: Option<String>,
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
        /// Only with this space.
        space_id: Option<SpaceId>,
        /// The old name of `space_id`.
        location_id: Option<SpaceId>,
        /// Only of this stay.
        reservation_key: Option<String>,
        /// Only the one that made this code.
        access_code_id: Option<AccessCodeId>,
        /// At most so many.
        limit: Option<Limit>,
        /// The next page of the same request.
        page_cursor: Option<Cursor>,
    }
}

request! {
    /// Changes the name, the times or the doors of an access grant; its codes follow. A door that is added and can't take
    /// the guest's PIN is told of by its code. What a lock refused is tried again, also if nothing is changed.
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
        /// The new recurring times; null: all the time.
        schedule: Nullable<Recurrence>,
        /// The new stay; null: none.
        reservation_key: Nullable<String>,
        /// Its own doors from now on.
        device_ids: Option<Vec<DeviceId>>,
        /// Its spaces from now on.
        space_ids: Option<Vec<SpaceId>>,
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

request! {
    /// Asks for further access methods of a grant: another PIN for the same doors and times.
    pub(super) struct RequestAccessMethods {
        /// Which grant.
        access_grant_id: AccessGrantId,
        /// How.
        requested_access_methods: Vec<RequestedAccessMethod>,
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
    check_times(&window, order.schedule.as_ref(), now)?;
    let space_ids = order.doors.spaces(call)?;
    let own = usable(call, &order.doors.devices())?;
    let user_identity_id = match order.who {
        Who::Known(id) => call.user_identity(id)?.ok_or_else(no_user_identity)?.user_identity_id,
        Who::New(person) => user_identities::known_or_new(call, person)?.user_identity_id,
    };
    let grant = AccessGrant {
        access_grant_id: call.id(),
        access_grant_key: order.key,
        user_identity_id,
        name: order.name,
        reservation_key: order.reservation_key,
        device_ids: own.iter().map(|device| device.device_id).collect(),
        space_ids,
        window,
        schedule: order.schedule,
        created_at: now,
        deleted_at: None,
    };
    call.insert_grant(&grant)?;
    tell(call, EventType::AccessGrantCreated, &grant)?;
    let devices = devices_of(call, &grant)?;
    grant_codes::make(call, &grant, &devices, &order.wishes)?;
    one(call, &grant)
}

pub(super) fn get(call: &mut Call<'_, '_>, asked: GetAccessGrant) -> Result<OneAccessGrant, Failure> {
    let grant = NamedGrant::new(asked.access_grant_id, asked.access_grant_key)?.find(call)?;
    one(call, &grant)
}

pub(super) fn list(call: &mut Call<'_, '_>, asked: ListAccessGrants) -> Result<AccessGrants, Failure> {
    let page = Page::new(asked.limit, asked.page_cursor);
    let mut ids = asked.access_grant_ids;
    if let Some(code) = asked.access_code_id {
        let maker = call.code(code)?.and_then(|code| code.access_grant_id());
        let wanted = |id: &AccessGrantId| ids.as_ref().is_none_or(|ids| ids.contains(id));
        ids = Some(maker.filter(wanted).into_iter().collect());
    }
    let filter = GrantFilter {
        ids,
        key: asked.access_grant_key.given().map(|key| key.map(|Key(key)| key)),
        user: asked.user_identity_id,
        device: asked.device_id,
        space: asked.space_id.or(asked.location_id),
        reservation_key: asked.reservation_key,
        after: page.after(),
        limit: page.fetch(),
    };
    let (grants, pagination) = page.cut(call.grants(&filter)?, |grant| grant.access_grant_id.0);
    let shown = call.shown();
    let access_grants = grants.iter().map(|grant| of(call, grant, shown)).collect::<Result<_, _>>()?;
    Ok(AccessGrants { access_grants, pagination })
}

pub(super) fn update(call: &mut Call<'_, '_>, asked: UpdateAccessGrant) -> Result<Nothing, Failure> {
    let old = NamedGrant::new(asked.access_grant_id, asked.access_grant_key)?.find(call)?;
    let mut new = old.clone();
    new.name = asked.name.or(new.name);
    new.reservation_key = asked.reservation_key.or(new.reservation_key);
    new.window.starts_at = asked.starts_at.unwrap_or(new.window.starts_at);
    new.window.ends_at = asked.ends_at.or(new.window.ends_at);
    new.schedule = match asked.schedule {
        Nullable::Absent => new.schedule,
        Nullable::Null => None,
        Nullable::Given(schedule) => Some(schedule.read()?),
    };
    change_doors(call, &mut new, asked.device_ids, asked.space_ids)?;
    if (new.window, &new.schedule) != (old.window, &old.schedule) {
        check_times(&new.window, new.schedule.as_ref(), call.now())?;
    }
    if new != old {
        change(call, &old, &new)?;
    }
    grant_codes::try_again(call, &new)?;
    Ok(Nothing {})
}

/// Writes the change down, has the codes follow, and tells of it.
fn change(call: &mut Call<'_, '_>, old: &AccessGrant, new: &AccessGrant) -> Result<(), Failure> {
    call.update_grant(new)?;
    if (new.window, &new.schedule) != (old.window, &old.schedule) {
        grant_codes::change_times(call, new)?;
        tell(call, EventType::AccessGrantAccessTimesChanged, new)?;
    }
    if (&new.device_ids, &new.space_ids) != (&old.device_ids, &old.space_ids) {
        grant_doors::follow_doors(call, std::slice::from_ref(new))?;
    }
    let rest = AccessGrant { window: old.window, schedule: old.schedule.clone(), ..new.clone() };
    if rest != *old {
        tell(call, EventType::AccessGrantChanged, new)?;
    }
    Ok(())
}

/// Names a grant's doors anew, as far as that is asked for.
fn change_doors(
    call: &mut Call<'_, '_>,
    grant: &mut AccessGrant,
    device_ids: Option<Vec<DeviceId>>,
    space_ids: Option<Vec<SpaceId>>,
) -> Result<(), Failure> {
    if device_ids.is_none() && space_ids.is_none() {
        return Ok(());
    }
    let devices = device_ids.unwrap_or_else(|| grant.device_ids.clone());
    let spaces = space_ids.unwrap_or_else(|| grant.space_ids.clone());
    let doors = Doors::read(devices, spaces, Vec::new())?;
    let added: Vec<DeviceId> = doors.devices().into_iter().filter(|door| !grant.device_ids.contains(door)).collect();
    usable(call, &added)?;
    (grant.device_ids, grant.space_ids) = (doors.devices(), doors.spaces(call)?);
    Ok(())
}

pub(super) fn delete(call: &mut Call<'_, '_>, asked: DeleteAccessGrant) -> Result<Nothing, Failure> {
    let grant = NamedGrant::new(asked.access_grant_id, asked.access_grant_key)?.find(call)?;
    let deleted = AccessGrant { deleted_at: Some(call.now()), ..grant };
    call.update_grant(&deleted)?;
    tell(call, EventType::AccessGrantDeleted, &deleted)?;
    grant_codes::withdraw(call, &deleted)?;
    Ok(Nothing {})
}

pub(super) fn request_access_methods(
    call: &mut Call<'_, '_>,
    asked: RequestAccessMethods,
) -> Result<OneAccessGrant, Failure> {
    let grant = NamedGrant::Id(asked.access_grant_id).find(call)?;
    let wishes = Wish::read_all(asked.requested_access_methods)?;
    check_times(&grant.window, grant.schedule.as_ref(), call.now())?;
    let devices = devices_of(call, &grant)?;
    grant_codes::make(call, &grant, &devices, &wishes)?;
    one(call, &grant)
}

/// Every door that a grant reaches.
fn devices_of(call: &mut Call<'_, '_>, grant: &AccessGrant) -> Result<Vec<Device>, Failure> {
    let doors = call.doors(grant)?;
    usable(call, &doors)
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

pub(super) fn tell(unit: &mut Unit<'_>, event: EventType, grant: &AccessGrant) -> Result<(), StoreError> {
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

fn one(call: &mut Call<'_, '_>, grant: &AccessGrant) -> Result<OneAccessGrant, Failure> {
    let shown = call.shown();
    Ok(OneAccessGrant { access_grant: of(call, grant, shown)? })
}
