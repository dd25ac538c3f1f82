//! The control plane on the wire: [`server`] offers a [`Cluster`](crate::cluster::Cluster) over gRPC, [`client`] is one that
//! reaches another process's.
//!
//! An adapter and nothing else: no decision about a run is made here. `convert` is where wire types meet those of this
//! crate; those of the protocol are met in `tickfleet_proto`.

pub mod client;
mod convert;
mod limits;
pub mod server;
#[cfg(test)]
mod tests;
