//! Operations on people.

use serde_json::{Value, json};

use super::input::Input;
use super::outcome::{Failure, Outcome, no_user_identity, nothing, one};
use crate::model::{ApiError, UserIdentity, UserIdentityId, WorkspaceId};
use crate::store::Unit;

pub(super) fn create(unit: &mut Unit<'_>, mut input: Input) -> Outcome {
    let person = Person::read(&mut input);
    input.finish()?;
    let identity = insert(unit, person)?;
    one("user_identity", resource(&identity, unit.workspace_id()?))
}

pub(super) fn get(unit: &mut Unit<'_>, mut input: Input) -> Outcome {
    let (id, key) = (input.id("user_identity_id"), input.text("user_identity_key"));
    if id.is_none() && key.is_none() {
        input.require("user_identity_id");
    }
    input.finish()?;
    let found = match (id, key) {
        (Some(id), _) => unit.user_identity(id)?,
        (None, Some(key)) => unit.user_identity_by_key(&key)?,
        (None, None) => None,
    };
    one("user_identity", resource(&found.ok_or_else(no_user_identity)?, unit.workspace_id()?))
}

pub(super) fn list(unit: &mut Unit<'_>, mut input: Input) -> Outcome {
    let ids: Option<Vec<UserIdentityId>> = input.ids("user_identity_ids");
    let search = input.text("search").map(|text| text.to_lowercase());
    input.finish()?;
    let workspace = unit.workspace_id()?;
    let fits = |identity: &UserIdentity| {
        ids.as_ref().is_none_or(|ids| ids.contains(&identity.user_identity_id))
            && search.as_ref().is_none_or(|text| identity.display_name().to_lowercase().contains(text))
    };
    let all = unit.user_identities()?;
    let shown: Vec<Value> = all.iter().filter(|identity| fits(identity)).map(|i| resource(i, workspace)).collect();
    one("user_identities", shown.into())
}

pub(super) fn update(unit: &mut Unit<'_>, mut input: Input) -> Outcome {
    let id: Option<UserIdentityId> = input.required_id("user_identity_id");
    let key = input.nullable_text("user_identity_key");
    let email = input.nullable_text("email_address");
    let phone = input.nullable_text("phone_number");
    let name = input.nullable_text("full_name");
    input.finish()?;
    let old = match id {
        Some(id) => unit.user_identity(id)?.ok_or_else(no_user_identity)?,
        None => return Err(no_user_identity().into()),
    };
    let new = UserIdentity {
        user_identity_key: key.unwrap_or_else(|| old.user_identity_key.clone()),
        email_address: email.unwrap_or_else(|| old.email_address.clone()),
        phone_number: phone.unwrap_or_else(|| old.phone_number.clone()),
        full_name: name.unwrap_or_else(|| old.full_name.clone()),
        ..old
    };
    check_unique(unit, &new)?;
    unit.update_user_identity(&new)?;
    nothing()
}

pub(super) fn delete(unit: &mut Unit<'_>, mut input: Input) -> Outcome {
    let id: Option<UserIdentityId> = input.required_id("user_identity_id");
    input.finish()?;
    let Some(id) = id else { return nothing() };
    unit.user_identity(id)?.ok_or_else(no_user_identity)?;
    let grants = unit.grants_of_user(id)?;
    if !grants.is_empty() {
        let message = format!("has {} access grant(s): delete them first, so that no code stays behind", grants.len());
        return Err(ApiError::invalid("user_identity_id", message).into());
    }
    unit.delete_user_identity(id)?;
    nothing()
}

/// What a person can be made of.
pub(super) struct Person {
    key: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    name: Option<String>,
}

impl Person {
    pub(super) fn read(input: &mut Input) -> Self {
        Self {
            key: input.text("user_identity_key"),
            email: input.text("email_address"),
            phone: input.text("phone_number"),
            name: input.text("full_name"),
        }
    }

    /// Whether this is what the person was made of.
    pub(super) fn is(&self, known: &UserIdentity) -> bool {
        self.key == known.user_identity_key
            && self.email == known.email_address
            && self.phone == known.phone_number
            && self.name == known.full_name
    }
}

/// Makes a person, whose key, e-mail address and telephone number must be nobody else's.
pub(super) fn insert(unit: &mut Unit<'_>, person: Person) -> Result<UserIdentity, Failure> {
    let identity = UserIdentity {
        user_identity_id: unit.id(),
        user_identity_key: person.key,
        email_address: person.email,
        phone_number: person.phone,
        full_name: person.name,
        created_at: unit.now(),
    };
    check_unique(unit, &identity)?;
    unit.insert_user_identity(&identity)?;
    Ok(identity)
}

fn check_unique(unit: &mut Unit<'_>, identity: &UserIdentity) -> Result<(), Failure> {
    let nobody = [&identity.user_identity_key, &identity.email_address, &identity.phone_number, &identity.full_name];
    if nobody.into_iter().flatten().all(|text| text.trim().is_empty()) {
        let message = "give at least one of user_identity_key, email_address, phone_number, full_name";
        return Err(ApiError::invalid("user_identity_key", message).into());
    }
    if identity.email_address.as_ref().is_some_and(|address| !address.contains('@')) {
        return Err(ApiError::invalid("email_address", "expected an e-mail address").into());
    }
    let other = |found: Option<UserIdentity>| found.is_some_and(|o| o.user_identity_id != identity.user_identity_id);
    let taken = |field| Err(ApiError::invalid(field, "belongs to another user identity").into());
    if let Some(key) = &identity.user_identity_key
        && other(unit.user_identity_by_key(key)?)
    {
        return taken("user_identity_key");
    }
    if let Some(address) = &identity.email_address
        && other(unit.user_identity_by_email(address)?)
    {
        return taken("email_address");
    }
    if let Some(number) = &identity.phone_number
        && other(unit.user_identity_by_phone(number)?)
    {
        return taken("phone_number");
    }
    Ok(())
}

fn resource(identity: &UserIdentity, workspace: WorkspaceId) -> Value {
    json!({
        "user_identity_id": identity.user_identity_id,
        "workspace_id": workspace,
        "user_identity_key": identity.user_identity_key,
        "email_address": identity.email_address,
        "phone_number": identity.phone_number,
        "full_name": identity.full_name,
        "display_name": identity.display_name(),
        "created_at": identity.created_at,
        "acs_user_ids": [],
        "errors": [],
        "warnings": [],
    })
}
