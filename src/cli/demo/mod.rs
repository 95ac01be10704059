//! `keyway demo`: the whole story with nothing to install: broker, stick, locks and hub in one process.

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// End after the story, with exit code 0 if every step of it was seen.
    #[arg(long)]
    once: bool,
}

/// Says how to get it: this program was built without the broker.
pub(super) fn run(_arguments: &Arguments) -> anyhow::Result<()> {
    anyhow::bail!(
        "this keyway was built without the demo, which brings an MQTT broker along. In the sources of Keyway, run\n\
         \n    cargo run --features demo -- demo\n"
    )
}
