//! Attempts that are refused before any service is asked and still belong into the trail: what another
//! site makes somebody's browser send.

use model::Actor;

use super::{AuditService, Entry};
use crate::Origin;

impl AuditService {
    /// Leaves a row about a request that carried somebody's session and did not come from our own
    /// pages; a bounded number per person. `place` is the route, never the address itself, which may
    /// hold a secret.
    pub async fn cross_site(&self, actor: &Actor, origin: &Origin, method: &str, place: &str) {
        let reference = actor.reference();
        let entry = Entry::new(&reference, origin, "request.cross_site")
            .of(actor.staff().map_or_else(|| first_tenant(actor), |_| None))
            .about("session", "")
            .summary(format!(
                "Refused: {method} {place} came from another site with this person's session."
            ));
        let key = format!("refused:{}", reference.key());
        self.context.record_refusal(&key, entry).await;
    }
}

/// People of a tenant are told in their own trail.
fn first_tenant(actor: &Actor) -> Option<model::TenantId> {
    actor.tenants().first().map(|(tenant, _)| *tenant)
}
