//! What a lock wrote down while nobody listened: who used it while the hub was away, or could not hear it. Each record is
//! told once, as the event that it would have been, with its own time.

use std::time::Duration;

use keyway_lock::{LogEntry, LogReading, LogRecord, SlotNumber};
use serde_json::{Map, json};

use super::observe::{self, method_name};
use crate::model::{AccessCode, AccessCodeId, CodeOrigin, DeviceId, EventSubject, EventType, Timestamp};
use crate::store::{CodeChange, EventFilter, JournalEntry, LogMark, StoreError, Unit};

/// A lock's clock that is off by more than this is not believed. Between the lock's own word on the air and what it writes
/// down there is no more either.
const OFF: Duration = Duration::from_secs(300);

/// A code that is over is out of a lock that is heard by then, or still in it.
const LEFT_WITHIN: Duration = Duration::from_secs(24 * 3600);

/// What a record says, as the hub understands it.
struct Entry {
    event: EventType,
    method: Option<&'static str>,
    /// When it was; `None`: the lock's clock can't be believed.
    at: Option<Timestamp>,
    /// Whose code it was, and whether that is managed.
    user: Option<(EventSubject, bool)>,
}

impl Entry {
    fn code(&self) -> Option<AccessCodeId> {
        self.user.as_ref().and_then(|(subject, _)| subject.access_code_id)
    }
}

/// What was told of a lock as it happened.
struct Told {
    event: EventType,
    method: Option<String>,
    code: Option<AccessCodeId>,
    at: Timestamp,
}

/// A log was read. The first time it is only noted where it ends: what happened before the hub knew the lock is not its to
/// tell.
pub(super) fn read(unit: &mut Unit<'_>, device: DeviceId, reading: &LogReading) -> Result<(), StoreError> {
    let (now, mark) = (unit.now(), LogMark { read_at: unit.now(), newest: reading.newest });
    let before = unit.log_mark(device)?;
    unit.put_log_mark(device, &mark)?;
    let Some(before) = before else { return Ok(()) };
    let mut entries = Vec::new();
    for record in &reading.records {
        entries.extend(understood(unit, device, record, (before.read_at, now))?.map(|entry| (record, entry)));
    }
    let news = not_told(&entries, &told_since(unit, device, before.read_at)?);
    let mut has_gap = reading.has_gap;
    for (_, (record, entry)) in entries.iter().enumerate().filter(|(place, _)| news.contains(place)) {
        tell(unit, device, record, entry, std::mem::take(&mut has_gap))?;
    }
    Ok(())
}

/// `None`: it is nothing that is told.
fn understood(
    unit: &mut Unit<'_>,
    device: DeviceId,
    record: &LogRecord,
    (from, to): (Timestamp, Timestamp),
) -> Result<Option<Entry>, StoreError> {
    let (event, method) = match record.entry {
        LogEntry::Locked(source) => (EventType::LockLocked, Some(method_name(source))),
        LogEntry::Unlocked(source) => (EventType::LockUnlocked, Some(method_name(source))),
        LogEntry::Denied => (EventType::LockAccessDenied, None),
        LogEntry::Other(_) => return Ok(None),
    };
    // It happened since the log was read last: a clock that says otherwise is wrong.
    let shown = record.at.and_then(|at| Timestamp::from_microsecond(at.0));
    let at = shown.filter(|at| *at >= from.before(OFF) && *at <= to.after(OFF)).map(|at| at.min(to));
    let user = match record.slot {
        Some(slot) => user(unit, device, slot, at.map_or([to, from], |at| [at, at]))?,
        None => None,
    };
    Ok(Some(Entry { event, method, at, user }))
}

/// Whose code was in a slot at one of these moments, the first one first.
fn user(
    unit: &mut Unit<'_>,
    device: DeviceId,
    slot: SlotNumber,
    moments: [Timestamp; 2],
) -> Result<Option<(EventSubject, bool)>, StoreError> {
    let [one, other] = moments;
    let between = (one.min(other).before(LEFT_WITHIN), one.max(other).after(OFF));
    let codes = unit.codes_of_slot_between(device, slot, between)?;
    for at in moments {
        for code in codes.iter().rev() {
            if was_in(unit, code, at)? {
                return Ok(Some((code.into(), code.origin != CodeOrigin::Hand)));
            }
        }
    }
    observe::unmanaged_user(unit, device, slot)
}

