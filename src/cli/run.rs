//! `keyway run`: the daemon.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::config::{Config, ConfigError, DEFAULT_PATH};
use crate::daemon::DaemonError;
use crate::{daemon, logging};

/// What is not stopped by then is left: everything that matters is on disk already.
const STOP_WITHIN: Duration = Duration::from_millis(1900);

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The configuration file; config/keyway.toml in the sources explains every key.
    #[arg(long, value_name = "FILE", default_value = DEFAULT_PATH)]
    config: PathBuf,
    /// What to log: a level (error, warn, info, debug, trace), or levels by module: `info,keyway::mqtt=debug`.
    /// Without it, the environment's RUST_LOG is taken, else `info`.
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let config = Config::read(&arguments.config)?;
    logging::start(arguments.log.as_deref(), "info")?;
    let (stop, stopped) = watch::channel(false);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(async {
        tokio::spawn(stop_on_signal(stop)?);
        Ok(daemon::run(config, stopped).await?)
    });
    // Not to wait for a name that is being looked up.
    runtime.shutdown_background();
    outcome
}

/// What to end with: a service manager need not try again what only a person can mend (`EX_CONFIG` of sysexits.h).
pub(super) fn exit_code(error: &anyhow::Error) -> ExitCode {
    let of_daemon = error.downcast_ref().is_some_and(DaemonError::needs_a_person);
    if of_daemon || error.is::<ConfigError>() { ExitCode::from(78) } else { ExitCode::FAILURE }
}

/// Turns `stop` true at the first SIGTERM or Ctrl-C; the second ends the process at once.
fn stop_on_signal(stop: watch::Sender<bool>) -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        let mut next = async || {
            tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "Ctrl-C",
            }
        };
        let signal = next().await;
        tracing::info!("{signal}: stopping");
        std::thread::spawn(|| {
            std::thread::sleep(STOP_WITHIN);
            tracing::warn!("could not stop in time: ended");
            std::process::exit(1);
        });
        stop.send_replace(true);
        next().await;
        std::process::exit(1);
    })
}
