//! The control port: one JSON object a line, in the words of the Z-Wave stick's, for the tests and for people who play with
//! the locks.
//!
//! It shows codes in the clear and opens doors without one: it is for locks that exist only in software.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use super::network::Post;
use super::setup::{RawLock, RawSwap};
use super::{Action, Outcome, VirtualStick};
use crate::control::{ByHand, GetRequest, Turn, What, done, read};
use crate::door::Code;
use crate::stick::{Control, StickFault};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnboxRequest {
    unbox: RawLock,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StickRequest {
    stick: StickAction,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum StickAction {
    Reset(bool),
    Fail(bool),
    GarbleEvery(u64),
    Disconnect(bool),
    Swap(RawSwap),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LockRequest {
    node: u16,
    keypad: Option<String>,
    by_hand: Option<ByHand>,
    turn: Option<Turn>,
    open: Option<bool>,
    battery: Option<u8>,
    jam: Option<bool>,
    join: Option<bool>,
    rejoin: Option<Rejoin>,
    leave: Option<bool>,
    restart: Option<bool>,
    move_clock: Option<i64>,
    fault: Option<Fault>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Rejoin {
    Secured,
    Unsecured,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    offline: Option<bool>,
    asleep: Option<bool>,
    reject: Option<bool>,
    mask: Option<bool>,
    /// 0: answers as it should again.
    status: Option<u8>,
    latency_ms: Option<u32>,
    drop_every: Option<u32>,
    repeat_every: Option<u32>,
    /// 0: as from nearby again.
    signal: Option<i8>,
}

impl VirtualStick {
    pub(super) fn control(&mut self, now: Instant, line: &str) -> Control {
        match self.carry_out_request(now, line) {
            Ok(control) => control,
            Err(error) => json!({"ok": false, "error": error}).into(),
        }
    }

    fn carry_out_request(&mut self, now: Instant, line: &str) -> Result<Control, String> {
        let request: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let has = |key| request.get(key).is_some();
        if has("get") {
            let GetRequest { get: What::State } = read(request)?;
            Ok(self.state(now).into())
        } else if has("unbox") {
            let UnboxRequest { unbox } = read(request)?;
            let setup = unbox.checked(false).map_err(|error| error.to_string())?;
            if self.network.by_node(setup.node).is_some() || self.network.post(setup.ieee).is_some() {
                return Err(format!("node {} is here already, or its address", setup.node));
            }
            let ieee = setup.ieee;
            self.network.put_up(now, setup);
            Ok(json!({"ok": true, "ieee": ieee.to_string()}).into())
        } else if has("stick") {
            let StickRequest { stick } = read(request)?;
            self.act_on_stick(now, stick)
        } else if has("node") {
            self.act_on_lock(now, read(request)?)
        } else {
            Err("expected {\"get\":\"state\"}, {\"stick\":{…}}, {\"unbox\":{…}} or {\"node\":N, …}".to_owned())
        }
    }

    fn act_on_stick(&mut self, now: Instant, action: StickAction) -> Result<Control, String> {
        let fault = match action {
            StickAction::Reset(true) => {
                self.reset(now);
                None
            }
            StickAction::Fail(true) => {
                self.fail(now);
                None
            }
            StickAction::Reset(false) | StickAction::Fail(false) | StickAction::Disconnect(false) => None,
            StickAction::GarbleEvery(every) => Some(StickFault::GarbleEvery(every)),
            StickAction::Disconnect(true) => Some(StickFault::Disconnect),
            StickAction::Swap(swap) => {
                let setup = swap.checked().map_err(|error| error.to_string())?;
                self.swap(now, &setup);
                Some(StickFault::Disconnect)
            }
        };
        Ok(Control { answer: done(), fault })
    }

    fn act_on_lock(&mut self, now: Instant, request: LockRequest) -> Result<Control, String> {
        let node = request.node;
        if self.network.by_node(node).is_none() {
            return Err(format!("node {node} is no lock here"));
        }
        let actions = request.actions()?;
        if actions.is_empty() {
            return Err(
                "nothing to do: expected keypad, by_hand, turn, open, battery, jam, join, rejoin, leave, restart, move_clock \
                 or fault"
                    .to_owned(),
            );
        }
        let mut answer = done();
        for action in actions {
            answer = match self.act(now, node, &action) {
                Some(Outcome::Keypad(user)) => json!({"ok": true, "opened": user.is_some(), "slot": user}),
                Some(Outcome::Refused(error)) => json!({"ok": false, "error": error.to_string()}),
                Some(Outcome::NoNetwork) => json!({"ok": false, "error": "there is no network to do that in"}),
                Some(Outcome::Done) | None => done(),
            };
        }
        Ok(answer.into())
    }

    fn state(&self, now: Instant) -> Value {
        let lock = |post: &Post| {
            let door = post.lock.door();
            let slot = |(user, code): (u16, &Code)| {
                let status = if code.enabled { 1 } else { 3 };
                let mut shown = json!({"slot": user, "code": code.pin.expose(), "status": status});
                let windows = post.lock.windows(user).map(|(from, until)| json!({"from": from, "until": until}));
                let windows: Vec<Value> = windows.collect();
                if !windows.is_empty() {
                    shown["windows"] = windows.into();
                }
                shown
            };
            json!({
                "node": post.lock.setup().node,
                "ieee": post.lock.setup().ieee.to_string(),
                "nwk": post.nwk().map(|nwk| nwk.0),
                "name": post.lock.setup().name,
                "joined": post.lock.membership().is_some(),
                "slots": post.lock.codes().map(slot).collect::<Vec<_>>(),
                "locked": door.locked(),
                "battery": door.battery(),
                "clock": post.lock.shown_clock(now),
                "identified": post.lock.identified(),
                "bindings": post.lock.bindings(),
                "offline": post.offline,
                "frames": post.counts,
                "commands": post.lock.commands().collect::<Vec<_>>(),
            })
        };
        let held = self.network.held.as_ref();
        json!({
            "network": held.map(|held| json!({"pan": held.pan, "channel": held.channel})),
            "up": self.network.is_up(),
            "open": self.network.is_open(now),
            "locks": self.network.posts().map(|(_, post)| lock(post)).collect::<Vec<_>>(),
        })
    }
}

impl LockRequest {
    /// What it asks for, faults first.
    fn actions(self) -> Result<Vec<Action>, String> {
        let by_hand = match self.by_hand {
            Some(by_hand) => {
                let (slot, code) = by_hand.checked()?;
                Some(Action::ByHand { user: slot, code })
            }
            None => None,
        };
        let faults = self.fault.into_iter().flat_map(|fault| {
            [
                fault.offline.map(Action::Offline),
                fault.asleep.map(Action::Asleep),
                fault.reject.map(Action::Reject),
                fault.mask.map(Action::Mask),
                fault.status.map(|status| Action::Status((status != 0).then_some(status))),
                fault.latency_ms.map(|ms| Action::Latency(Duration::from_millis(ms.into()))),
                fault.drop_every.map(Action::DropEvery),
                fault.repeat_every.map(Action::RepeatEvery),
                fault.signal.map(|signal| Action::Signal((signal != 0).then_some(signal))),
            ]
        });
        let hands = [
            self.join.filter(|join| *join).map(|_| Action::Join),
            self.rejoin.map(|rejoin| Action::Rejoin { secured: matches!(rejoin, Rejoin::Secured) }),
            self.leave.filter(|leave| *leave).map(|_| Action::Leave),
            self.restart.filter(|restart| *restart).map(|_| Action::Restart),
            self.move_clock.map(Action::MoveClock),
            self.open.map(Action::Open),
            self.battery.map(Action::Battery),
            self.jam.map(Action::Jam),
            self.turn.map(|turn| Action::Turn { locked: turn.locks() }),
            by_hand,
            self.keypad.map(Action::Keypad),
        ];
        Ok(faults.chain(hands).flatten().collect())
    }
}
