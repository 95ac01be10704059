use super::*;

const WHOLE: &str = r#"
[hub]
name = "beach-house"
data_dir = "/tmp/keyway"

[mqtt]
url = "mqtt://broker:1884"
username = "keyway"
password = "hush"

[[zwave]]
port = "serial:/dev/serial/by-id/usb-stick"
[zwave.keys]
s2_access_control = "11111111111111111111111111111101"
s0 = "11111111111111111111111111111104"
[[zwave.locks]]
node = 2
name = "Front door"
security = ["S2_AccessControl", "s0"]
[[zwave.locks]]
node = 4
security = []
"#;

fn error_of(text: &str) -> String {
    Config::parse("keyway.toml", text).unwrap_err().to_string()
}

#[test]
fn a_whole_file_is_read() {
    let config = Config::parse("keyway.toml", WHOLE).unwrap();
    assert_eq!(config.hub_name, "beach-house");
    let mqtt = config.mqtt.unwrap();
    assert_eq!((mqtt.host.as_str(), mqtt.port, mqtt.client_id.as_str()), ("broker", 1884, "keyway-beach-house"));
    let stick = &config.zwave[0];
    assert_eq!(stick.port.to_string(), "serial:/dev/serial/by-id/usb-stick");
    let lock = &stick.locks[&NodeId::new(2).unwrap()];
    assert_eq!(lock.security, [SecurityClass::S0, SecurityClass::S2AccessControl]);
    assert_eq!(stick.locks[&NodeId::new(4).unwrap()].name, "Lock 4");
}

#[test]
fn an_empty_file_is_a_hub_without_locks_that_is_asked_from_this_machine_only() {
    let config = Config::parse("keyway.toml", "[hub]\ndata_dir = \"/tmp/keyway\"\n").unwrap();
    let http = config.http.unwrap();
    assert_eq!((http.listen, http.local_key), ("127.0.0.1:5399".parse().unwrap(), "/tmp/keyway/local.key".into()));
    assert!(
        config.warnings.len() == 1 && config.warnings[0].contains("no stick is configured"),
        "{:?}",
        config.warnings
    );
    assert!(config.warnings[0].contains("in keyway.toml"), "{:?}", config.warnings);
}

#[test]
fn a_hub_that_nobody_can_ask_says_so() {
    let config = Config::parse("keyway.toml", "[http]\nenabled = false\n").unwrap();
    assert_eq!(config.http, None);
    assert!(config.warnings.iter().any(|warning| warning.contains("nobody can ask")), "{:?}", config.warnings);
}

#[test]
fn an_http_door_that_others_can_reach_is_warned_of() {
    for (listen, open) in [("0.0.0.0:80", true), ("[::]:80", true), ("[::1]:80", false), ("127.0.0.2:80", false)] {
        let config = Config::parse("keyway.toml", &format!("[http]\nlisten = \"{listen}\"\n")).unwrap();
        let warned = config.warnings.iter().any(|warning| warning.contains("no TLS"));
        assert_eq!(warned, open, "{listen}");
    }
    let error = error_of("[http]\nlisten = \"localhost:5399\"\n");
    assert!(error.starts_with("keyway.toml, line 2: `http.listen` should be an address and a port"), "{error}");
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    let error = error_of("[hub]\nname = \"x\"\nnmae = \"y\"\n");
    assert!(error.starts_with("keyway.toml, line 3: unknown field `nmae`"), "{error}");
}

#[test]
fn a_wrong_value_is_named_with_its_line_and_what_would_be_right() {
    let error = error_of("[hub]\nname = \"a/b\"\n");
    assert_eq!(error, "keyway.toml, line 2: `hub.name` should be letters, digits, '-', '_' and '.' only");
    let error = error_of(&WHOLE.replace("serial:/dev/serial/by-id/usb-stick", "COM3"));
    assert!(error.contains("line 12: `zwave.port` should be \"serial:"), "{error}");
    let error = error_of(&WHOLE.replace("node = 4", "node = 233"));
    assert!(error.contains("`zwave.locks.node` should be 1 to 232"), "{error}");
    let error = error_of(&WHOLE.replace("node = 4", "node = 2"));
    assert!(error.contains("`zwave.locks.node` is 2 twice"), "{error}");
}

