//! Who may pass: `key-auth`, then `consumer-restriction`.

use super::config::{Config, Plugins};
use http::HeaderMap;

/// What the plugins decided.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    Refused(u16, &'static str),
}

/// Judges a request by the plugins of its rule. The key may stand in the header or in the query.
pub fn judge(config: &Config, plugins: &Plugins, headers: &HeaderMap, query: &str) -> Verdict {
    if plugins.key_auth.is_none() {
        return Verdict::Pass;
    }
    let header = headers.get("apikey").and_then(|value| value.to_str().ok());
    let in_query = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("apikey="));
    let Some(key) = header.or(in_query) else {
        return Verdict::Refused(401, "Missing API key in request");
    };
    let Some(consumer) = config.keys.get(key) else {
        return Verdict::Refused(401, "Invalid API key in request");
    };
    match &plugins.restriction {
        Some(rule)
            if rule.blacklist.iter().any(|name| **name == **consumer)
                || (!rule.whitelist.is_empty()
                    && !rule.whitelist.iter().any(|name| **name == **consumer)) =>
        {
            Verdict::Refused(rule.code, "The consumer_name is forbidden.")
        }
        _ => Verdict::Pass,
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::Restriction;
    use super::*;

    #[test]
    fn the_key_space_is_global_and_only_the_whitelist_isolates() {
        let mut config = Config::default();
        config
            .keys
            .insert("other-tenants-key".into(), "b_token".into());
        let mut headers = HeaderMap::new();
        let keyed = Plugins {
            key_auth: Some(true),
            ..Plugins::default()
        };
        let judge = |plugins: &Plugins, headers: &HeaderMap| judge(&config, plugins, headers, "");
        assert_eq!(judge(&Plugins::default(), &headers), Verdict::Pass);
        assert!(matches!(judge(&keyed, &headers), Verdict::Refused(401, _)));
        headers.insert("apikey", "other-tenants-key".parse().unwrap());
        assert_eq!(judge(&keyed, &headers), Verdict::Pass);
        let fenced = Plugins {
            restriction: Some(Restriction {
                whitelist: vec!["a_sentinel".into()],
                blacklist: vec![],
                code: 403,
            }),
            ..keyed
        };
        assert!(matches!(judge(&fenced, &headers), Verdict::Refused(403, _)));
    }
}
