//! The conversation with one device: its interview, the job under way, and what waits.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use keyway_lock::{
    CommandError, CommandId, CommandOutput, InterviewProgress, LockCommand, LockEvent, LockId, RadioEvent, SlotContent,
    SlotNumber, SlotReport, WallClock,
};

use crate::address::{Ieee, Nwk};
use crate::coordinator::Incoming;
use crate::device::interview::{Interview, Progress};
use crate::device::link::{Delivery, Link};
use crate::device::repeated::Repeated;
use crate::device::table::DeviceRecord;
use crate::lock::{Job, Next, events, ping};
use crate::quirks::Quirks;
use crate::transport::question::{Answer, AskError};
use crate::transport::queue::{AskId, Queue};
use crate::zcl::{Frame, door_lock};

/// How long the lock's word that a slot is free is worth something to the next set.
const FREE_FOR: Duration = Duration::from_secs(300);
/// A device that left may have done so only to join again at once.
const GONE: Duration = Duration::from_secs(20);

/// A lock reports once an hour in any case. One that has not been heard for so long is asked whether it is there.
const SILENT: Duration = Duration::from_secs(3 * 3600);
/// A device that does not answer is looked for at another address no oftener: everybody on the air hears that question.
const LOOK_FOR_AGAIN: Duration = Duration::from_secs(300);

/// What a dialogue tells the controller.
pub(super) enum Told {
    /// For the hub.
    Event(RadioEvent),
    /// For the store.
    Keep(DeviceRecord),
    /// It is known what the device is: whether it is a lock, and whether it carries the frames of others.
    Described(bool, bool),
    /// It does not answer at its address: it may have come back at another while nobody listened.
    Lost,
}

enum Doing {
    /// A question of no importance but that it is answered.
    Probe,
    Interview(Box<Interview>),
    Job(CommandId, LockCommand, Box<Job>),
}

/// One device.
pub(super) struct Dialogue {
    device: Ieee,
    quirks: Arc<Quirks>,
    /// What is known of it, and in force.
    record: DeviceRecord,
    /// What an interview that could not be ended has found so far: the next goes on from there. In force only once it is
    /// usable, or nothing better is known.
    draft: Option<DeviceRecord>,
    /// The hub knows it as a lock.
    announced: bool,
    /// The network is up.
    up: bool,
    doing: Option<Doing>,
    asked: Option<AskId>,
    waiting: VecDeque<(CommandId, LockCommand)>,
    /// Who wants to know that the interview is done.
    interviews: Vec<CommandId>,
    reachable: Option<bool>,
    /// When it was heard last, or asked in vain whether it is there.
    heard_at: Option<Instant>,
    /// When it was looked for at another address.
    looked_for_at: Option<Instant>,
    /// It was found at another address: whether it answers there is to be asked.
    found: bool,
    /// Interviews in a row that did not bring everything, and when the next is due.
    incomplete: u32,
    interview_at: Option<Instant>,
    /// How its interview goes, as it was told last.
    progress: InterviewProgress,
    /// It left, and is gone then if it does not come back.
    gone_at: Option<Instant>,
    link: Link,
    repeated: Repeated,
    /// The slots that the lock said are free, and when.
    free: BTreeMap<SlotNumber, Instant>,
    told: Vec<Told>,
}

impl Dialogue {
    pub(super) fn new(device: Ieee, mut record: DeviceRecord, quirks: Arc<Quirks>) -> Self {
        record.look_up(&quirks);
        Self {
            device,
            quirks,
            record,
            draft: None,
            announced: false,
            up: false,
            doing: None,
            asked: None,
            waiting: VecDeque::new(),
            interviews: Vec::new(),
            reachable: None,
            heard_at: None,
            looked_for_at: None,
            found: false,
            incomplete: 0,
            interview_at: None,
            progress: InterviewProgress::Idle,
            gone_at: None,
            link: Link::default(),
            repeated: Repeated::default(),
            free: BTreeMap::new(),
            told: Vec::new(),
        }
    }

    pub(super) fn record(&self) -> &DeviceRecord {
        &self.record
    }

