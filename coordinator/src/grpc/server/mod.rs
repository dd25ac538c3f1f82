//! The gRPC server of a coordinator: the control plane, Arrow Flight, health and reflection, over any cluster.
//!
//! It keeps no state and decides nothing. It must never wait without bound: every call has a deadline, every kind of
//! call its places, every connection its manners. Read next: `service`, [`crate::serve`].

mod admission;
mod bound;
mod flight;
mod observe;
mod opening;
mod service;

use std::io;
use std::sync::Arc;

use arrow_flight::flight_service_server::FlightServiceServer;
use futures::Stream;
use tickfleet_proto::FILE_DESCRIPTOR_SET;
use tickfleet_proto::wire::coordinator_server::CoordinatorServer;
use tokio::sync::watch;
use tonic::codec::CompressionEncoding;
use tonic::transport::Server;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_reflection::server::Builder as Reflection;

use self::admission::Admission;
use self::flight::Tables;
use self::observe::observed;
use self::service::Service;
use super::limits::{CALLS_A_CONNECTION, HEADER_BYTES_MAX, KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT, MESSAGE_BYTES_MAX};
use crate::cluster::Cluster;
use crate::serve::accept::Guarded;

/// The name of the control plane in health checks.
pub const COORDINATOR: &str = "tickfleet.cluster.v1.Coordinator";
/// The name of Arrow Flight in health checks.
pub const FLIGHT: &str = "arrow.flight.protocol.FlightService";

/// Serves `cluster` on the connections that come, until `stop` turns true; then ends watches, and waits for the calls
/// that are under way.
///
/// # Errors
/// The server can't be set up.
pub async fn serve(
    incoming: impl Stream<Item = io::Result<Guarded>>,
    cluster: Arc<dyn Cluster>,
    health: HealthServer<impl Health>,
    stop: watch::Receiver<bool>,
) -> Result<(), tonic::transport::Error> {
    let admission = Arc::new(Admission::default());
    let service = Service::new(cluster.clone(), admission.clone(), stop.clone());
    let coordinator = CoordinatorServer::new(service)
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX)
        .accept_compressed(CompressionEncoding::Zstd)
        .accept_compressed(CompressionEncoding::Gzip)
        .send_compressed(CompressionEncoding::Zstd)
        .send_compressed(CompressionEncoding::Gzip);
    let flight = FlightServiceServer::new(Tables::new(cluster, admission))
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX)
        .send_compressed(CompressionEncoding::Zstd)
        .send_compressed(CompressionEncoding::Gzip);
    Server::builder()
        .max_concurrent_streams(CALLS_A_CONNECTION)
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .http2_max_header_list_size(HEADER_BYTES_MAX)
        .add_service(health)
        .add_service(reflection().build_v1().expect("the descriptors are of this build"))
        .add_service(reflection().build_v1alpha().expect("the descriptors are of this build"))
        .add_service(observed(coordinator))
        .add_service(observed(flight))
        .serve_with_incoming_shutdown(incoming, stopped(stop))
        .await
}

/// What the server offers, by its descriptors.
fn reflection() -> Reflection<'static> {
    Reflection::configure()
        .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

/// Ends when the server is told to stop, or nobody can tell it any more.
pub(crate) async fn stopped(mut stop: watch::Receiver<bool>) {
    // The teller is gone with the program.
    let _ = stop.wait_for(|is_stopping| *is_stopping).await;
}
