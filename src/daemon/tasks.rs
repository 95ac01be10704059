//! The tasks of the daemon, watched over.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

/// The tasks get this long to end by themselves.
const STOP_WITHIN: Duration = Duration::from_millis(1300);

/// The tasks of the daemon, by name. None of them may end before it is told to.
pub(super) struct Tasks {
    set: JoinSet<()>,
    names: BTreeMap<tokio::task::Id, &'static str>,
    pub(super) stop: watch::Receiver<bool>,
}

impl Tasks {
    pub(super) fn new(stop: watch::Receiver<bool>) -> Self {
        Self { set: JoinSet::new(), names: BTreeMap::new(), stop }
    }

    /// Starts a task that ends by itself when `stop` turns true.
    pub(super) fn start(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let id = self.set.spawn(task).id();
        self.names.insert(id, name);
    }

    /// Starts a task that may be cut off anywhere, and is when `stop` turns true.
    pub(super) fn start_helper(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let mut stop = self.stop.clone();
        self.start(name, async move {
            tokio::select! {
                biased;
                () = task => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        });
    }

    /// Waits for one to end, whether by a panic or not: its name.
    pub(super) async fn next(&mut self) -> &'static str {
        let id = match self.set.join_next_with_id().await {
            Some(Ok((id, ()))) => id,
            Some(Err(error)) => error.id(),
            None => return std::future::pending().await,
        };
        self.names.get(&id).copied().unwrap_or("a task")
    }

    /// Waits for all to end; who does not is cut off, which costs nothing that is not on disk.
    pub(super) async fn end(mut self) {
        let all = async { while self.set.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_WITHIN, all).await.is_err() {
            tracing::debug!("a task did not end in time: cut off");
        }
        self.set.shutdown().await;
    }
}
