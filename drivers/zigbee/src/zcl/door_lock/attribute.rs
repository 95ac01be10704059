//! The attributes (ZCL 7.3.2.12 and following).

use keyway_lock::KeypadMode;

/// LockState: see [`LockState`].
pub const LOCK_STATE: u16 = 0x0000;
/// LockType.
pub const LOCK_TYPE: u16 = 0x0001;
/// ActuatorEnabled: it can move its bolt at all.
pub const ACTUATOR_ENABLED: u16 = 0x0002;
/// DoorState: see [`DoorState`].
pub const DOOR_STATE: u16 = 0x0003;
/// DoorOpenEvents, a counter.
pub const DOOR_OPEN_EVENTS: u16 = 0x0004;
/// DoorClosedEvents, a counter.
pub const DOOR_CLOSED_EVENTS: u16 = 0x0005;
/// OpenPeriod, in minutes.
pub const OPEN_PERIOD: u16 = 0x0006;

/// NumberOfLogRecordsSupported.
pub const LOG_RECORDS: u16 = 0x0010;
/// NumberOfTotalUsersSupported.
pub const TOTAL_USERS: u16 = 0x0011;
/// NumberOfPINUsersSupported.
pub const PIN_USERS: u16 = 0x0012;
/// NumberOfRFIDUsersSupported.
pub const RFID_USERS: u16 = 0x0013;
/// NumberOfWeekDaySchedulesSupportedPerUser.
pub const WEEK_DAY_SCHEDULES: u16 = 0x0014;
/// NumberOfYearDaySchedulesSupportedPerUser.
pub const YEAR_DAY_SCHEDULES: u16 = 0x0015;
/// NumberOfHolidaySchedulesSupported.
pub const HOLIDAY_SCHEDULES: u16 = 0x0016;
/// MaxPINCodeLength.
pub const MAX_PIN_LENGTH: u16 = 0x0017;
/// MinPINCodeLength.
pub const MIN_PIN_LENGTH: u16 = 0x0018;
/// MaxRFIDCodeLength.
pub const MAX_RFID_LENGTH: u16 = 0x0019;
/// MinRFIDCodeLength.
pub const MIN_RFID_LENGTH: u16 = 0x001A;

/// EnableLogging.
pub const ENABLE_LOGGING: u16 = 0x0020;
/// Language.
pub const LANGUAGE: u16 = 0x0021;
/// LEDSettings.
pub const LED_SETTINGS: u16 = 0x0022;
/// AutoRelockTime, in seconds; 0: it does not lock by itself.
pub const AUTO_RELOCK_TIME: u16 = 0x0023;
/// SoundVolume.
pub const SOUND_VOLUME: u16 = 0x0024;
/// OperatingMode: normal, vacation, privacy, no radio, passage.
pub const OPERATING_MODE: u16 = 0x0025;
/// SupportedOperatingModes.
pub const SUPPORTED_OPERATING_MODES: u16 = 0x0026;
/// DefaultConfigurationRegister.
pub const DEFAULT_CONFIGURATION: u16 = 0x0027;
/// EnableLocalProgramming.
pub const LOCAL_PROGRAMMING: u16 = 0x0028;
/// EnableOneTouchLocking.
pub const ONE_TOUCH_LOCKING: u16 = 0x0029;
/// EnableInsideStatusLED.
pub const INSIDE_LED: u16 = 0x002A;
/// EnablePrivacyModeButton.
pub const PRIVACY_BUTTON: u16 = 0x002B;

/// WrongCodeEntryLimit.
pub const WRONG_CODE_LIMIT: u16 = 0x0030;
/// UserCodeTemporaryDisableTime, in seconds.
pub const DISABLE_TIME: u16 = 0x0031;
/// SendPINOverTheAir: it shows its codes.
pub const SEND_PIN: u16 = 0x0032;
/// RequirePINforRFOperation: a command by radio must bring a PIN.
pub const REQUIRE_PIN: u16 = 0x0033;
/// SecurityLevel: 1 asks for the link key on every frame.
pub const SECURITY_LEVEL: u16 = 0x0034;

