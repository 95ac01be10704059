//! Whether a message over MQTT opens a door: for all locks, and for single ones.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use subtle::ConstantTimeEq;
use toml::Spanned;

use super::{Secret, Wrong, credentials, wrong};

/// Whether a lock is unlocked by a message. It is always locked by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unlock {
    /// It is.
    #[default]
    Yes,
    /// Never.
    No,
    /// With the code that the configuration has.
    Code,
}

/// Which locks are unlocked by a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnlockRules {
    usual: Unlock,
    /// By device id.
    single: BTreeMap<String, Unlock>,
    code: Option<Secret>,
}

impl UnlockRules {
    /// What holds for a lock, by its id.
    pub fn of(&self, device_id: &str) -> Unlock {
        self.single.get(device_id).copied().unwrap_or(self.usual)
    }

    /// Whether this is the code. Takes as long for each that has as many characters.
    pub fn is_code(&self, given: &str) -> bool {
        self.code.as_ref().is_some_and(|code| bool::from(code.expose().as_bytes().ct_eq(given.as_bytes())))
    }
}

/// What `[mqtt]` says of it: `unlock`, `unlock_code`, `unlock_code_file` and `unlock_of`.
pub(super) struct Keys {
    pub(super) unlock: Unlock,
    pub(super) code: Option<Spanned<String>>,
    pub(super) file: Option<Spanned<PathBuf>>,
    pub(super) single: BTreeMap<Spanned<String>, Unlock>,
}

impl Keys {
    pub(super) fn check(self, place: &Spanned<String>) -> Result<UnlockRules, Wrong> {
        const RIGHT: &str = "should be 4 to 12 digits";
        let is_right = |code: &str| (4..=12).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit());
        let code = match (self.code, self.file) {
            (Some(code), None) if is_right(code.get_ref()) => Some(Secret::new(code.into_inner())),
            (Some(code), None) => return Err(wrong(&code, "mqtt.unlock_code", RIGHT)),
            (None, Some(file)) => {
                let code = credentials::read_secret(file.get_ref())
                    .map_err(|reason| wrong(&file, "mqtt.unlock_code_file", format!("can't be read: {reason}")))?;
                if !is_right(code.expose()) {
                    return Err(wrong(&file, "mqtt.unlock_code_file", format!("its first line {RIGHT}")));
                }
                Some(code)
            }
            (None, None) => credentials::credential("mqtt-unlock-code").filter(|code| is_right(code.expose())),
            (Some(_), Some(file)) => {
                return Err(wrong(&file, "mqtt.unlock_code_file", "and `mqtt.unlock_code` are both given: keep one"));
            }
        };
        let mut single = BTreeMap::new();
        for (id, unlock) in self.single {
            let is_id =
                id.get_ref().len() == 36 && id.get_ref().bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
            if !is_id {
                // A name may change, and the door would be open then.
                return Err(wrong(
                    &id,
                    "mqtt.unlock_of",
                    "should name locks by their ids, as `keyway devices` shows them",
                ));
            }
            single.insert(id.into_inner().to_ascii_lowercase(), unlock);
        }
        let rules = UnlockRules { usual: self.unlock, single, code };
        let wants_code = rules.usual == Unlock::Code || rules.single.values().any(|unlock| *unlock == Unlock::Code);
        if wants_code && rules.code.is_none() {
            return Err(wrong(
                place,
                "mqtt.unlock",
                "is \"code\", and there is none: give unlock_code or unlock_code_file",
            ));
        }
        Ok(rules)
    }
}
