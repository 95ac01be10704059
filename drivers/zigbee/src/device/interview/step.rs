//! The steps of an interview, in order, and what each of them asks.

use crate::address::Ieee;
use crate::device::table::DeviceRecord;
use crate::transport::exchange::OUR_ENDPOINT;
use crate::transport::question::{Question, ZclAsk, ZdoAsk};
use crate::zcl::door_lock::{ToLock, attribute as lock};
use crate::zcl::foundation::{General, command};
use crate::zcl::reporting::Reporting;
use crate::zcl::{DataType, Value, alarms, basic, door_lock, poll_control, power};
use crate::zdo::{Binding, BindingTarget};

/// Attributes are asked for in groups whose answers fit a frame.
const READS: [(u16, &[u16]); 8] = [
    (basic::CLUSTER, &[basic::MANUFACTURER_NAME, basic::MODEL_IDENTIFIER]),
    (basic::CLUSTER, &[basic::SW_BUILD_ID]),
    (
        door_lock::CLUSTER,
        &[
            lock::PIN_USERS,
            lock::MAX_PIN_LENGTH,
            lock::MIN_PIN_LENGTH,
            lock::WEEK_DAY_SCHEDULES,
            lock::YEAR_DAY_SCHEDULES,
            lock::HOLIDAY_SCHEDULES,
        ],
    ),
    (
        door_lock::CLUSTER,
        &[
            lock::LOCK_STATE,
            lock::ACTUATOR_ENABLED,
            lock::DOOR_STATE,
            lock::AUTO_RELOCK_TIME,
            lock::SEND_PIN,
            lock::REQUIRE_PIN,
            lock::OPERATING_MODE,
            lock::SUPPORTED_OPERATING_MODES,
        ],
    ),
    (
        door_lock::CLUSTER,
        &[
            lock::ALARM_MASK,
            lock::KEYPAD_OPERATIONS,
            lock::RF_OPERATIONS,
            lock::MANUAL_OPERATIONS,
            lock::KEYPAD_PROGRAMMING,
            lock::RF_PROGRAMMING,
        ],
    ),
    (power::CLUSTER, &[power::BATTERY_PERCENTAGE]),
    (poll_control::CLUSTER, &[poll_control::CHECK_IN_INTERVAL, poll_control::LONG_POLL_INTERVAL]),
    (
        door_lock::CLUSTER,
        &[
            lock::LOG_RECORDS,
            lock::ENABLE_LOGGING,
            lock::LED_SETTINGS,
            lock::SOUND_VOLUME,
            lock::LOCAL_PROGRAMMING,
            lock::ONE_TOUCH_LOCKING,
            lock::INSIDE_LED,
            lock::PRIVACY_BUTTON,
            lock::WRONG_CODE_LIMIT,
            lock::DISABLE_TIME,
        ],
    ),
];

/// Of the groups above, those from here on are about locks only.
const FIRST_ABOUT_LOCKS: usize = 2;

/// Stages of an interview, as people are told.
pub(super) const STAGES: u8 = 10;

/// Clusters that are to tell us what they have to tell.
const BOUND: [u16; 4] = [door_lock::CLUSTER, power::CLUSTER, alarms::CLUSTER, poll_control::CLUSTER];

/// Clusters whose attributes are to be reported.
const REPORTED: [u16; 2] = [door_lock::CLUSTER, power::CLUSTER];

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// How it listens, and who made it.
    NodeDescriptor,
    /// Which endpoints it has.
    ActiveEndpoints,
    /// What is on one of them.
    SimpleDescriptor(u8),
    /// A group of attributes.
    Read(usize),
    /// Whether it has the user by which it shows from where on it counts.
    LastUser,
    /// To show its codes.
    SendPin,
    /// To tell its events.
    EventMasks,
    /// To tell them to us.
    Bind(usize),
    /// To report its attributes.
    Reporting(usize),
    /// Nothing more.
    Done,
}

