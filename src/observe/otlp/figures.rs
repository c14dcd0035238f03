//! Figures as a message of OTLP.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics,
    ScopeMetrics, Sum, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use wayfare_actors::{Distribution, MetricFamily, MetricKind, MetricSample, MetricValue, MetricsSnapshot};

/// When the figures began, and when they are told.
#[derive(Clone, Copy)]
struct Span {
    began: u64,
    now: u64,
}

/// The message for a snapshot of a runtime that began at a time.
pub(super) fn encode(snapshot: &MetricsSnapshot, began: SystemTime, now: SystemTime) -> Vec<u8> {
    let span = Span { began: nanos(began), now: nanos(now) };
    let families = snapshot.families.iter().filter(|family| !family.samples.is_empty());
    let scope = InstrumentationScope {
        name: "wayfare".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    };
    let scope_metrics = ScopeMetrics {
        scope: Some(scope),
        metrics: families.map(|family| metric(family, span)).collect(),
        schema_url: String::new(),
    };
    let resource = Resource { attributes: vec![attribute("service.name", "wayfare")], ..Resource::default() };
    let resource_metrics = ResourceMetrics {
        resource: Some(resource),
        scope_metrics: vec![scope_metrics],
        ..Default::default()
    };
    ExportMetricsServiceRequest { resource_metrics: vec![resource_metrics] }.encode_to_vec()
}

fn metric(family: &MetricFamily, span: Span) -> Metric {
    let temporality = AggregationTemporality::Cumulative.into();
    let data = match family.kind {
        MetricKind::Gauge => Data::Gauge(Gauge { data_points: numbers(family, span) }),
        MetricKind::Counter => Data::Sum(Sum {
            data_points: numbers(family, span),
            aggregation_temporality: temporality,
            is_monotonic: true,
        }),
        MetricKind::Histogram => Data::Histogram(Histogram {
            data_points: family.samples.iter().filter_map(|sample| distribution(sample, span)).collect(),
            aggregation_temporality: temporality,
        }),
    };
    Metric {
        name: family.name.to_owned(),
        description: family.help.to_owned(),
        unit: family.unit.to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}

fn numbers(family: &MetricFamily, span: Span) -> Vec<NumberDataPoint> {
    let point = |sample: &MetricSample| match sample.value {
        MetricValue::Number(number) => Some(NumberDataPoint {
            attributes: attributes(sample),
            start_time_unix_nano: span.began,
            time_unix_nano: span.now,
            value: Some(number_data_point::Value::AsDouble(number)),
            ..NumberDataPoint::default()
        }),
        MetricValue::Distribution(_) => None,
    };
    family.samples.iter().filter_map(point).collect()
}

fn distribution(sample: &MetricSample, span: Span) -> Option<HistogramDataPoint> {
    let MetricValue::Distribution(Distribution { count, sum, buckets }) = &sample.value else { return None };
    // Each bucket counts by itself here, and the last one has no bound.
    let mut before = 0;
    let counts = buckets.iter().map(|bucket| bucket.count).chain([*count]);
    let counts = counts.map(|up_to| up_to - std::mem::replace(&mut before, up_to).min(up_to)).collect();
    Some(HistogramDataPoint {
        attributes: attributes(sample),
        start_time_unix_nano: span.began,
        time_unix_nano: span.now,
        count: *count,
        sum: Some(*sum),
        bucket_counts: counts,
        explicit_bounds: buckets.iter().map(|bucket| bucket.up_to).collect(),
        ..HistogramDataPoint::default()
    })
}

fn attributes(sample: &MetricSample) -> Vec<KeyValue> {
    sample.label.iter().map(|(name, value)| attribute(name, value)).collect()
}

fn attribute(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
