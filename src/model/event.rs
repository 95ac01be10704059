//! What happened, under Seam's names where it has one.

use serde_json::{Map, Value};

use super::{
    AccessCode, AccessCodeId, AccessGrantId, AccessMethodId, ActionAttemptId, CodeOrigin, DeviceId, EventId, SpaceId,
    Timestamp, UserIdentityId,
};

macro_rules! event_types {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),+ $(,)?) => {
        /// The closed list of what is told.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum EventType { $($(#[$doc])* $variant),+ }

        impl EventType {
            /// Every type, in the order of this file.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Seam's name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// By name.
            pub fn parse(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|t| t.name() == name)
            }
        }
    };
}

event_types! {
    /// A grant was made.
    AccessGrantCreated = "access_grant.created",
    /// A grant was deleted.
    AccessGrantDeleted = "access_grant.deleted",
    /// A grant's name, doors or spaces were changed. Keyway's own name.
    AccessGrantChanged = "access_grant.changed",
    /// A grant's times were changed.
    AccessGrantAccessTimesChanged = "access_grant.access_times_changed",
    /// Every door of a grant has proven its code.
    AccessGrantAccessGrantedToAllDoors = "access_grant.access_granted_to_all_doors",
    /// A method was made.
    AccessMethodCreated = "access_method.created",
    /// A method was deleted; its codes are being taken out.
    AccessMethodDeleted = "access_method.deleted",
    /// A method may be handed to the guest (I4).
    AccessMethodIssued = "access_method.issued",
    /// A method's codes are out of every lock.
    AccessMethodRevoked = "access_method.revoked",
    /// The start is near and the method is not issued.
    AccessMethodDelayInIssuing = "access_method.delay_in_issuing",
    /// The grant has begun and the method is not issued.
    AccessMethodFailedToIssue = "access_method.failed_to_issue",
    /// A code was made.
    AccessCodeCreated = "access_code.created",
    /// A code was changed; `changed_properties` names what.
    AccessCodeChanged = "access_code.changed",
    /// A code's name was changed.
    AccessCodeNameChanged = "access_code.name_changed",
    /// A code's PIN was changed.
    AccessCodeCodeChanged = "access_code.code_changed",
    /// A code's times were changed.
    AccessCodeTimeFrameChanged = "access_code.time_frame_changed",
    /// A code was deleted; it is being taken out.
    AccessCodeDeleted = "access_code.deleted",
    /// A code is in its lock ahead of its time, which the lock keeps by itself.
    AccessCodeScheduledOnDevice = "access_code.scheduled_on_device",
    /// A code is proven in its lock.
    AccessCodeSetOnDevice = "access_code.set_on_device",
    /// A code is proven gone from its lock.
    AccessCodeRemovedFromDevice = "access_code.removed_from_device",
    /// A due code is not in its lock yet.
    AccessCodeDelayInSetting = "access_code.delay_in_setting_on_device",
    /// A lock refuses a code.
    AccessCodeFailedToSet = "access_code.failed_to_set_on_device",
    /// A code that is over is not proven gone yet (I1).
    AccessCodeDelayInRemoving = "access_code.delay_in_removing_from_device",
    /// A lock refuses to remove a code (I1).
    AccessCodeFailedToRemove = "access_code.failed_to_remove_from_device",
    /// A managed code was changed at the lock; it is put back, unless such changes are allowed for it.
    AccessCodeModifiedExternally = "access_code.modified_external_to_seam",
    /// A managed code was deleted at the lock; it is put back, unless such changes are allowed for it.
    AccessCodeDeletedExternally = "access_code.deleted_external_to_seam",
    /// A code that is not ours was seen in a lock.
    AccessCodeUnmanagedCreated = "access_code.unmanaged.created",
    /// A code that was not ours is gone from a lock.
    AccessCodeUnmanagedRemoved = "access_code.unmanaged.removed",
    /// A code that was not ours is managed from now on.
    AccessCodeUnmanagedConverted = "access_code.unmanaged.converted_to_managed",
    /// A lock can be used from now on.
    DeviceAdded = "device.added",
    /// A lock answers again.
    DeviceConnected = "device.connected",
    /// A lock ceased to answer.
    DeviceDisconnected = "device.disconnected",
    /// A lock that is not managed answers again.
    DeviceUnmanagedConnected = "device.unmanaged.connected",
    /// A lock that is not managed ceased to answer.
    DeviceUnmanagedDisconnected = "device.unmanaged.disconnected",
    /// A lock is not managed any more: nothing is written to it.
    DeviceConvertedToUnmanaged = "device.converted_to_unmanaged",
    /// A lock is managed again.
    DeviceConvertedToManaged = "device.unmanaged.converted_to_managed",
    /// A lock is not in the configuration any more.
    DeviceRemoved = "device.removed",
    /// A lock that had been removed was forgotten.
    DeviceDeleted = "device.deleted",
    /// A lock has another name.
    DeviceNameChanged = "device.name_changed",
    /// A lock's battery is low.
    DeviceLowBattery = "device.low_battery",
    /// A lock's battery level crossed a limit.
    DeviceBatteryStatusChanged = "device.battery_status_changed",
    /// A lock was tampered with.
    DeviceTampered = "device.tampered",
    /// Frames to a lock get lost, need several attempts, or arrive weak: its warnings tell which.
    DeviceBecameFlaky = "device.connection_became_flaky",
    /// Frames to a lock arrive well again.
    DeviceStabilized = "device.connection_stabilized",
    /// A lock was asked what it can do; `missing` names what it did not tell. Keyway's own name.
    DeviceInterviewed = "device.interviewed",
    /// A bolt is stuck. Keyway's own name: Seam has none.
    DeviceJammed = "device.jammed",
    /// A lock's keypad lets others in than before: in every mode but `normal`, no guest. Keyway's own name.
    DeviceKeypadModeChanged = "device.keypad_mode_changed",
    /// A door was opened. Keyway's own name.
    DeviceDoorOpened = "device.door_opened",
    /// A door stands open for longer than it should. Keyway's own name.
    DeviceDoorLeftOpen = "device.door_left_open",
    /// A lock's battery is not there, or not connected. Keyway's own name.
    DeviceBatteryDisconnected = "device.battery_disconnected",
    /// A door was closed. Keyway's own name.
    DeviceDoorClosed = "device.door_closed",
    /// A stick listens for a device: act at it now, as its manual says. Keyway's own name, as all of networks.
    NetworkReady = "network.ready",
    /// A device answered a stick that listens.
    NetworkDeviceFound = "network.device_found",
    /// A device is in the network, and has no keys yet.
    NetworkDeviceJoined = "network.device_joined",
    /// The host must say what a new device is granted.
    NetworkGrantNeeded = "network.grant_needed",
    /// The host must read five digits from a new device's label.
    NetworkPinNeeded = "network.pin_needed",
    /// A new device is getting its keys.
    NetworkSecuring = "network.securing",
    /// Adding a device did not work; it is being taken out again.
    NetworkCleaningUp = "network.cleaning_up",
    /// A device can't be taken out without help: act at it now, as its manual says for removing it.
    NetworkRemovalNeeded = "network.removal_needed",
    /// A device looks for its neighbours and is given new routes.
    NetworkRebuildingRoutes = "network.rebuilding_routes",
    /// A device has new routes; or all have, but for the `failed_nodes`.
    NetworkRoutesRebuilt = "network.routes_rebuilt",
    /// A device was added to a network.
    NetworkDeviceAdded = "network.device_added",
    /// A device was taken out of a network.
    NetworkDeviceRemoved = "network.device_removed",
    /// Adding or removing a device did not work, or what else was begun in a network.
    NetworkFailed = "network.failed",
    /// A device is in a network without keys, left by an adding that did not work.
    NetworkLeftoverFound = "network.leftover_found",
    /// A lock is in a network that another program added, and can't be driven.
    NetworkUnknownLockFound = "network.unknown_lock_found",
    /// Keys that another program made are the network's now.
    NetworkKeysImported = "network.keys_imported",
    /// A backup was taken whole.
    BackupMade = "backup.made",
    /// A backup was asked for, and broke off: what was taken of it is worth nothing.
    BackupFailed = "backup.failed",
    /// A network was forgotten, and a new one begun.
    NetworkReset = "network.reset",
    /// A space was made.
    SpaceCreated = "space.created",
    /// A space's name or key was changed. Keyway's own name.
    SpaceChanged = "space.changed",
    /// Doors joined a space, or left it.
    SpaceMembershipChanged = "space.device_membership_changed",
    /// A space was deleted.
    SpaceDeleted = "space.deleted",
    /// A person was made known. Keyway's own name.
    UserIdentityCreated = "user_identity.created",
    /// A person's name, key or addresses were changed. Keyway's own name.
    UserIdentityChanged = "user_identity.changed",
    /// A person was deleted. Keyway's own name.
    UserIdentityDeleted = "user_identity.deleted",
    /// A webhook was made. Keyway's own name.
    WebhookCreated = "webhook.created",
    /// A webhook gets other events. Keyway's own name.
    WebhookChanged = "webhook.changed",
    /// A webhook was deleted. Keyway's own name.
    WebhookDeleted = "webhook.deleted",
    /// A webhook's receiver took nothing for so long that events for it are being given up. Keyway's own name.
    WebhookGivenUp = "webhook.delivery_given_up",
    /// An API key was made. Keyway's own name.
    ApiKeyCreated = "api_key.created",
    /// An API key was deleted. Keyway's own name.
    ApiKeyDeleted = "api_key.deleted",
    /// The bolt was thrown.
    LockLocked = "lock.locked",
    /// The bolt was drawn back.
    LockUnlocked = "lock.unlocked",
    /// A wrong code was typed.
    LockAccessDenied = "lock.access_denied",
    /// A lock command was confirmed by the lock.
    ActionLockSucceeded = "action_attempt.lock_door.succeeded",
    /// A lock command did not work.
    ActionLockFailed = "action_attempt.lock_door.failed",
    /// An unlock command was confirmed by the lock.
    ActionUnlockSucceeded = "action_attempt.unlock_door.succeeded",
    /// An unlock command did not work.
    ActionUnlockFailed = "action_attempt.unlock_door.failed",
    /// The lock confirmed how it locks by itself. Keyway's own name.
    ActionAutoLockSucceeded = "action_attempt.configure_auto_lock.succeeded",
    /// How a lock locks by itself could not be changed. Keyway's own name.
    ActionAutoLockFailed = "action_attempt.configure_auto_lock.failed",
    /// The lock confirmed whom its keypad lets in. Keyway's own name.
    ActionKeypadModeSucceeded = "action_attempt.configure_keypad_mode.succeeded",
    /// Whom a lock's keypad lets in could not be changed. Keyway's own name.
    ActionKeypadModeFailed = "action_attempt.configure_keypad_mode.failed",
    /// The lock confirmed its admin code, or that it has none. Keyway's own name.
    ActionAdminCodeSucceeded = "action_attempt.configure_admin_code.succeeded",
    /// A lock's admin code could not be changed. Keyway's own name.
    ActionAdminCodeFailed = "action_attempt.configure_admin_code.failed",
    /// The lock confirmed how its bolt behaves by itself. Keyway's own name.
    ActionBoltSucceeded = "action_attempt.configure_bolt.succeeded",
    /// How a lock's bolt behaves by itself could not be changed. Keyway's own name.
    ActionBoltFailed = "action_attempt.configure_bolt.failed",
    /// The lock said what a parameter of its model is. Keyway's own name.
    ActionReadParameterSucceeded = "action_attempt.read_parameter.succeeded",
    /// What a parameter of a lock's model is could not be read. Keyway's own name.
    ActionReadParameterFailed = "action_attempt.read_parameter.failed",
    /// The lock confirmed a parameter of its model. Keyway's own name.
    ActionSetParameterSucceeded = "action_attempt.set_parameter.succeeded",
    /// A parameter of a lock's model could not be set. Keyway's own name.
    ActionSetParameterFailed = "action_attempt.set_parameter.failed",
    /// A lock showed which one it is. Keyway's own name.
    ActionIdentifySucceeded = "action_attempt.identify.succeeded",
    /// A lock did not show itself. Keyway's own name.
    ActionIdentifyFailed = "action_attempt.identify.failed",
    /// A lock was asked whether it is there, and is. Keyway's own name.
    ActionPingSucceeded = "action_attempt.ping.succeeded",
    /// A lock was asked whether it is there, and was not reached. Keyway's own name.
    ActionPingFailed = "action_attempt.ping.failed",
    /// A lock was asked again what it can do. Keyway's own name.
    ActionInterviewSucceeded = "action_attempt.interview.succeeded",
    /// A lock could not be asked again what it can do. Keyway's own name.
    ActionInterviewFailed = "action_attempt.interview.failed",
}

