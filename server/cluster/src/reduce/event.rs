//! Facts from events. An event about an Application lives in the namespace of Applications and is placed
//! by what it is about.

use k8s_openapi::api::core::v1::Event;
use model::view::EventLine;
use model::{InstanceId, Timestamp};

use super::{Fact, Reduce, Sort, brief, timestamp};

impl Reduce for Event {
    const SORT: Sort = Sort::Event;

    fn instance(&self) -> Option<InstanceId> {
        let about = &self.involved_object;
        let place = match about.kind.as_deref() {
            Some("Application" | "Namespace") => about.name.as_deref(),
            _ => about
                .namespace
                .as_deref()
                .or(self.metadata.namespace.as_deref()),
        };
        InstanceId::from_namespace(place?)
    }

    fn reduce(self) -> Option<Fact> {
        let series = self.series.unwrap_or_default();
        let at = series
            .last_observed_time
            .map(|t| Timestamp::from_micros(t.0.as_microsecond()))
            .or_else(|| self.last_timestamp.as_ref().map(timestamp))
            .or_else(|| {
                self.event_time
                    .map(|t| Timestamp::from_micros(t.0.as_microsecond()))
            })
            .or_else(|| self.metadata.creation_timestamp.as_ref().map(timestamp))
            .unwrap_or_default();
        let count = series
            .count
            .or(self.count)
            .and_then(|n| u32::try_from(n).ok())
            .unwrap_or(1);
        let about = self.involved_object;
        Some(Fact::Event(EventLine {
            at,
            warning: self.type_.as_deref() == Some("Warning"),
            object: format!(
                "{}/{}",
                about.kind.unwrap_or_default(),
                about.name.unwrap_or_default()
            ),
            reason: self.reason.unwrap_or_default(),
            message: brief(&self.message.unwrap_or_default()),
            count: count.max(1),
        }))
    }
}
