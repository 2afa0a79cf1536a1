//! Clusters: the list, adding one after a check, changing, cordoning, removing.

use axum::extract::Path;
use axum::response::Response;
use model::cluster::{
    ChartSource, ClusterAccess, ClusterName, ClusterSettings, InvalidCluster, OverrideSource,
};
use model::enforcement::Latency;
use model::permission::Permission;
use model::view::{AccessOffer, CheckLine, ClusterView};
use service::Error;
use service::cluster::ChangeCluster;
use service::error::Fields;

use super::Table;
use super::cluster_gateway::gateway;
use super::desk::{Desk, id};
use super::posted::Posted;
use crate::pages::clusters;
use crate::ui::form::Form;

pub fn routes<S: Clone + Send + Sync + 'static>(table: Table<S>) -> Table<S> {
    table
        .page("/clusters", list)
        .form("/clusters", add)
        .page("/clusters/new", new)
        .form("/clusters/check", check_new)
        .page("/clusters/{name}", show)
        .form("/clusters/{name}/check", check)
        .form("/clusters/{name}/capacity", capacity)
        .form("/clusters/{name}/cordon", cordon)
        .form("/clusters/{name}/remove", remove)
}

async fn list(desk: Desk) -> Response {
    let found = async {
        let found = desk.services.cluster.list(&desk.caller.actor).await?;
        Ok((found, latencies(&desk).await?))
    };
    let found = found.await;
    desk.answer(found, |caller, (found, latencies)| {
        clusters::list(caller, &found, &latencies)
    })
}

/// How long a revocation takes, by cluster.
async fn latencies(desk: &Desk) -> Result<Vec<(ClusterName, Latency)>, Error> {
    desk.services
        .enforcement
        .latencies(&desk.caller.actor)
        .await
}

async fn offers(desk: &Desk) -> Result<Vec<AccessOffer>, Error> {
    desk.allowed(Permission::ChangeCluster)?;
    desk.services.cluster.offers(&desk.caller.actor).await
}

async fn new(desk: Desk) -> Response {
    let offers = offers(&desk).await;
    desk.answer(offers, |caller, offers| {
        clusters::new(caller, &offers, &[], &Form::default())
    })
}

/// Reads the settings from the form; everything that is wrong with them is said at once.
fn settings(posted: &Posted) -> Result<ClusterSettings, Error> {
    let mut wrong = Fields::default();
    let name = wrong.take("name", posted.get("name").trim().parse::<ClusterName>());
    let region = wrong.take("region", posted.get("region").trim().parse());
    let purpose = wrong.take("purpose", posted.get("purpose").parse());
    let zone = wrong.take("zone", posted.get("zone").trim().parse());
    let access = access(posted, &mut wrong);
    let capacity = wrong.take("capacity", number(posted.get("capacity")));
    let gateway = gateway(posted, &mut wrong);
    require(posted, &mut wrong);
    let (Some(name), Some(region), Some(purpose), Some(zone), Some(access), Some(capacity)) =
        (name, region, purpose, zone, access, capacity)
    else {
        return Err(wrong.into_error());
    };
    wrong.done()?;
    let text = |field: &str| posted.get(field).trim().to_owned();
    let overrides = posted
        .optional("overrides_repo_url")
        .map(|repo_url| OverrideSource {
            repo_url,
            revision: posted
                .optional("overrides_revision")
                .unwrap_or_else(|| "main".to_owned()),
        });
    Ok(ClusterSettings {
        name,
        region,
        purpose,
        zone,
        access,
        argocd_namespace: text("argocd_namespace"),
        application_namespace: text("application_namespace"),
        project: text("project"),
        chart: ChartSource {
            repo_url: text("chart_repo_url"),
            path: text("chart_path"),
        },
        overrides,
        gateway,
        secrets_prefix: text("secrets_prefix"),
        secrets_role: posted.optional("secrets_role"),
        capacity,
        cordoned: false,
    })
}

/// Texts that have no form of their own must at least be there.
fn require(posted: &Posted, wrong: &mut Fields) {
    for (field, what) in [
        ("chart_repo_url", "the chart's repository"),
        ("chart_path", "the chart's folder"),
        ("argocd_namespace", "Argo CD's namespace"),
        ("application_namespace", "the namespace of the Applications"),
        ("project", "the AppProject"),
        ("secrets_prefix", "the prefix"),
    ] {
        if posted.get(field).trim().is_empty() {
            wrong.add(field, format!("Enter {what}."));
        }
    }
}

fn number(text: &str) -> Result<u32, &'static str> {
    let number = text
        .trim()
        .parse()
        .map_err(|_| "Use a whole number from 0 to 100000.")?;
    if number > 100_000 {
        Err("Use a whole number from 0 to 100000.")
    } else {
        Ok(number)
    }
}

/// The way to the API among those that the server offers; the services check the offer itself.
fn access(posted: &Posted, wrong: &mut Fields) -> Option<ClusterAccess> {
    let chosen = posted.get("access");
    match chosen.split_once(':').map_or((chosen, ""), |pair| pair) {
        ("in_cluster", "") => Some(ClusterAccess::InCluster),
        ("sandbox", name) if !name.is_empty() => Some(ClusterAccess::Sandbox {
            name: name.to_owned(),
        }),
        ("kubeconfig", context) if !context.is_empty() => Some(ClusterAccess::Kubeconfig {
            context: context.to_owned(),
        }),
        ("eks", "") => {
            let name = posted.optional("eks_name");
            let region = posted.optional("eks_region");
            if name.is_none() {
                wrong.add("eks_name", "Enter the name of the EKS cluster.");
            }
            if region.is_none() {
                wrong.add("eks_region", InvalidCluster::Region);
            }
            Some(ClusterAccess::Eks {
                name: name?,
                region: region?,
                role_arn: posted.optional("eks_role_arn"),
            })
        }
        _ => {
            wrong.add("access", "Choose one of the ways that this server offers.");
            None
        }
    }
}

