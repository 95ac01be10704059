//! A device as it is shown.

use keyway_lock::{
    AutoLock, BoltSettings, Capabilities, Charging, InterviewProgress, InterviewStage, LinkReport, Replace,
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::device_trouble;
use super::trouble::{ErrorEntry, WarningEntry};
use crate::model::{
    AccessCode, ActionAttempt, ActionType, CodeStatus, Device, DeviceId, RadioKind, SpaceId, Timestamp, WorkspaceId,
};

/// A device as Seam writes it.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = Device)]
pub(super) struct DeviceResource {
    pub(super) device_id: DeviceId,
    workspace_id: WorkspaceId,
    /// `zwave_lock` or `zigbee_lock`.
    pub(super) device_type: &'static str,
    display_name: String,
    /// The host's own name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    nickname: Option<String>,
    is_managed: bool,
    created_at: Timestamp,
    /// The hub's one account: itself.
    connected_account_id: WorkspaceId,
    capabilities_supported: Vec<&'static str>,
    can_program_online_access_codes: bool,
    can_program_offline_access_codes: bool,
    can_unlock_with_code: bool,
    can_remotely_lock: bool,
    can_remotely_unlock: bool,
    can_configure_auto_lock: bool,
    /// Its keypad can be told whom to let in (`locks/configure_keypad_mode`). Keyway's own.
    can_configure_keypad_mode: bool,
    /// How its bolt behaves by itself can be set (`locks/configure_bolt`). Keyway's own.
    can_configure_bolt: bool,
    /// It can be given an admin code (`locks/configure_admin_code`). Keyway's own.
    can_configure_admin_code: bool,
    /// It can show which one it is (`devices/identify`). Keyway's own.
    can_identify: bool,
    custom_metadata: Map<String, Value>,
    location: Location,
    pub(super) space_ids: Vec<SpaceId>,
    properties: Properties,
    /// How far it is being asked what it can do; absent: it is not being asked. Keyway's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    interview: Option<Interview>,
    /// How the last frames to it went; absent: too few were sent. Keyway's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<Link>,
    codes: CodeCount,
    errors: Vec<ErrorEntry>,
    warnings: Vec<WarningEntry>,
}

/// Where a device is.
#[derive(Clone, Serialize, ToSchema)]
struct Location {}

/// How far a lock's interview is.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = DeviceInterview)]
struct Interview {
    /// Which stage, from 1 on.
    stage: u8,
    /// Of how many; those that do not concern the lock are passed over.
    stages: u8,
    /// What is asked for in it.
    name: String,
    /// The lock does not answer: it goes on when the lock is heard.
    waits: bool,
}

/// How the last frames to a lock went.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = DeviceLink)]
struct Link {
    /// So many, at most sixteen.
    frames: u8,
    /// Of these were not acknowledged.
    unanswered: u8,
    /// Of these needed several attempts.
    repeated: u8,
    /// How strong the lock is heard, in dBm; null: the stick does not tell.
    signal_dbm: Option<i8>,
    /// The weakest signal that can be read, in dBm.
    sensitivity_dbm: i8,
    /// How well the lock is heard, 0 to 255 (Zigbee: LQI of the last hop); null: the stick does not tell.
    link_quality: Option<u8>,
    /// Milliseconds until a frame is acknowledged, waking the lock included; null: the stick does not tell.
    delivery_ms: Option<u32>,
    /// The numbers of the devices that pass frames on, from the stick to the lock (Zigbee: their network addresses); none:
    /// they go there directly.
    repeater_node_ids: Vec<u64>,
}

impl From<&LinkReport> for Link {
    fn from(report: &LinkReport) -> Self {
        Self {
            frames: report.frames,
            unanswered: report.unanswered,
            repeated: report.repeated,
            signal_dbm: report.signal,
            sensitivity_dbm: report.sensitivity,
            link_quality: report.quality,
            delivery_ms: report.delivery_ms,
            repeater_node_ids: report.repeaters.iter().map(|repeater| repeater.0).collect(),
        }
    }
}

/// How many codes a lock holds, of how many it can.
#[derive(Clone, Serialize, ToSchema)]
struct CodeCount {
    in_lock: usize,
    slots: u16,
    /// When the next one goes in or comes out; absent: not known of any.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_change_at: Option<Timestamp>,
}

/// A device's state and limits.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = DeviceProperties)]
struct Properties {
    name: String,
    appearance: Appearance,
    online: bool,
    has_native_entry_events: bool,
    supports_backup_access_code_pool: bool,
    offline_access_codes_enabled: bool,
    online_access_codes_enabled: bool,
    /// The lock's number in its radio network.
    #[serde(skip_serializing_if = "Option::is_none")]
    node_id: Option<u64>,
    /// A Zigbee lock's address for life.
    #[serde(skip_serializing_if = "Option::is_none")]
    ieee_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    manufacturer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    firmware_version: Option<String>,
    /// As the maker writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    serial_number: Option<String>,
    model: Model,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_active_codes_supported: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    supported_code_lengths: Option<Vec<u8>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code_constraints: Option<Vec<CodeConstraint>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locked: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    door_open: Option<bool>,
    /// What is being asked of the bolt right now: `lock_door` or `unlock_door`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pending_action: Option<&'static str>,
    /// It locks by itself; absent: it can't be told to.
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_lock_enabled: Option<bool>,
    /// After so many seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_lock_delay_seconds: Option<u16>,
    /// Whom its keypad lets in: `normal`, or in the others no guest; absent: it can't be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    keypad_mode: Option<&'static str>,
    /// The modes that its keypad knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    supported_keypad_modes: Option<Vec<&'static str>>,
    /// It has an admin code; absent: it can't be given one.
    #[serde(skip_serializing_if = "Option::is_none")]
    admin_code_enabled: Option<bool>,
    /// Once it was unlocked, it locks again after so many seconds; 0: it does not; absent: it can't be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    timed_unlock_seconds: Option<u16>,
    /// For so many seconds the latch is held back when the door is opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    hold_and_release_seconds: Option<u16>,
    /// Its bolt is turned from one end of its way to the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    block_to_block_enabled: Option<bool>,
    /// A hand that turns the bolt is helped.
    #[serde(skip_serializing_if = "Option::is_none")]
    twist_assist_enabled: Option<bool>,
    /// 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    battery_level: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    battery: Option<Battery>,
    /// What the battery tells beside that, if it does. Keyway's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    battery_details: Option<BatteryDetails>,
    last_seen_at: Option<Timestamp>,
}

/// A device's name, as older clients look for it.
#[derive(Clone, Serialize, ToSchema)]
struct Appearance {
    name: String,
}

/// What a device is.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = DeviceModel)]
struct Model {
    display_name: String,
    manufacturer_display_name: String,
    has_built_in_keypad: bool,
}

/// A rule that a PIN must meet.
#[derive(Clone, Serialize, ToSchema)]
struct CodeConstraint {
    constraint_type: &'static str,
}

/// What a battery tells beside its level. Keyway's own.
#[derive(Clone, Serialize, ToSchema)]
struct BatteryDetails {
    /// `discharging`, `charging` or `maintaining`.
    charging: Option<&'static str>,
    is_rechargeable: bool,
    is_backup: bool,
    is_overheating: bool,
    is_low_on_fluid: bool,
    is_disconnected: bool,
    is_cold: bool,
    /// It has to be replaced or recharged: `soon` or `now`.
    replace: Option<&'static str>,
    /// What it holds when it is full, of what it did when it was new: 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    capacity: Option<f64>,
}

impl From<&keyway_lock::BatteryDetails> for BatteryDetails {
    fn from(told: &keyway_lock::BatteryDetails) -> Self {
        Self {
            charging: told.charging.map(|charging| match charging {
                Charging::Discharging => "discharging",
                Charging::Charging => "charging",
                Charging::Maintaining => "maintaining",
            }),
            is_rechargeable: told.is_rechargeable,
            is_backup: told.is_backup,
            is_overheating: told.is_overheating,
            is_low_on_fluid: told.is_low_on_fluid,
            is_disconnected: told.is_disconnected,
            is_cold: told.is_cold,
            replace: told.replace.map(|replace| match replace {
                Replace::Soon => "soon",
                Replace::Now => "now",
            }),
            capacity: told.capacity_percent.map(|percent| f64::from(percent) / 100.0),
        }
    }
}

/// A battery's state.
#[derive(Clone, Serialize, ToSchema)]
struct Battery {
    /// 0 to 1.
    level: f64,
    /// `critical`, `low`, `good` or `full`.
    status: &'static str,
}

impl DeviceResource {
    pub(super) fn new(
        device: &Device,
        space_ids: Vec<SpaceId>,
        codes: &[AccessCode],
        pending: &[ActionAttempt],
        now: Timestamp,
        workspace: WorkspaceId,
    ) -> Self {
        // Nothing is written to a lock that is not managed.
        let managed = device.is_managed && device.is_configured;
        let takes_codes = managed && device.takes_codes();
        let capabilities = device.info.as_ref().map(|info| &info.capabilities);
        let can_lock = managed && capabilities.is_some_and(|c| c.can_lock);
        let can_unlock = managed && capabilities.is_some_and(|c| c.can_unlock);
        let mut abilities = Vec::new();
        abilities.extend(takes_codes.then_some("access_code"));
        abilities.extend((can_lock || can_unlock).then_some("lock"));
        abilities.extend(capabilities.is_some_and(|c| c.has_battery).then_some("battery"));
        Self {
            device_id: device.device_id,
            workspace_id: workspace,
            device_type: match device.address.kind {
                RadioKind::Zwave => "zwave_lock",
                RadioKind::Zigbee => "zigbee_lock",
            },
            display_name: device.display_name().to_owned(),
            nickname: device.nickname.clone(),
            is_managed: device.is_managed,
            created_at: device.created_at,
            connected_account_id: workspace,
            capabilities_supported: abilities,
            can_program_online_access_codes: takes_codes,
            can_program_offline_access_codes: false,
            can_unlock_with_code: device.takes_codes(),
            can_remotely_lock: can_lock,
            can_remotely_unlock: can_unlock,
            can_configure_auto_lock: managed && device.info.as_ref().is_some_and(|info| info.auto_lock.is_some()),
            can_configure_keypad_mode: managed && device.info.as_ref().is_some_and(|i| i.settings.keypad.is_some()),
            can_configure_bolt: managed
                && device.info.as_ref().is_some_and(|i| i.settings.bolt != BoltSettings::default()),
            can_configure_admin_code: managed && device.info.as_ref().is_some_and(|i| i.settings.admin_code.is_some()),
            can_identify: managed && capabilities.is_some_and(|c| c.can_identify),
            custom_metadata: device.custom_metadata.clone(),
            location: Location {},
            space_ids,
            properties: Properties::new(device, pending),
            interview: Interview::of(&device.interview),
            link: device.link.as_ref().map(Into::into),
            codes: CodeCount {
                in_lock: codes.iter().filter(|code| code.status(now) == CodeStatus::Set).count(),
                slots: capabilities.map_or(0, Capabilities::guest_slots),
                next_change_at: next_change(codes, now),
            },
            errors: device_trouble::errors(device, codes, now),
            warnings: device_trouble::warnings(device, codes),
        }
    }

    /// Whether one of its abilities, named as the field that tells it, is there.
    pub(super) fn has(&self, ability: &str) -> bool {
        match ability {
            "can_program_online_access_codes" => self.can_program_online_access_codes,
            "can_unlock_with_code" => self.can_unlock_with_code,
            "can_configure_auto_lock" => self.can_configure_auto_lock,
            "can_configure_keypad_mode" => self.can_configure_keypad_mode,
            "can_configure_bolt" => self.can_configure_bolt,
            "can_configure_admin_code" => self.can_configure_admin_code,
            "can_identify" => self.can_identify,
            "can_remotely_lock" => self.can_remotely_lock,
            "can_remotely_unlock" => self.can_remotely_unlock,
            _ => false,
        }
    }
}

/// When the next code goes in or comes out.
fn next_change(codes: &[AccessCode], now: Timestamp) -> Option<Timestamp> {
    let living = codes.iter().filter(|code| code.deleted_at.is_none());
    living.flat_map(|code| code.edges(now)).filter(|edge| *edge > now).min()
}

/// What is being asked of the bolt.
fn pending_action(pending: &[ActionAttempt]) -> Option<&'static str> {
    pending.iter().find_map(|attempt| match attempt.action_type {
        ActionType::LockDoor => Some("lock_door"),
        ActionType::UnlockDoor => Some("unlock_door"),
        _ => None,
    })
}

