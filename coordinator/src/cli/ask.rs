//! Asks the user before what can't be undone.

use std::io::{self, IsTerminal, Write};

use tickfleet_runtime::failure::{ExitStatus, Failure};
use tokio::runtime::Handle;

/// Asks a question on the terminal, which only `y` or `yes` consents to; `loss` says what would be gone.
///
/// # Errors
/// There is no terminal, so that nobody could answer; Ctrl-C.
pub(super) fn ask(question: &str, loss: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Failure::new(ExitStatus::BadInput, loss)
            .why("nobody can be asked here: this is no terminal")
            .help("--yes does it without asking"));
    }
    let question = format!("{question} [y/N] ");
    // On a thread of its own, so that Ctrl-C is heard while it waits.
    let answer = tokio::task::spawn_blocking(move || answer(&question));
    let answer = tokio::task::block_in_place(|| {
        Handle::current().block_on(async {
            tokio::select! {
                answer = answer => Ok(answer.unwrap_or_else(|error| Err(io::Error::other(error)))),
                Ok(()) = tokio::signal::ctrl_c() => Err(interrupted()),
            }
        })
    })?;
    let answer =
        answer.map_err(|error| Failure::new(ExitStatus::Failed, "the question can't be asked").because(&error))?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

fn interrupted() -> Failure {
    // The question's line is still open.
    eprintln!();
    Failure::new(ExitStatus::Detached, "interrupted: nothing was done")
}

fn answer(question: &str) -> io::Result<String> {
    let mut answer = String::new();
    io::stderr().lock().write_all(question.as_bytes())?;
    io::stdin().read_line(&mut answer)?;
    Ok(answer)
}
