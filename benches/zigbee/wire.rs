//! The line between host and stick, and what goes over it when: EZSP frames, each in a DATA frame of ASH (UG101 section 4).

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use keyway_test_support::now;

const FLAG: u8 = 0x7E;
const ESCAPE: u8 = 0x7D;
const CANCEL: u8 = 0x1A;
/// Of a control byte: no DATA frame; one that is sent again.
const NO_DATA: u8 = 0x80;
const AGAIN: u8 = 0x08;

/// A frame that went over the line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) at: Instant,
    pub(crate) by_host: bool,
}

/// A line to a stick.
pub(crate) struct Wire {
    address: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Wire {
    /// To the stick at this address.
    pub(crate) fn to(stick: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let wire = Self { address: listener.local_addr()?.to_string(), seen: Arc::default() };
        let (stick, seen) = (stick.trim_start_matches("tcp://").to_owned(), Arc::clone(&wire.seen));
        std::thread::spawn(move || {
            for host in listener.incoming().flatten() {
                // A stick that is gone is seen by its host.
                let _ = connect(host, &stick, &seen);
            }
        });
        Ok(wire)
    }

    /// Where the host connects to.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// How many frames went over it so far.
    pub(crate) fn mark(&self) -> usize {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// What went over it since.
    pub(crate) fn since(&self, mark: usize) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).split_off(mark)
    }
}

fn connect(host: TcpStream, stick: &str, seen: &Arc<Mutex<Vec<Seen>>>) -> Result<()> {
    let stick = TcpStream::connect(stick)?;
    for side in [&host, &stick] {
        side.set_nodelay(true)?;
    }
    let ways = [(host.try_clone()?, stick.try_clone()?, true), (stick, host, false)];
    for (from, to, by_host) in ways {
        let seen = Arc::clone(seen);
        std::thread::spawn(move || {
            // Either side may hang up.
            let _ = carry(&from, &to, by_host, &seen);
            let _ = to.shutdown(Shutdown::Both);
        });
    }
    Ok(())
}

fn carry(mut from: &TcpStream, mut to: &TcpStream, by_host: bool, seen: &Mutex<Vec<Seen>>) -> Result<()> {
    let (mut buffer, mut frames) = ([0; 512], Frames::default());
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        let at = now();
        let whole = buffer[..count].iter().filter(|byte| frames.is_whole(**byte)).count();
        seen.lock().unwrap_or_else(PoisonError::into_inner).extend(vec![Seen { at, by_host }; whole]);
        to.write_all(&buffer[..count])?;
    }
}

/// Frames of ASH in a stream of bytes.
#[derive(Default)]
struct Frames {
    control: Option<u8>,
    escaped: bool,
}

impl Frames {
    /// Whether a DATA frame that was not there before ends with this byte.
    fn is_whole(&mut self, byte: u8) -> bool {
        match byte {
            FLAG => return self.control.take().is_some_and(|control| control & (NO_DATA | AGAIN) == 0),
            CANCEL => *self = Self::default(),
            ESCAPE => self.escaped = true,
            byte => {
                let plain = if std::mem::take(&mut self.escaped) { byte ^ 0x20 } else { byte };
                self.control.get_or_insert(plain);
            }
        }
        false
    }
}

/// What a code took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) commands: usize,
    pub(crate) answers: usize,
    /// From the first frame of the host to the last of the stick.
    pub(crate) took: Duration,
    /// Of that, what the host was on: from a frame of the stick to the host's next.
    pub(crate) own: Duration,
}

impl Cost {
    /// `None`: the host said nothing.
    pub(crate) fn of(seen: &[Seen]) -> Option<Self> {
        let first = seen.iter().position(|frame| frame.by_host)?;
        let seen = &seen[first..];
        let commands = seen.iter().filter(|frame| frame.by_host).count();
        let last = seen.iter().rfind(|frame| !frame.by_host)?;
        let turns = seen.windows(2).filter(|pair| !pair[0].by_host && pair[1].by_host);
        let own = turns.map(|pair| pair[1].at - pair[0].at).sum();
        Some(Self { commands, answers: seen.len() - commands, took: last.at - seen[0].at, own })
    }
}
