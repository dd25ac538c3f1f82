//! Ctrl-C and SIGTERM: the first asks the run to stop, the second ends the process without waiting.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the system sends to who writes a larger file than it may: the same number on Linux and macOS.
const FILE_SIZE_LIMIT: i32 = 25;

/// Counts interrupts.
#[derive(Debug)]
pub(super) struct Interrupts {
    count: watch::Receiver<u32>,
    listener: JoinHandle<()>,
}

impl Interrupts {
    /// Starts to listen. From here on Ctrl-C no longer ends the process by itself.
    pub(super) fn listen() -> Self {
        let (sender, count) = watch::channel(0);
        // With a handler, the write fails and is reported; without one, it would end the process and leave its file.
        let _ = signal(SignalKind::from_raw(FILE_SIZE_LIMIT));
        // Without handlers the system's own behaviour stays: the process ends.
        let signals = signals();
        let listener = tokio::spawn(async move {
            let Ok((mut interrupts, mut terminations)) = signals else {
                return;
            };
            while next(&mut interrupts, &mut terminations).await.is_some() {
                sender.send_modify(|count| *count += 1);
            }
        });
        Self { count, listener }
    }

    /// Ends at the first interrupt.
    pub(super) fn first(&self) -> impl Future<Output = ()> + Send + use<> {
        reached(self.count.clone(), 1)
    }

    /// Ends at the second interrupt.
    pub(super) fn second(&self) -> impl Future<Output = ()> + Send + use<> {
        reached(self.count.clone(), 2)
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

fn signals() -> io::Result<(Signal, Signal)> {
    Ok((signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?))
}

async fn next(interrupts: &mut Signal, terminations: &mut Signal) -> Option<()> {
    tokio::select! {
        interrupt = interrupts.recv() => interrupt,
        termination = terminations.recv() => termination,
    }
}

async fn reached(mut count: watch::Receiver<u32>, wanted: u32) {
    if count.wait_for(|count| *count >= wanted).await.is_err() {
        std::future::pending::<()>().await;
    }
}
