//! The subscriber of this test program: it keeps what belongs to walks that were spawned within a span, and what is told of
//! slow work. Walks of all other tests leave no spans.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Mutex, OnceLock};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use wayfare::{Config, OtlpTraces};

use super::otlp::Collector;

/// A span or an event, as it was told.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    pub(super) name: String,
    pub(super) parent: Option<u64>,
    pub(super) fields: HashMap<String, String>,
    pub(super) is_closed: bool,
}

#[derive(Debug, Default)]
pub(super) struct Heard {
    spans: HashMap<u64, Told>,
    events: Vec<Told>,
}

/// What was heard, and where it was sent.
pub(super) struct Listening {
    heard: Mutex<Heard>,
    pub(super) collector: Collector,
    pub(super) traces: OtlpTraces,
}

/// Begins to listen, once in this program.
pub(super) fn listen() -> &'static Listening {
    static LISTENING: OnceLock<Listening> = OnceLock::new();
    static STARTED: OnceLock<()> = OnceLock::new();
    let listening = LISTENING.get_or_init(|| {
        let collector = Collector::start();
        let config = Config::builder().observe_otlp(collector.url()).build().unwrap();
        let traces = OtlpTraces::start(&config.observe, "listening test").unwrap().unwrap();
        Listening { heard: Mutex::default(), collector, traces }
    });
    STARTED.get_or_init(|| {
        let registry = tracing_subscriber::registry().with(Keeper(listening)).with(listening.traces.layer());
        tracing::subscriber::set_global_default(registry).unwrap();
    });
    listening
}

impl Listening {
    /// All spans so far, by their numbers.
    pub(super) fn spans(&self) -> HashMap<u64, Told> {
        self.heard.lock().unwrap().spans.clone()
    }

    /// All spans that are part of the trace of one, that one included.
    pub(super) fn trace_of(&self, root: &tracing::Span) -> HashMap<u64, Told> {
        let spans = self.spans();
        let root = root.id().unwrap().into_u64();
        let belongs = |mut at: u64| loop {
            if at == root {
                return true;
            }
            match spans.get(&at).and_then(|told| told.parent) {
                Some(parent) => at = parent,
                None => return false,
            }
        };
        spans.iter().filter(|&(&id, _)| belongs(id)).map(|(&id, told)| (id, told.clone())).collect()
    }

    /// The events whose field has a value.
    pub(super) fn events(&self, field: &str, value: &str) -> Vec<Told> {
        let heard = self.heard.lock().unwrap();
        let has = |told: &&Told| told.fields.get(field).is_some_and(|own| own == value);
        heard.events.iter().filter(has).cloned().collect()
    }
}

struct Keeper(&'static Listening);

impl<S: Subscriber + for<'span> LookupSpan<'span>> tracing_subscriber::Layer<S> for Keeper {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>, context: Context<'_, S>) -> bool {
        match metadata.is_event() {
            true => metadata.target() == "wayfare::slow" || metadata.target().starts_with("it::observe"),
            // All other spans of a runtime are made within one.
            false if metadata.target().starts_with("wayfare") => {
                metadata.name() != "walk" || context.lookup_current().is_some()
            }
            false => metadata.target().starts_with("it::observe"),
        }
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let parent = context.span(id).and_then(|span| span.parent().map(|parent| parent.id().into_u64()));
        let mut told = Told { name: attributes.metadata().name().to_owned(), parent, ..Told::default() };
        attributes.record(&mut told);
        // Numbers of spans are given again, but those of closed ones in these tests are told apart by their trace.
        self.0.heard.lock().unwrap().spans.insert(id.into_u64(), told);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        if let Some(told) = self.0.heard.lock().unwrap().spans.get_mut(&id.into_u64()) {
            values.record(told);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let parent = context.event_span(event).map(|span| span.id().into_u64());
        let mut told = Told { name: event.metadata().target().to_owned(), parent, ..Told::default() };
        event.record(&mut told);
        self.0.heard.lock().unwrap().events.push(told);
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        if let Some(told) = self.0.heard.lock().unwrap().spans.get_mut(&id.into_u64()) {
            told.is_closed = true;
        }
    }
}

impl Visit for Told {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name().to_owned(), value.to_owned());
    }
}
