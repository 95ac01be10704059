//! The including side of Security 0 (SDS10865, "Secure inclusion"): the scheme is agreed on, the network's key goes out
//! under the key that everybody knows, and the node proves that it has it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use keyway_lock::NetworkError;
use zeroize::Zeroizing;

use super::{NETWORK_KEY_SET, NETWORK_KEY_VERIFY, SCHEME_GET, SCHEME_REPORT};
use crate::security::{NetworkKey, SecurityClass};

/// How long the node may take for its next command (SDS10865, "Timeouts in the inclusion process").
const ANSWER: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Scheme,
    Verify,
    Ended,
}

/// What comes out.
#[derive(Clone, PartialEq, Eq)]
pub enum S0Output {
    /// A command for the joining node.
    Send(Option<SecurityClass>, Zeroizing<Vec<u8>>),
    /// A command for the joining node under the key that everybody knows.
    SendKey(Zeroizing<Vec<u8>>),
    /// It has ended.
    Done(Result<(), NetworkError>),
}

/// One exchange.
pub struct IncludingS0 {
    key: NetworkKey,
    stage: Stage,
    until: Option<Instant>,
    outputs: VecDeque<S0Output>,
}

impl IncludingS0 {
    /// Begins with the scheme.
    pub fn new(now: Instant, key: NetworkKey) -> Self {
        let outputs = VecDeque::from([S0Output::Send(None, Zeroizing::new(SCHEME_GET.to_vec()))]);
        Self { key, stage: Stage::Scheme, until: Some(now + ANSWER), outputs }
    }

    /// The next output.
    pub fn poll(&mut self) -> Option<S0Output> {
        self.outputs.pop_front()
    }

    /// When [`IncludingS0::handle_timeout`] is due.
    pub fn timeout(&self) -> Option<Instant> {
        self.until
    }

    /// The last command reached the node: its time to answer begins now.
    pub fn handle_delivered(&mut self, now: Instant) {
        if self.stage != Stage::Ended {
            self.until = Some(now + ANSWER);
        }
    }

    /// The instant of [`IncludingS0::timeout`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.until.is_some_and(|until| until <= now) {
            self.end(Err(NetworkError::DeviceGone));
        }
    }

    /// The host does not want it any more.
    pub fn cancel(&mut self) {
        if self.stage != Stage::Ended {
            self.end(Err(NetworkError::Cancelled));
        }
    }

    /// A command of the joining node.
    pub fn handle_command(&mut self, now: Instant, level: Option<SecurityClass>, command: &[u8]) {
        match self.stage {
            // Scheme 0 is there if its bit, which means "not supported", is clear.
            Stage::Scheme if level.is_none() && command.starts_with(&SCHEME_REPORT) => match command.get(2) {
                Some(schemes) if schemes & 0x01 == 0 => {
                    let set = [&NETWORK_KEY_SET[..], self.key.expose()].concat();
                    self.outputs.push_back(S0Output::SendKey(Zeroizing::new(set)));
                    (self.stage, self.until) = (Stage::Verify, Some(now + ANSWER));
                }
                _ => self.end(Err(NetworkError::UnknownScheme)),
            },
            Stage::Verify if level == Some(SecurityClass::S0) && command.starts_with(&NETWORK_KEY_VERIFY) => {
                self.end(Ok(()));
            }
            Stage::Scheme | Stage::Verify | Stage::Ended => {}
        }
    }

    fn end(&mut self, result: Result<(), NetworkError>) {
        (self.stage, self.until) = (Stage::Ended, None);
        self.outputs.push_back(S0Output::Done(result));
    }
}
