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
        let at = |percent: usize| {
            let nth = (sorted.len() * percent).div_ceil(100).max(1) - 1;
            sorted.get(nth).map(|latency| latency.as_secs_f64() * 1e3)
        };
        Some(Self {
            jobs_per_second,
            jobs: sorted.len() as u64,
            p50_ms: at(50)?,
            p99_ms: at(99)?,
            max_ms: at(100)?,
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
        let head = format!("{}, {} cores, {} workers\n", self.redis, self.cores, self.workers);
        let lines = [
            self.throughput(),
            self.latency(),
            self.fixed_cost(),
            self.cost(),
            self.size(),
            self.limit(),
        ];
        lines.into_iter().fold(head, |text, (name, value, remark)| {
            text + format!("{name:<12} {value:<26} {remark}").trim_end() + "\n"
        })
    }

    fn throughput(&self) -> Line {
        let jobs = count(self.jobs);
        let remark = format!("{jobs} jobs, each fenced, with a result of {} bytes", self.result_bytes);
        ("no-op", format!("{} jobs/s", whole(self.jobs_per_second)), remark)
    }

    fn latency(&self) -> Line {
        let Dispatch {
            jobs_per_second,
            p50_ms,
            p99_ms,
            max_ms,
            ..
        } = self.dispatch;
        let remark = format!("at {} jobs/s; longest {max_ms:.1} ms", whole(jobs_per_second));
        ("dispatch", format!("p50 {p50_ms:.1} ms, p99 {p99_ms:.1} ms"), remark)
    }

    fn fixed_cost(&self) -> Line {
        let ideal = 1e6 / self.fixed_cost_us as f64 * self.cores as f64;
        let percent = 100.0 * self.fixed_cost_jobs_per_second / ideal;
        let remark = format!(
            "{} jobs of {} µs; {percent:.0} % of what {} cores could do",
            count(self.fixed_cost_jobs),
            self.fixed_cost_us,
            self.cores
        );
        (
            "fixed cost",
            format!("{} jobs/s", whole(self.fixed_cost_jobs_per_second)),
            remark,
        )
    }

    fn cost(&self) -> Line {
        (
            "redis cpu",
            format!("{:.1} µs a job", self.redis_cpu_us_per_job),
            String::new(),
        )
    }

    fn size(&self) -> Line {
        let AtRest { jobs, bytes, submit_ms } = self.at_rest;
        let remark = format!(
            "{} jobs: {} bytes, submitted in {submit_ms:.1} ms",
            count(jobs),
            count(bytes)
        );
        (
            "at rest",
            format!("{:.3} bytes a job", bytes as f64 / jobs as f64),
            remark,
        )
    }

    fn limit(&self) -> Line {
        let Some(limit) = self.redis_benchmark_per_second else {
            return (
                "limit",
                "unknown".to_owned(),
                "there is no redis-benchmark here".to_owned(),
            );
        };
        let ratio = limit / self.jobs_per_second;
        let remark = format!("redis-benchmark, 32 in a pipeline; a job is worth {ratio:.1} of them");
        ("limit", format!("{} XADD/s", whole(limit)), remark)
    }
}

/// Name, value, remark.
type Line = (&'static str, String, String);

/// A rate as a whole number.
fn whole(rate: f64) -> String {
    format!("{rate:.0}").parse().map_or_else(|_| "?".to_owned(), count)
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
