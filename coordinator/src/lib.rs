//! The coordinator of tickfleet: submit, follow, results, and the embedded cluster.

pub mod sample;
pub mod view;
