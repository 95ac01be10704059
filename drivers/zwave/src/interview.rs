//! The interview: what a node is, what it supports, how many code slots it has, which PINs it takes. Asked once, kept in
//! the store; what brought no answer is named, and asked again later.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::cc::association::{self, AssociationCommand, Kind};
use crate::cc::configuration::{self, ConfigurationCommand};
use crate::cc::door_lock::{self, DoorLockCommand};
use crate::cc::indicator::{self, IndicatorCommand};
use crate::cc::manufacturer_specific::{self, ManufacturerSpecificCommand};
use crate::cc::user_code::{self, UserCodeCommand};
use crate::cc::user_credential::{
    self, CredentialCapabilities, CredentialTypeCapabilities, UserCapabilities, UserCredentialCommand,
};
use crate::cc::version::{self, VersionCommand};
use crate::cc::zwave_plus::{self, ZwavePlusCommand};
use crate::cc::{battery, notification};
use crate::node::NodeId;
use crate::node::info::{ProtocolInfo, supported_classes};
use crate::node::table::{NodeRecord, PinFacts, UserFacts};
use crate::quirks::Quirks;
use crate::security::{SecurityClass, s0, s2};
use crate::serial_api::callback::NodeUpdate;
use crate::serial_api::command::Command;
use crate::serial_api::session::Completed;
use crate::serial_api::startup::Stick;
use crate::transport::exchange::{Answer, AskError, Awaits, Beginning};
use crate::transport::queue::Ended;

/// The command classes whose version matters here.
const VERSIONED: [u8; 5] = [user_code::CLASS, door_lock::CLASS, notification::CLASS, battery::CLASS, indicator::CLASS];

/// Fewest and most digits of any PIN ([`keyway_lock::Pin`]).
const DIGITS: (u8, u8) = (4, 10);

/// Times the stick is asked again about a node that did not answer it.
const STICK_TRIES: u8 = 3;

/// The steps, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    ProtocolInfo,
    NodeInformation,
    SecureClasses,
    Version(usize),
    UserCapabilities,
    CredentialCapabilities,
    UsersNumber,
    UserCodeCapabilities,
    DoorLockCapabilities,
    DoorLockConfiguration,
    Identify,
    Product,
    Firmware,
    CodeLength,
    ZwavePlus,
    Lifeline,
    LifelineSet,
    /// Whether the set was taken.
    LifelineAgain,
    Done,
}

impl Step {
    /// What is missing when it brought nothing.
    fn name(self) -> &'static str {
        match self {
            Self::ProtocolInfo => "protocol information",
            Self::NodeInformation => "node information",
            Self::SecureClasses => "commands supported securely",
            Self::Version(_) => "versions of its command classes",
            Self::UserCapabilities => "what its users can be",
            Self::CredentialCapabilities => "what its credentials can be",
            Self::UsersNumber => "number of code slots",
            Self::UserCodeCapabilities => "digits of its keypad",
            Self::DoorLockCapabilities => "door lock capabilities",
            Self::DoorLockConfiguration => "door lock configuration",
            Self::Identify => "whether it can show itself",
            Self::Product => "manufacturer and product",
            Self::Firmware => "firmware version",
            Self::CodeLength => "length of its codes",
            Self::ZwavePlus => "Z-Wave Plus information",
            Self::Lifeline | Self::LifelineSet | Self::LifelineAgain => "lifeline association",
            Self::Done => "",
        }
    }
}

/// What the interview asks.
pub enum InterviewAsk {
    /// The stick.
    Stick(Command),
    /// The node: the command and the beginning of the report, under the level that [`NodeRecord::supports`] implies.
    Node(Zeroizing<Vec<u8>>, Awaits),
}

/// How an answer left the interview.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It goes on.
    On,
    /// The node does not answer: to be gone on with when it does.
    Stuck,
}

/// An interview under way.
pub struct Interview {
    node: NodeId,
    own: NodeId,
    granted: Vec<SecurityClass>,
    record: NodeRecord,
    quirks: Arc<Quirks>,
    step: Step,
    /// Times the present step brought nothing.
    tries: u8,
}

impl Interview {
    /// Asks for whatever a record does not know yet; for everything, if it is new.
    pub fn new(
        node: NodeId,
        stick: &Stick,
        granted: &[SecurityClass],
        record: NodeRecord,
        quirks: Arc<Quirks>,
    ) -> Self {
        let own = stick.own_node.unwrap_or(node);
        Self { node, own, granted: granted.to_vec(), record, quirks, step: Step::ProtocolInfo, tries: 0 }
    }

