//! A node that was just added gets its keys: by Security 2 if it knows that, else by Security 0 if the host says so, else
//! not at all, and that only if the host says so too.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use keyway_lock::{DeviceLabel, Grant, Include, JoinPin, KeyClass, NetworkError, NetworkStep};
use zeroize::Zeroizing;

use super::output::{NetworkOutput, Outputs};
use crate::node::NodeId;
use crate::node::info::NodeInformation;
use crate::security::s0::{IncludingS0, S0Output};
use crate::security::s2::kex::{Including, KexOutput, Terms};
use crate::security::{NetworkKeys, SecurityClass, key_classes, s0, s2};

/// How long the host may take to say what a node without Security 2 gets. (A node that knows only Security 0 gives up
/// much sooner: such a grant is best given beforehand.)
const GRANT: Duration = Duration::from_secs(240);

enum Method {
    S2(Box<Including>),
    S0(IncludingS0),
    /// The host is asked; whether the node knows Security 0.
    Asking {
        s0: bool,
        until: Instant,
    },
    /// What the host said is to be kept, or is being kept.
    Keeping {
        classes: Vec<SecurityClass>,
        told: bool,
    },
}

impl Method {
    fn keep(classes: Vec<SecurityClass>) -> Self {
        Self::Keeping { classes, told: false }
    }
}

/// How it ended: what the node was granted.
pub(super) type Secured = Result<Vec<SecurityClass>, NetworkError>;

/// What a caller must do next.
pub(super) enum Turn {
    /// Keep what is granted, then call [`Securing::handle_kept`].
    Keep(Vec<SecurityClass>),
    /// It has ended.
    Ended(Secured),
}

/// Who is to get keys.
pub(super) struct Newcomer {
    pub(super) node: NodeId,
    /// What it said it is; `None`: nothing, and then Security 2 is tried.
    pub(super) information: Option<NodeInformation>,
    /// Its label, if known.
    pub(super) label: Option<DeviceLabel>,
}

/// The handing over of keys under way.
pub(super) struct Securing {
    node: NodeId,
    keys: NetworkKeys,
    method: Method,
    insecure: bool,
}

impl Securing {
    /// Begins. `random` must never be used twice.
    pub(super) fn new(
        now: Instant,
        newcomer: Newcomer,
        wanted: &Include,
        keys: &NetworkKeys,
        random: &Zeroizing<[u8; 32]>,
        out: &mut Outputs,
    ) -> Self {
        let Newcomer { node, information, label } = newcomer;
        let keys = keys.of(node);
        let knows = |class| information.as_ref().is_none_or(|information| information.supported.contains(&class));
        let classes: Vec<SecurityClass> = wanted.classes.iter().map(|class| (*class).into()).collect();
        let method = if knows(s2::CLASS) {
            let terms = Terms { classes, ask: wanted.ask, pin: wanted.pin.clone(), label };
            Method::S2(Box::new(Including::new(now, terms, keys.clone(), random)))
        } else {
            let s0 = knows(s0::CLASS) && keys.s0.is_some();
            if s0 && wanted.classes.contains(&KeyClass::S0) && !wanted.ask {
                Method::keep(vec![SecurityClass::S0])
            } else {
                let requested = if s0 { BTreeSet::from([KeyClass::S0]) } else { BTreeSet::new() };
                out.step(NetworkStep::GrantNeeded { requested });
                Method::Asking { s0, until: now + GRANT }
            }
        };
        Self { node, keys, method, insecure: false }
    }

    /// The label of a node that got keys of Security 2, as far as it may be shown: by that it has proven it.
    pub(super) fn label(&self) -> Option<String> {
        match &self.method {
            Method::S2(kex) if !self.insecure => Some(kex.label().shown()),
            _ => None,
        }
    }

    pub(super) fn timeout(&self) -> Option<Instant> {
        match &self.method {
            Method::S2(kex) => kex.timeout(),
            Method::S0(exchange) => exchange.timeout(),
            Method::Asking { until, .. } => Some(*until),
            Method::Keeping { .. } => None,
        }
    }

    /// The next thing a caller must do; to be asked after each of the others.
    pub(super) fn poll(&mut self, out: &mut Outputs) -> Option<Turn> {
        match &mut self.method {
            Method::S2(kex) => {
                while let Some(output) = kex.poll() {
                    match output {
                        KexOutput::Send(level, command) => out.node(self.node, level, command),
                        KexOutput::AskGrant(classes) => {
                            out.step(NetworkStep::GrantNeeded { requested: key_classes(&classes) });
                        }
                        KexOutput::Keep(classes) => return Some(Turn::Keep(classes)),
                        KexOutput::Expect => out.push(NetworkOutput::Expect(self.node)),
                        KexOutput::AskPin(label) => out.step(NetworkStep::PinNeeded { label: label.shown() }),
                        KexOutput::TemporaryKey(keys, classes) => {
                            out.step(NetworkStep::Securing);
                            out.push(NetworkOutput::TemporaryKey(self.node, keys.0, classes));
                        }
                        KexOutput::Done(_) if self.insecure => return Some(Turn::Ended(Ok(Vec::new()))),
                        KexOutput::Done(result) => return Some(Turn::Ended(result)),
                    }
                }
                None
            }
            Method::S0(exchange) => {
                while let Some(output) = exchange.poll() {
                    match output {
                        S0Output::Send(level, command) => out.node(self.node, level, command),
                        S0Output::SendKey(command) => {
                            out.push(NetworkOutput::ZeroKey(Some(self.node)));
                            out.node(self.node, Some(SecurityClass::S0), command);
                        }
                        S0Output::Done(result) => return Some(Turn::Ended(result.map(|()| vec![SecurityClass::S0]))),
                    }
                }
                None
            }
            Method::Asking { .. } => None,
            Method::Keeping { classes, told } => (!std::mem::replace(told, true)).then(|| Turn::Keep(classes.clone())),
        }
    }