/// Whom an event is about; what is set is shown and can be filtered by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventSubject {
    /// Which device.
    pub device_id: Option<DeviceId>,
    /// Which code.
    pub access_code_id: Option<AccessCodeId>,
    /// Which grant.
    pub access_grant_id: Option<AccessGrantId>,
    /// Which method.
    pub access_method_id: Option<AccessMethodId>,
    /// Which person.
    pub user_identity_id: Option<UserIdentityId>,
    /// Which lock or unlock.
    pub action_attempt_id: Option<ActionAttemptId>,
    /// Which space.
    pub space_id: Option<SpaceId>,
}

impl From<DeviceId> for EventSubject {
    /// About a device.
    fn from(id: DeviceId) -> Self {
        Self { device_id: Some(id), ..Self::default() }
    }
}

impl From<&AccessCode> for EventSubject {
    /// About a code; about the code that it once was, for a former one.
    fn from(code: &AccessCode) -> Self {
        let access_code_id = match code.origin {
            CodeOrigin::Former { access_code_id } => access_code_id,
            CodeOrigin::Grant { .. } | CodeOrigin::Device(_) | CodeOrigin::Hand => code.access_code_id,
        };
        Self {
            device_id: Some(code.device_id),
            access_code_id: Some(access_code_id),
            access_grant_id: code.access_grant_id(),
            access_method_id: code.access_method_id(),
            user_identity_id: code.user_identity_id(),
            ..Self::default()
        }
    }
}

/// Something that happened. Never holds a PIN.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Id.
    pub event_id: EventId,
    /// What.
    pub event_type: EventType,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Whom it is about.
    pub subject: EventSubject,
    /// Who did it: `mqtt`, or the name of an API key; `None`: the hub, a lock, or a hand at it.
    pub caller: Option<String>,
    /// The fields that only this type has (`method`, `battery_level`, …).
    pub details: Map<String, Value>,
}
