//! Which lists are more than a value: the merge types of server-side apply.
//!
//! Read from the custom resource definitions and from Kubernetes' own types. A list that is not
//! named here is atomic: it has one owner and is replaced as a whole, which is what custom resources
//! declare by saying nothing.

use crate::resource::Kind;

/// How a list is merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    Atomic,
    /// Items are told apart by these keys.
    Map(&'static [&'static str]),
    /// Items are told apart by their value.
    Set,
}

const NAME: List = List::Map(&["name"]);

/// The merge type of the list at a path such as `spec.template.spec.containers`; the items of a list
/// add nothing to a path.
pub fn list(kind: Kind, path: &str) -> List {
    match path {
        "metadata.finalizers" | "spec.finalizers" => return List::Set,
        "metadata.ownerReferences" => return List::Map(&["uid"]),
        "status.conditions" if !matches!(kind, Kind::Application) => return List::Map(&["type"]),
        "spec.http" | "spec.stream" if kind == Kind::Route => return NAME,
        "spec.ports" if kind == Kind::Service => return List::Map(&["port", "protocol"]),
        "imagePullSecrets" | "secrets" if kind == Kind::ServiceAccount => return NAME,
        _ => {}
    }
    let pods = match kind {
        Kind::Pod => path.strip_prefix("spec."),
        Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet => {
            path.strip_prefix("spec.template.spec.")
        }
        _ => None,
    };
    pods.map_or(List::Atomic, pod_list)
}

fn pod_list(path: &str) -> List {
    let (parent, last) = path.rsplit_once('.').unwrap_or(("", path));
    let in_container = matches!(parent, "containers" | "initContainers");
    match last {
        "containers" | "initContainers" | "volumes" | "imagePullSecrets" if parent.is_empty() => {
            NAME
        }
        "env" if in_container => NAME,
        "ports" if in_container => List::Map(&["containerPort", "protocol"]),
        "volumeMounts" if in_container => List::Map(&["mountPath"]),
        _ => List::Atomic,
    }
}
