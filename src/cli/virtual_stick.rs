//! `keyway virtual-stick`: a stick with locks that exist only in software, for a hub to connect to over TCP.
//!
//! One hub at a time; another waits until it is gone. The control port is for hands at the doors and for faults.

use std::future::pending;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use keyway_virtual::faults::Garble;
use keyway_virtual::stick::{Stick, StickFault, VirtualOutput};
use keyway_virtual::{zigbee, zwave};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

use super::say;
use crate::clock::{self, Clock, SystemClock};

/// More than any frame; a read brings what is there.
const READ_BUFFER: usize = 512;
/// Bytes that a hub may leave unread.
const MAX_WAITING: usize = 64 * 1024;
/// Longest line on the control port.
const MAX_LINE: u64 = 64 * 1024;
/// Requests on the control port that wait for the stick.
const MAX_REQUESTS: usize = 16;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Where the hub connects to; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:6638")]
    listen: SocketAddr,
    /// Where the locks are handled: one JSON object a line. It shows codes and opens doors to whoever connects.
    #[arg(long, value_name = "ADDRESS:PORT")]
    control: Option<SocketAddr>,
    /// Z-Wave (Serial API) or Zigbee.
    #[arg(long, value_enum, default_value_t = Radio::Zwave)]
    radio: Radio,
    /// What a Zigbee stick speaks, whatever its setup says: EZSP (Silicon Labs) or ZNP (Texas Instruments).
    #[arg(long, value_enum)]
    adapter: Option<Adapter>,
    /// Where the stick keeps what it keeps without power, over the end of this program too; of ZNP only.
    #[arg(long, value_name = "FILE")]
    memory: Option<PathBuf>,
    /// The stick and its locks, as JSON; without it, three locks: of Z-Wave in a network with keys that everybody knows, of
    /// Zigbee fresh from their boxes.
    #[arg(long, value_name = "FILE")]
    setup: Option<PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Radio {
    Zwave,
    Zigbee,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Adapter {
    Ezsp,
    Znp,
}

/// Serves until the process is stopped.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let stick = stick(arguments)?;
    let memory = arguments.memory.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    runtime.block_on(async {
        let server = Server::bind(arguments.listen, arguments.control, stick).await?.keeping_in(memory);
        say(json!({"listening": server.listening()?, "control": server.controlled()?}));
        server.serve().await
    })
}

/// Makes a stick at an instant, from this entropy.
pub(super) type MakeStick = Box<dyn FnOnce(Instant, [u8; 32]) -> Box<dyn Stick>>;

fn stick(arguments: &Arguments) -> anyhow::Result<MakeStick> {
    let text = match &arguments.setup {
        Some(path) => Some(std::fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?),
        None => None,
    };
    let of_file = || arguments.setup.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
    match arguments.radio {
        Radio::Zwave if arguments.adapter.is_some() || arguments.memory.is_some() => {
            anyhow::bail!("--adapter and --memory are of --radio zigbee")
        }
        Radio::Zwave => {
            let setup = text.map_or_else(|| Ok(zwave::demo_setup()), |text| zwave::StickSetup::from_json(&text));
            setup.map(zwave_stick).with_context(of_file)
        }
        Radio::Zigbee => {
            let setup = text.map_or_else(|| Ok(zigbee::demo_setup()), |text| zigbee::StickSetup::from_json(&text));
            let mut setup = setup.with_context(of_file)?;
            match arguments.adapter {
                Some(Adapter::Ezsp) => setup.adapter = zigbee::Adapter::Ezsp,
                Some(Adapter::Znp) => setup.adapter = zigbee::Adapter::Znp,
                None => {}
            }
            if arguments.memory.is_some() && setup.adapter != zigbee::Adapter::Znp {
                anyhow::bail!("--memory is of --adapter znp")
            }
            setup.memory = arguments.memory.as_deref().map(kept).transpose()?.flatten();
            Ok(zigbee_stick(setup))
        }
    }
}

