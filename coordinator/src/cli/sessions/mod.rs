//! What each verb tells people and programs, and what it asks of the cluster: whole sessions, compared as texts.
//!
//! A line of a session is parsed as the program parses it and answered by a cluster that [`fake`] made up, on a terminal
//! of a stated width, at a stated moment. Lines that begin with `|` went to standard error, those with `>` changed the
//! cluster, `=` is the exit status.

mod dead;
mod fake;
mod fleet;
mod follow;
mod health;
mod runs;

use clap::Parser;
use tickfleet_runtime::failure::ExitStatus;

use super::reach::OnCluster as _;
use super::{Cli, Verb};
use crate::cluster::{Cluster, Result};
use crate::ops::Output;

use fake::{Fake, Taken, frame};

/// Lines typed one after the other, and what came of them.
struct Session {
    columns: usize,
    text: String,
}

impl Session {
    fn new() -> Self {
        Self {
            columns: 120,
            text: String::new(),
        }
    }

    /// Types a line on a cluster.
    async fn line(&mut self, cluster: &Fake, line: &str) {
        let words = std::iter::once("coordinator").chain(line.split(' '));
        let cli = Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}"));
        let taken = Taken::default();
        let mut out = Output::on(line.contains("--json"), frame(self.columns), Box::new(taken.clone()));
        let ended = cli.verb.on(cluster, &mut out).await;
        let (status, told) = match &ended {
            Ok(status) => (*status, taken.stderr.text()),
            Err(failure) => {
                out.failed(failure);
                (failure.status, taken.stderr.text() + &failure.render(false))
            }
        };
        self.text += &format!("\n$ {line}\n{}", taken.stdout.text());
        let marked = |mark: &str, text: &str| text.lines().map(|line| format!("{mark} {line}\n")).collect::<String>();
        self.text += &marked("|", &told);
        self.text += &marked(">", &cluster.take_changes().join("\n"));
        self.text += &format!("= {}\n", status.code());
    }

    /// Types a line on a terminal of this width.
    async fn narrow(&mut self, columns: usize, cluster: &Fake, line: &str) {
        let before = std::mem::replace(&mut self.columns, columns);
        self.line(cluster, line).await;
        self.columns = before;
    }

    /// The text so far, without spaces at the ends of lines.
    #[track_caller]
    fn expect(&self, expect: &str) {
        let text: String = self.text.lines().map(|line| format!("{}\n", line.trim_end())).collect();
        assert_eq!(text, expect, "\n{text}");
    }
}

impl Verb {
    /// What a verb that talks to a cluster does.
    async fn on(&self, cluster: &dyn Cluster, out: &mut Output) -> Result<ExitStatus> {
        match self {
            Self::List(list) => list.on(cluster, out).await,
            Self::Get(get) => get.on(cluster, out).await,
            Self::Watch(watch) => watch.on(cluster, out).await,
            Self::Results(results) => results.on(cluster, out).await,
            Self::Explain(explain) => explain.on(cluster, out).await,
            Self::Compare(compare) => compare.on(cluster, out).await,
            Self::Cancel(cancel) => cancel.on(cluster, out).await,
            Self::Retry(retry) => retry.on(cluster, out).await,
            Self::Logs(logs) => logs.on(cluster, out).await,
            Self::Workers(workers) => workers.on(cluster, out).await,
            Self::Drain(drain) => drain.on(cluster, out).await,
            Self::Dlq(dlq) => dlq.on(cluster, out).await,
            Self::Status(status) => status.on(cluster, out).await,
            Self::Doctor(doctor) => doctor.on(cluster, out).await,
            _ => {
                unreachable!("verbs without a cluster have tests of their own")
            }
        }
    }
}
