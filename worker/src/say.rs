//! What a worker says to whoever started it: a line for each event, for people or as JSON for programs.
//!
//! Lines for people go to standard error, but for the address of `--health`; JSON goes to standard output. A reader that
//! went away is no error.

use std::io;
use std::net::SocketAddr;

use serde::Serialize;
use tickfleet_runtime::failure::Failure;

/// Something that happened.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event<'a> {
    /// It serves its health.
    Listening {
        /// Where.
        http: SocketAddr,
    },
    /// The queue cannot be reached: it goes on trying.
    Waiting {
        /// The worker.
        worker: &'a str,
        /// The queue, its secrets masked.
        queue: &'a str,
        /// What went wrong last.
        why: String,
    },
    /// The queue answered for the first time, or again.
    Joined {
        /// The worker.
        worker: &'a str,
        /// Its lanes.
        lanes: usize,
        /// The queue, its secrets masked.
        queue: &'a str,
    },
    /// It claims nothing more.
    Draining {
        /// The worker.
        worker: &'a str,
        /// Jobs that compute still.
        computing: usize,
    },
    /// It ends.
    Ended {
        /// The worker.
        worker: &'a str,
        /// Jobs that it committed.
        done: u64,
        /// Failures that it reported.
        failed: u64,
        /// Jobs that it handed back.
        handed_back: u64,
    },
    /// It cannot go on.
    Failed {
        /// What went wrong.
        failure: &'a Failure,
    },
}

/// Says events.
#[derive(Debug, Clone, Copy)]
pub struct Say {
    /// As JSON.
    pub json: bool,
}

impl Say {
    /// Says one.
    pub fn say(self, event: &Event<'_>) {
        if self.json {
            let line = serde_json::to_string(event).expect("an event is JSON");
            print(&mut io::stdout().lock(), &line);
            return;
        }
        match event {
            Event::Listening { http } => print(&mut io::stdout().lock(), &format!("HTTP http://{http}")),
            Event::Failed { failure } => failure.print(),
            event => print(&mut io::stderr().lock(), &text(event)),
        }
    }
}

fn print(to: &mut impl io::Write, line: &str) {
    let _ = writeln!(to, "{line}").and_then(|()| to.flush());
}

fn text(event: &Event<'_>) -> String {
    match event {
        Event::Waiting { worker, queue, why } => format!("worker {worker}: waiting for the queue {queue}: {why}"),
        Event::Joined { worker, lanes, queue } => {
            format!(
                "worker {worker}: {lanes} lane{}, queue {queue}",
                if *lanes == 1 { "" } else { "s" }
            )
        }
        Event::Draining { worker, computing } => {
            format!("worker {worker}: draining, {computing} computing; once more to end at once")
        }
        Event::Ended {
            worker,
            done,
            failed,
            handed_back,
        } => format!("worker {worker}: ended, {done} done, {failed} failed, {handed_back} handed back"),
        Event::Listening { .. } | Event::Failed { .. } => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_who_and_what() {
        let joined = Event::Joined {
            worker: "w1",
            lanes: 2,
            queue: "redis://h:6379",
        };
        assert_eq!(text(&joined), "worker w1: 2 lanes, queue redis://h:6379");
        let json = serde_json::to_value(&joined).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"event": "joined", "worker": "w1", "lanes": 2, "queue": "redis://h:6379"})
        );
    }
}
