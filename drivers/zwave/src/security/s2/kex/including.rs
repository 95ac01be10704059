//! The including side, as a machine: commands of the joining node, decisions of the host and instants in; commands,
//! questions to the host and the outcome out. Each waiting has a timer with its name in CC:009F.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use keyway_lock::{DeviceLabel, JoinPin, NetworkError};
use zeroize::Zeroizing;

use super::{CURVE25519, KexCommand, KexFail, KexParameters, SCHEME_1};
use crate::security::s2::keys::{ClassKeys, KeyPair, PublicKey};
use crate::security::{NetworkKeys, SecurityClass};

/// TA1 to TA5: how long the joining node may take for its next command.
const TA: Duration = Duration::from_secs(10);
/// TAI1: how long the host may take to grant. TAI2: how long it may take to read the label.
const TAI: Duration = Duration::from_secs(240);

/// How long the echo of the KEX Set may take once the label is known: the joining node repeats it every 10 s until it is
/// answered, so that one which is not heard for so long is gone.
const ECHO: Duration = Duration::from_secs(40);

/// How often a command is sent again that was not acknowledged.
const RESENDS: u8 = 2;

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// TA1: the KEX Report.
    KexReport,
    /// TAI1: what the host grants.
    Grant,
    /// That what was granted is kept.
    Kept,
    /// TA2: the joining node's public key.
    PublicKey,
    /// TAI2: the digits of the label.
    Pin,
    /// TAI2, or as long as it is repeated: the echo of the KEX Set.
    Echo,
    /// TA3: the first question for a key.
    FirstKey,
    /// TA4: that the key of this class was verified under itself.
    Verify(SecurityClass),
    /// TA5: the next question for a key, or the end.
    NextKey,
    Ended,
}

/// What comes out.
#[derive(Clone, PartialEq, Eq)]
pub enum KexOutput {
    /// A command for the joining node.
    Send(Option<SecurityClass>, Zeroizing<Vec<u8>>),
    /// The host must choose among these: [`Including::grant`].
    AskGrant(Vec<SecurityClass>),
    /// To be kept before anything depends on it: [`Including::handle_kept`].
    Keep(Vec<SecurityClass>),
    /// Expect messages under a key that is not known yet.
    Expect,
    /// The host must read the digits before this part of the label: [`Including::confirm`].
    AskPin(DeviceLabel),
    /// The temporary key, and the classes of which keys will be handed over.
    TemporaryKey(TemporaryKey, Vec<SecurityClass>),
    /// It has ended.
    Done(Result<Vec<SecurityClass>, NetworkError>),
}

/// The keys two nodes agreed on.
#[derive(Clone)]
pub struct TemporaryKey(pub ClassKeys);

impl PartialEq for TemporaryKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.ccm == other.0.ccm
    }
}

impl Eq for TemporaryKey {}

impl fmt::Debug for KexOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(level, command) => write!(f, "Send({level:?}, {:02x?})", command.get(..2)),
            Self::AskGrant(classes) => write!(f, "AskGrant({classes:?})"),
            Self::Keep(classes) => write!(f, "Keep({classes:?})"),
            Self::Expect => f.write_str("Expect"),
            Self::AskPin(label) => write!(f, "AskPin({label:?})"),
            Self::TemporaryKey(_, classes) => write!(f, "TemporaryKey({classes:?})"),
            Self::Done(result) => write!(f, "Done({result:?})"),
        }
    }
}

/// What the host said before.
#[derive(Debug, Clone)]
pub struct Terms {
    /// What is granted without asking.
    pub classes: Vec<SecurityClass>,
    /// Ask in any case.
    pub ask: bool,
    /// The digits of the label, if known.
    pub pin: Option<JoinPin>,
    /// The whole label, if known: another device is turned away.
    pub label: Option<DeviceLabel>,
}

