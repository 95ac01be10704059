//! When a lock is interviewed, what becomes of what was found, and what the hub is told of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use keyway_lock::{CommandError, CommandId, CommandOutput, InterviewProgress, RadioEvent};

use super::{Dialogue, Doing, Told};
use crate::interview::{About, Interview};
use crate::node::table::NodeRecord;
use crate::serial_api::startup::Stick;

/// Pauses before what brought no answer is asked again: the first, and the longest that it grows to.
const AGAIN: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(3600));

impl Dialogue {
    /// The hub wants everything to be asked again; what is known stays in force until that is done.
    pub(super) fn interview_again(&mut self, now: Instant, id: CommandId) {
        let doing = matches!(self.doing, Some(Doing::Interview(_)));
        if !doing || self.interviews.is_empty() {
            self.doing.take_if(|_| doing);
            self.draft = Some(NodeRecord::new(&self.granted));
            self.interview_at = Some(now);
        }
        self.interviews.push(id);
    }

    pub(super) fn begin_interview(&mut self, stick: &Stick) {
        (self.interview_at, self.stuck) = (None, false);
        let record = self.draft.take().or_else(|| self.record.clone());
        let record = record.unwrap_or_else(|| NodeRecord::new(&self.granted));
        let about = About::new(self.node, stick, &self.granted);
        tracing::info!(node = %self.node, "interview begins");
        self.doing = Some(Doing::Interview(Box::new(Interview::new(about, record, Arc::clone(&self.quirks)))));
    }

    /// Another stage has begun: it is told, and what those before have found is kept.
    pub(super) fn tell_stage(&mut self) {
        let Some(Doing::Interview(interview)) = &mut self.doing else { return };
        if let Some(stage) = interview.take_entered() {
            let found = interview.record().clone();
            self.told.push(Told::KeepDraft(Some(found)));
            self.tell_interview(InterviewProgress::Asking(stage));
        }
    }

    /// Every stage is over.
    pub(super) fn interviewed(&mut self, now: Instant) {
        let Some(Doing::Interview(interview)) = self.doing.take() else { return };
        let record = interview.into_record();
        let usable = record.is_usable();
        if record.missing.is_empty() {
            tracing::info!(node = %self.node, slots = record.users.unwrap_or(0), "interview complete");
            (self.incomplete, self.interview_at) = (0, None);
            self.time.handle_interviewed(now);
        } else {
            self.again_later(now);
        }
        if usable || !self.record.as_ref().is_some_and(NodeRecord::is_usable) {
            self.keep(record);
            self.told.push(Told::KeepDraft(None));
        } else {
            self.told.push(Told::KeepDraft(Some(record.clone())));
            self.draft = Some(record);
        }
        self.tell_interview(InterviewProgress::Idle);
        self.answer_interviews(&if usable { Ok(CommandOutput::Interviewed) } else { Err(CommandError::NotReady) });
    }

    /// The lock does not answer.
    pub(super) fn interview_stuck(&mut self, now: Instant) {
        let Some(Doing::Interview(interview)) = self.doing.take() else { return };
        let stage = interview.stage();
        self.draft = Some(interview.into_record());
        self.stuck = true;
        self.again_later(now);
        if !self.record.as_ref().is_some_and(NodeRecord::is_usable) {
            let message = "it does not answer: its interview goes on when it is heard".to_owned();
            self.event(RadioEvent::LockPending(self.lock(), message));
        }
        self.tell_interview(InterviewProgress::Waiting(stage));
        self.answer_interviews(&Err(CommandError::Offline));
    }

    fn again_later(&mut self, now: Instant) {
        let (first, longest) = AGAIN;
        self.interview_at = Some(now + (first * 3_u32.pow(self.incomplete.min(8))).min(longest));
        self.incomplete += 1;
    }

    fn answer_interviews(&mut self, result: &Result<CommandOutput, CommandError>) {
        for id in std::mem::take(&mut self.interviews) {
            self.event(RadioEvent::CommandDone(id, result.clone()));
        }
    }

    pub(super) fn tell_interview(&mut self, progress: InterviewProgress) {
        self.event(RadioEvent::LockInterview(self.lock(), progress));
    }
}
