//! The thin shell around a radio driver: it owns the port, finds it again, and moves bytes. It knows no protocol.

mod port;
mod reconnect;
mod stick;
mod wall;

pub use port::{Line, PortAddress};
pub use stick::{PersistRequest, Stick, StickHandle, StickReport};
