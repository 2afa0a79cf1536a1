//! From an instance's row to what lists show.

use model::Timestamp;
use model::view::{InstanceView, OperationView};
use store::instance::Instance;

/// An instance as it is shown at `now`.
#[must_use]
pub(crate) fn view(
    instance: &Instance,
    operation: Option<OperationView>,
    now: Timestamp,
) -> InstanceView {
    let settings = instance.settings.as_ref();
    let url = instance
        .host
        .as_deref()
        .zip(settings)
        .map(|(host, settings)| settings.url_of(host));
    InstanceView {
        id: instance.id.clone(),
        tenant_id: instance.tenant_id,
        tenant_name: instance.tenant_name.clone(),
        name: instance.name.to_string(),
        purpose: instance.purpose,
        region: instance.region.clone(),
        cluster: instance.cluster.clone(),
        host: instance.host.clone(),
        url,
        release: instance.release,
        state: instance.state,
        health: crate::health::view(instance, now),
        operation,
        created_at: instance.created_at,
    }
}
