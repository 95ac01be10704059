//! Another program's own words for the hub and its devices, published over the same connection.

use serde_json::Value;

use crate::hub::Pairing;
use crate::model::DeviceId;

/// What a retained topic is to hold; `None`: nothing.
pub type Announcement = (String, Option<String>);

/// What a program that reads the hub's topics wants to be told beside them: which there are, and how to read them.
pub trait Companion: Send + Sync {
    /// Where that program says that it has started (payload `online`): everything is told again.
    fn birth(&self) -> &str;
    /// Filter of all topics at which something may have been announced, also by other hubs.
    fn filter(&self) -> &str;
    /// With what those of this hub begin.
    fn prefix(&self) -> &str;
    /// About the hub and its networks.
    fn hub(&self, networks: &[Pairing]) -> Announcement;
    /// About a device. `device` is as on its topic, `None` if there is no such device; `spaces` are the names of those
    /// that it is in.
    fn device(&self, id: DeviceId, device: Option<&Value>, spaces: &[String]) -> Announcement;
}
