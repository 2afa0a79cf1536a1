//! The same promise over real HTTP: the product's own adapters against the simulated cluster, whose
//! gateway has replicas and workers with copies of their own, breaks off pushes and loses answers. Each
//! worker is asked with the key itself, which no proof ever does.

mod place;

use std::time::{Duration, Instant};

use futures::future::join_all;
use model::secret_text::PlainToken;
use model::token::{EndReason, TokenState, TokenView};
use model::{Actor, Entropy, InstanceId, TokenId};
use sandbox::ClusterFault;
use service::token::{IssueToken, RevokeToken, RotateToken};
use tests::entropy::SeededEntropy;
use tests::services::origin;

use self::place::Place;

const FAULTS: [ClusterFault; 9] = [
    ClusterFault::GatewayLagging,
    ClusterFault::GatewayStuck,
    ClusterFault::GatewayGone,
    ClusterFault::GatewayWorkerRestarts,
    ClusterFault::GatewayPushFails,
    ClusterFault::ExternalSecretsStopped,
    ClusterFault::Secrets500,
    ClusterFault::ApiDown,
    ClusterFault::Api500,
];

struct Known {
    id: TokenId,
    instance: InstanceId,
    text: PlainToken,
}

impl Place {
    async fn issue(&self, instance: &InstanceId, name: &str) -> Option<Known> {
        let command = IssueToken {
            name: name.to_owned(),
            ..IssueToken::default()
        };
        let service = &self.services.token;
        let issued = service
            .issue(&Actor::Operator, instance, command, &origin())
            .await;
        issued.ok().map(|issued| Known {
            id: issued.view.id,
            instance: instance.clone(),
            text: issued.token,
        })
    }

    async fn revoke(&self, id: TokenId) {
        let command = RevokeToken {
            reason: EndReason::Revoked,
            note: String::new(),
        };
        let service = &self.services.token;
        let revoked = service
            .revoke(&Actor::Operator, id, command, &origin())
            .await;
        revoked.expect("the token is being revoked");
    }

    async fn view(&self, id: TokenId) -> TokenView {
        let detail = self.services.token.get(&Actor::Operator, id).await;
        detail.expect("the token is there").token
    }

