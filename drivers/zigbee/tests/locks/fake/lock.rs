//! A lock, as far as its answers matter to the driver.

use std::collections::BTreeMap;

use keyway_lock::SlotNumber;
use keyway_zigbee::address::{Ieee, Nwk};
use keyway_zigbee::zcl::door_lock::{
    self, Code, FromLock, SetCodeStatus, ToLock, UserCode, UserStatus, UserType, attribute,
};
use keyway_zigbee::zcl::foundation::General;
use keyway_zigbee::zcl::{
    DataType, Frame, HOME_AUTOMATION, Scope, Status, Value, basic, identify, poll_control, power,
};
use keyway_zigbee::zdo::{self, Capability, LogicalType, Message, NodeDescriptor, SimpleDescriptor, Zdo, ZdoStatus};

#[derive(Clone)]
pub(crate) struct FakeLock {
    pub(crate) ieee: Ieee,
    pub(crate) nwk: Nwk,
    pub(crate) codes: BTreeMap<u16, String>,
    pub(crate) locked: bool,
    /// It has no receiver on.
    pub(crate) offline: bool,
    /// It acknowledges, and answers nothing.
    pub(crate) silent: bool,
    /// The first of its thirty users.
    pub(crate) first_user: u16,
    pub(crate) masked: bool,
    pub(crate) unreadable: bool,
    /// It takes a code only where there is none.
    pub(crate) clear_first: bool,
    /// What it says to a code instead of taking it.
    pub(crate) status: Option<SetCodeStatus>,
    /// It is a plug.
    pub(crate) is_no_lock: bool,
    pub(crate) relock: u32,
    /// Normal, vacation, privacy.
    pub(crate) mode: u64,
    /// In quarters of a second.
    pub(crate) long_poll: u32,
    /// Clusters bound to us.
    pub(crate) bound: Vec<u16>,
    /// Frames that it got.
    pub(crate) heard: usize,
    pub(crate) identified: u32,
}

impl FakeLock {
    pub(crate) fn new(number: u16) -> Self {
        Self {
            ieee: Ieee(0x000D_6F00_0A0B_0C00 + u64::from(number)),
            nwk: Nwk(0x1000 + number),
            codes: BTreeMap::new(),
            locked: true,
            offline: false,
            silent: false,
            first_user: 1,
            masked: false,
            unreadable: false,
            clear_first: false,
            status: None,
            is_no_lock: false,
            relock: 0,
            mode: 0,
            long_poll: 4,
            bound: Vec::new(),
            heard: 0,
            identified: 0,
        }
    }

    pub(crate) fn announce(&self) -> (u16, Vec<u8>) {
        let zdo = Zdo::DeviceAnnounce(self.nwk, self.ieee, self.capability());
        (zdo.cluster(), Message { sequence: 0, zdo }.encode())
    }

    fn capability(&self) -> Capability {
        Capability(if self.is_no_lock { 0x8E } else { 0x80 })
    }

    /// Its answer to a frame: cluster and bytes.
    pub(crate) fn answer(&mut self, profile: u16, cluster: u16, bytes: &[u8]) -> Option<(u16, Vec<u8>)> {
        self.heard += 1;
        if self.silent {
            return None;
        }
        if profile == zdo::PROFILE {
            let message = Message::decode(cluster, bytes).unwrap();
            let zdo = self.answer_zdo(message.zdo)?;
            return Some((zdo.cluster(), Message { sequence: message.sequence, zdo }.encode()));
        }
        assert_eq!(profile, HOME_AUTOMATION);
        let frame = Frame::decode(bytes).unwrap();
        let answer = match frame.scope {
            Scope::General => self.answer_general(cluster, &frame)?,
            Scope::Cluster if cluster == identify::CLUSTER => {
                self.identified += 1;
                default(&frame, Status::SUCCESS)
            }
            Scope::Cluster if cluster == door_lock::CLUSTER => self.answer_lock(&frame),
            Scope::Cluster => return None,
        };
        Some((cluster, answer.encode()))
    }

    fn answer_zdo(&mut self, zdo: Zdo) -> Option<Zdo> {
        Some(match zdo {
            Zdo::NodeDescRequest(nwk) => {
                let node = NodeDescriptor {
                    logical_type: if self.is_no_lock { LogicalType::Router } else { LogicalType::EndDevice },
                    capability: self.capability(),
                    manufacturer: 0x101D,
                    buffer_size: 82,
                    incoming_size: 82,
                    server_mask: 0,
                    outgoing_size: 82,
                };
                Zdo::NodeDescResponse(nwk, Ok(node))
            }
            Zdo::ActiveEpRequest(nwk) => Zdo::ActiveEpResponse(nwk, Ok(vec![1, 242])),
            Zdo::SimpleDescRequest(nwk, endpoint) => {
                let lock = vec![0x0000, 0x0001, 0x0003, 0x0009, 0x0020, 0x0101];
                let input = if self.is_no_lock { vec![0x0000, 0x0006] } else { lock };
                let (profile, output) = (HOME_AUTOMATION, vec![0x000A]);
                let simple = SimpleDescriptor { endpoint, profile, device_type: 10, device_version: 0, input, output };
                Zdo::SimpleDescResponse(nwk, Ok(simple))
            }
            Zdo::BindRequest(binding) => {
                self.bound.push(binding.cluster);
                Zdo::BindResponse(ZdoStatus::SUCCESS)
            }
            _ => return None,
        })
    }

