//! The table of operations. Every door dispatches through it; adding one is adding a line here.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use serde_json::{Map, Value};

use super::call::Surroundings;
use super::caller::Caller;
use super::operation::{Method, Operation};
use super::outcome::Failure;
use super::{
    access_codes, access_grants, access_methods, action_attempts, api_keys, cloud_only, code_orders, device_access,
    devices, events, health, locks, networks, parameters, related, spaces, sticks, user_identities, webhooks,
    workspaces,
};
use crate::model::ApiError;
use crate::store::Unit;

/// Making something.
const CREATE: &[Method] = &[Method::Post];
/// Changing something; older clients put.
const UPDATE: &[Method] = &[Method::Patch, Method::Post, Method::Put];
/// Setting something; older clients post.
const SET: &[Method] = &[Method::Put, Method::Post];
/// Deleting something; older clients post.
const DELETE: &[Method] = &[Method::Delete, Method::Post];

static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(|| {
    vec![
        Operation::changes("access_codes/create", CREATE, code_orders::create),
        Operation::changes("access_codes/delete", DELETE, code_orders::delete),
        Operation::reads("access_codes/generate_code", code_orders::generate),
        Operation::reads("access_codes/get", access_codes::get),
        Operation::reads("access_codes/list", access_codes::list),
        Operation::changes("access_codes/unmanaged/convert_to_managed", UPDATE, code_orders::convert),
        Operation::changes("access_codes/unmanaged/delete", DELETE, code_orders::delete_unmanaged),
        Operation::reads("access_codes/unmanaged/get", code_orders::get_unmanaged),
        Operation::reads("access_codes/unmanaged/list", access_codes::list_unmanaged),
        Operation::changes("access_codes/unmanaged/update", UPDATE, code_orders::update_unmanaged),
        Operation::changes("access_codes/update", UPDATE, code_orders::update),
        Operation::changes("access_grants/create", CREATE, access_grants::create),
        Operation::changes("access_grants/delete", DELETE, access_grants::delete),
        Operation::reads("access_grants/get", access_grants::get),
        Operation::reads("access_grants/get_related", related::to_access_grants),
        Operation::reads("access_grants/list", access_grants::list),
        Operation::changes("access_grants/request_access_methods", CREATE, access_grants::request_access_methods),
        Operation::changes("access_grants/update", UPDATE, access_grants::update),
        Operation::changes("access_methods/delete", DELETE, access_methods::delete),
        Operation::reads("access_methods/get", access_methods::get),
        Operation::reads("access_methods/get_related", related::to_access_methods),
        Operation::reads("access_methods/list", access_methods::list),
        Operation::reads("action_attempts/get", action_attempts::get),
        Operation::reads("action_attempts/list", action_attempts::list),
        Operation::changes("api_keys/create", CREATE, api_keys::create).for_admins(),
        Operation::changes("api_keys/delete", DELETE, api_keys::delete).for_admins(),
        Operation::reads("api_keys/list", api_keys::list).for_admins(),
        Operation::changes("devices/check_codes", CREATE, devices::check_codes),
        Operation::changes("devices/delete", DELETE, devices::delete).for_admins(),
        Operation::reads("devices/get", devices::get),
        Operation::changes("devices/identify", CREATE, locks::identify),
        Operation::changes("devices/interview", CREATE, locks::interview).for_admins(),
        Operation::reads("devices/list", devices::list),
        Operation::reads("devices/list_parameters", parameters::list),
        Operation::changes("devices/ping", CREATE, locks::ping),
        Operation::changes("devices/read_parameter", CREATE, parameters::read).for_admins(),
        Operation::changes("devices/set_parameter", CREATE, parameters::set).for_admins(),
        Operation::reads("devices/unmanaged/get", devices::get_unmanaged),
        Operation::reads("devices/unmanaged/list", devices::list_unmanaged),
        Operation::changes("devices/unmanaged/update", UPDATE, devices::update_unmanaged).for_admins(),
        Operation::changes("devices/update", UPDATE, devices::update).for_admins(),
        Operation::reads("events/get", events::get),
        Operation::reads("events/list", events::list),
        Operation::reads("health/get", health::get),
        Operation::changes("locks/configure_admin_code", CREATE, locks::configure_admin_code).for_admins(),
        Operation::changes("locks/configure_auto_lock", CREATE, locks::configure_auto_lock).for_admins(),
        Operation::changes("locks/configure_bolt", CREATE, locks::configure_bolt).for_admins(),
        Operation::changes("locks/configure_keypad_mode", CREATE, locks::configure_keypad_mode).for_admins(),
        Operation::reads("locks/get", locks::get),
        Operation::reads("locks/list", locks::list),
        Operation::changes("locks/lock_door", CREATE, locks::lock_door),
        Operation::changes("locks/unlock_door", CREATE, locks::unlock_door),
        Operation::changes("spaces/add_devices", SET, spaces::add_devices),
        Operation::changes("spaces/create", CREATE, spaces::create),
        Operation::changes("spaces/delete", DELETE, spaces::delete),
        Operation::reads("spaces/get", spaces::get),
        Operation::reads("spaces/get_related", related::to_spaces),
        Operation::reads("spaces/list", spaces::list),
        Operation::changes("spaces/remove_devices", DELETE, spaces::remove_devices),
        Operation::changes("spaces/update", UPDATE, spaces::update),
        Operation::changes("networks/await_device", CREATE, networks::await_device).for_admins(),
        Operation::changes("networks/cancel", CREATE, networks::cancel).for_admins(),
        Operation::changes("networks/confirm", CREATE, networks::confirm).for_admins(),
        Operation::changes("networks/exclude", CREATE, networks::exclude).for_admins(),
        Operation::changes("networks/forget_device", DELETE, networks::forget_device).for_admins(),
        Operation::reads("networks/get", networks::get).for_admins(),
        Operation::changes("networks/grant", CREATE, networks::grant).for_admins(),
        Operation::changes("networks/import_keys", CREATE, networks::import_keys).for_admins(),
        Operation::changes("networks/include", CREATE, networks::include).for_admins(),
        Operation::changes("networks/leave", CREATE, networks::leave).for_admins(),
        Operation::reads("networks/list", networks::list).for_admins(),
        Operation::changes("networks/rebuild_routes", CREATE, networks::rebuild_routes).for_admins(),
        Operation::changes("networks/remove_failed", CREATE, networks::remove_failed).for_admins(),
        Operation::changes("networks/replace_failed", CREATE, networks::replace_failed).for_admins(),
        Operation::changes("networks/reset", CREATE, networks::reset).for_admins(),
        Operation::changes("sticks/adopt", CREATE, sticks::adopt).for_admins(),
        Operation::changes("sticks/export_network", CREATE, sticks::export_network).for_admins(),
        Operation::changes("sticks/import_network", CREATE, sticks::import_network).for_admins(),
        Operation::changes("sticks/keep_memory", CREATE, sticks::keep_memory).for_admins(),
        Operation::changes("sticks/restart", CREATE, sticks::restart).for_admins(),
        Operation::changes("sticks/restore_memory", CREATE, sticks::restore_memory).for_admins(),
        Operation::changes("sticks/set_region", SET, sticks::set_region).for_admins(),
        Operation::changes("user_identities/create", CREATE, user_identities::create),
        Operation::changes("user_identities/delete", DELETE, user_identities::delete),
        Operation::reads("user_identities/get", user_identities::get),
        Operation::changes("user_identities/grant_access_to_device", SET, device_access::grant),
        Operation::reads("user_identities/list", user_identities::list),
        Operation::reads("user_identities/list_accessible_devices", device_access::list),
        Operation::changes("user_identities/revoke_access_to_device", DELETE, device_access::revoke),
        Operation::changes("user_identities/update", UPDATE, user_identities::update),
        Operation::changes("webhooks/create", CREATE, webhooks::create).for_admins(),
        Operation::changes("webhooks/delete", DELETE, webhooks::delete).for_admins(),
        Operation::reads("webhooks/get", webhooks::get).for_admins(),
        Operation::reads("webhooks/list", webhooks::list).for_admins(),
        Operation::changes("webhooks/update", SET, webhooks::update).for_admins(),
        Operation::reads("workspaces/get", workspaces::get),
        Operation::reads("workspaces/list", workspaces::list),
    ]
});

