//! `keyway completions`: what makes the Tab key useful.

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Arguments as Everything, say};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// For which shell.
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments) {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Everything::command(), "keyway", &mut script);
    say(String::from_utf8_lossy(&script).trim_end());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(shell: Shell) -> String {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Everything::command(), "keyway", &mut script);
        String::from_utf8(script).unwrap()
    }

    #[test]
    fn every_shell_learns_the_commands_and_two_of_them_the_operations() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            for word in ["grants", "time-zone", "unlock"] {
                assert!(script(shell).contains(word), "{shell}: {word}");
            }
        }
        for shell in [Shell::Bash, Shell::Zsh] {
            assert!(script(shell).contains("access_grants/create"), "{shell}");
        }
    }
}
