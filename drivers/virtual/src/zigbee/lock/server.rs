//! What a lock does with a ZCL frame: the commands every cluster has, and those of the small clusters (ZCL revision 8,
//! section 2.5).

use std::time::{Duration, Instant};

use keyway_lock::wire::{Reader, WireError};

use super::super::frame::{Frame, HOME_AUTOMATION, cluster};
use super::super::put::Put;
use super::door_lock::{self, command};
use super::reporting::Configuration;
use super::zcl::{Head, Value, global, status};
use super::zdo::ENDPOINT;
use super::{Due, EXPECTS, Lock};

/// A report that the lock is to expect, not to send (section 2.5.7.1.1).
const EXPECTED: u8 = 0x01;
const TIME: u16 = 0x0000;
const LOCAL_TIME: u16 = 0x0007;

impl Lock {
    /// Serves a frame, and answers it.
    pub(super) fn serve(&mut self, now: Instant, frame: &Frame) {
        if frame.profile != HOME_AUTOMATION || !matches!(frame.destination, ENDPOINT | 0xFF) {
            return;
        }
        let Some((head, body)) = Head::read(&frame.payload) else { return };
        self.note(now, frame.cluster, head, body);
        let answer = match (head.of_cluster, head.from_server) {
            (false, true) => {
                self.hear_answer(now, frame.cluster, head, body);
                return;
            }
            (false, false) => self.global(now, frame.cluster, head, body),
            (true, true) => Err(status::UNSUPPORTED_COMMAND),
            (true, false) => self.of_cluster(now, frame.cluster, head, body),
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(status::SUCCESS) if head.no_default_response => None,
            Err(status) => Some(head.default_response(status)),
        };
        if let Some(payload) = answer {
            self.send(frame.cluster, frame.source, payload);
        }
    }

    fn note(&mut self, now: Instant, of: u16, head: Head, body: &[u8]) {
        let (name, user) = match (of, head.of_cluster, head.command) {
            (cluster::DOOR_LOCK, true, command) => door_lock::name(command, body),
            (of, true, command) => (format!("cluster_{of:04x}_command_{command}"), None),
            (_, false, global::READ) => ("read_attributes".to_owned(), None),
            (_, false, global::WRITE) => ("write_attributes".to_owned(), None),
            (_, false, global::CONFIGURE_REPORTING) => ("configure_reporting".to_owned(), None),
            (_, false, command) => (format!("global_command_{command}"), None),
        };
        let at = now.saturating_duration_since(self.born);
        self.commands.push(at, name, user);
    }

    /// The frame that answers, none, or the status of a default response.
    fn of_cluster(&mut self, now: Instant, of: u16, head: Head, body: &[u8]) -> Result<Option<Vec<u8>>, u8> {
        match (of, head.command, body) {
            (cluster::DOOR_LOCK, command, body) => {
                self.door_lock(now, command, body).map(|body| Some(head.answered_by(command).with(&body)))
            }
            (cluster::IDENTIFY, 0x00, [low, high, ..]) => {
                self.settings.identify = u16::from_le_bytes([*low, *high]);
                self.identified += u32::from(self.settings.identify != 0);
                Err(status::SUCCESS)
            }
            (cluster::IDENTIFY, 0x01, _) if self.settings.identify != 0 => {
                Ok(Some(head.answered_by(0x00).with(&self.settings.identify.to_le_bytes())))
            }
            (cluster::IDENTIFY, 0x01, _) => Ok(None),
            (cluster::IDENTIFY, 0x40, _) => {
                self.identified += 1;
                Err(status::SUCCESS)
            }
            (cluster::ALARMS, 0x00 | 0x01, _) => Err(status::SUCCESS),
            (cluster::POLL_CONTROL, command, body) => Err(self.poll_control(now, command, body)),
            (of, ..) if self.clusters().0.contains(&of) => Err(status::UNSUPPORTED_COMMAND),
            _ => Err(status::UNSUPPORTED_CLUSTER),
        }
    }

