//! Events: what the cluster's controllers said about an object lately.

use jiff::Timestamp;
use k8s_openapi::api::core::v1;

use super::{Cluster, PlatformError};
use crate::text::Untrusted;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The kind and name of the object that it is about.
    pub about: (String, String),
    /// `Warning` or `Normal`.
    pub kind: String,
    pub reason: String,
    pub message: Untrusted,
    /// How often it was said.
    pub count: u32,
    /// When it was said last.
    pub at: Option<Timestamp>,
}

impl Cluster {
    /// The events about the objects of one kind in a namespace, the newest last. The server forgets
    /// events after an hour.
    ///
    /// # Errors
    /// When the list cannot be had.
    pub async fn events(&self, namespace: &str, kind: &str) -> Result<Vec<Event>, PlatformError> {
        let events = self.list::<v1::Event>("events", Some(namespace), None).await?;
        let about = |event: &v1::Event| event.involved_object.kind.as_deref() == Some(kind);
        let mut events: Vec<Event> = events.into_iter().filter(about).map(Event::from).collect();
        events.sort_by_key(|event| event.at);
        Ok(events)
    }
}

impl From<v1::Event> for Event {
    fn from(event: v1::Event) -> Self {
        let about = event.involved_object;
        let series = event.series.unwrap_or_default();
        let last = series.last_observed_time.or(event.event_time).map(|time| time.0);
        let count = series.count.or(event.count).unwrap_or(1);
        Self {
            about: (about.kind.unwrap_or_default(), about.name.unwrap_or_default()),
            kind: event.type_.unwrap_or_default(),
            reason: event.reason.unwrap_or_default(),
            message: event.message.unwrap_or_default().into(),
            count: u32::try_from(count).unwrap_or(1),
            at: event.last_timestamp.map(|time| time.0).or(last),
        }
    }
}
