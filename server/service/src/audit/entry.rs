//! What is to be recorded. Texts are bounded and single-line, and values before and after a change
//! are masked by the name of their field, so that no caller has to remember to.

use std::fmt;

use model::{ActorRef, OperationId, TenantId};
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

/// Most characters of a summary and of a reason.
const LONGEST: usize = 500;

/// Why something was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It began or changed that operation.
    Operation(OperationId),
    /// That consent allowed it.
    Consent(String),
    /// Somebody said so.
    Reason(String),
}

impl Why {
    /// What somebody gave as the reason.
    pub fn reason(text: impl fmt::Display) -> Self {
        Self::Reason(text.to_string())
    }

    /// The consent of that id.
    pub fn consent(id: impl fmt::Display) -> Self {
        Self::Consent(id.to_string())
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operation(id) => write!(f, "operation {id}"),
            Self::Consent(id) => write!(f, "consent {id}"),
            Self::Reason(text) => write!(f, "reason {text}"),
        }
    }
}

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
    pub(super) why: String,
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
            why: String::new(),
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
    pub fn about(mut self, noun: &str, key: impl fmt::Display) -> Self {
        let subject = format!("{noun} {key}");
        subject.trim_end().clone_into(&mut self.subject);
        self
    }

    /// What was done, in a sentence; cut to 500 characters.
    #[must_use]
    pub fn summary(mut self, text: impl Into<String>) -> Self {
        self.summary = bounded(&text.into());
        self
    }

    /// Why it was done; a reason is cut to 500 characters, and one without words is none.
    #[must_use]
    pub fn why(mut self, why: &Why) -> Self {
        self.why = match why {
            Why::Reason(text) if text.trim().is_empty() => String::new(),
            why => bounded(&why.to_string()),
        };
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

fn bounded(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(LONGEST)
        .collect()
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
    fn reasons_are_one_bounded_line_and_empty_ones_none() {
        let entry = |why: &Why| {
            let actor = model::Actor::System.reference();
            Entry::new(&actor, &Origin::local(), "a.b").why(why).why
        };
        assert_eq!(entry(&Why::reason("a\nb")), "reason ab");
        assert_eq!(entry(&Why::reason(" \n")), "");
        assert_eq!(entry(&Why::reason("x".repeat(900))).len(), LONGEST);
        assert_eq!(entry(&Why::consent("c1")), "consent c1");
    }

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
