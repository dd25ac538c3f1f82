//! `coordinator completions SHELL`: a completion script for a shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, stdout};
use tickfleet_runtime::failure::{ExitStatus, Failure};

const EXAMPLES: &str = "\
EXAMPLES
  For this session of bash:
    source <(coordinator completions bash)
  For fish, for good:
    coordinator completions fish > ~/.config/fish/completions/coordinator.fish";

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> Result<ExitStatus, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "coordinator", &mut script);
        stdout::write(&script)
    }
}
