//! The joining side of Security 2 (CC:009F, "S2 bootstrapping") and of Security 0 (SDS10865): a lock fresh from its box
//! gets its keys. Each waiting has a timer with its name in the specification.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use keyway_lock::DeviceLabel;
use keyway_zwave::security::s0;
use keyway_zwave::security::s2::kex::{KexCommand, KexFail, KexParameters};
use keyway_zwave::security::s2::keys::{ClassKeys, KeyPair, PublicKey};
use keyway_zwave::security::{NetworkKey, SecurityClass};
use zeroize::Zeroizing;

/// TB1: until the KEX Get; a lock that knows only Security 0 waits as long for its scheme.
const TB1: Duration = Duration::from_secs(30);
/// TB2: until the KEX Set, which a user may have to choose. TBI1: until the echo of the KEX Report.
const TB2: Duration = Duration::from_secs(240);
/// TB3 to TB5: until the next command of the hub.
const TB3: Duration = Duration::from_secs(10);
/// The echo of the KEX Set is sent again until it is answered.
const ECHO_AGAIN: Duration = Duration::from_secs(10);
/// How long a lock waits for a Security 0 command (SDS10865).
const S0_TIMEOUT: Duration = Duration::from_secs(10);

/// What a joining lock does wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JoinFaults {
    /// It is gone once it got so many commands of the exchange.
    pub gone_after: Option<u8>,
    /// It answers the KEX Set with a KEX Fail of this type.
    pub fail_with: Option<u8>,
    /// It asks for client-side authentication.
    pub client_side_authentication: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    KexGet,
    KexSet,
    PublicKey,
    EchoReport,
    KeyReport(SecurityClass),
    TransferEnd,
    Scheme,
    S0Key,
    Ended,
}

/// What comes out.
pub(super) enum JoinOutput {
    /// A command for the hub.
    Send(Option<SecurityClass>, Zeroizing<Vec<u8>>),
    /// The temporary key.
    TemporaryKey(ClassKeys),
    /// A network key came.
    Key(SecurityClass, NetworkKey),
    /// It is in, with these classes.
    Done(Vec<SecurityClass>),
    /// It did not work; it is in the network without keys.
    Failed,
}

/// A lock that joins.
pub(super) struct Joiner {
    requested: Vec<SecurityClass>,
    pair: KeyPair,
    faults: JoinFaults,
    stage: Stage,
    until: Instant,
    echo_at: Option<Instant>,
    offered: KexParameters,
    chosen: KexParameters,
    left: Vec<SecurityClass>,
    commands: u8,
    outputs: VecDeque<JoinOutput>,
}

impl Joiner {
    /// One that asks for these classes; its label is made from `pair`.
    pub(super) fn new(now: Instant, requested: &[SecurityClass], pair: KeyPair, faults: JoinFaults) -> Self {
        let only_s0 = requested == [SecurityClass::S0];
        let mut offered = KexParameters::new(requested);
        if faults.client_side_authentication {
            offered.flags |= 0x02;
        }
        Self {
            requested: requested.to_vec(),
            pair,
            faults,
            stage: if only_s0 { Stage::Scheme } else { Stage::KexGet },
            until: now + if only_s0 { S0_TIMEOUT } else { TB1 },
            echo_at: None,
            offered,
            chosen: KexParameters::new(&[]),
            left: Vec::new(),
            commands: 0,
            outputs: VecDeque::new(),
        }
    }

    /// Whether it has ceased to be there.
    pub(super) fn is_gone(&self) -> bool {
        self.faults.gone_after.is_some_and(|most| self.commands >= most)
    }

    pub(super) fn poll(&mut self) -> Option<JoinOutput> {
        self.outputs.pop_front()
    }

    pub(super) fn timeout(&self) -> Option<Instant> {
        (self.stage != Stage::Ended && !self.is_gone())
            .then(|| self.echo_at.map_or(self.until, |at| at.min(self.until)))
    }

