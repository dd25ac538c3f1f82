//! The compute pool: a rayon pool sized to the machine, entered from async code, with panics caught per task.
//!
//! Kernels run here and nowhere else; async threads only move bytes. Read next: [`Machine`].

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use thiserror::Error;
use tokio::sync::oneshot;

/// What a machine is taken to have that does not tell: enough for a lane or two.
const MEMORY_BYTES_UNKNOWN: u64 = 1 << 30;

/// What the machine offers to this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// Cores that this process may use at once: the cgroup quota and affinity where they are set.
    pub cores: usize,
    /// Performance cores, where the machine tells them from efficiency cores.
    pub performance_cores: Option<usize>,
    /// Efficiency cores, where the machine tells them from performance cores.
    pub efficiency_cores: Option<usize>,
    /// Memory that this process may use, bytes: the cgroup limit where it is set.
    pub memory_bytes: u64,
}

impl Machine {
    /// Asks the system.
    pub fn detect() -> Self {
        let memory = sysinfo::System::new().map(|mut system| {
            system.refresh_memory();
            let limit = system.cgroup_limits().map_or(u64::MAX, |limits| limits.total_memory);
            system.total_memory().min(limit)
        });
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            performance_cores: cores_of_level(0),
            efficiency_cores: cores_of_level(1),
            memory_bytes: memory.unwrap_or(MEMORY_BYTES_UNKNOWN),
        }
    }

    /// Lanes for jobs of `job_bytes` each: one per performance core, as far as half the memory goes; at least one.
    pub fn lanes(&self, job_bytes: u64) -> usize {
        let cores = self.performance_cores.map_or(self.cores, |fast| fast.min(self.cores));
        let by_memory = usize::try_from(self.memory_bytes / 2 / job_bytes.max(1)).unwrap_or(usize::MAX);
        cores.min(by_memory).max(1)
    }
}

/// A task that ended without a result.
#[derive(Debug, Error)]
pub enum PoolError {
    /// The pool's threads could not be started.
    #[error("the compute pool cannot start {lanes} threads")]
    Start {
        /// Threads asked for.
        lanes: usize,
        /// What the system said.
        #[source]
        source: rayon::ThreadPoolBuildError,
    },
    /// The task panicked.
    #[error("panicked: {0}")]
    Panicked(String),
}

/// A rayon pool of a fixed number of lanes.
#[derive(Debug, Clone)]
pub struct Pool {
    rayon: Arc<rayon::ThreadPool>,
}

impl Pool {
    /// Starts `lanes` threads.
    ///
    /// # Errors
    /// [`PoolError::Start`].
    pub fn new(lanes: usize) -> Result<Self, PoolError> {
        let rayon = rayon::ThreadPoolBuilder::new()
            .num_threads(lanes)
            .thread_name(|lane| format!("lane-{lane}"))
            .build()
            .map_err(|source| PoolError::Start { lanes, source })?;
        Ok(Self { rayon: Arc::new(rayon) })
    }

    /// Lanes of the pool.
    pub fn lanes(&self) -> usize {
        self.rayon.current_num_threads()
    }

    /// Gives a task to a lane; tasks begin in the order in which they were given. A panic ends the task only, and is
    /// logged.
    pub fn start(&self, task: impl FnOnce() + Send + 'static) {
        self.rayon.spawn_fifo(move || {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(task)) {
                tracing::error!(panic = message(panic.as_ref()), "a task on a lane panicked");
            }
        });
    }

    /// Runs a task on a lane and waits for it without blocking an async thread.
    ///
    /// # Errors
    /// [`PoolError::Panicked`]; the pool goes on.
    pub async fn run<T: Send + 'static>(&self, task: impl FnOnce() -> T + Send + 'static) -> Result<T, PoolError> {
        let (send, receive) = oneshot::channel();
        self.rayon.spawn_fifo(move || {
            let done = catch_unwind(AssertUnwindSafe(task));
            // The receiver is gone when the caller was cancelled; then nobody wants the result.
            let _ = send.send(done.map_err(|panic| PoolError::Panicked(message(panic.as_ref()))));
        });
        receive
            .await
            .unwrap_or_else(|_| Err(PoolError::Panicked("the lane ended".to_owned())))
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "unknown panic".to_owned())
}

/// Cores of a performance level of Apple silicon, of which 0 is the fastest; elsewhere all cores are alike.
fn cores_of_level(level: u8) -> Option<usize> {
    if !cfg!(target_os = "macos") {
        return None;
    }
    let name = format!("hw.perflevel{level}.logicalcpu");
    let output = std::process::Command::new("sysctl").args(["-n", &name]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_follow_cores_and_memory() {
        let machine = |cores, performance_cores, memory_bytes| Machine {
            cores,
            performance_cores,
            efficiency_cores: None,
            memory_bytes,
        };
        for (machine, job_bytes, expect) in [
            (machine(8, None, 64 << 30), 256 << 20, 8),
            (machine(10, Some(4), 64 << 30), 256 << 20, 4),
            (machine(2, Some(4), 64 << 30), 256 << 20, 2),
            (machine(64, None, 2 << 30), 256 << 20, 4),
            (machine(4, None, 1 << 20), 256 << 20, 1),
        ] {
            assert_eq!(machine.lanes(job_bytes), expect, "{machine:?}");
        }
    }

    #[tokio::test]
    async fn a_panic_ends_its_task_only() {
        let pool = Pool::new(1).unwrap();
        let error = pool.run(|| -> u8 { panic!("bad {}", 7) }).await.expect_err("panics");
        assert_eq!(error.to_string(), "panicked: bad 7");
        pool.start(|| panic!("worse"));
        assert_eq!(pool.run(|| 41 + 1).await.unwrap(), 42);
    }
}