    pub(super) fn is_announced(&self) -> bool {
        self.announced
    }

    pub(super) fn nwk(&self) -> Nwk {
        Nwk(self.record.nwk)
    }

    fn lock(&self) -> LockId {
        LockId(self.device.0)
    }

    /// The network is up: it is asked for what is not known of it.
    pub(super) fn begin(&mut self, now: Instant) {
        self.up = true;
        self.heard_at.get_or_insert(now);
        let due = !self.record.is_complete() && !self.record.is_no_lock();
        if due && self.interview_at.is_none() && self.doing.is_none() {
            self.interview_at = Some(now);
        }
        if self.announced {
            self.present();
        }
    }

    /// The hub knows it from now on.
    pub(super) fn announce(&mut self) {
        if !std::mem::replace(&mut self.announced, true) {
            self.present();
        }
    }

    fn present(&mut self) {
        if self.record.is_usable() {
            self.event(RadioEvent::LockInterviewed(self.lock(), self.record.lock_info()));
        } else {
            self.event(RadioEvent::LockPending(self.lock(), "it is being asked what it can do".to_owned()));
        }
        self.event(RadioEvent::LockInterview(self.lock(), self.progress.clone()));
    }

    /// The stick is gone, and with it whatever was under way.
    pub(super) fn stick_lost(&mut self) {
        self.give_up(&CommandError::StickGone);
    }

    /// The device is not ours any more.
    pub(super) fn dismissed(&mut self) {
        self.give_up(&CommandError::NotReady);
    }

    /// Whatever was under way or waits ends with this error.
    fn give_up(&mut self, error: &CommandError) {
        let job = match self.doing.take() {
            Some(Doing::Job(id, ..)) => Some(id),
            Some(Doing::Interview(interview)) => {
                self.draft = Some(interview.into_record());
                self.progresses(InterviewProgress::Idle);
                None
            }
            Some(Doing::Probe) | None => None,
        };
        let waiting: Vec<CommandId> = self.waiting.drain(..).map(|(id, _)| id).collect();
        let interviews = std::mem::take(&mut self.interviews);
        for id in job.into_iter().chain(waiting).chain(interviews) {
            self.event(RadioEvent::CommandDone(id, Err(error.clone())));
        }
        (self.asked, self.up, self.interview_at) = (None, false, None);
    }

    /// The hub asks something.
    pub(super) fn handle_command(&mut self, now: Instant, id: CommandId, command: LockCommand) {
        match command {
            _ if !self.announced => self.event(RadioEvent::CommandDone(id, Err(CommandError::NotReady))),
            LockCommand::Interview => {
                let doing = matches!(self.doing, Some(Doing::Interview(_)));
                if !doing || self.interviews.is_empty() {
                    // Everything is asked again; what is known stays in force until that is done.
                    if self.doing.take_if(|_| doing).is_some() {
                        self.asked = None;
                    }
                    self.draft = Some(self.record.blank());
                    self.interview_at = Some(now);
                }
                self.interviews.push(id);
            }
            _ if !self.record.is_usable() => {
                self.event(RadioEvent::CommandDone(id, Err(CommandError::NotReady)));
            }
            command => self.waiting.push_back((id, command)),
        }
    }

    /// Goes on as far as it can without an answer.
    pub(super) fn advance(&mut self, now: Instant, coordinator: Ieee, clock: WallClock, queue: &mut Queue) {
        while self.up && self.asked.is_none() {
            if self.doing.is_none() && !self.start(now, coordinator, clock) {
                return;
            }
            match &mut self.doing {
                None => return,
                Some(Doing::Probe) => {
                    let endpoint = self.record.lock_endpoint().unwrap_or_default();
                    self.asked = Some(queue.ask(now, self.device, ping::question(endpoint)));
                }
                Some(Doing::Interview(interview)) => match interview.ask() {
                    Some(question) => {
                        let stage = interview.stage();
                        queue.set_place(self.device, interview.record().place());
                        self.asked = Some(queue.ask(now, self.device, question));
                        self.progresses(InterviewProgress::Asking(stage));
                    }
                    None => self.interviewed(now),
                },
                Some(Doing::Job(_, _, job)) => match job.next() {
                    Next::Pause(until) if until <= now => job.handle_timeout(now),
                    Next::Pause(_) => return,
                    Next::Done(result) => self.job_done(now, result),
                    Next::Ask(question) => {
                        queue.set_place(self.device, self.record.place());
                        self.asked = Some(queue.ask(now, self.device, question));
                    }
                },
            }
        }
    }

