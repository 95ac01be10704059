//! Operations on webhooks.

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::call::Call;
use super::outcome::{Failure, Nothing, no_webhook, response};
use super::parameter::{Parameter, Wrong};
use super::request::request;
use super::shape::Shape;
use crate::model::{
    ApiError, Delivery, EventChoice, EventSubject, EventType, Timestamp, Webhook, WebhookId, WebhookSecret,
};
use crate::store::StoreError;

/// Most webhooks: each has a task, a connection, and a place in the log that keeps events from being forgotten.
const MOST: usize = 32;
/// Longest URL, in bytes.
const LONGEST_URL: usize = 2048;

request! {
    /// Makes a webhook: events are posted to its URL from now on, signed with its secret.
    pub(super) struct CreateWebhook {
        /// Where events go: `https://…`, or `http://…` within your own network.
        url: String,
        /// Only events of these types; left out or `*`: all.
        event_types: Option<Vec<Wanted>>,
    }
}

request! {
    /// Tells of a webhook: its secret, and how sending goes.
    pub(super) struct GetWebhook {
        /// Which.
        webhook_id: WebhookId,
    }
}

request! {
    /// Lists webhooks.
    pub(super) struct ListWebhooks {}
}

request! {
    /// Changes which events a webhook gets from now on. One that waits after failures is tried again at once.
    pub(super) struct UpdateWebhook {
        /// Which.
        webhook_id: WebhookId,
        /// Only events of these types; `*`: all.
        event_types: Vec<Wanted>,
    }
}

request! {
    /// Deletes a webhook: nothing more is sent to it.
    pub(super) struct DeleteWebhook {
        /// Which.
        webhook_id: WebhookId,
    }
}

response!(OneWebhook { webhook: WebhookResource });
response!(Webhooks { webhooks: Vec<WebhookResource> });

pub(super) fn create(call: &mut Call<'_, '_>, asked: CreateWebhook) -> Result<OneWebhook, Failure> {
    let url = check_url(asked.url);
    let events = choice("event_types", asked.event_types.as_deref());
    let (url, events) = ApiError::both(url, events)?;
    if call.webhooks()?.len() >= MOST {
        let message = format!("there are {MOST} webhooks, and no more can be made: delete one first");
        return Err(ApiError::new("too_many_webhooks", message).into());
    }
    let secret = WebhookSecret::generate(call.rng());
    let (webhook_id, created_at) = (call.id(), call.now());
    let webhook = Webhook { webhook_id, url, events, secret, created_at, delivery: Delivery::default() };
    // Before there is one that would be told of itself.
    tell(call, EventType::WebhookCreated, webhook_id)?;
    call.insert_webhook(&webhook)?;
    Ok(OneWebhook { webhook: WebhookResource::new(&webhook) })
}

pub(super) fn get(call: &mut Call<'_, '_>, asked: GetWebhook) -> Result<OneWebhook, Failure> {
    let webhook = call.webhook(asked.webhook_id)?.ok_or_else(no_webhook)?;
    Ok(OneWebhook { webhook: WebhookResource::new(&webhook) })
}

pub(super) fn list(call: &mut Call<'_, '_>, _: ListWebhooks) -> Result<Webhooks, Failure> {
    Ok(Webhooks { webhooks: call.webhooks()?.iter().map(WebhookResource::new).collect() })
}

pub(super) fn update(call: &mut Call<'_, '_>, asked: UpdateWebhook) -> Result<Nothing, Failure> {
    let events = choice("event_types", Some(&asked.event_types))?;
    let webhook = call.webhook(asked.webhook_id)?.ok_or_else(no_webhook)?;
    call.change_webhook(&webhook, &events)?;
    tell(call, EventType::WebhookChanged, webhook.webhook_id)?;
    Ok(Nothing {})
}

pub(super) fn delete(call: &mut Call<'_, '_>, asked: DeleteWebhook) -> Result<Nothing, Failure> {
    let webhook = call.webhook(asked.webhook_id)?.ok_or_else(no_webhook)?;
    call.delete_webhook(webhook.webhook_id)?;
    tell(call, EventType::WebhookDeleted, webhook.webhook_id)?;
    Ok(Nothing {})
}

fn tell(call: &mut Call<'_, '_>, event: EventType, id: WebhookId) -> Result<(), StoreError> {
    call.emit(event, EventSubject::default(), Map::from_iter([("webhook_id".to_owned(), json!(id))]))
}

/// An event type that a webhook wants, or all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Every,
    One(EventType),
}

/// As Seam writes "every event".
const EVERY: &str = "*";