/// Every operation, by name.
pub fn operations() -> &'static [Operation] {
    &OPERATIONS
}

/// Carries out one operation.
///
/// # Errors
/// What to answer.
pub(super) fn run(
    unit: &mut Unit<'_>,
    caller: &Caller,
    surroundings: &Arc<Surroundings>,
    name: &str,
    body: Value,
    request_id: Option<&str>,
) -> Result<Map<String, Value>, ApiError> {
    let operation = operations().iter().find(|operation| operation.name == name).ok_or_else(|| unknown(name))?;
    operation.run(unit, caller, surroundings, body, request_id).map_err(|failure| match failure {
        Failure::Refused(error) => error,
        failure @ (Failure::Store(_) | Failure::Unwritable(_)) => super::internal(name, &failure),
    })
}

fn unknown(name: &str) -> ApiError {
    if let Some(refusal) = cloud_only::refusal(name) {
        return refusal;
    }
    let resource_of = |name: &'static str| name.split('/').next();
    let names = || operations().iter().map(|operation| operation.name);
    let alike: Vec<&str> = names().filter(|known| resource_of(known) == name.split('/').next()).collect();
    let hint = if alike.is_empty() {
        names().filter_map(resource_of).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
    } else {
        alike.join(", ")
    };
    ApiError::new("unknown_operation", format!("there is no such operation; there are: {hint}"))
}
