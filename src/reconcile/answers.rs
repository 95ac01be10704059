//! What a lock's last turns came to. As long as nothing changed for the lock, and no moment came at which that changes by
//! itself, the same question has the same answer, and nothing is read for it: a lock that was only heard again, or that is
//! asked every few minutes whether it is back, costs next to nothing. Nobody relies on having heard of each change: no answer
//! is older than [`LONGEST`].

use std::time::Duration;

use super::turn::{Ask, Turn};
use crate::plan::Step;

/// Questions whose answers are known at once: to a lock that is out of reach the same ones are put again and again.
const MOST: usize = 4;
/// So long after it was read everything is read again.
const LONGEST: Duration = Duration::from_secs(3600);

/// The answers that still hold, of one lock. None of them has a PIN in it.
#[derive(Debug, Default)]
pub(super) struct Answers(Vec<(Ask, Turn)>);

impl Answers {
    /// Something changed for the lock.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    /// What a turn came to. Not all that a lock is asked for stays right for as long as the turn has it: of a lock that is
    /// out of reach it does.
    pub(super) fn keep(&mut self, ask: Ask, turn: &Turn) {
        if self.to(&ask).is_some() {
            return;
        }
        let stays = match turn.step {
            None => true,
            Some((Step::Status | Step::Read(_), _)) => ask.memory.heard_since.is_none(),
            Some(_) => false,
        };
        self.0.retain(|(known, _)| !known.is_like(&ask));
        if stays {
            self.0.truncate(MOST - 1);
            self.0.insert(0, (ask, turn.clone()));
        }
    }

    /// The answer to this question, if it is known and holds.
    pub(super) fn to(&self, ask: &Ask) -> Option<Turn> {
        let holds = |(known, turn): &&(Ask, Turn)| {
            let now = ask.now.utc;
            let is_young = known.now.utc <= now && known.now.utc.until(now) < LONGEST;
            is_young && turn.wake.is_none_or(|wake| now < wake) && known.is_like(ask)
        };
        self.0.iter().find(holds).map(|(_, turn)| turn.clone())
    }
}

#[cfg(test)]
mod tests {
    use keyway_lock::{Pin, SlotNumber};
    use uuid::Uuid;

    use super::*;
    use crate::model::{AccessCodeId, DeviceId, Timestamp};
    use crate::plan::{Memory, Moment};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_microsecond(seconds * 1_000_000).unwrap()
    }

    /// A question to a lock that is not heard.
    fn ask(seconds: i64) -> Ask {
        let now = Moment { utc: at(seconds), trusted: true };
        let device = DeviceId(Uuid::from_u128(1));
        Ask { device, memory: Memory::default(), now, may_send: true, given_up: false, acting: None }
    }

    fn turn(step: Option<Step>) -> Turn {
        let step = step.map(|step| (step, Vec::new()));
        Turn { device: DeviceId(Uuid::from_u128(1)), step, wake: Some(at(100)) }
    }

    fn kept(ask: &Ask, turn: &Turn) -> Answers {
        let mut answers = Answers::default();
        answers.keep(ask.clone(), turn);
        answers
    }

    #[test]
    fn an_answer_holds_until_its_moment_or_until_something_changes() {
        let mut answers = kept(&ask(10), &turn(Some(Step::Status)));
        assert_eq!(answers.to(&ask(99)).unwrap().step.unwrap().0, Step::Status);
        assert!(answers.to(&ask(100)).is_none(), "then it may be another one");
        assert!(answers.to(&ask(9)).is_none(), "the clock was moved back");
        answers.forget();
        assert!(answers.to(&ask(99)).is_none());
    }

    #[test]
    fn an_answer_is_found_anew_in_the_end_however_often_it_was_asked_for() {
        let never = Turn { wake: None, ..turn(None) };
        let mut answers = kept(&ask(10), &never);
        for seconds in 11..3610 {
            assert!(answers.to(&ask(seconds)).is_some(), "{seconds}");
            answers.keep(ask(seconds), &never);
        }
        assert!(answers.to(&ask(3610)).is_none());
    }

    #[test]
    fn another_question_has_another_answer() {
        let answers = kept(&ask(10), &turn(None));
        let resting = Memory { resting: true, ..Memory::default() };
        assert!(answers.to(&Ask { memory: resting, ..ask(10) }).is_none());
        assert!(answers.to(&Ask { may_send: false, ..ask(10) }).is_none());
        assert!(answers.to(&Ask { given_up: true, ..ask(10) }).is_none());
        let now = Moment { utc: at(10), trusted: false };
        assert!(answers.to(&Ask { now, ..ask(10) }).is_none());
        assert!(answers.to(&ask(10)).is_some());
    }

    #[test]
    fn no_pin_is_kept_nor_what_time_alone_may_make_wrong() {
        let pin = Pin::new("4711").unwrap();
        let set = Step::Set(AccessCodeId(Uuid::from_u128(2)), SlotNumber(1), pin, None);
        assert!(kept(&ask(10), &turn(Some(set))).to(&ask(11)).is_none());
        assert!(kept(&ask(10), &turn(Some(Step::Ping))).to(&ask(11)).is_none());
        let read = turn(Some(Step::Read(SlotNumber(1))));
        assert!(kept(&ask(10), &read).to(&ask(11)).is_some());
        let memory = Memory { heard_since: Some(at(1)), ..Memory::default() };
        let heard = Ask { memory, ..ask(10) };
        assert!(kept(&heard, &read).to(&heard).is_none());
    }

    #[test]
    fn the_same_few_questions_are_remembered() {
        let mut answers = Answers::default();
        let asks: Vec<Ask> = (0..10)
            .map(|told| {
                let told = [SlotNumber(told)].into();
                Ask { memory: Memory { told, ..Memory::default() }, ..ask(10) }
            })
            .collect();
        for ask in &asks {
            answers.keep(ask.clone(), &turn(None));
        }
        let known = asks.iter().filter(|ask| answers.to(ask).is_some()).count();
        assert_eq!(known, MOST);
        assert!(answers.to(&asks[9]).is_some());
    }
}
