//! The thin shell around a radio driver: it owns the port, finds it again, and moves bytes. It knows no protocol.

mod port;
mod reconnect;
mod stick;
mod wall;

pub use port::{Duplex, Line, OpenPort, Opening, PortAddress, Ports, SystemPorts};
pub use stick::{PersistRequest, Stick, StickHandle, StickReport};
