//! What a measurement of the queue found, for people and for programs.

use std::time::Duration;

use serde::Serialize;

use crate::view::number::count;

/// How soon jobs are delivered.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Dispatch {
    /// Jobs submitted a second, in small runs.
    pub jobs_per_second: f64,
    /// Jobs timed.
    pub jobs: u64,
    /// Half of them were delivered within this time of their run's submission, milliseconds.
    pub p50_ms: f64,
    /// 99 of 100.
    pub p99_ms: f64,
    /// All of them.
    pub max_ms: f64,
}

impl Dispatch {
    /// Of sorted latencies; none of none.
    #[must_use]
    pub fn of(sorted: &[Duration], jobs_per_second: f64) -> Option<Self> {
        let at = |part: f64| {
            let nth = ((sorted.len() as f64 * part).ceil() as usize).max(1) - 1;
            sorted.get(nth).map(|latency| latency.as_secs_f64() * 1e3)
        };
        Some(Self {
            jobs_per_second,
            jobs: sorted.len() as u64,
            p50_ms: at(0.5)?,
            p99_ms: at(0.99)?,
            max_ms: at(1.0)?,
        })
    }
}

/// A run that is submitted and that nobody computes.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct AtRest {
    /// Its jobs.
    pub jobs: u64,
    /// Memory that it takes in Redis.
    pub bytes: u64,
    /// How long its submission took, milliseconds.
    pub submit_ms: f64,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The server.
    pub redis: String,
    /// Cores of this machine.
    pub cores: usize,
    /// Workers.
    pub workers: usize,
    /// No-op jobs of the throughput run.
    pub jobs: u64,
    /// Bytes of each result.
    pub result_bytes: u64,
    /// From submission to the run's end: claimed, computed, result stored, committed.
    pub jobs_per_second: f64,
    /// Processor time of the server, microseconds a job.
    pub redis_cpu_us_per_job: f64,
    /// Dispatch at half of that load.
    pub dispatch: Dispatch,
    /// Jobs of the fixed-cost run.
    pub fixed_cost_jobs: u64,
    /// Processor time that each of them spends, microseconds.
    pub fixed_cost_us: u64,
    /// Their throughput.
    pub fixed_cost_jobs_per_second: f64,
    /// A large run at rest.
    pub at_rest: AtRest,
    /// What redis-benchmark does on the same server: XADD, 32 in a pipeline.
    pub redis_benchmark_per_second: Option<f64>,
}

impl Report {
    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let whole = |number: f64| count(number.round() as u64);
        let mut text = format!("{}, {} cores, {} workers\n", self.redis, self.cores, self.workers);
        let mut line = |name: &str, value: String, remark: String| {
            text += &format!("{name:<12} {value:<26} {remark}\n");
        };
        line(
            "no-op",
            format!("{} jobs/s", whole(self.jobs_per_second)),
            format!(
                "{} jobs, each fenced, with a result of {} bytes",
                count(self.jobs),
                self.result_bytes
            ),
        );
        let Dispatch {
            p50_ms, p99_ms, max_ms, ..
        } = self.dispatch;
        line(
            "dispatch",
            format!("p50 {p50_ms:.1} ms, p99 {p99_ms:.1} ms"),
            format!(
                "at {} jobs/s; longest {max_ms:.1} ms",
                whole(self.dispatch.jobs_per_second)
            ),
        );
        let ideal = 1e6 / self.fixed_cost_us as f64 * self.cores as f64;
        line(
            "fixed cost",
            format!("{} jobs/s", whole(self.fixed_cost_jobs_per_second)),
            format!(
                "{} jobs of {} µs; {:.0} % of {} cores' worth",
                count(self.fixed_cost_jobs),
                self.fixed_cost_us,
                100.0 * self.fixed_cost_jobs_per_second / ideal,
                self.cores
            ),
        );
        line(
            "redis cpu",
            format!("{:.1} µs a job", self.redis_cpu_us_per_job),
            String::new(),
        );
        line(
            "at rest",
            format!(
                "{:.3} bytes a job",
                self.at_rest.bytes as f64 / self.at_rest.jobs as f64
            ),
            format!(
                "{} jobs: {} bytes, submitted in {:.1} ms",
                count(self.at_rest.jobs),
                count(self.at_rest.bytes),
                self.at_rest.submit_ms
            ),
        );
        match self.redis_benchmark_per_second {
            Some(limit) => line(
                "limit",
                format!("{} XADD/s", whole(limit)),
                format!(
                    "redis-benchmark, 32 in a pipeline; a job is worth {:.1} of them",
                    limit / self.jobs_per_second
                ),
            ),
            None => line(
                "limit",
                "unknown".to_owned(),
                "there is no redis-benchmark here".to_owned(),
            ),
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_taken_from_the_sorted_list() {
        let sorted: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        let dispatch = Dispatch::of(&sorted, 10.0).unwrap();
        assert_eq!(
            (dispatch.p50_ms, dispatch.p99_ms, dispatch.max_ms, dispatch.jobs),
            (100.0, 198.0, 200.0, 200)
        );
        assert!(Dispatch::of(&[], 10.0).is_none());
    }
}
