//! Types of this crate and of the runtime on the wire and back. What comes from the wire is checked here, once.

mod failure;
mod parts;
mod provisional;
mod submit;

pub(crate) use failure::{failure_of, status_of};
pub(crate) use parts::{Assembly, pieces};
pub(crate) use submit::{audit_from_wire, audit_to_wire};
