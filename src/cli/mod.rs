//! The command line: one file a subcommand.

mod check_config;
mod client;
mod clock;
mod completions;
mod demo;
mod doctor;
mod manual;
mod restore;
mod run;
mod virtual_stick;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use client::{NetworkKeysFound, SettingsError, network_keys_in};

use client::Trouble;

/// Lets people in and keeps them out, on time, with no cloud: a door lock hub for the Raspberry Pi.
#[derive(Parser)]
#[command(name = "keyway", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the hub. It stays in the foreground, logs to stderr (to the journal under systemd), and stops on Ctrl-C.
    Run(run::Arguments),
    /// Read a configuration, say what is in it and what is wrong with it, and change nothing.
    CheckConfig(check_config::Arguments),
    /// Look whether everything is there that a hub needs (configuration, clock, broker, sticks, disk, database, vault, service),
    /// and say what to do. It changes nothing, and works while the hub runs and while it does not. The exit code is 0 when
    /// nothing is wrong, 1 when somebody must act, 2 when something could not be looked at.
    Doctor(doctor::Arguments),
    #[command(flatten)]
    Client(Box<client::Command>),
    /// Bring back what `keyway backup` took away. The hub must be stopped. It is shown what will happen, and asked before it
    /// does; the passphrase is asked for, or read from stdin.
    Restore(restore::Arguments),
    /// See the hub at work in half a minute, with a broker and three locks in software: nothing to install or to own.
    Demo(demo::Arguments),
    /// A Z-Wave stick with locks in software, for a hub to connect to over TCP: for demonstrations and tests.
    VirtualStick(virtual_stick::Arguments),
    /// Print what makes the Tab key complete the commands of keyway: `keyway completions bash > /etc/bash_completion.d/keyway`.
    Completions(completions::Arguments),
    /// Wait until the kernel says that the clock is right, and leave a mark of it for the hub: for keyway-clock.service.
    #[command(hide = true)]
    Clock,
    /// Write the manual pages of all commands into a folder: for packages.
    #[command(hide = true)]
    Manual(manual::Arguments),
}

/// Carries out a command line, program name first.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        // Also how `--help` and `--version` end, with exit code 0.
        Err(error) => error.exit(),
    };
    let mut failure: fn(&anyhow::Error) -> ExitCode = |_| ExitCode::FAILURE;
    let outcome = match arguments.command {
        Command::Run(arguments) => {
            failure = run::exit_code;
            run::run(&arguments)
        }
        Command::CheckConfig(arguments) => check_config::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::VirtualStick(arguments) => virtual_stick::run(&arguments),
        Command::Completions(arguments) => {
            completions::run(&arguments);
            Ok(())
        }
        Command::Doctor(arguments) => return doctor::run(&arguments),
        Command::Clock => {
            clock::run();
            Ok(())
        }
        Command::Manual(arguments) => manual::run(&arguments),
        Command::Restore(arguments) => return answer(restore::run(arguments)),
        Command::Client(command) => return answer(client::run(*command)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format_args!("{error:#}"));
            failure(&error)
        }
    }
}

/// The exit code of a command to a hub: each kind of trouble has its own.
fn answer(outcome: Result<(), Trouble>) -> ExitCode {
    match outcome {
        Ok(()) | Err(Trouble::Unread) => ExitCode::SUCCESS,
        Err(trouble) => {
            complain(&trouble);
            ExitCode::from(trouble.exit_code())
        }
    }
}

/// Nobody to tell when stderr is gone as well.
fn complain(error: &impl Display) {
    let _ = writeln!(std::io::stderr(), "keyway: {error}");
}

/// One line to stdout. A reader that went away (`| head`) is not an error.
fn say(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
