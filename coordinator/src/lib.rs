//! The coordinator of tickfleet: submit, follow, results, and the embedded cluster.

pub mod view;