    /// ZCL revision 8, section 3.16.5.
    fn poll_control(&mut self, now: Instant, command: u8, body: &[u8]) -> u8 {
        let quarters = |count: u32| Duration::from_millis(250) * count;
        match (command, body) {
            (0x00, [start, low, high, ..]) => {
                let asked = u16::from_le_bytes([*low, *high]);
                let for_long = if asked == 0 { self.settings.fast_poll_timeout } else { asked };
                if *start != 0 {
                    self.expects_until = now + quarters(for_long.into());
                }
            }
            (0x01, _) => self.expects_until = now,
            (0x02, [a, b, c, d, ..]) if self.is_sleepy() => {
                self.long_poll = Some(quarters(u32::from_le_bytes([*a, *b, *c, *d])).max(Duration::from_millis(250)));
            }
            (0x03, [_, _, ..]) => {}
            (0x00..=0x03, _) => return status::MALFORMED,
            _ => return status::UNSUPPORTED_COMMAND,
        }
        status::SUCCESS
    }

    fn global(&mut self, now: Instant, of: u16, head: Head, body: &[u8]) -> Result<Option<Vec<u8>>, u8> {
        if head.command == global::DEFAULT_RESPONSE {
            return Ok(None);
        }
        if !self.clusters().0.contains(&of) {
            return Err(status::UNSUPPORTED_CLUSTER);
        }
        let answered = |command, body: Vec<u8>| Ok(Some(head.answered_by(command).with(&body)));
        let reader = &mut Reader::new(body);
        let malformed = |_: WireError| status::MALFORMED;
        // A maker's own attributes it has none of.
        let foreign = head.manufacturer.is_some();
        match head.command {
            global::READ => answered(global::READ_RESPONSE, self.read(of, foreign, reader).map_err(malformed)?),
            global::WRITE | global::WRITE_UNDIVIDED => {
                let body = self.write_all(now, of, body).ok_or(status::MALFORMED)?;
                answered(global::WRITE_RESPONSE, body)
            }
            global::WRITE_NO_RESPONSE => {
                self.write_all(now, of, body).ok_or(status::MALFORMED)?;
                Ok(None)
            }
            global::CONFIGURE_REPORTING => {
                let body = self.configure(now, of, body).ok_or(status::MALFORMED)?;
                answered(global::CONFIGURE_REPORTING_RESPONSE, body)
            }
            global::READ_REPORTING => {
                answered(global::READ_REPORTING_RESPONSE, self.read_reporting(of, reader).map_err(malformed)?)
            }
            global::DISCOVER => {
                let (start, most) =
                    (reader.u16_le("first").map_err(malformed)?, reader.u8("number").map_err(malformed)?);
                let held = self.attributes(of).unwrap_or_default().into_iter().filter(|(id, _)| *id >= start);
                let shown: Vec<_> = held.clone().take(most.into()).collect();
                let complete = held.count() == shown.len();
                let body =
                    shown.iter().fold(vec![u8::from(complete)], |body, (id, value)| body.u16(*id).u8(value.kind));
                answered(global::DISCOVER_RESPONSE, body)
            }
            global::DISCOVER_RECEIVED => {
                let start = reader.u8("first").map_err(malformed)?;
                let known: &[u8] = if of == cluster::DOOR_LOCK { &command::ALL } else { &[] };
                let from = known.iter().copied().filter(|command| *command >= start);
                answered(global::DISCOVER_RECEIVED_RESPONSE, std::iter::once(1).chain(from).collect())
            }
            _ => Err(status::UNSUPPORTED_COMMAND),
        }
    }

    fn read(&self, of: u16, foreign: bool, reader: &mut Reader<'_>) -> Result<Vec<u8>, WireError> {
        let mut body = Vec::new();
        while reader.left() > 0 {
            let id = reader.u16_le("attribute")?;
            let value = self.attribute(of, id).filter(|_| !foreign);
            body = match value {
                Some(value) => body.u16(id).u8(status::SUCCESS).u8(value.kind).bytes(&value.bytes),
                None => body.u16(id).u8(status::UNSUPPORTED_ATTRIBUTE),
            };
        }
        Ok(body)
    }

