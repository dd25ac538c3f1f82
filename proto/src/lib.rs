//! The wire contract of tickfleet: generated types, and [`convert`], the only place where they meet domain types.

pub mod convert;

/// Generated from `cluster/v1/*.proto`, where the fields are documented.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, rustdoc::all)]
pub mod wire {
    tonic::include_proto!("tickfleet.cluster.v1");
}

/// The encoded descriptors of the contract, for reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = tonic::include_file_descriptor_set!("cluster.v1");
