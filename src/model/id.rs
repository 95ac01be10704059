//! Typed ids: UUID version 7, made from a given time and given randomness, so that a simulation replays and a wrong
//! clock at boot is visible in them.

use rand::{Rng, SeedableRng, rngs::StdRng};
use uuid::{Builder, Uuid};

use super::Timestamp;

macro_rules! id {
    // `$d` is a dollar sign, for the macro that this one makes.
    (($d:tt) $(#[$doc:meta] $name:ident),+ $(,)?) => {
        /// Hands every type of id to a macro.
        macro_rules! every_id {
            ($d with:ident) => {
                $d with!($($name),+);
            };
        }
        pub(crate) use every_id;

        $(
            #[$doc]
            #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
            #[serde(transparent)]
            pub struct $name(pub Uuid);

            impl std::fmt::Display for $name {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    self.0.fmt(f)
                }
            }

            impl From<Uuid> for $name {
                fn from(id: Uuid) -> Self {
                    Self(id)
                }
            }
        )+
    };
}

id! { ($)
    /// A lock (or another thing with a door) that the hub drives.
    DeviceId,
    /// A person.
    UserIdentityId,
    /// Who may enter which doors, when.
    AccessGrantId,
    /// One way in of a grant: here always a code.
    AccessMethodId,
    /// One code on one device.
    AccessCodeId,
    /// Something that happened.
    EventId,
    /// A lock or unlock that was asked for.
    ActionAttemptId,
    /// A group of doors.
    SpaceId,
    /// Where events are sent.
    WebhookId,
    /// A key of somebody who asks over HTTP.
    ApiKeyId,
    /// The hub's one workspace.
    WorkspaceId,
}

/// Where ids and random choices come from: one seed, handed in.
pub struct IdSource(StdRng);

impl IdSource {
    /// From 32 bytes of entropy.
    pub fn new(seed: [u8; 32]) -> Self {
        Self(StdRng::from_seed(seed))
    }

    /// A fresh id, stamped with `now` in milliseconds.
    pub fn id<T: From<Uuid>>(&mut self, now: Timestamp) -> T {
        let mut random = [0; 10];
        self.0.fill_bytes(&mut random);
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        T::from(Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// The generator itself, for choosing PINs: cryptographically secure.
    pub fn rng(&mut self) -> &mut StdRng {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_the_same_seed_and_time_are_the_same_and_sort_by_time() {
        let (mut a, mut b) = (IdSource::new([7; 32]), IdSource::new([7; 32]));
        let now = Timestamp::from_microsecond(1_800_000_000_000_000).unwrap();
        let later = Timestamp::from_microsecond(1_800_000_000_001_000).unwrap();
        let first: EventId = a.id(now);
        assert_eq!(first, b.id(now));
        assert!(first < a.id::<EventId>(later));
        assert_eq!(first.0.get_version_num(), 7);
    }
}
