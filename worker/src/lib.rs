//! The worker of tickfleet: claim, fetch, compute, publish.
