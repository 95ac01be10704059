//! What the coordinators of both makers do alike: find out what the stick is, run scripts, hold requests until they may run,
//! notice a stick that falls silent, and name what is no such stick. What a maker's protocol is stands in its [`Dialect`].

mod running;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::coordinator::{
    Answer, CoordinatorError, CoordinatorEvent, CoordinatorInfo, Family, NetworkInfo, Request, Ticket,
};

pub(crate) use running::Engine;
#[cfg(test)]
pub(crate) use running::{BUSY_PAUSE, TRY_AGAIN, WATCHDOG};

/// What a script wants next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step<C> {
    /// This command.
    Call(C),
    /// Something to be told, for at most so long; or a pause.
    Wait(Duration),
    /// The stick is to be restarted.
    Restart,
    /// It has ended.
    End(Result<(), CoordinatorError>),
}

/// What takes more than one command.
pub(crate) trait Script {
    /// A command.
    type Call;
    /// How it ended.
    type Answer;
    /// What the stick tells unasked.
    type Told;

    /// The next step: to be asked for at the beginning and after a restart.
    fn next(&mut self) -> Step<Self::Call>;
    /// The command is answered.
    fn handle_answer(&mut self, answer: Self::Answer) -> Step<Self::Call>;
    /// The stick told something. `None`: it is not what is awaited.
    fn handle_told(&mut self, told: &Self::Told) -> Option<Step<Self::Call>>;
    /// What was awaited did not come, or the pause is over.
    fn handle_timeout(&mut self) -> Step<Self::Call>;
}

/// Names a command handed to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallId(pub(crate) u64);

/// What a session says.
#[derive(Debug)]
pub(crate) enum Said<A, T> {
    /// Bytes for the port.
    Transmit(Vec<u8>),
    /// It takes commands: after it was begun, and after each restart.
    Ready,
    /// A command has ended.
    Answered(CallId, A),
    /// The stick tells something.
    Told(T),
    /// It is over: the stick does not speak this protocol. What it said instead.
    Stranger(Vec<u8>),
    /// It is over, and why.
    Broken(String),
    /// Nothing more now.
    Timeout(Option<Instant>),
}

/// One command under way at a time.
pub(crate) trait Session {
    /// A command.
    type Call;
    /// How it ended.
    type Answer;
    /// What the stick tells unasked.
    type Told;

    /// Begins anew; [`Said::Ready`] follows, or the end. What was under way is forgotten.
    fn begin(&mut self, now: Instant);
    /// The port is gone, or the stick is left alone for a while.
    fn close(&mut self);
    /// Hands over a command.
    fn call(&mut self, now: Instant, call: Self::Call) -> CallId;
    /// Bytes came in.
    fn handle_bytes(&mut self, now: Instant, bytes: &[u8]);
    /// The instant of the last timeout has come.
    fn handle_timeout(&mut self, now: Instant);
    /// The next output.
    fn poll(&mut self) -> Said<Self::Answer, Self::Told>;
}

/// What is known of the stick, and what is told of it.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    /// What it is, once that is known.
    pub(crate) info: Option<Box<CoordinatorInfo>>,
    /// The network was resumed or formed: what it tells is passed on.
    pub(crate) resumed: bool,
    outputs: VecDeque<CoordinatorEvent>,
}

impl Desk {
    /// Tells something.
    pub(crate) fn tell(&mut self, event: CoordinatorEvent) {
        self.outputs.push_back(event);
    }

    /// Tells something of the network, once it is worked with.
    pub(crate) fn tell_of_network(&mut self, event: CoordinatorEvent) {
        if self.resumed {
            self.tell(event);
        }
    }

    /// The network is up from now on.
    pub(crate) fn network_up(&mut self, network: NetworkInfo) {
        if let Some(info) = &mut self.info {
            info.network = Some(network);
        }
        self.resumed = true;
        self.tell(CoordinatorEvent::NetworkUp(network));
    }

    /// The stick holds no network any more.
    pub(crate) fn network_left(&mut self) {
        if let Some(info) = &mut self.info {
            info.network = None;
        }
        self.resumed = false;
        self.tell(CoordinatorEvent::NetworkDown);
    }

    /// The network that the stick holds.
    pub(crate) fn network(&self) -> Option<NetworkInfo> {
        self.info.as_ref().and_then(|info| info.network)
    }

    fn answer(&mut self, ticket: Ticket, result: Result<Answer, CoordinatorError>) {
        self.tell(CoordinatorEvent::Answered(ticket, result));
    }
}

/// What something told unasked leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// Nothing more.
    None,
    /// The stick has restarted by itself.
    Restarted,
    /// The network is to be looked at anew.
    Look,
}

/// The protocol of a maker.
pub(crate) trait Dialect {
    /// Whose it is.
    const FAMILY: Family;
    /// Its scripts.
    type Script: Script;
    /// Its session.
    type Session: Session<
            Call = <Self::Script as Script>::Call,
            Answer = <Self::Script as Script>::Answer,
            Told = <Self::Script as Script>::Told,
        >;

    /// What is the stick, and which network does it hold?
    fn identify(&mut self) -> Self::Script;
    /// Where is the network now?
    fn look(&mut self) -> Self::Script;
    /// Is it still there?
    fn ping(&mut self) -> Self::Script;
    /// How a request is carried out; `None`: it is done already.
    fn script(
        &mut self,
        session: &Self::Session,
        desk: &Desk,
        request: &Request,
    ) -> Result<Option<Self::Script>, CoordinatorError>;
    /// What it is, or why it can't be worked with.
    fn info(&self, session: &Self::Session, script: &Self::Script) -> Result<CoordinatorInfo, String>;
    /// The network that a script looked at.
    fn looked(&mut self, desk: &mut Desk, script: &Self::Script);
    /// What a request brought whose script has ended well.
    fn outcome(
        &mut self,
        session: &Self::Session,
        desk: &mut Desk,
        now: Instant,
        request: &Request,
        script: &Self::Script,
    ) -> Result<Answer, CoordinatorError>;
    /// The stick told something that nobody awaits.
    fn told(&mut self, desk: &mut Desk, told: &<Self::Script as Script>::Told) -> Reaction;
    /// The stick restarts: what it was told is forgotten.
    fn restarted(&mut self);
    /// When something has to be done unasked.
    fn due(&self) -> Option<Instant>;
    /// What, if it is due.
    fn handle_due(&mut self, session: &Self::Session, now: Instant) -> Option<Self::Script>;
}

/// A coordinator around an engine, which does all of it.
macro_rules! run_by_engine {
    ($coordinator:ty) => {
        impl $crate::coordinator::Coordinator for $coordinator {
            fn handle_opened(&mut self, now: std::time::Instant) {
                self.0.handle_opened(now);
            }

            fn handle_lost(&mut self, now: std::time::Instant) {
                self.0.handle_lost(now);
            }

            fn handle_bytes(&mut self, now: std::time::Instant, bytes: &[u8]) {
                self.0.handle_bytes(now, bytes);
            }

            fn handle_timeout(&mut self, now: std::time::Instant) {
                self.0.handle_timeout(now);
            }

            fn submit(
                &mut self,
                now: std::time::Instant,
                ticket: $crate::coordinator::Ticket,
                request: $crate::coordinator::Request,
            ) {
                self.0.submit(now, ticket, request);
            }

            fn poll_output(&mut self) -> $crate::coordinator::CoordinatorOutput {
                self.0.poll_output()
            }
        }
    };
}
pub(crate) use run_by_engine;
