//! Telling a lock how it is to be, in one thing, and proving that it is: a set, and the question how it is now.

use std::time::Instant;

use keyway_lock::{CommandError, CommandOutput, LockCommand, Pin, Refusal};
use zeroize::Zeroizing;

use super::{Next, Want, again_after, reading_failed, writing_failed};
use crate::cc::configuration::{self, ConfigurationCommand};
use crate::cc::user_code::{self, CodeBytes, UserCodeCommand};
use crate::node::table::NodeRecord;
use crate::quirks::ParameterQuirk;
use crate::transport::exchange::{Answer, AskError, Beginning};
use crate::transport::supervision::Status;

/// Times the setting is read until it is what was written.
const LOOKS: u8 = 3;

/// One thing that a lock can be told.
enum Setting {
    KeypadMode(u8),
    AdminCode(Option<Pin>),
    /// Only to be read, if there is no value.
    Parameter(ParameterQuirk, Option<i64>),
}

/// How a setting is, in comparison with how it should be.
enum Judgement {
    Same,
    Another,
    /// Something, and the lock does not show what.
    Hidden,
    Unreadable,
}

enum Phase {
    Write,
    Look,
    /// Before the next look.
    Settle {
        until: Instant,
    },
    Done(Result<CommandOutput, CommandError>),
}

/// One change of a setting.
pub(super) struct SettingJob {
    setting: Setting,
    phase: Phase,
    /// The lock said SUCCESS.
    confirmed: bool,
    looks: u8,
}

impl SettingJob {
    /// `None`: it is another command, or the lock can't be told that.
    pub(super) fn new(command: &LockCommand, record: &NodeRecord) -> Option<Self> {
        let told = record.settings_told();
        let parameter = |name: &String| record.quirk.parameters.iter().find(|known| known.name == *name).cloned();
        let parameter = |name| parameter(name).filter(|_| record.supports(configuration::CLASS));
        let setting = match command {
            LockCommand::SetKeypadMode(mode) if told.keypad.is_some_and(|keypad| keypad.modes.contains(mode)) => {
                Setting::KeypadMode(user_code::number_of(*mode))
            }
            LockCommand::SetAdminCode(Some(pin)) if told.admin_code.is_some() => Setting::AdminCode(Some(pin.clone())),
            LockCommand::SetAdminCode(None) if told.admin_code.is_some_and(|code| code.can_be_removed) => {
                Setting::AdminCode(None)
            }
            LockCommand::ReadParameter(name) => Setting::Parameter(parameter(name)?, None),
            LockCommand::SetParameter { name, value } => {
                Setting::Parameter(parameter(name).filter(|known| known.allows(*value))?, Some(*value))
            }
            _ => return None,
        };
        let phase = if matches!(setting, Setting::Parameter(_, None)) { Phase::Look } else { Phase::Write };
        Some(Self { setting, phase, confirmed: false, looks: 0 })
    }

    pub(super) fn next(&self) -> Next {
        match &self.phase {
            Phase::Write => Next::Ask(Zeroizing::new(self.setting.set()), Want::Outcome),
            Phase::Look => {
                let (get, report) = self.setting.get();
                Next::Ask(Zeroizing::new(get), Want::Report(report))
            }
            Phase::Settle { until } => Next::Pause(*until),
            Phase::Done(result) => Next::Done(result.clone()),
        }
    }

    pub(super) fn handle_answer(&mut self, now: Instant, answer: Result<Answer, AskError>) {
        self.phase = match (&self.phase, answer) {
            (Phase::Write, Ok(Answer::Supervised(Status::Fail))) => Phase::Done(Err(Refusal::Rejected.into())),
            // Whatever else was said of the set: the lock itself tells how it is now.
            (Phase::Write, Ok(answer)) => {
                self.confirmed = matches!(answer, Answer::Supervised(Status::Success));
                Phase::Look
            }
            (Phase::Write, Err(AskError::NoAnswer | AskError::Offline { maybe_done: true })) => Phase::Look,
            (Phase::Write, Err(error)) => Phase::Done(Err(writing_failed(error))),
            (Phase::Look, Ok(Answer::Report(report))) => self.looked(now, &report),
            (Phase::Look, Err(error)) if !self.setting.writes() || error == AskError::NoKey => {
                Phase::Done(Err(reading_failed(error)))
            }
            (Phase::Look, _) => Phase::Done(Err(CommandError::Unproven)),
            (Phase::Settle { .. } | Phase::Done(_), _) => return,
        };
    }

