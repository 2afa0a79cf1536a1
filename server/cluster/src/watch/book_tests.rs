//! The book, its pages turned by hand.

use std::sync::Arc;

use model::cluster::ClusterAccess;
use model::observation::{NamespaceFact, Observation};
use service::ports::Target;

use super::*;
use crate::wish::samples::target;

#[derive(Debug)]
struct One(Arc<Target>);

impl Targets for One {
    fn target(&self, instance: &InstanceId) -> Option<Arc<Target>> {
        (*instance == self.0.instance).then(|| self.0.clone())
    }
}

struct Desk {
    book: Book,
    targets: One,
    now: Instant,
}

impl Desk {
    fn new() -> Self {
        let targets = One(Arc::new(target(ClusterAccess::InCluster)));
        Self {
            book: Book::default(),
            targets,
            now: Instant::now(),
        }
    }

    fn ours(&self) -> InstanceId {
        self.targets.0.instance.clone()
    }

    fn tell(&mut self, told: Told) {
        self.book.hear(told);
    }

    fn put(&mut self, instance: &InstanceId, fact: Option<NamespaceFact>) {
        let fact = fact.map(|fact| Box::new(Fact::Namespace(fact, Vec::new())));
        self.tell(Told::Put(
            Sort::Namespace,
            instance.clone(),
            "x".into(),
            fact,
        ));
    }

    fn list_all(&mut self) {
        for sort in SORTS {
            if sort != Sort::Namespace {
                self.tell(Told::Begin(sort));
            }
            self.tell(Told::Done(sort));
        }
    }

    fn after(&mut self, pause: Duration) -> Vec<WatchEvent> {
        self.now += pause;
        self.book
            .due(self.now, Timestamp::from_micros(7), &self.targets)
    }

    /// A cluster that answers, with our instance on it, all reported.
    fn running() -> Self {
        let mut desk = Self::new();
        desk.tell(Told::Beat(Ok("v1.35.4".to_owned())));
        desk.tell(Told::Begin(Sort::Namespace));
        let ours = desk.ours();
        desk.put(&ours, Some(NamespaceFact::Active));
        desk.list_all();
        let first = desk.after(Duration::ZERO);
        assert_eq!(
            words(&first),
            ["reachable v1.35.4", "seen Active", "listed"]
        );
        desk
    }
}

fn words(events: &[WatchEvent]) -> Vec<String> {
    let word = |event: &WatchEvent| match event {
        WatchEvent::Reachable { kubernetes } => format!("reachable {kubernetes}"),
        WatchEvent::Unreachable { why } => format!("unreachable {why}"),
        WatchEvent::Seen { observation, .. } => format!("seen {:?}", observation.namespace),
        WatchEvent::Listed => "listed".to_owned(),
    };
    events.iter().map(word).collect()
}

#[test]
fn nothing_is_reported_before_every_kind_was_listed() {
    let mut desk = Desk::new();
    let ours = desk.ours();
    desk.tell(Told::Begin(Sort::Namespace));
    desk.put(&ours, Some(NamespaceFact::Active));
    desk.tell(Told::Done(Sort::Namespace));
    assert!(desk.after(Duration::from_secs(1)).is_empty());
    desk.tell(Told::Beat(Ok("v1".to_owned())));
    assert_eq!(words(&desk.after(Duration::ZERO)), ["reachable v1"]);
    desk.list_all();
}

#[test]
fn changes_are_joined_and_nothing_is_said_twice() {
    let mut desk = Desk::running();
    let ours = desk.ours();
    let going = |by: &str| NamespaceFact::Terminating {
        blocked_by: vec![by.to_owned()],
    };
    for step in 0..50 {
        desk.put(&ours, Some(going(&format!("{step}"))));
        assert!(desk.after(Duration::from_millis(3)).is_empty());
    }
    let events = desk.after(GAP);
    assert_eq!(events.len(), 1);
    assert!(words(&events)[0].contains("49"));
    desk.put(&ours, Some(going("49")));
    assert!(desk.after(GAP).is_empty(), "the same again is no news");
    assert_eq!(
        desk.after(AGAIN).len(),
        1,
        "but it is said again before it is too old to trust"
    );
}

#[test]
fn what_a_new_list_does_not_hold_is_gone_and_said_once() {
    let mut desk = Desk::running();
    desk.tell(Told::Begin(Sort::Namespace));
    assert!(desk.after(GAP).is_empty(), "half a list says nothing");
    desk.tell(Told::Done(Sort::Namespace));
    assert_eq!(words(&desk.after(GAP)), ["seen Absent"]);
    assert!(desk.after(AGAIN * 2).is_empty());
    assert!(desk.book.facts.is_empty() && desk.book.sent.is_empty());
}

#[test]
fn an_instance_that_is_not_ours_is_not_reported() {
    let mut desk = Desk::running();
    let other: InstanceId = "aaaaaaaaaaaa".parse().unwrap();
    desk.put(&other, Some(NamespaceFact::Active));
    assert!(desk.after(GAP).is_empty());
}

#[test]
fn a_cluster_that_goes_away_is_said_at_once_and_trusted_again_only_when_all_streams_are_back() {
    let mut desk = Desk::running();
    desk.tell(Told::Down(Sort::Pod, "pods: connection refused".to_owned()));
    let away = ["unreachable pods: connection refused"];
    assert_eq!(words(&desk.after(Duration::ZERO)), away);
    desk.tell(Told::Beat(Err("connection refused".to_owned())));
    assert_eq!(
        words(&desk.after(Duration::ZERO)),
        ["unreachable connection refused"]
    );
    assert!(
        desk.after(AGAIN * 2).is_empty(),
        "nothing is said to hold while nobody can look"
    );
    desk.tell(Told::Beat(Ok("v1.35.4".to_owned())));
    assert_eq!(
        words(&desk.after(Duration::ZERO)),
        away,
        "one stream is still down"
    );
    desk.tell(Told::Up(Sort::Pod));
    assert_eq!(
        words(&desk.after(Duration::ZERO)),
        ["reachable v1.35.4", "seen Active"]
    );
}

#[test]
fn every_heartbeat_is_passed_on() {
    let mut desk = Desk::running();
    for _ in 0..3 {
        desk.tell(Told::Beat(Ok("v1.35.4".to_owned())));
        assert_eq!(
            words(&desk.after(Duration::from_secs(5))),
            ["reachable v1.35.4"]
        );
    }
    assert_eq!(desk.after(Duration::ZERO).len(), 0);
}

#[test]
fn an_observation_carries_the_time_it_is_made() {
    let mut desk = Desk::running();
    let events = desk.after(AGAIN);
    let [WatchEvent::Seen { observation, .. }] = events.as_slice() else {
        panic!("{events:?}")
    };
    let expected = Observation {
        at: Timestamp::from_micros(7),
        namespace: NamespaceFact::Active,
        ..Observation::default()
    };
    assert_eq!(**observation, expected);
}
