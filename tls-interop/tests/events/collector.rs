//! A subscriber that remembers everything.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::with_default;
use tracing::{Event, Level, Metadata, Subscriber};

/// Something that was told, by the names of its fields.
pub(crate) type Fields = BTreeMap<&'static str, String>;

/// What one side told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// The fields of its span.
    pub(crate) span: Fields,
    pub(crate) events: Vec<Fields>,
}

impl Told {
    pub(crate) fn messages(&self) -> Vec<&str> {
        self.events.iter().map(|event| &*event["message"]).collect()
    }

    /// The one event with this message.
    pub(crate) fn event(&self, message: &str) -> &Fields {
        let mut all = self.events.iter().filter(|event| event["message"] == message);
        match (all.next(), all.next()) {
            (Some(event), None) => event,
            other => panic!("'{message}' is not told once: {other:?}"),
        }
    }
}

/// Runs `act` and gives what each connection told meanwhile, in the order in which they began.
pub(crate) fn listen(act: impl FnOnce()) -> Vec<Told> {
    let collector = Collector::default();
    let spans = collector.spans.clone();
    with_default(collector, act);
    let spans = spans.lock().unwrap();
    spans.values().cloned().collect()
}

#[derive(Default)]
struct Collector {
    next: AtomicU64,
    spans: Arc<Mutex<BTreeMap<u64, Told>>>,
}

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "polytls"
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        assert_eq!(attributes.metadata().name(), "connection");
        let id = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let mut told = Told::default();
        attributes.record(&mut Reader(&mut told.span));
        self.spans.lock().unwrap().insert(id, told);
        Id::from_u64(id)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        let mut spans = self.spans.lock().unwrap();
        values.record(&mut Reader(&mut spans.get_mut(&id.into_u64()).unwrap().span));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        assert_eq!(*event.metadata().level(), Level::DEBUG);
        let parent = event.parent().expect("each belongs to a connection").into_u64();
        let mut fields = Fields::default();
        event.record(&mut Reader(&mut fields));
        self.spans.lock().unwrap().get_mut(&parent).unwrap().events.push(fields);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Reader<'a>(&'a mut Fields);

impl Visit for Reader<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}
