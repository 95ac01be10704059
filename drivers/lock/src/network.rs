//! Building a network: what the hub asks of a stick to add devices and take them out, and what it is told on the way.
//! The words are radio-neutral; a radio that has no such step never tells it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use zeroize::Zeroizing;

use crate::{InstallCode, KeyName, LockId, NetworkKey};

/// The kinds of keys that a network can hand to a device, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyClass {
    /// Z-Wave Security 0, for old devices: its key goes out under a key that everybody knows.
    S0,
    /// Z-Wave Security 2 without a check of who it is.
    S2Unauthenticated,
    /// Z-Wave Security 2 for devices whose label was checked.
    S2Authenticated,
    /// Z-Wave Security 2 for door locks and gates.
    S2AccessControl,
}

impl KeyClass {
    /// Every class, weakest first.
    pub const ALL: [Self; 4] = [Self::S0, Self::S2Unauthenticated, Self::S2Authenticated, Self::S2AccessControl];

    /// Its name, as the configuration and the operations have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::S0 => "s0",
            Self::S2Unauthenticated => "s2_unauthenticated",
            Self::S2Authenticated => "s2_authenticated",
            Self::S2AccessControl => "s2_access_control",
        }
    }

    /// The class of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }
}

/// How a device was added to its network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Joined {
    /// Under this name.
    pub name: Option<String>,
    /// With these classes.
    pub classes: BTreeSet<KeyClass>,
    /// What its label shows ([`DeviceLabel::shown`]), where it has proven that this is its own, which it is for life.
    pub label: Option<String>,
}

/// The five digits that open a device's label (the first group of its DSK). Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinPin(Zeroizing<[u8; 2]>);

impl JoinPin {
    /// Reads five decimal digits, 00000 to 65535.
    pub fn new(text: &str) -> Option<Self> {
        let digits = text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
        let number: u16 = text.parse().ok().filter(|_| digits)?;
        Some(Self(Zeroizing::new(number.to_be_bytes())))
    }

    /// The two bytes that the digits stand for.
    pub fn expose(&self) -> [u8; 2] {
        *self.0
    }
}

impl fmt::Debug for JoinPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JoinPin(redacted)")
    }
}

/// A device's label, as far as it may be shown: who knows the first group can answer in the device's place.
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceLabel(Zeroizing<[u8; 16]>);

impl DeviceLabel {
    /// Takes the 16 bytes of a DSK.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Reads eight groups of five digits, with or without dashes between them.
    pub fn read(text: &str) -> Option<Self> {
        let digits: Zeroizing<String> = Zeroizing::new(text.chars().filter(|c| !matches!(c, '-' | ' ')).collect());
        if digits.len() != 40 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let mut bytes = Zeroizing::new([0; 16]);
        for (group, pair) in bytes.chunks_exact_mut(2).enumerate() {
            let number: u16 = digits.get(group * 5..group * 5 + 5)?.parse().ok()?;
            pair.copy_from_slice(&number.to_be_bytes());
        }
        Some(Self(bytes))
    }

    /// All of it, for the driver only.
    pub fn expose(&self) -> &[u8; 16] {
        &self.0
    }

    /// All eight groups, as on the device itself. For its maker: whoever shows this gives the device away.
    pub fn whole(&self) -> String {
        let pin = self.pin().expose();
        format!("{:05}-{}", u16::from_be_bytes(pin), self.shown())
    }

    /// The seven groups behind the first, which tell one device from another and open none.
    pub fn shown(&self) -> String {
        let groups =
            self.0.chunks_exact(2).skip(1).map(|pair| format!("{:05}", u16::from_be_bytes([pair[0], pair[1]])));
        groups.collect::<Vec<_>>().join("-")
    }

    /// The first group.
    pub fn pin(&self) -> JoinPin {
        JoinPin(Zeroizing::new([self.0[0], self.0[1]]))
    }
}

impl fmt::Debug for DeviceLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceLabel(…-{})", self.shown())
    }
}