    /// What was granted is kept: it may go out.
    pub(super) fn handle_kept(&mut self, now: Instant, out: &mut Outputs) -> Option<Turn> {
        match &mut self.method {
            Method::S2(kex) => kex.handle_kept(now),
            Method::Keeping { classes, .. } => match (classes.is_empty(), self.keys.s0.clone()) {
                (false, Some(key)) => {
                    out.step(NetworkStep::Securing);
                    self.method = Method::S0(IncludingS0::new(now, key));
                }
                _ => return Some(Turn::Ended(Ok(Vec::new()))),
            },
            Method::S0(_) | Method::Asking { .. } => {}
        }
        None
    }

    /// The host's answer. `None`: nothing was asked that it answers.
    pub(super) fn grant(&mut self, grant: &Grant) -> Option<Option<Turn>> {
        match (&mut self.method, grant) {
            (Method::S2(kex), Grant::Classes(classes)) => {
                let classes: Vec<SecurityClass> = classes.iter().map(|class| (*class).into()).collect();
                kex.grant(&classes).then_some(None)
            }
            // The node is told that there will be no keys.
            (Method::S2(kex), Grant::Insecure) => {
                self.insecure = kex.refuse();
                self.insecure.then_some(None)
            }
            (Method::Asking { s0, .. }, Grant::Classes(classes)) => {
                if *s0 && classes.contains(&KeyClass::S0) {
                    self.method = Method::keep(vec![SecurityClass::S0]);
                    Some(None)
                } else {
                    Some(Some(Turn::Ended(Err(NetworkError::NothingGranted))))
                }
            }
            (Method::Asking { .. }, Grant::Insecure) => {
                self.method = Method::keep(Vec::new());
                Some(None)
            }
            (Method::S0(_) | Method::Keeping { .. }, _) => None,
        }
    }

    /// The digits of the label. False: nothing was asked that they answer.
    pub(super) fn confirm(&mut self, now: Instant, pin: &JoinPin) -> bool {
        if let Method::S2(kex) = &mut self.method { kex.confirm(now, pin) } else { false }
    }

    /// The host does not want it any more.
    pub(super) fn cancel(&mut self) -> Option<Turn> {
        match &mut self.method {
            Method::S2(kex) => kex.cancel(),
            Method::S0(exchange) => exchange.cancel(),
            Method::Asking { .. } | Method::Keeping { .. } => return Some(Turn::Ended(Err(NetworkError::Cancelled))),
        }
        None
    }

    /// A command of the node.
    pub(super) fn handle_command(&mut self, now: Instant, level: Option<SecurityClass>, command: &[u8]) {
        match &mut self.method {
            Method::S2(kex) => kex.handle_command(now, level, command),
            Method::S0(exchange) => exchange.handle_command(now, level, command),
            Method::Asking { .. } | Method::Keeping { .. } => {}
        }
    }

    /// The node could not read what was sent last.
    pub(super) fn handle_unread(&mut self) {
        if let Method::S2(kex) = &mut self.method {
            kex.handle_undelivered();
        }
    }

    /// The node has another temporary key.
    pub(super) fn handle_wrong_key(&mut self) {
        if let Method::S2(kex) = &mut self.method {
            kex.handle_wrong_key();
        }
    }

    /// What was sent last is with the node, or it was not acknowledged.
    pub(super) fn handle_asked(&mut self, now: Instant, delivered: bool, out: &mut Outputs) {
        match &mut self.method {
            Method::S2(kex) if delivered => kex.handle_delivered(now),
            Method::S2(kex) => kex.handle_undelivered(),
            Method::S0(exchange) => {
                out.push(NetworkOutput::ZeroKey(None));
                if delivered {
                    exchange.handle_delivered(now);
                }
            }
            Method::Asking { .. } | Method::Keeping { .. } => {}
        }
    }

    /// The instant of [`Securing::timeout`] has come.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Option<Turn> {
        match &mut self.method {
            Method::S2(kex) => kex.handle_timeout(now),
            Method::S0(exchange) => exchange.handle_timeout(now),
            Method::Asking { until, .. } if *until <= now => {
                return Some(Turn::Ended(Err(NetworkError::NoAnswer)));
            }
            Method::Asking { .. } | Method::Keeping { .. } => {}
        }
        None
    }
}
