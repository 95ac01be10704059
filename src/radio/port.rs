//! Opening a stick's port, serial or TCP.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::str::FromStr;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_serial::{FlowControl, SerialPortBuilderExt};

/// A port that is open.
pub type OpenPort = Box<dyn Duplex>;

/// Reads and writes.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A port that is being opened.
pub type Opening<'a> = Pin<Box<dyn Future<Output = io::Result<OpenPort>> + Send + 'a>>;

/// Who opens ports: the system, or a simulation.
pub trait Ports: Send + Sync {
    /// Opens one. `attempt` counts those to which the stick did not answer.
    fn open<'a>(&'a self, address: &'a PortAddress, attempt: usize) -> Opening<'a>;
}

/// The ports of this machine.
#[derive(Debug, Clone, Copy)]
pub struct SystemPorts;

impl Ports for SystemPorts {
    fn open<'a>(&'a self, address: &'a PortAddress, attempt: usize) -> Opening<'a> {
        Box::pin(address.open(attempt))
    }
}

/// A TCP connection that takes longer than this is given up and tried again.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a stick is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortAddress {
    /// A serial device.
    Serial {
        /// Device path, best a stable one under `/dev/serial/by-id`.
        path: PathBuf,
        /// How to speak with it, the likeliest first: another is tried whenever the stick does not answer. Never empty.
        lines: Vec<Line>,
    },
    /// A stick behind TCP (ser2net, socat, a network coordinator).
    Tcp {
        /// `host:port`.
        address: String,
    },
}

/// How to speak with a serial device; always eight bits, no parity, one stop bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Bits a second.
    pub baud: u32,
    /// Whether each side holds the other back by RTS and CTS.
    pub hardware_flow_control: bool,
}

impl Line {
    /// What nearly every stick speaks.
    pub const USUAL: Self = Self { baud: 115_200, hardware_flow_control: false };
}

impl PortAddress {
    async fn open(&self, attempt: usize) -> io::Result<OpenPort> {
        match self {
            Self::Serial { path, lines } => {
                let line = lines.get(attempt % lines.len().max(1)).copied().unwrap_or(Line::USUAL);
                let flow = if line.hardware_flow_control { FlowControl::Hardware } else { FlowControl::None };
                let port = tokio_serial::new(path.to_string_lossy(), line.baud).flow_control(flow);
                Ok(Box::new(port.open_native_async()?))
            }
            Self::Tcp { address } => {
                let stream = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address))
                    .await
                    .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no answer within 5 s"))??;
                // Frames are short and each waits for its answer: holding them back only costs time.
                stream.set_nodelay(true)?;
                Ok(Box::new(PromptStream(stream)))
            }
        }
    }

    /// Whether there is another way to speak with it, should the stick not answer.
    pub(super) fn has_another_way(&self) -> bool {
        matches!(self, Self::Serial { lines, .. } if lines.len() > 1)
    }

    /// What to do about a port that does not open, in plain words.
    pub(super) fn advice(&self, error: &io::Error) -> &'static str {
        match (self, error.kind()) {
            // The library gives the same kind for a port that is locked.
            (Self::Serial { path, .. }, io::ErrorKind::NotFound) if !path.exists() => {
                "is the stick plugged in? see `ls /dev/serial/by-id`"
            }
            (Self::Serial { .. }, io::ErrorKind::PermissionDenied) => {
                "the daemon's user must be in the group dialout, and no other program may hold the port"
            }
            (Self::Serial { .. }, _) => "does another program (Z-Wave JS, ModemManager) hold the port?",
            (Self::Tcp { .. }, _) => "is the program or coordinator behind it running and reachable?",
        }
    }
}

/// A TCP connection whose bytes are acknowledged as they come. The other side often holds the second of two short
/// writes (the ACK of a frame, and its answer) back until the first is acknowledged, which the system would else put off
/// by 40 ms: that is more than the rest of an exchange takes.
struct PromptStream(TcpStream);

impl AsyncRead for PromptStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.0).poll_read(cx, buf);
        // The system forgets it again and again. Where it knows no such thing, it is only slower.
        #[cfg(target_os = "linux")]
        let _ = self.0.set_quickack(true);
        read
    }
}

impl AsyncWrite for PromptStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl fmt::Display for PortAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serial { path, .. } => write!(f, "serial:{}", path.display()),
            Self::Tcp { address } => write!(f, "tcp://{address}"),
        }
    }
}

impl FromStr for PortAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const RIGHT: &str =
            "should be \"serial:/dev/serial/by-id/…\" (see `ls /dev/serial/by-id`) or \"tcp://host:port\"";
        if let Some(address) = text.strip_prefix("tcp://") {
            let (host, port) = address.rsplit_once(':').ok_or(RIGHT)?;
            if host.is_empty() || port.parse::<u16>().is_err() {
                return Err(RIGHT.to_owned());
            }
            return Ok(Self::Tcp { address: address.to_owned() });
        }
        match text.strip_prefix("serial:").unwrap_or(text) {
            path if path.starts_with('/') => Ok(Self::Serial { path: path.into(), lines: vec![Line::USUAL] }),
            _ => Err(RIGHT.to_owned()),
        }
    }
}
