//! What the user set, from the flag down to the built-in default, resolved once into an immutable [`Resolved`].
//!
//! Order of precedence: flag, environment, `--config FILE` or else `./tickfleet.toml`, the user's file, the profile,
//! the built-in default. Reading files and the environment is [`load`]; everything else here is pure. Nothing outside
//! this module may read a setting from anywhere else.
//!
//! Read [`registry`] for what can be set, [`in_force`] for precedence, [`mod@resolve`] for the rules between settings.

mod environment;
mod error;
mod file;
pub mod in_force;
pub mod layer;
mod load;
mod mask;
mod profile;
pub mod registry;
mod request;
pub mod resolve;
pub mod value;

pub use error::SettingsError;
pub(crate) use error::nearest;
pub use in_force::InForce;
pub use layer::{Given, Layer, Origin};
pub use load::{Sources, load};
pub use mask::mask;
pub use request::Request;
pub use resolve::{Resolved, RunOptions, SAMPLE_BARS, SAMPLE_UNIVERSE, resolve};

#[cfg(test)]
mod tests;
