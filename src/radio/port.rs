//! Opening a stick's port, serial or TCP.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_serial::SerialPortBuilderExt;

/// A port that is open.
pub(super) type OpenPort = Box<dyn Duplex>;

/// Reads and writes.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A TCP connection that takes longer than this is given up and tried again.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a stick is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortAddress {
    /// A serial device and its speed.
    Serial {
        /// Device path, best a stable one under `/dev/serial/by-id`.
        path: PathBuf,
        /// Bits a second.
        baud: u32,
    },
    /// A stick behind TCP (ser2net, socat, a network coordinator).
    Tcp {
        /// `host:port`.
        address: String,
    },
}

impl PortAddress {
    pub(super) async fn open(&self) -> io::Result<OpenPort> {
        match self {
            Self::Serial { path, baud } => {
                let port = tokio_serial::new(path.to_string_lossy(), *baud).open_native_async()?;
                Ok(Box::new(port))
            }
            Self::Tcp { address } => {
                let stream = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address))
                    .await
                    .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no answer within 5 s"))??;
                // Frames are short and each waits for its answer: holding them back only costs time.
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
        }
    }

    /// What to do about a port that does not open, in plain words.
    pub(super) fn advice(&self, error: &io::Error) -> &'static str {
        match (self, error.kind()) {
            (Self::Serial { .. }, io::ErrorKind::NotFound) => "is the stick plugged in? see `ls /dev/serial/by-id`",
            (Self::Serial { .. }, io::ErrorKind::PermissionDenied) => {
                "the daemon's user must be in the group dialout, and no other program may hold the port"
            }
            (Self::Serial { .. }, _) => "does another program (Z-Wave JS, ModemManager) hold the port?",
            (Self::Tcp { .. }, _) => "is the program or coordinator behind it running and reachable?",
        }
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
            path if path.starts_with('/') => Ok(Self::Serial { path: path.into(), baud: 115_200 }),
            _ => Err(RIGHT.to_owned()),
        }
    }
}
