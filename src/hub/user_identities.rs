//! Operations on people.

use serde::Serialize;
use serde_json::Map;
use utoipa::ToSchema;

use super::call::Call;
use super::outcome::{Failure, Nothing, no_user_identity, response};
use super::page::{Cursor, Page, Pagination};
use super::parameter::{Key, Limit, Nullable};
use super::request::request;
use super::trouble::{ErrorEntry, WarningEntry};
use crate::model::{ApiError, EventSubject, EventType, Timestamp, UserIdentity, UserIdentityId, WorkspaceId};
use crate::store::{GrantFilter, PersonFilter, StoreError, Unit};

request! {
    /// Makes a user identity: a person who can be granted access.
    pub(super) struct CreateUserIdentity {
        /// The host's own unique name for the person. The same order again under the same key gives the same person.
        user_identity_key: Option<String>,
        /// Unique.
        email_address: Option<String>,
        /// Unique.
        phone_number: Option<String>,
        /// The person's name.
        full_name: Option<String>,
    }
}

request! {
    /// Tells of a person.
    pub(super) struct GetUserIdentity {
        /// By id.
        user_identity_id: Option<UserIdentityId>,
        /// Or by the host's own key.
        user_identity_key: Option<Key>,
    }
}

request! {
    /// Lists people.
    pub(super) struct ListUserIdentities {
        /// Only these.
        user_identity_ids: Option<Vec<UserIdentityId>>,
        /// Only those whose name, e-mail address, telephone number or key holds this text.
        search: Option<String>,
        /// Only those made before this.
        created_before: Option<Timestamp>,
        /// At most so many.
        limit: Option<Limit>,
        /// The next page of the same request.
        page_cursor: Option<Cursor>,
    }
}

request! {
    /// Changes what is known of a person.
    pub(super) struct UpdateUserIdentity {
        /// Which.
        user_identity_id: UserIdentityId,
        /// The new key; null: none.
        user_identity_key: Nullable<String>,
        /// The new e-mail address; null: none.
        email_address: Nullable<String>,
        /// The new telephone number; null: none.
        phone_number: Nullable<String>,
        /// The new name; null: none.
        full_name: Nullable<String>,
    }
}

request! {
    /// Deletes a person who has no access grants any more.
    pub(super) struct DeleteUserIdentity {
        /// Which.
        user_identity_id: UserIdentityId,
    }
}

response!(OneUserIdentity { user_identity: UserIdentityResource });
response!(UserIdentities { user_identities: Vec<UserIdentityResource>, pagination: Pagination });

pub(super) fn create(call: &mut Call<'_, '_>, asked: CreateUserIdentity) -> Result<OneUserIdentity, Failure> {
    let identity = known_or_new(call, asked)?;
    Ok(OneUserIdentity { user_identity: UserIdentityResource::new(&identity, call.workspace_id()?) })
}

pub(super) fn get(call: &mut Call<'_, '_>, asked: GetUserIdentity) -> Result<OneUserIdentity, Failure> {
    let found = match (asked.user_identity_id, asked.user_identity_key) {
        (Some(id), _) => call.user_identity(id)?,
        (None, Some(Key(key))) => call.user_identity_by_key(&key)?,
        (None, None) => return Err(ApiError::invalid("user_identity_id", "required").into()),
    };
    let identity = found.ok_or_else(no_user_identity)?;
    Ok(OneUserIdentity { user_identity: UserIdentityResource::new(&identity, call.workspace_id()?) })
}

pub(super) fn list(call: &mut Call<'_, '_>, asked: ListUserIdentities) -> Result<UserIdentities, Failure> {
    let search = asked.search.map(|text| text.to_lowercase());
    let holds = |identity: &UserIdentity, text: &str| {
        let UserIdentity { full_name, email_address, phone_number, user_identity_key, .. } = identity;
        let texts = [full_name, email_address, phone_number, user_identity_key];
        texts.into_iter().flatten().any(|known| known.to_lowercase().contains(text))
    };
    let fits = |identity: &UserIdentity| {
        asked.created_before.is_none_or(|before| identity.created_at < before)
            && search.as_ref().is_none_or(|text| holds(identity, text))
    };
    let page = Page::new(asked.limit, asked.page_cursor);
    // What is searched for is looked for among all.
    let limit = page.fetch().filter(|_| asked.created_before.is_none() && search.is_none());
    let filter = PersonFilter { ids: asked.user_identity_ids, after: page.after(), limit };
    let all = call.user_identities(&filter)?.into_iter().filter(fits);
    let (people, pagination) = page.cut(all, |identity| identity.user_identity_id.0);
    let workspace = call.workspace_id()?;
    let user_identities = people.iter().map(|identity| UserIdentityResource::new(identity, workspace)).collect();
    Ok(UserIdentities { user_identities, pagination })
}