/// What the host wants of a new device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Include {
    /// What people call the door.
    pub name: Option<String>,
    /// What may be granted without asking. What a device wants beyond is not granted; if it wants none of these, the
    /// host is asked, and never taken for having said yes.
    pub classes: BTreeSet<KeyClass>,
    /// Ask in any case.
    pub ask: bool,
    /// The digits of its label, if they are known already.
    pub pin: Option<JoinPin>,
    /// All of its label, if that is known: another device is turned away.
    pub label: Option<DeviceLabel>,
    /// Devices between it and the stick may pass on what it says. Some old ones are only found without that, beside the stick.
    pub network_wide: bool,
    /// Its install code, if it has one: it joins with a key of its own, and another device is turned away.
    pub install_code: Option<InstallCode>,
}

impl Default for Include {
    /// What a door lock should have: Access Control, and Authenticated.
    fn default() -> Self {
        let classes = BTreeSet::from([KeyClass::S2AccessControl, KeyClass::S2Authenticated]);
        Self { name: None, classes, ask: false, pin: None, label: None, network_wide: true, install_code: None }
    }
}

/// The host's answer to [`NetworkStep::GrantNeeded`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// These classes, so far as the device asked for them. None at all is a no, and ends the inclusion.
    Classes(BTreeSet<KeyClass>),
    /// The device stays without any security: everybody in reach can read and send its commands.
    Insecure,
}

/// A device that is awaited: it joins by itself once it has power.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Awaited {
    /// Its label.
    pub label: DeviceLabel,
    /// What people will call the door.
    pub name: Option<String>,
    /// What may be granted.
    pub classes: BTreeSet<KeyClass>,
}

/// What the hub asks of a network. A driver answers each with exactly one [`crate::RadioEvent::NetworkDone`]: those
/// that begin something, when it has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkCommand {
    /// Add a device.
    Include(Include),
    /// Take a device out, whatever network it is in.
    Exclude,
    /// Put a new device in the place of one that does not answer any more.
    ReplaceFailed(LockId, Include),
    /// Take a device out that does not answer any more.
    RemoveFailed(LockId),
    /// Answers [`NetworkStep::GrantNeeded`].
    Grant(Grant),
    /// Answers [`NetworkStep::PinNeeded`].
    Confirm(JoinPin),
    /// Ends what is under way; what it left is cleaned up.
    Cancel,
    /// Find the ways to a device, and its ways back, anew; `None`: to every device, one after the other. Is it cancelled, it
    /// ends after the device under way.
    RebuildRoutes(Option<LockId>),
    /// Wait for a device that joins by itself. Again for the same label: replaces.
    Await(Awaited),
    /// Wait no longer for the device of this label, as [`DeviceLabel::shown`].
    Forget(String),
    /// Take over keys that another program made. One that devices were added with here is not exchanged for another.
    TakeKeys(BTreeMap<KeyName, NetworkKey>),
    /// Let another controller take the stick out of its network, in which it is no primary controller; it has a new network of
    /// its own then. `network` must be the identity of the present one.
    Leave {
        /// As [`crate::StickInfo::network`] has it.
        network: String,
    },
    /// Forget the whole network, and begin a new one. `network` must be the identity of the present one.
    Reset {
        /// As [`crate::StickInfo::network`] has it.
        network: String,
    },
}

/// How far it is. Told while something is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkStep {
    /// The stick listens: now do at the device what its manual says for adding (or removing) it.
    Ready,
    /// A device answered.
    Found,
    /// It is in the network, and has no keys yet.
    Joined(LockId),
    /// The host must say what it is granted: [`NetworkCommand::Grant`].
    GrantNeeded {
        /// What the device asks for; empty: it knows no security at all.
        requested: BTreeSet<KeyClass>,
    },
    /// The host must read five digits from the device's label: [`NetworkCommand::Confirm`].
    PinNeeded {
        /// The rest of the label, to be compared.
        label: String,
    },
    /// The keys are handed over.
    Securing,
    /// It did not work; the device is being taken out of the network again.
    CleaningUp(LockId),
    /// The ways to this device and its ways back are being found anew.
    RebuildingRoutes(LockId),
    /// It can't be taken out without help: do at the device what its manual says for removing it.
    RemovalNeeded(LockId),
    /// A device that was awaited began to join by itself, and it did not work. It is awaited on.
    SelfJoinFailed {
        /// Its label, as [`DeviceLabel::shown`].
        label: String,
        /// Why.
        error: NetworkError,
    },
}

