//! Secrets Manager past the product: what lies in it, and values that the product itself may write but
//! never read.

use reqwest::Client;
use serde_json::{Value, json};

use super::Site;
use super::cluster::Cluster;

/// The Secrets Manager of a cluster's region.
#[derive(Debug)]
pub struct Vault {
    region: String,
}

impl Vault {
    /// Of that cluster.
    #[must_use]
    pub fn of(cluster: &Cluster) -> Self {
        Self {
            region: cluster.region().to_owned(),
        }
    }

    /// One call; the status and what was said.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn call(&self, action: &str, body: &Value) -> (u16, Value) {
        let credential = format!(
            "AWS4-HMAC-SHA256 Credential=tests/20260101/{}/secretsmanager/aws4_request, \
             SignedHeaders=host, Signature=none",
            self.region
        );
        let request = Client::new()
            .post(Site::get().secrets_manager())
            .header("X-Amz-Target", format!("secretsmanager.{action}"))
            .header("Content-Type", "application/x-amz-json-1.1")
            .header("Authorization", credential)
            .body(body.to_string());
        let answer = request.send().await.expect("Secrets Manager answers");
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or_default())
    }

    /// Names of the entries of an instance.
    ///
    /// # Panics
    /// When they cannot be listed.
    pub async fn names(&self, instance: &str) -> Vec<String> {
        let asked = json!({"MaxResults": 100, "Filters": [{"Key": "name", "Values": [
            format!("hosted-instances/{instance}/"),
        ]}]});
        let (status, body) = self.call("ListSecrets", &asked).await;
        assert_eq!(status, 200, "{body}");
        let entries = body["SecretList"].as_array().expect("a list");
        let mut names: Vec<String> = entries
            .iter()
            .filter_map(|it| it["Name"].as_str().map(str::to_owned))
            .collect();
        names.sort();
        names
    }

    /// The value of an entry, as the text that was written.
    ///
    /// # Panics
    /// When there is none.
    pub async fn value(&self, name: &str) -> String {
        let (status, body) = self
            .call("GetSecretValue", &json!({"SecretId": name}))
            .await;
        assert_eq!(status, 200, "{name}: {body}");
        body["SecretString"].as_str().expect("a text").to_owned()
    }
}
