//! Which hub, and which key.

use std::path::Path;

use clap::Parser;

use super::super::reach::{Reach, Target, is_this_machine};
use super::super::trouble::Trouble;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    reach: Reach,
}

fn target(line: &[&str], environment: &[(&str, &str)]) -> Result<Target, Trouble> {
    let line = Line::try_parse_from([&["keyway"], line].concat()).unwrap();
    let variable =
        |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    line.reach.target(variable)
}

fn config(folder: &Path, http: &str) -> String {
    let file = folder.join("keyway.toml");
    std::fs::write(&file, format!("[hub]\ndata_dir = {folder:?}\n{http}")).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn options_go_before_the_environment_and_that_before_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), "[http]\nlisten = \"0.0.0.0:7001\"");
    std::fs::write(folder.path().join("local.key"), "seam_local\n").unwrap();
    let found = target(&["--config", &config], &[]).unwrap();
    assert_eq!((found.endpoint.as_str(), found.key.expose()), ("http://127.0.0.1:7001", "seam_local"));

    let environment = [("KEYWAY_ENDPOINT", "http://hub:1/"), ("KEYWAY_API_KEY", "seam_environment")];
    let found = target(&["--config", &config], &environment).unwrap();
    assert_eq!((found.endpoint.as_str(), found.key.expose()), ("http://hub:1", "seam_environment"));

    let file = folder.path().join("other.key");
    std::fs::write(&file, "seam_file\nand more\n").unwrap();
    let line = ["--endpoint", "https://hub:2", "--key-file", file.to_str().unwrap()];
    let found = target(&line, &environment).unwrap();
    assert_eq!((found.endpoint.as_str(), found.key.expose()), ("https://hub:2", "seam_file"));
}

#[test]
fn the_key_of_this_machine_is_never_sent_to_another() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), "");
    std::fs::write(folder.path().join("local.key"), "seam_local\n").unwrap();
    let error = target(&["--config", &config, "--endpoint", "http://192.168.1.20:5399"], &[]).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("another machine"), "{error}");
    for here in ["http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1"] {
        assert!(is_this_machine(here));
        assert!(target(&["--config", &config, "--endpoint", here], &[]).is_ok());
    }
    assert!(!is_this_machine("http://localhost.example.org:1") && !is_this_machine("http://[2001:db8::1]:1"));
}

#[test]
fn what_is_missing_is_said_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let told = |line: &[&str]| target(line, &[]).unwrap_err().to_string();
    let missing = told(&["--config", folder.path().join("none.toml").to_str().unwrap()]);
    assert!(missing.contains("KEYWAY_API_KEY"), "{missing}");
    let shut = config(folder.path(), "[http]\nenabled = false");
    assert!(told(&["--config", &shut]).contains("[http]"), "{}", told(&["--config", &shut]));
    let config = config(folder.path(), "");
    let missing = told(&["--config", &config]);
    assert!(missing.contains("local.key") && missing.contains("makes its own"), "{missing}");
    for endpoint in ["hub:5399", "http://", "http://hub/path", "http://user:secret@hub"] {
        let wrong = told(&["--config", &config, "--endpoint", endpoint]);
        assert!(wrong.starts_with("the hub's address should") && !wrong.contains("secret"), "{wrong}");
    }
}

#[test]
fn a_key_without_a_configuration_asks_the_usual_address() {
    let found = target(&["--config", "/nothing/here.toml"], &[("KEYWAY_API_KEY", "seam_mine")]).unwrap();
    assert_eq!(found.endpoint, "http://127.0.0.1:5399");
}
