//! Connections: how many there may be, how long they may keep us waiting, and how they end.

use std::sync::Arc;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use super::Limits;
use super::patience::Patient;

/// Speaks with everybody who connects, until `stop` turns true; then with those who are being answered, for a while.
pub(super) async fn serve(listener: TcpListener, limits: Limits, router: Router, stop: watch::Receiver<bool>) {
    let mut stopped = stop.clone();
    let room = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            (stream, permit) = next(&listener, &limits, &room) => {
                let (router, stop) = (router.clone(), stop.clone());
                connections.spawn(async move {
                    speak(stream, &limits, router, stop).await;
                    drop(permit);
                });
            }
            Some(_) = connections.join_next() => {}
            _ = stopped.wait_for(|stop| *stop) => break,
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.stop_within, all).await.is_err() {
        tracing::debug!("a client did not take its answer in time: cut off");
    }
    connections.shutdown().await;
}

/// The next connection, once there is room for it; until then it waits in the system's queue.
async fn next(listener: &TcpListener, limits: &Limits, room: &Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
    loop {
        let accepted = match Arc::clone(room).acquire_owned().await {
            Ok(permit) => listener.accept().await.map(|(stream, _)| (stream, permit)),
            // Never closed.
            Err(_) => std::future::pending().await,
        };
        match accepted {
            Ok(accepted) => return accepted,
            // Who connected is gone again, or the system has no files left, which passes.
            Err(error) => {
                tracing::warn!("can't take a connection: {error}");
                tokio::time::sleep(limits.accept_retry).await;
            }
        }
    }
}

async fn speak(stream: TcpStream, limits: &Limits, router: Router, mut stop: watch::Receiver<bool>) {
    // Answers are short and go out at once; where that can't be had they are a little later.
    let _ = stream.set_nodelay(true);
    let stream = TokioIo::new(Patient::new(stream, limits.write_within));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // Also how long a connection may be idle between two requests.
        .header_read_timeout(limits.header_within)
        .max_buf_size(limits.header_size)
        .serve_connection(stream, TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        _ = stop.wait_for(|stop| *stop) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection ended: {error}");
    }
}
