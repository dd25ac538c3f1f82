//! The instruments of a process, made from the [catalogue](super::catalogue), and the readers behind them.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Histogram, Meter, MeterProvider as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};

use super::catalogue::{self, CLAIM_STATE, ERROR_TYPE, Instrument, JOB_STATE, RESULT, STATE, TIER};
use super::cluster::STATES;
use super::{ClusterLevels, Count, Durations, JobMetrics, Level, Metrics, Tier};
use crate::telemetry::TelemetryError;

/// How often metrics go to the collector.
const PUSH_EVERY: Duration = Duration::from_secs(15);
/// Bounds of all durations, in seconds: from a call to a near Redis to the longest job.
const SECONDS: [f64; 19] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0,
    900.0,
];

/// The readers of a process's metrics.
#[derive(Debug)]
pub(in crate::telemetry) struct Meters {
    provider: SdkMeterProvider,
    registry: prometheus::Registry,
}

impl Meters {
    /// Starts the reader for text, and one that pushes where there is a collector.
    pub(in crate::telemetry) fn start(
        metrics: &'static Metrics,
        resource: &Resource,
        push: Option<impl PushMetricExporter>,
    ) -> Result<Self, TelemetryError> {
        let registry = prometheus::Registry::new();
        let text = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .scope_info_enabled(false)
            .build()
            .map_err(TelemetryError::Metrics)?;
        let mut builder = SdkMeterProvider::builder()
            .with_resource(resource.clone())
            .with_reader(text);
        if let Some(push) = push {
            builder = builder.with_reader(PeriodicReader::builder(push).with_interval(PUSH_EVERY).build());
        }
        let provider = builder.build();
        register(&provider.meter("tickfleet"), metrics);
        Ok(Self { provider, registry })
    }

    /// Where the text is made from.
    pub(in crate::telemetry) const fn registry(&self) -> &prometheus::Registry {
        &self.registry
    }

    /// Sends the last numbers and ends.
    pub(in crate::telemetry) fn shutdown(&self, bound: Duration) -> OTelSdkResult {
        self.provider.shutdown_with_timeout(bound)
    }
}

fn register(meter: &Meter, metrics: &'static Metrics) {
    jobs(meter, metrics);
    tiers(meter, metrics);
    levels(meter, metrics);
    cluster(meter, &metrics.cluster);
    spans(meter, metrics);
    // A process whose telemetry starts twice keeps its first histograms.
    let _ = metrics.durations.set(Durations {
        process: durations(meter, &catalogue::PROCESS),
        fetch: durations(meter, &catalogue::FETCH),
        wait: durations(meter, &catalogue::WAIT),
        operation: durations(meter, &catalogue::OPERATION),
        call: durations(meter, &catalogue::CALL),
    });
}

/// One of the counts of a row.
type Column = fn(&JobMetrics) -> &Count;

fn jobs(meter: &Meter, metrics: &'static Metrics) {
    let counters: [(&Instrument, Column); 9] = [
        (&catalogue::CLAIMED, |row| &row.claimed),
        (&catalogue::COMMITTED, |row| &row.committed),
        (&catalogue::FAILED, |row| &row.failed),
        (&catalogue::RETRIED, |row| &row.retried),
        (&catalogue::LOST, |row| &row.lost),
        (&catalogue::RETURNED, |row| &row.returned),
        (&catalogue::UNTOLD, |row| &row.untold),
        (&catalogue::REUSED, |row| &row.reused),
        (&catalogue::EXECUTED, |row| &row.executed),
    ];
    for (instrument, count) in counters {
        counter(meter, instrument, move |observer| {
            metrics
                .jobs
                .each(|row| observer.observe(count(row).get(), row.attributes()));
        });
    }
}

fn tiers(meter: &Meter, metrics: &'static Metrics) {
    counter(meter, &catalogue::LOOKUPS, |observer| {
        for tier in Tier::ALL {
            let counts = metrics.tier(tier);
            let name = KeyValue::new(TIER, tier.name());
            observer.observe(counts.hits.get(), &[name.clone(), KeyValue::new(RESULT, "hit")]);
            observer.observe(counts.misses.get(), &[name, KeyValue::new(RESULT, "miss")]);
        }
    });
    counter(meter, &catalogue::READ, |observer| {
        for tier in Tier::ALL {
            observer.observe(metrics.tier(tier).bytes.get(), &[KeyValue::new(TIER, tier.name())]);
        }
    });
}

