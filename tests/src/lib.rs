//! What the suites share: the built programs and bounded ways to run them, the workspace's folder, the data that lies
//! beside the checkout, goldens, a reader of result tables, and one of the project's documents.
//!
//! Nothing here decides what is right: suites assert, this crate fetches. Read [`program`] next.

pub mod beside;
pub mod binary;
pub mod golden;
pub mod markdown;
pub mod onnx;
pub mod postgres_server;
pub mod program;
pub mod random;
pub mod redis_server;
pub mod running;
pub mod service;
pub mod shell;
pub mod tables;

use std::path::Path;

/// The root of the checkout: the folder that holds the workspace's `Cargo.toml`.
///
/// # Panics
/// When this crate no longer lies one level below the root.
pub fn workspace_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests crate lies one level below the workspace root")
}
