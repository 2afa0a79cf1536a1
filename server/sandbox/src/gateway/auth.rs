//! Who may pass: `key-auth`, then `consumer-restriction`.
//!
//! The first knows every tenant's keys and asks only whether somebody has this one; it is the second
//! alone that keeps a tenant's key out of another's instance.

use super::plugins::Plugins;
use super::state::Consumers;
use http::HeaderMap;
use std::sync::Arc;

/// What the plugins decided, and whose key it was.
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The consumer, as soon as the key was known: a refusal by name counts as one of its requests.
    pub consumer: Option<Arc<str>>,
    /// Code and text of the refusal; none lets pass.
    pub refused: Option<(u16, &'static str)>,
}

impl Verdict {
    fn of(consumer: Option<&Arc<str>>, refused: Option<(u16, &'static str)>) -> Self {
        Self {
            consumer: consumer.cloned(),
            refused,
        }
    }
}

/// The key of a request: in the header, else in the query.
pub fn key<'a>(headers: &'a HeaderMap, query: &'a str) -> Option<&'a str> {
    let header = headers.get("apikey").and_then(|value| value.to_str().ok());
    let in_query = || {
        query
            .split('&')
            .find_map(|pair| pair.strip_prefix("apikey="))
    };
    header.or_else(in_query)
}

/// Judges a request by the plugins of its rule and the key that it carries.
pub fn judge(consumers: &Consumers, plugins: &Plugins, key: Option<&str>) -> Verdict {
    let mut consumer = None;
    if plugins.key_auth.is_some() {
        let Some(key) = key else {
            return Verdict::of(None, Some((401, "Missing API key in request")));
        };
        consumer = consumers.of_key(key);
        if consumer.is_none() {
            return Verdict::of(None, Some((401, "Invalid API key in request")));
        }
    }
    let Some(rule) = &plugins.restriction else {
        return Verdict::of(consumer, None);
    };
    let Some(name) = consumer else {
        let text = "Missing authentication or identity verification.";
        return Verdict::of(None, Some((401, text)));
    };
    let among = |list: &[String]| list.iter().any(|one| **one == **name);
    let shut = among(&rule.blacklist) || (!rule.whitelist.is_empty() && !among(&rule.whitelist));
    let refused = shut.then_some((rule.code, "The consumer_name is forbidden."));
    Verdict::of(consumer, refused)
}

#[cfg(test)]
mod tests {
    use super::super::plugins::Restriction;
    use super::*;

    #[test]
    fn the_key_space_is_global_and_only_the_whitelist_isolates() {
        let mut consumers = Consumers::default();
        consumers.take(1, &"b_token".into(), Some(&"other-tenants-key".into()));
        let code = |plugins: &Plugins, key: Option<&str>| {
            judge(&consumers, plugins, key)
                .refused
                .map(|(code, _)| code)
        };
        let keyed = Plugins {
            key_auth: Some(true),
            ..Plugins::default()
        };
        assert_eq!(code(&Plugins::default(), None), None);
        assert_eq!(code(&keyed, None), Some(401));
        assert_eq!(code(&keyed, Some("nobody's")), Some(401));
        assert_eq!(code(&keyed, Some("other-tenants-key")), None);
        let fenced = Plugins {
            restriction: Some(Restriction {
                whitelist: vec!["a_sentinel".into()],
                blacklist: vec![],
                code: 403,
            }),
            ..keyed
        };
        let refused = judge(&consumers, &fenced, Some("other-tenants-key"));
        assert_eq!(refused.refused.unwrap().0, 403);
        assert_eq!(refused.consumer, Some("b_token".into()));
        let unkeyed = Plugins {
            key_auth: None,
            ..fenced
        };
        assert_eq!(code(&unkeyed, Some("other-tenants-key")), Some(401));
    }

    #[test]
    fn the_header_goes_before_the_query() {
        let mut headers = HeaderMap::new();
        assert_eq!(key(&headers, "a=1&apikey=q"), Some("q"));
        headers.insert("apikey", "h".parse().unwrap());
        assert_eq!(key(&headers, "apikey=q"), Some("h"));
        assert_eq!(key(&HeaderMap::new(), "a=1"), None);
    }
}
