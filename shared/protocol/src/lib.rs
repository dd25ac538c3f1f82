//! Pure decisions of tickfleet: spec, plan, identity, queue state, reduce. No clock, no I/O.

pub mod digest;
pub mod facts;
pub mod identity;
pub mod plan;
pub mod spec;
pub mod survey;
pub mod ids;
pub mod limits;
pub mod retry;
pub mod spec;
pub mod state;