    /// What was found so far.
    pub fn record(&self) -> &NodeRecord {
        &self.record
    }

    /// The end.
    pub fn into_record(self) -> NodeRecord {
        self.record
    }

    /// What is asked next, the same each time until it is answered; `None`: done.
    pub fn ask(&mut self, stick: &Stick) -> Option<InterviewAsk> {
        loop {
            let ask = if self.is_known() { None } else { self.question(stick) };
            if ask.is_some() || self.step == Step::Done {
                return ask;
            }
            self.advance();
        }
    }

    fn is_known(&self) -> bool {
        let record = &self.record;
        match self.step {
            Step::ProtocolInfo => record.listening.is_some(),
            Step::NodeInformation => !record.clear.is_empty(),
            Step::SecureClasses => !record.secure.is_empty(),
            Step::Version(index) => VERSIONED.get(index).is_none_or(|class| record.versions.contains_key(class)),
            Step::UserCapabilities => record.credential_users.is_some(),
            Step::CredentialCapabilities => record.credential_pins.is_some(),
            // Nothing more is asked of User Code where it is not used.
            Step::UsersNumber => record.users.is_some() || record.speaks_credentials(),
            Step::UserCodeCapabilities => {
                let several = record.multiple_set.is_some() && record.multiple_report.is_some();
                several && record.digits.is_some() && record.checksum.is_some() || record.speaks_credentials()
            }
            Step::DoorLockCapabilities => record.door_sensor.is_some() && record.has_auto_relock.is_some(),
            Step::DoorLockConfiguration => record.auto_relock.is_some(),
            Step::Identify => record.identifies.is_some(),
            Step::Product => record.product.is_some(),
            Step::Firmware => record.firmware.is_some(),
            Step::CodeLength => record.code_length.is_some(),
            Step::ZwavePlus => record.role_type.is_some(),
            Step::Lifeline => record.lifeline,
            Step::LifelineSet | Step::LifelineAgain | Step::Done => false,
        }
    }

    fn question(&self, stick: &Stick) -> Option<InterviewAsk> {
        let asked =
            |command: Vec<u8>, report| Some(InterviewAsk::Node(Zeroizing::new(command), Awaits::Report(report)));
        let node = |command: Vec<u8>, report: &[u8]| asked(command, Beginning::from(report));
        let record = &self.record;
        let has = |class| record.supports(class);
        match self.step {
            Step::ProtocolInfo => {
                Some(InterviewAsk::Stick(Command::node_protocol_info(self.node, stick.node_id_width)))
            }
            Step::NodeInformation => {
                Some(InterviewAsk::Stick(Command::request_node_info(self.node, stick.node_id_width)))
            }
            Step::SecureClasses => match self.granted.iter().max()? {
                // Security 0 counts reports to follow in front of the list.
                SecurityClass::S0 => asked(
                    s0::COMMANDS_SUPPORTED_GET.to_vec(),
                    Beginning::from(s0::COMMANDS_SUPPORTED_REPORT).with_follow(2),
                ),
                _ => node(s2::COMMANDS_SUPPORTED_GET.to_vec(), &s2::COMMANDS_SUPPORTED_REPORT),
            },
            Step::Version(index) => {
                let class = *VERSIONED.get(index).filter(|class| has(**class) && has(version::CLASS))?;
                let report = VersionCommand::CommandClassReport { class, version: 0 }.encode();
                node(VersionCommand::CommandClassGet(class).encode(), report.get(..3)?)
            }
            Step::UserCapabilities if has(user_credential::CLASS) => {
                let report = UserCredentialCommand::UserCapabilitiesReport(UserCapabilities::default()).encode();
                node(UserCredentialCommand::UserCapabilitiesGet.encode(), report.get(..2)?)
            }
            Step::CredentialCapabilities if has(user_credential::CLASS) => {
                let none = CredentialCapabilities::default();
                let report = UserCredentialCommand::CredentialCapabilitiesReport(none).encode();
                node(UserCredentialCommand::CredentialCapabilitiesGet.encode(), report.get(..2)?)
            }
            Step::UsersNumber if has(user_code::CLASS) => {
                let report = UserCodeCommand::UsersNumberReport(0).encode();
                node(UserCodeCommand::UsersNumberGet.encode(), report.get(..2)?)
            }
            Step::UserCodeCapabilities if has(user_code::CLASS) && record.version_of(user_code::CLASS) >= 2 => {
                let report = UserCodeCommand::CapabilitiesReport(user_code::UserCodeCapabilities::default()).encode();
                node(UserCodeCommand::CapabilitiesGet.encode(), report.get(..2)?)
            }
            Step::DoorLockCapabilities if has(door_lock::CLASS) && record.version_of(door_lock::CLASS) >= 4 => {
                let report = DoorLockCommand::CapabilitiesReport { components: 0, options: 0 }.encode();
                node(DoorLockCommand::CapabilitiesGet.encode(), report.get(..2)?)
            }
            Step::DoorLockConfiguration if record.has_auto_relock == Some(true) => {
                node(DoorLockCommand::ConfigurationGet.encode(), &[door_lock::CLASS, door_lock::CONFIGURATION_REPORT])
            }
            Step::Identify if has(indicator::CLASS) && record.version_of(indicator::CLASS) >= 3 => node(
                IndicatorCommand::SupportedGet(indicator::IDENTIFY).encode(),
                &[indicator::CLASS, indicator::SUPPORTED_REPORT],
            ),
            Step::Product if has(manufacturer_specific::CLASS) => {
                node(ManufacturerSpecificCommand::Get.encode(), &[manufacturer_specific::CLASS, 0x05])
            }
            Step::Firmware if has(version::CLASS) => node(VersionCommand::Get.encode(), &[version::CLASS, 0x12]),
            Step::CodeLength if has(configuration::CLASS) => {
                let parameter = record.quirk.code_length_parameter?;
                let get = ConfigurationCommand::Get(parameter).encode();
                node(get, &[configuration::CLASS, configuration::REPORT, parameter])
            }
            Step::ZwavePlus if has(zwave_plus::CLASS) => {
                node(ZwavePlusCommand::Get.encode(), &[zwave_plus::CLASS, 0x02])
            }
            // Long Range nodes report to the controller without one.
            Step::Lifeline | Step::LifelineAgain if !self.node.is_long_range() => {
                let kind = association_of(record)?;
                let get = AssociationCommand::Get(association::LIFELINE).encode(kind);
                asked(get, Beginning::from([kind.class(), association::REPORT, association::LIFELINE]).with_follow(4))
            }
            Step::LifelineSet => {
                let nodes = vec![u8::try_from(self.own.get()).ok()?];
                let set =
                    AssociationCommand::Set { group: association::LIFELINE, nodes }.encode(association_of(record)?);
                Some(InterviewAsk::Node(Zeroizing::new(set), Awaits::Delivery))
            }
            _ => None,
        }
    }

