//! Watches: the changes of a kind as a stream of lines.
//!
//! A watch keeps a version and asks the history for what came after it whenever the kind changes,
//! so a slow reader costs no queue; one that fell behind what is remembered ends with 410, as does
//! every watch while the fault `watch-gone` holds. A bookmark follows a quiet minute and precedes
//! the end.

use super::selector::Selector;
use super::{Call, table};
use crate::failure::Failure;
use crate::fault::ClusterFault;
use crate::resource::Kind;
use crate::store::{Change, Entry, Verb};
use axum::body::{Body, Bytes};
use axum::response::Response;
use http::{HeaderValue, header};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

const BOOKMARK: Duration = Duration::from_mins(1);
/// The usual longest watch of an API server is between 30 and 60 minutes.
const LONGEST: u64 = 1_800;

/// Answers a watch; the stream goes on in a task of its own until the client leaves.
pub fn answer(call: Call, selector: Selector) -> Result<Response<Body>, Failure> {
    let asked = call.query.number("resourceVersion")?;
    let initial = call.query.get("sendInitialEvents").to_owned();
    if initial == "true" && call.query.get("resourceVersionMatch") != "NotOlderThan" {
        return Err(Failure::invalid(
            call.target.kind,
            "",
            "resourceVersionMatch",
            "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ));
    }
    let seconds = call
        .query
        .number("timeoutSeconds")?
        .unwrap_or(LONGEST)
        .clamp(1, 7_200);
    let (sender, receiver) = mpsc::channel::<Bytes>(256);
    let fresh = initial == "true" || (asked.unwrap_or(0) == 0 && initial != "false");
    let watch = Watch {
        end: Instant::now() + Duration::from_secs(seconds),
        bookmarks: call.query.flag("allowWatchBookmarks"),
        tables: table::wanted(&call.accept),
        include: call.query.get("includeObject").to_owned(),
        call,
        selector,
        sender,
    };
    tokio::spawn(watch.run(asked.unwrap_or(0), fresh, initial == "true"));
    let stream = ReceiverStream::new(receiver).map(Ok::<_, std::convert::Infallible>);
    let mut response = Response::new(Body::from_stream(stream));
    let kind = HeaderValue::from_static("application/json;stream=watch");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

struct Watch {
    call: Call,
    selector: Selector,
    sender: mpsc::Sender<Bytes>,
    end: Instant,
    bookmarks: bool,
    tables: bool,
    include: String,
}

/// The client has gone.
struct Gone;

impl Watch {
    async fn run(self, version: u64, fresh: bool, mark_end: bool) {
        // Whoever leaves is simply no longer served.
        let _ = self.stream(version, fresh, mark_end).await;
    }

    async fn stream(&self, mut version: u64, fresh: bool, mark_end: bool) -> Result<(), Gone> {
        let store = self.call.cluster.store.clone();
        let mut wake = store.subscribe(self.kind());
        let mut faults = self.call.cluster.faults.subscribe();
        if fresh {
            let (all, now) = store.page(self.kind(), self.call.target.namespace.as_deref(), None);
            for entry in all.iter().filter(|entry| self.selector.matches(entry)) {
                self.send("ADDED", entry).await?;
            }
            version = now;
            if mark_end && self.bookmarks {
                self.bookmark(version, true).await?;
            }
        }
        let mut quiet = Instant::now() + BOOKMARK;
        loop {
            if self
                .call
                .cluster
                .faults
                .cluster()
                .contains(&ClusterFault::WatchGone)
            {
                return self
                    .fail(&Failure::expired("too old resource version"))
                    .await;
            }
            match store.since(self.kind(), version) {
                Err(failure) => return self.fail(&failure).await,
                Ok((changes, now)) => {
                    for change in changes {
                        self.pass_on(&change).await?;
                    }
                    version = now;
                }
            }
            tokio::select! {
                () = self.sender.closed() => return Err(Gone),
                () = self.call.cluster.stop.cancelled() => return Ok(()),
                changed = wake.changed() => if changed.is_err() { return Ok(()) },
                changed = faults.changed() => if changed.is_err() { return Ok(()) },
                () = tokio::time::sleep_until(self.end) => {
                    return if self.bookmarks { self.bookmark(version, false).await } else { Ok(()) };
                }
                () = tokio::time::sleep_until(quiet), if self.bookmarks => {
                    self.bookmark(version, false).await?;
                    quiet = Instant::now() + BOOKMARK;
                }
            }
        }
    }

    fn kind(&self) -> Kind {
        self.call.target.kind
    }

    async fn pass_on(&self, change: &Arc<Change>) -> Result<(), Gone> {
        let namespace = self.call.target.namespace.as_deref();
        if namespace.is_some_and(|wished| wished != &*change.entry.key.namespace) {
            return Ok(());
        }
        let was = change
            .before
            .as_ref()
            .is_some_and(|entry| self.selector.matches(entry));
        let is = change.verb != Verb::Deleted && self.selector.matches(&change.entry);
        let word = match (was, is) {
            (true, true) => Verb::Modified,
            (false, true) => Verb::Added,
            (true, false) => Verb::Deleted,
            (false, false) => return Ok(()),
        };
        self.send(word.word(), &change.entry).await
    }

    async fn send(&self, word: &str, entry: &Arc<Entry>) -> Result<(), Gone> {
        let line = if self.tables {
            let rows = table::of(self.kind(), std::slice::from_ref(entry), "", &self.include);
            format!("{{\"type\":\"{word}\",\"object\":{rows}}}\n")
        } else {
            format!("{{\"type\":\"{word}\",\"object\":{}}}\n", entry.json)
        };
        self.line(line).await
    }

    async fn bookmark(&self, version: u64, end_of_initial: bool) -> Result<(), Gone> {
        let mut metadata = json!({"resourceVersion": version.to_string()});
        if end_of_initial {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let row = self.kind().definition();
        let object: Value = if self.tables {
            let mut page = table::of(self.kind(), &[], "", "None");
            page["metadata"] = metadata;
            page
        } else {
            json!({"kind": row.name, "apiVersion": self.kind().api_version(), "metadata": metadata})
        };
        self.line(format!("{{\"type\":\"BOOKMARK\",\"object\":{object}}}\n"))
            .await
    }

    async fn fail(&self, failure: &Failure) -> Result<(), Gone> {
        self.line(format!(
            "{{\"type\":\"ERROR\",\"object\":{}}}\n",
            failure.body()
        ))
        .await
    }

    async fn line(&self, line: String) -> Result<(), Gone> {
        self.sender.send(Bytes::from(line)).await.map_err(|_| Gone)
    }
}
