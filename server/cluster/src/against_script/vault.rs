//! Secrets Manager in its bad moments: throttled, refusing, failing, silent, and with a name that is
//! blocked.

use serde_json::json;
use service::ports::{ClusterError, ClusterPort, NewSecret};

use super::world;
use crate::scripted::{Api, Say};

fn secret() -> NewSecret {
    NewSecret {
        name: "wallet-seed".to_owned(),
        text: "do-not-tell".to_owned().into(),
        request_token: "018f3f1e-0000-7000-8000-000000000001".to_owned(),
    }
}

fn refusal(status: u16, code: &str, message: &str) -> Say {
    Say::Json(status, json!({"__type": code, "message": message}))
}

async fn written(say: Say) -> (Result<(), ClusterError>, usize) {
    let api = Api::start(move |_, _| say.clone()).await;
    let (clusters, target) = world(&api);
    let done = clusters.write_secrets(&target, &[secret()]).await;
    let asked = api.asked();
    assert!(
        asked
            .iter()
            .all(|a| a.body["ClientRequestToken"] == secret().request_token)
    );
    (done, asked.len())
}

#[tokio::test]
async fn an_entry_that_exists_is_as_wished() {
    let (done, asked) = written(refusal(400, "ResourceExistsException", "already exists")).await;
    assert_eq!((done, asked), (Ok(()), 1));
}

#[tokio::test]
async fn a_blocked_name_says_what_to_do() {
    let said = "You can't create this secret because a secret with this name is already scheduled \
                for deletion.";
    let error = written(refusal(400, "InvalidRequestException", said))
        .await
        .0
        .unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, ClusterError::SecretsManager(_)), "{text}");
    assert!(
        text.contains("scheduled for deletion") && text.contains("Restore it"),
        "{text}"
    );
}

#[tokio::test]
async fn throttling_is_waited_out_and_then_said() {
    let (done, asked) = written(refusal(400, "ThrottlingException", "Rate exceeded")).await;
    let error = done.unwrap_err();
    assert!(
        matches!(&error, ClusterError::Busy(t) if t.contains("too many requests")),
        "{error}"
    );
    assert_eq!(asked, 3);
}

#[tokio::test]
async fn refusals_and_faults_are_told_apart_and_never_tell_the_text() {
    let denied = "User: x is not authorized to perform: secretsmanager:CreateSecret on do-not-tell";
    for (say, says) in [
        (
            refusal(400, "AccessDeniedException", denied),
            "Allow secretsmanager:CreateSecret",
        ),
        (
            refusal(500, "InternalServiceError", "do-not-tell"),
            "a fault of its own",
        ),
        (
            refusal(400, "EncryptionFailure", "do-not-tell"),
            "(EncryptionFailure)",
        ),
        (Say::Garbage(200), "makes no sense"),
        (Say::Nothing, "did not answer in time"),
    ] {
        let error = written(say).await.0.unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, ClusterError::SecretsManager(_)), "{text}");
        assert!(text.contains(says), "{says}: {text}");
        assert!(!text.contains("do-not-tell"), "{text}");
    }
}