    /// The answer to what was asked.
    pub fn handle_ended(&mut self, ended: Ended) -> Progress {
        let step = self.step;
        match ended {
            Ended::Node(Err(AskError::Offline { .. } | AskError::Stick)) => return Progress::Stuck,
            // The stick asks a node for its information once: on a bad link that is not enough.
            Ended::Stick(Err(_)) if self.tries < STICK_TRIES => {
                self.tries += 1;
                return Progress::On;
            }
            Ended::Node(Err(AskError::NoAnswer | AskError::NoKey)) | Ended::Stick(Err(_)) => self.miss(step),
            Ended::Stick(Ok(completed)) => self.stick_answered(step, completed),
            Ended::Node(Ok(Answer::Report(report))) => {
                if self.learn(step, &report).is_none() {
                    self.miss(step);
                }
            }
            // The lifeline was set: it is looked at again.
            Ended::Node(Ok(Answer::Delivered | Answer::Supervised(_))) => {}
        }
        if self.step == step {
            self.advance();
        }
        Progress::On
    }

    fn stick_answered(&mut self, step: Step, completed: Completed) {
        match (step, completed) {
            (Step::ProtocolInfo, Completed::Response(payload)) => match ProtocolInfo::decode(&payload) {
                Ok(info) => self.record.listening = Some(info.listening),
                Err(_) => return self.miss(step),
            },
            (Step::NodeInformation, Completed::Update(NodeUpdate::Information(node, info))) if node == self.node => {
                self.record.clear = info.supported;
            }
            _ => return self.miss(step),
        }
        self.record.missing.remove(step.name());
    }

