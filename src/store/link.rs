//! How the last frames to a lock went, as JSON.

use keyway_lock::{LinkReport, LockId};
use serde_json::{Value, json};

pub(super) fn encode(link: Option<&LinkReport>) -> Option<String> {
    let LinkReport { frames, unanswered, repeated, signal, sensitivity, quality, delivery_ms, repeaters } = link?;
    let repeaters: Vec<u64> = repeaters.iter().map(|repeater| repeater.0).collect();
    let json = json!({
        "frames": frames, "unanswered": unanswered, "repeated": repeated, "signal": signal,
        "sensitivity": sensitivity, "quality": quality, "delivery_ms": delivery_ms, "repeaters": repeaters,
    });
    Some(json.to_string())
}

/// What [`encode`] made; the name of the field that is missing or wrong, if it is not that.
pub(super) fn decode(text: &str) -> Result<LinkReport, &'static str> {
    let json: Value = serde_json::from_str(text).map_err(|_| "is not JSON")?;
    let count = |field| json[field].as_u64().and_then(|number| u8::try_from(number).ok()).ok_or(field);
    let dbm = |field| json[field].as_i64().and_then(|number| i8::try_from(number).ok()).ok_or(field);
    let repeaters = json["repeaters"].as_array().ok_or("repeaters")?;
    Ok(LinkReport {
        frames: count("frames")?,
        unanswered: count("unanswered")?,
        repeated: count("repeated")?,
        signal: if json["signal"].is_null() { None } else { Some(dbm("signal")?) },
        sensitivity: dbm("sensitivity")?,
        quality: count("quality").ok(),
        delivery_ms: json["delivery_ms"].as_u64().and_then(|number| u32::try_from(number).ok()),
        repeaters: repeaters.iter().filter_map(Value::as_u64).map(LockId).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_read_as_it_was_written_and_what_is_wrong_is_named() {
        let link = LinkReport {
            frames: 16,
            unanswered: 1,
            repeated: 2,
            signal: Some(-71),
            sensitivity: -97,
            quality: Some(180),
            delivery_ms: Some(1180),
            repeaters: vec![LockId(17)],
        };
        assert_eq!(encode(Some(&link)).as_deref().map(decode), Some(Ok(link.clone())));
        let dumb = LinkReport { signal: None, quality: None, delivery_ms: None, ..link };
        assert_eq!(encode(Some(&dumb)).as_deref().map(decode), Some(Ok(dumb)));
        assert_eq!(decode(r#"{"repeaters": [], "frames": 300}"#), Err("frames"));
    }
}
