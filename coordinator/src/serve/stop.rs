//! SIGTERM and Ctrl-C: the first asks the server to stop, the second ends the process at once.

use tickfleet_runtime::failure::ExitStatus;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// Turns true when the process is told to end. Where no handler can be installed, the system's own behaviour stays.
pub(super) fn on_signals() -> watch::Receiver<bool> {
    let (told, stop) = watch::channel(false);
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    tokio::spawn(async move {
        let (Ok(mut interrupts), Ok(mut terminations)) = signals else {
            // The teller stays, so that nobody takes its end for a word.
            told.closed().await;
            return;
        };
        either(&mut interrupts, &mut terminations).await;
        told.send_replace(true);
        either(&mut interrupts, &mut terminations).await;
        std::process::exit(i32::from(ExitStatus::Detached.code()));
    });
    stop
}

async fn either(interrupts: &mut Signal, terminations: &mut Signal) {
    tokio::select! {
        _ = interrupts.recv() => {}
        _ = terminations.recv() => {}
    }
}
