//! The settings of a run, resolved once into an immutable [`Resolved`].
//!
//! What can be set, and where a value comes from, is [`tickfleet_runtime::settings`]; what the values mean together for a
//! scan is [`mod@resolve`]. All of it is pure.

mod request;
pub mod resolve;

pub use request::Request;
pub use resolve::{Place, Resolved, RunOptions, SAMPLE_BARS, SAMPLE_UNIVERSE, resolve};

#[cfg(test)]
mod tests;
