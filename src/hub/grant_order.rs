//! What a new access grant is ordered to be.

use std::collections::BTreeSet;

use super::access_grants::CreateAccessGrant;
use super::grant_codes::{Wish, living_methods};
use super::outcome::Failure;
use super::parameter::Key;
use super::user_identities::CreateUserIdentity;
use crate::model::{AccessGrant, ApiError, Device, DeviceId, Schedule, SpaceId, Timestamp, UserIdentityId, Window};
use crate::store::Unit;

/// What `create` was asked, checked as far as the request alone tells.
pub(super) struct Order {
    pub(super) key: Option<String>,
    pub(super) who: Who,
    pub(super) doors: Doors,
    pub(super) wishes: Vec<Wish>,
    pub(super) name: Option<String>,
    pub(super) reservation_key: Option<String>,
    pub(super) starts_at: Option<Timestamp>,
    pub(super) ends_at: Option<Timestamp>,
    pub(super) schedule: Option<Schedule>,
}

/// Whom a grant is for.
pub(super) enum Who {
    Known(UserIdentityId),
    New(CreateUserIdentity),
}

/// Which doors and spaces are asked for; each once.
pub(super) struct Doors {
    device_ids: Vec<DeviceId>,
    space_ids: Vec<SpaceId>,
    space_keys: Vec<String>,
}

impl Order {
    /// Names everything that is wrong at once.
    pub(super) fn read(asked: CreateAccessGrant) -> Result<Self, ApiError> {
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
        let spaces = asked.space_ids.into_iter().chain(asked.location_ids).flatten().collect();
        let doors = Doors::read(asked.device_ids.unwrap_or_default(), spaces, asked.space_keys.unwrap_or_default());
        let wishes = Wish::read_all(asked.requested_access_methods);
        let schedule = asked.schedule.map(|schedule| schedule.read()).transpose();
        let ((who, doors), (wishes, schedule)) =
            ApiError::both(ApiError::both(who, doors), ApiError::both(wishes, schedule))?;
        Ok(Self {
            key: asked.access_grant_key.map(|Key(key)| key),
            who,
            doors,
            wishes,
            name: asked.name,
            reservation_key: asked.reservation_key,
            starts_at: asked.starts_at,
            ends_at: asked.ends_at,
            schedule,
        })
    }

    /// Whether this very order made the grant: asked again under the same key, it gets the same answer (I7), also when
    /// the grant is over meanwhile.
    pub(super) fn is_for(&self, unit: &mut Unit<'_>, grant: &AccessGrant) -> Result<bool, Failure> {
        let same_person = match &self.who {
            Who::Known(id) => *id == grant.user_identity_id,
            Who::New(person) => unit.user_identity(grant.user_identity_id)?.is_some_and(|known| person.is_for(&known)),
        };
        let methods = living_methods(unit, grant)?;
        let same_methods = methods.len() == self.wishes.len()
            && self.wishes.iter().zip(&methods).all(|(wish, method)| wish.is_for(method));
        Ok(same_person
            && same_methods
            && sorted(&self.doors.device_ids) == sorted(&grant.device_ids)
            && sorted(&self.doors.spaces(unit)?) == sorted(&grant.space_ids)
            && self.name == grant.name
            && self.reservation_key == grant.reservation_key
            && self.schedule == grant.schedule
            && self.ends_at == grant.window.ends_at
            && self.starts_at.is_none_or(|starts_at| starts_at == grant.window.starts_at))
    }
}

impl Doors {
    pub(super) fn read(
        device_ids: Vec<DeviceId>,
        space_ids: Vec<SpaceId>,
        space_keys: Vec<String>,
    ) -> Result<Self, ApiError> {
        if device_ids.is_empty() && space_ids.is_empty() && space_keys.is_empty() {
            return Err(ApiError::invalid("device_ids", "give at least one of device_ids, space_ids and space_keys"));
        }
        Ok(Self { device_ids: once(device_ids), space_ids: once(space_ids), space_keys: once(space_keys) })
    }

    /// Its own doors.
    pub(super) fn devices(&self) -> Vec<DeviceId> {
        self.device_ids.clone()
    }

    /// Its spaces, which must be known.
    pub(super) fn spaces(&self, unit: &mut Unit<'_>) -> Result<Vec<SpaceId>, Failure> {
        let mut spaces = Vec::new();
        for id in &self.space_ids {
            let space = unit.space(*id)?;
            let no_space = || ApiError::invalid("space_ids", format!("there is no space {id}"));
            spaces.push(space.ok_or_else(no_space)?.space_id);
        }
        for key in &self.space_keys {
            let space = unit.space_by_key(key)?;
            let no_space = || ApiError::invalid("space_keys", "there is no space of one of these keys");
            spaces.push(space.ok_or_else(no_space)?.space_id);
        }
        Ok(once(spaces))
    }
}

/// Whether a grant may have these times.
pub(super) fn check_times(window: &Window, schedule: Option<&Schedule>, now: Timestamp) -> Result<(), ApiError> {
    match window.ends_at {
        Some(end) if end <= window.starts_at => return Err(ApiError::invalid("ends_at", "must be after starts_at")),
        Some(end) if end <= now => {
            return Err(ApiError::invalid("ends_at", format!("must be in the future; it is {now}")));
        }
        Some(_) | None => {}
    }
    if schedule.is_some_and(|schedule| schedule.occurrence(window, now).is_none()) {
        let message = "names no time between starts_at and ends_at that is still to come";
        return Err(ApiError::invalid("schedule.cron", message));
    }
    Ok(())
}

/// The devices that a grant is to reach; every one must be able to hold codes.
pub(super) fn usable(unit: &mut Unit<'_>, ids: &[DeviceId]) -> Result<Vec<Device>, Failure> {
    let mut devices = Vec::with_capacity(ids.len());
    for id in ids {
        let refuse = |message: String| ApiError::invalid("device_ids", message);
        let device = unit.device(*id)?.ok_or_else(|| refuse(format!("there is no device {id}")))?;
        check_usable(&device).map_err(refuse)?;
        devices.push(device);
    }
    Ok(devices)
}

/// Whether the hub asks anything of a device.
pub(super) fn check_driven(device: &Device) -> Result<(), String> {
    let name = device.display_name();
    if !device.is_managed {
        return Err(format!("{name} is not managed by the hub: see devices/unmanaged/update"));
    }
    if !device.is_configured {
        return Err(format!("{name} is not in the hub's configuration any more"));
    }
    Ok(())
}

/// Whether codes can be put into a device now or later.
pub(super) fn check_usable(device: &Device) -> Result<(), String> {
    check_driven(device)?;
    let name = device.display_name();
    if device.info.is_none() {
        return Err(format!("{name} can't be used yet: it is still being asked what it can do"));
    }
    if device.takes_codes() { Ok(()) } else { Err(format!("{name} takes no access codes")) }
}

/// The order of doors says nothing.
fn sorted<T: Ord + Copy>(ids: &[T]) -> Vec<T> {
    let mut ids = ids.to_vec();
    ids.sort();
    ids
}

/// Each once, in the order given.
pub(super) fn once<T: Ord + Clone>(items: Vec<T>) -> Vec<T> {
    let mut seen = BTreeSet::new();
    items.into_iter().filter(|item| seen.insert(item.clone())).collect()
}
