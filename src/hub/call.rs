//! One request while it is being carried out.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::broker::BrokerState;
use super::caller::Caller;
use super::networks::Networks;
use super::sticks::{StickOrders, Sticks};
use crate::clock::Trust;
use crate::model::Role;
use crate::store::Unit;

/// What the hub knows of itself that is not in its database.
pub(super) struct Surroundings {
    pub(super) hub_name: String,
    pub(super) clock: Trust,
    pub(super) sticks: Sticks,
    pub(super) networks: Arc<Networks>,
    pub(super) orders: Arc<dyn StickOrders>,
    /// `None`: none is configured.
    pub(super) broker: Option<BrokerState>,
    /// Why there is no backup of late, and what to do.
    pub(super) backup_problem: Option<String>,
}

/// Who will see a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// The host who asked: with the PIN.
    ToTheHost,
    /// Whoever may read the broker's topics, or only look: without.
    ToEverybody,
}

/// The transaction that an operation works in, and who asked for it.
pub(super) struct Call<'c, 'u> {
    unit: &'c mut Unit<'u>,
    caller: &'c Caller,
    surroundings: &'c Arc<Surroundings>,
}

impl<'c, 'u> Call<'c, 'u> {
    pub(super) fn new(unit: &'c mut Unit<'u>, caller: &'c Caller, surroundings: &'c Arc<Surroundings>) -> Self {
        Self { unit, caller, surroundings }
    }

    /// Whether the caller may see PINs.
    pub(super) fn shown(&self) -> Shown {
        if self.caller.role >= Role::Grants { Shown::ToTheHost } else { Shown::ToEverybody }
    }

    /// What the hub knows of itself.
    pub(super) fn surroundings(&self) -> &Arc<Surroundings> {
        self.surroundings
    }
}

impl<'u> Deref for Call<'_, 'u> {
    type Target = Unit<'u>;

    fn deref(&self) -> &Unit<'u> {
        self.unit
    }
}

impl<'u> DerefMut for Call<'_, 'u> {
    fn deref_mut(&mut self) -> &mut Unit<'u> {
        self.unit
    }
}