/// AlarmMask: which alarms it tells.
pub const ALARM_MASK: u16 = 0x0040;
/// KeypadOperationEventMask.
pub const KEYPAD_OPERATIONS: u16 = 0x0041;
/// RFOperationEventMask.
pub const RF_OPERATIONS: u16 = 0x0042;
/// ManualOperationEventMask.
pub const MANUAL_OPERATIONS: u16 = 0x0043;
/// RFIDOperationEventMask.
pub const RFID_OPERATIONS: u16 = 0x0044;
/// KeypadProgrammingEventMask.
pub const KEYPAD_PROGRAMMING: u16 = 0x0045;
/// RFProgrammingEventMask.
pub const RF_PROGRAMMING: u16 = 0x0046;
/// RFIDProgrammingEventMask.
pub const RFID_PROGRAMMING: u16 = 0x0047;

/// Which events a lock tells, and each of its masks with every event in it.
pub const EVENT_MASKS: [(u16, u16); 8] = [
    (ALARM_MASK, 0x007F),
    (KEYPAD_OPERATIONS, 0x00FF),
    (RF_OPERATIONS, 0x007F),
    (MANUAL_OPERATIONS, 0x07FF),
    (RFID_OPERATIONS, 0x007F),
    (KEYPAD_PROGRAMMING, 0x001F),
    (RF_PROGRAMMING, 0x007D),
    (RFID_PROGRAMMING, 0x0061),
];

/// OperatingMode, as far as the hub has a word for it.
pub fn mode_of(number: u64) -> Option<KeypadMode> {
    match number {
        0x00 => Some(KeypadMode::Normal),
        0x01 => Some(KeypadMode::Vacation),
        0x02 => Some(KeypadMode::Privacy),
        _ => None,
    }
}

/// The same the other way round; a lock locks its keypad for a while by itself only.
pub fn mode_number(mode: KeypadMode) -> Option<u8> {
    match mode {
        KeypadMode::Normal => Some(0x00),
        KeypadMode::Vacation => Some(0x01),
        KeypadMode::Privacy => Some(0x02),
        KeypadMode::LockedOut => None,
    }
}

/// Where the bolt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LockState {
    /// Neither here nor there.
    NotFullyLocked,
    /// Thrown.
    Locked,
    /// Drawn back.
    Unlocked,
    /// The lock does not know.
    Undefined,
}

impl LockState {
    /// As the attribute has it.
    pub fn of(number: u64) -> Self {
        match number {
            0x00 => Self::NotFullyLocked,
            0x01 => Self::Locked,
            0x02 => Self::Unlocked,
            _ => Self::Undefined,
        }
    }

    /// As the attribute has it.
    pub fn number(self) -> u8 {
        match self {
            Self::NotFullyLocked => 0x00,
            Self::Locked => 0x01,
            Self::Unlocked => 0x02,
            Self::Undefined => 0xFF,
        }
    }

    /// Whether the bolt is thrown, if that can be said.
    pub fn locked(self) -> Option<bool> {
        match self {
            Self::Locked => Some(true),
            Self::Unlocked => Some(false),
            Self::NotFullyLocked | Self::Undefined => None,
        }
    }
}

/// Where the door is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DoorState {
    /// Open.
    Open,
    /// Closed.
    Closed,
    /// It is jammed.
    Jammed,
    /// It was forced open.
    ForcedOpen,
    /// Something is wrong, or the lock does not know.
    Undefined,
}

impl DoorState {
    /// As the attribute has it.
    pub fn of(number: u64) -> Self {
        match number {
            0x00 => Self::Open,
            0x01 => Self::Closed,
            0x02 => Self::Jammed,
            0x03 => Self::ForcedOpen,
            _ => Self::Undefined,
        }
    }

    /// Whether the door is open, if that can be said.
    pub fn is_open(self) -> Option<bool> {
        match self {
            Self::Open | Self::ForcedOpen => Some(true),
            Self::Closed => Some(false),
            Self::Jammed | Self::Undefined => None,
        }
    }
}