/// What a stick has kept in this file; `None`: there is none yet.
fn kept(path: &Path) -> anyhow::Result<Option<zigbee::Memory>> {
    match std::fs::read_to_string(path) {
        Ok(text) => zigbee::Memory::from_json(&text).map(Some).with_context(|| path.display().to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("can't read {}", path.display())),
    }
}

pub(super) fn zwave_stick(setup: zwave::StickSetup) -> MakeStick {
    Box::new(|now, entropy| Box::new(zwave::VirtualStick::new(now, setup, entropy)))
}

pub(super) fn zigbee_stick(setup: zigbee::StickSetup) -> MakeStick {
    Box::new(move |now, entropy| Box::new(zigbee::VirtualStick::new(now, &setup, entropy)))
}

/// A virtual stick on its ports.
pub(super) struct Server {
    stick: Box<dyn Stick>,
    clock: SystemClock,
    hubs: TcpListener,
    controls: Option<TcpListener>,
    hub: Option<Hub>,
    faults: Faults,
    memory: Option<PathBuf>,
}

/// A line of the control port, and where its answer goes.
type Request = (String, oneshot::Sender<String>);

/// The hub that is connected.
struct Hub {
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    /// Bytes it has not taken yet.
    waiting: Vec<u8>,
}

/// Bits flipped on the way, either way.
#[derive(Default)]
struct Faults {
    from_hub: Garble,
    to_hub: Garble,
}

enum Happened {
    Connected(TcpStream),
    Read(usize),
    Wrote(usize),
    HungUp,
    Asked(Request),
    Timeout,
}

