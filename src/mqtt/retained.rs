//! Retained state: what the hub, each device and each grant is now, for whoever comes later. No PIN in it.
//!
//! There may be a year of bookings. When the hub has come to its broker it tells of those that are on or near, and of the
//! others by and by, so that a start costs what is due; what changes is told at once, however far it is.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::companion::Companion;
use super::connection::{Link, Message, Publisher};
use super::topics::Topics;
use crate::hub::{Changes, GrantPlace, Hub, Sticks, StoreError};
use crate::model::{AccessGrantId, DeviceId, Timestamp};

/// How often the hub looks whether what it tells of itself has changed without the store (the next arrival).
const INFO_EVERY: Duration = Duration::from_secs(30);
/// How often it looks at what changes with time alone, such as a grant that is over.
const PASSED_EVERY: Duration = Duration::from_secs(600);
/// Grants that are read at once: others wait for the store.
const AT_ONCE: usize = 32;
/// How often so many of those that can wait are looked at.
const BY_AND_BY: Duration = Duration::from_secs(1);

/// What the status topic says while the hub is there.
const ONLINE: &str = "online";
/// What it says when it is not; also the last will.
pub(super) const OFFLINE: &str = "offline";

/// Keeps the broker's retained topics as the store is.
pub(super) struct Retained {
    hub: Hub,
    topics: Topics,
    publisher: Publisher,
    changes: broadcast::Receiver<Arc<Changes>>,
    sticks: watch::Receiver<Sticks>,
    networks: watch::Receiver<u64>,
    link: watch::Receiver<Link>,
    births: watch::Receiver<u64>,
    companion: Option<Arc<dyn Companion>>,
    /// What the broker holds of grants, as a digest of what was published,
    grants: BTreeMap<AccessGrantId, u64>,
    /// and of all else, by topic.
    shown: BTreeMap<String, u64>,
    /// Those that can wait: all behind this one,
    far: Option<GrantPlace>,
    /// and those of which it is not known whether the broker should hold them.
    unsure: BTreeSet<AccessGrantId>,
    /// When everything was looked at that changes with time.
    looked_at: Timestamp,
}

impl Retained {
    /// `births` counts the starts of the companion.
    pub(super) fn new(
        hub: Hub,
        topics: Topics,
        publisher: Publisher,
        link: watch::Receiver<Link>,
        births: watch::Receiver<u64>,
        companion: Option<Arc<dyn Companion>>,
    ) -> Self {
        let (changes, sticks, networks) = (hub.changes(), hub.sticks(), hub.pairing_changes());
        Self {
            looked_at: hub.time(),
            hub,
            topics,
            publisher,
            changes,
            sticks,
            networks,
            link,
            births,
            companion,
            grants: BTreeMap::new(),
            shown: BTreeMap::new(),
            far: None,
            unsure: BTreeSet::new(),
        }
    }

    /// Works until the connection's or the store's end. `kept` brings the topics that the broker had kept.
    pub(super) async fn run(mut self, mut kept: mpsc::Receiver<String>) {
        let mut shown_on = Link::Down;
        let (mut info, mut passed) = (interval(INFO_EVERY), interval(PASSED_EVERY));
        let mut by_and_by = interval(BY_AND_BY);
        by_and_by.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut moves = self.hub.clock_moves();
        loop {
            let link = *self.link.borrow_and_update();
            let outcome = if link.is_ready() && link != shown_on {
                shown_on = link;
                // The broker may have forgotten all, or be another one.
                self.shown.clear();
                self.grants.clear();
                self.everything().await
            } else {
                tokio::select! {
                    biased;
                    changed = self.link.changed() => if changed.is_err() { return } else { Ok(()) },
                    change = self.changes.recv() => match change {
                        Ok(changes) if link.is_ready() => match self.with_more(&changes) {
                            Some(changes) => self.changed(&changes).await,
                            None => {
                                shown_on = Link::Down;
                                Ok(())
                            }
                        },
                        Ok(_) => Ok(()),
                        Err(broadcast::error::RecvError::Lagged(_)) => {
                            shown_on = Link::Down;
                            Ok(())
                        }
                        Err(broadcast::error::RecvError::Closed) => return,
                    },
                    Ok(()) = self.sticks.changed(), if link.is_ready() => self.info().await,
                    Ok(()) = self.networks.changed(), if link.is_ready() => {
                        self.pairings().await;
                        Ok(())
                    }
                    Ok(()) = self.births.changed(), if link.is_ready() => self.announce_again().await,
                    // Judged only when all that belongs there has been published.
                    Some(topic) = kept.recv(), if link.is_ready() => {
                        self.judge(topic).await;
                        Ok(())
                    }
                    _ = passed.tick(), if link.is_ready() => self.passed().await,
                    // What is true of a device or a grant may depend on the time.
                    () = moves.next(), if link.is_ready() => self.everything().await,
                    _ = info.tick(), if link.is_ready() => self.info().await,
                    _ = by_and_by.tick(), if link.is_ready() && self.is_behind() => self.catch_up().await,
                }
            };
            if let Err(error) = outcome {
                tracing::error!(%error, "retained state is not up to date");
            }
        }
    }

