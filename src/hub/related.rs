//! Resources with those around them, in one answer.

use serde::Serialize;
use utoipa::ToSchema;

use super::access_grants::NamedGrant;
use super::access_methods::{self, AccessMethodResource};
use super::call::Call;
use super::device_resource::DeviceResource;
use super::devices;
use super::grant_order::once;
use super::grant_resource::{self, AccessGrantResource};
use super::outcome::{Failure, response};
use super::parameter::{Key, words};
use super::request::request;
use super::spaces::{self, SpaceResource};
use super::user_identities::UserIdentityResource;
use crate::model::{
    AccessGrant, AccessGrantId, AccessMethod, AccessMethodId, ApiError, DeviceId, SpaceId, UserIdentityId,
};
use crate::store::{GrantFilter, StoreError};

words! {
    /// A kind of resource. Those that only a cloud has are known, and there are none of them.
    pub(super) enum Kind {
        /// Spaces.
        Spaces = "spaces",
        /// Devices.
        Devices = "devices",
        /// People.
        UserIdentities = "user_identities",
        /// Access grants.
        AccessGrants = "access_grants",
        /// Access methods.
        AccessMethods = "access_methods",
        /// None here.
        AcsEntrances = "acs_entrances",
        /// None here.
        ConnectedAccounts = "connected_accounts",
        /// None here.
        AcsSystems = "acs_systems",
        /// None here.
        AcsAccessGroups = "acs_access_groups",
        /// None here.
        AcsCredentials = "acs_credentials",
        /// None here.
        InstantKeys = "instant_keys",
        /// None here.
        ClientSessions = "client_sessions",
    }
}

request! {
    /// Tells of access grants with their spaces, devices, people and access methods, in one answer.
    pub(super) struct RelatedToAccessGrants {
        /// Of these access grants.
        access_grant_ids: Option<Vec<AccessGrantId>>,
        /// And of those with these keys.
        access_grant_keys: Option<Vec<Key>>,
        /// Only these kinds; left out: all.
        include: Option<Vec<Kind>>,
        /// Without these kinds.
        exclude: Option<Vec<Kind>>,
    }
}

request! {
    /// Tells of access methods with their access grants, spaces, devices and people, in one answer.
    pub(super) struct RelatedToAccessMethods {
        /// Of these access methods.
        access_method_ids: Vec<AccessMethodId>,
        /// Only these kinds; left out: all.
        include: Option<Vec<Kind>>,
        /// Without these kinds.
        exclude: Option<Vec<Kind>>,
    }
}

request! {
    /// Tells of spaces with their devices, and the access grants, people and access methods that reach them, in one answer.
    pub(super) struct RelatedToSpaces {
        /// Of these spaces.
        space_ids: Option<Vec<SpaceId>>,
        /// And of those with these keys.
        space_keys: Option<Vec<Key>>,
        /// Only these kinds; left out: all.
        include: Option<Vec<Kind>>,
        /// Without these kinds.
        exclude: Option<Vec<Kind>>,
    }
}

response!(Related { batch: Batch });

/// Resources, each once. A kind that was not asked for is absent.
#[derive(Serialize, ToSchema)]
pub(super) struct Batch {
    #[serde(skip_serializing_if = "Option::is_none")]
    spaces: Option<Vec<SpaceResource>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    devices: Option<Vec<DeviceResource>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_identities: Option<Vec<UserIdentityResource>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_grants: Option<Vec<AccessGrantResource>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_methods: Option<Vec<AccessMethodResource>>,
}

pub(super) fn to_access_grants(call: &mut Call<'_, '_>, asked: RelatedToAccessGrants) -> Result<Related, Failure> {
    let ids = asked.access_grant_ids.into_iter().flatten().map(NamedGrant::Id);
    let keys = asked.access_grant_keys.into_iter().flatten().map(|Key(key)| NamedGrant::Key(key));
    let mut around = Around::default();
    for named in ids.chain(keys) {
        let grant = named.find(call)?;
        around.grant(call, &grant)?;
        around.people.push(grant.user_identity_id);
        around.methods.extend(call.methods_of_grant(grant.access_grant_id)?);
        around.grants.push(grant);
    }
    around.show(call, "access_grant_ids", asked.include, asked.exclude)
}