    /// Takes up what is due. False: nothing is.
    fn start(&mut self, now: Instant, coordinator: Ieee, clock: WallClock) -> bool {
        // What the hub asks goes before what was missing in the interview; an interview that it asked for has its turn.
        let asked_for = !self.interviews.is_empty() && self.interview_at.is_some_and(|at| at <= now);
        if self.record.is_usable()
            && !asked_for
            && let Some((id, command)) = self.waiting.pop_front()
        {
            self.free.retain(|_, at| now.saturating_duration_since(*at) < FREE_FOR);
            let was_free = matches!(command, LockCommand::SetCode { slot, .. } if self.free.contains_key(&slot));
            let job = Box::new(Job::new(&command, &self.record, was_free, clock, now));
            self.doing = Some(Doing::Job(id, command, job));
            return true;
        }
        if self.interview_at.is_none_or(|at| at > now) {
            let found = std::mem::take(&mut self.found) && self.silent_at().is_some();
            let ask = found || self.silent_at().is_some_and(|at| at <= now);
            if ask {
                self.doing = Some(Doing::Probe);
            }
            return ask;
        }
        self.interview_at = None;
        let record = self.draft.take().unwrap_or_else(|| self.record.clone());
        let interview = Interview::new(self.device, coordinator, record, Arc::clone(&self.quirks));
        tracing::info!(device = %self.device, "interview begins");
        self.doing = Some(Doing::Interview(Box::new(interview)));
        true
    }

    fn interviewed(&mut self, now: Instant) {
        let Some(Doing::Interview(interview)) = self.doing.take() else { return };
        let record = interview.into_record();
        if record.missing.is_empty() {
            tracing::info!(device = %self.device, lock = record.lock_endpoint().is_some(), "interview complete");
            (self.incomplete, self.interview_at) = (0, None);
        } else {
            self.again_later(now);
        }
        let usable = record.is_usable();
        if usable || !self.record.is_usable() {
            self.keep(record);
        } else {
            self.draft = Some(record);
        }
        self.progresses(InterviewProgress::Idle);
        let result = if usable { Ok(CommandOutput::Interviewed) } else { Err(CommandError::NotReady) };
        self.answer_interviews(&result);
    }

    fn again_later(&mut self, now: Instant) {
        const FIRST: Duration = Duration::from_secs(5);
        const LONGEST: Duration = Duration::from_secs(3600);
        self.interview_at = Some(now + (FIRST * 3_u32.pow(self.incomplete.min(8))).min(LONGEST));
        self.incomplete += 1;
    }

    fn answer_interviews(&mut self, result: &Result<CommandOutput, CommandError>) {
        for id in std::mem::take(&mut self.interviews) {
            self.event(RadioEvent::CommandDone(id, result.clone()));
        }
    }

    fn progresses(&mut self, progress: InterviewProgress) {
        if progress != self.progress {
            self.progress = progress.clone();
            self.event(RadioEvent::LockInterview(self.lock(), progress));
        }
    }

    /// A new or changed record: told and kept.
    fn keep(&mut self, record: DeviceRecord) {
        self.told.push(Told::Keep(record.clone()));
        if record.is_usable() {
            self.event(RadioEvent::LockInterviewed(self.lock(), record.lock_info()));
        } else if !record.is_no_lock() {
            let missing: Vec<&str> = record.missing.iter().map(String::as_str).collect();
            let message = format!("its interview brought no answer to: {}; it is asked again", missing.join(", "));
            self.event(RadioEvent::LockPending(self.lock(), message));
        }
        self.record = record;
    }