pub(super) fn update(call: &mut Call<'_, '_>, asked: UpdateUserIdentity) -> Result<Nothing, Failure> {
    let old = call.user_identity(asked.user_identity_id)?.ok_or_else(no_user_identity)?;
    let new = UserIdentity {
        user_identity_key: asked.user_identity_key.or(old.user_identity_key),
        email_address: asked.email_address.or(old.email_address),
        phone_number: asked.phone_number.or(old.phone_number),
        full_name: asked.full_name.or(old.full_name),
        ..old
    };
    check_unique(call, &new)?;
    call.update_user_identity(&new)?;
    tell(call, EventType::UserIdentityChanged, new.user_identity_id)?;
    Ok(Nothing {})
}

pub(super) fn delete(call: &mut Call<'_, '_>, asked: DeleteUserIdentity) -> Result<Nothing, Failure> {
    let id = asked.user_identity_id;
    call.user_identity(id)?.ok_or_else(no_user_identity)?;
    let grants = call.grants(&GrantFilter { user: Some(id), ..GrantFilter::default() })?;
    if !grants.is_empty() {
        let message = format!("has {} access grant(s): delete them first, so that no code stays behind", grants.len());
        return Err(ApiError::invalid("user_identity_id", message).into());
    }
    call.delete_user_identity(id)?;
    tell(call, EventType::UserIdentityDeleted, id)?;
    Ok(Nothing {})
}

impl CreateUserIdentity {
    /// Whether this is what the person was made of.
    pub(super) fn is_for(&self, known: &UserIdentity) -> bool {
        self.user_identity_key == known.user_identity_key
            && self.email_address == known.email_address
            && self.phone_number == known.phone_number
            && self.full_name == known.full_name
    }
}

/// Makes a person, whose key, e-mail address and telephone number must be nobody else's. The same order again under the
/// same key gives the same person (I7).
pub(super) fn known_or_new(unit: &mut Unit<'_>, person: CreateUserIdentity) -> Result<UserIdentity, Failure> {
    if let Some(key) = &person.user_identity_key
        && let Some(known) = unit.user_identity_by_key(key)?.filter(|known| person.is_for(known))
    {
        return Ok(known);
    }
    let identity = UserIdentity {
        user_identity_id: unit.id(),
        user_identity_key: person.user_identity_key,
        email_address: person.email_address,
        phone_number: person.phone_number,
        full_name: person.full_name,
        created_at: unit.now(),
    };
    check_unique(unit, &identity)?;
    unit.insert_user_identity(&identity)?;
    tell(unit, EventType::UserIdentityCreated, identity.user_identity_id)?;
    Ok(identity)
}

fn tell(unit: &mut Unit<'_>, event: EventType, id: UserIdentityId) -> Result<(), StoreError> {
    let subject = EventSubject { user_identity_id: Some(id), ..EventSubject::default() };
    unit.emit(event, subject, Map::new())
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

/// A person as Seam writes it.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = UserIdentity)]
pub(super) struct UserIdentityResource {
    user_identity_id: UserIdentityId,
    workspace_id: WorkspaceId,
    user_identity_key: Option<String>,
    email_address: Option<String>,
    phone_number: Option<String>,
    full_name: Option<String>,
    display_name: String,
    created_at: Timestamp,
    acs_user_ids: Vec<UserIdentityId>,
    errors: Vec<ErrorEntry>,
    warnings: Vec<WarningEntry>,
}

impl UserIdentityResource {
    pub(super) fn new(identity: &UserIdentity, workspace: WorkspaceId) -> Self {
        Self {
            user_identity_id: identity.user_identity_id,
            workspace_id: workspace,
            user_identity_key: identity.user_identity_key.clone(),
            email_address: identity.email_address.clone(),
            phone_number: identity.phone_number.clone(),
            full_name: identity.full_name.clone(),
            display_name: identity.display_name(),
            created_at: identity.created_at,
            acs_user_ids: Vec::new(),
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }
}