    /// `None`: the report can't be read.
    fn learn(&mut self, step: Step, report: &[u8]) -> Option<()> {
        let record = &mut self.record;
        match step {
            Step::SecureClasses => {
                let list = report.get(if report.starts_with(&s0::COMMANDS_SUPPORTED_REPORT) { 3 } else { 2 }..)?;
                record.secure = supported_classes(list);
            }
            Step::Version(_) => match VersionCommand::decode(report).ok()? {
                VersionCommand::CommandClassReport { class, version } => {
                    record.versions.insert(class, version.max(1));
                }
                _ => return None,
            },
            Step::UserCapabilities => match UserCredentialCommand::decode(report).ok()? {
                UserCredentialCommand::UserCapabilitiesReport(told) => {
                    record.credential_users = Some(UserFacts {
                        guests: if told.has_guests() { told.users } else { 0 },
                        name_length: told.name_length,
                        name_encoding: told.name_encoding().into(),
                    });
                }
                _ => return None,
            },
            Step::CredentialCapabilities => match UserCredentialCommand::decode(report).ok()? {
                UserCredentialCommand::CredentialCapabilitiesReport(told) => {
                    record.credential_pins = Some(pin_facts(&told));
                }
                _ => return None,
            },
            Step::UsersNumber => match UserCodeCommand::decode(report).ok()? {
                UserCodeCommand::UsersNumberReport(users) => record.users = Some(users),
                _ => return None,
            },
            Step::UserCodeCapabilities => match UserCodeCommand::decode(report).ok()? {
                UserCodeCommand::CapabilitiesReport(capabilities) => {
                    // No digits at all is no keypad anybody could use: not believed.
                    record.checksum = Some(capabilities.checksum);
                    record.multiple_set = Some(capabilities.multiple_set);
                    record.multiple_report = Some(capabilities.multiple_report);
                    record.digits = Some(capabilities.digits()).filter(|digits| !digits.is_empty());
                }
                _ => return None,
            },
            Step::DoorLockCapabilities => match DoorLockCommand::decode(report).ok()? {
                DoorLockCommand::CapabilitiesReport { components, options } => {
                    record.door_sensor = Some(components & 0x01 != 0);
                    record.has_auto_relock = Some(options & door_lock::AUTO_RELOCK != 0);
                }
                _ => return None,
            },
            Step::DoorLockConfiguration => match DoorLockCommand::decode(report).ok()? {
                DoorLockCommand::ConfigurationReport(configuration) => {
                    record.auto_relock = Some(configuration.extras?.auto_relock);
                }
                _ => return None,
            },
            Step::Identify => match IndicatorCommand::decode(report).ok()? {
                IndicatorCommand::SupportedReport { indicator, properties, .. } => {
                    let blinks = properties.first().is_some_and(|bits| bits & 1 << indicator::CYCLES != 0);
                    record.identifies = Some(indicator == indicator::IDENTIFY && blinks);
                }
                _ => return None,
            },
            Step::Product => match ManufacturerSpecificCommand::decode(report).ok()? {
                ManufacturerSpecificCommand::Report { manufacturer, product_type, product } => {
                    record.product = Some((manufacturer, product_type, product));
                }
                ManufacturerSpecificCommand::Get => return None,
            },
            Step::Firmware => match VersionCommand::decode(report).ok()? {
                VersionCommand::Report { firmware, .. } => record.firmware = Some(firmware),
                _ => return None,
            },
            Step::CodeLength => match ConfigurationCommand::decode(report).ok()? {
                // No code is that short or long: not believed.
                ConfigurationCommand::Report { value, .. } => match value[..] {
                    [.., length] if (4..=10).contains(&length) => record.code_length = Some(length),
                    _ => return None,
                },
                ConfigurationCommand::Get(_) => return None,
            },
            Step::ZwavePlus => match ZwavePlusCommand::decode(report).ok()? {
                ZwavePlusCommand::Report { role, .. } => record.role_type = Some(role),
                ZwavePlusCommand::Get => return None,
            },
            Step::Lifeline | Step::LifelineAgain => match AssociationCommand::decode(report).ok()? {
                AssociationCommand::Report { nodes, .. } => {
                    record.lifeline = nodes.iter().any(|node| u16::from(*node) == self.own.get());
                    match step {
                        _ if record.lifeline => self.step = Step::Done,
                        Step::Lifeline => self.step = Step::LifelineSet,
                        // Set, and not taken.
                        _ => return None,
                    }
                }
                _ => return None,
            },
            Step::ProtocolInfo | Step::NodeInformation | Step::LifelineSet | Step::Done => return None,
        }
        record.missing.remove(step.name());
        // What it is tells what more is to be asked.
        record.look_up(&self.quirks);
        Some(())
    }

    fn miss(&mut self, step: Step) {
        tracing::info!(node = %self.node, part = step.name(), "part of the interview brought no answer");
        self.record.missing.insert(step.name().to_owned());
    }

