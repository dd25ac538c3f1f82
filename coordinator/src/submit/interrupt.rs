//! Ctrl-C: the first asks the run to stop, the second ends the process without waiting.

use tokio::sync::watch;
use tokio::task::JoinHandle;

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
        let listener = tokio::spawn(async move {
            // Without a handler the system's own behaviour stays: the process ends.
            while tokio::signal::ctrl_c().await.is_ok() {
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

async fn reached(mut count: watch::Receiver<u32>, wanted: u32) {
    if count.wait_for(|count| *count >= wanted).await.is_err() {
        std::future::pending::<()>().await;
    }
}
