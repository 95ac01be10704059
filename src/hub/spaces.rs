//! Operations on spaces: groups of doors that are granted together.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, json};
use utoipa::ToSchema;

use super::access_grants;
use super::call::Call;
use super::grant_doors;
use super::grant_order::once;
use super::outcome::{Failure, Nothing, no_space, response};
use super::page::{Cursor, Page, Pagination};
use super::parameter::{Key, Limit};
use super::request::request;
use crate::model::{AccessGrant, ApiError, DeviceId, EventSubject, EventType, Space, SpaceId, Timestamp, WorkspaceId};
use crate::store::{GrantFilter, SpaceFilter, StoreError, Unit};

request! {
    /// Makes a space: a group of doors, such as a flat or a floor, that can be granted as one.
    pub(super) struct CreateSpace {
        /// Its name.
        name: Key,
        /// The host's own unique name for it. The same order again under the same key gives the same space.
        space_key: Option<Key>,
        /// Its doors.
        device_ids: Option<Vec<DeviceId>>,
    }
}

request! {
    /// Tells of a space.
    pub(super) struct GetSpace {
        /// By id.
        space_id: Option<SpaceId>,
        /// Or by the host's own key.
        space_key: Option<Key>,
    }
}

request! {
    /// Lists spaces, oldest first.
    pub(super) struct ListSpaces {
        /// Only the one with this key.
        space_key: Option<Key>,
        /// Only those whose name or key holds this text.
        search: Option<String>,
        /// At most so many.
        limit: Option<Limit>,
        /// The next page of the same request.
        page_cursor: Option<Cursor>,
    }
}

request! {
    /// Changes a space. The codes of its access grants follow its doors.
    pub(super) struct UpdateSpace {
        /// Which, by id.
        space_id: Option<SpaceId>,
        /// Or by the host's own key; with `space_id`, the new key.
        space_key: Option<Key>,
        /// The new name.
        name: Option<Key>,
        /// All its doors from now on.
        device_ids: Option<Vec<DeviceId>>,
    }
}

request! {
    /// Deletes a space. Access grants to it no longer reach its doors: their codes there are taken out.
    pub(super) struct DeleteSpace {
        /// Which.
        space_id: SpaceId,
    }
}

request! {
    /// Adds doors to a space: guests with an access grant to it get in there, too, by the PIN that they have. Where
    /// a door can't take one of these PINs, the guest's code on it says why.
    pub(super) struct AddDevices {
        /// Which space.
        space_id: SpaceId,
        /// Which doors; those that it has already are left as they are.
        device_ids: Vec<DeviceId>,
    }
}

request! {
    /// Takes doors out of a space: the codes of its access grants are taken out of them.
    pub(super) struct RemoveDevices {
        /// Which space.
        space_id: SpaceId,
        /// Which doors; those that it does not have are passed over.
        device_ids: Vec<DeviceId>,
    }
}

response!(OneSpace { space: SpaceResource });
response!(Spaces { spaces: Vec<SpaceResource>, pagination: Pagination });

pub(super) fn create(call: &mut Call<'_, '_>, asked: CreateSpace) -> Result<OneSpace, Failure> {
    let (Key(name), space_key) = (asked.name, asked.space_key.map(|Key(key)| key));
    let wished = asked.device_ids.map(once);
    if let Some(key) = &space_key
        && let Some(known) = call.space_by_key(key)?
    {
        if known.name != name || wished.is_some_and(|wished| !same(&wished, &known.device_ids)) {
            return Err(
                ApiError::invalid("space_key", "belongs to another space: use another key, or update it").into()
            );
        }
        return one(call, &known);
    }
    let device_ids = wished.unwrap_or_default();
    check_known(call, &device_ids)?;
    let space = Space { space_id: call.id(), space_key, name, device_ids, created_at: call.now() };
    call.insert_space(&space)?;
    tell(call, EventType::SpaceCreated, &space)?;
    one(call, &space)
}