impl Parameter for Wanted {
    fn read(value: Value) -> Result<Self, Wrong> {
        if value == EVERY { Ok(Self::Every) } else { EventType::read(value).map(Self::One) }
    }

    fn shape() -> Shape {
        Shape::Text
    }

    fn schema() -> Value {
        let names = EventType::ALL.iter().map(|event| event.name());
        json!({"type": "string", "enum": std::iter::once(EVERY).chain(names).collect::<Vec<_>>()})
    }
}

fn choice(field: &str, wanted: Option<&[Wanted]>) -> Result<EventChoice, ApiError> {
    let Some(wanted) = wanted else { return Ok(EventChoice::All) };
    let mut types: Vec<EventType> = Vec::new();
    for wanted in wanted {
        match wanted {
            Wanted::Every => return Ok(EventChoice::All),
            Wanted::One(event_type) if types.contains(event_type) => {}
            Wanted::One(event_type) => types.push(*event_type),
        }
    }
    if types.is_empty() {
        return Err(ApiError::invalid(field, "give at least one, or \"*\" for all"));
    }
    Ok(EventChoice::Only(types))
}

/// Takes `http://` and `https://` URLs with a host. No user name or password: the signature says who sends, and a
/// password would be shown wherever the URL is.
fn check_url(url: String) -> Result<String, ApiError> {
    let refuse = |message: &str| Err(ApiError::invalid("url", message));
    let lower = url.to_ascii_lowercase();
    let Some(rest) = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://")) else {
        return refuse("expected a URL that begins with https:// or http://");
    };
    if url.len() > LONGEST_URL {
        return refuse("expected at most 2048 bytes");
    }
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return refuse("expected ASCII without spaces: write other characters as %XX, and hosts as xn--…");
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return refuse("must hold no user name and no password: what is sent is signed instead");
    }
    // The brackets of an IPv6 address hold colons of their own.
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    if host.is_empty() {
        return refuse("has no host");
    }
    if port.is_some_and(|port| !port.parse::<u16>().is_ok_and(|port| port > 0)) {
        return refuse("has a wrong port: expected 1 to 65535");
    }
    Ok(url)
}

/// A webhook as Seam writes it, and how sending goes.
#[derive(Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(super) struct WebhookResource {
    webhook_id: WebhookId,
    url: String,
    /// `*`: all.
    event_types: Vec<&'static str>,
    /// What deliveries are signed with.
    secret: String,
    created_at: Timestamp,
    /// When an event was last taken.
    last_delivered_at: Option<Timestamp>,
    last_failed_at: Option<Timestamp>,
    /// Why, in plain words.
    last_failure: Option<String>,
    /// Attempts that failed in a row; 0: all is well.
    failed_attempts: u32,
    /// When the next attempt is made.
    next_attempt_at: Option<Timestamp>,
    /// Events that were given up, over all its life.
    events_given_up: u64,
}

impl WebhookResource {
    fn new(webhook: &Webhook) -> Self {
        let delivery = &webhook.delivery;
        let failure = delivery.last_failure.as_ref();
        Self {
            webhook_id: webhook.webhook_id,
            url: webhook.url.clone(),
            event_types: match &webhook.events {
                EventChoice::All => vec![EVERY],
                EventChoice::Only(types) => types.iter().map(|event_type| event_type.name()).collect(),
            },
            secret: webhook.secret.expose_text(),
            created_at: webhook.created_at,
            last_delivered_at: delivery.last_delivered_at,
            last_failed_at: failure.map(|failure| failure.at),
            last_failure: failure.map(|failure| failure.reason.clone()),
            failed_attempts: delivery.failures,
            next_attempt_at: delivery.next_attempt_at,
            events_given_up: delivery.given_up,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_as_they_are_or_refused_with_what_would_be_right() {
        for good in [
            "https://example.com/hooks?token=a%20b",
            "http://192.168.1.2:8080",
            "HTTP://localhost/",
            "http://[::1]:9000/x:y",
            "http://[fe80::1]/",
        ] {
            assert_eq!(check_url(good.to_owned()).unwrap(), good);
        }
        for (bad, why) in [
            ("ftp://example.com", "begins with"),
            ("example.com", "begins with"),
            ("https://", "no host"),
            ("https://:80/", "no host"),
            ("https://user:password@example.com/", "no password"),
            ("https://example.com:0/", "wrong port"),
            ("https://example.com:http/", "wrong port"),
            ("https://example.com/a b", "spaces"),
            ("https://exämple.com/", "xn--"),
        ] {
            let error = check_url(bad.to_owned()).unwrap_err();
            assert!(error.message.contains(why), "{bad}: {error}");
            assert!(!error.message.contains("password@"), "{error}");
        }
    }
}
