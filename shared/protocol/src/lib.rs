//! Pure decisions of tickfleet: spec, plan, identity, queue state. No clock, no I/O.

pub mod digest;
pub mod facts;
pub mod fair;
pub mod fleet;
pub mod identity;
pub mod ids;
pub mod known;
pub mod limits;
pub mod plan;
pub mod retry;
pub mod spec;
pub mod state;
pub mod survey;