/// One exchange.
pub struct Including {
    terms: Terms,
    keys: NetworkKeys,
    pair: KeyPair,
    stage: Stage,
    until: Option<Instant>,
    /// What the joining node offered.
    offered: Option<KexParameters>,
    granted: Vec<SecurityClass>,
    /// The classes whose keys it has not asked for yet.
    left: Vec<SecurityClass>,
    /// The joining node's public key, as it came.
    joining: PublicKey,
    /// What was sent last, and how often it may be sent again.
    last: Option<(Option<SecurityClass>, Zeroizing<Vec<u8>>)>,
    again: u8,
    outputs: VecDeque<KexOutput>,
}

impl Including {
    /// Begins with the KEX Get. `random` makes the key pair, and must never be used twice.
    pub fn new(now: Instant, terms: Terms, keys: NetworkKeys, random: &Zeroizing<[u8; 32]>) -> Self {
        let mut including = Self {
            terms,
            keys,
            pair: KeyPair::new(random),
            stage: Stage::Ended,
            until: None,
            offered: None,
            granted: Vec::new(),
            left: Vec::new(),
            joining: [0; 32],
            last: None,
            again: 0,
            outputs: VecDeque::new(),
        };
        including.send(None, &KexCommand::Get);
        including.wait(now, Stage::KexReport, TA);
        including
    }

    /// The next output.
    pub fn poll(&mut self) -> Option<KexOutput> {
        self.outputs.pop_front()
    }

    /// When [`Including::handle_timeout`] is due.
    pub fn timeout(&self) -> Option<Instant> {
        self.until
    }

    /// The last command reached the node: its time to answer begins now.
    pub fn handle_delivered(&mut self, now: Instant) {
        let answering = matches!(
            self.stage,
            Stage::KexReport | Stage::PublicKey | Stage::FirstKey | Stage::Verify(_) | Stage::NextKey
        );
        if answering {
            self.until = Some(now + TA);
        }
    }

    /// The last command was not acknowledged, or could not be read. It goes out again: a node that got it all the same passes the second one
    /// over, since it has gone on.
    pub fn handle_undelivered(&mut self) {
        if self.stage != Stage::Ended
            && let Some(again) = self.again.checked_sub(1)
            && let Some((level, command)) = self.last.clone()
        {
            self.again = again;
            self.outputs.push_back(KexOutput::Send(level, command));
        }
    }

