//! The interview: what a device is; of a lock, which codes it takes, how it sleeps and what it has to tell; and that it
//! tells it to us. Asked once, kept in the store; what brought no answer is named, and asked again later.

mod step;

use std::sync::Arc;

use keyway_lock::{InterviewStage, SlotNumber};

use crate::address::Ieee;
use crate::device::table::{DeviceRecord, Endpoint};
use crate::quirks::Quirks;
use crate::transport::question::{Answer, AskError, Question};
use crate::zcl::door_lock::{FromLock, UserStatus};
use crate::zcl::foundation::General;
use crate::zcl::{Frame, Value, basic, door_lock};
use crate::zdo::Zdo;

pub use step::Step;

/// Times a group of attributes is asked for of which an answer brought none.
const TRIES: u8 = 2;

/// How an answer left the interview.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It goes on.
    On,
    /// The device does not answer: to be gone on with when it does.
    Stuck,
}

/// An interview under way.
pub struct Interview {
    device: Ieee,
    coordinator: Ieee,
    record: DeviceRecord,
    quirks: Arc<Quirks>,
    step: Step,
    tries: u8,
}

impl Interview {
    /// Asks for whatever a record does not know yet; for everything, if it is new.
    pub fn new(device: Ieee, coordinator: Ieee, mut record: DeviceRecord, quirks: Arc<Quirks>) -> Self {
        record.look_up(&quirks);
        record.missing.clear();
        Self { device, coordinator, record, quirks, step: Step::NodeDescriptor, tries: 0 }
    }

    /// What was found so far.
    pub fn record(&self) -> &DeviceRecord {
        &self.record
    }

    /// How far it is.
    pub fn stage(&self) -> InterviewStage {
        let name = if self.step == Step::Done { Step::Reporting(0).name() } else { self.step.name() };
        InterviewStage { stage: self.step.stage(), stages: step::STAGES, name: name.to_owned() }
    }

    /// The device is somewhere else.
    pub fn record_mut(&mut self) -> &mut DeviceRecord {
        &mut self.record
    }

    /// The end.
    pub fn into_record(self) -> DeviceRecord {
        self.record
    }

    /// What is asked next, the same each time until it is answered; `None`: done.
    pub fn ask(&mut self) -> Option<Question> {
        loop {
            // A device that is no lock is asked for nothing more.
            if self.step.is_about_locks() && self.record.is_no_lock() {
                self.step = Step::Done;
            }
            if self.step == Step::Done {
                self.record.set_up |= self.record.missing.is_empty();
                return None;
            }
            let question = self.step.question(self.device, self.coordinator, &self.record);
            if question.is_some() {
                return question;
            }
            self.advance();
        }
    }

    /// The answer to what was asked.
    pub fn handle_answer(&mut self, answer: Result<Answer, AskError>) -> Progress {
        let step = self.step;
        match answer {
            Err(AskError::Offline { .. } | AskError::Stick) => return Progress::Stuck,
            // Nothing hangs on it.
            Err(AskError::NoAnswer) if step.is_optional() => {}
            Err(AskError::NoAnswer) => self.miss(),
            Ok(answer) => match self.learn(step, answer) {
                Some(true) => {}
                // Not all of it: the rest is asked for.
                Some(false) if self.tries < TRIES => {
                    self.tries += 1;
                    return Progress::On;
                }
                Some(false) => step.rest(&self.record).into_iter().for_each(|id| {
                    if let Some(cluster) = step.cluster() {
                        self.record.learn(cluster, id, None);
                    }
                }),
                None => self.miss(),
            },
        }
        self.advance();
        Progress::On
    }