impl Server {
    /// Takes the ports, and makes the stick.
    pub(super) async fn bind(listen: SocketAddr, control: Option<SocketAddr>, make: MakeStick) -> anyhow::Result<Self> {
        let bind = async |address: SocketAddr| {
            TcpListener::bind(address).await.with_context(|| format!("can't listen on {address}"))
        };
        let mut entropy = [0; 32];
        clock::entropy(&mut entropy).context("no randomness")?;
        let clock = SystemClock::default();
        let stick = make(clock.now().mono, entropy);
        let controls = match control {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        let (hubs, faults) = (bind(listen).await?, Faults::default());
        Ok(Self { stick, clock, hubs, controls, hub: None, faults, memory: None })
    }

    /// The stick's memory is kept in this file.
    fn keeping_in(self, memory: Option<PathBuf>) -> Self {
        Self { memory, ..self }
    }

    /// Where the hub connects to.
    pub(super) fn listening(&self) -> std::io::Result<SocketAddr> {
        self.hubs.local_addr()
    }

    /// Where the locks are handled.
    pub(super) fn controlled(&self) -> std::io::Result<Option<SocketAddr>> {
        self.controls.as_ref().map(TcpListener::local_addr).transpose()
    }

    /// Serves until it is dropped.
    pub(super) async fn serve(mut self) -> anyhow::Result<()> {
        let (ask, mut asked) = mpsc::channel::<Request>(MAX_REQUESTS);
        if let Some(controls) = self.controls.take() {
            tokio::spawn(serve_controls(controls, ask.clone()));
        }
        let mut buffer = [0; READ_BUFFER];
        loop {
            self.keep_memory()?;
            let wake = self.drain();
            let happened = tokio::select! {
                happened = self.hubs.accept(), if self.hub.is_none() => {
                    Happened::Connected(happened.context("can't accept hubs any more")?.0)
                }
                happened = exchange(&mut self.hub, &mut buffer) => happened,
                () = wait(wake) => Happened::Timeout,
                Some(request) = asked.recv() => Happened::Asked(request),
            };
            self.handle(happened, &mut buffer);
        }
    }

    fn handle(&mut self, happened: Happened, buffer: &mut [u8]) {
        let now = self.clock.now().mono;
        match happened {
            Happened::Connected(stream) => {
                // Small frames both ways: none may wait for the next.
                let _ = stream.set_nodelay(true);
                let (from, to) = stream.into_split();
                self.hub = Some(Hub { from, to, waiting: Vec::new() });
                self.stick.handle_opened(now);
            }
            Happened::Read(count) => {
                let bytes = buffer.get_mut(..count).unwrap_or_default();
                self.faults.from_hub.apply(bytes);
                self.stick.handle_bytes(now, bytes);
            }
            Happened::Wrote(count) => {
                if let Some(hub) = &mut self.hub {
                    hub.waiting.drain(..count);
                }
            }
            Happened::HungUp => self.hang_up(now),
            Happened::Asked((line, answer)) => {
                let control = self.stick.handle_control(now, &line);
                // Whoever asked may be gone.
                let _ = answer.send(control.answer.to_string());
                match control.fault {
                    Some(StickFault::GarbleEvery(every)) => {
                        self.faults = Faults { from_hub: Garble::every(every), to_hub: Garble::every(every) };
                    }
                    Some(StickFault::Disconnect) => self.hang_up(now),
                    None => {}
                }
            }
            Happened::Timeout => self.stick.handle_timeout(now),
        }
    }

    /// Before what depends on it is said.
    fn keep_memory(&mut self) -> anyhow::Result<()> {
        let Some(path) = &self.memory else { return Ok(()) };
        match self.stick.take_memory() {
            Some(memory) => std::fs::write(path, memory)
                .with_context(|| format!("can't write the stick's memory to {}", path.display())),
            None => Ok(()),
        }
    }

    fn hang_up(&mut self, now: Instant) {
        self.hub = None;
        self.stick.handle_closed(now);
    }

    /// Hands the stick's bytes to the hub; tells when the stick wants to be woken.
    fn drain(&mut self) -> Option<Instant> {
        loop {
            match self.stick.poll_output() {
                VirtualOutput::Transmit(mut bytes) => {
                    self.faults.to_hub.apply(&mut bytes);
                    // A hub that reads nothing loses what a real stick could not keep for it either.
                    if let Some(hub) = self.hub.as_mut().filter(|hub| hub.waiting.len() < MAX_WAITING) {
                        hub.waiting.extend(bytes);
                    }
                }
                VirtualOutput::Timeout(at) => return at,
            }
        }
    }
}

/// The next thing that the hub's connection does; never, while there is none.
async fn exchange(hub: &mut Option<Hub>, buffer: &mut [u8]) -> Happened {
    let Some(Hub { from, to, waiting }) = hub else { return pending().await };
    let write = async { if waiting.is_empty() { pending().await } else { to.write(waiting).await } };
    tokio::select! {
        read = from.read(buffer) => match read {
            Ok(count @ 1..) => Happened::Read(count),
            Ok(0) | Err(_) => Happened::HungUp,
        },
        wrote = write => wrote.map_or(Happened::HungUp, Happened::Wrote),
    }
}

async fn wait(until: Option<Instant>) {
    match until {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => pending().await,
    }
}

async fn serve_controls(listener: TcpListener, ask: mpsc::Sender<Request>) {
    // An error here is of one connection that was gone before it was taken.
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve_control(stream, ask.clone()));
        }
    }
}

