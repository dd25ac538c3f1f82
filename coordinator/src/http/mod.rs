//! What machines ask of a coordinator over HTTP: does it live, is it ready, what are its numbers.
//!
//! It answers from what others have found out: no question of a probe waits for the queue.

mod metrics;

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::sync::watch;

pub(crate) use self::metrics::keep_looking;
pub use self::metrics::{Metrics, of_cluster};
use crate::serve::accept::{Door, Manners};
use crate::serve::readiness::Readiness;

/// What is asked of a connection: a probe sends its few bytes at once.
pub const MANNERS: Manners = Manners {
    connections_max: 256,
    opening_bytes: 1,
    opening: Duration::from_secs(10),
    idle: Duration::from_secs(60),
};

/// What is served.
#[derive(Clone)]
pub struct Pages {
    /// Whether the coordinator can work.
    pub readiness: watch::Receiver<Readiness>,
    /// Its numbers.
    pub metrics: Metrics,
}

/// Serves the pages until `stop` ends.
///
/// # Errors
/// The listener broke.
pub async fn serve(door: Door, pages: Pages, stop: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
    axum::serve(door, router(pages)).with_graceful_shutdown(stop).await
}

fn router(pages: Pages) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "lives\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(pages)
}

async fn readyz(State(pages): State<Pages>) -> impl IntoResponse {
    match pages.readiness.borrow().fault() {
        None => (StatusCode::OK, "ready\n".to_owned()),
        Some(fault) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {fault}\n")),
    }
}

async fn metrics(State(pages): State<Pages>) -> impl IntoResponse {
    let text = (pages.metrics)().await;
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        text,
    )
}