    async fn everything(&mut self) -> Result<(), StoreError> {
        self.looked_at = self.hub.time();
        self.show(self.topics.status(), Some(ONLINE.to_owned())).await;
        self.info().await?;
        let (devices, grants, others) = self.hub.everything_public().await?;
        let mut current: BTreeSet<String> = devices.iter().flat_map(|id| self.topics_of(*id)).collect();
        current.extend([self.topics.status(), self.topics.info()]);
        let networks = self.hub.pairings();
        current.extend(networks.iter().map(|network| self.topics.network(&network.network)));
        let announced = self.companion.as_ref().map(|companion| companion.hub(&networks));
        current.extend(announced.iter().map(|(topic, _)| topic.clone()));
        let gone: Vec<String> = self.shown.keys().filter(|topic| !current.contains(*topic)).cloned().collect();
        for topic in gone {
            self.show(topic, None).await;
        }
        if let Some((topic, payload)) = announced {
            self.show(topic, payload).await;
        }
        self.pairings().await;
        for id in devices {
            self.device(id).await?;
        }
        self.far = Some(others);
        self.unsure.extend(self.grants.keys().filter(|id| !grants.contains(id)));
        self.show_grants(grants).await
    }

    fn is_behind(&self) -> bool {
        self.far.is_some() || !self.unsure.is_empty()
    }

    /// Some of what can wait.
    async fn catch_up(&mut self) -> Result<(), StoreError> {
        let mut some = Vec::new();
        while some.len() < AT_ONCE
            && let Some(id) = self.unsure.pop_first()
        {
            some.push(id);
        }
        for (id, grant) in self.hub.public_grants(some).await? {
            if grant.is_none() && !self.grants.contains_key(&id) {
                tracing::info!(%id, "the broker had kept a grant that is gone: cleared");
                self.publish(self.topics.access_grant(id), Vec::new()).await;
            } else {
                self.show_grant(id, grant).await;
            }
        }
        if let Some(far) = self.far {
            let next = self.hub.far_grants(far, AT_ONCE).await?;
            self.far = next.last().copied();
            self.show_grants(next.into_iter().map(|(_, id)| id)).await?;
        }
        Ok(())
    }

    /// What may have changed with time alone since it was looked at last.
    async fn passed(&mut self) -> Result<(), StoreError> {
        let since = std::mem::replace(&mut self.looked_at, self.hub.time());
        let (devices, grants) = self.hub.moved_public(since).await?;
        for id in devices {
            self.device(id).await?;
        }
        self.show_grants(grants).await
    }

    /// Takes what changed meanwhile along, so that of many changes the last is shown, and not each. `None`: nobody knows
    /// what changed.
    fn with_more(&mut self, changes: &Changes) -> Option<Changes> {
        let mut all = changes.clone();
        loop {
            match self.changes.try_recv() {
                Ok(more) => all.merge(&more),
                Err(broadcast::error::TryRecvError::Lagged(_)) => return None,
                // Of a closed one the loop is told.
                Err(_) => return Some(all),
            }
        }
    }

