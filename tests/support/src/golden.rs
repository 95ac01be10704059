//! Files of answers that others depend on, frozen.

use std::path::Path;

use serde_json::Value;

/// Asserts that a file holds exactly this JSON. With `UPDATE_GOLDEN=1` in the environment it is written instead, to be
/// looked at in the difference before it is committed.
pub fn assert_golden(file: &Path, json: &Value) {
    let text = format!("{json:#}\n");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(file.parent().expect("a file in a folder")).expect("can't make the folder");
        return std::fs::write(file, text).expect("can't write the file");
    }
    let frozen = std::fs::read_to_string(file).unwrap_or_default();
    let line = frozen.lines().zip(text.lines()).position(|(frozen, now)| frozen != now);
    let line = line.unwrap_or_else(|| frozen.lines().count().min(text.lines().count()));
    assert!(
        frozen == text,
        "{} says otherwise from line {} on:\n  frozen: {}\n  now:    {}\nWhat others depend on has changed. If that is \
         meant, run the test once with UPDATE_GOLDEN=1, and look at the difference.",
        file.display(),
        line + 1,
        frozen.lines().nth(line).unwrap_or_default(),
        text.lines().nth(line).unwrap_or_default()
    );
}
