//! One kind on one cluster: list in pages, then watch from there, for ever. Written by hand instead of
//! with the library's watcher, because that has no deadline on lists, does not say when a watch has
//! begun (so "reachable again" could not be told), and lists again as often as it is refused.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt as _;
use kube::ResourceExt as _;
use kube::api::{Api, ListParams, WatchEvent, WatchParams};
use kube::core::Status;
use model::Clock;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use super::book::Told;
use crate::client::DEADLINE;
use crate::failure::Failure;
use crate::reduce::Reduce;

/// How many objects are asked for at once.
const PAGE: u32 = 500;
/// The longest pause between attempts.
const LONGEST: Duration = Duration::from_secs(8);

/// How patient a stream is.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The server ends a watch after this many seconds.
    pub watch_seconds: u32,
    /// A watch that has not ended by then hangs on a dead connection.
    pub watch_dead: Duration,
    /// Never two lists of a kind within this time, however often the server forgets.
    pub list_gap: Duration,
    /// When a kind that is not installed is looked for again.
    pub absent: Duration,
}

impl Default for Pace {
    /// A dead connection is noticed within 28 s, and one kind costs at most a list every 10 s.
    fn default() -> Self {
        Self {
            watch_seconds: 25,
            watch_dead: Duration::from_secs(28),
            list_gap: Duration::from_secs(10),
            absent: Duration::from_mins(1),
        }
    }
}

/// What a stream is given.
pub struct Follower {
    pub teller: mpsc::Sender<Told>,
    /// Wakes when the cluster answers again.
    pub wake: Arc<Notify>,
    pub clock: Arc<dyn Clock>,
    pub cluster: String,
    pub pace: Pace,
}

/// Nobody listens any more.
struct Unheard;

impl<T> From<mpsc::error::SendError<T>> for Unheard {
    fn from(_: mpsc::error::SendError<T>) -> Self {
        Self
    }
}

/// Follows a kind until nobody listens.
pub async fn follow<K: Reduce>(api: Api<K>, with: Follower) {
    // The only way for it to end is that nobody listens.
    let _ = forever(&api, &with).await;
}

async fn forever<K: Reduce>(api: &Api<K>, with: &Follower) -> Result<(), Unheard> {
    let mut version: Option<String> = None;
    let mut listed: Option<Instant> = None;
    let mut attempt = 0;
    loop {
        let begun = Instant::now();
        let done = if let Some(from) = &version {
            stream(api, from, with).await?
        } else {
            if let Some(listed) = listed {
                sleep_until(listed + with.pace.list_gap).await;
            }
            listed = Some(Instant::now());
            list(api, with).await?
        };
        match done {
            Ok(next) => {
                // A server that ends every watch at once is not asked in a tight loop.
                let quick = version.is_some() && begun.elapsed() < Duration::from_secs(1);
                version = Some(next);
                attempt = if quick { attempt + 1 } else { 0 };
                if quick {
                    sleep(pause::<K>(with, attempt)).await;
                }
            }
            Err(Failure::Gone) => version = None,
            Err(Failure::NotFound(_)) => {
                version = None;
                listed = None;
                with.teller.send(Told::Begin(K::SORT)).await?;
                with.teller.send(Told::Done(K::SORT)).await?;
                sleep(with.pace.absent).await;
            }
            Err(failure) => {
                attempt += 1;
                let why = format!("{}: {}", K::plural(&()), failure.why());
                with.teller.send(Told::Down(K::SORT, why)).await?;
                let asked = match failure {
                    Failure::Busy { pause: Some(asked) } => asked,
                    _ => Duration::ZERO,
                };
                let rest = asked.max(pause::<K>(with, attempt));
                // A pause that the server asks for is kept even when it answers others.
                tokio::select! {
                    () = sleep(rest) => {}
                    () = with.wake.notified(), if asked.is_zero() => {}
                }
            }
        }
    }
}

