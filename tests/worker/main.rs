//! The built `worker` on a real redis-server: joining, draining, outages, poisonous jobs, and death at every step.
//!
//! Every test starts its own server and its own workers, and waits for conditions within bounds.

mod drain;
mod fault;
mod join;
mod kit;
mod outage;
mod solo;