/// Whether a code was in its lock at a moment, or may have been, as its history has it.
fn was_in(unit: &mut Unit<'_>, code: &AccessCode, at: Timestamp) -> Result<bool, StoreError> {
    let mut inside = false;
    for (noted, entry) in unit.journal(code.access_code_id)? {
        match entry {
            JournalEntry::Intended(CodeChange::Set) | JournalEntry::TakenOver if noted <= at.after(OFF) => {
                inside = true
            }
            JournalEntry::Confirmed(CodeChange::Clear, _) if noted <= at => inside = false,
            _ => {}
        }
    }
    Ok(inside)
}

/// What was told of the lock since the log was read last, oldest first.
fn told_since(unit: &mut Unit<'_>, device: DeviceId, since: Timestamp) -> Result<Vec<Told>, StoreError> {
    let filter = EventFilter {
        since: Some(since.before(OFF)),
        event_types: vec![EventType::LockLocked, EventType::LockUnlocked, EventType::LockAccessDenied],
        device_ids: vec![device],
        ..EventFilter::default()
    };
    let events = unit.events(&filter)?.into_iter().filter(|event| !event.details.contains_key("is_replayed"));
    let method = |details: &Map<_, serde_json::Value>| details.get("method")?.as_str().map(str::to_owned);
    let told = events.map(|event| Told {
        event: event.event_type,
        method: method(&event.details),
        code: event.subject.access_code_id,
        at: event.occurred_at,
    });
    Ok(told.collect())
}

/// The places of the records that were not told as they happened. A lock writes down what it tells as well, in the same
/// order: each event takes the first record of its kind behind the one of the event before, by the lock's clock where that
/// is right.
fn not_told(entries: &[(&LogRecord, Entry)], told: &[Told]) -> Vec<usize> {
    let mut news: Vec<usize> = (0..entries.len()).collect();
    let mut behind = 0;
    for told in told {
        let alike = |place: &&usize| {
            entries.get(**place).is_some_and(|(_, entry)| {
                // Whose code it was may not have been known yet as it was told.
                let same_user = told.code.is_none() || entry.code() == told.code;
                entry.event == told.event && entry.method == told.method.as_deref() && same_user
            })
        };
        let near = |place: &&usize| {
            let at = entries.get(**place).and_then(|(_, entry)| entry.at);
            at.is_none_or(|at| at.until(told.at).max(told.at.until(at)) <= OFF)
        };
        let found = news.iter().filter(|place| **place >= behind).filter(alike).find(near).copied();
        if let Some(found) = found {
            behind = found;
            news.retain(|place| *place != found);
        }
    }
    news
}

fn tell(
    unit: &mut Unit<'_>,
    device: DeviceId,
    record: &LogRecord,
    entry: &Entry,
    has_gap: bool,
) -> Result<(), StoreError> {
    let mut details = Map::from_iter([
        ("is_replayed".to_owned(), json!(true)),
        // By the lock's own clock.
        ("device_time".to_owned(), json!(record.at.and_then(|at| Timestamp::from_microsecond(at.0)))),
        ("is_device_time_wrong".to_owned(), json!(entry.at.is_none())),
    ]);
    details.extend(entry.method.map(|method| ("method".to_owned(), json!(method))));
    details.extend(has_gap.then(|| ("is_preceded_by_gap".to_owned(), json!(true))));
    let mut subject = EventSubject::from(device);
    if let Some((user, managed)) = &entry.user {
        details.insert("access_code_is_managed".to_owned(), json!(managed));
        subject = user.clone();
        if let Some(code) = subject.access_code_id.filter(|_| *managed) {
            unit.note(code, &JournalEntry::Used)?;
        }
    } else if record.slot.is_some() {
        details.insert("access_code_is_managed".to_owned(), json!(false));
    }
    let at = entry.at.unwrap_or(unit.now());
    unit.emit_at(at, entry.event, subject, details)
}