/// Half a second, doubled with every attempt up to the longest, of which up to a half is left out so
/// that many streams do not come back together.
fn pause<K: Reduce>(with: &Follower, attempt: u32) -> Duration {
    let whole = Duration::from_millis(500)
        .saturating_mul(1 << attempt.min(5))
        .min(LONGEST);
    let mut hasher = DefaultHasher::new();
    (&with.cluster, K::SORT, attempt, with.clock.now().micros()).hash(&mut hasher);
    let share = u32::try_from(hasher.finish() % 512).unwrap_or(0);
    whole * (1_024 - share) / 1_024
}

type Version = Result<String, Failure>;

async fn list<K: Reduce>(api: &Api<K>, with: &Follower) -> Result<Version, Unheard> {
    let mut params = ListParams::default().limit(PAGE);
    with.teller.send(Told::Begin(K::SORT)).await?;
    loop {
        let page = match timeout(DEADLINE, api.list(&params)).await {
            Ok(Ok(page)) => page,
            Ok(Err(error)) => return Ok(Err(error.into())),
            Err(_) => return Ok(Err(silent())),
        };
        for object in page.items {
            tell(object, true, with).await?;
        }
        params.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
        if params.continue_token.is_none() {
            let version = page.metadata.resource_version.unwrap_or_default();
            if version.is_empty() {
                let why = "the list has no version".to_owned();
                return Ok(Err(Failure::Unreachable(why)));
            }
            with.teller.send(Told::Done(K::SORT)).await?;
            return Ok(Ok(version));
        }
    }
}

fn silent() -> Failure {
    Failure::Unreachable(format!("no answer within {} s", DEADLINE.as_secs()))
}

/// Reads one watch to its end and answers the version to go on from.
async fn stream<K: Reduce>(api: &Api<K>, from: &str, with: &Follower) -> Result<Version, Unheard> {
    let params = WatchParams::default().timeout(with.pace.watch_seconds);
    let end = Instant::now() + with.pace.watch_dead;
    let events = match timeout(DEADLINE, api.watch(&params, from)).await {
        Ok(Ok(events)) => events,
        Ok(Err(error)) => return Ok(Err(error.into())),
        Err(_) => return Ok(Err(silent())),
    };
    with.teller.send(Told::Up(K::SORT)).await?;
    let mut events = pin!(events);
    let mut version = from.to_owned();
    loop {
        match timeout_at(end, events.try_next()).await {
            Ok(Ok(Some(event))) => match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                    version = object.resource_version().unwrap_or_default();
                    tell(object, true, with).await?;
                }
                WatchEvent::Deleted(object) => {
                    version = object.resource_version().unwrap_or_default();
                    tell(object, false, with).await?;
                }
                WatchEvent::Bookmark(mark) => version = mark.metadata.resource_version,
                WatchEvent::Error(status) => return Ok(Err(said(status))),
            },
            // The end of the watch, of its time, or of its connection: another one begins from here, and
            // says so when it cannot.
            Ok(Ok(None)) | Err(_) => return Ok(Ok(version)),
            Ok(Err(kube::Error::Api(status))) => return Ok(Err(said(status))),
            Ok(Err(kube::Error::ReadEvents(_) | kube::Error::HyperError(_))) => {
                return Ok(Ok(version));
            }
            Ok(Err(error)) => return Ok(Err(error.into())),
        }
        if version.is_empty() {
            return Ok(Err(Failure::Gone));
        }
    }
}

fn said(status: Box<Status>) -> Failure {
    kube::Error::Api(status).into()
}

async fn tell<K: Reduce>(object: K, there: bool, with: &Follower) -> Result<(), Unheard> {
    let Some(instance) = object.instance() else {
        return Ok(());
    };
    let name = object.name_any().into_boxed_str();
    let fact = if there { object.reduce() } else { None };
    with.teller
        .send(Told::Put(K::SORT, instance, name, fact.map(Box::new)))
        .await?;
    Ok(())
}