fn levels(meter: &Meter, metrics: &'static Metrics) {
    let worker = &metrics.worker;
    for (instrument, level) in [
        (&catalogue::LANES, &worker.lanes),
        (&catalogue::LANES_BUSY, &worker.busy),
    ] {
        gauge(meter, instrument, move |observer| observer.observe(level.get(), &[]));
    }
    gauge(meter, &catalogue::CLAIMS, |observer| {
        let Some(claims) = worker.claims() else { return };
        for (state, count) in [
            ("waiting", claims.waiting),
            ("computing", claims.computing),
            ("stuck", claims.stuck),
        ] {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            observer.observe(count, &[KeyValue::new(CLAIM_STATE, state)]);
        }
    });
    counter(meter, &catalogue::HUNG, |observer| {
        observer.observe(worker.hung.get(), &[]);
    });
}

fn cluster(meter: &Meter, cluster: &'static ClusterLevels) {
    let is_known = || cluster.is_up() == Some(true);
    gauge(meter, &catalogue::UP, |observer| {
        if let Some(is_up) = cluster.is_up() {
            observer.observe(i64::from(is_up), &[]);
        }
    });
    gauge(meter, &catalogue::RUNS, move |observer| {
        let states = STATES.iter().zip(&cluster.runs).filter(|_| is_known());
        states.for_each(|((_, state), level)| observer.observe(level.get(), &[KeyValue::new(STATE, *state)]));
    });
    gauge(meter, &catalogue::JOBS, move |observer| {
        let states = ["done", "failed"].into_iter().zip(&cluster.jobs).filter(|_| is_known());
        states.for_each(|(state, level)| observer.observe(level.get(), &[KeyValue::new(JOB_STATE, state)]));
    });
    let levels: [(&Instrument, &'static Level); 5] = [
        (&catalogue::BACKLOG, &cluster.backlog),
        (&catalogue::OLDEST, &cluster.oldest_age_s),
        (&catalogue::WORKERS, &cluster.workers),
        (&catalogue::CLUSTER_LANES, &cluster.lanes),
        (&catalogue::CLUSTER_HELD, &cluster.held),
    ];
    for (instrument, level) in levels {
        gauge(meter, instrument, move |observer| {
            if is_known() {
                observer.observe(level.get(), &[]);
            }
        });
    }
}

fn spans(meter: &Meter, metrics: &'static Metrics) {
    let counts = &metrics.spans;
    counter(meter, &catalogue::SPANS_PROCESSED, |observer| {
        observer.observe(counts.dropped.get(), &[KeyValue::new(ERROR_TYPE, "queue_full")]);
    });
    counter(meter, &catalogue::SPANS_EXPORTED, |observer| {
        observer.observe(counts.exported.get(), &[]);
        observer.observe(counts.failed.get(), &[KeyValue::new(ERROR_TYPE, "export_failed")]);
    });
}

fn counter(
    meter: &Meter,
    instrument: &'static Instrument,
    look: impl Fn(&dyn AsyncInstrument<u64>) + Send + Sync + 'static,
) {
    let builder = meter
        .u64_observable_counter(instrument.name)
        .with_description(instrument.help);
    builder.with_unit(instrument.unit).with_callback(look).build();
}

fn gauge(
    meter: &Meter,
    instrument: &'static Instrument,
    look: impl Fn(&dyn AsyncInstrument<i64>) + Send + Sync + 'static,
) {
    let builder = meter
        .i64_observable_gauge(instrument.name)
        .with_description(instrument.help);
    builder.with_unit(instrument.unit).with_callback(look).build();
}

fn durations(meter: &Meter, instrument: &'static Instrument) -> Histogram<f64> {
    let builder = meter.f64_histogram(instrument.name).with_description(instrument.help);
    builder
        .with_unit(instrument.unit)
        .with_boundaries(SECONDS.to_vec())
        .build()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use opentelemetry_otlp::MetricExporter;
    use prometheus::proto::MetricType;
    use tickfleet_protocol::ids::Millis;

    use super::super::ClaimLevels;
    use super::catalogue::{ALL, Form};
    use super::*;

    /// A process that has counted something of everything.
    fn busy() -> &'static Metrics {
        Box::leak(Box::default())
    }

    fn count_everything(metrics: &'static Metrics) {
        let map = metrics.jobs.of("scan/1", "map");
        map.claimed.add(12);
        map.committed.add(10);
        let took = Duration::from_millis(30);
        metrics.processed(&map, took, None);
        metrics.processed(&map, took, Some("failed"));
        metrics.fetched(&map, took);
        metrics.waited(&map, took);
        metrics.operated("claim", took, None);
        metrics.operated("commit", took, Some("unavailable"));
        metrics.served("cluster.v1.Cluster/Submit", "OK", took);
        metrics.tier(Tier::Disk).hits.add(3);
        metrics.worker.lanes.set(8);
        metrics.worker.claims_from(|| ClaimLevels {
            waiting: 5,
            ..ClaimLevels::default()
        });
        metrics.cluster.set(&[], &[], Millis(0));
        metrics.spans.dropped.add(7);
    }

    fn start(metrics: &'static Metrics) -> Meters {
        let resource = Resource::builder_empty().build();
        Meters::start(metrics, &resource, None::<MetricExporter>).unwrap()
    }

    /// The name that Prometheus sees.
    fn prometheus_name(instrument: &Instrument) -> String {
        let unit = match instrument.unit {
            "s" => "_seconds",
            "By" => "_bytes",
            "" => "",
            unit => {
                assert!(unit.starts_with('{'), "{unit}");
                ""
            }
        };
        let total = if instrument.form == Form::Counter { "_total" } else { "" };
        format!("{}{unit}{total}", instrument.name.replace('.', "_"))
    }

    #[test]
    fn every_instrument_is_read_as_the_catalogue_describes_it() {
        let metrics = busy();
        let meters = start(metrics);
        count_everything(metrics);
        let families = meters.registry().gather();
        let families: BTreeMap<_, _> = families.iter().map(|family| (family.name(), family)).collect();
        let names: BTreeSet<String> = ALL.iter().map(|it| prometheus_name(it)).collect();
        let read: BTreeSet<String> = families.keys().map(|&name| name.to_owned()).collect();
        assert_eq!(read, names);
        for instrument in ALL {
            let family = families[prometheus_name(instrument).as_str()];
            assert_eq!(family.help(), instrument.help);
            let form = match family.get_field_type() {
                MetricType::COUNTER => Form::Counter,
                MetricType::GAUGE => Form::Gauge,
                _ => Form::Histogram,
            };
            assert_eq!(form, instrument.form, "{}", instrument.name);
            let labels = family
                .get_metric()
                .iter()
                .flat_map(prometheus::proto::Metric::get_label);
            let labels: BTreeSet<_> = labels.map(|label| label.name().to_owned()).collect();
            let attributes = instrument.attributes.iter().map(|name| name.replace('.', "_"));
            assert_eq!(labels, attributes.collect(), "{}", instrument.name);
        }
    }

    #[test]
    fn the_text_says_what_was_counted() {
        let metrics = busy();
        let meters = start(metrics);
        count_everything(metrics);
        let text = crate::telemetry::text(meters.registry());
        for line in [
            "tickfleet_jobs_claimed_total{tickfleet_kind=\"scan/1\",tickfleet_stage=\"map\"} 12",
            "tickfleet_jobs_committed_total{tickfleet_kind=\"scan/1\",tickfleet_stage=\"map\"} 10",
            "tickfleet_worker_lanes 8",
            "tickfleet_worker_claims{tickfleet_claim_state=\"waiting\"} 5",
            "tickfleet_runs{tickfleet_run_state=\"succeeded\"} 0",
            "tickfleet_workers 0",
            "tickfleet_queue_up 1",
            "tickfleet_cache_lookups_total{tickfleet_cache_result=\"hit\",tickfleet_cache_tier=\"disk\"} 3",
            "otel_sdk_processor_span_processed_total{error_type=\"queue_full\"} 7",
            "# TYPE tickfleet_jobs_claimed_total counter",
            "# TYPE messaging_process_duration_seconds histogram",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}\n{text}");
        }
    }

    #[test]
    fn nothing_is_told_of_a_cluster_that_nobody_looked_at() {
        let meters = start(busy());
        let text = crate::telemetry::text(meters.registry());
        assert!(
            !text.contains("tickfleet_runs") && !text.contains("tickfleet_backlog"),
            "{text}"
        );
    }

    #[test]
    fn what_is_measured_before_anyone_reads_costs_and_keeps_nothing() {
        let metrics = busy();
        count_everything(metrics);
        assert!(metrics.durations.get().is_none());
    }
}
