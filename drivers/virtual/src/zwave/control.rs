//! The control port: one JSON object a line, for the tests and for people who play with the locks.
//!
//! It shows codes in the clear and opens doors without one: it is for locks that exist only in software.

use std::time::{Duration, Instant};

use keyway_lock::{KeyClass, KeypadMode, Pin, SlotNumber, SlotWindow, WallTime};
use keyway_zwave::inclusion::code;
use keyway_zwave::node::NodeId;
use keyway_zwave::security::key_classes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::setup::RawFresh;
use super::{Action, Outcome, Series, VirtualStick, Way};
use crate::control::{ByHand, GetRequest, Turn, What, done, read};
use crate::stick::{Control, StickFault};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnboxRequest {
    unbox: RawFresh,
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
    GarbleEvery(u64),
    Disconnect(bool),
    PressForeign(bool),
    TakeOut(bool),
    Swap(Swap),
}

/// Another stick in the place of this one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Swap {
    home_id: u32,
    #[serde(default)]
    series: Series,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LockRequest {
    node: u16,
    keypad: Option<String>,
    by_hand: Option<ByHand>,
    turn: Option<Turn>,
    keypad_mode: Option<String>,
    /// Seconds since 1970, UTC.
    clock: Option<i64>,
    open: Option<bool>,
    battery: Option<u8>,
    jam: Option<bool>,
    restart: Option<bool>,
    reset: Option<bool>,
    press: Option<bool>,
    move_clock: Option<i64>,
    ask_time: Option<bool>,
    wake_up: Option<bool>,
    fault: Option<Fault>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    offline: Option<bool>,
    reject: Option<bool>,
    mask: Option<bool>,
    working_ms: Option<u32>,
    latency_ms: Option<u32>,
    awake: Option<bool>,
    drop_every: Option<u32>,
    repeat_every: Option<u32>,
    way: Option<Way>,
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
            let fresh = unbox.checked().map_err(|error| error.to_string())?;
            let asks_for: Vec<KeyClass> = key_classes(&fresh.lock.security).into_iter().collect();
            let joins_by_itself = fresh.smart_start;
            let label = self.unbox(now, fresh);
            let qr = code::write(&label, &asks_for, joins_by_itself);
            Ok(json!({"ok": true, "label": label.whole(), "pin": label.whole().get(..5), "qr": qr}).into())
        } else if has("stick") {
            let StickRequest { stick } = read(request)?;
            Ok(self.act_on_stick(now, &stick))
        } else if has("node") {
            self.act_on_lock(now, read(request)?)
        } else {
            Err("expected {\"get\":\"state\"}, {\"stick\":{…}}, {\"unbox\":{…}} or {\"node\":N, …}".to_owned())
        }
    }

    fn act_on_stick(&mut self, now: Instant, action: &StickAction) -> Control {
        let fault = match *action {
            StickAction::Reset(true) => {
                self.reset(now);
                None
            }
            StickAction::PressForeign(true) => {
                self.press_foreign(now);
                None
            }
            StickAction::TakeOut(true) => {
                self.take_stick_out(now);
                None
            }
            StickAction::Reset(false)
            | StickAction::Disconnect(false)
            | StickAction::PressForeign(false)
            | StickAction::TakeOut(false) => None,
            StickAction::GarbleEvery(every) => Some(StickFault::GarbleEvery(every)),
            StickAction::Disconnect(true) => Some(StickFault::Disconnect),
            StickAction::Swap(Swap { home_id, series }) => {
                self.swap(now, home_id, series);
                Some(StickFault::Disconnect)
            }
        };
        Control { answer: done(), fault }
    }

    fn act_on_lock(&mut self, now: Instant, request: LockRequest) -> Result<Control, String> {
        let id = request.node;
        let node = NodeId::new(id).filter(|node| self.door(*node).is_some());
        let node = node.ok_or_else(|| format!("node {id} is no lock here"))?;
        let mut answer = done();
        let pressed = request.press == Some(true) && self.press(now, node);
        let actions = request.actions()?;
        if actions.is_empty() && !pressed {
            const EXPECTED: &str = "keypad, by_hand, turn, keypad_mode, open, battery, jam, restart, reset, press, clock, move_clock, \
                                    ask_time, wake_up or fault";
            return Err(format!("nothing to do: expected {EXPECTED}"));
        }
        for action in actions {
            answer = match self.act(now, node, &action) {
                Some(Outcome::Keypad(slot)) => {
                    json!({"ok": true, "opened": slot.is_some(), "slot": slot.map(|slot| slot.0)})
                }
                Some(Outcome::Refused(error)) => json!({"ok": false, "error": error.to_string()}),
                Some(Outcome::Done) | None => done(),
            };
        }
        Ok(answer.into())
    }

    fn state(&self, now: Instant) -> Value {
        let lock = |(id, post): (NodeId, &super::Post)| {
            let door = post.node.door();
            let slot = |(slot, code): (&SlotNumber, &crate::door::Code)| {
                let status = if code.enabled { 1 } else { 2 };
                let mut shown = json!({"slot": slot.0, "code": code.pin.expose(), "status": status});
                if let Some(schedule) = post.node.schedule(*slot).filter(|schedule| schedule.enabled) {
                    let window = |window: &SlotWindow| json!({"from": window.from.start().seconds(), "until": window.until.start().seconds()});
                    shown["windows"] = schedule.windows.values().map(window).collect();
                }
                shown
            };
            json!({
                "node": id.get(),
                "name": post.node.setup().name,
                "slots": door.codes().iter().map(slot).collect::<Vec<_>>(),
                "locked": door.locked(),
                "battery": door.battery(),
                "keypad_mode": door.keypad().name(),
                "admin_code": door.admin_code().map(Pin::expose),
                "clock": post.node.clock(now).seconds(),
                "identified": post.node.identified(),
                "offline": post.offline,
                "frames": post.counts,
                "commands": post.node.log().iter().collect::<Vec<_>>(),
            })
        };
        json!({"locks": self.posts.iter().map(lock).collect::<Vec<_>>()})
    }
}