pub(super) fn to_access_methods(call: &mut Call<'_, '_>, asked: RelatedToAccessMethods) -> Result<Related, Failure> {
    let mut around = Around::default();
    for id in asked.access_method_ids {
        let (method, grant) = access_methods::find(call, id)?;
        around.grant(call, &grant)?;
        around.people.push(grant.user_identity_id);
        around.methods.push(method);
        around.grants.push(grant);
    }
    around.show(call, "access_method_ids", asked.include, asked.exclude)
}

pub(super) fn to_spaces(call: &mut Call<'_, '_>, asked: RelatedToSpaces) -> Result<Related, Failure> {
    let ids = asked.space_ids.into_iter().flatten().map(|id| (Some(id), None));
    let keys = asked.space_keys.into_iter().flatten().map(|key| (None, Some(key)));
    let mut around = Around::default();
    for (id, key) in ids.chain(keys) {
        let space = spaces::find(call, id, key)?;
        for grant in call.grants(&GrantFilter { space: Some(space.space_id), ..GrantFilter::default() })? {
            around.methods.extend(call.methods_of_grant(grant.access_grant_id)?);
            around.people.push(grant.user_identity_id);
            around.grants.push(grant);
        }
        around.devices.extend(&space.device_ids);
        around.spaces.push(space.space_id);
    }
    around.show(call, "space_ids", asked.include, asked.exclude)
}

/// What was found, some of it perhaps more than once.
#[derive(Default)]
struct Around {
    spaces: Vec<SpaceId>,
    devices: Vec<DeviceId>,
    people: Vec<UserIdentityId>,
    grants: Vec<AccessGrant>,
    methods: Vec<AccessMethod>,
}

impl Around {
    /// Its doors and spaces.
    fn grant(&mut self, call: &mut Call<'_, '_>, grant: &AccessGrant) -> Result<(), StoreError> {
        self.devices.extend(call.doors(grant)?);
        self.spaces.extend(&grant.space_ids);
        Ok(())
    }

    fn show(
        mut self,
        call: &mut Call<'_, '_>,
        asked_by: &str,
        include: Option<Vec<Kind>>,
        exclude: Option<Vec<Kind>>,
    ) -> Result<Related, Failure> {
        if self.spaces.is_empty() && self.grants.is_empty() {
            return Err(ApiError::invalid(asked_by, "give at least one").into());
        }
        let wants = |kind: Kind| {
            include.as_ref().is_none_or(|kinds| kinds.contains(&kind))
                && exclude.as_ref().is_none_or(|kinds| !kinds.contains(&kind))
        };
        let (workspace, shown) = (call.workspace_id()?, call.shown());
        self.grants.sort_by_key(|grant| grant.access_grant_id);
        self.grants.dedup_by_key(|grant| grant.access_grant_id);
        self.methods.sort_by_key(|method| method.access_method_id);
        self.methods.dedup_by_key(|method| method.access_method_id);
        let mut spaces = Vec::new();
        for id in once(self.spaces) {
            spaces.extend(call.space(id)?.map(|space| SpaceResource::new(&space, workspace)));
        }
        let mut devices = Vec::new();
        for id in once(self.devices) {
            devices.extend(devices::public(call, id)?);
        }
        let mut people = Vec::new();
        for id in once(self.people) {
            people.extend(call.user_identity(id)?.map(|person| UserIdentityResource::new(&person, workspace)));
        }
        let grants =
            self.grants.iter().map(|grant| grant_resource::of(call, grant, shown)).collect::<Result<_, _>>()?;
        let methods =
            self.methods.iter().map(|method| access_methods::of(call, method, shown)).collect::<Result<_, _>>()?;
        let batch = Batch {
            spaces: wants(Kind::Spaces).then_some(spaces),
            devices: wants(Kind::Devices).then_some(devices),
            user_identities: wants(Kind::UserIdentities).then_some(people),
            access_grants: wants(Kind::AccessGrants).then_some(grants),
            access_methods: wants(Kind::AccessMethods).then_some(methods),
        };
        Ok(Related { batch })
    }
}
