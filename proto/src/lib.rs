//! The wire contract of tickfleet: generated types, and [`convert`], the only place where they meet domain types.

pub mod convert;

/// Generated from `cluster/v1/*.proto`, where the fields are documented.
#[allow(missing_docs, clippy::all, rustdoc::all)]
pub mod wire {
    include!(concat!(env!("OUT_DIR"), "/tickfleet.cluster.v1.rs"));
}
