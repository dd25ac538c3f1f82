//! `/healthz`, `/readyz` and `/metrics` of a worker, for whoever watches it.
//!
//! Healthy is a worker that answers; ready is one whose queue answers it and that takes jobs. It serves a bounded number of
//! connections, each for a bounded time, and decides nothing.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::{Listener, ListenerExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections at once: a few scrapers and probes.
const CONNECTIONS_MAX: usize = 64;
