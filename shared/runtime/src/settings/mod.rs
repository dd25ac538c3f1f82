//! What the user set, from the flag down to the built-in default: one registry for all programs.
//!
//! Order of precedence: flag, environment, `--config FILE` or else `./tickfleet.toml`, the user's file, the profile,
//! the built-in default. Reading files and the environment is [`load`]; everything else here is pure. No program reads a
//! setting from anywhere else; what the values mean together is each program's own business.
//!
//! Read [`registry`] for what can be set, [`flags`] for the command line, [`in_force`] for precedence.

pub mod environment;
mod error;
pub mod file;
pub mod flags;
pub mod in_force;
pub mod layer;
mod load;
mod mask;
pub mod profile;
pub mod registry;
pub mod value;

pub use error::{SettingsError, nearest};
pub use in_force::{InForce, names_sectors};
pub use layer::{Given, Layer, Origin};
pub use load::{Sources, load};
pub use mask::mask;
