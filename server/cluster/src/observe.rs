//! One look at one instance, everything at the same time and nothing outside its namespace. What a
//! cluster does not know (a kind that is not installed) is simply not there; anything else that fails
//! makes the whole look fail, since half a look would be taken for a finding.

use std::fmt::Debug;

use futures::FutureExt as _;
use futures::future::{BoxFuture, try_join_all};
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{Event, Namespace, PersistentVolumeClaim, Pod};
use kube::api::{Api, ListParams};
use kube::{Client, ResourceExt as _};
use model::Clock;
use model::observation::Observation;
use service::ports::{ClusterError, Target};

use crate::client::find;
use crate::failure::Failure;
use crate::reduce::{Fact, Facts, Reduce, Sort, assemble};
use crate::resource::{
    ApisixPluginConfig, Application, Certificate, ExternalSecret, Kind, Namespaced, Postgresql,
};
use crate::wish::GATE;

/// Objects of a kind in one namespace are few; a page holds them all.
const PAGE: u32 = 500;

type Found = Vec<(Sort, String, Option<Fact>)>;

/// Looks at an instance now.
pub async fn observe(
    client: &Client,
    target: &Target,
    clock: &dyn Clock,
) -> Result<Observation, ClusterError> {
    let name = target.instance.namespace();
    let applications: Api<Application> =
        Api::namespaced(client.clone(), &target.cluster.application_namespace);
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let gates: Api<ApisixPluginConfig> = Api::namespaced(client.clone(), &name);
    let about = ListParams::default()
        .fields(&format!(
            "involvedObject.kind=Application,involvedObject.name={name}"
        ))
        .limit(PAGE);
    let news: Api<Event> = Api::namespaced(client.clone(), &target.cluster.application_namespace);
    let looks: [BoxFuture<'_, Result<Found, Failure>>; 12] = [
        one(&namespaces, &name).boxed(),
        one(&applications, &name).boxed(),
        one(&gates, GATE).boxed(),
        all::<Deployment>(client, &name).boxed(),
        all::<StatefulSet>(client, &name).boxed(),
        all::<Pod>(client, &name).boxed(),
        all::<PersistentVolumeClaim>(client, &name).boxed(),
        all::<ExternalSecret>(client, &name).boxed(),
        all::<Certificate>(client, &name).boxed(),
        all::<Postgresql>(client, &name).boxed(),
        all::<Event>(client, &name).boxed(),
        list(&news, &about).boxed(),
    ];
    let looks = try_join_all(looks).await;
    let looks = looks.map_err(|failure| failure.while_doing("looking at the instance"))?;
    let mut facts = Facts::default();
    for (sort, name, fact) in looks.into_iter().flatten() {
        facts.put(sort, &name, fact);
    }
    Ok(assemble(&facts, target, clock.now()))
}

async fn one<K: Reduce + Debug>(api: &Api<K>, name: &str) -> Result<Found, Failure> {
    let found = find(|| api.get(name)).await?;
    Ok(found.into_iter().map(reduced).collect())
}

async fn all<K: Reduce + Namespaced>(client: &Client, namespace: &str) -> Result<Found, Failure> {
    let api: Api<K> = Api::namespaced(client.clone(), namespace);
    list(&api, &ListParams::default().limit(PAGE)).await
}

async fn list<K: Reduce>(api: &Api<K>, params: &ListParams) -> Result<Found, Failure> {
    let found = find(|| api.list(params)).await?;
    Ok(found
        .into_iter()
        .flat_map(|list| list.items)
        .map(reduced)
        .collect())
}

fn reduced<K: Reduce + Kind>(object: K) -> (Sort, String, Option<Fact>) {
    (K::SORT, object.name_any(), object.reduce())
}
