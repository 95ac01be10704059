//! How those who sleep until a time of the wall clock are woken when it is moved.

use std::future::pending;

use tokio::sync::watch;

use crate::faults::{self, Fault};

/// Rung when the wall clock was moved, or its trust has changed.
#[derive(Debug)]
pub struct Bell(watch::Sender<()>);

impl Default for Bell {
    fn default() -> Self {
        Self(watch::Sender::new(()))
    }
}

impl Bell {
    /// Wakes all who listen.
    pub fn ring(&self) {
        if faults::is(Fault::MoveUnheard) {
            return;
        }
        self.0.send_replace(());
    }

    /// Whether anybody listens.
    pub fn is_heard(&self) -> bool {
        self.0.receiver_count() > 0
    }

    /// Listens from now on.
    pub fn listen(&self) -> Moves {
        Moves(Some(self.0.subscribe()))
    }
}

/// An ear for the [`Bell`].
#[derive(Debug, Clone)]
pub struct Moves(Option<watch::Receiver<()>>);

impl Moves {
    /// Of a clock that nobody moves.
    pub fn never() -> Self {
        Self(None)
    }

    /// Waits for the next; several that were not waited for are one. May be broken off.
    pub async fn next(&mut self) {
        // A bell that is gone rings no more.
        let rang = match &mut self.0 {
            Some(rings) => rings.changed().await.is_ok(),
            None => false,
        };
        if !rang {
            pending().await
        }
    }
}
