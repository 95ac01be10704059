//! Whether a request to unlock a door is one that the configuration lets through.

use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::config::{Unlock, UnlockRules};
use crate::model::ApiError;

/// So many wrong codes …
const WRONG_CODES: u8 = 5;
/// … and for so long none is looked at.
const PAUSE: Duration = Duration::from_secs(60);

/// The rules, and how often somebody guessed.
pub(super) struct Unlocking {
    rules: UnlockRules,
    wrong: u8,
    until: Option<Instant>,
}

/// What stands on a topic `…/devices/<device_id>/set`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Order {
    Lock,
    /// With the code that came with it.
    Unlock(Option<String>),
}

impl Order {
    /// Reads `LOCK`, `UNLOCK`, or either as the `action` of a JSON object that may have a `code`. `None`: it is neither.
    pub(super) fn read(payload: &[u8]) -> Option<Self> {
        let text = |fields: &Map<String, Value>, name| fields.get(name).and_then(Value::as_str).map(str::to_owned);
        let (action, code) = match serde_json::from_slice::<Value>(payload) {
            Ok(Value::Object(fields)) => {
                (text(&fields, "action")?, text(&fields, "code").filter(|code| !code.is_empty()))
            }
            _ => (String::from_utf8(payload.to_vec()).ok()?, None),
        };
        match action.as_str() {
            "LOCK" => Some(Self::Lock),
            "UNLOCK" => Some(Self::Unlock(code)),
            _ => None,
        }
    }
}

impl Unlocking {
    pub(super) fn new(rules: UnlockRules) -> Self {
        Self { rules, wrong: 0, until: None }
    }

    /// Whether a lock may be unlocked, with this code or none.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn check(&mut self, device_id: &str, code: Option<&str>) -> Result<(), ApiError> {
        let refuse = |message: &str| Err(ApiError::new("unlock_not_allowed", message));
        match self.rules.of(&device_id.to_ascii_lowercase()) {
            Unlock::Yes => return Ok(()),
            Unlock::No => return refuse("this lock is not unlocked over MQTT: mqtt.unlock in the hub's configuration"),
            Unlock::Code => {}
        }
        let now = Instant::now();
        if self.until.is_some_and(|until| now < until) {
            return refuse("too many wrong codes: none is looked at for a minute");
        }
        match code {
            None => refuse(
                "this lock is unlocked over MQTT with a code only: {\"action\":\"UNLOCK\",\"code\":\"…\"} to its topic `set`",
            ),
            Some(code) if self.rules.is_code(code) => {
                (self.wrong, self.until) = (0, None);
                Ok(())
            }
            Some(_) => {
                self.wrong += 1;
                if self.wrong >= WRONG_CODES {
                    (self.wrong, self.until) = (0, Some(now + PAUSE));
                }
                refuse("that is not the code")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_a_word_or_an_object_with_a_code() {
        assert_eq!(Order::read(b"LOCK"), Some(Order::Lock));
        assert_eq!(Order::read(b"UNLOCK"), Some(Order::Unlock(None)));
        assert_eq!(Order::read(br#"{"action":"LOCK","code":""}"#), Some(Order::Lock));
        assert_eq!(Order::read(br#"{"action":"UNLOCK","code":"0815"}"#), Some(Order::Unlock(Some("0815".to_owned()))));
        for wrong in [&b"unlock"[..], b"", b"{}", b"\xff", br#"{"action":"OPEN"}"#, br#"["UNLOCK"]"#] {
            assert_eq!(Order::read(wrong), None, "{wrong:?}");
        }
    }
}