/// How something ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkOutcome {
    /// A device is in the network, with these classes; it is interviewed next.
    Included(LockId, BTreeSet<KeyClass>),
    /// A device was taken out: one of ours, or one of another network.
    Excluded(Option<LockId>),
    /// An answer or an entry was taken.
    Done,
    /// There is a new network; its devices are forgotten.
    Reset,
    /// Routes are found anew: those of this device; or of all, but for some that did not answer, and keep what they had.
    RoutesRebuilt(Option<LockId>, BTreeSet<LockId>),
    /// These keys are the network's now.
    KeysTaken(BTreeSet<KeyName>),
}

/// Why it did not work, as a closed list; callers decide on the variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Something else is under way.
    #[error("the stick is adding or removing a device, or finding routes: wait, or cancel that")]
    Busy,
    /// The stick is unplugged or does not answer.
    #[error("the radio stick is gone")]
    StickGone,
    /// The stick said no, or did not do it.
    #[error("the stick could not do it")]
    StickFailed,
    /// The stick or the driver has no such thing.
    #[error("this stick can't do that: {0}")]
    NotSupported(&'static str),
    /// The host said so.
    #[error("it was cancelled")]
    Cancelled,
    /// Nobody pressed a button in time.
    #[error("no device was found in time: is it close, has it power, and is it in the right mode?")]
    NobodyCame,
    /// The host did not answer in time.
    #[error("no answer came from the host in time")]
    NoAnswer,
    /// Nothing was asked that this would answer.
    #[error("nothing is under way that this would answer")]
    NotAsked,
    /// There is no such device in the network.
    #[error("there is no such device in this network")]
    NoSuchDevice,
    /// A device that answers is no failed one.
    #[error("the device answers: take it out by excluding it")]
    StillAnswers,
    /// The digits are not those of the device's label.
    #[error("these are not the first five digits of the device's label: read them again, and begin anew")]
    WrongPin,
    /// Another device than the one whose label was given.
    #[error(
        "this is not the device whose label was given: another one answered first, or the label is that of another"
    )]
    WrongDevice,
    /// The host granted nothing the device asked for.
    #[error("nothing was granted that the device asked for")]
    NothingGranted,
    /// The device wants it in a way that is not spoken here.
    #[error("the device asks for a way to exchange keys that is not known here")]
    UnknownScheme,
    /// The device wants its user to check the hub, which this hub does not offer.
    #[error("the device asks for client-side authentication, which is not offered")]
    ClientSideAuthentication,
    /// The device ended it; the code is its radio's (Z-Wave: KEX Fail type).
    #[error("the device ended it (code {0:#04x})")]
    EndedByDevice(u8),
    /// The device did something that an honest one does not.
    #[error("the device did not keep to the key exchange: somebody may be interfering")]
    Suspicious,
    /// The device does not answer any more.
    #[error("the device does not answer any more: is it close enough, and has it power?")]
    DeviceGone,
    /// The identity given is not that of the stick's network.
    #[error("that is not the identity of the stick's network")]
    WrongNetwork,
    /// Devices were added here with another key of this name.
    #[error(
        "locks were added here with another {0} key: they would not be reached any more. Take them out of the network \
         first, or leave this key out"
    )]
    KeyInUse(&'static str),
    /// The configuration gives another key of this name.
    #[error("the configuration gives another {0} key, and goes before: take it out of [zwave.keys] first")]
    KeyConfigured(&'static str),
    /// The stick is another one than before, and nobody said that it may be worked with.
    #[error("this is another stick than before, with another network: it is left alone")]
    ForeignStick,
    /// There is no memory to be written back.
    #[error("no stick's memory is kept that could be written to it")]
    NothingKept,
    /// The memory that is kept fits other sticks only.
    #[error("the memory that is kept is of another kind of stick: it can only be written to one of its own series")]
    OtherKind,
    /// The stick takes the address of another one only once, and nobody said that it may.
    #[error(
        "this stick takes the address of the one before only by burning it in, once and for ever: nothing was changed. If \
         that is meant, say so (burn_address, --burn-address); or use a stick whose address can be changed again"
    )]
    AddressForEver,
    /// The checksum of the install code is not that of its digits.
    #[error("this install code has a mistake in it: its last four digits do not fit the others. Read it again")]
    WrongInstallCode,
    /// The owner lets no device in without its install code.
    #[error(
        "the configuration lets no device in without its install code ([[zigbee]] install_codes = \"required\"): give the \
         one from its label, with its address"
    )]
    InstallCodeNeeded,
    /// What was given is not a backup of a network.
    #[error("this is not the backup of a network")]
    UnreadableBackup,
}

