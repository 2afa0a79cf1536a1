//! The description of the API (`OpenAPI` 3.1). Paths and shapes come from the routes themselves; what
//! holds for all of them (who may ask, how refusals look, the idempotency key) is added here once, so
//! that no operation can forget it.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder,
    PathItem, Ref, RefOr, Required, ResponseBuilder,
};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::problem::{FieldProblem, MEDIA_TYPE, Problem};
use super::state::{AppState, HttpSettings};
use super::{readiness, reference, v1};

const ABOUT: &str = "Creates tenants and their instances, follows operations and health, and does \
everything else that the console does.\n\nSend an access token: `Authorization: Bearer hiat_…`. \
Bodies are JSON in snake_case, ids are strings, times are RFC 3339 in UTC. Lists come as `items` with \
a `next_cursor`. Refusals are problems (RFC 9457) with a stable `type`. What is not yours does not \
exist: 404.";

/// What operations are about, in the order in which a newcomer meets it.
const TAGS: [(&str, &str); 14] = [
    ("tenants", "Organisations and what belongs to them."),
    ("instances", "Dedicated deployments of PRISM."),
    (
        "operations",
        "What is being done to instances, step by step.",
    ),
    ("tokens", "What organisations call their instances with."),
    ("fleet", "All instances on one page."),
    ("clusters", "Where instances run."),
    ("releases", "The catalogue of versions."),
    ("members", "The people of a tenant."),
    ("leaks", "Tokens found where they do not belong."),
    ("access tokens", "What automation calls this API with."),
    ("me", "Who asks."),
    ("audit", "Who did what."),
    ("events", "What happens, as it happens."),
    ("health", "What an orchestrator asks, and this description."),
];

/// Where the description itself lies.
pub const ADDRESS: &str = "/api/v1/openapi.json";

/// The routes that are described, with their description.
#[must_use]
pub fn described() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(base())
        .nest("/api/v1", v1::routes().routes(routes!(document)))
        .routes(routes!(readiness::alive))
        .routes(routes!(readiness::ready))
}

/// The whole description.
#[must_use]
pub fn openapi() -> OpenApi {
    let mut document = described().into_openapi();
    for (path, item) in &mut document.paths.paths {
        finish(path, item);
    }
    document
}

/// This description.
///
/// **Permissions**: none. **Errors**: none.
#[utoipa::path(get, path = "/openapi.json", operation_id = "read_openapi", tag = "health",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object)))]
pub async fn document(Extension(written): Extension<Arc<Written>>) -> Response {
    let json = [(CONTENT_TYPE, "application/json")];
    (json, written.document.clone()).into_response()
}

/// The description as it is sent, written once per server.
#[derive(Debug)]
pub struct Written {
    /// For programs: JSON.
    pub document: Bytes,
    /// For people: HTML; none when it could not be rendered.
    pub reference: Option<Bytes>,
}

impl Written {
    /// Writes it out.
    #[must_use]
    pub fn new(settings: &HttpSettings) -> Self {
        let document = openapi();
        Self {
            document: serde_json::to_vec(&document).unwrap_or_default().into(),
            reference: reference::render(&document, settings).map(Bytes::from),
        }
    }
}

fn base() -> OpenApi {
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("hiat_…")
        .description(Some(
            "An access token, made in the console or by POST /access-tokens.",
        ));
    let session = ApiKeyValue::with_description("session", "The session of the console.");
    let components = ComponentsBuilder::new()
        .security_scheme("access_token", SecurityScheme::Http(token.build()))
        .security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)))
        .schema(Problem::name(), Problem::schema())
        .schema(FieldProblem::name(), FieldProblem::schema());
    let info = InfoBuilder::new()
        .title("Hosted Instances")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(
            LicenseBuilder::new()
                .name("Apache-2.0")
                .identifier(Some("Apache-2.0"))
                .build(),
        ));
    let tags = TAGS.map(|(name, about)| {
        TagBuilder::new()
            .name(name)
            .description(Some(about))
            .build()
    });
    OpenApiBuilder::new()
        .info(info.build())
        .tags(Some(tags))
        .components(Some(components.build()))
        .build()
}