impl LockRequest {
    /// What it asks for, faults first.
    fn actions(self) -> Result<Vec<Action>, String> {
        let millis = |ms: u32| Duration::from_millis(ms.into());
        let fault = self.fault;
        let by_hand = match self.by_hand {
            Some(by_hand) => {
                let (slot, code) = by_hand.checked()?;
                Some(Action::ByHand { slot: SlotNumber(slot), code })
            }
            None => None,
        };
        let mode = self.keypad_mode.map(|name| KeypadMode::of_name(&name).ok_or("there is no such keypad mode"));
        let mode = mode.transpose()?;
        let faults = fault.into_iter().flat_map(|fault| {
            [
                fault.offline.map(Action::Offline),
                fault.reject.map(Action::Reject),
                fault.mask.map(Action::Mask),
                fault.working_ms.map(|ms| Action::Working(millis(ms))),
                fault.latency_ms.map(|ms| Action::Latency(millis(ms))),
                fault.awake.map(Action::Awake),
                fault.drop_every.map(Action::DropEvery),
                fault.repeat_every.map(Action::RepeatEvery),
                fault.way.map(Action::Way),
            ]
        });
        let hands = [
            self.restart.filter(|restart| *restart).map(|_| Action::Restart),
            self.reset.filter(|reset| *reset).map(|_| Action::Reset),
            self.clock.map(|seconds| Action::Clock(WallTime::from_seconds(seconds))),
            mode.map(Action::KeypadMode),
            self.move_clock.map(Action::MoveClock),
            self.ask_time.filter(|ask| *ask).map(|_| Action::AskTime),
            self.wake_up.filter(|wake| *wake).map(|_| Action::WakeUp),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stick::Stick;
    use crate::zwave::tests::{start, stick};

    #[test]
    fn a_code_set_by_hand_opens_the_door_and_is_seen_in_the_state() {
        let (now, mut stick) = (start(), stick());
        let mut ask = |line: &str| stick.handle_control(now, line).answer;
        assert_eq!(ask(r#"{"node":2,"by_hand":{"slot":3,"code":"4711"}}"#), json!({"ok": true}));
        assert_eq!(ask(r#"{"node":2,"keypad":"4711"}"#), json!({"ok": true, "opened": true, "slot": 3}));
        assert_eq!(ask(r#"{"node":2,"keypad":"0815"}"#), json!({"ok": true, "opened": false, "slot": null}));
        let state = ask(r#"{"get":"state"}"#);
        assert_eq!(state["locks"][0]["slots"], json!([{"slot": 3, "code": "4711", "status": 1}]));
        assert_eq!(state["locks"][0]["locked"], json!(false));
        assert_eq!(ask(r#"{"node":2,"by_hand":{"slot":3,"code":null}}"#), json!({"ok": true}));
        assert_eq!(ask(r#"{"get":"state"}"#)["locks"][0]["slots"], json!([]));
    }

    #[test]
    fn a_lock_comes_out_of_its_box_with_a_label() {
        let (now, mut stick) = (start(), stick());
        let mut ask = |line: &str| stick.handle_control(now, line).answer;
        let key = "05".repeat(32);
        let lock =
            ask(&format!(r#"{{"unbox":{{"name":"Shed","security":["s2_access_control"],"private_key":"{key}"}}}}"#));
        let label = lock["label"].as_str().unwrap();
        assert_eq!((label.len(), lock["pin"].as_str()), (47, label.get(..5)));
        assert_eq!(ask(r#"{"node":2,"press":true}"#), json!({"ok": true}));
        assert_eq!(
            ask(r#"{"unbox":{"private_key":"05"}}"#)["error"],
            json!("private_key must be 64 hexadecimal digits")
        );
    }

    #[test]
    fn what_can_not_be_done_is_said() {
        let (now, mut stick) = (start(), stick());
        let mut refusal = |line: &str| {
            let answer = stick.handle_control(now, line).answer;
            assert_eq!(answer["ok"], json!(false), "{line}");
            answer["error"].as_str().unwrap_or_default().to_owned()
        };
        assert_eq!(refusal(r#"{"node":9,"jam":true}"#), "node 9 is no lock here");
        assert!(refusal(r#"{"node":2,"paint":"red"}"#).contains("paint"));
        assert!(refusal(r#"{"node":2}"#).starts_with("nothing to do"));
        assert!(refusal("[]").starts_with("expected"));
        assert!(refusal("{").contains("EOF"));
        assert_eq!(refusal(r#"{"node":2,"by_hand":{"slot":99,"code":"4711"}}"#), "there is no slot 99");
    }

    #[test]
    fn faults_of_the_byte_stream_are_handed_on() {
        let (now, mut stick) = (start(), stick());
        let mut fault = |line: &str| stick.handle_control(now, line).fault;
        assert_eq!(fault(r#"{"stick":{"garble_every":50}}"#), Some(StickFault::GarbleEvery(50)));
        assert_eq!(fault(r#"{"stick":{"disconnect":true}}"#), Some(StickFault::Disconnect));
        assert_eq!(fault(r#"{"stick":{"reset":true}}"#), None);
    }
}
