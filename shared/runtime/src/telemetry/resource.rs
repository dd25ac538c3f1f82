//! Who is speaking: the attributes that every trace and metric of this process carries.

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::{EnvResourceDetector, ResourceDetector};

use super::Options;

/// The program, its version, this process and its machine. `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME` win, as in
/// any OpenTelemetry program.
pub(super) fn resource(options: &Options) -> Resource {
    let host = sysinfo::System::host_name().unwrap_or_else(|_| "unknown".to_owned());
    let instance = options.instance.clone();
    let instance = instance.unwrap_or_else(|| format!("{host}:{}", std::process::id()));
    let ours = [
        KeyValue::new("service.name", options.program.name()),
        KeyValue::new("service.namespace", "tickfleet"),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", instance),
        KeyValue::new("host.name", host),
    ];
    let named = std::env::var("OTEL_SERVICE_NAME").ok().filter(|name| !name.is_empty());
    let given = EnvResourceDetector::new().detect();
    let given = given
        .iter()
        .map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
    Resource::builder_empty()
        .with_attributes(ours)
        .with_attributes(given.collect::<Vec<_>>())
        .with_attributes(named.map(|name| KeyValue::new("service.name", name)))
        .build()
}