async fn again(desk: &Desk, error: Error, checks: &[CheckLine], posted: Posted) -> Response {
    match (offers(desk).await, Desk::refused(error, posted.into_form())) {
        (Ok(offers), Ok(form)) => desk.show(|caller| clusters::new(caller, &offers, checks, &form)),
        (Err(error), _) | (_, Err(error)) => desk.failed(&error),
    }
}

async fn add(desk: Desk, posted: Posted) -> Response {
    let caller = &desk.caller;
    let made = match settings(&posted) {
        Ok(settings) => {
            desk.services
                .cluster
                .add(&caller.actor, settings, &caller.origin)
                .await
        }
        Err(error) => desk.allowed(Permission::ChangeCluster).and(Err(error)),
    };
    match made {
        Ok(one) => {
            let name = one.settings.name;
            desk.done(
                format!("Cluster {name} added."),
                &format!("/clusters/{name}"),
            )
        }
        Err(error) => again(&desk, error, &[], posted).await,
    }
}

async fn check_new(desk: Desk, posted: Posted) -> Response {
    let found = match settings(&posted) {
        Ok(settings) => {
            desk.services
                .cluster
                .check(&desk.caller.actor, settings)
                .await
        }
        Err(error) => desk.allowed(Permission::ChangeCluster).and(Err(error)),
    };
    match found {
        Ok(checks) => match offers(&desk).await {
            Ok(offers) => {
                let form = posted.into_form();
                desk.show(|caller| clusters::new(caller, &offers, &checks, &form))
            }
            Err(error) => desk.failed(&error),
        },
        Err(error) => again(&desk, error, &[], posted).await,
    }
}

/// A cluster and how long a revocation takes on each.
async fn load(
    desk: &Desk,
    text: &str,
) -> Result<(ClusterView, Vec<(ClusterName, Latency)>), Error> {
    let one = desk
        .services
        .cluster
        .get(&desk.caller.actor, &id(text, "cluster")?)
        .await?;
    Ok((one, latencies(desk).await?))
}

async fn show(desk: Desk, Path(text): Path<String>) -> Response {
    let found = load(&desk, &text).await;
    desk.answer(found, |caller, (one, latencies)| {
        clusters::show(caller, &one, &latencies, &[], &Form::default())
    })
}

async fn check(desk: Desk, Path(text): Path<String>) -> Response {
    let found = match load(&desk, &text).await {
        Ok((one, latencies)) => {
            let checks = desk
                .services
                .cluster
                .check(&desk.caller.actor, one.settings.clone())
                .await;
            checks.map(|checks| (one, latencies, checks))
        }
        Err(error) => Err(error),
    };
    desk.answer(found, |caller, (one, latencies, checks)| {
        clusters::show(caller, &one, &latencies, &checks, &Form::default())
    })
}

pub async fn change(desk: &Desk, text: &str, change: ChangeCluster) -> Result<ClusterView, Error> {
    let caller = &desk.caller;
    desk.services
        .cluster
        .change(&caller.actor, &id(text, "cluster")?, change, &caller.origin)
        .await
}

async fn capacity(desk: Desk, Path(text): Path<String>, posted: Posted) -> Response {
    let done = match number(posted.get("capacity")) {
        Ok(capacity) => {
            change(
                &desk,
                &text,
                ChangeCluster {
                    capacity: Some(capacity),
                    ..Default::default()
                },
            )
            .await
        }
        Err(message) => Err(Error::invalid("capacity", message)),
    };
    match done {
        Ok(one) => desk.done(
            format!("It may hold {} now.", one.settings.capacity),
            &format!("/clusters/{text}"),
        ),
        Err(error) => refused(&desk, &text, error, posted).await,
    }
}

pub async fn refused(desk: &Desk, text: &str, error: Error, posted: Posted) -> Response {
    match (
        load(desk, text).await,
        Desk::refused(error, posted.into_form()),
    ) {
        (Ok((one, latencies)), Ok(form)) => {
            desk.show(|caller| clusters::show(caller, &one, &latencies, &[], &form))
        }
        (Err(error), _) | (_, Err(error)) => desk.failed(&error),
    }
}

async fn cordon(desk: Desk, Path(text): Path<String>, posted: Posted) -> Response {
    let cordoned = posted.get("cordoned") == "true";
    let done = change(
        &desk,
        &text,
        ChangeCluster {
            cordoned: Some(cordoned),
            ..Default::default()
        },
    )
    .await;
    let said = if cordoned {
        "It takes no new instances now."
    } else {
        "It takes new instances again."
    };
    desk.outcome(done, |_| said.to_owned(), &format!("/clusters/{text}"))
}

async fn remove(desk: Desk, Path(text): Path<String>, posted: Posted) -> Response {
    let caller = &desk.caller;
    let done = match id::<ClusterName>(&text, "cluster") {
        Ok(name) if posted.get("confirm").trim() == name.as_str() => {
            desk.services
                .cluster
                .remove(&caller.actor, &name, &caller.origin)
                .await
        }
        Ok(_) => Err(Error::invalid(
            "confirm",
            "Type the cluster's name exactly as it stands in the title.",
        )),
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => desk.done(format!("Cluster {text} removed."), "/clusters"),
        Err(error) => refused(&desk, &text, error, posted).await,
    }
}
