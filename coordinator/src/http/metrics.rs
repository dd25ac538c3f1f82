//! The queue's numbers in Prometheus's text form: runs by state, jobs, what waits, workers.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use tickfleet_protocol::fleet::WorkerEntry;
use tickfleet_runtime::broker::{Counts, RunState, RunSummary};
use tokio::sync::Mutex;

use crate::cluster::Cluster;

/// Gives the text of `/metrics`.
pub type Metrics = Arc<dyn Fn() -> BoxFuture<'static, String> + Send + Sync>;

/// How old numbers may be: a crowd of scrapers asks the queue once.
const AGE_MAX: Duration = Duration::from_secs(1);
/// How long the queue may take to give them.
const PATIENCE: Duration = Duration::from_secs(5);

const STATES: [(RunState, &str); 5] = [
    (RunState::Running, "running"),
    (RunState::Succeeded, "succeeded"),
    (RunState::Failed, "failed"),
    (RunState::Cancelled, "cancelled"),
    (RunState::DeadlineExceeded, "deadline_exceeded"),
];

/// The numbers of a cluster's queue, asked for when they are wanted.
pub fn gauges(cluster: Arc<dyn Cluster>) -> Metrics {
    let last: Arc<Mutex<Option<(Instant, String)>>> = Arc::default();
    Arc::new(move || {
        let (cluster, last) = (cluster.clone(), last.clone());
        async move {
            let mut last = last.lock().await;
            if let Some((at, text)) = &*last
                && at.elapsed() < AGE_MAX
            {
                return text.clone();
            }
            let text = tokio::time::timeout(PATIENCE, ask(cluster.as_ref())).await;
            let text = text.unwrap_or_else(|_| gauge("tickfleet_queue_up", UP, [("", 0)]));
            *last = Some((Instant::now(), text.clone()));
            text
        }
        .boxed()
    })
}

const UP: &str = "Whether the queue answers.";

async fn ask(cluster: &dyn Cluster) -> String {
    let Ok(runs) = cluster.list().await else {
        return gauge("tickfleet_queue_up", UP, [("", 0)]);
    };
    let mut text = gauge("tickfleet_queue_up", UP, [("", 1)]) + &of_runs(&runs);
    if let Ok(workers) = cluster.workers().await {
        text += &of_workers(&workers);
    }
    text
}

fn of_runs(runs: &[RunSummary]) -> String {
    let by_state = STATES.map(|(state, name)| {
        let count = runs.iter().filter(|run| run.state == state).count() as u64;
        (name, count)
    });
    let sum = |part: fn(Counts) -> u64| runs.iter().map(|run| part(run.counts())).sum();
    let running = runs.iter().filter(|run| run.state == RunState::Running);
    let open: u64 = running
        .map(RunSummary::counts)
        .map(|counts| counts.total - counts.done - counts.failed)
        .sum();
    let jobs = [
        ("total", sum(|counts| counts.total)),
        ("done", sum(|counts| counts.done)),
        ("failed", sum(|counts| counts.failed)),
    ];
    let labelled = |(name, value): (&str, u64), label: &str| (format!("{{{label}=\"{name}\"}}"), value);
    gauge(
        "tickfleet_runs",
        "Runs that are kept, by state.",
        by_state.map(|state| labelled(state, "state")),
    ) + &gauge(
        "tickfleet_jobs",
        "Jobs of the runs that are kept.",
        jobs.map(|jobs| labelled(jobs, "count")),
    ) + &gauge(
        "tickfleet_jobs_open",
        "Jobs of running runs that are neither done nor given up.",
        [("", open)],
    )
}

fn of_workers(workers: &[WorkerEntry]) -> String {
    let lanes = workers.iter().map(|worker| u64::from(worker.card.lanes)).sum();
    let held = workers.iter().map(|worker| worker.card.held).sum();
    gauge(
        "tickfleet_workers",
        "Workers that are there.",
        [("", workers.len() as u64)],
    ) + &gauge("tickfleet_lanes", "Lanes of the workers.", [("", lanes)])
        + &gauge("tickfleet_jobs_held", "Jobs that workers hold.", [("", held)])
}

/// A gauge with its samples: labels and value.
fn gauge<L: AsRef<str>>(name: &str, help: &str, samples: impl IntoIterator<Item = (L, u64)>) -> String {
    let mut text = format!("# HELP {name} {help}\n# TYPE {name} gauge\n");
    for (labels, value) in samples {
        writeln!(text, "{name}{} {value}", labels.as_ref()).expect("writing to a String never fails");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_is_in_prometheus_form() {
        assert_eq!(
            gauge("a_b", "What it is.", [("{k=\"x\"}", 1), ("{k=\"y\"}", 2)]),
            "# HELP a_b What it is.\n# TYPE a_b gauge\na_b{k=\"x\"} 1\na_b{k=\"y\"} 2\n"
        );
        assert_eq!(gauge("c", "C.", [("", 7)]), "# HELP c C.\n# TYPE c gauge\nc 7\n");
    }
}
