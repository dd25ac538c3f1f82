//! Pure decisions of tickfleet: spec, plan, identity, queue state, reduce. No clock, no I/O.

pub mod spec;
