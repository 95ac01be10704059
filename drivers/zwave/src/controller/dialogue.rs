//! The conversation with one lock: its interview, the job under way, and what waits.

mod hearing;
mod interviewing;
mod timekeeping;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use keyway_lock::{
    CommandError, CommandId, CommandOutput, InterviewProgress, LockCommand, LockEvent, LockId, RadioEvent, SlotContent,
    SlotNumber, SlotReport, WallClock,
};

use crate::cc::wake_up;
use crate::interview::{self, About, Interview, InterviewAsk, Progress};
use crate::lock::{Job, Next, Want};
use crate::node::NodeId;
use crate::node::info::Listening;
use crate::node::link::Link;
use crate::node::table::NodeRecord;
use crate::quirks::Quirks;
use crate::security::SecurityClass;
use crate::serial_api::callback::TransmitReport;
use crate::serial_api::startup::Stick;
use crate::transport::exchange::{Answer, AskError, Awaits, Question};
use crate::transport::queue::{AskId, Ended, Queue};
use crate::transport::sessions::SessionIds;
use crate::transport::supervision::Status;

use hearing::{due_level, events_of, level_of};
use timekeeping::Timekeeping;

/// How long the lock's word that a slot is free is worth something to the next set.
const FREE_FOR: Duration = Duration::from_secs(300);

/// What a dialogue tells the controller.
pub(super) enum Told {
    /// For the hub.
    Event(RadioEvent),
    /// For the store.
    Keep(NodeRecord),
    /// For the store, beside the other: what an interview has found so far; `None`: it has ended.
    KeepDraft(Option<NodeRecord>),
}

enum Doing {
    Interview(Box<Interview>),
    Job(CommandId, LockCommand, Box<Job>),
    /// It is given the time, of which nobody has to know.
    Time(Box<Job>),
}

/// One lock.
pub(super) struct Dialogue {
    node: NodeId,
    granted: Vec<SecurityClass>,
    quirks: Arc<Quirks>,
    /// What is known of it, and in force.
    record: Option<NodeRecord>,
    /// What an interview that could not be ended has found so far: the next goes on from there. In force only once it is
    /// usable, or nothing better is known.
    draft: Option<NodeRecord>,
    /// The lock did not answer the last interview: it is gone on with when it is heard.
    stuck: bool,
    /// The stick has it in its network.
    in_network: bool,
    doing: Option<Doing>,
    asked: Option<AskId>,
    waiting: VecDeque<(CommandId, LockCommand)>,
    /// Who wants to know that the interview is done.
    interviews: Vec<CommandId>,
    reachable: Option<bool>,
    /// How its last frames went.
    link: Link,
    /// Interviews in a row that did not bring everything, and when the next is due.
    incomplete: u32,
    interview_at: Option<Instant>,
    /// The slots that the lock said are free, and when.
    free: BTreeMap<SlotNumber, Instant>,
    time: Timekeeping,
    told: Vec<Told>,
}

impl Dialogue {
    pub(super) fn new(
        node: NodeId,
        granted: Vec<SecurityClass>,
        [record, draft]: [Option<NodeRecord>; 2],
        quirks: Arc<Quirks>,
        clock: WallClock,
    ) -> Self {
        let [record, draft] = [record, draft].map(|record| {
            record.map(|mut record| {
                record.look_up(&quirks);
                record
            })
        });
        Self {
            node,
            granted,
            quirks,
            record,
            draft,
            stuck: false,
            in_network: false,
            doing: None,
            asked: None,
            waiting: VecDeque::new(),
            interviews: Vec::new(),
            reachable: None,
            link: Link::default(),
            incomplete: 0,
            interview_at: None,
            free: BTreeMap::new(),
            time: Timekeeping::new(clock),
            told: Vec::new(),
        }
    }

    pub(super) fn granted(&self) -> &[SecurityClass] {
        &self.granted
    }

    fn lock(&self) -> LockId {
        self.node.into()
    }

    /// The stick is identified. False: the lock is not in its network, and whatever was under way is over.
    pub(super) fn begin(&mut self, now: Instant, stick: &Stick) -> bool {
        if !stick.nodes.contains(&self.node) {
            self.give_up(&CommandError::NotReady);
            let message =
                format!("node {} is not in the stick's network {:08x}: is the number right?", self.node, stick.home_id);
            self.event(RadioEvent::LockPending(self.lock(), message));
            return false;
        }
        self.begin_new(now, stick);
        true
    }

