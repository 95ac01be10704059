//! The way to the hub: one request, one answer, or a stream of events. Only this file knows the HTTP client.

use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::time::Duration;

use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, Body, Error};
use uuid::Builder;

use crate::clock;
use crate::config::Secret;

use super::reach::Target;
use super::trouble::{Refusal, Trouble};

/// An answer that takes longer is none: the hub's work is a database of its own.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// A stream that is silent for longer has lost its hub, which sends a sign of life more often.
const SILENT_FOR: Duration = Duration::from_secs(45);
/// No backup takes longer to begin.
const BACKUP_WITHIN: Duration = Duration::from_secs(1800);
/// No answer is larger.
const LARGEST_ANSWER: u64 = 256 * 1024 * 1024;

/// A hub that can be asked.
pub(super) struct Connection {
    calls: Agent,
    streams: Agent,
    endpoint: String,
    key: Secret,
    key_source: String,
    exposed: bool,
}

/// What the hub answered, when it did what it was asked.
pub(super) struct Reply {
    /// As it came.
    pub(super) json: String,
    /// As it is understood: an object.
    pub(super) body: Value,
}

impl Connection {
    pub(super) fn to(target: Target) -> Self {
        let agent = || {
            // The key goes to the hub and nowhere else: not to a proxy, and not to where an answer points.
            Agent::config_builder()
                .proxy(None)
                .max_redirects(0)
                .http_status_as_error(false)
                .timeout_connect(Some(SILENT_FOR))
        };
        let calls = agent().timeout_global(Some(ANSWER_WITHIN)).build();
        let streams = agent().timeout_recv_response(Some(ANSWER_WITHIN)).timeout_per_read(Some(SILENT_FOR)).build();
        Self {
            calls: calls.new_agent(),
            streams: streams.new_agent(),
            endpoint: target.endpoint,
            key: target.key,
            key_source: target.key_source,
            exposed: target.exposed,
        }
    }

    /// Carries out an operation such as `devices/list`. An answer that was lost on its way is asked for again, which does
    /// not carry the operation out again.
    ///
    /// # Errors
    /// [`Trouble::Refused`] with what the hub says, [`Trouble::Unreachable`].
    pub(super) fn call(&self, operation: &str, body: &Value) -> Result<Reply, Trouble> {
        let mut once = [0; 16];
        clock::entropy(&mut once).map_err(|error| Trouble::Failed(format!("no randomness: {error}")))?;
        let once = Builder::from_random_bytes(once).into_uuid().to_string();
        let text = zeroize::Zeroizing::new(body.to_string());
        let ask = || {
            let request = self.calls.post(format!("{}/{operation}", self.endpoint));
            let request = request.header("authorization", self.authorization().as_str());
            let request = request.header("content-type", "application/json").header("idempotency-key", once.as_str());
            let mut response = request.send(text.as_str())?;
            let status = response.status().as_u16();
            let json = response.body_mut().with_config().limit(LARGEST_ANSWER).read_to_string()?;
            Ok((status, json))
        };
        let answer = ask().or_else(|error| if was_lost(&error) { ask() } else { Err(error) });
        let (status, json) = answer.map_err(|error| self.unreachable(&error))?;
        self.read(status, json)
    }

    /// Events as they happen. `since`: from that moment on; `after`: from behind the event of this id on.
    ///
    /// # Errors
    /// As for [`Self::call`].
    pub(super) fn events(&self, since: Option<&str>, after: Option<&str>) -> Result<EventStream, Trouble> {
        let mut request = self.streams.get(format!("{}/events/stream", self.endpoint));
        request = request.header("authorization", self.authorization().as_str()).header("accept", "text/event-stream");
        if let Some(id) = after {
            request = request.header("last-event-id", id);
        } else if let Some(since) = since {
            request = request.query("since", since);
        }
        let mut response: Response<Body> = request.call().map_err(|error| self.unreachable(&error))?;
        let status = response.status().as_u16();
        if status != 200 {
            let json = response.body_mut().read_to_string().map_err(|error| self.unreachable(&error))?;
            self.read(status, json)?;
            return Err(self.no_hub(&format!("it answers with status {status}")));
        }
        Ok(EventStream { lines: Box::new(BufReader::new(response.into_body().into_reader())) })
    }

