//! The project's fence: which Applications may deploy what where.

use crate::cluster::ARGO;
use crate::object;
use crate::resource::Kind;
use crate::store::Store;
use serde_json::Value;

/// Whether the Application's project allows it; the refusal in Argo CD's words.
pub fn permits(store: &Store, application: &Value) -> Result<(), String> {
    let name = object::text_or_empty(application, "/spec/project");
    let (space, own) = (object::namespace(application), object::name(application));
    let Some(project) = store.object(Kind::AppProject, ARGO, name) else {
        return Err(format!(
            "Application referencing project {name} which does not exist"
        ));
    };
    if space != ARGO && !any(&project["spec"]["sourceNamespaces"], space) {
        return Err(format!(
            "application '{own}' in namespace '{space}' is not permitted to use project '{name}'"
        ));
    }
    let spec = &application["spec"];
    let sources = spec["sources"].as_array();
    let single = spec.get("source");
    let all: Vec<&Value> = sources.map_or_else(
        || single.into_iter().collect(),
        |list| list.iter().collect(),
    );
    if all.is_empty() {
        return Err(
            "spec.source.repoURL and either spec.source.path, spec.source.chart, or \
                    spec.source.ref are required"
                .to_owned(),
        );
    }
    for source in all {
        let url = object::text_or_empty(source, "/repoURL");
        if url.is_empty() || !any(&project["spec"]["sourceRepos"], url) {
            return Err(format!(
                "application repo {url} is not permitted in project '{name}'"
            ));
        }
    }
    destination(&project, spec).map_err(|place| match place {
        Place::Unknown(server) => format!("cluster \"{server}\" not found"),
        Place::Refused(server, target) => format!(
            "application destination server '{server}' and namespace '{target}' do not match any of \
             the allowed destinations in project '{name}'"
        ),
    })
}

/// A destination that does not do.
enum Place {
    Unknown(String),
    Refused(String, String),
}

fn destination(project: &Value, spec: &Value) -> Result<(), Place> {
    let server = object::text_or_empty(spec, "/destination/server");
    let target = object::text_or_empty(spec, "/destination/namespace");
    let known = server == "https://kubernetes.default.svc"
        || object::text(spec, "/destination/name") == Some("in-cluster");
    if !known {
        return Err(Place::Unknown(server.to_owned()));
    }
    let fits = project["spec"]["destinations"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|place| {
            glob(object::text(place, "/namespace").unwrap_or("*"), target)
                && glob(
                    object::text(place, "/server").unwrap_or("*"),
                    "https://kubernetes.default.svc",
                )
        });
    if fits {
        return Ok(());
    }
    Err(Place::Refused(server.to_owned(), target.to_owned()))
}

fn any(list: &Value, text: &str) -> bool {
    let patterns = list.as_array().into_iter().flatten();
    patterns
        .filter_map(Value::as_str)
        .any(|pattern| glob(pattern, text))
}

/// Shell patterns with `*` and `?`.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut here) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while here < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, here));
                at += 1;
            }
            Some(letter) if *letter == '?' || *letter == text[here] => {
                at += 1;
                here += 1;
            }
            _ => match star {
                Some((place, from)) => {
                    at = place + 1;
                    here = from + 1;
                    star = Some((place, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fence_the_system_namespaces() {
        assert!(glob("prism*", "prismk7mq2x9dr4ht"));
        assert!(!glob("prism*", "argocd"));
        assert!(!glob("prism*", "kube-system"));
        assert!(glob("*", ""));
        assert!(glob("a?c*e", "abcdde"));
        assert!(!glob("a?c", "ac"));
    }
}
