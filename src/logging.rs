//! The log: to stderr, or to the journal when systemd listens there.

mod journal;

use std::io::IsTerminal;
use std::os::unix::fs::MetadataExt;

use tracing_subscriber::Registry;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer, SubscriberExt};

use journal::Journal;

/// Why the log can't be started.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The filter is not one.
    #[error(
        "{from}: {reason}. Right would be a level such as \"debug\", or levels by module: \"info,keyway::mqtt=trace\""
    )]
    Filter {
        /// Where it was given.
        from: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The log was started before.
    #[error("the log was started already")]
    Twice,
}

/// Starts the log for the whole process, and sends panics to it.
///
/// What passes is decided by `filter`, else by `RUST_LOG`, else by `default`.
///
/// # Errors
/// [`LoggingError`].
pub fn start(filter: Option<&str>, default: &str) -> Result<(), LoggingError> {
    let from_environment = std::env::var("RUST_LOG").ok().filter(|text| !text.is_empty());
    let (from, text) = match (filter, &from_environment) {
        (Some(text), _) => ("--log", text),
        (None, Some(text)) => ("RUST_LOG", text.as_str()),
        (None, None) => ("default", default),
    };
    let subscriber = Registry::default().with(output().with_filter(parse(from, text)?));
    // Not `init()`: that would also let in what other crates tell by the `log` crate, which may hold payloads.
    tracing::subscriber::set_global_default(subscriber).map_err(|_| LoggingError::Twice)?;
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.payload().downcast_ref::<&str>().copied();
        let message = message.or_else(|| panic.payload().downcast_ref::<String>().map(String::as_str));
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a bug, please report it: {}", message.unwrap_or("panic"));
    }));
    Ok(())
}

fn parse(from: &'static str, text: &str) -> Result<EnvFilter, LoggingError> {
    let wrong = |error: &dyn std::fmt::Display| LoggingError::Filter { from, reason: error.to_string() };
    // The demo's broker would tell of packets with all that is in them.
    let quiet = "rumqttd=off".parse().map_err(|error| wrong(&error))?;
    Ok(EnvFilter::try_new(text).map_err(|error| wrong(&error))?.add_directive(quiet))
}

type Output = Box<dyn Layer<Registry> + Send + Sync>;

fn output() -> Output {
    if stderr_is_the_journal()
        && let Ok(journal) = Journal::open()
    {
        return Box::new(journal);
    }
    Box::new(fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal()))
}

/// Whether `JOURNAL_STREAM` names our stderr (device:inode). A program started from a service by a person inherits the
/// variable, but not the stream.
fn stderr_is_the_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else { return false };
    std::fs::metadata("/proc/self/fd/2").is_ok_and(|stderr| stream == format!("{}:{}", stderr.dev(), stderr.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_filter_is_named_by_where_it_came_from() {
        let error = parse("--log", "keyway=loud").unwrap_err().to_string();
        assert!(error.starts_with("--log: "), "{error}");
        assert!(parse("--log", "info,keyway::mqtt=trace").is_ok());
    }
}
