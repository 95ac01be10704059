//! What the including side makes of a joining node that errs, cheats or falls silent: the right failure code each time.

use super::*;
use crate::security::s2::keys::KeyPair;
use crate::security::{NetworkKey, NetworkKeys};
use keyway_lock::{DeviceLabel, NetworkError};
use std::time::{Duration, Instant};

const ACCESS: SecurityClass = SecurityClass::S2AccessControl;
const TEMPORARY: Option<SecurityClass> = Some(SecurityClass::Temporary);

struct Bench {
    now: Instant,
    kex: Including,
    joining: KeyPair,
    sent: Vec<(Option<SecurityClass>, KexCommand)>,
    outputs: Vec<KexOutput>,
}

impl Bench {
    #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
    fn with(terms: Terms) -> Self {
        let now = Instant::now();
        let keys = NetworkKeys {
            s2_access_control: Some(NetworkKey::new([3; 16])),
            s2_authenticated: Some(NetworkKey::new([2; 16])),
            ..NetworkKeys::default()
        };
        let kex = Including::new(now, terms, keys, &Zeroizing::new([1; 32]));
        let joining = KeyPair::new(&Zeroizing::new([5; 32]));
        let mut bench = Self { now, kex, joining, sent: Vec::new(), outputs: Vec::new() };
        bench.drain();
        bench
    }

    fn new() -> Self {
        Self::with(Terms { classes: vec![ACCESS], ask: false, pin: None, label: None })
    }

    fn drain(&mut self) {
        while let Some(output) = self.kex.poll() {
            match output {
                KexOutput::Send(level, command) => self.sent.push((level, KexCommand::decode(&command).unwrap())),
                other => self.outputs.push(other),
            }
        }
    }

    fn told(&mut self, level: Option<SecurityClass>, command: &KexCommand) -> &mut Self {
        self.kex.handle_command(self.now, level, &command.encode());
        self.drain();
        self
    }

    fn report(&mut self, parameters: KexParameters) -> &mut Self {
        self.told(None, &KexCommand::Report(parameters))
    }

    /// As far as the joining node's public key.
    fn keyed(&mut self) -> &mut Self {
        self.report(KexParameters::new(&[ACCESS]));
        self.kex.handle_kept(self.now);
        self.drain();
        let key = self.joining.public();
        self.told(None, &KexCommand::PublicKey { including: false, key })
    }

    /// As far as the first question for a key.
    fn echoed(&mut self) -> &mut Self {
        self.keyed();
        let [first, second, ..] = self.joining.public();
        let pin = format!("{:05}", u16::from_be_bytes([first, second]));
        assert!(self.kex.confirm(self.now, &keyway_lock::JoinPin::new(&pin).unwrap()));
        self.drain();
        self.told(TEMPORARY, &KexCommand::Set(KexParameters::new(&[ACCESS]).echo()))
    }

    fn asks(&mut self, class: SecurityClass) -> &mut Self {
        self.told(TEMPORARY, &KexCommand::NetworkKeyGet(Some(class)))
    }

    fn time(&mut self) -> Duration {
        let until = self.kex.timeout().unwrap();
        let time = until - self.now;
        self.now = until;
        self.kex.handle_timeout(until);
        self.drain();
        time
    }

    #[track_caller]
    fn failed(&self, level: Option<SecurityClass>, code: KexFail, error: NetworkError) {
        assert_eq!(self.sent.last(), Some(&(level, KexCommand::Fail(code as u8))));
        assert_eq!(self.outputs.last(), Some(&KexOutput::Done(Err(error))));
    }
}

#[test]
fn every_command_is_read_as_it_was_written() {
    let parameters = KexParameters::new(&[SecurityClass::S2AccessControl, SecurityClass::S2Authenticated]);
    assert_eq!(*KexCommand::Set(parameters).encode(), [0x9F, 0x06, 0x00, 0x02, 0x01, 0x06]);
    let key = NetworkKey::new([9; 16]);
    for command in [
        KexCommand::Get,
        KexCommand::Report(KexParameters { flags: 0x82, ..parameters }),
        KexCommand::Set(parameters.echo()),
        KexCommand::Fail(KexFail::Decrypt as u8),
        KexCommand::PublicKey { including: true, key: [3; 32] },
        KexCommand::NetworkKeyGet(Some(SecurityClass::S0)),
        KexCommand::NetworkKeyReport(Some(SecurityClass::S2Unauthenticated), key),
        KexCommand::NetworkKeyVerify,
        KexCommand::TransferEnd { verified: true, complete: false },
        KexCommand::TransferEnd { verified: false, complete: true },
    ] {
        assert_eq!(KexCommand::decode(&command.encode()), Ok(command));
    }
}

