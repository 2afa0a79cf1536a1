//! What is to be recorded. Texts are bounded and single-line, and values before and after a change
//! are masked by the name of their field, so that no caller has to remember to.

use model::{ActorRef, TenantId};
use serde_json::Value;

use crate::Origin;

/// Field names whose values are never recorded.
const SECRET_WORDS: [&str; 7] = [
    "password",
    "secret",
    "token",
    "key",
    "hash",
    "seed",
    "credential",
];

/// A row to be written.
#[derive(Clone, Debug)]
pub struct Entry {
    pub(super) actor: ActorRef,
    pub(super) address: String,
    pub(super) request_id: String,
    pub(super) action: &'static str,
    pub(super) subject: String,
    pub(super) summary: String,
    pub(super) tenant: Option<TenantId>,
    pub(super) was: String,
    pub(super) became: String,
}

impl Entry {
    /// Who did what: `tenant.create`.
    pub fn new(actor: &ActorRef, origin: &Origin, action: &'static str) -> Self {
        Self {
            actor: actor.clone(),
            address: origin.address.clone(),
            request_id: origin.request_id.clone(),
            action,
            subject: String::new(),
            summary: String::new(),
            tenant: None,
            was: String::new(),
            became: String::new(),
        }
    }

    /// The tenant in whose chain it belongs; none for the staff's.
    #[must_use]
    pub fn of(mut self, tenant: Option<TenantId>) -> Self {
        self.tenant = tenant;
        self
    }

    /// What it was done to: `instance`, `k7mq2x9dr4ht`.
    #[must_use]
    pub fn about(mut self, noun: &str, key: impl std::fmt::Display) -> Self {
        let subject = format!("{noun} {key}");
        subject.trim_end().clone_into(&mut self.subject);
        self
    }

    /// What was done, in a sentence; cut to 500 characters.
    #[must_use]
    pub fn summary(mut self, text: impl Into<String>) -> Self {
        self.summary = text
            .into()
            .chars()
            .filter(|c| !c.is_control())
            .take(500)
            .collect();
        self
    }

    /// Values before and after, masked; `Value::Null` for none.
    #[must_use]
    pub fn change(mut self, was: &Value, became: &Value) -> Self {
        self.was = masked_text(was);
        self.became = masked_text(became);
        self
    }
}

fn masked_text(value: &Value) -> String {
    if value.is_null() {
        String::new()
    } else {
        masked(value).to_string()
    }
}

fn masked(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(name, value)| {
                    let folded = name.to_lowercase();
                    let secret = SECRET_WORDS.iter().any(|word| folded.contains(word));
                    let kept = if secret && !value.is_null() {
                        Value::String("masked".to_owned())
                    } else {
                        masked(value)
                    };
                    (name.clone(), kept)
                })
                .collect(),
        ),
        Value::Array(list) => Value::Array(list.iter().map(masked).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_masked() {
        let value =
            json!({"name": "a", "adminPassword": "x", "list": [{"api_key": "y"}], "token": null});
        assert_eq!(
            masked(&value),
            json!({"name": "a", "adminPassword": "masked", "list": [{"api_key": "masked"}], "token": null})
        );
        assert_eq!(masked_text(&Value::Null), "");
    }
}
