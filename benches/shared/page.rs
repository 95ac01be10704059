//! A table in a page of the documentation, made anew by its bench.

use std::path::Path;

use anyhow::{Context, Result};

/// The table is behind the mark of this bench, and ends at a mark.
const END: &str = "<!-- end -->\n";

/// Puts the table into `docs/PAGE`, where the mark of `bench` is.
pub(crate) fn put_into(page: &str, bench: &str, table: &str) -> Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page);
    let begin = format!("<!-- made by cargo bench --bench {bench} -->\n");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let (head, rest) = text.split_once(&begin).context("the page has no place for the table")?;
    let (_, tail) = rest.split_once(END).context("the page has no end of the table")?;
    std::fs::write(&path, format!("{head}{begin}{table}{END}{tail}"))?;
    Ok(())
}
