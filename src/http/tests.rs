//! The door as statements, over real sockets, before a hub whose store is in memory.

use std::sync::Mutex;
use std::time::Instant;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use super::*;
use crate::clock::{Clock, Now};
use crate::model::{EventSubject, EventType, Role, Timestamp};
use crate::store::{Store, Unit};

mod answering;
mod bounds;
mod keys;
mod streaming;

/// Long for a test, and never waited for when all is well.
const SOON: Duration = Duration::from_secs(10);

struct Hand(Mutex<Now>);

impl Clock for Hand {
    fn now(&self) -> Now {
        *self.0.lock().unwrap()
    }
}

/// A hub behind an open door, and a key to it.
struct World {
    hub: Hub,
    store: Store,
    clock: Arc<Hand>,
    address: SocketAddr,
    key: String,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl World {
    async fn new() -> Self {
        Self::with(LIMITS).await
    }

    #[expect(clippy::disallowed_methods, reason = "an Instant can't be made otherwise; the test never looks at it")]
    async fn with(limits: Limits) -> Self {
        let store = Store::in_memory(Zeroizing::new([1; 32]), [2; 32]).unwrap();
        let clock = Arc::new(Hand(Mutex::new(Now { utc: at(0), mono: Instant::now(), trusted: true })));
        let sticks = watch::channel([].into()).1;
        let hub = Hub::new("test", store.clone(), Arc::clone(&clock) as Arc<dyn Clock>, sticks);
        let key = hub.renew_local_key().await.unwrap().expose().to_owned();
        let listener = listen("127.0.0.1:0".parse().unwrap()).await;
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let door = Door::new(hub.clone(), [3; 32], limits, stopped.clone());
        let serving = tokio::spawn(listener::serve(listener, limits, router(door), stopped));
        Self { hub, store, clock, address, key, stop, serving }
    }

    fn set_time(&self, seconds: i64) {
        self.clock.0.lock().unwrap().utc = at(seconds);
    }

    async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Unit<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        self.store.run(self.clock.now().utc, job).await.unwrap().unwrap()
    }

    /// Something happens.
    async fn happens(&self, event_type: EventType) {
        self.write(move |unit| unit.emit(event_type, EventSubject::default(), serde_json::Map::new())).await;
    }

    async fn take_keys_away(&self) {
        let all = |unit: &mut Unit<'_>| {
            let keys = unit.api_keys()?;
            keys.iter().try_for_each(|key| unit.delete_api_key(key.api_key_id))
        };
        self.write(all).await;
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends a request with the key, and reads the answer. The connection is closed behind it.
    async fn ask(&self, method: &str, target: &str, body: &str) -> Reply {
        self.ask_with(method, target, &format!("authorization: Bearer {}\r\n", self.key), body).await
    }

    /// As [`World::ask`], with these headers only.
    async fn ask_with(&self, method: &str, target: &str, headers: &str, body: &str) -> Reply {
        self.raw(&format!(
            "{method} {target} HTTP/1.1\r\nhost: hub\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}",
            body.len()
        ))
        .await
    }

    async fn raw(&self, request: &str) -> Reply {
        let mut stream = self.connect().await;
        // The hub may have answered, and closed, before it has read all.
        let _ = stream.write_all(request.as_bytes()).await;
        Reply::read(stream).await
    }

    /// Opens a stream of events.
    async fn stream(&self, target: &str, headers: &str) -> Lines {
        self.stream_over(self.connect().await, target, headers).await
    }

    async fn stream_over(&self, mut stream: TcpStream, target: &str, headers: &str) -> Lines {
        let key = &self.key;
        let request = format!(
            "GET {target} HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer {key}\r\nconnection: close\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        Lines::of(stream).await
    }

    async fn stops(self) {
        self.stop.send_replace(true);
        tokio::time::timeout(SOON, self.serving).await.expect("it ends").unwrap();
    }
}

/// Seconds on the tests' clock.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_microsecond((1_800_000_000 + seconds) * 1_000_000).unwrap()
}

/// An answer.
struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    async fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        let _ = tokio::time::timeout(SOON, stream.read_to_end(&mut bytes)).await.expect("it answers and closes");
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, head: head.to_lowercase(), body: body.to_owned() }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{}: no JSON: {}", self.status, self.body))
    }

    /// The error's type and message, after looking at all that every error must have.
    fn error(&self) -> (String, String) {
        let json = self.json();
        assert_eq!(json["ok"], false, "{json}");
        assert!(self.header("content-type").starts_with("application/json"), "{}", self.head);
        self.header("seam-request-id").parse::<uuid::Uuid>().unwrap();
        let text = |name: &str| json["error"][name].as_str().unwrap().to_owned();
        (text("type"), text("message"))
    }

    fn header(&self, name: &str) -> &str {
        let line = self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_else(|| panic!("no {name}: {}", self.head))
    }
}

/// A stream of events being read.
struct Lines {
    head: String,
    lines: BufReader<TcpStream>,
}

impl Lines {
    async fn of(stream: TcpStream) -> Self {
        let mut lines = Self { head: String::new(), lines: BufReader::new(stream) };
        loop {
            let line = lines.line().await.expect("a head");
            if line.is_empty() {
                return lines;
            }
            lines.head.push_str(&line.to_lowercase());
            lines.head.push('\n');
        }
    }

    /// The next line; `None`: the connection is closed.
    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = tokio::time::timeout(SOON, self.lines.read_line(&mut line)).await.expect("a line");
        matches!(read, Ok(1..)).then(|| line.trim_end().to_owned())
    }

    /// The next event, with its id.
    async fn event(&mut self) -> Option<(String, Value)> {
        let mut id = None;
        loop {
            let line = self.line().await?;
            if let Some(text) = line.strip_prefix("id: ") {
                id = Some(text.to_owned());
            }
            if let Some(data) = line.strip_prefix("data: ") {
                return Some((id.expect("an id before the data"), serde_json::from_str(data).unwrap()));
            }
        }
    }

    /// The next event's type.
    async fn event_type(&mut self) -> Option<String> {
        Some(self.event().await?.1["event_type"].as_str().unwrap().to_owned())
    }
}
