//! Which rule answers a request: host, then priority, then the longest path.

use super::config::{Config, Rule};

/// The rule for a request, if any.
pub fn find<'a>(config: &'a Config, host: &str, method: &str, path: &str) -> Option<&'a Rule> {
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) {
            name
        } else {
            host
        }
    });
    let rules = config.hosts.get(&name.to_lowercase())?;
    rules
        .values()
        .flat_map(|rules| rules.iter())
        .filter(|rule| rule.methods.is_empty() || rule.methods.iter().any(|one| one == method))
        .filter_map(|rule| Some((rule, length(rule, path)?)))
        .max_by_key(|(rule, length)| (rule.priority, *length))
        .map(|(rule, _)| rule)
}

/// How much of a path a rule names; an exact path counts more than a prefix of the same length.
fn length(rule: &Rule, path: &str) -> Option<usize> {
    rule.paths
        .iter()
        .filter_map(|wished| match wished.strip_suffix('*') {
            Some(prefix) => path.starts_with(prefix).then_some(prefix.len() * 2),
            None => (path == wished).then_some(wished.len() * 2 + 1),
        })
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::sync::Arc;

    #[test]
    fn the_longest_path_of_a_host_answers() {
        let rule = |name: &str, paths: &[&str], methods: &[&str]| Rule {
            service: name.into(),
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
            methods: methods.iter().map(|method| (*method).to_owned()).collect(),
            ..Rule::default()
        };
        let rules = vec![
            rule("agent", &["/cloud-agent/*"], &[]),
            rule("docs", &["/cloud-agent/docs/*", "/"], &[]),
            rule("read", &["/cloud-agent/x/*"], &["GET"]),
        ];
        let mut config = Config::default();
        config.hosts.insert(
            "a.b".into(),
            BTreeMap::from([("n".into(), Arc::new(rules))]),
        );
        let name = |host, method, path| {
            find(&config, host, method, path).map(|rule| rule.service.as_str())
        };
        assert_eq!(name("A.b:8443", "GET", "/cloud-agent/dids"), Some("agent"));
        assert_eq!(name("a.b", "GET", "/cloud-agent/docs/"), Some("docs"));
        assert_eq!(name("a.b", "GET", "/"), Some("docs"));
        assert_eq!(name("a.b", "POST", "/cloud-agent/x/1"), Some("agent"));
        assert_eq!(name("a.b", "GET", "/other"), None);
        assert_eq!(name("b.b", "GET", "/"), None);
    }
}