    /// `None`: the answer can't be read, or says no where that is not expected; `Some(false)`: there is more to ask.
    fn learn(&mut self, step: Step, answer: Answer) -> Option<bool> {
        match answer {
            Answer::Zdo(zdo) => self.learn_zdo(zdo).map(|()| true),
            Answer::Zcl(frame) if step == Step::LastUser => Some(self.learn_last_user(&frame)),
            Answer::Zcl(frame) => match General::decode(frame.command, &frame.payload).ok()? {
                General::ReadResponse(values) => {
                    let cluster = step.cluster()?;
                    let some = !values.is_empty();
                    values.into_iter().for_each(|(id, value)| self.learn_attribute(cluster, id, value.ok()));
                    self.tries = if some { self.tries } else { TRIES };
                    Some(step.rest(&self.record).is_empty())
                }
                // What can't be written or reported is left as it is.
                General::WriteResponse(_) => {
                    self.written(step);
                    Some(true)
                }
                General::ConfigureReportingResponse(_) => {
                    self.record.reporting.extend(step.cluster());
                    Some(true)
                }
                General::DefaultResponse { .. } => {
                    match step {
                        Step::Reporting(_) => self.record.reporting.extend(step.cluster()),
                        Step::SendPin | Step::EventMasks => self.written(step),
                        _ => step.rest(&self.record).into_iter().for_each(|id| {
                            if let Some(cluster) = step.cluster() {
                                self.record.learn(cluster, id, None);
                            }
                        }),
                    }
                    Some(true)
                }
                _ => None,
            },
        }
    }

    fn learn_zdo(&mut self, zdo: Zdo) -> Option<()> {
        match zdo {
            Zdo::NodeDescResponse(_, Ok(node)) => {
                self.record.capability = Some(node.capability.0);
                self.record.maker = Some(node.manufacturer);
            }
            Zdo::ActiveEpResponse(_, Ok(endpoints)) => {
                // 241 to 254 are of other alliances (Green Power), and 0 is the device itself.
                self.record.endpoints =
                    Some(endpoints.into_iter().filter(|number| (1..=240).contains(number)).collect());
            }
            Zdo::SimpleDescResponse(_, Ok(simple)) => {
                let Step::SimpleDescriptor(number) = self.step else { return None };
                let endpoint = Endpoint {
                    profile: simple.profile,
                    device_type: simple.device_type,
                    input: simple.input.into_iter().collect(),
                    output: simple.output.into_iter().collect(),
                };
                self.record.described.insert(number, endpoint);
            }
            Zdo::BindResponse(status) if status.is_success() => self.record.bound.extend(self.step.cluster()),
            // A device that does not know the command may tell us all the same, as some do of everything.
            Zdo::BindResponse(_) => return None,
            _ => return None,
        }
        Some(())
    }

    /// Whether it has the last user. False: it is to be asked in another way.
    fn learn_last_user(&mut self, frame: &Frame) -> bool {
        let there = |told: SlotNumber, status| {
            let known = !matches!(status, UserStatus::NotSupported | UserStatus::Other(_));
            (self.record.last_user() == Some(told)).then_some(known)
        };
        self.record.has_last_user = match FromLock::read(frame) {
            Some(Ok(FromLock::Pin(code))) => there(code.user, code.status),
            Some(Ok(FromLock::UserStatus(user, status))) => there(user, status),
            Some(Err(status)) if status.is_out_of_range() => Some(false),
            Some(Err(status)) if status.is_unsupported() && !self.record.is_unreadable() => {
                self.record.unreadable = true;
                return false;
            }
            _ => None,
        };
        true
    }

    fn learn_attribute(&mut self, cluster: u16, id: u16, value: Option<Value>) {
        let text = |value: &Option<Value>| value.as_ref().and_then(Value::as_text);
        match (cluster, id) {
            (basic::CLUSTER, basic::MANUFACTURER_NAME) => self.record.manufacturer = text(&value),
            (basic::CLUSTER, basic::MODEL_IDENTIFIER) => self.record.model = text(&value),
            (basic::CLUSTER, basic::SW_BUILD_ID) => self.record.firmware = text(&value).filter(|text| !text.is_empty()),
            _ => {}
        }
        if cluster == basic::CLUSTER {
            self.record.look_up(&self.quirks);
        }
        self.record.learn(cluster, id, value.and_then(|value| value.as_u64()));
    }

    /// What was written is not asked for again: the lock has it, or does not take it.
    fn written(&mut self, step: Step) {
        for (id, value) in step.writes(&self.record) {
            self.record.learn(door_lock::CLUSTER, id, value.raw());
        }
    }

    fn miss(&mut self) {
        self.record.missing.insert(self.step.name().to_owned());
    }

    fn advance(&mut self) {
        self.step = self.step.next(&self.record);
        self.tries = 0;
    }
}