    async fn until(&self, id: TokenId, state: TokenState) -> TokenView {
        let begun = Instant::now();
        loop {
            let view = self.view(id).await;
            if view.state == state {
                return view;
            }
            let late = begun.elapsed() > Duration::from_secs(30);
            assert!(!late, "never {state}: {view:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// What must hold at every moment.
    async fn check(&self, known: &[Known], told: &[String]) {
        for token in known {
            // The row first: what it says must hold from then on.
            let state = self.view(token.id).await.state;
            let text = token.text.expose();
            if state == TokenState::Revoked {
                let met = self.answers(&token.instance, Some(text)).await;
                assert!(
                    !met.contains(&200),
                    "{} is let in after {told:#?}",
                    token.id
                );
            }
        }
    }

    /// No key opens somebody else's instance.
    async fn check_neighbours(&self, known: &[Known], told: &[String]) {
        for token in known {
            let text = token.text.expose();
            for other in self.instances.iter().filter(|it| **it != token.instance) {
                let met = self.answers(other, Some(text)).await;
                assert!(
                    !met.contains(&200),
                    "{} opens {other} after {told:#?}",
                    token.id
                );
            }
        }
    }
}

struct Draw(SeededEntropy);

impl Draw {
    fn below(&self, bound: usize) -> usize {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        let bound = u64::try_from(bound).unwrap();
        usize::try_from(u64::from_le_bytes(bytes) % bound).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_sequence_shows_as_revoked_what_a_real_gateway_lets_in() {
    let campaign = std::env::var("CAMPAIGN").is_ok_and(|it| it == "1");
    let sequences = if campaign { 300 } else { 12 };
    let seed = std::env::var("ENFORCEMENT_SEED")
        .ok()
        .and_then(|it| it.parse().ok());
    let seed: u64 = seed.unwrap_or(1);
    let draw = Draw(SeededEntropy::new(seed));
    let mut place = Place::begin(2).await;
    let mut known: Vec<Known> = Vec::new();
    let begun = Instant::now();
    for sequence in 0..sequences {
        let mut told = vec![format!("seed {seed}, sequence {sequence}")];
        for number in 0..6 + draw.below(5) {
            told.push(
                act(
                    &mut place,
                    &draw,
                    &mut known,
                    &format!("{sequence} {number}"),
                )
                .await,
            );
            tokio::time::sleep(Duration::from_millis(
                u64::try_from(draw.below(60)).unwrap(),
            ))
            .await;
            place.check(&known, &told).await;
        }
        for fault in FAULTS {
            place.fault(fault, false).await;
        }
        place.crash().await;
        let half = known.len() / 2;
        for token in &known[..half] {
            place.revoke(token.id).await;
        }
        settle(&place, &known, &told).await;
        place.check_neighbours(&known, &told).await;
        known.drain(..half);
    }
    println!(
        "{sequences} sequences over HTTP in {} s",
        begun.elapsed().as_secs()
    );
    place.end().await;
}

async fn act(place: &mut Place, draw: &Draw, known: &mut Vec<Known>, name: &str) -> String {
    let token = known
        .get(draw.below(known.len().max(1)))
        .map(|it| (it.id, it.instance.clone()));
    match (draw.below(10), token) {
        (0 | 1, _) | (2..=4, None) => {
            let instance = place.instances[draw.below(place.instances.len())].clone();
            known.extend(place.issue(&instance, &format!("Token {name}")).await);
            format!("issue for {instance}")
        }
        (2 | 3, Some((id, _))) => {
            place.revoke(id).await;
            format!("revoke {id}")
        }
        (4, Some((id, instance))) => {
            let command = RotateToken {
                overlap: Some(Duration::ZERO),
                days: None,
            };
            let service = &place.services.token;
            let rotated = service
                .rotate(&Actor::Operator, id, command, &origin())
                .await;
            known.extend(rotated.ok().map(|it| Known {
                id: it.view.id,
                instance,
                text: it.token,
            }));
            format!("rotate {id}")
        }
        (5, _) => {
            place.crash().await;
            "crash".to_owned()
        }
        _ => {
            let fault = FAULTS[draw.below(FAULTS.len())];
            let on = draw.below(3) > 0;
            place.fault(fault, on).await;
            format!("{}: {on}", fault.name())
        }
    }
}

/// Everything works again; all comes to rest as it should.
async fn settle(place: &Place, known: &[Known], told: &[String]) {
    let begun = Instant::now();
    loop {
        let mut open = Vec::new();
        for token in known {
            let state = place.view(token.id).await.state;
            let met = place
                .answers(&token.instance, Some(token.text.expose()))
                .await;
            let rests = match state {
                TokenState::Active => met == [200],
                TokenState::Revoked => !met.contains(&200),
                _ => false,
            };
            if !rests {
                open.push(format!("{} is {state} and answered {met:?}", token.id));
            }
        }
        if open.is_empty() {
            return;
        }
        let late = begun.elapsed() > Duration::from_mins(1);
        assert!(!late, "never at rest: {open:#?} after {told:#?}");
        place.hurry(Duration::from_secs(5)).await;
        place.services.token.calendar_round().await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revocations_at_a_real_gateway_are_timed() {
    let campaign = std::env::var("CAMPAIGN").is_ok_and(|it| it == "1");
    let (instances, each, ended) = if campaign {
        (10, 100, 200)
    } else {
        (2, 10, 10)
    };
    let place = Place::begin(instances).await;
    let mut known = Vec::new();
    for instance in &place.instances {
        for number in 0..each {
            known.push(
                place
                    .issue(instance, &format!("Token {number}"))
                    .await
                    .expect("a token"),
            );
        }
    }
    join_all(
        known
            .iter()
            .map(|it| place.until(it.id, TokenState::Active)),
    )
    .await;
    let mut took = Vec::new();
    for token in known.iter().step_by(known.len() / ended).take(ended) {
        let begun = Instant::now();
        place.revoke(token.id).await;
        let within = Duration::from_secs(30);
        let waited = place
            .services
            .token
            .wait(&Actor::Operator, token.id, within)
            .await;
        took.push(begun.elapsed());
        let waited = waited.expect("the token is there");
        assert_eq!(waited.state, TokenState::Revoked, "{waited:?}");
        let receipt = waited.receipt.expect("a receipt");
        assert_eq!((receipt.replicas, receipt.workers), (3, 6), "{receipt:?}");
        let met = place
            .answers(&token.instance, Some(token.text.expose()))
            .await;
        assert!(!met.contains(&200), "{met:?}");
    }
    took.sort_unstable();
    println!(
        "{} revocations over HTTP among {} tokens: median {} ms, 99th percentile {} ms",
        took.len(),
        known.len(),
        took[took.len() / 2].as_millis(),
        took[took.len() * 99 / 100].as_millis()
    );
    place.end().await;
}
