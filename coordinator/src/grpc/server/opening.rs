//! The opening of inputs as a stream: how far it is, now and then, and last what came of it.

use std::time::Duration;

use futures::Stream;
use futures::stream;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;
use tonic::Status;
use tracing::Instrument;

use super::admission::Admission;
use crate::cluster::{Opening, Result};
use crate::grpc::convert::status_of;

/// The shortest time between two words on how far it is.
const WORD_EVERY: Duration = Duration::from_millis(100);

/// A word on the way, or the end.
pub(super) enum Step<T> {
    /// How far it is.
    Opening(Opening),
    /// What came of it.
    Done(T),
}

/// Where the opening puts how far it is.
pub(super) type Progress = watch::Sender<Option<Opening>>;

/// Does `work` in a task of its own, which ends with the stream: nobody opens files for a caller who has left.
pub(super) fn stepwise<T, F>(
    admission: std::sync::Arc<Admission>,
    work: impl FnOnce(Progress) -> F + Send + 'static,
) -> impl Stream<Item = std::result::Result<Step<T>, Status>> + Send
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let (told, news) = watch::channel(None);
    let (done, end) = oneshot::channel();
    let task = async move {
        let answer = match admission.openings.enter().await {
            Ok(_place) => work(told).await.map_err(|failure| status_of(&failure)),
            Err(status) => Err(status),
        };
        // Whoever asked may have left in the meantime.
        let _ = done.send(answer);
    };
    let task = tokio::spawn(task.in_current_span());
    let steps = Steps {
        news,
        end,
        quiet_until: Instant::now(),
        _task: AbortOnDropHandle::new(task),
    };
    stream::unfold(Some(steps), |steps| async move {
        let mut steps = steps?;
        let step = steps.next().await;
        let rest = matches!(step, Ok(Step::Opening(_))).then_some(steps);
        Some((step, rest))
    })
}

struct Steps<T> {
    news: watch::Receiver<Option<Opening>>,
    end: oneshot::Receiver<std::result::Result<T, Status>>,
    quiet_until: Instant,
    _task: AbortOnDropHandle<()>,
}

impl<T> Steps<T> {
    async fn next(&mut self) -> std::result::Result<Step<T>, Status> {
        loop {
            let word = async {
                sleep_until(self.quiet_until).await;
                match self.news.changed().await {
                    Ok(()) => *self.news.borrow_and_update(),
                    // The work is over: its end is on its way.
                    Err(_) => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                end = &mut self.end => {
                    let end = end.unwrap_or_else(|_| Err(Status::internal("the opening of the inputs broke down")));
                    return end.map(Step::Done);
                }
                word = word => {
                    self.quiet_until = Instant::now() + WORD_EVERY;
                    if let Some(opening) = word {
                        return Ok(Step::Opening(opening));
                    }
                }
            }
        }
    }
}
