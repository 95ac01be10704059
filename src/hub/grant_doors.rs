//! The codes of grants follow their doors, when these change.

use super::grant_codes::{codes_of, issue, issue_before_start, living_methods, origin, times};
use super::outcome::Failure;
use super::promise;
use crate::model::{AccessCode, AccessGrant, AccessMethod, DeviceId, Presence};
use crate::store::Unit;

/// A door that a grant reaches now gets a code for each of its methods, with the guest's PIN. Where it can't take that
/// one, the code says why, and a person must act: the other doors are not kept waiting for it. On a door that it does
/// not reach any more, the codes are taken back. Grants that are over stay as they are.
pub(super) fn follow_doors(unit: &mut Unit<'_>, grants: &[AccessGrant]) -> Result<(), Failure> {
    let now = unit.now();
    for grant in grants.iter().filter(|grant| grant.deleted_at.is_none() && !grant.window.is_over(now)) {
        let doors = unit.doors(grant)?;
        for method in living_methods(unit, grant)? {
            follow(unit, grant, method, &doors)?;
        }
    }
    Ok(())
}

fn follow(
    unit: &mut Unit<'_>,
    grant: &AccessGrant,
    mut method: AccessMethod,
    doors: &[DeviceId],
) -> Result<(), Failure> {
    let codes = unit.codes(&codes_of(&method))?;
    let (mut stay, leave): (Vec<_>, Vec<_>) = codes.into_iter().partition(|code| doors.contains(&code.device_id));
    for code in &leave {
        promise::take_back(unit, code)?;
    }
    let added = doors.iter().filter(|door| stay.iter().all(|code| code.device_id != **door));
    for door in added.collect::<Vec<_>>() {
        let (Some(device), Some(pin)) = (unit.device(*door)?, &method.pin) else { continue };
        stay.push(promise::reserve_or_tell(unit, &device, origin(grant, &method), pin, &times(grant))?);
    }
    if !stay.is_empty() && method.revoked_at.take().is_some() {
        // It had lost its last door.
        unit.update_method(&method)?;
    }
    issue_before_start(unit, grant, &mut method)?;
    if !leave.is_empty() {
        issue_without(unit, grant, &mut method, &stay)?;
    }
    Ok(unit.settle_method(method.access_method_id)?)
}

/// I4: inside the window, a method that waited only for a door that left is issued by the proof of the others.
fn issue_without(
    unit: &mut Unit<'_>,
    grant: &AccessGrant,
    method: &mut AccessMethod,
    left: &[AccessCode],
) -> Result<(), Failure> {
    let proven = !left.is_empty() && left.iter().all(|code| matches!(code.presence, Presence::Proven(..)));
    if !proven || method.issued_at.is_some() {
        return Ok(());
    }
    issue(unit, grant, method)
}
