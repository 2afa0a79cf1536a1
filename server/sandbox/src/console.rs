//! The fault page: which clusters and instances suffer from what, and the way to change it.
//!
//! Plain pages and forms that post below the path of the page itself, so that it works nested anywhere
//! and without scripts.

mod page;

use crate::cluster::{APPLICATIONS, Cluster};
use crate::fault::{ANNOTATION, ClusterFault, Fault};
use crate::object;
use crate::resource::Kind;
use crate::store::write::{Part, Write};
use axum::Form;
use axum::Router;
use axum::extract::{OriginalUri, Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

type Clusters = Arc<Vec<Arc<Cluster>>>;

/// The pages, to be nested under a path.
pub fn router(clusters: Vec<Arc<Cluster>>) -> Router {
    Router::new()
        .route("/", get(show))
        .route("/break", post(begin))
        .route("/heal", post(heal))
        .with_state(Arc::new(clusters))
}

/// What the page shows.
#[derive(Debug, Default, Deserialize)]
struct Shown {
    #[serde(default)]
    cluster: String,
    #[serde(default)]
    instance: String,
}

/// One fault of one instance, or of the cluster when the instance is empty.
#[derive(Debug, Deserialize)]
struct Change {
    cluster: String,
    #[serde(default)]
    instance: String,
    fault: String,
}

async fn show(
    State(clusters): State<Clusters>,
    OriginalUri(uri): OriginalUri,
    Query(shown): Query<Shown>,
) -> Html<String> {
    Html(page::render(
        &clusters,
        base(&uri),
        &shown.cluster,
        &shown.instance,
    ))
}

/// The path under which the page is nested, without a slash at its end.
fn base(uri: &Uri) -> &str {
    let path = uri.path();
    let path = path
        .strip_suffix("/break")
        .or(path.strip_suffix("/heal"))
        .unwrap_or(path);
    path.trim_end_matches('/')
}

async fn begin(
    State(clusters): State<Clusters>,
    OriginalUri(uri): OriginalUri,
    Form(change): Form<Change>,
) -> Response {
    carry_out(&clusters, base(&uri), &change, true)
}

async fn heal(
    State(clusters): State<Clusters>,
    OriginalUri(uri): OriginalUri,
    Form(change): Form<Change>,
) -> Response {
    carry_out(&clusters, base(&uri), &change, false)
}

fn carry_out(clusters: &Clusters, base: &str, change: &Change, on: bool) -> Response {
    match apply(clusters, change, on) {
        Ok(()) if base.is_empty() => Redirect::to("/").into_response(),
        Ok(()) => Redirect::to(base).into_response(),
        Err(why) => {
            let page = Html(page::refusal(base, &why));
            (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
        }
    }
}

fn apply(clusters: &Clusters, change: &Change, on: bool) -> Result<(), String> {
    let cluster = clusters
        .iter()
        .find(|cluster| cluster.seed.name == change.cluster)
        .ok_or_else(|| format!("There is no sandbox cluster \"{}\".", change.cluster))?;
    if change.instance.trim().is_empty() {
        let fault = ClusterFault::parse(&change.fault)
            .ok_or_else(|| format!("There is no cluster fault \"{}\".", change.fault))?;
        return cluster
            .faults
            .set_cluster(fault, on)
            .map_err(|error| format!("The fault could not be written: {error}."));
    }
    let fault = Fault::parse(&change.fault)
        .ok_or_else(|| format!("There is no instance fault \"{}\".", change.fault))?;
    annotate(cluster, &namespace_of(change.instance.trim()), fault, on)
}

/// People type the id; the namespace has a prefix.
fn namespace_of(instance: &str) -> String {
    if instance.starts_with("prism") {
        instance.to_owned()
    } else {
        format!("prism{instance}")
    }
}

/// Writes the annotation where `kubectl annotate` would: on the Application, or on the Namespace.
fn annotate(cluster: &Cluster, name: &str, fault: Fault, on: bool) -> Result<(), String> {
    let places = [(Kind::Application, APPLICATIONS), (Kind::Namespace, "")];
    let present: Vec<_> = places
        .iter()
        .filter(|(kind, space)| cluster.store.get(*kind, space, name).is_some())
        .collect();
    if present.is_empty() {
        return Err(format!(
            "The cluster {} has no instance {name}.",
            cluster.seed.name
        ));
    }
    // Healing clears both places; breaking writes the first that is there.
    let write = Write {
        part: Part::Whole,
        ..Write::by("sandbox-console")
    };
    for (kind, space) in present.iter().take(if on { 1 } else { 2 }) {
        while let Some(old) = cluster.store.get(*kind, space, name) {
            let mut object = old.value();
            let there = object::annotation(&object, ANNOTATION)
                .unwrap_or("")
                .to_owned();
            let mut names: Vec<&str> = there
                .split(',')
                .map(str::trim)
                .filter(|one| !one.is_empty() && *one != fault.name())
                .collect();
            if on {
                names.push(fault.name());
            }
            if names.is_empty() {
                object::remove(&mut object, &["metadata", "annotations", ANNOTATION]);
            } else {
                object::set(
                    &mut object,
                    &["metadata", "annotations", ANNOTATION],
                    json!(names.join(",")),
                );
            }
            match cluster.store.replace(&old, object, &write) {
                Ok(_) => break,
                Err(failure) if failure.reason == "Conflict" => {}
                Err(failure) => return Err(failure.message),
            }
        }
    }
    Ok(())
}