impl Step {
    /// What is missing when it brought nothing.
    pub fn name(self) -> &'static str {
        match self {
            Self::NodeDescriptor => "how it listens",
            Self::ActiveEndpoints => "its endpoints",
            Self::SimpleDescriptor(_) => "what is on its endpoints",
            Self::Read(0 | 1) => "manufacturer and model",
            Self::Read(2) => "number of code slots",
            Self::Read(3) => "door lock attributes",
            Self::Read(4) => "which events it tells",
            Self::Read(5) => "battery",
            Self::Read(6) => "how it sleeps",
            Self::Read(_) => "what else can be set",
            Self::LastUser => "from where on it counts users",
            Self::SendPin => "showing its codes",
            Self::EventMasks => "telling its events",
            Self::Bind(_) => "telling us what happens",
            Self::Reporting(_) => "reporting bolt and battery",
            Self::Done => "",
        }
    }

    /// Which stage of the interview it belongs to, from 1 on, of [`STAGES`].
    pub(super) fn stage(self) -> u8 {
        match self {
            Self::NodeDescriptor | Self::ActiveEndpoints | Self::SimpleDescriptor(_) => 1,
            Self::Read(0 | 1) => 2,
            Self::Read(group) => u8::try_from(group).unwrap_or(u8::MAX).saturating_add(1),
            Self::LastUser | Self::SendPin | Self::EventMasks => 8,
            Self::Bind(_) => 9,
            Self::Reporting(_) | Self::Done => STAGES,
        }
    }

    /// Whether nothing hangs on it: what it does not bring is not missed.
    pub(super) fn is_optional(self) -> bool {
        matches!(self, Self::LastUser | Self::Read(7))
    }

    /// Whether it is of no use where there is no lock.
    pub(super) fn is_about_locks(self) -> bool {
        match self {
            Self::NodeDescriptor | Self::ActiveEndpoints | Self::SimpleDescriptor(_) => false,
            Self::Read(group) => group >= FIRST_ABOUT_LOCKS,
            Self::LastUser | Self::SendPin | Self::EventMasks | Self::Bind(_) | Self::Reporting(_) | Self::Done => true,
        }
    }

    /// The cluster it is about.
    pub(super) fn cluster(self) -> Option<u16> {
        match self {
            Self::Read(group) => READS.get(group).map(|(cluster, _)| *cluster),
            Self::Bind(index) => BOUND.get(index).copied(),
            Self::Reporting(index) => REPORTED.get(index).copied(),
            Self::LastUser | Self::SendPin | Self::EventMasks => Some(door_lock::CLUSTER),
            Self::NodeDescriptor | Self::ActiveEndpoints | Self::SimpleDescriptor(_) | Self::Done => None,
        }
    }

    /// The attributes of its group that were not told yet.
    pub(super) fn rest(self, record: &DeviceRecord) -> Vec<u16> {
        let Self::Read(group) = self else { return Vec::new() };
        let Some((cluster, ids)) = READS.get(group) else { return Vec::new() };
        ids.iter().copied().filter(|id| !record.was_asked(*cluster, *id)).collect()
    }

    /// What is to be written that is otherwise now.
    pub(super) fn writes(self, record: &DeviceRecord) -> Vec<(u16, Value)> {
        let now = |id| record.attribute(door_lock::CLUSTER, id);
        match self {
            Self::SendPin if now(lock::SEND_PIN) == Some(0) => vec![(lock::SEND_PIN, Value::boolean(true))],
            Self::EventMasks => {
                let lacking = |(id, all): &(u16, u16)| now(*id).is_some_and(|mask| mask & u64::from(*all) == 0);
                let lacking = lock::EVENT_MASKS.into_iter().filter(lacking);
                let masks = lacking.map(|(id, all)| (id, Value::number(DataType::BITMAP16, all.into())));
                let keeps_no_log = record.log_size() > 0 && now(lock::ENABLE_LOGGING) == Some(0);
                masks.chain(keeps_no_log.then(|| (lock::ENABLE_LOGGING, Value::boolean(true)))).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What it asks; `None`: nothing, since it is known, or the device has no such thing.
    pub(super) fn question(self, device: Ieee, coordinator: Ieee, record: &DeviceRecord) -> Option<Question> {
        let zdo = |ask| Some(Question::Zdo(ask));
        match self {
            Self::NodeDescriptor if record.maker.is_none() => zdo(ZdoAsk::NodeDescriptor),
            Self::ActiveEndpoints if record.endpoints.is_none() => zdo(ZdoAsk::ActiveEndpoints),
            Self::SimpleDescriptor(number) if !record.described.contains_key(&number) => {
                zdo(ZdoAsk::SimpleDescriptor(number))
            }
            Self::Read(_) => {
                let (cluster, rest) = (self.cluster()?, self.rest(record));
                let endpoint = record.endpoint_of(cluster).filter(|_| !rest.is_empty())?;
                Some(Question::Zcl(ZclAsk::read(endpoint, cluster, &rest)))
            }
            Self::LastUser => {
                let (user, endpoint) = (record.last_user()?, record.lock_endpoint()?);
                let unreadable = record.is_unreadable();
                let ask = if unreadable { ToLock::GetUserStatus(user) } else { ToLock::GetPin(user) };
                Some(Question::Zcl(ZclAsk::lock(endpoint, &ask, false)))
            }
            Self::SendPin | Self::EventMasks => {
                let writes = self.writes(record);
                let endpoint = record.lock_endpoint().filter(|_| !writes.is_empty())?;
                let write = General::Write(writes);
                Some(Question::Zcl(ZclAsk::general(endpoint, door_lock::CLUSTER, &write, command::WRITE_RESPONSE)))
            }
            Self::Bind(_) => {
                let cluster = self.cluster().filter(|cluster| !record.bound.contains(cluster))?;
                let endpoint = record.endpoint_of(cluster)?;
                let target = BindingTarget::Device(coordinator, OUR_ENDPOINT);
                zdo(ZdoAsk::Bind(Binding { source: device, endpoint, cluster, target }))
            }
            Self::Reporting(_) => {
                let cluster = self.cluster().filter(|cluster| !record.reporting.contains(cluster))?;
                let endpoint = record.endpoint_of(cluster)?;
                let reports = reports(cluster, record);
                let configure = General::ConfigureReporting(reports).to_server(0);
                (!configure.payload.is_empty()).then(|| {
                    let answer = (crate::zcl::Scope::General, command::CONFIGURE_REPORTING_RESPONSE);
                    Question::Zcl(ZclAsk { endpoint, cluster, frame: configure, answer, changes: false })
                })
            }
            Self::NodeDescriptor | Self::ActiveEndpoints | Self::SimpleDescriptor(_) | Self::Done => None,
        }
    }

    /// The step behind it.
    pub(super) fn next(self, record: &DeviceRecord) -> Self {
        let described = |from: u8| {
            let next = record.endpoints.iter().flatten().find(|number| **number > from);
            next.map_or(Self::Read(0), |number| Self::SimpleDescriptor(*number))
        };
        match self {
            Self::NodeDescriptor => Self::ActiveEndpoints,
            Self::ActiveEndpoints => described(0),
            Self::SimpleDescriptor(number) => described(number),
            Self::Read(group) if group + 1 < READS.len() => Self::Read(group + 1),
            Self::Read(_) => Self::LastUser,
            Self::LastUser => Self::SendPin,
            Self::SendPin => Self::EventMasks,
            Self::EventMasks => Self::Bind(0),
            Self::Bind(index) if index + 1 < BOUND.len() => Self::Bind(index + 1),
            Self::Bind(_) => Self::Reporting(0),
            Self::Reporting(index) if index + 1 < REPORTED.len() => Self::Reporting(index + 1),
            Self::Reporting(_) | Self::Done => Self::Done,
        }
    }
}

/// How a cluster's attributes are to be reported: the bolt and the door at once, and once an hour in any case; the battery
/// twice a day, and by the per cent.
fn reports(cluster: u16, record: &DeviceRecord) -> Vec<Reporting> {
    const AT_ONCE: (u16, u16) = (0, 3600);
    const DAILY: (u16, u16) = (3600, 43_200);
    match cluster {
        door_lock::CLUSTER => {
            let door =
                record.has_door_sensor().then(|| Reporting::number(lock::DOOR_STATE, DataType::ENUM8, AT_ONCE, 1));
            let bolt = Reporting::number(lock::LOCK_STATE, DataType::ENUM8, AT_ONCE, 1);
            std::iter::once(bolt).chain(door).collect()
        }
        power::CLUSTER if record.has_battery() => {
            vec![Reporting::number(power::BATTERY_PERCENTAGE, DataType::UINT8, DAILY, 2)]
        }
        _ => Vec::new(),
    }
}
