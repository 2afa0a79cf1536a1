//! Which rule answers a request: host, then priority, then the longest path.

use super::rule::Rule;
use super::state::Routes;
use std::sync::Arc;

/// The rule for a request, if any.
pub fn find(routes: &Routes, host: &str, method: &str, path: &str) -> Option<Arc<Rule>> {
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) {
            name
        } else {
            host
        }
    });
    routes
        .of_host(&name.to_lowercase())
        .filter(|rule| rule.methods.is_empty() || rule.methods.iter().any(|one| one == method))
        .filter_map(|rule| Some((rule, length(rule, path)?)))
        .max_by_key(|(rule, length)| (rule.priority, *length))
        .map(|(rule, _)| rule.clone())
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
    use super::super::rule::RuleId;
    use super::*;

    #[test]
    fn the_longest_path_of_a_host_answers() {
        let mut routes = Routes::default();
        let rules = [
            ("agent", &["/cloud-agent/*"][..], &[][..]),
            ("docs", &["/cloud-agent/docs/*", "/"], &[]),
            ("read", &["/cloud-agent/x/*"], &["GET"]),
        ];
        for (serial, (name, paths, methods)) in (1..).zip(rules) {
            let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
            let rule = Rule {
                service: name.into(),
                hosts: vec!["a.b".into()],
                paths: texts(paths),
                methods: texts(methods),
                ..Rule::default()
            };
            routes.take(serial, &RuleId::new("n", "r", name), Some(&Arc::new(rule)));
        }
        let name =
            |host, method, path| find(&routes, host, method, path).map(|rule| rule.service.clone());
        let answers = |host, method, path, wished: &str| {
            assert_eq!(name(host, method, path).as_deref(), Some(wished));
        };
        answers("A.b:8443", "GET", "/cloud-agent/dids", "agent");
        answers("a.b", "GET", "/cloud-agent/docs/", "docs");
        answers("a.b", "GET", "/", "docs");
        answers("a.b", "POST", "/cloud-agent/x/1", "agent");
        assert_eq!(name("a.b", "GET", "/other"), None);
        assert_eq!(name("b.b", "GET", "/"), None);
    }
}
