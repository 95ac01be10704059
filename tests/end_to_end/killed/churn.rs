//! What a host and hands at keypads do: grants made, changed and deleted, codes put in and taken out.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keyway_test_support::{World, utc};
use serde_json::{Value, json};

use super::dice::Dice;
use crate::{FRONT_DOOR, GARDEN_GATE};

/// The doors' nodes, in the order of the world's devices.
pub(super) const NODES: [u16; 2] = [FRONT_DOOR, GARDEN_GATE];
/// Grants at once: fewer than a lock has slots.
const MOST: usize = 8;
/// Slots that hands use: the hub begins with the lowest free ones.
const BY_HAND: std::ops::Range<u64> = 20..24;

/// Something that was asked, and may have been answered.
pub(super) struct Question {
    pub(super) correlation: Vec<u8>,
    pub(super) what: What,
    pub(super) body: Value,
}

/// What was asked of a grant.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    Create,
    /// It ends then.
    Update(Timestamp),
    Delete,
}

impl What {
    /// The operation's name, without the resource's.
    pub(super) fn action(&self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update(_) => "update",
            Self::Delete => "delete",
        }
    }
}

/// A grant as the host knows it.
pub(super) struct Asked {
    pub(super) pin: String,
    /// Places of its doors in [`NODES`].
    pub(super) doors: Vec<usize>,
    pub(super) starts_at: Timestamp,
    pub(super) ends_at: Timestamp,
    /// How often something was asked of it.
    pub(super) asked: usize,
    /// In the order in which it was asked.
    pub(super) questions: Vec<Question>,
}

impl Asked {
    pub(super) fn is_to_be_deleted(&self) -> bool {
        self.questions.iter().any(|question| question.what == What::Delete)
    }
}

/// All that was done so far.
#[derive(Default)]
pub(super) struct Churn {
    pub(super) grants: BTreeMap<String, Asked>,
    /// What hands put in: by node and slot.
    pub(super) by_hand: BTreeMap<(u16, u64), String>,
    count: usize,
}

impl Churn {
    /// Something happens.
    pub(super) fn stir(&mut self, world: &World, dice: &mut Dice) {
        match dice.below(10) {
            0..4 => self.create(world, dice),
            4..6 => self.update(world, dice),
            6..8 => self.delete(world, dice),
            _ => self.use_hands(world, dice),
        }
    }

    fn create(&mut self, world: &World, dice: &mut Dice) {
        if self.grants.values().filter(|grant| !grant.is_to_be_deleted() && utc() < grant.ends_at).count() >= MOST {
            return;
        }
        self.count += 1;
        let key = format!("stay {}", self.count);
        let doors = match dice.below(3) {
            0 => vec![0],
            1 => vec![1],
            _ => vec![0, 1],
        };
        let starts_at = soon(dice, 4_000) - jiff::SignedDuration::from_secs(1);
        let lasting = if dice.one_in(3) { 600_000 } else { 1_000 + dice.below(9_000) };
        let ends_at = starts_at + jiff::SignedDuration::from_millis(i64::try_from(lasting).unwrap());
        let grant = Asked { pin: dice.pin(), doors, starts_at, ends_at, asked: 0, questions: Vec::new() };
        let devices: Vec<&String> = grant.doors.iter().map(|door| &world.devices[*door]).collect();
        let body = json!({
            "access_grant_key": key,
            "user_identity": {"full_name": "Ada"},
            "device_ids": devices,
            "requested_access_methods": [{"mode": "code", "code": grant.pin}],
            "starts_at": starts_at.to_string(),
            "ends_at": ends_at.to_string(),
        });
        self.grants.insert(key.clone(), grant);
        self.ask(world, &key, What::Create, body);
    }

    fn update(&mut self, world: &World, dice: &mut Dice) {
        let Some(key) = self.living(dice) else { return };
        let ends_at = soon(dice, 8_000) + jiff::SignedDuration::from_millis(500);
        let body = json!({"access_grant_key": key, "ends_at": ends_at.to_string()});
        self.ask(world, &key, What::Update(ends_at), body);
    }

    fn delete(&mut self, world: &World, dice: &mut Dice) {
        let Some(key) = self.living(dice) else { return };
        self.ask(world, &key, What::Delete, json!({"access_grant_key": key}));
    }

    /// A hand puts a code in, or takes one of its own out.
    fn use_hands(&mut self, world: &World, dice: &mut Dice) {
        let node = NODES[usize::try_from(dice.below(2)).unwrap()];
        let slot = BY_HAND.start + dice.below(BY_HAND.end - BY_HAND.start);
        let code = match self.by_hand.remove(&(node, slot)) {
            Some(_) => None,
            None => Some(dice.pin()),
        };
        world.stick.by_hand(node, slot, code.as_deref());
        if let Some(code) = code {
            self.by_hand.insert((node, slot), code);
        }
    }

    /// The key of some grant that is not over, nor to be deleted.
    fn living(&self, dice: &mut Dice) -> Option<String> {
        let living: Vec<&String> = self
            .grants
            .iter()
            .filter(|(_, g)| !g.is_to_be_deleted() && utc() < g.ends_at)
            .map(|(key, _)| key)
            .collect();
        let at = dice.below(living.len().max(1) as u64);
        living.get(usize::try_from(at).unwrap()).map(|key| (*key).clone())
    }

    /// Asks, and waits for no answer.
    fn ask(&mut self, world: &World, key: &str, what: What, mut body: Value) {
        let grant = self.grants.get_mut(key).unwrap();
        grant.asked += 1;
        body["request_id"] = json!(format!("{key}, {}", grant.asked));
        let topic = format!("{}/request/access_grants/{}", world.client.base(), what.action());
        let correlation = world.client.send(&topic, body.to_string().into_bytes(), false);
        grant.questions.push(Question { correlation, what, body });
    }
}

/// A moment up to so many milliseconds from now.
fn soon(dice: &mut Dice, within: u64) -> Timestamp {
    utc() + jiff::SignedDuration::from_millis(i64::try_from(dice.below(within)).unwrap())
}
