//! Finding what a person means: by id, by key, or by a name that only one has.

use serde_json::{Value, json};

use super::reading::{items, text};
use super::trouble::Trouble;
use super::{LocalTime, Session};

/// What can be named.
pub(super) struct Kind {
    /// One of it, for sentences.
    word: &'static str,
    /// The operations that list them.
    operations: &'static [&'static str],
    list: &'static str,
    pub(super) id: &'static str,
    key: &'static str,
    names: &'static [&'static str],
}

pub(super) const DEVICE: Kind = Kind {
    word: "device",
    operations: &["devices/list", "devices/unmanaged/list"],
    list: "devices",
    id: "device_id",
    key: "device_id",
    names: &["display_name", "nickname"],
};
pub(super) const GRANT: Kind = Kind {
    word: "access grant",
    operations: &["access_grants/list"],
    list: "access_grants",
    id: "access_grant_id",
    key: "access_grant_key",
    names: &["display_name", "name"],
};
pub(super) const PERSON: Kind = Kind {
    word: "user identity",
    operations: &["user_identities/list"],
    list: "user_identities",
    id: "user_identity_id",
    key: "user_identity_key",
    names: &["display_name", "full_name", "email_address", "phone_number"],
};
pub(super) const SPACE: Kind = Kind {
    word: "space",
    operations: &["spaces/list"],
    list: "spaces",
    id: "space_id",
    key: "space_key",
    names: &["display_name", "name"],
};
pub(super) const WEBHOOK: Kind = Kind {
    word: "webhook",
    operations: &["webhooks/list"],
    list: "webhooks",
    id: "webhook_id",
    key: "webhook_id",
    names: &["url"],
};
pub(super) const KEY: Kind = Kind {
    word: "API key",
    operations: &["api_keys/list"],
    list: "api_keys",
    id: "api_key_id",
    key: "api_key_id",
    names: &["name"],
};

impl Session {
    /// All there are of a kind.
    pub(super) fn all(&self, kind: &Kind) -> Result<Vec<Value>, Trouble> {
        let mut all = Vec::new();
        for operation in kind.operations {
            all.extend_from_slice(items(&self.call(operation, &json!({}))?.body, kind.list));
        }
        Ok(all)
    }

    /// The one that is meant.
    pub(super) fn find(&self, kind: &Kind, meant: &str) -> Result<Value, Trouble> {
        kind.pick(&self.all(kind)?, meant, &self.time).cloned()
    }

    /// The ids of all that are meant, each once.
    pub(super) fn ids(&self, kind: &Kind, meant: &[String]) -> Result<Vec<String>, Trouble> {
        let all = if meant.is_empty() { Vec::new() } else { self.all(kind)? };
        let mut ids = Vec::new();
        for meant in meant {
            let id = text(kind.pick(&all, meant, &self.time)?, kind.id).to_owned();
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(ids)
    }
}

impl Kind {
    /// Finds the one that is meant: by its id, else its key, else a name that no other has.
    ///
    /// # Errors
    /// [`Trouble::Usage`] with who is there, or who could be meant.
    fn pick<'a>(&self, all: &'a [Value], meant: &str, time: &LocalTime) -> Result<&'a Value, Trouble> {
        let exact = |field: &&str| all.iter().find(|one| text(one, field) == meant && !meant.is_empty());
        if let Some(one) = [self.id, self.key].iter().find_map(exact) {
            return Ok(one);
        }
        let called = |one: &&Value| self.names.iter().any(|name| same_name(text(one, name), meant));
        let candidates: Vec<&Value> = all.iter().filter(called).collect();
        match *candidates {
            [one] => Ok(one),
            [] => Err(Trouble::Usage(format!("there is no {} \"{meant}\"; {}", self.word, self.there_are(all)))),
            _ => {
                let lines = candidates.iter().map(|one| format!("\n        {}", self.describe(one, time)));
                let lines: String = lines.collect();
                Err(Trouble::Usage(format!("\"{meant}\" could be any of these; say which by its id:{lines}")))
            }
        }
    }

    fn there_are(&self, all: &[Value]) -> String {
        const MOST: usize = 12;
        if all.is_empty() {
            return "there is none at all".to_owned();
        }
        let names = all.iter().map(|one| self.name_of(one)).take(MOST).collect::<Vec<_>>().join(", ");
        if all.len() > MOST {
            format!("there are {names} and {} more", all.len() - MOST)
        } else {
            format!("there are: {names}")
        }
    }

    /// The first name that it has.
    pub(super) fn name_of<'a>(&self, one: &'a Value) -> &'a str {
        let name = self.names.iter().map(|name| text(one, name)).find(|name| !name.is_empty());
        name.unwrap_or_else(|| text(one, self.id))
    }

    /// The name of the one of this id; the id itself when there is none.
    pub(super) fn name_in<'a>(&self, all: &'a [Value], id: &'a str) -> &'a str {
        all.iter().find(|one| text(one, self.id) == id).map_or(id, |one| self.name_of(one))
    }

    fn describe(&self, one: &Value, time: &LocalTime) -> String {
        let mut line = format!("{}  {}", text(one, self.id), self.name_of(one));
        if let Some(starts_at) = super::reading::moment(one, "starts_at") {
            line += &format!("  from {}", time.short(starts_at));
        }
        line
    }
}

/// `Front door`, `front-door` and `FRONTDOOR` are one name. A name of signs only is compared as it is.
fn same_name(name: &str, meant: &str) -> bool {
    let plain =
        |text: &str| -> String { text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect() };
    let (name_plain, meant_plain) = (plain(name), plain(meant));
    if meant_plain.is_empty() { !meant.is_empty() && name == meant } else { name_plain == meant_plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick(meant: &str) -> Result<String, Trouble> {
        let devices = [
            json!({"device_id": "11", "display_name": "Front door", "nickname": "Haustür"}),
            json!({"device_id": "12", "display_name": "Garden gate"}),
            json!({"device_id": "13", "display_name": "garden-gate"}),
            json!({"device_id": "14", "display_name": "12"}),
            json!({"device_id": "15", "display_name": "★"}),
        ];
        let time = LocalTime::new(jiff::Timestamp::UNIX_EPOCH, jiff::tz::TimeZone::UTC);
        DEVICE.pick(&devices, meant, &time).map(|device| text(device, "device_id").to_owned())
    }

    #[test]
    fn names_are_found_whatever_their_case_dashes_and_spaces() {
        for meant in ["Front door", "front-door", "FRONT_DOOR", "frontdoor", "11", "haustÜr"] {
            assert_eq!(pick(meant).unwrap(), "11", "{meant}");
        }
        assert_eq!(pick("12").unwrap(), "12", "an id goes before a name");
        assert_eq!(pick("★").unwrap(), "15");
    }

    #[test]
    fn a_name_that_two_have_is_refused_with_both() {
        let error = pick("garden gate").unwrap_err();
        assert_eq!(error.exit_code(), 2);
        let error = error.to_string();
        assert!(error.contains("12  Garden gate") && error.contains("13  garden-gate"), "{error}");
    }

    #[test]
    fn a_name_that_nobody_has_is_refused_with_who_is_there() {
        for meant in ["back door", "", "-", "front"] {
            let error = pick(meant).unwrap_err().to_string();
            assert!(error.contains("Front door, Garden gate"), "{error}");
        }
    }
}
