//! What only a cloud has, and what a local hub can do instead.

use crate::model::ApiError;

/// Paths by how they begin, each with the advice.
const PATHS: &[(&str, &str)] = &[
    ("access_codes/pull_backup_access_code", "a hub sets codes when they are asked for: make another access code"),
    ("access_codes/report_device_constraints", "the hub asks each lock itself what codes it takes"),
    ("access_codes/create_multiple", "make one access grant for all the doors: it has one PIN"),
    ("access_codes/update_multiple", "update the access grant: the codes of all its doors follow"),
    ("access_grants/unmanaged", "every access grant is the hub's own: see access_grants/list"),
    ("access_methods/assign_card", CODES),
    ("access_methods/encode", CODES),
    ("access_methods/unlock_door", "use locks/unlock_door with the device's id"),
    ("access_methods/unmanaged", "every access method is the hub's own: see access_methods/list"),
    ("acs/", "access control systems of other makers are not driven by a local hub: its locks are under devices/list"),
    ("client_sessions/", "make an API key for each program instead: keyway keys create"),
    ("connect_webviews/", "locks are added at the hub itself: see its configuration"),
    ("connected_accounts/", "the hub needs no account: its locks are under devices/list"),
    ("customers/", "group doors into spaces, and give programs API keys of their own"),
    ("devices/list_device_providers", "the hub speaks to locks by radio, without anybody's service"),
    ("devices/report_provider_metadata", "the hub asks each lock itself what it is"),
    ("devices/simulate/", SIMULATE),
    ("access_codes/simulate/", SIMULATE),
    ("locks/simulate/", SIMULATE),
    ("instant_keys/", CODES),
    ("noise_sensors/", "the hub drives locks only"),
    ("phones/", CODES),
    ("seam/", "see the operations of this hub at /openapi.json"),
    ("spaces/add_acs_entrances", SPACES),
    ("spaces/add_connected_account", SPACES),
    ("spaces/remove_acs_entrances", SPACES),
    ("spaces/remove_connected_account", SPACES),
    ("thermostats/", "the hub drives locks only"),
    ("user_identities/add_acs_user", USERS),
    ("user_identities/enrollment_automations", USERS),
    ("user_identities/generate_instant_key", CODES),
    ("user_identities/list_accessible_entrances", USERS),
    ("user_identities/list_acs_systems", USERS),
    ("user_identities/list_acs_users", USERS),
    ("user_identities/remove_acs_user", USERS),
    ("user_identities/unmanaged", "every user identity is the hub's own: see user_identities/list"),
    ("workspaces/", "a hub has one workspace: see workspaces/get"),
];

const CODES: &str =
    "cards, mobile and instant keys need their makers' cloud: request an access method of mode \"code\"";
const SPACES: &str = "a space of a local hub groups devices: use spaces/add_devices and spaces/remove_devices";
const USERS: &str = "a local hub gives people access by access grants: use access_grants/create";
const SIMULATE: &str = "to try things out, run `keyway virtual-stick`: locks in software that behave like real ones";

/// The answer to an operation that Seam has and a local hub can't have; `None`: it is none of these.
pub(super) fn refusal(operation: &str) -> Option<ApiError> {
    let (_, instead) = PATHS.iter().find(|(path, _)| operation.starts_with(path))?;
    Some(ApiError::new("not_supported", format!("a local hub does not do this; {instead}")))
}
