//! Free memory, looked at every second: where it is short, fewer jobs are claimed until there is more.
//!
//! Jobs that compute are never touched. Read next: [`crate::room`].

use std::time::Duration;

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use crate::status::Observer;

/// Memory that one job is taken to need, bytes: its blocks, its rows, its result.
pub const JOB_BYTES: u64 = 128 << 20;
/// How often it is looked.
const LOOK: Duration = Duration::from_secs(1);

/// Looks at free memory until it is dropped, has the worker claim for as many lanes as it is enough for, and says so at
/// each change.
pub async fn watch(worker: Observer) {
    let Ok(mut gauge) = Gauge::new() else {
        return tracing::warn!("the system does not tell how much memory is free: it is taken to be enough");
    };
    let mut lanes = worker.lanes();
    loop {
        let available = gauge.available_bytes();
        lanes = lanes_for(available, lanes, worker.lanes());
        if worker.use_lanes(lanes) {
            let (all, available_mb) = (worker.lanes(), available / 1_000_000);
            if lanes < all {
                tracing::warn!(available_mb, "memory is short: claiming for {lanes} of {all} lanes");
            } else {
                tracing::info!(available_mb, "memory is there again: claiming for {all} lanes");
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Lanes to claim for: half as many where not even one more job has its memory, one more where two have.
fn lanes_for(available_bytes: u64, lanes: usize, all: usize) -> usize {
    if available_bytes < JOB_BYTES {
        (lanes / 2).max(1)
    } else if available_bytes >= 2 * JOB_BYTES {
        (lanes + 1).min(all)
    } else {
        lanes
    }
}

struct Gauge {
    system: System,
    pid: Pid,
}

impl Gauge {
    fn new() -> Result<Self, String> {
        Ok(Self {
            system: System::new().map_err(|error| error.to_string())?,
            pid: sysinfo::get_current_pid().map_err(|error| error.to_string())?,
        })
    }

    /// What this process may still take: of the machine's memory, and of its control group's where that has a bound.
    fn available_bytes(&mut self) -> u64 {
        self.system.refresh_memory();
        let this = ProcessesToUpdate::Some(&[self.pid]);
        self.system
            .refresh_processes_specifics(this, false, ProcessRefreshKind::nothing());
        // Pages of files count as used in a control group, and are given up when memory is needed.
        let limits = self.system.process(self.pid).and_then(sysinfo::Process::cgroup_limits);
        let of_group = limits.map_or(u64::MAX, |limits| limits.total_memory.saturating_sub(limits.rss));
        self.system.available_memory().min(of_group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_follow_free_memory() {
        let check = |jobs_tenths: u64, lanes: usize, expect: usize| {
            let available = JOB_BYTES * jobs_tenths / 10;
            assert_eq!(
                lanes_for(available, lanes, 8),
                expect,
                "{jobs_tenths} tenths of a job, {lanes} lanes"
            );
        };
        check(100, 8, 8);
        check(9, 8, 4);
        check(9, 1, 1);
        check(15, 4, 4);
        check(20, 4, 5);
    }

    #[test]
    fn the_gauge_reads_this_machine() {
        let available = Gauge::new().expect("this system tells").available_bytes();
        assert!((1 << 20..1 << 50).contains(&available), "{available} bytes");
    }
}
