//! The hub's doors: requests over MQTT and HTTP.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keyway::clock::{Clock, Now};
use keyway::config::HttpConfig;
use keyway::hub::{Answer, Caller, Hub, operations};
use keyway::model::{Device, DeviceId, DeviceState, RadioAddress, RadioKind, Timestamp};
use keyway::store::Store;
use keyway::{http, mqtt};
use keyway_lock::{InterviewProgress, LockId};
use keyway_test_support::lock_info;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use zeroize::Zeroizing;

use crate::wire::start;

/// Requests in one input at most.
const REQUESTS: usize = 12;
/// A request that is not answered by then never is.
const ANSWERED_WITHIN: Duration = Duration::from_secs(20);

/// Requests over MQTT to a hub with two doors, one a line: an operation, a space, a payload. Each is answered, and no
/// answer is that the hub is at fault.
pub fn mqtt_requests(data: &[u8]) {
    let runtime = runtime();
    runtime.block_on(async {
        let hub = hub().await;
        for line in data.split(|byte| *byte == b'\n').take(REQUESTS) {
            let at = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
            let (operation, payload) = (String::from_utf8_lossy(&line[..at]), &line[at..]);
            let answer = match mqtt::Question::read(payload) {
                Ok(question) => hub.call(&Caller::mqtt(), &operation, question.body, question.request_id).await,
                Err(error) => Answer::Error(error),
            };
            sound(&answer);
        }
        // What is shown to everybody can be shown whatever was asked for.
        for grant in hub.everything_public().await.map(|(_, grants, _)| grants).unwrap_or_default() {
            assert!(hub.public_grants(vec![grant]).await.is_ok(), "a grant can be shown");
        }
    });
}

fn sound(answer: &Answer) {
    if let Answer::Error(error) = answer {
        assert_ne!(error.error_type, "internal_error", "{error}");
    }
    let _ = answer.to_json(Some("request")).to_string();
}

/// A request over HTTP, to a hub in this process: a line with what may be asked for without a change, then the rest of a
/// head and a body; or, if it begins with an exclamation mark, bytes as they come. Something answers, and it is never the
/// hub's fault.
pub fn http_requests(data: &[u8]) {
    static DOOR: Mutex<Option<Door>> = Mutex::new(None);
    let Ok(mut door) = DOOR.lock() else { return };
    door.get_or_insert_with(Door::open).ask(data);
}

/// A hub that listens. Nothing that is asked of it changes it, so one serves all.
struct Door {
    runtime: Runtime,
    address: SocketAddr,
    token: String,
    _folder: Option<tempfile::TempDir>,
}

impl Door {
    #[expect(clippy::unwrap_used, reason = "without it nothing can be tried")]
    fn open() -> Self {
        let runtime = runtime();
        let folder = tempfile::tempdir().unwrap();
        // Free a moment ago, and asked for again at once.
        let address = TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr()).unwrap();
        let config = HttpConfig { listen: address, local_key: folder.path().join("local.key") };
        let token = runtime.block_on(async {
            let hub = hub().await;
            let token = hub.renew_local_key().await.unwrap().expose().to_owned();
            std::fs::write(&config.local_key, &token).unwrap();
            tokio::spawn(async move {
                // It stops with the runtime: the sender must live as long.
                let (_stop, stopped) = tokio::sync::watch::channel(false);
                http::serve(&config, [5; 32], hub, stopped).await;
            });
            while TcpStream::connect(address).await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            token
        });
        Self { runtime, address, token, _folder: Some(folder) }
    }

    fn ask(&mut self, data: &[u8]) {
        let Some(bytes) = self.request(data) else { return };
        let answer = self.runtime.block_on(async {
            let mut stream = TcpStream::connect(self.address).await.ok()?;
            stream.write_all(&bytes).await.ok()?;
            stream.shutdown().await.ok()?;
            let mut answer = Vec::new();
            let read = stream.read_to_end(&mut answer);
            tokio::time::timeout(ANSWERED_WITHIN, read).await.ok()?.ok()?;
            Some(answer)
        });
        if let Some(answer) = answer {
            assert!(!answer.starts_with(b"HTTP/1.1 5"), "{}", String::from_utf8_lossy(&answer));
        }
    }

    fn request(&self, data: &[u8]) -> Option<Vec<u8>> {
        match data.split_first()? {
            (b'!', raw) => Some(raw.to_vec()),
            (which, rest) => {
                let mut asks = operations().iter().filter(|operation| !operation.changes_something());
                let count = asks.clone().count();
                let operation = asks.nth(usize::from(*which) % count)?;
                let at = rest.windows(2).position(|end| end == b"\n\n").unwrap_or(rest.len());
                let (query, body) = (&rest[..at], rest.get(at + 2..).unwrap_or_default());
                let query: Vec<u8> = query.iter().copied().filter(|byte| (0x21..0x7F).contains(byte)).collect();
                let mut bytes = format!("POST /{}?", operation.name).into_bytes();
                bytes.extend(query);
                let head = format!(
                    " HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer {}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                    self.token,
                    body.len()
                );
                bytes.extend(head.into_bytes());
                bytes.extend(body);
                Some(bytes)
            }
        }
    }
}

#[expect(clippy::unwrap_used, reason = "without it nothing can be tried")]
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A hub with two doors, in memory.
#[expect(clippy::unwrap_used, reason = "without it nothing can be tried")]
async fn hub() -> Hub {
    let store = Store::in_memory(Zeroizing::new([1; 32]), [2; 32]).unwrap();
    let clock = Still(Now { utc: noon(), mono: start(), trusted: true });
    let doors = [door(1, "Front door", 4..=8), door(2, "Garden gate", 4..=6)];
    store
        .run(clock.0.utc, move |unit| doors.iter().try_for_each(|door| unit.insert_device(door)))
        .await
        .unwrap()
        .unwrap();
    let (_, sticks) = tokio::sync::watch::channel(Default::default());
    Hub::new("fuzz", store, Arc::new(clock), sticks)
}

/// A clock that stands still.
struct Still(Now);

impl Clock for Still {
    fn now(&self) -> Now {
        self.0
    }
}

fn noon() -> Timestamp {
    Timestamp::from_microsecond(1_800_000_000_000_000).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn door(number: u8, name: &str, lengths: std::ops::RangeInclusive<u8>) -> Device {
    let mut info = lock_info(4);
    (info.capabilities.min_code_length, info.capabilities.max_code_length) = lengths.into_inner();
    Device {
        nickname: None,
        custom_metadata: serde_json::Map::new(),
        is_managed: true,
        interview: InterviewProgress::Idle,
        link: None,
        is_configured: true,
        device_id: DeviceId(uuid::Uuid::from_u128(number.into())),
        name: name.to_owned(),
        address: RadioAddress { kind: RadioKind::Zwave, network: "C0FFEE01".to_owned(), lock: LockId(number.into()) },
        info: Some(info),
        state: DeviceState { online: true, ..DeviceState::default() },
        created_at: noon(),
    }
}