pub(super) fn get(call: &mut Call<'_, '_>, asked: GetSpace) -> Result<OneSpace, Failure> {
    let space = find(call, asked.space_id, asked.space_key)?;
    one(call, &space)
}

pub(super) fn list(call: &mut Call<'_, '_>, asked: ListSpaces) -> Result<Spaces, Failure> {
    let search = asked.search.map(|text| text.to_lowercase());
    let key = asked.space_key.map(|Key(key)| key);
    let fits = |space: &Space| {
        let holds = |text: &str| {
            space.name.to_lowercase().contains(text)
                || space.space_key.as_ref().is_some_and(|key| key.to_lowercase().contains(text))
        };
        search.as_ref().is_none_or(|text| holds(text)) && (key.is_none() || space.space_key == key)
    };
    let all = call.spaces(&SpaceFilter::default())?.into_iter().filter(fits);
    let (page, pagination) = Page::new(asked.limit, asked.page_cursor).cut(all, |space| space.space_id.0);
    let workspace = call.workspace_id()?;
    Ok(Spaces { spaces: page.iter().map(|space| SpaceResource::new(space, workspace)).collect(), pagination })
}

pub(super) fn update(call: &mut Call<'_, '_>, asked: UpdateSpace) -> Result<OneSpace, Failure> {
    let new_key = asked.space_id.and(asked.space_key.clone()).map(|Key(key)| key);
    let old = find(call, asked.space_id, asked.space_key)?;
    let mut new = old.clone();
    if let Some(key) = new_key {
        if call.space_by_key(&key)?.is_some_and(|other| other.space_id != old.space_id) {
            return Err(ApiError::invalid("space_key", "belongs to another space").into());
        }
        new.space_key = Some(key);
    }
    if let Some(Key(name)) = asked.name {
        new.name = name;
    }
    if let Some(device_ids) = asked.device_ids {
        new.device_ids = once(device_ids);
        check_known(call, &new.device_ids)?;
    }
    change(call, &old, &new)?;
    one(call, &new)
}

pub(super) fn add_devices(call: &mut Call<'_, '_>, asked: AddDevices) -> Result<Nothing, Failure> {
    let old = find(call, Some(asked.space_id), None)?;
    check_known(call, &asked.device_ids)?;
    let device_ids = once(old.device_ids.iter().copied().chain(asked.device_ids).collect());
    change(call, &old, &Space { device_ids, ..old.clone() })?;
    Ok(Nothing {})
}

pub(super) fn remove_devices(call: &mut Call<'_, '_>, asked: RemoveDevices) -> Result<Nothing, Failure> {
    let old = find(call, Some(asked.space_id), None)?;
    let mut new = old.clone();
    new.device_ids.retain(|device| !asked.device_ids.contains(device));
    change(call, &old, &new)?;
    Ok(Nothing {})
}

pub(super) fn delete(call: &mut Call<'_, '_>, asked: DeleteSpace) -> Result<Nothing, Failure> {
    let space = find(call, Some(asked.space_id), None)?;
    let reaching = Reaching::of(call, &space)?;
    call.delete_space(space.space_id)?;
    tell(call, EventType::SpaceDeleted, &space)?;
    reaching.follow(call)?;
    Ok(Nothing {})
}

/// Writes what is new, tells it, and lets the codes of the grants follow.
fn change(call: &mut Call<'_, '_>, old: &Space, new: &Space) -> Result<(), Failure> {
    if old == new {
        return Ok(());
    }
    let reaching = Reaching::of(call, old)?;
    call.update_space(new)?;
    if (&old.name, &old.space_key) != (&new.name, &new.space_key) {
        tell(call, EventType::SpaceChanged, new)?;
    }
    if !same(&old.device_ids, &new.device_ids) {
        tell(call, EventType::SpaceMembershipChanged, new)?;
        reaching.follow(call)?;
    }
    Ok(())
}

