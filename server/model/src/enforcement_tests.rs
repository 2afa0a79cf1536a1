//! What a look proves, as a table: every way in which believing less would have lied.

use super::*;

const ROUTE: &str = "GET /cloud-agent/gate";
const OTHER: &str = "GET /enterprise/gate";

fn answer(route: &str, worker: &str, status: u16, generation: Option<i64>) -> WorkerAnswer {
    WorkerAnswer {
        route: route.into(),
        worker: worker.into(),
        status,
        generation,
    }
}

fn replica(workers: Option<u32>, answers: Vec<WorkerAnswer>) -> GatewayLook {
    GatewayLook {
        routes: vec![ROUTE.into(), OTHER.into()],
        replicas: vec![ReplicaLook {
            name: "apisix-0".into(),
            ready: true,
            workers,
            answers,
            trouble: None,
        }],
    }
}

fn both(worker: &str, generation: i64) -> Vec<WorkerAnswer> {
    vec![
        answer(ROUTE, worker, 401, Some(generation)),
        answer(OTHER, worker, 401, Some(generation)),
    ]
}

fn proven(look: &GatewayLook) -> bool {
    judge(look, 7, Timestamp::default()).is_proven()
}

fn why(look: &GatewayLook) -> String {
    judge(look, 7, Timestamp::default())
        .waiting()
        .unwrap_or_default()
}

#[test]
fn every_worker_on_every_route() {
    let two = [both("42", 7), both("43", 8)].concat();
    assert!(proven(&replica(Some(2), two.clone())));
    assert!(proven(&replica(None, two.clone())));
    assert_eq!(
        why(&replica(Some(3), two)),
        "apisix-0: 2 of 3 workers have shown it."
    );
}

#[test]
fn one_worker_proves_nothing_about_the_other() {
    let one = replica(Some(2), [both("42", 7), both("43", 6)].concat());
    assert!(!proven(&one));
    assert_eq!(why(&one), "apisix-0: a worker still has generation 6 of 7.");
}

#[test]
fn one_route_proves_nothing_about_the_other() {
    let half = replica(Some(1), vec![answer(ROUTE, "42", 401, Some(7))]);
    assert_eq!(why(&half), "apisix-0: 0 of 1 workers have shown it.");
    let split = replica(
        Some(1),
        vec![
            answer(ROUTE, "42", 401, Some(7)),
            answer(OTHER, "42", 401, Some(6)),
        ],
    );
    assert!(!proven(&split));
}

#[test]
fn an_older_answer_of_the_same_worker_outweighs_a_newer_one() {
    let flapping = replica(Some(1), [both("42", 7), both("42", 6)].concat());
    assert!(!proven(&flapping));
}

#[test]
fn only_a_refusal_with_a_generation_counts() {
    for status in [200, 403, 404, 500] {
        let open = replica(Some(1), vec![answer(ROUTE, "42", status, Some(9))]);
        assert!(why(&open).contains(&status.to_string()));
    }
    let bare = replica(
        Some(1),
        vec![
            answer(ROUTE, "42", 401, None),
            answer(OTHER, "42", 401, None),
        ],
    );
    assert_eq!(
        why(&bare),
        "apisix-0: a worker refuses without showing a generation."
    );
}

#[test]
fn a_silent_replica_and_no_replica_prove_nothing() {
    let mut silent = replica(Some(1), both("42", 7));
    silent.replicas.push(ReplicaLook {
        name: "apisix-1".into(),
        trouble: Some("no answer within 2 s".into()),
        ..ReplicaLook::default()
    });
    assert_eq!(why(&silent), "apisix-1: no answer within 2 s.");
    let none = GatewayLook {
        routes: vec![ROUTE.into()],
        replicas: vec![],
    };
    assert!(!proven(&none));
    let mut routeless = replica(Some(1), both("42", 7));
    routeless.routes.clear();
    assert!(!proven(&routeless));
}

#[test]
fn a_receipt_counts_what_was_asked() {
    let look = replica(None, [both("42", 7), both("43", 9)].concat());
    let progress = judge(&look, 7, Timestamp::from_micros(5));
    let receipt = receipt(&look, &progress, 812);
    assert_eq!(
        (receipt.routes, receipt.replicas, receipt.workers),
        (2, 1, 2)
    );
    assert!(!receipt.workers_known);
    assert_eq!(
        (receipt.millis, receipt.at),
        (812, Timestamp::from_micros(5))
    );
}

#[test]
fn latencies_by_nearest_rank() {
    let of = |millis: Vec<u64>| Latency::of(millis, Timestamp::default());
    assert_eq!(of(vec![]), None);
    let one = of(vec![800]).unwrap();
    assert_eq!((one.median_ms, one.p99_ms, one.samples), (800, 800, 1));
    let many = of((1..=200).rev().collect()).unwrap();
    assert_eq!((many.median_ms, many.p99_ms), (100, 198));
}