impl NetworkError {
    /// Its name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::StickGone => "stick_gone",
            Self::StickFailed => "stick_failed",
            Self::NotSupported(_) => "not_supported",
            Self::Cancelled => "cancelled",
            Self::NobodyCame => "no_device_found",
            Self::NoAnswer => "no_answer_from_host",
            Self::NotAsked => "not_asked",
            Self::NoSuchDevice => "no_such_device",
            Self::StillAnswers => "device_still_answers",
            Self::WrongPin => "wrong_pin",
            Self::WrongDevice => "wrong_device",
            Self::NothingGranted => "nothing_granted",
            Self::UnknownScheme => "unknown_scheme",
            Self::ClientSideAuthentication => "client_side_authentication",
            Self::EndedByDevice(_) => "ended_by_device",
            Self::Suspicious => "suspicious",
            Self::DeviceGone => "device_gone",
            Self::WrongNetwork => "wrong_network",
            Self::KeyInUse(_) => "key_in_use",
            Self::KeyConfigured(_) => "key_configured",
            Self::ForeignStick => "foreign_stick",
            Self::NothingKept => "nothing_kept",
            Self::OtherKind => "other_kind_of_stick",
            Self::AddressForEver => "address_for_ever",
            Self::WrongInstallCode => "wrong_install_code",
            Self::InstallCodeNeeded => "install_code_needed",
            Self::UnreadableBackup => "unreadable_backup",
        }
    }
}

/// Why it did not work, and what is left of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct NetworkFailure {
    /// Why.
    pub error: NetworkError,
    /// A device that is in the network all the same, without keys; it is driven by nobody.
    pub leftover: Option<LockId>,
}

impl From<NetworkError> for NetworkFailure {
    fn from(error: NetworkError) -> Self {
        Self { error, leftover: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABEL: &str = "18750-33532-29766-19033-09864-05986-15648-21445";

    #[test]
    fn a_label_is_read_and_shown_without_its_first_group() {
        let label = DeviceLabel::read(LABEL).unwrap();
        assert_eq!(label.shown(), &LABEL[6..]);
        assert_eq!(label.expose()[..4], [0x49, 0x3E, 0x82, 0xFC]);
        assert_eq!(DeviceLabel::read(&LABEL.replace('-', "")), Some(label.clone()));
        assert_eq!(label.pin(), JoinPin::new("18750").unwrap());
        assert!(!format!("{label:?} {:?}", label.pin()).contains("18750"));
    }

    #[test]
    fn what_is_no_label_and_no_pin_is_refused() {
        for text in ["", "18750", &LABEL[1..], "99999-33532-29766-19033-09864-05986-15648-21445"] {
            assert_eq!(DeviceLabel::read(text), None, "{text}");
        }
        for text in ["1875", "187500", "65536", "1875x", "+1875"] {
            assert_eq!(JoinPin::new(text), None, "{text}");
        }
        assert_eq!(JoinPin::new("00042").unwrap().expose(), [0, 42]);
    }
}
