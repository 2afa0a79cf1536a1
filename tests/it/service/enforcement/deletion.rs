//! Deleting an instance ends its tokens: the door is closed at once, the tokens live on behind it while
//! the deletion can be undone, and nothing is removed before every gateway refuses them, unless a staff
//! owner says so.

use std::time::Duration;

use model::cause::CauseCode;
use model::operation::{OperationState, StepName, StepState};
use model::token::{EndReason, TokenState};
use model::user::StaffRole;
use tests::cluster::gateway::Trouble;
use tests::services::origin;
use tests::world::TestWorld;

use super::{eventually, issue, until, view, with_token};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_end_with_their_instance_and_a_proof() {
    let world = TestWorld::new().await;
    let (instance, keeping, token) = with_token(&world).await;
    let asked = world.delete(&instance, Duration::ZERO).await;
    let ended = world.settle(asked.id).await;
    assert_eq!(ended.state, OperationState::Succeeded, "{ended:?}");
    let shown = view(&world, &token).await;
    assert_eq!(
        (shown.state, shown.reason),
        (TokenState::Revoked, Some(EndReason::Deleted))
    );
    assert!(shown.receipt.is_some(), "{shown:?}");
    assert_eq!(world.cluster.inventory(), Vec::<String>::new());
    keeping.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_undone_deletion_opens_the_door_to_the_same_tokens() {
    let world = TestWorld::new().await;
    let (instance, keeping, token) = with_token(&world).await;
    let text = token.token.expose();
    let asked = world.delete(&instance, Duration::from_hours(1)).await;
    eventually(&world, Duration::ZERO, "the door is closed", || async {
        !world.cluster.opens(&instance, text)
    })
    .await;
    world.until(asked.id, StepName::Grace).await;
    assert_eq!(view(&world, &token).await.state, TokenState::Active);
    let service = &world.services.instance;
    service
        .undelete(&world.actor, &instance, &origin())
        .await
        .unwrap();
    let undone = world.settle(asked.id).await;
    assert_eq!(undone.state, OperationState::Cancelled);
    let grace = undone
        .steps
        .iter()
        .find(|step| step.name == StepName::Grace)
        .unwrap();
    assert_eq!(grace.state, StepState::Skipped);
    eventually(
        &world,
        Duration::from_millis(100),
        "the door is open",
        || async { world.cluster.ask(&instance, Some(text)) == Some(200) },
    )
    .await;
    issue(&world, &instance, "Another").await;
    keeping.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_waits_for_the_proof_and_goes_on_without_on_a_staff_owners_word() {
    let world = TestWorld::new().await;
    let (instance, keeping, token) = with_token(&world).await;
    world.cluster.replica(1, Trouble::Stuck);
    let asked = world.delete(&instance, Duration::ZERO).await;
    let stuck = world.settle(asked.id).await;
    assert_eq!(stuck.state, OperationState::Stuck, "{stuck:?}");
    let error = stuck.error.expect("a cause");
    assert_eq!(error.code, CauseCode::ProofOverdue.as_str());
    let worker = world.worker("looking again");
    eventually(&world, Duration::from_secs(5), "it is named", || async {
        worker.turn().await.unwrap();
        let error = world.operation(asked.id).await.error;
        error.is_some_and(|error| error.sentence.contains("apisix-1"))
    })
    .await;
    assert!(!world.cluster.inventory_of(&instance).is_empty());

    let service = &world.services.operation;
    let operator = world.staff(StaffRole::Operator);
    let refused = service
        .go_on_unproven(&operator, asked.id, "it is gone", &origin())
        .await;
    assert_eq!(refused.unwrap_err().code(), "forbidden");
    let empty = service
        .go_on_unproven(&world.actor, asked.id, "  ", &origin())
        .await;
    assert_eq!(empty.unwrap_err().code(), "invalid");
    let reason = "The node of that replica is lost.";
    service
        .go_on_unproven(&world.actor, asked.id, reason, &origin())
        .await
        .unwrap();
    let ended = world.settle(asked.id).await;
    assert_eq!(ended.state, OperationState::Succeeded, "{ended:?}");
    let step = ended
        .steps
        .iter()
        .find(|step| step.name == StepName::RevokeTokens)
        .unwrap();
    let said = step.message.clone().unwrap_or_default();
    assert!(said.contains("node of that replica is lost"), "{said}");
    let shown = view(&world, &token).await;
    assert_eq!((shown.state, shown.receipt), (TokenState::Revoked, None));
    let late = service
        .go_on_unproven(&world.actor, asked.id, reason, &origin())
        .await;
    assert_eq!(late.unwrap_err().code(), "not_waiting_for_proof");
    keeping.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_whose_namespace_is_gone_has_nothing_to_prove() {
    let world = TestWorld::new().await;
    let (instance, keeping, token) = with_token(&world).await;
    world.cluster.lose_namespace(&instance);
    let asked = world.delete(&instance, Duration::ZERO).await;
    assert_eq!(
        world.settle(asked.id).await.state,
        OperationState::Succeeded
    );
    let shown = until(&world, &token, TokenState::Revoked).await;
    assert!(shown.receipt.is_none());
    assert_eq!(world.cluster.inventory(), Vec::<String>::new());
    keeping.end().await;
}