    fn looked(&mut self, now: Instant, report: &[u8]) -> Phase {
        self.looks += 1;
        match self.setting.judge(report) {
            Judgement::Same => Phase::Done(Ok(CommandOutput::SettingTaken)),
            Judgement::Hidden if self.confirmed => Phase::Done(Ok(CommandOutput::SettingTaken)),
            Judgement::Hidden | Judgement::Unreadable => Phase::Done(Err(CommandError::Unproven)),
            Judgement::Another if self.looks < LOOKS => Phase::Settle { until: now + again_after(self.looks) },
            Judgement::Another => Phase::Done(Err(Refusal::Rejected.into())),
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Settle { until } if until <= now) {
            self.phase = Phase::Look;
        }
    }
}

impl Setting {
    fn writes(&self) -> bool {
        !matches!(self, Self::Parameter(_, None))
    }

    fn set(&self) -> Vec<u8> {
        match self {
            Self::KeypadMode(mode) => UserCodeCommand::KeypadModeSet(*mode).encode(),
            Self::AdminCode(code) => UserCodeCommand::AdminCodeSet(bytes_of(code.as_ref())).encode(),
            Self::Parameter(known, value) => {
                let value = value.and_then(|value| known.encode(value)).unwrap_or_default();
                ConfigurationCommand::Set { parameter: known.number, value }.encode()
            }
        }
    }

    /// The question, and how its report begins.
    fn get(&self) -> (Vec<u8>, Beginning) {
        let kind = |report: UserCodeCommand| Beginning::from(report.encode().get(..2).unwrap_or_default());
        match self {
            Self::KeypadMode(mode) => {
                (UserCodeCommand::KeypadModeGet.encode(), kind(UserCodeCommand::KeypadModeReport(*mode)))
            }
            Self::AdminCode(_) => {
                let report = UserCodeCommand::AdminCodeReport(CodeBytes::default());
                (UserCodeCommand::AdminCodeGet.encode(), kind(report))
            }
            Self::Parameter(known, _) => {
                let report = [configuration::CLASS, configuration::REPORT, known.number];
                (ConfigurationCommand::Get(known.number).encode(), report.into())
            }
        }
    }

    fn judge(&self, report: &[u8]) -> Judgement {
        let same = |same| if same { Judgement::Same } else { Judgement::Another };
        if let Self::Parameter(known, wanted) = self {
            return match ConfigurationCommand::decode(report) {
                Ok(ConfigurationCommand::Report { value, .. }) => match known.decode(&value) {
                    Some(value) => same(wanted.is_none_or(|wanted| wanted == value)),
                    None => Judgement::Unreadable,
                },
                _ => Judgement::Unreadable,
            };
        }
        match (self, UserCodeCommand::decode(report)) {
            (Self::KeypadMode(wanted), Ok(UserCodeCommand::KeypadModeReport(mode))) => same(mode == *wanted),
            (Self::AdminCode(Some(_)), Ok(UserCodeCommand::AdminCodeReport(code))) if is_masked(&code) => {
                Judgement::Hidden
            }
            (Self::AdminCode(wanted), Ok(UserCodeCommand::AdminCodeReport(code))) => {
                same(code == bytes_of(wanted.as_ref()))
            }
            _ => Judgement::Unreadable,
        }
    }
}

fn bytes_of(code: Option<&Pin>) -> CodeBytes {
    code.map(CodeBytes::from).unwrap_or_default()
}

/// Whether a lock shows something else than digits where its admin code is.
fn is_masked(code: &CodeBytes) -> bool {
    !code.expose().is_empty() && !code.expose().iter().any(u8::is_ascii_digit)
}
