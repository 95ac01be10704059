//! `keyway demo`: the whole story with nothing to install: broker, stick, locks and hub in one process.

#[cfg(feature = "demo")]
mod broker;
#[cfg(feature = "demo")]
mod doors;
#[cfg(feature = "demo")]
mod host;
#[cfg(feature = "demo")]
mod play;
#[cfg(feature = "demo")]
mod story;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// End after the story, with exit code 0 if every step of it was seen.
    #[arg(long)]
    once: bool,
    /// Show the hub's log as well, such as `info` or `keyway::reconcile=debug`.
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
}

#[cfg(feature = "demo")]
pub(super) use play::run;

/// Says how to get it: this program was built without the broker.
#[cfg(not(feature = "demo"))]
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let once = if arguments.once { " --once" } else { "" };
    anyhow::bail!(
        "this keyway was built without the demo, which brings an MQTT broker along. In the sources of Keyway, run\n\
         \n    cargo run --features demo -- demo{once}\n"
    )
}
