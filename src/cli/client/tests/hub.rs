//! A hub that answers what was written down, and remembers what it was asked.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// What it was asked once.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// Method and path with query.
    pub(super) what: String,
    /// By name in small letters.
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Value,
}

/// What it answers once.
#[derive(Clone)]
pub(super) enum Answer {
    /// A status and a body.
    Json(u16, String),
    /// Events, and then the end of the connection.
    Stream(String),
    /// The connection breaks.
    Nothing,
}

/// Answers by path; the last answer of a path is given again and again.
#[derive(Clone)]
pub(super) struct Hub {
    port: u16,
    answers: Arc<Mutex<BTreeMap<String, Vec<Answer>>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Hub {
    pub(super) fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let hub = Self { port, answers: Arc::default(), asked: Arc::default() };
        let serving = hub.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serving.serve(stream.unwrap());
            }
        });
        hub
    }

    pub(super) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Adds an answer to an operation.
    pub(super) fn answers(self, operation: &str, body: Value) -> Self {
        let mut body = body;
        body["ok"] = json!(!body.as_object().unwrap().contains_key("error"));
        let status = if body["ok"] == true { 200 } else { 400 };
        self.gives(operation, Answer::Json(status, body.to_string()))
    }

    pub(super) fn gives(self, operation: &str, answer: Answer) -> Self {
        self.answers.lock().unwrap().entry(format!("/{operation}")).or_default().push(answer);
        self
    }

    /// What it was asked of an operation, in order.
    pub(super) fn asked(&self, operation: &str) -> Vec<Asked> {
        let of = |asked: &&Asked| asked.what.split(['?', ' ']).nth(1) == Some(format!("/{operation}").as_str());
        self.asked.lock().unwrap().iter().filter(of).cloned().collect()
    }

    /// One request a connection.
    fn serve(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut first = String::new();
        if reader.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim().split_once(": ") else { break };
            headers.insert(name.to_lowercase(), value.to_owned());
        }
        let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let what = first.rsplit_once(' ').unwrap().0.to_owned();
        let path = what.split(['?', ' ']).nth(1).unwrap().to_owned();
        let body = serde_json::from_slice(&body).unwrap_or_default();
        self.asked.lock().unwrap().push(Asked { what, headers, body });
        let answer = {
            let mut answers = self.answers.lock().unwrap();
            match answers.get_mut(&path) {
                Some(answers) if answers.len() > 1 => answers.remove(0),
                Some(answers) => answers[0].clone(),
                // A hub has no devices that it leaves alone unless it is said.
                None if path == "/devices/unmanaged/list" => Answer::Json(200, "{}".to_owned()),
                None => panic!("{path} was not written down"),
            }
        };
        match answer {
            Answer::Json(status, json) => {
                let head = format!(
                    "HTTP/1.1 {status} Any\r\ncontent-type: application/json\r\ncontent-length: {}",
                    json.len()
                );
                let _ = stream.write_all(format!("{head}\r\nconnection: close\r\n\r\n{json}").as_bytes());
            }
            Answer::Stream(events) => {
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close";
                let _ = stream.write_all(format!("{head}\r\n\r\n{events}").as_bytes());
            }
            Answer::Nothing => {}
        }
    }
}

/// A hub with two doors and a grant of Jane Doe to both.
pub(super) fn with_jane() -> Hub {
    let device = |id: &str, name: &str| {
        json!({"device_id": id, "display_name": name, "errors": [], "warnings": [],
            "properties": {"online": true, "battery_level": 0.87}, "codes": {"in_lock": 1, "slots": 30}})
    };
    let grant = json!({"access_grant_id": "g1", "user_identity_id": "u1", "name": "Jane Doe", "display_name": "Jane Doe",
        "device_ids": ["d1", "d2"], "space_ids": [], "starts_at": "2026-11-26T14:00:00.000Z",
        "ends_at": "2026-12-03T10:00:00.000Z", "errors": [], "warnings": []});
    let code = |id: &str, device: &str, warnings: Value| {
        json!({"access_code_id": id, "access_grant_id": "g1", "device_id": device, "status": "unset", "code": "482913",
            "is_managed": true, "starts_at": "2026-11-26T14:00:00.000Z", "ends_at": "2026-12-03T10:00:00.000Z",
            "errors": [], "warnings": warnings})
    };
    let trouble = json!([{"message": "the lock does not answer. Check its battery"}]);
    Hub::new()
        .answers("devices/list", json!({"devices": [device("d1", "Front door"), device("d2", "Garden gate")]}))
        .answers("access_grants/list", json!({"access_grants": [grant]}))
        .answers("access_grants/create", json!({"access_grant": grant}))
        .answers("access_grants/get", json!({"access_grant": grant}))
        .answers("access_grants/delete", json!({}))
        .answers(
            "user_identities/get",
            json!({"user_identity": {"user_identity_id": "u1", "full_name": "Jane Doe",
            "display_name": "Jane Doe", "email_address": "jane@example.org"}}),
        )
        .answers("access_methods/list", json!({"access_methods": [{"code": "482913", "is_issued": true}]}))
        .answers("access_codes/list", json!({"access_codes": [code("c1", "d1", json!([])), code("c2", "d2", trouble)]}))
}