    /// The records of those that were not written; a single success when all were (section 2.5.5).
    fn write_all(&mut self, now: Instant, of: u16, mut body: &[u8]) -> Option<Vec<u8>> {
        let mut failed = Vec::new();
        while let [low, high, kind, rest @ ..] = body {
            let id = u16::from_le_bytes([*low, *high]);
            let (value, rest) = Value::take(*kind, rest)?;
            body = rest;
            match self.write(of, id, &value) {
                status::SUCCESS => {}
                status => failed = failed.u8(status).u16(id),
            }
        }
        if of == cluster::POLL_CONTROL {
            self.due.retain(|due| !matches!(due, Due::CheckIn));
            self.schedule_check_in(now);
        }
        let complete = body.is_empty();
        complete.then(|| if failed.is_empty() { vec![status::SUCCESS] } else { failed })
    }

    /// Section 2.5.7.
    fn configure(&mut self, now: Instant, of: u16, mut body: &[u8]) -> Option<Vec<u8>> {
        let mut failed = Vec::new();
        while let [direction, low, high, rest @ ..] = body {
            let id = u16::from_le_bytes([*low, *high]);
            let mut refuse = |status| failed.extend([status, *direction, *low, *high]);
            if *direction == EXPECTED {
                refuse(status::UNREPORTABLE);
                body = rest.get(2..)?;
                continue;
            }
            let [kind, a, b, c, d, rest @ ..] = rest else { return None };
            let intervals = (u16::from_le_bytes([*a, *b]), u16::from_le_bytes([*c, *d]));
            let sample = Value { kind: *kind, bytes: Vec::new() };
            let (change, rest) = match sample.is_analog() {
                true => Value::take(*kind, rest).map(|(value, rest)| (Some(value), rest))?,
                false => (None, rest),
            };
            body = rest;
            match self.attribute(of, id) {
                None => refuse(status::UNSUPPORTED_ATTRIBUTE),
                Some(present) if present.kind != *kind => refuse(status::INVALID_TYPE),
                Some(present) => {
                    self.reports.configure(now, (of, id), Configuration { kind: *kind, intervals, change }, present);
                }
            }
        }
        let complete = body.is_empty();
        complete.then(|| if failed.is_empty() { vec![status::SUCCESS] } else { failed })
    }

    /// Section 2.5.9.
    fn read_reporting(&self, of: u16, reader: &mut Reader<'_>) -> Result<Vec<u8>, WireError> {
        let mut body = Vec::new();
        while reader.left() > 0 {
            let (direction, id) = (reader.u8("direction")?, reader.u16_le("attribute")?);
            body = match self.reports.configuration((of, id)) {
                Some(Configuration { kind, intervals, change }) => {
                    let head = body.u8(status::SUCCESS).u8(direction).u16(id).u8(*kind);
                    let least = change.as_ref().map(|value| &value.bytes[..]).unwrap_or_default();
                    head.u16(intervals.0).u16(intervals.1).bytes(least)
                }
                None => body.u8(status::NOT_FOUND).u8(direction).u16(id),
            };
        }
        Ok(body)
    }

    /// A server of the coordinator answered: the time.
    fn hear_answer(&mut self, now: Instant, of: u16, head: Head, mut body: &[u8]) {
        if of != cluster::TIME || head.command != global::READ_RESPONSE {
            return;
        }
        self.expects_until = now + EXPECTS;
        let mut times = [None; 2];
        while let [low, high, state, rest @ ..] = body {
            body = rest;
            if *state != status::SUCCESS {
                continue;
            }
            let Some((value, left)) = rest.split_first().and_then(|(kind, rest)| Value::take(*kind, rest)) else {
                return;
            };
            body = left;
            match u16::from_le_bytes([*low, *high]) {
                TIME => times[0] = Some(value.number()),
                LOCAL_TIME => times[1] = Some(value.number()),
                _ => {}
            }
        }
        let known = |time: &u32| *time != u32::MAX;
        let [utc, local] = times.map(|time| time.filter(known));
        if let Some(utc) = utc.or(local) {
            self.clock.set(now, utc);
            self.clock.set_zone(local.unwrap_or(utc).wrapping_sub(utc).cast_signed());
        }
    }
}
