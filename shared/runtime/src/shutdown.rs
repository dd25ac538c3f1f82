//! How a long-running program is told to end: asked once it drains, asked twice it ends at once.
//!
//! Whoever may ask holds a [`Stop`]: the signals, an order from the queue, a watchdog. Whoever has to obey holds the
//! receiver. It only ever goes forward, so nobody takes back what another has asked for.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How far a program has been told to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shutdown {
    /// Nobody has asked.
    #[default]
    Running,
    /// Take no more work, bring what is begun to its end within bounds, then end.
    Draining,
    /// End at once.
    Ending,
}

/// Tells a program to end. Clones tell the same program.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    level: watch::Sender<Shutdown>,
}

impl Stop {
    /// Asks for `level`; asking for less than was asked before changes nothing.
    pub fn ask(&self, level: Shutdown) {
        self.level.send_if_modified(|asked| {
            let is_more = level > *asked;
            *asked = level.max(*asked);
            is_more
        });
    }

    /// Asks for one level more than was asked before, and gives it.
    pub fn ask_again(&self) -> Shutdown {
        let next = match *self.level.borrow() {
            Shutdown::Running => Shutdown::Draining,
            Shutdown::Draining | Shutdown::Ending => Shutdown::Ending,
        };
        self.ask(next);
        next
    }

    /// What has been asked, now and from here on.
    pub fn asked(&self) -> watch::Receiver<Shutdown> {
        self.level.subscribe()
    }

    /// Lets each SIGINT and SIGTERM ask for one level more, as long as the runtime lives.
    ///
    /// # Errors
    /// The system refuses a handler.
    pub fn on_signals(&self) -> io::Result<JoinHandle<()>> {
        let (mut interrupts, mut terminations) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let stop = self.clone();
        Ok(tokio::spawn(async move {
            loop {
                let came = tokio::select! {
                    came = interrupts.recv() => came,
                    came = terminations.recv() => came,
                };
                if came.is_none() {
                    return;
                }
                stop.ask_again();
            }
        }))
    }
}

/// Returns once at least `level` has been asked for; never, if whoever could ask is gone.
pub async fn reached(asked: &mut watch::Receiver<Shutdown>, level: Shutdown) {
    if asked.wait_for(|asked| *asked >= level).await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_only_goes_forward() {
        let stop = Stop::default();
        let mut asked = stop.asked();
        assert_eq!(*asked.borrow(), Shutdown::Running);
        assert_eq!(stop.ask_again(), Shutdown::Draining);
        reached(&mut asked, Shutdown::Draining).await;
        assert_eq!(stop.ask_again(), Shutdown::Ending);
        stop.ask(Shutdown::Draining);
        reached(&mut asked, Shutdown::Ending).await;
        assert_eq!(stop.ask_again(), Shutdown::Ending);
    }

    #[tokio::test]
    async fn a_signal_asks_for_one_level_more() {
        let stop = Stop::default();
        let listening = stop.on_signals().expect("handlers can be set");
        let mut asked = stop.asked();
        for level in [Shutdown::Draining, Shutdown::Ending] {
            let this = rustix::process::getpid();
            rustix::process::kill_process(this, rustix::process::Signal::TERM).expect("a process may signal itself");
            reached(&mut asked, level).await;
        }
        listening.abort();
    }
}