    fn advance(&mut self) {
        self.tries = 0;
        self.step = match self.step {
            Step::ProtocolInfo => Step::NodeInformation,
            Step::NodeInformation => Step::SecureClasses,
            Step::SecureClasses => Step::Version(0),
            Step::Version(index) if index + 1 < VERSIONED.len() => Step::Version(index + 1),
            Step::Version(_) => Step::UserCapabilities,
            Step::UserCapabilities => Step::CredentialCapabilities,
            Step::CredentialCapabilities => Step::UsersNumber,
            Step::UsersNumber => Step::UserCodeCapabilities,
            Step::UserCodeCapabilities => Step::DoorLockCapabilities,
            Step::DoorLockCapabilities => Step::DoorLockConfiguration,
            Step::DoorLockConfiguration => Step::Identify,
            Step::Identify => Step::Product,
            Step::Product => Step::Firmware,
            Step::Firmware => Step::CodeLength,
            Step::CodeLength => Step::ZwavePlus,
            Step::ZwavePlus => Step::Lifeline,
            // The set follows only from what the report said.
            Step::LifelineSet => Step::LifelineAgain,
            Step::Lifeline | Step::LifelineAgain | Step::Done => Step::Done,
        };
    }
}

/// What its capabilities mean for PINs that guests can have.
fn pin_facts(told: &CredentialCapabilities) -> PinFacts {
    const NONE: PinFacts = PinFacts { slots: 0, min_length: 0, max_length: 0, checksum: false };
    let (fewest, most) = DIGITS;
    let digits = |length: u8| length.clamp(fewest, most);
    // Those that are too long or too short for anybody, or can only be learned at the lock (0), are none.
    let usable = |pins: &&CredentialTypeCapabilities| pins.min_length <= most && pins.max_length >= fewest;
    told.pins().filter(usable).map_or(NONE, |pins| PinFacts {
        slots: pins.slots,
        min_length: digits(pins.min_length),
        max_length: digits(pins.max_length),
        checksum: told.checksum,
    })
}

/// By which class a node is associated; `None`: it knows neither.
fn association_of(record: &NodeRecord) -> Option<Kind> {
    [Kind::Plain, Kind::MultiChannel].into_iter().find(|kind| record.supports(kind.class()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::node::info::Listening;

    /// An interview of a node in the clear, of which all is known but the lifeline.
    fn of_lifeline(class: u8) -> (Interview, Stick) {
        let (node, stick) = (NodeId::new(5).unwrap(), Stick { own_node: Some(NodeId::FIRST), ..Stick::default() });
        let mut record = NodeRecord::new(&[]);
        record.listening = Some(Listening::Always);
        record.clear = BTreeSet::from([class]);
        (Interview::new(node, &stick, &[], record, Arc::default()), stick)
    }

    fn asked(interview: &mut Interview, stick: &Stick) -> Option<Vec<u8>> {
        match interview.ask(stick)? {
            InterviewAsk::Node(command, _) => Some(command.to_vec()),
            InterviewAsk::Stick(_) => panic!("the stick is not asked"),
        }
    }

    /// The lifeline as the node tells it before and after it is set.
    fn lifeline(class: u8, before: &[u8], after: &[u8]) -> NodeRecord {
        let (mut interview, stick) = of_lifeline(class);
        let report = |nodes: &[u8]| {
            let report = [&[class, 0x03, 1, 5, 0][..], nodes].concat();
            Ended::Node(Ok(Answer::Report(Zeroizing::new(report))))
        };
        assert_eq!(asked(&mut interview, &stick), Some(vec![class, 0x02, 1]));
        interview.handle_ended(report(before));
        assert_eq!(asked(&mut interview, &stick), Some(vec![class, 0x01, 1, 1]));
        interview.handle_ended(Ended::Node(Ok(Answer::Delivered)));
        assert_eq!(asked(&mut interview, &stick), Some(vec![class, 0x02, 1]));
        interview.handle_ended(report(after));
        assert_eq!(asked(&mut interview, &stick), None);
        interview.into_record()
    }

    #[test]
    fn the_lifeline_is_believed_once_the_node_tells_it() {
        for class in [association::CLASS, association::MULTI_CHANNEL_CLASS] {
            let taken = lifeline(class, &[], &[1]);
            assert!(taken.lifeline && taken.missing.is_empty());
            let not_taken = lifeline(class, &[7, 8], &[7, 8]);
            assert!(!not_taken.lifeline && not_taken.missing.contains("lifeline association"));
        }
    }
}