async fn serve_control(stream: TcpStream, ask: mpsc::Sender<Request>) {
    let (from, mut to) = stream.into_split();
    let mut from = BufReader::new(from);
    loop {
        let mut line = String::new();
        // A line that is longer than allowed ends there, and then is no JSON.
        match (&mut from).take(MAX_LINE).read_line(&mut line).await {
            Ok(1..) => {}
            Ok(0) | Err(_) => return,
        }
        let (answer, answered) = oneshot::channel();
        if ask.send((line, answer)).await.is_err() {
            return;
        }
        let Ok(answer) = answered.await else { return };
        if to.write_all(format!("{answer}\n").as_bytes()).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, Read, Write};

    use serde_json::Value;

    use super::*;

    /// A stick on free ports, in a thread of its own: where the hub and where the hands connect to.
    fn served() -> (SocketAddr, SocketAddr) {
        served_by(|| zwave_stick(zwave::demo_setup()), None)
    }

    fn served_by(
        stick: impl FnOnce() -> MakeStick + Send + 'static,
        memory: Option<PathBuf>,
    ) -> (SocketAddr, SocketAddr) {
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let any = SocketAddr::from(([127, 0, 0, 1], 0));
                let server = Server::bind(any, Some(any), stick()).await.unwrap().keeping_in(memory);
                tell.send((server.listening().unwrap(), server.controlled().unwrap().unwrap())).unwrap();
                server.serve().await.unwrap();
            });
        });
        told.recv().unwrap()
    }

    fn ask_version(hub: &mut std::net::TcpStream) -> Vec<u8> {
        hub.write_all(&[0x01, 0x03, 0x00, 0x15, 0xE9]).unwrap();
        let mut answer = vec![0; 19];
        hub.read_exact(&mut answer).unwrap();
        hub.write_all(&[0x06]).unwrap();
        answer
    }

    fn order(control: SocketAddr, order: &str) -> Value {
        let mut stream = std::net::TcpStream::connect(control).unwrap();
        writeln!(stream, "{order}").unwrap();
        let mut line = String::new();
        std::io::BufReader::new(stream).read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    #[test]
    fn a_hub_is_served_again_after_it_was_cut_off() {
        let (listening, control) = served();
        let mut hub = std::net::TcpStream::connect(listening).unwrap();
        assert_eq!(ask_version(&mut hub)[..5], [0x06, 0x01, 0x10, 0x01, 0x15]);
        assert_eq!(order(control, r#"{"stick":{"disconnect":true}}"#)["ok"], true);
        assert_eq!(hub.read(&mut [0; 9]).unwrap(), 0);
        let mut hub = std::net::TcpStream::connect(listening).unwrap();
        assert_eq!(ask_version(&mut hub)[0], 0x06);
    }

    #[test]
    fn bytes_are_garbled_when_asked_for() {
        let (listening, control) = served();
        order(control, r#"{"stick":{"garble_every":5}}"#);
        let mut hub = std::net::TcpStream::connect(listening).unwrap();
        hub.write_all(&[0x01, 0x03, 0x00, 0x15, 0xE9]).unwrap();
        let mut answer = [0; 1];
        hub.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [0x15], "not acknowledged: the checksum came in wrong");
    }

    #[test]
    fn what_a_stick_keeps_is_in_its_file_before_it_says_that_it_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("memory.json");
        assert!(kept(&file).unwrap().is_none(), "a stick fresh from its maker");
        let setup = zigbee::StickSetup { adapter: zigbee::Adapter::Znp, ..zigbee::demo_setup() };
        let (listening, _) = served_by(|| zigbee_stick(setup), Some(file.clone()));
        let mut hub = std::net::TcpStream::connect(listening).unwrap();
        // Item 0x0060 is made, with one byte in it.
        hub.write_all(&[0xFE, 0x06, 0x21, 0x07, 0x60, 0x00, 0x01, 0x00, 0x01, 0x55, 0x15]).unwrap();
        let mut answer = [0; 6];
        hub.read_exact(&mut answer).unwrap();
        assert_eq!(answer[..5], [0xFE, 0x01, 0x61, 0x07, 0x09]);
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(r#""96":[85]"#), "{text}");
        assert!(kept(&file).unwrap().is_some());
        std::fs::write(&file, "hello").unwrap();
        assert!(kept(&file).is_err());
    }

    #[test]
    fn the_state_has_the_locks_and_nonsense_is_answered_too() {
        let (_, control) = served();
        let state = order(control, r#"{"get":"state"}"#);
        assert_eq!(state["locks"].as_array().map(Vec::len), Some(3));
        assert_eq!(order(control, "hello")["ok"], false);
    }
}
