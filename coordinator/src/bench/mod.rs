//! Measurements that a user can repeat on a machine of their own. Read [`queue`].

pub mod queue;
mod report;
mod server;
mod timed;
