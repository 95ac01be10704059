//! What a person sees, as the documentation shows it: recorded, so that it is true and stays true.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// One file is written by one test at a time.
static WRITING: Mutex<()> = Mutex::new(());

/// Asserts that a page of documentation shows exactly this text, in the block behind `<!-- recorded: NAME -->`. With
/// `UPDATE_GOLDEN=1` in the environment it is written there instead.
pub fn assert_recorded(page: &Path, name: &str, text: &str) {
    assert!(text.ends_with('\n'), "the block's end needs a line of its own");
    let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let marker = format!("<!-- recorded: {name} -->\n```text\n");
    let whole = std::fs::read_to_string(page).expect("can't read the page");
    let begin = whole.find(&marker).unwrap_or_else(|| panic!("{} has no {marker:?}", page.display())) + marker.len();
    let length = whole[begin - 1..].find("\n```").expect("the block has an end");
    let shown = &whole[begin..begin + length];
    if shown == text {
        return;
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let page_now = [&whole[..begin], text, &whole[begin + length..]].concat();
        return std::fs::write(page, page_now).expect("can't write the page");
    }
    panic!(
        "{} shows this otherwise. Now it is:\n{text}\nIf that is meant, run the test once with UPDATE_GOLDEN=1, and look \
         at the difference.",
        page.display()
    );
}