    /// It is in the network, and is asked for what is not known of it.
    pub(super) fn begin_new(&mut self, now: Instant, stick: &Stick) {
        self.in_network = true;
        self.time.handle_begun(now);
        match self.record.as_ref().filter(|record| record.is_usable()) {
            Some(record) => {
                let info = record.lock_info();
                let complete = interview::is_complete(record, &About::new(self.node, stick, &self.granted));
                self.interview_at = (self.draft.is_some() || !complete).then_some(now);
                self.event(RadioEvent::LockInterviewed(self.lock(), info));
                self.tell_interview(InterviewProgress::Idle);
            }
            None => {
                self.interview_at = Some(now);
                self.event(RadioEvent::LockPending(self.lock(), "it is being asked what it can do".to_owned()));
                self.tell_interview(InterviewProgress::Idle);
            }
        }
    }

    /// The stick is gone, and with it whatever was under way.
    pub(super) fn stick_lost(&mut self) {
        self.give_up(&CommandError::StickGone);
    }

    /// The lock is not ours any more.
    pub(super) fn dismissed(&mut self) {
        self.give_up(&CommandError::NotReady);
    }

    /// Whatever was under way or waits ends with this error.
    fn give_up(&mut self, error: &CommandError) {
        let job = match self.doing.take() {
            Some(Doing::Job(id, ..)) => Some(id),
            Some(Doing::Interview(interview)) => {
                self.draft = Some(interview.into_record());
                None
            }
            Some(Doing::Time(_)) | None => None,
        };
        let waiting: Vec<CommandId> = self.waiting.drain(..).map(|(id, _)| id).collect();
        let interviews = std::mem::take(&mut self.interviews);
        for id in job.into_iter().chain(waiting).chain(interviews) {
            self.event(RadioEvent::CommandDone(id, Err(error.clone())));
        }
        (self.asked, self.in_network, self.interview_at) = (None, false, None);
    }

    /// The hub asks something.
    /// `asleep`: nothing reaches it before it wakes by itself.
    pub(super) fn handle_command(&mut self, now: Instant, id: CommandId, command: LockCommand, asleep: bool) {
        let usable = self.record.as_ref().is_some_and(NodeRecord::is_usable);
        match command {
            _ if !self.in_network => self.event(RadioEvent::CommandDone(id, Err(CommandError::NotReady))),
            LockCommand::Interview => self.interview_again(now, id),
            _ if !usable => self.event(RadioEvent::CommandDone(id, Err(CommandError::NotReady))),
            // Somebody stands there and waits, and will not for an hour.
            LockCommand::Lock | LockCommand::Unlock | LockCommand::Identify if asleep => {
                self.event(RadioEvent::CommandDone(id, Err(CommandError::Offline)));
                self.reach(false);
            }
            command => self.waiting.push_back((id, command)),
        }
    }

    /// Goes on as far as it can without an answer.
    pub(super) fn advance(&mut self, now: Instant, stick: &Stick, queue: &mut Queue, sessions: &mut SessionIds) {
        let record = self.known();
        queue.set_beamed(self.node, record.is_some_and(|record| record.listening == Some(Listening::Frequently)));
        queue.set_patience(self.node, record.and_then(|record| record.quirk.patience));
        self.go_on(now, stick, queue, sessions);
        let goes_on = self.doing.is_some() || !self.waiting.is_empty();
        let sleep = self
            .known()
            .and_then(|record| record.sleep(level_of(record, &self.granted, &wake_up::NO_MORE_INFORMATION), goes_on));
        queue.set_sleep(now, self.node, sleep);
    }

    /// What is known of it by now.
    fn known(&self) -> Option<&NodeRecord> {
        match &self.doing {
            Some(Doing::Interview(interview)) => Some(interview.record()),
            _ => self.record.as_ref().or(self.draft.as_ref()),
        }
    }