    fn answer_general(&mut self, cluster: u16, frame: &Frame) -> Option<Frame> {
        let general = match General::decode(frame.command, &frame.payload).unwrap() {
            General::Read(ids) => {
                let value = |id| self.attribute(cluster, id).ok_or(Status::UNSUPPORTED_ATTRIBUTE);
                General::ReadResponse(ids.into_iter().map(|id| (id, value(id))).collect())
            }
            General::Write(values) => {
                for (id, value) in values {
                    if id == attribute::AUTO_RELOCK_TIME {
                        self.relock = value.as_u32().unwrap();
                    }
                    if id == attribute::OPERATING_MODE {
                        self.mode = value.as_u64().unwrap();
                    }
                }
                General::WriteResponse(Vec::new())
            }
            General::ConfigureReporting(_) => General::ConfigureReportingResponse(Vec::new()),
            _ => return None,
        };
        Some(general.answer(frame))
    }

    fn attribute(&self, cluster: u16, id: u16) -> Option<Value> {
        let number = |kind, number: u64| Some(Value::number(kind, number));
        match (cluster, id) {
            (basic::CLUSTER, basic::MANUFACTURER_NAME) => Some(Value::text("Nobody")),
            (basic::CLUSTER, basic::MODEL_IDENTIFIER) => Some(Value::text("N1")),
            (basic::CLUSTER, basic::SW_BUILD_ID) => Some(Value::text("1.2.3")),
            (power::CLUSTER, power::BATTERY_PERCENTAGE) => number(DataType::UINT8, 174),
            (poll_control::CLUSTER, poll_control::CHECK_IN_INTERVAL) => number(DataType::UINT32, 14_400),
            (poll_control::CLUSTER, poll_control::LONG_POLL_INTERVAL) => {
                number(DataType::UINT32, self.long_poll.into())
            }
            (door_lock::CLUSTER, attribute::LOCK_STATE) => number(DataType::ENUM8, if self.locked { 1 } else { 2 }),
            (door_lock::CLUSTER, attribute::OPERATING_MODE) => number(DataType::ENUM8, self.mode),
            // Normal and vacation.
            (door_lock::CLUSTER, attribute::SUPPORTED_OPERATING_MODES) => number(DataType::BITMAP16, 0xFFFC),
            (door_lock::CLUSTER, attribute::PIN_USERS) => number(DataType::UINT16, 30),
            (door_lock::CLUSTER, attribute::MAX_PIN_LENGTH) => number(DataType::UINT8, 8),
            (door_lock::CLUSTER, attribute::MIN_PIN_LENGTH) => number(DataType::UINT8, 4),
            (door_lock::CLUSTER, attribute::AUTO_RELOCK_TIME) => number(DataType::UINT32, self.relock.into()),
            _ => None,
        }
    }

    fn answer_lock(&mut self, frame: &Frame) -> Frame {
        let done = |status: Status| FromLock::Done(frame.command, status);
        let answer = match ToLock::decode(frame.command, &frame.payload).unwrap() {
            ToLock::Lock(_) | ToLock::Unlock(_) => {
                self.locked = frame.command == 0;
                done(Status::SUCCESS)
            }
            ToLock::SetPin(code) => done(self.set(&code).into()),
            ToLock::ClearPin(user) => {
                self.codes.remove(&user.0);
                done(Status::SUCCESS)
            }
            ToLock::GetPin(user) | ToLock::GetUserStatus(user) if !self.has(user) => {
                return default(frame, Status::INVALID_FIELD);
            }
            ToLock::GetPin(_) if self.unreadable => return default(frame, Status::UNSUP_CLUSTER_COMMAND),
            ToLock::GetPin(user) => FromLock::Pin(self.shown(user)),
            ToLock::GetUserStatus(user) => FromLock::UserStatus(user, self.shown(user).status),
            _ => return default(frame, Status::UNSUP_CLUSTER_COMMAND),
        };
        Frame { sequence: frame.sequence, ..answer.frame(0) }
    }

    fn set(&mut self, code: &UserCode) -> SetCodeStatus {
        let digits = String::from_utf8(code.code.expose().to_vec()).unwrap();
        if let Some(status) = self.status {
            return status;
        }
        if self.clear_first && self.codes.contains_key(&code.user.0) {
            return SetCodeStatus::Failure;
        }
        if self.codes.iter().any(|(user, held)| *user != code.user.0 && *held == digits) {
            return SetCodeStatus::Duplicate;
        }
        self.codes.insert(code.user.0, digits);
        SetCodeStatus::Success
    }

    fn has(&self, user: SlotNumber) -> bool {
        (self.first_user..self.first_user + 30).contains(&user.0)
    }

    fn shown(&self, user: SlotNumber) -> UserCode {
        let held = self.codes.get(&user.0);
        let shown = held.map(|held| if self.masked { "*".repeat(held.len()) } else { held.clone() });
        UserCode {
            user,
            status: if held.is_some() { UserStatus::Enabled } else { UserStatus::Available },
            kind: UserType::Unrestricted,
            code: Code::new(shown.unwrap_or_default().as_bytes()),
        }
    }
}

fn default(frame: &Frame, status: Status) -> Frame {
    General::DefaultResponse { command: frame.command, status }.answer(frame)
}
