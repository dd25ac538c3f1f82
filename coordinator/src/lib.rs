//! The coordinator of tickfleet: submit, follow, results, the embedded cluster, and the control plane of a fleet.
//!
//! The files are the path of a run: [`cli`] parses, [`settings`] resolves, [`submit`] asks a [`cluster`] to open, plan and
//! enqueue, [`mod@follow`] watches, [`results`] collects and writes. [`embedded`] is the cluster of one process; [`serve`]
//! offers that of a fleet over [`grpc`] and [`http`].

pub mod bench;
pub mod cli;
pub mod cluster;
pub mod embedded;
pub mod events;
pub mod follow;
pub mod grpc;
pub mod http;
pub mod lake;
pub mod ops;
pub mod report;
pub mod results;
pub mod sample;
pub mod serve;
pub mod settings;
pub mod submit;
pub mod view;