    /// Everything that the hub has, as one file encrypted under this passphrase, as it comes.
    ///
    /// # Errors
    /// As for [`Self::call`].
    pub(super) fn back_up(&self, passphrase: &str) -> Result<impl Read, Trouble> {
        let request = self.streams.post(format!("{}/backup", self.endpoint));
        // The sticks' memories are read first.
        let request = request.config().timeout_recv_response(Some(BACKUP_WITHIN)).build();
        let request = request.header("authorization", self.authorization().as_str());
        let body = zeroize::Zeroizing::new(serde_json::json!({"passphrase": passphrase}).to_string());
        let sent = request.header("content-type", "application/json").send(body.as_str());
        let mut response = sent.map_err(|error| self.unreachable(&error))?;
        let status = response.status().as_u16();
        if status != 200 {
            let json = response.body_mut().read_to_string().map_err(|error| self.unreachable(&error))?;
            self.read(status, json)?;
            return Err(self.no_hub(&format!("it answers with status {status}")));
        }
        Ok(response.into_body().into_reader())
    }

    /// Whether what is sent can be read on its way.
    pub(super) fn is_exposed(&self) -> bool {
        self.exposed
    }

    fn authorization(&self) -> zeroize::Zeroizing<String> {
        zeroize::Zeroizing::new(format!("Bearer {}", self.key.expose()))
    }

    fn read(&self, status: u16, json: String) -> Result<Reply, Trouble> {
        let body: Value = serde_json::from_str(&json).unwrap_or_default();
        if let Some(mut refusal) = Refusal::read(&json, &body) {
            if status == 401 {
                refusal.message = format!(
                    "{} ({}): give another key with --key-file or KEYWAY_API_KEY; `keyway keys create` makes one",
                    refusal.message, self.key_source
                );
            }
            return Err(Trouble::Refused(refusal));
        }
        if status != 200 || !body.is_object() {
            return Err(self.no_hub(&format!("it answers with status {status} and no word of a hub")));
        }
        Ok(Reply { json, body })
    }

    fn unreachable(&self, error: &Error) -> Trouble {
        match error {
            Error::Timeout(_) => Trouble::Unreachable(format!(
                "the hub at {} did not answer in time; whether it did what it was asked is not known: look before asking \
                 again",
                self.endpoint
            )),
            Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused => Trouble::Unreachable(format!(
                "no hub listens at {}. Is it running (systemctl status keyway, or keyway run)? Another address is given \
                 with --endpoint",
                self.endpoint
            )),
            error => self.no_hub(&error.to_string()),
        }
    }

    fn no_hub(&self, reason: &str) -> Trouble {
        Trouble::Unreachable(format!("no hub can be reached at {}: {reason}", self.endpoint))
    }
}

/// Whether the connection broke after the question was on its way.
fn was_lost(error: &Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error, Error::Io(error)
        if matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof))
}

/// Server-sent events, each the JSON of one event.
pub(super) struct EventStream {
    lines: Box<dyn BufRead>,
}

impl Iterator for EventStream {
    type Item = String;

    /// The next event; `None` when the stream has ended, for whatever reason.
    fn next(&mut self) -> Option<String> {
        let mut data = String::new();
        loop {
            let mut line = String::new();
            let read = self.lines.read_line(&mut line).ok()?;
            match line.trim_end_matches(['\r', '\n']) {
                _ if read == 0 => return None,
                "" if !data.is_empty() => return Some(data),
                line => {
                    if let Some(more) = line.strip_prefix("data:") {
                        data.push_str(more.strip_prefix(' ').unwrap_or(more));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn stream(text: &str) -> Vec<String> {
        EventStream { lines: Box::new(Cursor::new(text.to_owned())) }.collect()
    }

    #[test]
    fn an_event_is_read_between_signs_of_life_and_one_that_is_cut_off_is_none() {
        let text = ": alive\n\nid: 7\nevent: lock.locked\ndata: {\"event_id\":\"7\"}\n\n:\n\ndata:{\"a\":\r\ndata: 1}\r\n\r\ndata: {";
        assert_eq!(stream(text), ["{\"event_id\":\"7\"}", "{\"a\":1}"]);
    }
}
