//! SIGKILL at random instants while instances are being made: after the last one everything converges,
//! nothing was lost and nothing was done twice, seen from both sides (rows and clusters).
//! `CAMPAIGN=1` does it a hundred times instead of ten; `KILL_SEED` repeats a run.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::Value;
use tests::process::{Place, Server, said};
use tokio::time::sleep;

use super::api::{Api, id};
use super::place::here;
use super::sandbox::inventory;

const SANDBOX: [&str; 3] = ["--sandbox", "--sandbox-pace", "0.05"];
/// Longest life of a server that is killed.
const LIFE: u64 = 1_200;
/// An answer that was lost with its process is repeatable after the lease of its key.
const CONVERGED: Duration = Duration::from_mins(3);

/// A small generator of which a failed run can be repeated.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

fn chance() -> Chance {
    let seed = std::env::var("KILL_SEED")
        .ok()
        .and_then(|it| it.parse().ok());
    let seed = seed.unwrap_or(20_261_124);
    println!("KILL_SEED={seed}");
    Chance(seed)
}

fn kills() -> u64 {
    let campaign = std::env::var("CAMPAIGN").is_ok_and(|it| it == "1");
    if campaign { 100 } else { 10 }
}

/// Longest life of a server that is killed while it makes its key, its schema and its clusters.
const FIRST_LIFE: u64 = 250;

#[tokio::test(flavor = "multi_thread")]
async fn kill_during_the_first_start_leaves_nothing_half_made() {
    let mut chance = chance();
    let here = here().await;
    for _ in 0..kills() {
        let mut server = Server::spawn(&here.place, &SANDBOX);
        sleep(Duration::from_millis(chance.below(FIRST_LIFE))).await;
        server.kill();
    }
    let api = Api::new(&here.place);
    let server = Server::start(&here.place, &SANDBOX).await;
    let tenant = api.tenant(&server, "Acme").await;
    let created = api.instance(&server, &tenant, "One").await;
    api.succeeds(&server, &created.operation).await;
    let doctor = here.place.run(&["doctor"]);
    assert!(doctor.status.success(), "{}", said(&doctor));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_at_random_instants_loses_nothing_and_does_nothing_twice() {
    let mut chance = chance();
    let here = here().await;
    let api = Api::new(&here.place);
    let server = Server::start(&here.place, &SANDBOX).await;
    let tenant = api.tenant(&server, "Acme").await;
    server.stop().await;
    let names: Vec<String> = (0..kills())
        .map(|number| format!("instance-{number}"))
        .collect();
    let mut lives = Vec::new();
    for name in &names {
        let mut server = Server::start(&here.place, &SANDBOX).await;
        let life = Duration::from_millis(chance.below(LIFE));
        lives.push(life);
        tokio::select! {
            // Whether it was answered is found out afterwards, as a client would.
            _ = api.try_instance(&server, &tenant, name) => sleep(life).await,
            () = sleep(life) => {}
        }
        server.kill();
    }
    let server = Server::start(&here.place, &SANDBOX).await;
    let begun = Instant::now();
    for name in &names {
        repeat(&api, &server, &tenant, name).await;
    }
    converge(&api, &server, names.len()).await;
    println!(
        "converged {:?} after the last kill; lives {lives:?}",
        begun.elapsed()
    );
    compare(&api, &server, &here.place, names.len()).await;
    empty(&api, &server, &here.place).await;
    server.stop().await;
}

fn is(problem: &Value, code: &str) -> bool {
    problem["type"]
        .as_str()
        .is_some_and(|kind| kind.ends_with(code))
}

/// Sends a request again with its key until it is answered.
async fn repeat(api: &Api, server: &Server, tenant: &str, name: &str) {
    let deadline = Instant::now() + CONVERGED;
    loop {
        let (status, body) = api
            .try_instance(server, tenant, name)
            .await
            .expect("an answer");
        match status {
            StatusCode::ACCEPTED => return,
            // It was made and only the answer was lost; that it is there once is compared later.
            StatusCode::CONFLICT if is(&body, "idempotency_answer_lost") => return,
            // The process that had this key is dead and its lease still runs.
            StatusCode::CONFLICT => sleep(Duration::from_millis(500)).await,
            other => panic!("{name}: {other} {body}"),
        }
        assert!(Instant::now() < deadline, "{name}: {body}");
    }
}

async fn converge(api: &Api, server: &Server, instances: usize) {
    let deadline = Instant::now() + CONVERGED;
    loop {
        let operations = api.list(server, "/operations").await;
        let done = operations
            .iter()
            .filter(|it| it["state"] == "succeeded")
            .count();
        if done == instances && operations.len() == instances {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{done} of {instances}: {operations:#?}\n{}",
            server.said()
        );
        sleep(Duration::from_millis(200)).await;
    }
}

/// Compares rows with clusters, both ways.
async fn compare(api: &Api, server: &Server, place: &Place, instances: usize) {
    let rows = api.list(server, "/instances").await;
    assert_eq!(rows.len(), instances, "{rows:#?}");
    assert!(
        rows.iter().all(|row| row["state"] == "running"),
        "{rows:#?}"
    );
    let names: BTreeSet<&str> = rows.iter().filter_map(|row| row["name"].as_str()).collect();
    assert_eq!(names.len(), instances, "one was made twice: {names:?}");
    let mut wished: Vec<String> = rows.iter().map(|row| format!("prism{}", id(row))).collect();
    wished.sort();
    let found = inventory(&place.data).await;
    assert_eq!(found.applications, wished);
    assert_eq!(found.namespaces, wished.iter().cloned().collect());
    let of = |secret: &str| secret.split('/').next().map(|id| format!("prism{id}"));
    let owners: BTreeSet<String> = found.secrets.iter().filter_map(|it| of(it)).collect();
    assert_eq!(
        owners, found.namespaces,
        "secrets without an instance, or the other way round"
    );
    let once: BTreeSet<&String> = found.secrets.iter().collect();
    assert_eq!(once.len(), found.secrets.len(), "{:?}", found.secrets);
    assert_eq!(
        found.secrets.len() % instances,
        0,
        "each has the same ones: {:?}",
        found.secrets
    );
}

/// Deletes everything and looks for what is left.
async fn empty(api: &Api, server: &Server, place: &Place) {
    let mut operations = Vec::new();
    for row in api.list(server, "/instances").await {
        operations.push(api.delete(server, &id(&row)).await);
    }
    for operation in operations {
        api.succeeds(server, &operation).await;
    }
    let left = inventory(&place.data).await;
    assert!(
        left.applications.is_empty() && left.namespaces.is_empty() && left.secrets.is_empty(),
        "{left:?}"
    );
}