/// The grants that reach a space and are not over, each with all the doors that it reaches, before a change.
struct Reaching(Vec<(AccessGrant, Vec<DeviceId>)>);

impl Reaching {
    fn of(unit: &mut Unit<'_>, space: &Space) -> Result<Self, StoreError> {
        let now = unit.now();
        let mut reaching = Vec::new();
        for grant in unit.grants(&GrantFilter { space: Some(space.space_id), ..GrantFilter::default() })? {
            if !grant.window.is_over(now) {
                let doors = unit.doors(&grant)?;
                reaching.push((grant, doors));
            }
        }
        Ok(Self(reaching))
    }

    /// After the change: those that it concerns are told of, and their codes follow.
    fn follow(self, unit: &mut Unit<'_>) -> Result<(), Failure> {
        let mut changed = Vec::new();
        for (old, doors) in self.0 {
            let Some(new) = unit.grant(old.access_grant_id)? else { continue };
            if new.space_ids != old.space_ids || unit.doors(&new)? != doors {
                access_grants::tell(unit, EventType::AccessGrantChanged, &new)?;
                changed.push(new);
            }
        }
        grant_doors::follow_doors(unit, &changed)
    }
}

/// By id or by the host's own key.
pub(super) fn find(unit: &mut Unit<'_>, id: Option<SpaceId>, key: Option<Key>) -> Result<Space, Failure> {
    let found = match (id, key) {
        (Some(id), _) => unit.space(id)?,
        (None, Some(Key(key))) => unit.space_by_key(&key)?,
        (None, None) => return Err(ApiError::invalid("space_id", "give space_id or space_key").into()),
    };
    Ok(found.ok_or_else(no_space)?)
}

fn check_known(unit: &mut Unit<'_>, ids: &[DeviceId]) -> Result<(), Failure> {
    for id in ids {
        if unit.device(*id)?.is_none() {
            return Err(ApiError::invalid("device_ids", format!("there is no device {id}")).into());
        }
    }
    Ok(())
}

/// Whether they are the same doors, in whatever order.
fn same(one: &[DeviceId], other: &[DeviceId]) -> bool {
    one.iter().collect::<BTreeSet<_>>() == other.iter().collect()
}

fn tell(unit: &mut Unit<'_>, event: EventType, space: &Space) -> Result<(), StoreError> {
    let subject = EventSubject { space_id: Some(space.space_id), ..EventSubject::default() };
    let mut details = Map::from_iter([
        ("device_ids".to_owned(), json!(space.device_ids)),
        ("acs_entrance_ids".to_owned(), json!([])),
    ]);
    if let Some(key) = &space.space_key {
        details.insert("space_key".to_owned(), json!(key));
    }
    unit.emit(event, subject, details)
}

fn one(call: &mut Call<'_, '_>, space: &Space) -> Result<OneSpace, Failure> {
    Ok(OneSpace { space: SpaceResource::new(space, call.workspace_id()?) })
}

/// A space as Seam writes it, with the doors besides.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = Space)]
pub(super) struct SpaceResource {
    space_id: SpaceId,
    workspace_id: WorkspaceId,
    name: String,
    display_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    space_key: Option<String>,
    device_ids: Vec<DeviceId>,
    device_count: usize,
    /// 0: a local hub has no entrances of other makers' systems.
    acs_entrance_count: usize,
    created_at: Timestamp,
}

impl SpaceResource {
    pub(super) fn new(space: &Space, workspace: WorkspaceId) -> Self {
        Self {
            space_id: space.space_id,
            workspace_id: workspace,
            name: space.name.clone(),
            display_name: space.name.clone(),
            space_key: space.space_key.clone(),
            device_ids: space.device_ids.clone(),
            device_count: space.device_ids.len(),
            acs_entrance_count: 0,
            created_at: space.created_at,
        }
    }
}
