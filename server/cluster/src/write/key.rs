//! Keys of tokens and of the watchman, written and taken away. The consumer always goes first: without
//! its Secret the ingress controller cannot translate it and would leave the old key at the gateway.
//! No Secret is ever read, not even in the answer to a write or a deletion.

use std::collections::BTreeSet;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use http::HeaderValue;
use http::header::ACCEPT;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DeleteParams, ListParams, Patch, Request};
use kube::{Client, Resource as _, ResourceExt};
use model::secret_text::PlainToken;
use serde::de::IgnoredAny;
use service::ports::{ClusterError, KeyWish, Target};

use super::{apply, forced, inside, remove};
use crate::client::{call, find};
use crate::failure::Failure;
use crate::resource::{ApisixConsumer, ExternalSecret, StoreRef};
use crate::wish::{self, INSTANCE_SECRETS, is_key};

/// How many objects are deleted at the same time.
const AT_ONCE: usize = 8;
/// Answers about a Secret hold its metadata at most.
const METADATA: HeaderValue = HeaderValue::from_static(
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json;q=0.1",
);

/// Writes what fetches a key, and its consumer.
pub async fn write(client: &Client, target: &Target, key: &KeyWish) -> Result<(), ClusterError> {
    let doing = "writing the key";
    let fetching = inside::<ExternalSecret>(client, target);
    let store = store(&fetching).await.map_err(|f| f.while_doing(doing))?;
    apply(&fetching, &wish::external_secret(target, key, store))
        .await
        .map_err(|f| f.while_doing(doing))?;
    let consumers = inside::<ApisixConsumer>(client, target);
    apply(&consumers, &wish::consumer(target, &key.consumer))
        .await
        .map_err(|f| f.while_doing("writing the consumer"))
}

/// The store that the instance's own secrets are fetched from; none while the chart has rendered none.
async fn store(api: &Api<ExternalSecret>) -> Result<Option<StoreRef>, Failure> {
    let params = ListParams::default().fields(&format!("metadata.name={INSTANCE_SECRETS}"));
    let found = find(|| api.list(&params)).await?;
    let own = found.into_iter().flat_map(|list| list.items).next();
    Ok(own.and_then(|own| own.spec.secret_store_ref))
}

/// Takes a key away.
pub async fn take_away(client: &Client, target: &Target, name: &str) -> Result<(), ClusterError> {
    one(client, target, name)
        .await
        .map_err(|f| f.while_doing("removing the key"))
}

async fn one(client: &Client, target: &Target, name: &str) -> Result<(), Failure> {
    let how = DeleteParams::default();
    remove(&inside::<ApisixConsumer>(client, target), name, &how).await?;
    remove(&inside::<ExternalSecret>(client, target), name, &how).await?;
    forget(client, target, name).await
}

/// Writes the watchman's key and consumer, or takes both away.
pub async fn watchman(
    client: &Client,
    target: &Target,
    name: &str,
    key: Option<&PlainToken>,
) -> Result<(), ClusterError> {
    let Some(key) = key else {
        let consumers = inside::<ApisixConsumer>(client, target);
        let doing = "removing the watchman";
        remove(&consumers, name, &DeleteParams::default())
            .await
            .map_err(|f| f.while_doing(doing))?;
        return forget(client, target, name)
            .await
            .map_err(|f| f.while_doing(doing));
    };
    let secrets = inside::<Secret>(client, target);
    let secret = Patch::Apply(wish::watchman_secret(target, name, key));
    let params = forced();
    // Only metadata comes back: the client would log the body of an answer that it cannot read.
    call(|| secrets.patch_metadata(name, &params, &secret))
        .await
        .map_err(|f| f.while_doing("writing the watchman's key"))?;
    let consumers = inside::<ApisixConsumer>(client, target);
    apply(&consumers, &wish::consumer(target, name))
        .await
        .map_err(|f| f.while_doing("writing the watchman"))
}

/// Takes away every consumer of the namespace, then what fetches keys, then every Secret that one of
/// them names.
pub async fn take_all(client: &Client, target: &Target) -> Result<(), ClusterError> {
    all(client, target)
        .await
        .map_err(|f| f.while_doing("removing the keys"))
}

async fn all(client: &Client, target: &Target) -> Result<(), Failure> {
    let consumers = inside::<ApisixConsumer>(client, target);
    let fetching = inside::<ExternalSecret>(client, target);
    let there = listed(&consumers).await?;
    let keys: Vec<String> = listed(&fetching)
        .await?
        .iter()
        .filter(|object| is_key(&object.metadata))
        .map(ResourceExt::name_any)
        .collect();
    let mut secrets: BTreeSet<String> = there.iter().filter_map(secret_of).collect();
    // A first attempt may have got as far as the consumers.
    secrets.extend(keys.iter().cloned());
    let how = &DeleteParams::default();
    many(there.iter().map(ResourceExt::name_any), |name| {
        let consumers = &consumers;
        async move { remove(consumers, &name, how).await }
    })
    .await?;
    many(keys, |name| {
        let fetching = &fetching;
        async move { remove(fetching, &name, how).await }
    })
    .await?;
    many(secrets, |name| async move {
        forget(client, target, &name).await
    })
    .await
}

async fn many<I, F, Fut>(names: I, how: F) -> Result<(), Failure>
where
    I: IntoIterator<Item = String>,
    F: Fn(String) -> Fut,
    Fut: Future<Output = Result<(), Failure>>,
{
    stream::iter(names)
        .map(Ok)
        .try_for_each_concurrent(AT_ONCE, how)
        .await
}

/// Everything of a kind in the namespace; nothing where the kind is not installed.
pub async fn listed<K: crate::resource::Kind>(api: &Api<K>) -> Result<Vec<K>, Failure> {
    let params = ListParams::default();
    let found = find(|| api.list(&params)).await?;
    Ok(found.map(|list| list.items).unwrap_or_default())
}

/// The Secret that a consumer takes its key from.
pub fn secret_of(consumer: &ApisixConsumer) -> Option<String> {
    let auth = consumer.spec.auth_parameter.key_auth.as_ref()?;
    Some(auth.secret_ref.as_ref()?.name.clone())
}

/// Deletes a Secret without hearing what was in it: where a finalizer holds it, the API would answer
/// with the whole of it.
async fn forget(client: &Client, target: &Target, name: &str) -> Result<(), Failure> {
    let place = Secret::url_path(&(), Some(&target.instance.namespace()));
    let gone = find(|| {
        let made = Request::new(place.clone()).delete(name, &DeleteParams::default());
        async {
            let mut request = made.map_err(kube::Error::BuildRequest)?;
            request.headers_mut().insert(ACCEPT, METADATA);
            client.request::<IgnoredAny>(request).await
        }
    });
    gone.await.map(drop)
}