    fn job_done(&mut self, now: Instant, result: Result<CommandOutput, CommandError>) {
        let Some(Doing::Job(id, command, job)) = self.doing.take() else { return };
        let seen = job.seen();
        self.change(|record| {
            record.masked = seen.masked.or(record.masked);
            record.unreadable |= seen.unreadable;
            record.keeps_schedules = seen.keeps_schedules.or(record.keeps_schedules);
        });
        if let Some((id, value)) = job.learned() {
            self.learn(door_lock::CLUSTER, id, value);
        }
        match (&result, &command) {
            (Ok(CommandOutput::Slot(report)), _) if report.content == SlotContent::Free => {
                self.free.insert(report.slot, now);
            }
            (Ok(CommandOutput::Slot(SlotReport { slot, .. })), _)
            | (_, LockCommand::SetCode { slot, .. } | LockCommand::SetTimedCode { slot, .. }) => {
                self.free.remove(slot);
            }
            _ => {}
        }
        self.event(RadioEvent::CommandDone(id, result));
    }

    /// The lock said something of an attribute that the hub is told.
    fn learn(&mut self, cluster: u16, id: u16, value: u64) {
        self.change(|record| record.learn(cluster, id, Some(value)));
    }

    /// Changes what is known, here and in an interview that goes on; told and kept if it is another now.
    fn change(&mut self, change: impl Fn(&mut DeviceRecord)) {
        let mut record = self.record.clone();
        change(&mut record);
        if let Some(draft) = &mut self.draft {
            change(draft);
        }
        if let Some(Doing::Interview(interview)) = &mut self.doing {
            change(interview.record_mut());
        }
        if record != self.record {
            let told_the_hub = record.lock_info() != self.record.lock_info();
            if told_the_hub {
                self.keep(record);
            } else {
                self.told.push(Told::Keep(record.clone()));
                self.record = record;
            }
        }
    }

    /// It is at this address now.
    pub(super) fn moved(&mut self, nwk: Nwk, queue: &mut Queue) {
        self.change(|record| record.nwk = nwk.0);
        queue.set_place(self.device, self.record.place());
        self.found = self.reachable == Some(false);
    }

    /// How it listens, as it announced.
    pub(super) fn listens(&mut self, capability: u8) {
        self.change(|record| record.capability = Some(capability));
    }

    /// What was asked has ended.
    pub(super) fn handle_ended(&mut self, now: Instant, id: AskId, answer: Result<Answer, AskError>) {
        if self.asked != Some(id) {
            return;
        }
        self.asked = None;
        match &answer {
            Ok(_) => self.heard(now),
            // One lost acknowledgement is no absence: what follows will show.
            Err(AskError::Offline { maybe_done }) => {
                if !maybe_done {
                    self.reach(false);
                }
                self.look_for(now);
            }
            Err(_) => {}
        }
        match &mut self.doing {
            Some(Doing::Probe) => {
                self.heard_at = Some(now);
                self.doing = None;
            }
            Some(Doing::Job(_, _, job)) => job.handle_answer(now, answer),
            Some(Doing::Interview(interview)) => {
                let was_described = interview.record().is_described();
                let progress = interview.handle_answer(answer);
                let record = interview.record();
                if record.is_described() && !was_described {
                    let (is_lock, is_router) = (record.lock_endpoint().is_some(), record.is_router());
                    let record = record.clone();
                    // A crash from here on loses nothing of what it is.
                    if !self.record.is_usable() {
                        self.told.push(Told::Keep(record.clone()));
                        self.record = record;
                    }
                    self.told.push(Told::Described(is_lock, is_router));
                }
                if progress == Progress::Stuck {
                    self.stuck(now);
                }
            }
            None => {}
        }
    }

    fn look_for(&mut self, now: Instant) {
        if self.looked_for_at.is_none_or(|at| at + LOOK_FOR_AGAIN <= now) {
            self.looked_for_at = Some(now);
            self.told.push(Told::Lost);
        }
    }