    fn go_on(&mut self, now: Instant, stick: &Stick, queue: &mut Queue, sessions: &mut SessionIds) {
        while self.in_network && self.asked.is_none() {
            if self.doing.is_none() && !self.start(now, stick) {
                return;
            }
            match &mut self.doing {
                None => return,
                Some(Doing::Interview(interview)) => {
                    match interview.ask() {
                        Some(InterviewAsk::Stick(command)) => self.asked = Some(queue.ask_stick(self.node, command)),
                        Some(InterviewAsk::Node(command, awaits)) => {
                            let level = level_of(interview.record(), &self.granted, &command);
                            self.asked = Some(queue.ask(self.node, Question { command, level, awaits }));
                        }
                        None => self.interviewed(now),
                    }
                    self.tell_stage();
                }
                Some(Doing::Job(_, _, job) | Doing::Time(job)) => match job.next() {
                    Next::Pause(until) if until <= now => job.handle_timeout(now),
                    Next::Pause(_) => return,
                    Next::Done(result) => self.job_done(now, result),
                    Next::Ask(command, want) => {
                        let Some(record) = &self.record else { return };
                        let level = level_of(record, &self.granted, &command);
                        let awaits = match want {
                            Want::Report(beginning) => Awaits::Report(beginning),
                            Want::Outcome if record.is_supervised() => match sessions.take() {
                                Some(session) => Awaits::Supervision(session),
                                None => return,
                            },
                            Want::Outcome => Awaits::Delivery,
                            Want::Presence => Awaits::Presence,
                        };
                        self.asked = Some(queue.ask(self.node, Question { command, level, awaits }));
                    }
                },
            }
        }
    }

    /// Takes up what is due. False: nothing is.
    fn start(&mut self, now: Instant, stick: &Stick) -> bool {
        let usable = self.record.as_ref().filter(|record| record.is_usable());
        // What the hub asks goes before what was missing in the interview; an interview that it asked for has its turn.
        let asked_for = !self.interviews.is_empty() && self.interview_at.is_some_and(|at| at <= now);
        if let Some(record) = usable.filter(|_| !asked_for)
            && let Some((id, command)) = self.waiting.pop_front()
        {
            self.free.retain(|_, at| now.saturating_duration_since(*at) < FREE_FOR);
            let was_free = matches!(command, LockCommand::SetCode { slot, .. } if self.free.contains_key(&slot));
            let job = Box::new(Job::new(&command, record, was_free, self.time.clock(), now));
            self.doing = Some(Doing::Job(id, command, job));
            return true;
        }
        if self.interview_at.is_none_or(|at| at > now) {
            let Some(record) = usable.filter(|record| record.takes_time() && self.time.is_due(now)) else {
                return false;
            };
            self.doing = Some(Doing::Time(Box::new(Job::clock(record, self.time.clock(), now))));
            return true;
        }
        self.begin_interview(stick);
        true
    }

    /// A new or changed record: told and kept.
    fn keep(&mut self, record: NodeRecord) {
        self.told.push(Told::Keep(record.clone()));
        if record.is_usable() {
            self.event(RadioEvent::LockInterviewed(self.lock(), record.lock_info()));
        } else {
            let missing: Vec<&str> = record.missing.iter().map(String::as_str).collect();
            let message = format!("its interview brought no answer to: {}; it is asked again", missing.join(", "));
            self.event(RadioEvent::LockPending(self.lock(), message));
        }
        self.record = Some(record);
    }

    fn job_done(&mut self, now: Instant, result: Result<CommandOutput, CommandError>) {
        let (id, command, job) = match self.doing.take() {
            Some(Doing::Job(id, command, job)) => (id, command, job),
            Some(Doing::Time(_)) => return self.time.handle_done(now, result.is_ok()),
            Some(Doing::Interview(_)) | None => return,
        };
        self.note(|record| {
            record.masked = job.masked().or(record.masked);
            record.keeps_schedules = job.keeps_schedules().or(record.keeps_schedules);
        });
        match (&result, &command) {
            (Ok(CommandOutput::Slot(report)), _) if report.content == SlotContent::Free => {
                self.free.insert(report.slot, now);
            }
            (Ok(CommandOutput::Slots { told, .. }), _) => {
                for SlotReport { slot, content } in told {
                    match content {
                        SlotContent::Free => _ = self.free.insert(*slot, now),
                        _ => _ = self.free.remove(slot),
                    }
                }
            }
            (Ok(CommandOutput::Slot(SlotReport { slot, .. })), _)
            | (_, LockCommand::SetCode { slot, .. } | LockCommand::SetTimedCode { slot, .. }) => {
                self.free.remove(slot);
            }
            (_, LockCommand::ChangeCodes { changes, .. }) => {
                changes.iter().for_each(|change| _ = self.free.remove(&change.slot));
            }
            _ => {}
        }
        self.event(RadioEvent::CommandDone(id, result));
    }

    /// Something was found out about the lock, which the interview under way would else forget.
    fn note(&mut self, change: impl Fn(&mut NodeRecord)) {
        self.draft.iter_mut().for_each(&change);
        let Some(before) = &self.record else { return };
        let mut record = before.clone();
        change(&mut record);
        if record != *before {
            self.keep(record);
        }
    }

