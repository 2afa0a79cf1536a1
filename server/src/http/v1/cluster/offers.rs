//! `GET /clusters/offers`.

use axum::Json;
use axum::extract::State;
use model::view::AccessOffer;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::state::AppState;
use crate::http::v1::page::Page;

/// A way to reach a cluster.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClusterOffer)]
pub struct Offer {
    /// `sandbox:NAME`, `in_cluster`, `kubeconfig:CONTEXT` or `eks`.
    pub value: String,
    /// What people read.
    pub title: String,
}

impl From<AccessOffer> for Offer {
    fn from(it: AccessOffer) -> Self {
        Self {
            value: it.value,
            title: it.title,
        }
    }
}

/// Lists the ways to reach a cluster that this server offers.
///
/// **Permissions**: `clusters:read`; staff.
///
/// **Errors**: 401, 403.
#[utoipa::path(get, path = "/clusters/offers", operation_id = "list_cluster_offers",
    tag = "clusters", responses((status = 200, description = "All of them.", body = Page<Offer>)))]
pub async fn offers(State(state): State<AppState>, caller: Caller) -> Answer<Json<Page<Offer>>> {
    let offers = state.services.cluster.offers(&caller.actor).await?;
    Ok(Json(Page::whole(offers)))
}