impl Interview {
    fn of(progress: &InterviewProgress) -> Option<Self> {
        let (InterviewStage { stage, stages, name }, waits) = match progress {
            InterviewProgress::Idle => return None,
            InterviewProgress::Asking(stage) => (stage.clone(), false),
            InterviewProgress::Waiting(stage) => (stage.clone(), true),
        };
        Some(Self { stage, stages, name, waits })
    }
}

impl Properties {
    fn new(device: &Device, pending: &[ActionAttempt]) -> Self {
        let info = device.info.as_ref();
        let capabilities = info.map(|info| &info.capabilities);
        let state = &device.state;
        let auto_lock = info.and_then(|info| info.auto_lock);
        let keypad = info.and_then(|info| info.settings.keypad.as_ref());
        let bolt = info.map(|info| info.settings.bolt).unwrap_or_default();
        let level = state.battery_percent.map(|percent| f64::from(percent) / 100.0);
        Self {
            name: device.display_name().to_owned(),
            appearance: Appearance { name: device.display_name().to_owned() },
            online: state.online && device.is_configured,
            has_native_entry_events: true,
            supports_backup_access_code_pool: false,
            offline_access_codes_enabled: false,
            online_access_codes_enabled: device.takes_codes(),
            node_id: device.address.kind.node(device.address.lock),
            ieee_address: device.address.kind.ieee_address(device.address.lock),
            manufacturer: info.map(|info| info.manufacturer.clone()),
            firmware_version: info.map(|info| info.firmware.clone()),
            serial_number: info.and_then(|info| info.serial_number.clone()),
            model: Model {
                display_name: info.map_or_else(|| "Unknown".to_owned(), |info| info.model.clone()),
                manufacturer_display_name: info.map_or_else(|| "Unknown".to_owned(), |info| info.manufacturer.clone()),
                has_built_in_keypad: capabilities.is_some_and(|c| c.slot_count > 0),
            },
            max_active_codes_supported: capabilities.map(Capabilities::guest_slots),
            supported_code_lengths: capabilities.map(|c| (c.min_code_length..=c.max_code_length).collect()),
            code_constraints: info.map(|_| Vec::new()),
            locked: state.locked,
            door_open: state.door_open,
            pending_action: pending_action(pending),
            auto_lock_enabled: auto_lock.map(|auto_lock| auto_lock != AutoLock::Off),
            auto_lock_delay_seconds: auto_lock.map(AutoLock::seconds).filter(|seconds| *seconds > 0),
            keypad_mode: keypad.map(|keypad| keypad.mode.name()),
            supported_keypad_modes: keypad.map(|keypad| keypad.modes.iter().map(|mode| mode.name()).collect()),
            admin_code_enabled: info.and_then(|info| info.settings.admin_code).map(|code| code.is_set),
            timed_unlock_seconds: bolt.timed_seconds,
            hold_and_release_seconds: bolt.hold_and_release_seconds,
            block_to_block_enabled: bolt.block_to_block,
            twist_assist_enabled: bolt.twist_assist,
            battery_level: level,
            battery: level.zip(state.battery_status()).map(|(level, status)| Battery { level, status }),
            battery_details: state.battery_details.as_ref().map(Into::into),
            last_seen_at: state.last_seen,
        }
    }
}