#[test]
fn a_cut_key_is_named_and_several_bits_are_no_class() {
    let error = KexCommand::decode(&[0x9F, 0x08, 1, 7, 7]).unwrap_err();
    assert_eq!(error.to_string(), "public key at offset 1 needs 32 byte(s), 2 left");
    assert_eq!(KexCommand::decode(&[0x9F, 0x09, 0x05]), Ok(KexCommand::NetworkKeyGet(None)));
    assert_eq!(KexParameters { keys: 0xFF, ..KexParameters::new(&[]) }.classes().len(), 4);
}

#[test]
fn what_is_not_known_or_not_granted_is_refused_with_its_code() {
    let good = KexParameters::new(&[ACCESS]);
    let refused = |parameters, code, error| Bench::new().report(parameters).failed(None, code, error);
    refused(KexParameters { schemes: 0x06, ..good }, KexFail::Scheme, NetworkError::UnknownScheme);
    refused(KexParameters { profiles: 0x02, ..good }, KexFail::Curves, NetworkError::UnknownScheme);
    refused(KexParameters { flags: 0x02, ..good }, KexFail::Cancel, NetworkError::ClientSideAuthentication);
    refused(KexParameters { keys: 0x80, ..good }, KexFail::Key, NetworkError::NothingGranted);
    refused(good.echo(), KexFail::Auth, NetworkError::Suspicious);
}

#[test]
fn nothing_is_granted_before_it_is_kept() {
    let mut bench = Bench::new();
    bench.report(KexParameters::new(&[ACCESS]));
    assert_eq!(bench.outputs, [KexOutput::Keep(vec![ACCESS])]);
    assert_eq!(bench.sent, [(None, KexCommand::Get)]);
    bench.kex.handle_kept(bench.now);
    bench.drain();
    assert_eq!(bench.sent[1], (None, KexCommand::Set(KexParameters::new(&[ACCESS]))));
}

#[test]
fn an_echo_in_the_clear_or_of_other_keys_is_a_man_in_the_middle() {
    let right = KexParameters::new(&[ACCESS]).echo();
    let wrong = KexParameters::new(&[SecurityClass::S2Unauthenticated]).echo();
    for (level, echo) in [(None, right), (TEMPORARY, wrong), (Some(ACCESS), right)] {
        let mut bench = Bench::new();
        bench.keyed();
        bench.kex.confirm(bench.now, &keyway_lock::JoinPin::new("00001").unwrap());
        bench.told(level, &KexCommand::Set(echo)).failed(None, KexFail::Auth, NetworkError::Suspicious);
    }
}

#[test]
fn the_wrong_digits_are_found_by_the_key_that_opens_nothing() {
    let mut bench = Bench::new();
    bench.keyed();
    bench.kex.confirm(bench.now, &keyway_lock::JoinPin::new("00001").unwrap());
    bench.kex.handle_wrong_key();
    bench.drain();
    bench.failed(None, KexFail::Decrypt, NetworkError::WrongPin);
}

#[test]
fn a_key_is_handed_over_once_and_only_if_granted_and_asked_for_under_the_temporary_key() {
    let mut bench = Bench::new();
    bench.echoed().asks(SecurityClass::S2Authenticated);
    bench.failed(TEMPORARY, KexFail::KeyGet, NetworkError::Suspicious);

    let mut bench = Bench::new();
    bench.echoed().told(None, &KexCommand::NetworkKeyGet(Some(ACCESS)));
    bench.failed(TEMPORARY, KexFail::Auth, NetworkError::Suspicious);

    let mut bench = Bench::new();
    bench.echoed().asks(ACCESS).told(Some(ACCESS), &KexCommand::NetworkKeyVerify).asks(ACCESS);
    bench.failed(TEMPORARY, KexFail::KeyGet, NetworkError::Suspicious);
}