    async fn changed(&mut self, changes: &Changes) -> Result<(), StoreError> {
        for id in changes.devices.union(&changes.heard) {
            self.device(*id).await?;
        }
        self.show_grants(changes.grants.iter().copied()).await?;
        self.info().await
    }

    /// The companion has started: it may know nothing of what it was told before.
    async fn announce_again(&mut self) -> Result<(), StoreError> {
        if let Some(companion) = &self.companion {
            self.shown.retain(|topic, _| !topic.starts_with(companion.prefix()));
        }
        self.everything().await
    }

    /// All topics that hold something of a device.
    fn topics_of(&self, id: DeviceId) -> Vec<String> {
        let announced = self.companion.iter().map(|companion| companion.device(id, None, &[]).0);
        [self.topics.device(id), self.topics.last_use(id)].into_iter().chain(announced).collect()
    }

    /// The broker has kept something here: cleared if it is none of ours any more.
    async fn judge(&mut self, topic: String) {
        // Of a use, only the events tell; it stays as long as its device.
        let about = topic.strip_suffix("/last_use").unwrap_or(&topic);
        if let Some(id) = self.topics.grant_of(about) {
            // One that is far may be to be told of yet.
            if !self.grants.contains_key(&id) {
                self.unsure.insert(id);
            }
        } else if !self.shown.contains_key(about) {
            tracing::info!(topic, "the broker had kept what is gone: cleared");
            self.publish(topic, Vec::new()).await;
        }
    }

    async fn info(&mut self) -> Result<(), StoreError> {
        let info = self.hub.info().await?;
        self.show(self.topics.info(), Some(info.to_string())).await;
        Ok(())
    }

    async fn pairings(&mut self) {
        for network in self.hub.pairings() {
            self.show(self.topics.network(&network.network), Some(json!(network).to_string())).await;
        }
    }

    async fn device(&mut self, id: DeviceId) -> Result<(), StoreError> {
        let device = self.hub.public_device(id).await?;
        if let Some(companion) = self.companion.clone() {
            let spaces = self.hub.space_names(id).await?;
            let (topic, payload) = companion.device(id, device.as_ref(), &spaces);
            self.show(topic, payload).await;
        }
        if device.is_none() {
            self.publish(self.topics.last_use(id), Vec::new()).await;
        }
        self.show(self.topics.device(id), device.map(|device| device.to_string())).await;
        Ok(())
    }

    async fn show_grants(&mut self, ids: impl IntoIterator<Item = AccessGrantId>) -> Result<(), StoreError> {
        let ids: Vec<AccessGrantId> = ids.into_iter().collect();
        for some in ids.chunks(AT_ONCE) {
            for (id, grant) in self.hub.public_grants(some.to_vec()).await? {
                self.show_grant(id, grant).await;
            }
        }
        Ok(())
    }

    async fn show_grant(&mut self, id: AccessGrantId, grant: Option<Value>) {
        let text = grant.map(|grant| grant.to_string()).unwrap_or_default();
        if is_news(&mut self.grants, id, &text) {
            self.publish(self.topics.access_grant(id), text.into_bytes()).await;
        }
    }

    /// Publishes what is not there yet; nothing clears the topic.
    async fn show(&mut self, topic: String, text: Option<String>) {
        let text = text.unwrap_or_default();
        if is_news(&mut self.shown, topic.clone(), &text) {
            self.publish(topic, text.into_bytes()).await;
        }
    }

    async fn publish(&self, topic: String, payload: Vec<u8>) {
        // Not to pile up while the broker is away: everything is published when it is back.
        if self.link.borrow().is_ready() {
            let message = Message { topic, payload, retain: true, correlation: None };
            if let Err(error) = self.publisher.publish(message).await {
                tracing::warn!("retained state not published: {error}");
            }
        }
    }
}

/// Whether this is not what is shown there, which it is from now on; an empty text is nothing.
fn is_news<K: Ord>(shown: &mut BTreeMap<K, u64>, place: K, text: &str) -> bool {
    if text.is_empty() {
        return shown.remove(&place).is_some();
    }
    let digest = digest(text);
    shown.insert(place, digest) != Some(digest)
}

fn digest(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
