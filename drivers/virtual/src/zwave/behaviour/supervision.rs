//! Supervision, both ways: answering a supervised order once, however often it comes; and the lock's own reports, sent again
//! until the hub says that it has them.

use std::time::{Duration, Instant};

use keyway_zwave::security::SecurityClass;
use keyway_zwave::transport::supervision::{Status, SupervisionCommand};

use super::Reaction;

/// How long the hub may take to confirm a report.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(3);
/// How often a report is sent in all.
const ATTEMPTS: u8 = 3;
/// Session ids count to 63.
const SESSIONS: u8 = 64;

/// A supervised order of the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::zwave) struct Session {
    pub(in crate::zwave) id: u8,
    /// More than one report is wanted.
    pub(in crate::zwave) updates: bool,
    pub(in crate::zwave) security: Option<SecurityClass>,
}

/// Remembers the last order of the hub, so that a repetition is answered and not carried out again. As locks do, it tells
/// a repetition by its session alone: a hub that uses the same session twice in a row is not heard the second time.
#[derive(Default)]
pub(in crate::zwave) struct Supervisor {
    last: Option<(Session, Vec<u8>)>,
}

impl Supervisor {
    /// The answer given before, if this is the same order again.
    pub(in crate::zwave) fn repeated(&self, session: Session) -> Option<Vec<u8>> {
        let (last, report) = self.last.as_ref()?;
        (last.id == session.id && last.security == session.security).then(|| report.clone())
    }

    /// The report on an order that took its time.
    pub(in crate::zwave) fn finish(&mut self, session: Session, status: Status) -> Vec<u8> {
        let newer = self.last.take().filter(|(last, _)| *last != session);
        let report = self.report(session, status, Duration::ZERO);
        if newer.is_some() {
            self.last = newer;
        }
        report
    }

    /// The report on an order just carried out, or being carried out for `still` longer.
    pub(in crate::zwave) fn report(&mut self, session: Session, status: Status, still: Duration) -> Vec<u8> {
        let more_updates = status == Status::Working && session.updates;
        let seconds = still.as_millis().div_ceil(1000);
        let duration = if status == Status::Working { u8::try_from(seconds).unwrap_or(0x7F).min(0x7F) } else { 0 };
        let report = SupervisionCommand::Report { session: session.id, more_updates, status, duration }.encode();
        self.last = Some((session, report.clone()));
        report
    }
}

/// What a supervised command's reaction is called.
pub(in crate::zwave) fn status(reaction: &Reaction) -> Status {
    match reaction {
        Reaction::NoSupport => Status::NoSupport,
        Reaction::Answer(_) | Reaction::Done => Status::Success,
        Reaction::Refused | Reaction::RefusedWith(_) => Status::Fail,
    }
}

/// The lock's own reports under supervision, one at a time.
#[derive(Default)]
pub(in crate::zwave) struct Reports {
    next_session: u8,
    unconfirmed: Vec<Unconfirmed>,
}

struct Unconfirmed {
    session: u8,
    command: Vec<u8>,
    sent: u8,
    until: Instant,
}

impl Reports {
    /// Puts a report under supervision.
    pub(in crate::zwave) fn supervise(&mut self, now: Instant, report: Vec<u8>) -> Vec<u8> {
        let session = self.next_session;
        self.next_session = (session + 1) % SESSIONS;
        let command = SupervisionCommand::Get { session, updates: false, command: report }.encode();
        let until = now + CONFIRM_TIMEOUT;
        self.unconfirmed.push(Unconfirmed { session, command: command.clone(), sent: 1, until });
        command
    }

    /// The hub has a report.
    pub(in crate::zwave) fn confirm(&mut self, confirmed: u8) {
        self.unconfirmed.retain(|report| report.session != confirmed);
    }

    pub(in crate::zwave) fn timeout(&self) -> Option<Instant> {
        self.unconfirmed.iter().map(|report| report.until).min()
    }

    /// The reports that are due again; those sent often enough are forgotten.
    pub(in crate::zwave) fn handle_timeout(&mut self, now: Instant) -> Vec<Vec<u8>> {
        self.unconfirmed.retain(|report| report.until > now || report.sent < ATTEMPTS);
        let due = self.unconfirmed.iter_mut().filter(|report| report.until <= now);
        due.map(|report| {
            report.sent += 1;
            report.until = now + CONFIRM_TIMEOUT;
            report.command.clone()
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zwave::tests::start;

    const SESSION: Session = Session { id: 5, updates: true, security: None };

    #[test]
    fn an_order_that_comes_twice_is_answered_from_memory() {
        let mut supervisor = Supervisor::default();
        assert_eq!(supervisor.repeated(SESSION), None);
        let report = supervisor.report(SESSION, Status::Success, Duration::ZERO);
        assert_eq!(supervisor.repeated(SESSION), Some(report));
        assert_eq!(supervisor.repeated(Session { id: 6, ..SESSION }), None);
        assert_eq!(supervisor.repeated(Session { security: Some(SecurityClass::S0), ..SESSION }), None);
    }

    #[test]
    fn working_names_whole_seconds_and_that_more_follows_if_wanted() {
        let mut supervisor = Supervisor::default();
        let mut working = |session| supervisor.report(session, Status::Working, Duration::from_millis(1200));
        assert_eq!(working(SESSION), [0x6C, 0x02, 0x85, 0x01, 2]);
        assert_eq!(working(Session { updates: false, ..SESSION }), [0x6C, 0x02, 0x05, 0x01, 2]);
    }

    #[test]
    fn a_report_goes_out_three_times_unless_the_hub_has_it() {
        let (mut now, mut reports) = (start(), Reports::default());
        let first = reports.supervise(now, vec![0x80, 0x03, 50]);
        assert_eq!(first, [0x6C, 0x01, 0, 3, 0x80, 0x03, 50]);
        let mut again = 0;
        while let Some(until) = reports.timeout() {
            now = until;
            again += reports.handle_timeout(now).len();
        }
        assert_eq!(again, 2);
        reports.supervise(now, vec![0x80, 0x03, 40]);
        reports.confirm(1);
        assert_eq!(reports.timeout(), None);
    }
}