    /// What a report says of the lock's settings: told and kept if it is news.
    fn learn(&mut self, report: &[u8]) {
        if let Some(draft) = &mut self.draft {
            draft.learn(report);
        }
        let news = self.record.as_mut().is_some_and(|record| record.learn(report));
        if let Some(record) = self.record.clone().filter(|_| news) {
            self.keep(record);
        }
    }

    /// What was asked has ended. `doubted`: how the lock carried it out is what it may have said of an earlier command.
    pub(super) fn handle_ended(&mut self, now: Instant, id: AskId, ended: Ended, doubted: bool) {
        if self.asked != Some(id) {
            return;
        }
        self.asked = None;
        match &ended {
            Ended::Node(Ok(_)) => self.heard(now),
            // One lost acknowledgement is no absence: what follows will show.
            Ended::Node(Err(AskError::Offline { maybe_done: false })) => self.reach(false),
            Ended::Node(Err(_)) | Ended::Stick(_) => {}
        }
        let progress = match (&mut self.doing, ended) {
            (Some(Doing::Interview(interview)), ended) => interview.handle_ended(&ended),
            (Some(Doing::Job(_, _, job) | Doing::Time(job)), Ended::Node(mut answer)) => {
                if let Ok(Answer::Supervised(status)) = answer
                    && doubted
                {
                    if status != Status::Success || !job.looks_anyway() {
                        // It is asked again, under another id: no look would tell a refusal of the earlier command from one
                        // of this.
                        job.handle_doubted(now, status);
                        return;
                    }
                    answer = Ok(Answer::Delivered);
                }
                let report = match &answer {
                    Ok(Answer::Report(report)) => Some(report.clone()),
                    Ok(_) | Err(_) => None,
                };
                job.handle_answer(now, answer);
                let aside = job.take_aside();
                if let Some(report) = report {
                    self.learn(&report);
                }
                if let Some(event) = aside {
                    self.event(RadioEvent::Lock(self.lock(), event));
                }
                Progress::On
            }
            _ => Progress::On,
        };
        if progress == Progress::Stuck {
            self.interview_stuck(now);
        }
    }

    /// A command of the lock came in that nobody had asked for.
    pub(super) fn handle_unasked(&mut self, now: Instant, level: Option<SecurityClass>, command: &[u8]) {
        self.heard(now);
        let Some(record) = &self.record else { return };
        if level < due_level(record, &self.granted, command) {
            tracing::warn!(node = %self.node, "a command without the security it should have is passed over");
            return;
        }
        let events = events_of(command, record);
        // Somebody may have changed a setting at the lock.
        self.learn(command);
        for event in events {
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

    /// The wall clock was told.
    pub(super) fn handle_wall_time(&mut self, now: Instant, clock: WallClock) {
        self.time.handle_wall_time(now, clock);
    }

    /// A frame to the lock has ended.
    pub(super) fn handle_sent(&mut self, now: Instant, report: &TransmitReport) {
        if let Some(news) = self.link.handle_sent(now, self.node, report) {
            self.event(RadioEvent::LockLink(self.lock(), news));
        }
    }

    /// The lock was heard: it is there, and awake.
    pub(super) fn heard(&mut self, now: Instant) {
        self.time.handle_heard(now);
        if self.interview_at.is_some() && std::mem::take(&mut self.stuck) {
            self.interview_at = Some(now);
        }
        self.reach(true);
    }

    fn reach(&mut self, reachable: bool) {
        if self.reachable.replace(reachable) != Some(reachable) {
            self.event(RadioEvent::LockReachable(self.lock(), reachable));
        }
    }

    /// When [`Dialogue::advance`] is due again.
    pub(super) fn timeout(&self) -> Option<Instant> {
        match &self.doing {
            _ if !self.in_network || self.asked.is_some() => None,
            None => {
                let takes_time = self.record.as_ref().is_some_and(|record| record.is_usable() && record.takes_time());
                self.interview_at.into_iter().chain(self.time.timeout().filter(|_| takes_time)).min()
            }
            Some(Doing::Interview(_)) => None,
            Some(Doing::Job(_, _, job) | Doing::Time(job)) => match job.next() {
                Next::Pause(until) => Some(until),
                Next::Ask(..) | Next::Done(_) => None,
            },
        }
    }

    fn event(&mut self, event: RadioEvent) {
        self.told.push(Told::Event(event));
    }

    /// What there is to tell since the last call.
    pub(super) fn take_told(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.told)
    }
}