#[test]
fn a_key_counts_only_when_it_was_verified_under_itself() {
    let mut bench = Bench::new();
    bench.echoed().asks(ACCESS).told(TEMPORARY, &KexCommand::NetworkKeyVerify);
    bench.failed(TEMPORARY, KexFail::KeyVerify, NetworkError::Suspicious);

    let mut bench = Bench::new();
    bench.echoed().asks(ACCESS).told(Some(ACCESS), &KexCommand::NetworkKeyVerify);
    let end = KexCommand::TransferEnd { verified: false, complete: true };
    bench.told(TEMPORARY, &end);
    assert_eq!(bench.outputs.last(), Some(&KexOutput::Done(Ok(vec![ACCESS]))));
}

#[test]
fn another_device_than_the_one_of_the_label_is_turned_away() {
    let label = Some(DeviceLabel::new([7; 16]));
    let mut bench = Bench::with(Terms { classes: vec![ACCESS], ask: false, pin: None, label });
    bench.keyed().failed(None, KexFail::Cancel, NetworkError::WrongDevice);
}

#[test]
fn a_public_key_that_shares_nothing_ends_it() {
    let mut bench = Bench::new();
    bench.report(KexParameters::new(&[ACCESS]));
    bench.kex.handle_kept(bench.now);
    bench.told(None, &KexCommand::PublicKey { including: false, key: [0; 32] });
    bench.kex.confirm(bench.now, &keyway_lock::JoinPin::new("00000").unwrap());
    bench.drain();
    bench.failed(None, KexFail::Cancel, NetworkError::Suspicious);
}

#[test]
fn every_waiting_has_the_time_that_the_specification_gives_it() {
    let (ta, tai) = (Duration::from_secs(10), Duration::from_secs(240));
    let gone = KexOutput::Done(Err(NetworkError::DeviceGone));
    type To = fn(&mut Bench);
    let waits: [(&str, To); 5] = [
        ("TA1", |_| {}),
        ("TA2", |bench| {
            bench.report(KexParameters::new(&[ACCESS]));
            bench.kex.handle_kept(bench.now);
            bench.drain();
        }),
        ("TA3", |bench| _ = bench.echoed()),
        ("TA4", |bench| _ = bench.echoed().asks(ACCESS)),
        ("TA5", |bench| _ = bench.echoed().asks(ACCESS).told(Some(ACCESS), &KexCommand::NetworkKeyVerify)),
    ];
    for (name, to) in waits {
        let mut bench = Bench::new();
        to(&mut bench);
        assert_eq!(bench.time(), ta, "{name}");
        assert_eq!(bench.outputs.last(), Some(&gone), "{name}");
    }
    let mut bench = Bench::with(Terms { classes: vec![ACCESS], ask: true, pin: None, label: None });
    bench.report(KexParameters::new(&[ACCESS]));
    assert_eq!(bench.time(), tai, "TAI1");
    bench.failed(None, KexFail::Cancel, NetworkError::NoAnswer);
    let mut bench = Bench::new();
    bench.keyed();
    assert_eq!(bench.time(), tai, "TAI2");
    bench.failed(None, KexFail::Cancel, NetworkError::NoAnswer);
}

#[test]
fn a_node_that_does_not_repeat_its_echo_is_gone_long_before_the_host_must_have_answered() {
    let digits = || keyway_lock::JoinPin::new("00001").unwrap();
    let mut bench = Bench::new();
    bench.keyed();
    bench.kex.confirm(bench.now, &digits());
    assert_eq!(bench.time(), Duration::from_secs(40));
    assert_eq!(bench.outputs.last(), Some(&KexOutput::Done(Err(NetworkError::DeviceGone))));
    // The host took its time: TAI2 is over first.
    let mut bench = Bench::new();
    bench.keyed();
    let late = bench.now + Duration::from_secs(230);
    bench.kex.confirm(late, &digits());
    assert_eq!(bench.time(), Duration::from_secs(240));
}
