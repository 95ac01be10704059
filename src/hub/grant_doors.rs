//! The codes of grants follow their doors, when these change.

use super::grant_codes::{issue_before_start, moment, table, tell};
use super::grant_order::check_usable;
use super::outcome::Failure;
use crate::model::{
    AccessCode, AccessGrant, AccessMethod, ApiError, CodeOrigin, Device, DeviceId, EventType, Presence, Timestamp,
};
use crate::plan::warn::{self, Health};
use crate::plan::{pin, slot};
use crate::store::{StoreError, Unit};

/// Refusals that are told at once; of the others only how many there are.
const TOLD: usize = 5;

/// A door that a grant reaches now gets a code for each of its methods, with the guest's PIN; on one that it does not
/// reach any more, the codes are withdrawn. Grants that are over stay as they are.
///
/// # Errors
/// When a door can't take a guest's PIN (it is another's there, the lock is full, …): with the doors, the grants and the
/// reasons. The change as a whole is not carried out then, for whoever is let in by a space is let in by all of it.
pub(super) fn follow_doors(unit: &mut Unit<'_>, grants: &[AccessGrant]) -> Result<(), Failure> {
    let (now, mut refusals) = (unit.now(), Vec::new());
    for grant in grants.iter().filter(|grant| grant.deleted_at.is_none() && !grant.window.is_over(now)) {
        let doors = unit.doors(grant)?;
        for method in unit.methods_of_grant(grant.access_grant_id)? {
            if method.deleted_at.is_none() {
                follow(unit, grant, method, &doors, &mut refusals)?;
            }
        }
    }
    if refusals.is_empty() {
        return Ok(());
    }
    let more = refusals.len().saturating_sub(TOLD);
    refusals.truncate(TOLD);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    Err(ApiError::invalid("device_ids", format!("{}{more}", refusals.join("; "))).into())
}

fn follow(
    unit: &mut Unit<'_>,
    grant: &AccessGrant,
    mut method: AccessMethod,
    doors: &[DeviceId],
    refusals: &mut Vec<String>,
) -> Result<(), Failure> {
    let now = unit.now();
    let mut codes = unit.codes_of_method(method.access_method_id)?;
    codes.retain(|code| code.deleted_at.is_none());
    let (stay, leave): (Vec<_>, Vec<_>) = codes.into_iter().partition(|code| doors.contains(&code.device_id));
    for code in &leave {
        unit.update_code(&AccessCode { deleted_at: Some(now), problem: None, ..code.clone() })?;
    }
    let mut added = false;
    for door in doors.iter().filter(|door| stay.iter().all(|code| code.device_id != **door)) {
        let Some(device) = unit.device(*door)? else { continue };
        added = true;
        if let Err(reason) = add(unit, grant, &method, &device)? {
            let (name, id) = (device.display_name(), grant.access_grant_id);
            refusals.push(format!("{name} can't take the PIN of access grant {id}: {reason}"));
        }
    }
    if added && method.revoked_at.is_some() {
        // It had lost its last door.
        method.revoked_at = None;
        unit.update_method(&method)?;
    }
    issue_before_start(unit, grant, &mut method)?;
    if !leave.is_empty() {
        issue_without(unit, grant, &mut method, now)?;
    }
    Ok(unit.settle_method(method.access_method_id)?)
}

/// Adds a code with the method's PIN; or why that can't be.
fn add(
    unit: &mut Unit<'_>,
    grant: &AccessGrant,
    method: &AccessMethod,
    device: &Device,
) -> Result<Result<(), String>, Failure> {
    let Some(pin) = &method.pin else { return Ok(Err("it is forgotten".to_owned())) };
    if let Err(why) = check_usable(device) {
        return Ok(Err(why));
    }
    let (now, table) = (unit.now(), table(unit, device)?);
    if let Err(reason) = pin::check(pin, &[pin::Door::new(&table, &grant.window, None)]) {
        return Ok(Err(reason.to_string()));
    }
    let slot = match slot::choose(&table, &grant.window, None, now) {
        Ok(slot) => slot,
        Err(full) => return Ok(Err(full.to_string())),
    };
    let mut code = AccessCode {
        access_code_id: unit.id(),
        origin: CodeOrigin::Grant {
            access_grant_id: grant.access_grant_id,
            access_method_id: method.access_method_id,
            user_identity_id: grant.user_identity_id,
        },
        device_id: device.device_id,
        slot,
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
    Ok(Ok(()))
}

/// I4: inside the window, a method that waited only for a door that left is issued by the proof of the others.
fn issue_without(
    unit: &mut Unit<'_>,
    grant: &AccessGrant,
    method: &mut AccessMethod,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut codes = unit.codes_of_method(method.access_method_id)?;
    codes.retain(|code| code.deleted_at.is_none());
    let proven = !codes.is_empty() && codes.iter().all(|code| matches!(code.presence, Presence::Proven(..)));
    if !proven || method.issued_at.is_some() {
        return Ok(());
    }
    method.issued_at = Some(now);
    unit.update_method(method)?;
    tell(unit, EventType::AccessMethodIssued, grant, method)
}
