//! The HTTP client that carries events. The only file here that knows it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ureq::{Agent, Error};

/// A receiver has this long for all of it: its name, the connection, TLS, the answer.
const WITHIN: Duration = Duration::from_secs(15);
/// Of its answer, only the status counts. So much of the rest is read, so that the connection can be used again.
const READS_AT_MOST: u64 = 4096;
/// Its head may not be larger.
const HEAD_AT_MOST: usize = 16 * 1024;
/// Connections that are kept for the next event,
const KEPT: usize = 8;
/// for less than the five seconds after which many servers close them.
const KEPT_FOR: Duration = Duration::from_secs(4);

/// What is carried.
pub(super) struct Parcel {
    pub(super) url: String,
    /// The same at every attempt: by it a receiver knows what it has already.
    pub(super) id: String,
    /// Of this attempt, in seconds since 1970.
    pub(super) timestamp: i64,
    pub(super) signature: String,
    pub(super) body: String,
}

/// Why a receiver did not get it. Shown to people; never names the URL, which may hold a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NotTaken {
    /// It answered something else than yes.
    Status(u16),
    /// It sent us elsewhere, where we do not go: who is told of events is the host's to say.
    Redirected(u16),
    /// No answer in time.
    Late(Duration),
    /// Nobody knows its name.
    UnknownHost,
    /// No connection, or one that broke.
    Broken(String),
    /// TLS failed, most likely by its certificate.
    Tls(String),
    /// It does not speak HTTP.
    NotHttp,
    /// The client can't use the URL.
    Url,
    /// Anything else.
    Other,
}

impl fmt::Display for NotTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "it answered {status}"),
            Self::Redirected(status) => {
                write!(f, "it answered {status}: redirects are not followed, make a webhook with the final URL")
            }
            Self::Late(limit) => write!(f, "it did not answer within {limit:?}"),
            Self::UnknownHost => write!(f, "its host name is not known here"),
            Self::Broken(reason) => write!(f, "no connection: {reason}"),
            Self::Tls(reason) => write!(f, "no secure connection: {reason}"),
            Self::NotHttp => write!(f, "what it answered is not HTTP"),
            Self::Url => write!(f, "its URL can't be used"),
            Self::Other => write!(f, "it could not be reached"),
        }
    }
}

/// Carries events, several at once.
#[derive(Clone)]
pub(super) struct Courier {
    agent: Arc<Agent>,
    within: Duration,
}

impl Courier {
    pub(super) fn new() -> Self {
        Self::with_limit(WITHIN)
    }

    /// One that gives receivers this long.
    pub(super) fn with_limit(within: Duration) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(within))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(HEAD_AT_MOST)
            .max_idle_connections(KEPT)
            .max_idle_age(KEPT_FOR)
            .proxy(None)
            .user_agent(concat!("keyway/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: Arc::new(config.into()), within }
    }

    /// Posts it; a status of 200 to 299 means that it was taken. On a thread of its own, so that nobody waits for a
    /// slow receiver but who carries to it. A caller that stops waiting does not stop it.
    pub(super) async fn post(&self, parcel: Parcel) -> Result<(), NotTaken> {
        let courier = self.clone();
        let posted = tokio::task::spawn_blocking(move || courier.post_blocking(&parcel));
        posted.await.unwrap_or(Err(NotTaken::Other))
    }

    fn post_blocking(&self, parcel: &Parcel) -> Result<(), NotTaken> {
        let request = self
            .agent
            .post(&parcel.url)
            .header("content-type", "application/json")
            .header("svix-id", &parcel.id)
            .header("svix-timestamp", parcel.timestamp.to_string())
            .header("svix-signature", &parcel.signature);
        let mut answer = request.send(&parcel.body).map_err(|error| self.reason(error))?;
        match answer.status().as_u16() {
            200..=299 => {
                // Whatever the rest of the answer is, the event was taken.
                let _ = answer.body_mut().with_config().limit(READS_AT_MOST).read_to_vec();
                Ok(())
            }
            status @ 300..=399 => Err(NotTaken::Redirected(status)),
            status => Err(NotTaken::Status(status)),
        }
    }

    fn reason(&self, error: Error) -> NotTaken {
        match error {
            Error::Timeout(_) => NotTaken::Late(self.within),
            Error::HostNotFound => NotTaken::UnknownHost,
            Error::Io(error) => NotTaken::Broken(error.to_string()),
            Error::ConnectionFailed => NotTaken::Broken("refused".to_owned()),
            Error::Tls(reason) => NotTaken::Tls(reason.to_owned()),
            Error::Rustls(error) => NotTaken::Tls(error.to_string()),
            Error::Protocol(_) | Error::LargeResponseHeader(..) => NotTaken::NotHttp,
            Error::BadUri(_) | Error::Http(_) => NotTaken::Url,
            _ => NotTaken::Other,
        }
    }
}