#[test]
fn a_wrong_key_is_named_but_never_shown() {
    let error = error_of(&WHOLE.replace("11111111111111111111111111111101", "1111111111111111111111111111110"));
    assert_eq!(error, "keyway.toml, line 14: `zwave.keys.s2_access_control` should be 32 hexadecimal digits");
}

#[test]
fn a_value_of_the_wrong_type_is_not_quoted_since_it_may_be_a_key() {
    let error = error_of("[[zwave]]\nport = \"tcp://x:1\"\n[zwave.keys]\ns0 = 11111111\n");
    assert!(error.starts_with("keyway.toml, line 4: wrong type or value: expected"), "{error}");
    assert!(!error.contains("11111111"), "{error}");
}

#[test]
fn a_class_without_its_key_is_refused() {
    let error = error_of(&WHOLE.replace("\"s0\"]", "\"s2_authenticated\"]"));
    assert!(error.contains("\"s2_authenticated\", whose key is missing under [zwave.keys]"), "{error}");
}

#[test]
fn debug_shows_no_secret() {
    let shown = format!("{:?}", Config::parse("keyway.toml", WHOLE).unwrap());
    assert!(!shown.contains("hush") && !shown.contains("17, 17"), "{shown}");
}

#[test]
fn a_users_own_file_of_quirks_is_read_and_what_is_wrong_in_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("quirks.toml");
    let text = format!("[[zwave]]\nport = \"tcp://127.0.0.1:1\"\nquirks = \"{}\"\n", file.display());
    let refusal = || Config::parse("keyway.toml", &text).unwrap_err().to_string();
    assert!(refusal().starts_with("keyway.toml, line 3: `zwave.quirks` can't be read"), "{}", refusal());
    let own = "[[lock]]\nname = 'Mine'\nreason = 'seen'\nmanufacturer = 1\n";
    std::fs::write(&file, format!("{own}answer_seconds = 99")).unwrap();
    assert!(refusal().contains("lock \"Mine\": `answer_seconds` should be 1 to 30"), "{}", refusal());
    std::fs::write(&file, format!("{own}masked = true")).unwrap();
    let config = Config::parse("keyway.toml", &text).unwrap();
    assert_eq!(config.zwave[0].quirks.of(Some((1, 2, 3)), None).masked, Some(true));
}

#[test]
fn a_zigbee_stick_needs_no_more_than_its_port() {
    let config = Config::parse("keyway.toml", "[[zigbee]]\nport = \"serial:/dev/ttyACM0\"\n").unwrap();
    let stick = &config.zigbee[0];
    assert_eq!((stick.name.as_str(), stick.adapter), ("zigbee", None));
    assert!(!stick.install_codes_only);
    let strict = "[[zigbee]]\nport = \"tcp://x:1\"\ninstall_codes = \"required\"\n";
    assert!(Config::parse("keyway.toml", strict).unwrap().zigbee[0].install_codes_only);
    let PortAddress::Serial { lines, .. } = &stick.port else { panic!("{}", stick.port) };
    assert!(lines.len() > 1, "ways to speak with it are found out");
    let one_speed = "[[zigbee]]\nport = \"serial:/dev/ttyACM0\"\nbaud = 460800\n";
    let config = Config::parse("keyway.toml", one_speed).unwrap();
    let PortAddress::Serial { lines, .. } = &config.zigbee[0].port else { panic!("{}", config.zigbee[0].port) };
    assert!(lines.iter().all(|line| line.baud == 460_800) && lines.len() == 2, "with and without flow control");
    let error =
        error_of("[[zwave]]\nname = \"a\"\nport = \"tcp://x:1\"\n[[zigbee]]\nname = \"a\"\nport = \"tcp://x:2\"\n");
    assert!(error.contains("line 6: `zigbee.name` is \"a\" twice"), "{error}");
    let error = error_of("[[zigbee]]\nport = \"tcp://x:1\"\nadapter = \"deconz\"\n");
    assert!(error.contains("line 3: `zigbee.adapter` should be \"ezsp\""), "{error}");
}

