//! The Secrets Manager's wire protocol.

use crate::world::World;
use serde_json::{Value, json};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const OTHER: &str = "fedcba9876543210fedcba9876543210";

fn code(answer: &Value) -> &str {
    answer["__type"].as_str().unwrap_or("")
}

#[tokio::test]
async fn a_request_token_makes_creation_happen_once() {
    let world = World::new().await;
    let input = json!({"Name": "p/x", "SecretString": "one", "ClientRequestToken": TOKEN,
        "Tags": [{"Key": "k", "Value": "v"}]});
    let (status, first) = world.aws("CreateSecret", &input).await;
    assert_eq!((status, &first["VersionId"]), (200, &json!(TOKEN)));
    let (status, second) = world.aws("CreateSecret", &input).await;
    assert_eq!((status, &second), (200, &first));
    let different = json!({"Name": "p/x", "SecretString": "two", "ClientRequestToken": TOKEN});
    let (status, refusal) = world.aws("CreateSecret", &different).await;
    assert_eq!((status, code(&refusal)), (400, "ResourceExistsException"));
    let put = json!({"SecretId": "p/x", "SecretString": "two", "ClientRequestToken": TOKEN});
    assert_eq!(
        code(&world.aws("PutSecretValue", &put).await.1),
        "ResourceExistsException"
    );
    let put = json!({"SecretId": first["ARN"], "SecretString": "two", "ClientRequestToken": OTHER});
    for _ in 0..2 {
        assert_eq!(world.aws("PutSecretValue", &put).await.0, 200);
    }
    let (_, described) = world
        .aws("DescribeSecret", &json!({"SecretId": "p/x"}))
        .await;
    assert_eq!(
        described["VersionIdsToStages"],
        json!({TOKEN: ["AWSPREVIOUS"], OTHER: ["AWSCURRENT"]})
    );
    assert_eq!(described["Tags"], json!([{"Key": "k", "Value": "v"}]));
}

#[tokio::test]
async fn a_name_in_its_recovery_window_is_blocked() {
    let world = World::new().await;
    let create = json!({"Name": "p/y", "SecretString": "one"});
    world.aws("CreateSecret", &create).await;
    let window = json!({"SecretId": "p/y", "RecoveryWindowInDays": 7});
    let (status, deleted) = world.aws("DeleteSecret", &window).await;
    assert_eq!(status, 200);
    assert!(deleted["DeletionDate"].as_f64().unwrap() > 0.0);
    assert_eq!(
        code(&world.aws("CreateSecret", &create).await.1),
        "InvalidRequestException"
    );
    let force = json!({"SecretId": "p/y", "ForceDeleteWithoutRecovery": true});
    for _ in 0..2 {
        assert_eq!(world.aws("DeleteSecret", &force).await.0, 200);
    }
    assert_eq!(world.aws("CreateSecret", &create).await.0, 200);
    let short = json!({"SecretId": "p/y", "RecoveryWindowInDays": 1});
    assert_eq!(
        code(&world.aws("DeleteSecret", &short).await.1),
        "InvalidParameterException"
    );
}

#[tokio::test]
async fn entries_are_listed_and_values_are_never_given_out() {
    let world = World::new().await;
    for number in 0..3 {
        let name = format!("list/{number}");
        let tags = json!([{"Key": "hosted-instances/instance", "Value": "abc"}]);
        let input = json!({"Name": name, "SecretString": "s", "Tags": tags});
        world.aws("CreateSecret", &input).await;
    }
    let filter = json!([{"Key": "name", "Values": ["list/"]}]);
    let (_, page) = world
        .aws("ListSecrets", &json!({"MaxResults": 2, "Filters": filter}))
        .await;
    assert_eq!(page["SecretList"].as_array().unwrap().len(), 2);
    let next = json!({"NextToken": page["NextToken"], "Filters": filter});
    let (_, rest) = world.aws("ListSecrets", &next).await;
    assert_eq!(rest["SecretList"][0]["Name"], "list/2");
    let (status, refusal) = world
        .aws("GetSecretValue", &json!({"SecretId": "list/0"}))
        .await;
    assert_eq!((status, code(&refusal)), (400, "AccessDeniedException"));
    let missing = json!({"SecretId": "none"});
    assert_eq!(
        code(&world.aws("DescribeSecret", &missing).await.1),
        "ResourceNotFoundException"
    );
    assert_eq!(
        code(&world.aws("Explode", &json!({})).await.1),
        "UnknownOperationException"
    );
    let bad = json!({"Name": "spaces are wrong"});
    assert_eq!(
        code(&world.aws("CreateSecret", &bad).await.1),
        "ValidationException"
    );
}
