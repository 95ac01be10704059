//! Keys for those who ask over HTTP, and who it is that shows one.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::call::Call;
use super::outcome::{Failure, Nothing, response};
use super::request::request;
use super::{Caller, Hub, StoreError};
use crate::model::{ApiError, ApiKey, ApiKeyId, ApiToken, EventSubject, EventType, KeyHash, Role, Timestamp};
use crate::store::Unit;

/// Name of the key for programs on this machine, which the hub itself makes.
const LOCAL: &str = "local";
/// Longest name, in characters.
const LONGEST_NAME: usize = 64;
/// How exactly it is kept when a key was last used.
const USED_TO: Duration = Duration::from_secs(60);

request! {
    /// Makes a key for a program that asks over HTTP. The answer shows it, and nothing ever does again.
    pub(super) struct CreateApiKey {
        /// Whose it is, or what for: unique, up to 64 letters, digits, spaces, '-', '_' and '.'.
        name: String,
        /// What it may. read: look, without PINs. grants: also make grants, see their PINs and open doors. admin: everything.
        role: Role,
    }
}

request! {
    /// Lists the keys, without what opens.
    pub(super) struct ListApiKeys {}
}

request! {
    /// Takes a key away: it opens nothing from then on.
    pub(super) struct DeleteApiKey {
        /// Which.
        api_key_id: ApiKeyId,
    }
}

response!(NewApiKey { api_key: ApiKeyResource });
response!(ApiKeys { api_keys: Vec<ApiKeyResource> });

pub(super) fn create(call: &mut Call<'_, '_>, asked: CreateApiKey) -> Result<NewApiKey, Failure> {
    let name = asked.name.trim();
    let fits = |c: char| c.is_alphanumeric() || " -_.".contains(c);
    if !(1..=LONGEST_NAME).contains(&name.chars().count()) || !name.chars().all(fits) {
        let right = format!("expected 1 to {LONGEST_NAME} letters, digits, spaces, '-', '_' and '.'");
        return Err(ApiError::invalid("name", right).into());
    }
    // Not the name of another door either: what is done stands under it in the events.
    if name == Caller::mqtt().name || name == LOCAL || call.api_key_by_name(name)?.is_some() {
        return Err(ApiError::invalid("name", "is taken: give another one, or delete that key first").into());
    }
    let (key, token) = make(call, name.to_owned(), asked.role)?;
    tell(call, EventType::ApiKeyCreated, &key)?;
    let resource = ApiKeyResource { token: Some(token.expose().to_owned()), ..ApiKeyResource::new(&key) };
    Ok(NewApiKey { api_key: resource })
}

pub(super) fn list(call: &mut Call<'_, '_>, _: ListApiKeys) -> Result<ApiKeys, Failure> {
    Ok(ApiKeys { api_keys: call.api_keys()?.iter().map(ApiKeyResource::new).collect() })
}

pub(super) fn delete(call: &mut Call<'_, '_>, asked: DeleteApiKey) -> Result<Nothing, Failure> {
    let Some(key) = call.api_key(asked.api_key_id)? else {
        return Err(ApiError::new("api_key_not_found", "there is no key of this id").into());
    };
    call.delete_api_key(key.api_key_id)?;
    tell(call, EventType::ApiKeyDeleted, &key)?;
    Ok(Nothing {})
}

/// Who lets whom in must be seen afterwards.
fn tell(call: &mut Call<'_, '_>, event_type: EventType, key: &ApiKey) -> Result<(), StoreError> {
    let details = json!({"api_key_id": key.api_key_id, "name": key.name, "role": key.role.name()});
    call.emit(event_type, EventSubject::default(), details.as_object().cloned().unwrap_or_default())
}

/// A key as it is shown.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub(super) struct ApiKeyResource {
    api_key_id: ApiKeyId,
    name: String,
    /// `read`, `grants` or `admin`.
    role: &'static str,
    created_at: Timestamp,
    /// To the minute; null: never.
    last_used_at: Option<Timestamp>,
    /// What opens. Only in the answer to its creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

impl ApiKeyResource {
    fn new(key: &ApiKey) -> Self {
        Self {
            api_key_id: key.api_key_id,
            name: key.name.clone(),
            role: key.role.name(),
            created_at: key.created_at,
            last_used_at: key.last_used_at,
            token: None,
        }
    }
}

impl Hub {
    /// Whose key this is; `None`: nobody's.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn caller_of(&self, key: KeyHash) -> Result<Option<Caller>, StoreError> {
        let now = self.clock.now().utc;
        let Some(key) = self.read(move |unit| unit.api_key_by_hash(key)).await? else { return Ok(None) };
        if key.last_used_at.is_none_or(|last| is_stale(last, now)) {
            // By itself: on a full disk nothing can be noted, but who looks must still be let in.
            let noted = self.read(move |unit| unit.use_api_key(key.api_key_id)).await;
            noted.unwrap_or_else(|error| tracing::warn!(%error, "can't note that a key is used"));
        }
        Ok(Some(Caller { name: key.name, role: key.role }))
    }

    /// A new key for programs on this machine, which may do everything; the one before it opens nothing any more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn renew_local_key(&self) -> Result<ApiToken, StoreError> {
        self.read(|unit| {
            if let Some(old) = unit.api_key_by_name(LOCAL)? {
                unit.delete_api_key(old.api_key_id)?;
            }
            Ok(make(unit, LOCAL.to_owned(), Role::Admin)?.1)
        })
        .await
    }
}

/// Also when the clock was set back.
fn is_stale(last: Timestamp, now: Timestamp) -> bool {
    last > now || last.until(now) >= USED_TO
}

fn make(unit: &mut Unit<'_>, name: String, role: Role) -> Result<(ApiKey, ApiToken), StoreError> {
    let token = ApiToken::generate(unit.rng());
    let key = ApiKey { api_key_id: unit.id(), name, role, created_at: unit.now(), last_used_at: None };
    unit.insert_api_key(&key, KeyHash::of(token.expose()))?;
    Ok((key, token))
}
