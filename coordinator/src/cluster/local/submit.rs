//! Submit: open every input, plan, encode, enqueue. The queue takes the run whole or not at all, with its last step.

use std::sync::Arc;

use tickfleet_protocol::digest::digest_of;
use tickfleet_protocol::identity::{KERNEL_VERSION, canonical};
use tickfleet_protocol::ids::{JobKind, RunId};
use tickfleet_protocol::retry::RetryPolicy;
use tickfleet_runtime::broker::{Durability, NewRun, Submitted};
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tickfleet_runtime::fault::{Injected, point};
use tickfleet_runtime::telemetry::trace;
use tickfleet_worker::run::Run;
use tracing::Instrument;

use super::fault::{refusal, unknown_run};
use super::open::open;
use super::{Accepted, Local, Opening, Request, Result};

impl Local {
    pub(super) async fn submit_run(
        &self,
        request: Request,
        progress: &mut (dyn FnMut(Opening) + Send),
    ) -> Result<Accepted> {
        let opened = open(&request, &self.reading.inputs(), &self.pool, progress).await?;
        let run = Run::new(opened.record);
        point("coordinator.before_enqueue").map_err(injected)?;
        let submitted = self.enqueue(new_run(&run, request.clone())).await?;
        point("coordinator.after_enqueue").map_err(injected)?;
        let stages = if submitted.created {
            let stages = run.plan.stages();
            self.runs.remember(submitted.run, Arc::new(run));
            stages
        } else {
            // What the files hold may have changed since: the run's own plan counts.
            self.stages_of(submitted.run).await?
        };
        let mut notices = opened.notices;
        notices.extend(shortfall(request.durability, submitted.durability).map(str::to_owned));
        Ok(Accepted {
            run: submitted.run,
            created: submitted.created,
            durability: submitted.durability,
            stages,
            notices,
        })
    }

    /// Hands a run to the queue; the span of that is what the spans of its jobs belong under.
    async fn enqueue(&self, run: NewRun) -> Result<Submitted> {
        let span = trace::send(&run.kind, run.stages.iter().sum(), run.trace.as_deref());
        let run = NewRun {
            trace: trace::traceparent(&span).or(run.trace),
            ..run
        };
        let submitted = self.broker.submit(run).instrument(span.clone()).await;
        match &submitted {
            Ok(submitted) => trace::of_run(&span, submitted.run),
            Err(error) => trace::fail(&span, "queue", error),
        }
        submitted.map_err(|error| refusal(&error))
    }

    async fn stages_of(&self, run: RunId) -> Result<Vec<u64>> {
        let summary = self.broker.summary(run).await.map_err(|error| refusal(&error))?;
        let stages = summary.ok_or_else(|| unknown_run(run))?.stages;
        Ok(stages.iter().map(|stage| stage.total).collect())
    }
}

fn injected(fault: Injected) -> Failure {
    Failure::from_error(ExitStatus::Failed, &fault)
}

fn new_run(run: &Run, request: Request) -> NewRun {
    NewRun {
        key: request.key,
        digest: digest_of(&canonical(&run.record.spec)),
        kind: JobKind::new(KERNEL_VERSION).expect("a valid name"),
        trace: request.trace,
        payload: run.record.encode(),
        stages: run.plan.stages(),
        weight: request.weight,
        deadline: None,
        retry: RetryPolicy::default(),
        durability: request.durability,
    }
}

/// What to say of a run that is less safe than was asked for.
fn shortfall(asked: Durability, reached: Durability) -> Option<&'static str> {
    (reached < asked).then_some(match reached {
        Durability::Memory => {
            "the run is in the queue's memory only: it is lost if Redis stops before it writes its log (appendonly yes)"
        }
        Durability::Logged | Durability::Replicated => {
            "no replica has the run yet: it is lost if the machine of the queue's Redis is"
        }
    })
}
