//! The coordinator of tickfleet: submit, follow, results, and the embedded cluster.

pub mod cli;
pub mod error;
pub mod sample;
pub mod settings;
pub mod submit;
pub mod view;
