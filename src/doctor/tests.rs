use super::*;

fn config(folder: &Path, more: &str) -> std::path::PathBuf {
    let path = folder.join("keyway.toml");
    let text = format!("[hub]\ndata_dir = {:?}\n[clock]\ntrust = \"always\"\n{more}", folder.join("data"));
    std::fs::write(&path, text).unwrap();
    path
}

fn found(path: &Path) -> Vec<Finding> {
    let (config, mut findings) = configuration(path);
    findings.extend(config.iter().flat_map(|config| look(config, false)));
    findings
}

fn of(findings: &[Finding], part: &str) -> Vec<Condition> {
    findings.iter().filter(|finding| finding.part == part).map(|finding| finding.condition).collect()
}

#[test]
fn before_the_first_start_nothing_is_wrong_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let findings = found(&config(folder.path(), ""));
    assert!(findings.iter().all(|finding| finding.condition < Condition::Problem), "{findings:?}");
    assert_eq!(of(&findings, "clock"), [Condition::Fine]);
    assert!(!folder.path().join("data").exists());
}

#[test]
fn a_configuration_that_is_wrong_and_a_stick_that_is_not_there_are_problems() {
    let folder = tempfile::tempdir().unwrap();
    let findings = found(&config(folder.path(), "colour = \"red\""));
    assert_eq!(of(&findings, "configuration"), [Condition::Problem]);
    let findings = found(&config(folder.path(), "[[zwave]]\nport = \"serial:/dev/serial/by-id/none\""));
    assert_eq!(of(&findings, "stick"), [Condition::Problem]);
}

#[test]
fn a_key_that_does_not_fit_and_one_that_is_lost_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = config(folder.path(), "");
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let store = crate::store::Store::open(&data.join("keyway.db"), zeroize::Zeroizing::new([7; 32]), [1; 32]).unwrap();
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(store.close());
    assert_eq!(of(&found(&path), "vault"), [Condition::Unknown]);
    let key = data.join("vault.key");
    for (byte, condition) in [(8, Condition::Problem), (7, Condition::Fine)] {
        std::fs::write(&key, [byte; 32]).unwrap();
        std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let findings = found(&path);
        assert_eq!((of(&findings, "vault"), of(&findings, "database")), (vec![condition], vec![Condition::Fine]));
    }
}

#[test]
fn a_schedule_of_backups_is_looked_at_by_the_files_that_stand_there() {
    let folder = tempfile::tempdir().unwrap();
    let (data, usb) = (folder.path().join("data"), folder.path().join("usb"));
    let path = config(folder.path(), &format!("[backup]\nschedule = \"0 3 1 1 *\"\ndirectory = {usb:?}"));
    std::fs::create_dir(&data).unwrap();
    let store = crate::store::Store::open(&data.join("keyway.db"), zeroize::Zeroizing::new([7; 32]), [1; 32]).unwrap();
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(store.close());
    let backup = || {
        let findings = found(&path);
        let finding = findings.iter().find(|finding| finding.part == "backup").unwrap();
        (finding.condition, finding.message.clone())
    };
    let (condition, message) = backup();
    assert!(condition == Condition::Problem && message.contains("see that it is there"), "{message}");
    std::fs::create_dir(&usb).unwrap();
    let (condition, message) = backup();
    assert!(condition == Condition::Notice && message.contains("none is in"), "{message}");
    std::fs::write(usb.join("keyway-home-20200101T030000Z.backup"), "x").unwrap();
    let (condition, message) = backup();
    assert!(condition == Condition::Notice && message.contains("another is due since"), "{message}");
    let now = crate::clock::Clock::now(&crate::clock::SystemClock::default()).utc.to_string();
    let now = now.split('.').next().unwrap().replace(['-', ':'], "");
    std::fs::write(usb.join(format!("keyway-home-{now}Z.backup")), "x").unwrap();
    let (condition, message) = backup();
    assert!(condition == Condition::Fine && message.ends_with("0 days ago"), "{message}");
}