    /// The instant of [`Including::timeout`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.until.is_none_or(|until| until > now) {
            return;
        }
        match self.stage {
            Stage::Grant | Stage::Pin => self.fail(KexFail::Cancel, NetworkError::NoAnswer),
            _ => self.end(Err(NetworkError::DeviceGone)),
        }
    }

    /// The host does not want it any more.
    pub fn cancel(&mut self) {
        self.fail(KexFail::Cancel, NetworkError::Cancelled);
    }

    /// The host wants the node without keys. False: nothing was asked.
    pub fn refuse(&mut self) -> bool {
        let asked = self.stage == Stage::Grant;
        if asked {
            self.fail(KexFail::Cancel, NetworkError::NothingGranted);
        }
        asked
    }

    /// The host's choice. False: nothing was asked.
    pub fn grant(&mut self, chosen: &[SecurityClass]) -> bool {
        if self.stage != Stage::Grant {
            return false;
        }
        let granted = self.possible().into_iter().filter(|class| chosen.contains(class)).collect();
        self.settle(granted);
        true
    }

    /// What was granted is kept.
    pub fn handle_kept(&mut self, now: Instant) {
        if self.stage == Stage::Kept {
            self.send(None, &KexCommand::Set(KexParameters::new(&self.granted)));
            self.wait(now, Stage::PublicKey, TA);
        }
    }

    /// The label of the joining node, which has proven that it has the key behind it once it has read what went out under
    /// the temporary key.
    pub fn label(&self) -> DeviceLabel {
        let mut label = [0; 16];
        label.copy_from_slice(&self.joining[..16]);
        DeviceLabel::new(label)
    }

    /// The digits of the label. False: nothing was asked.
    pub fn confirm(&mut self, now: Instant, pin: &JoinPin) -> bool {
        if self.stage != Stage::Pin {
            return false;
        }
        self.agree(now, pin.expose());
        true
    }

    /// A message could not be opened with the temporary key.
    pub fn handle_wrong_key(&mut self) {
        if self.stage == Stage::Echo {
            self.fail(KexFail::Decrypt, NetworkError::WrongPin);
        }
    }

    /// A command of the joining node. What has no place in the exchange now is passed over.
    pub fn handle_command(&mut self, now: Instant, level: Option<SecurityClass>, payload: &[u8]) {
        let Ok(command) = KexCommand::decode(payload) else { return };
        let temporary = level == Some(SecurityClass::Temporary);
        match (self.stage, command) {
            (Stage::Ended, _) => {}
            (_, KexCommand::Fail(code)) => self.end(Err(NetworkError::EndedByDevice(code))),
            (Stage::KexReport, KexCommand::Report(offered)) if level.is_none() => self.consider(now, offered),
            (Stage::PublicKey, KexCommand::PublicKey { including: false, key }) if level.is_none() => {
                self.take_public_key(now, key);
            }
            (Stage::Echo, KexCommand::Set(echo)) => {
                if temporary && echo == KexParameters::new(&self.granted).echo() {
                    self.answer_echo(now);
                } else {
                    self.fail(KexFail::Auth, NetworkError::Suspicious);
                }
            }
            // It has not got the answer.
            (Stage::FirstKey, KexCommand::Set(echo))
                if temporary && echo == KexParameters::new(&self.granted).echo() =>
            {
                self.answer_echo(now);
            }
            (Stage::FirstKey | Stage::NextKey, KexCommand::NetworkKeyGet(class)) => match class {
                _ if !temporary => self.fail(KexFail::Auth, NetworkError::Suspicious),
                Some(class) if self.left.contains(&class) => self.hand_over(now, class),
                _ => self.fail(KexFail::KeyGet, NetworkError::Suspicious),
            },
            (Stage::Verify(class), KexCommand::NetworkKeyVerify) => {
                if level == Some(class) {
                    let end = KexCommand::TransferEnd { verified: true, complete: false };
                    self.send(Some(SecurityClass::Temporary), &end);
                    self.wait(now, Stage::NextKey, TA);
                } else {
                    self.fail(KexFail::KeyVerify, NetworkError::Suspicious);
                }
            }
            (Stage::NextKey, KexCommand::TransferEnd { complete: true, .. }) => {
                if !temporary {
                    self.fail(KexFail::Auth, NetworkError::Suspicious);
                } else if self.left.is_empty() {
                    self.end(Ok(self.granted.clone()));
                } else {
                    self.fail(KexFail::KeyVerify, NetworkError::Suspicious);
                }
            }
            _ => {}
        }
    }

    fn consider(&mut self, now: Instant, offered: KexParameters) {
        self.offered = Some(offered);
        if offered.is_echo() {
            return self.fail(KexFail::Auth, NetworkError::Suspicious);
        }
        if offered.schemes != SCHEME_1 {
            return self.fail(KexFail::Scheme, NetworkError::UnknownScheme);
        }
        if offered.profiles != CURVE25519 {
            return self.fail(KexFail::Curves, NetworkError::UnknownScheme);
        }
        if offered.wants_client_side_authentication() {
            return self.fail(KexFail::Cancel, NetworkError::ClientSideAuthentication);
        }
        let possible = self.possible();
        let granted: Vec<SecurityClass> =
            possible.iter().copied().filter(|class| self.terms.classes.contains(class)).collect();
        if possible.is_empty() {
            self.fail(KexFail::Key, NetworkError::NothingGranted);
        } else if self.terms.ask || granted.is_empty() {
            self.wait(now, Stage::Grant, TAI);
            self.outputs.push_back(KexOutput::AskGrant(possible));
        } else {
            self.settle(granted);
        }
    }

    /// What it asks for and we could grant: Security 0 is for nodes that have nothing better.
    fn possible(&self) -> Vec<SecurityClass> {
        let asked = self.offered.map(KexParameters::classes).unwrap_or_default();
        let has = |class: &SecurityClass| *class != SecurityClass::S0 && self.keys.get(*class).is_some();
        asked.into_iter().filter(has).collect()
    }

    fn settle(&mut self, granted: Vec<SecurityClass>) {
        if granted.is_empty() {
            return self.fail(KexFail::Cancel, NetworkError::NothingGranted);
        }
        self.granted.clone_from(&granted);
        self.left.clone_from(&granted);
        (self.stage, self.until) = (Stage::Kept, None);
        self.outputs.push_back(KexOutput::Keep(granted));
    }

    fn take_public_key(&mut self, now: Instant, key: PublicKey) {
        self.joining = key;
        let authenticated = self.granted.iter().any(|class| *class >= SecurityClass::S2Authenticated);
        if let Some(label) = &self.terms.label {
            let skipped = if authenticated { 2 } else { 0 };
            if key[skipped..16] != label.expose()[skipped..] {
                return self.fail(KexFail::Cancel, NetworkError::WrongDevice);
            }
        }
        self.outputs.push_back(KexOutput::Expect);
        // At once: the joining node waits 10 s for it (TB3). It then repeats its echo until it is answered.
        self.send(None, &KexCommand::PublicKey { including: true, key: self.pair.public() });
        self.wait(now, Stage::Pin, TAI);
        let known = self.terms.pin.clone().or_else(|| self.terms.label.as_ref().map(DeviceLabel::pin));
        match known {
            _ if !authenticated => self.agree(now, [key[0], key[1]]),
            Some(pin) => self.agree(now, pin.expose()),
            None => {
                self.outputs.push_back(KexOutput::AskPin(self.label()));
            }
        }
    }

    /// All of the joining node's public key is known. TAI2 goes on, as far as that is of use.
    fn agree(&mut self, now: Instant, first: [u8; 2]) {
        self.joining[..2].copy_from_slice(&first);
        let Some(secret) = self.pair.agree(&self.joining) else {
            return self.fail(KexFail::Cancel, NetworkError::Suspicious);
        };
        let keys = ClassKeys::temporary(&secret, &self.pair.public(), &self.joining);
        self.stage = Stage::Echo;
        self.until = self.until.map(|until| until.min(now + ECHO));
        self.outputs.push_back(KexOutput::TemporaryKey(TemporaryKey(keys), self.granted.clone()));
    }

    fn answer_echo(&mut self, now: Instant) {
        let Some(offered) = self.offered else { return };
        self.send(Some(SecurityClass::Temporary), &KexCommand::Report(offered.echo()));
        self.wait(now, Stage::FirstKey, TA);
    }

    fn hand_over(&mut self, now: Instant, class: SecurityClass) {
        let Some(key) = self.keys.get(class).cloned() else {
            return self.fail(KexFail::KeyGet, NetworkError::Suspicious);
        };
        self.left.retain(|left| *left != class);
        self.send(Some(SecurityClass::Temporary), &KexCommand::NetworkKeyReport(Some(class), key));
        self.wait(now, Stage::Verify(class), TA);
    }

    fn wait(&mut self, now: Instant, stage: Stage, time: Duration) {
        (self.stage, self.until) = (stage, Some(now + time));
    }

    fn send(&mut self, level: Option<SecurityClass>, command: &KexCommand) {
        let command = command.encode();
        (self.last, self.again) = (Some((level, command.clone())), RESENDS);
        self.outputs.push_back(KexOutput::Send(level, command));
    }

    /// Gives it up, and tells the node why: under the temporary key, once both sides have shown that they have it.
    fn fail(&mut self, code: KexFail, error: NetworkError) {
        let level = match self.stage {
            Stage::Ended => return,
            Stage::FirstKey | Stage::Verify(_) | Stage::NextKey => Some(SecurityClass::Temporary),
            _ => None,
        };
        self.send(level, &KexCommand::Fail(code as u8));
        self.end(Err(error));
    }

    fn end(&mut self, result: Result<Vec<SecurityClass>, NetworkError>) {
        (self.stage, self.until) = (Stage::Ended, None);
        self.outputs.push_back(KexOutput::Done(result));
    }
}

impl fmt::Debug for Including {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Including").field("stage", &self.stage).field("granted", &self.granted).finish_non_exhaustive()
    }
}