#[test]
fn scheduled_backups_go_into_the_data_directory_unless_it_is_told_otherwise() {
    let read = |more: &str| {
        let text = format!("[hub]\ndata_dir = \"/var/lib/keyway\"\n[backup]\nschedule = \"0 3 * * SUN\"\n{more}");
        Config::parse("keyway.toml", &text).map(|config| config.backup.unwrap()).map_err(|error| error.to_string())
    };
    let usual = read("").unwrap();
    assert_eq!((usual.shelf.directory.as_path(), usual.shelf.own), (Path::new("/var/lib/keyway/backups"), true));
    assert_eq!((usual.shelf.keep.get(), usual.passphrase), (4, None));
    let told = read("directory = \"/media/usb\"\nkeep = 9").unwrap();
    assert_eq!((told.shelf.directory.as_path(), told.shelf.own), (Path::new("/media/usb"), false));
    for (more, error) in [
        ("keep = 0", "line 5: `backup.keep` should be 1 or more"),
        ("directory = \"usb\"", "line 5: `backup.directory` should be a whole path"),
        ("time_zone = \"Mars/Base\"", "line 5: `backup.time_zone` is not a time zone"),
        ("passphrase_file = \"/nowhere\"", "line 5: `backup.passphrase_file` can't be read"),
    ] {
        assert!(read(more).unwrap_err().contains(error), "{more}: {:?}", read(more));
    }
    assert!(error_of("[backup]\nschedule = \"0 3 * * 7\"").contains("line 2: `backup.schedule` name the weekdays"));
}

#[test]
fn a_backups_passphrase_that_is_too_short_or_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("passphrase");
    let read = |text: &str, mode| {
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        Config::parse("keyway.toml", &format!("[backup]\nschedule = \"0 3 * * SUN\"\npassphrase_file = {file:?}"))
    };
    assert!(read("short", 0o600).unwrap_err().to_string().contains("at least 8 characters"));
    let open = read("open sesame", 0o644).unwrap_err().to_string();
    assert!(open.contains("may be read by others") && !open.contains("sesame"), "{open}");
    let passphrase = read("open sesame\nand more", 0o640).unwrap().backup.unwrap().passphrase.unwrap();
    assert_eq!((passphrase.expose(), format!("{passphrase:?}").as_str()), ("open sesame", "Secret(redacted)"));
}

#[cfg(feature = "websocket")]
#[test]
fn a_broker_is_named_by_its_way_host_port_and_path() {
    let address = |url: &str| {
        let mqtt = Config::parse("keyway.toml", &format!("[mqtt]\nurl = {url:?}\n")).unwrap().mqtt.unwrap();
        (mqtt.host, mqtt.port, mqtt.websocket)
    };
    let path = |path: &str| Some(path.to_owned());
    assert_eq!(address("mqtt://broker/"), ("broker".to_owned(), 1883, None));
    assert_eq!(address("mqtt://[::1]"), ("::1".to_owned(), 1883, None));
    assert_eq!(address("ws://broker"), ("broker".to_owned(), 80, path("/mqtt")));
    assert_eq!(address("ws://[fe80::1]:9001/a/b"), ("fe80::1".to_owned(), 9001, path("/a/b")));
    for wrong in ["http://broker", "mqtt://broker/path", "ws://", "ws://broker:port/mqtt", "ws://broker/a b"] {
        let error = error_of(&format!("[mqtt]\nurl = {wrong:?}\n"));
        assert!(error.contains("line 2: `mqtt.url` should be"), "{wrong}: {error}");
    }
    assert!(error_of("[mqtt]\nurl = \"ws://me:hush@broker/mqtt\"\n").contains("should not hold the password"));
}
