//! A program that asks over HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::SOON;

/// Where the hub's HTTP door is, and a key to it.
#[derive(Debug, Clone)]
pub struct Http {
    address: String,
    key: String,
}

impl Http {
    /// At this address (`host:port`), with this key.
    pub fn new(address: impl Into<String>, key: impl Into<String>) -> Self {
        Self { address: address.into(), key: key.into() }
    }

    /// `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The key it asks with.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Sends a request (`GET`, `/devices/list?limit=1`); status and JSON of the answer. No body: `Value::Null`.
    pub fn send(&self, method: &str, target: &str, body: &Value) -> (u16, Value) {
        let (status, body) = self.send_for_text(method, target, body);
        (status, serde_json::from_str(&body).unwrap_or_else(|error| panic!("{method} {target}: {error}: {body}")))
    }

    /// Events that the hub has told since it started, by its metrics.
    pub fn events_told(&self, event_type: &str) -> u64 {
        let (_, page) = self.send_for_text("GET", "/metrics", &Value::Null);
        let sample = format!("keyway_events_total{{event_type=\"{event_type}\"}} ");
        let count = page.lines().find_map(|line| line.strip_prefix(&sample));
        count.map_or(0, |count| count.parse().expect("a count"))
    }

    fn send_for_text(&self, method: &str, target: &str, body: &Value) -> (u16, String) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut stream = self.connect(method, target, &format!("content-length: {}\r\n", body.len()), &body);
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("no answer over HTTP");
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head of an answer: {text}"));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, body.to_owned())
    }

    /// Carries out an operation, which must work.
    pub fn ask(&self, operation: &str, body: Value) -> Value {
        let (status, answer) = self.send("POST", &format!("/{operation}"), &body);
        assert_eq!((status, &answer["ok"]), (200, &Value::Bool(true)), "{operation}: {answer}");
        answer
    }

    /// Opens the stream of events, from now on.
    pub fn events(&self) -> HttpStream {
        let mut stream = HttpStream(BufReader::new(self.connect("GET", "/events/stream", "", "")));
        let head = stream.line().expect("no head of an answer");
        assert!(head.contains(" 200 "), "{head}");
        stream
    }

    fn connect(&self, method: &str, target: &str, headers: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).expect("the HTTP door is shut");
        stream.set_read_timeout(Some(SOON)).expect("a timeout can be set");
        let (address, key) = (&self.address, &self.key);
        let request = format!(
            "{method} {target} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\
             content-type: application/json\r\n{headers}\r\n{body}"
        );
        stream.write_all(request.as_bytes()).expect("the HTTP door takes nothing");
        stream
    }
}

/// Events as they come.
pub struct HttpStream(BufReader<TcpStream>);

impl HttpStream {
    /// The next event; `None`: the hub has ended the stream.
    pub fn next_event(&mut self) -> Option<Value> {
        loop {
            if let Some(data) = self.line()?.strip_prefix("data: ") {
                return Some(serde_json::from_str(data).expect("an event is JSON"));
            }
        }
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).expect("no event in time");
        (read > 0).then(|| line.trim_end().to_owned())
    }
}