    fn stuck(&mut self, now: Instant) {
        let Some(Doing::Interview(interview)) = self.doing.take() else { return };
        self.progresses(InterviewProgress::Waiting(interview.stage()));
        self.draft = Some(interview.into_record());
        self.again_later(now);
        let message = "it does not answer: its interview goes on when it is heard".to_owned();
        self.event(RadioEvent::LockPending(self.lock(), message));
        self.answer_interviews(&Err(CommandError::Offline));
    }

    /// A frame of a cluster came in that nobody had asked for.
    pub(super) fn handle_unasked(&mut self, now: Instant, cluster: u16, frame: &Frame) {
        if self.record.lock_endpoint().is_none() || self.repeated.is(now, cluster, frame) {
            return;
        }
        let told = events::of_frame(cluster, frame, &self.record);
        for (cluster, id, value) in told.learned {
            self.learn(cluster, id, value);
        }
        for event in told.events {
            if let Some(Doing::Job(_, _, job)) = &mut self.doing {
                job.handle_event(&event);
            }
            match &event {
                LockEvent::CodeAdded(Some(slot)) => _ = self.free.remove(slot),
                LockEvent::CodeAdded(None) => self.free.clear(),
                _ => {}
            }
            self.event(RadioEvent::Lock(self.lock(), event));
        }
    }

    /// A frame to it has ended.
    pub(super) fn handle_sent(&mut self, now: Instant, delivery: Delivery) {
        if let Some(news) = self.link.handle_sent(now, delivery) {
            self.event(RadioEvent::LockLink(self.lock(), news));
        }
    }

    /// A frame of it arrived.
    pub(super) fn handle_heard(&mut self, incoming: &Incoming) {
        self.link.handle_heard(incoming);
    }

    /// It said over which others its frames come.
    pub(super) fn handle_route(&mut self, relays: &[Nwk]) {
        self.link.handle_route(relays);
    }

    /// The device was heard: it is there.
    pub(super) fn heard(&mut self, now: Instant) {
        (self.gone_at, self.heard_at) = (None, Some(now));
        if self.interview_at.is_some() && self.reachable == Some(false) {
            self.interview_at = Some(now);
        }
        self.reach(true);
    }

    /// When a lock is to be asked whether it is there, if nothing is heard of it.
    fn silent_at(&self) -> Option<Instant> {
        let known = self.announced && self.record.is_usable();
        self.heard_at.filter(|_| known).map(|at| at + SILENT)
    }

    /// It left the network, by itself.
    pub(super) fn left(&mut self, now: Instant) {
        self.gone_at.get_or_insert(now + GONE);
    }

    fn reach(&mut self, reachable: bool) {
        if self.reachable.replace(reachable) != Some(reachable) {
            self.event(RadioEvent::LockReachable(self.lock(), reachable));
        }
    }

    /// Whether it left, and did not come back in time; [`Dialogue::handle_gone`] is to follow.
    pub(super) fn is_gone(&self, now: Instant) -> bool {
        self.gone_at.is_some_and(|at| at <= now)
    }

    /// It is gone for good.
    pub(super) fn handle_gone(&mut self) {
        self.gone_at = None;
        self.event(RadioEvent::Lock(self.lock(), LockEvent::Reset));
        self.reach(false);
    }

    /// When [`Dialogue::advance`] (while the network is up) or [`Dialogue::handle_gone`] is due again.
    pub(super) fn timeout(&self, network_up: bool) -> Option<Instant> {
        let next = match &self.doing {
            _ if !network_up || !self.up || self.asked.is_some() => None,
            None => self.interview_at.into_iter().chain(self.silent_at()).min(),
            Some(Doing::Interview(_) | Doing::Probe) => None,
            Some(Doing::Job(_, _, job)) => match job.next() {
                Next::Pause(until) => Some(until),
                Next::Ask(_) | Next::Done(_) => None,
            },
        };
        next.into_iter().chain(self.gone_at).min()
    }

    /// What the hub does not know it is told nothing of; but what it asked is answered.
    fn event(&mut self, event: RadioEvent) {
        if self.announced || matches!(event, RadioEvent::CommandDone(..)) {
            self.told.push(Told::Event(event));
        }
    }

    /// What there is to tell since the last call.
    pub(super) fn take_told(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.told)
    }
}