    /// The instant of [`Joiner::timeout`] has come.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.timeout().is_none_or(|at| at > now) {
        } else if self.until <= now {
            self.end(JoinOutput::Failed);
        } else {
            self.echo(now);
        }
    }

    /// A command of the exchange.
    pub(super) fn handle(&mut self, now: Instant, level: Option<SecurityClass>, payload: &[u8]) {
        if self.stage == Stage::Ended || self.is_gone() {
            return;
        }
        self.commands = self.commands.saturating_add(1);
        if self.is_gone() {
            return;
        }
        if payload.first() == Some(&s0::CLASS) {
            return self.handle_s0(now, level, payload);
        }
        let Ok(command) = KexCommand::decode(payload) else { return };
        let temporary = level == Some(SecurityClass::Temporary);
        match (self.stage, command) {
            (_, KexCommand::Fail(_)) => self.end(JoinOutput::Failed),
            // The hub has not got the answer, or begins anew.
            (Stage::KexGet | Stage::KexSet, KexCommand::Get) => {
                self.send(None, &KexCommand::Report(self.offered));
                self.wait(now, Stage::KexSet, TB2);
            }
            (Stage::KexSet, KexCommand::Set(chosen)) => self.handle_set(now, chosen),
            (Stage::PublicKey, KexCommand::PublicKey { including: true, key }) => self.handle_public_key(now, &key),
            (Stage::EchoReport, KexCommand::Report(echo)) => {
                self.echo_at = None;
                if temporary && echo == self.offered.echo() {
                    self.ask_next(now);
                } else {
                    self.fail(KexFail::Auth);
                }
            }
            (Stage::KeyReport(wanted), KexCommand::NetworkKeyReport(class, key)) => {
                if !temporary || class != Some(wanted) {
                    return self.fail(KexFail::KeyReport);
                }
                self.left.retain(|left| *left != wanted);
                self.outputs.push_back(JoinOutput::Key(wanted, key));
                self.send(Some(wanted), &KexCommand::NetworkKeyVerify);
                self.wait(now, Stage::TransferEnd, TB3);
            }
            (Stage::TransferEnd, KexCommand::TransferEnd { verified: true, .. }) if temporary => self.ask_next(now),
            _ => {}
        }
    }

    fn handle_s0(&mut self, now: Instant, level: Option<SecurityClass>, payload: &[u8]) {
        match self.stage {
            Stage::Scheme if level.is_none() && payload.starts_with(&s0::SCHEME_GET[..2]) => {
                let report = [&s0::SCHEME_REPORT[..], &[0]].concat();
                self.outputs.push_back(JoinOutput::Send(None, Zeroizing::new(report)));
                self.wait(now, Stage::S0Key, S0_TIMEOUT);
            }
            Stage::S0Key if level == Some(SecurityClass::S0) && payload.starts_with(&s0::NETWORK_KEY_SET) => {
                let Some(key) = payload.get(2..18).and_then(|key| <[u8; 16]>::try_from(key).ok()) else { return };
                self.outputs.push_back(JoinOutput::Key(SecurityClass::S0, NetworkKey::new(key)));
                let verify = Zeroizing::new(s0::NETWORK_KEY_VERIFY.to_vec());
                self.outputs.push_back(JoinOutput::Send(Some(SecurityClass::S0), verify));
                self.end(JoinOutput::Done(vec![SecurityClass::S0]));
            }
            _ => {}
        }
    }

    fn handle_set(&mut self, now: Instant, chosen: KexParameters) {
        if let Some(code) = self.faults.fail_with {
            self.send(None, &KexCommand::Fail(code));
            return self.end(JoinOutput::Failed);
        }
        let granted = chosen.classes();
        if granted.is_empty() || granted.iter().any(|class| !self.requested.contains(class)) {
            return self.fail(KexFail::Key);
        }
        self.chosen = chosen;
        // Strongest first.
        self.left = granted.into_iter().rev().collect();
        let mut key = self.pair.public();
        if self.left.iter().any(|class| *class >= SecurityClass::S2Authenticated) {
            key[..2].fill(0);
        }
        self.send(None, &KexCommand::PublicKey { including: false, key });
        self.wait(now, Stage::PublicKey, TB3);
    }

    fn handle_public_key(&mut self, now: Instant, including: &PublicKey) {
        let Some(secret) = self.pair.agree(including) else { return self.fail(KexFail::Auth) };
        let keys = ClassKeys::temporary(&secret, including, &self.pair.public());
        self.outputs.push_back(JoinOutput::TemporaryKey(keys));
        self.wait(now, Stage::EchoReport, TB2);
        self.echo(now);
    }

    fn echo(&mut self, now: Instant) {
        self.echo_at = Some(now + ECHO_AGAIN);
        self.send(Some(SecurityClass::Temporary), &KexCommand::Set(self.chosen.echo()));
    }

    fn ask_next(&mut self, now: Instant) {
        match self.left.first() {
            Some(class) => {
                let class = *class;
                self.send(Some(SecurityClass::Temporary), &KexCommand::NetworkKeyGet(Some(class)));
                self.wait(now, Stage::KeyReport(class), TB3);
            }
            None => {
                let end = KexCommand::TransferEnd { verified: false, complete: true };
                self.send(Some(SecurityClass::Temporary), &end);
                self.end(JoinOutput::Done(self.chosen.classes()));
            }
        }
    }

    fn wait(&mut self, now: Instant, stage: Stage, time: Duration) {
        (self.stage, self.until) = (stage, now + time);
    }

    fn send(&mut self, level: Option<SecurityClass>, command: &KexCommand) {
        self.outputs.push_back(JoinOutput::Send(level, command.encode()));
    }

    fn fail(&mut self, code: KexFail) {
        let level = match self.stage {
            Stage::KeyReport(_) | Stage::TransferEnd => Some(SecurityClass::Temporary),
            _ => None,
        };
        self.send(level, &KexCommand::Fail(code as u8));
        self.end(JoinOutput::Failed);
    }

    fn end(&mut self, output: JoinOutput) {
        self.stage = Stage::Ended;
        self.outputs.push_back(output);
    }
}

/// The label of a lock with this key pair.
pub(super) fn label(pair: &KeyPair) -> DeviceLabel {
    let [label @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = pair.public();
    DeviceLabel::new(label)
}
