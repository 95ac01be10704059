//! `keyway manual`: the manual pages, made of what `--help` says.

use std::path::PathBuf;

use anyhow::Context;
use clap::CommandFactory;

use super::Arguments as Everything;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Where: `keyway.1`, `keyway-grants.1`, and so on.
    folder: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let command = Everything::command().disable_help_subcommand(true);
    clap_mangen::generate_to(command, &arguments.folder)
        .with_context(|| format!("can't write into {}", arguments.folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_its_page() {
        let folder = tempfile::tempdir().unwrap();
        run(&Arguments { folder: folder.path().to_owned() }).unwrap();
        for (name, word) in [("keyway", "grants"), ("keyway-run", "RUST_LOG"), ("keyway-grants-create", "device")] {
            let page = std::fs::read_to_string(folder.path().join(format!("{name}.1"))).unwrap();
            assert!(page.contains(word), "{name}: {page}");
        }
        assert!(!folder.path().join("keyway-manual.1").exists(), "what is hidden has none");
    }
}
