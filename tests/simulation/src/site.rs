//! A stick with its locks, plugged into the machine or not.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keyway::radio::{OpenPort, Opening, PortAddress, Ports};
use keyway_virtual::faults::Garble;
use keyway_virtual::stick::VirtualOutput;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use crate::building::stick_name;
use crate::stick::AnyStick;
use crate::world::World;

/// Bytes that either side may be behind.
const LINE: usize = 64 * 1024;
/// More than any frame.
const READ_BUFFER: usize = 512;

/// A stick with its locks.
pub(crate) struct Site {
    pub(crate) name: String,
    pub(crate) stick: RefCell<AnyStick>,
    /// The doors of its locks.
    pub(crate) doors: Range<usize>,
    plugged: Arc<AtomicBool>,
    cut: Cell<bool>,
    garble: Cell<Garble>,
    /// Something was done to it.
    touched: Notify,
}

impl Site {
    pub(crate) fn new(
        name: String,
        stick: AnyStick,
        doors: Range<usize>,
    ) -> (Self, Plug, mpsc::UnboundedReceiver<DuplexStream>) {
        let (connect, connected) = mpsc::unbounded_channel();
        let plugged = Arc::new(AtomicBool::new(true));
        let plug = Plug { plugged: Arc::clone(&plugged), connect };
        let (cut, garble) = (Cell::new(false), Cell::default());
        (
            Self { name, stick: RefCell::new(stick), doors, plugged, cut, garble, touched: Notify::new() },
            plug,
            connected,
        )
    }

    /// It is to be looked after: something was done to it.
    pub(crate) fn touch(&self) {
        self.touched.notify_one();
    }

    pub(crate) fn unplug(&self) {
        self.plugged.store(false, Ordering::Relaxed);
        self.cut.set(true);
        self.touch();
    }

    pub(crate) fn plug_in(&self) {
        self.plugged.store(true, Ordering::Relaxed);
    }

    /// Every n-th byte is spoilt; 0: none.
    pub(crate) fn garble(&self, every: u64) {
        self.garble.set(Garble::every(every));
    }

    fn spoil(&self, bytes: &mut [u8]) {
        let mut garble = self.garble.get();
        garble.apply(bytes);
        self.garble.set(garble);
    }

    /// What the stick has to say, and when it wants to be woken.
    fn drain(&self) -> (Vec<u8>, Option<Instant>) {
        let (mut said, mut stick) = (Vec::new(), self.stick.borrow_mut());
        loop {
            match stick.port().poll_output() {
                VirtualOutput::Transmit(mut bytes) => {
                    self.spoil(&mut bytes);
                    said.extend(bytes);
                }
                VirtualOutput::Timeout(at) => return (said, at.map(Instant::from_std)),
            }
        }
    }
}

/// Carries bytes between a stick and whoever opened its port, for ever.
pub(crate) async fn run(world: &World, site: usize, mut connected: mpsc::UnboundedReceiver<DuplexStream>) {
    let this = &world.sites[site];
    let mut port: Option<DuplexStream> = None;
    let mut buffer = [0; READ_BUFFER];
    loop {
        let (said, wake) = this.drain();
        if let Some(open) = port.as_mut().filter(|_| !said.is_empty())
            && open.write_all(&said).await.is_err()
        {
            port = None;
            this.stick.borrow_mut().port().handle_closed(now());
        }
        tokio::select! {
            biased;
            Some(open) = connected.recv() => {
                port = Some(open);
                this.stick.borrow_mut().port().handle_opened(now());
            }
            () = this.touched.notified() => {
                if this.cut.take() && port.take().is_some() {
                    this.stick.borrow_mut().port().handle_closed(now());
                }
            }
            read = read(&mut port, &mut buffer) => {
                if read == 0 {
                    port = None;
                    this.stick.borrow_mut().port().handle_closed(now());
                } else {
                    this.spoil(&mut buffer[..read]);
                    this.stick.borrow_mut().port().handle_bytes(now(), &buffer[..read]);
                }
            }
            () = sleep(wake) => this.stick.borrow_mut().port().handle_timeout(now()),
        }
        world.look_at_site(site);
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

/// Zero: the other side is gone.
async fn read(port: &mut Option<DuplexStream>, buffer: &mut [u8]) -> usize {
    match port {
        Some(port) => port.read(buffer).await.unwrap_or(0),
        None => std::future::pending().await,
    }
}

async fn sleep(until: Option<Instant>) {
    match until {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Where the machine finds a stick.
pub(crate) struct Plug {
    plugged: Arc<AtomicBool>,
    connect: mpsc::UnboundedSender<DuplexStream>,
}

/// The machine's ports.
pub(crate) struct Sockets(BTreeMap<String, Plug>);

impl Sockets {
    pub(crate) fn new(plugs: Vec<Plug>) -> Self {
        let named = |(number, plug)| (format!("tcp://{}:1", stick_name(number)), plug);
        Self(plugs.into_iter().enumerate().map(named).collect())
    }
}

impl Ports for Sockets {
    fn open<'a>(&'a self, address: &'a PortAddress, _attempt: usize) -> Opening<'a> {
        let gone = || std::io::Error::from(std::io::ErrorKind::NotFound);
        let plug = self.0.get(&address.to_string()).filter(|plug| plug.plugged.load(Ordering::Relaxed));
        let opened = plug.ok_or_else(gone).and_then(|plug| {
            let (ours, theirs) = tokio::io::duplex(LINE);
            plug.connect.send(theirs).map_err(|_| gone())?;
            Ok(Box::new(ours) as OpenPort)
        });
        Box::pin(std::future::ready(opened))
    }
}