/// Adds what holds for all operations of a path.
fn finish(path: &str, item: &mut PathItem) {
    let all = [
        (&mut item.get, "get"),
        (&mut item.post, "post"),
        (&mut item.patch, "patch"),
        (&mut item.delete, "delete"),
    ];
    for (operation, method) in all {
        let Some(operation) = operation else { continue };
        if !path.starts_with("/api/") || path == ADDRESS {
            operation.security = Some(Vec::new());
            continue;
        }
        let either = ["access_token", "session"];
        let none = Vec::<String>::new;
        let requirements = either.map(|name| SecurityRequirement::new(name, none()));
        operation.security = Some(requirements.into());
        if method == "post" {
            operation
                .parameters
                .get_or_insert_default()
                .push(idempotency_key().into());
        }
        for (status, text) in refusals(path, method, operation) {
            let responses = &mut operation.responses.responses;
            responses
                .entry(status.to_owned())
                .or_insert_with(|| RefOr::T(refusal(text)));
        }
    }
}

/// The refusals that an operation can answer with.
fn refusals(path: &str, method: &str, operation: &Operation) -> Vec<(&'static str, &'static str)> {
    let mut all = vec![
        (
            "401",
            "Nobody has said who they are, or the token is not valid.",
        ),
        ("403", "The role or the token's scopes do not allow it."),
        ("429", "Too many requests; Retry-After says when to go on."),
        (
            "500",
            "Something went wrong inside; it has been logged under the request's id.",
        ),
        ("503", "Not available now; Retry-After says when to go on."),
    ];
    let names_a_thing = operation.parameters.as_ref().is_some_and(|all| {
        let names = ["tenant", "instance"];
        all.iter()
            .any(|it| matches!(it, RefOr::T(it) if names.contains(&it.name.as_str())))
    });
    if path.contains('{') || names_a_thing {
        all.push(("404", "There is no such thing, or it is not yours."));
    }
    let asks = operation.parameters.as_ref().is_some_and(|all| {
        all.iter().any(|it| {
            matches!(
                it,
                RefOr::T(Parameter {
                    parameter_in: ParameterIn::Query,
                    ..
                })
            )
        })
    });
    if operation.request_body.is_some() || asks {
        all.push(("422", "A field is not as it should be; errors names it."));
    }
    if method != "get" {
        all.push(("409", "It cannot be done as things stand."));
    }
    if operation.request_body.is_some() {
        all.push(("400", "The body is not JSON."));
        all.push(("413", "The body is larger than 1 MiB."));
        all.push(("415", "The body does not say that it is JSON."));
    }
    all
}

fn refusal(description: &str) -> utoipa::openapi::Response {
    let schema = Ref::from_schema_name(Problem::name());
    let id = HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build();
    ResponseBuilder::new()
        .description(description)
        .content(
            MEDIA_TYPE,
            ContentBuilder::new().schema(Some(schema)).build(),
        )
        .header(super::request_id::HEADER, id)
        .build()
}

fn idempotency_key() -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(255));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "Makes repeating this request safe for 24 hours: the same key and body get the same \
             answer, secrets left out.",
        ))
        .schema(Some(schema))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every operation of the description as `(method, path, operation)`.
    fn operations(document: &OpenApi) -> Vec<(&'static str, &str, &Operation)> {
        let mut found = Vec::new();
        for (path, item) in &document.paths.paths {
            let all = [
                ("get", &item.get),
                ("post", &item.post),
                ("patch", &item.patch),
                ("delete", &item.delete),
            ];
            found.extend(
                all.into_iter()
                    .filter_map(|(m, op)| Some((m, path.as_str(), op.as_ref()?))),
            );
        }
        found
    }

    #[test]
    fn every_operation_says_who_may_and_what_can_go_wrong() {
        let document = openapi();
        let all = operations(&document);
        assert!(all.len() >= 40, "{}", all.len());
        let mut ids = std::collections::BTreeSet::new();
        for (method, path, operation) in all {
            let said = operation.description.as_deref().unwrap_or_default();
            assert!(said.contains("**Permissions**"), "{method} {path}");
            assert!(said.contains("**Errors**"), "{method} {path}");
            assert!(operation.summary.is_some(), "{method} {path}");
            let id = operation.operation_id.as_deref().unwrap_or_default();
            assert!(!id.is_empty() && ids.insert(id), "{method} {path}: {id}");
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let text = serde_json::to_string(&openapi()).unwrap();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let mut count = 0;
        for part in text.split("#/components/schemas/").skip(1) {
            let name = part.split('"').next().unwrap();
            assert!(schemas.contains_key(name), "{name}");
            count += 1;
        }
        assert!(count > 100, "{count}");
        assert_eq!(document["openapi"], "3.1.0");
    }
}
