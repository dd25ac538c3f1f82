//! Pure decisions of tickfleet: spec, plan, identity, queue state, reduce. No clock, no I/O.

pub mod fair;
pub mod ids;
pub mod limits;
pub mod retry;
pub mod spec;
pub mod state;
