//! What other sites make browsers send: every route that changes something, five values of
//! `Sec-Fetch-Site`, four of `Origin`, with and without a session's cookie.

use axum::body::Body;
use http::{Method, Request};
use tests::app::{TestApp, Who};
use tests::client::Client;

use super::table::OPERATIONS;

const SITES: [Option<&str>; 5] = [
    None,
    Some("same-origin"),
    Some("same-site"),
    Some("cross-site"),
    Some("none"),
];
const ORIGINS: [Option<&str>; 4] = [
    None,
    Some("http://localhost:8080"),
    Some("https://evil.example"),
    Some("null"),
];

/// What must be let in: our own pages, what a person typed, and programs without a cookie.
fn expected(site: Option<&str>, origin: Option<&str>, cookie: bool) -> bool {
    match (site, origin) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => origin == "http://localhost:8080",
        (None, None) => !cookie,
    }
}

/// Paths that change something, with ids of nothing.
fn paths() -> Vec<(Method, String)> {
    let nothing = "01900000-0000-7000-8000-000000000000";
    let fill = |path: &str| {
        let mut path = path.split('?').next().unwrap_or_default().to_owned();
        while let (Some(from), Some(to)) = (path.find('{'), path.find('}')) {
            path.replace_range(from..=to, nothing);
        }
        path
    };
    let api = OPERATIONS.iter().filter(|it| it.method != Method::GET);
    let forms = app::routes()
        .into_iter()
        .filter(|route| route.method == "POST");
    api.map(|it| (it.method.clone(), fill(it.path)))
        .chain(forms.map(|route| (Method::POST, fill(route.path))))
        .collect()
}

async fn is_let_in(client: &Client, request: Request<Body>) -> bool {
    let reply = client.send(request).await;
    let refused = reply.status == 403
        && (reply.problem() == "cross_site" || reply.text().contains("Cross-site request refused"));
    !refused
}

#[tokio::test]
async fn only_our_own_pages_change_anything() {
    let app = TestApp::new().await;
    let client = app.anonymous();
    let before = app.world.services.event.head().await.expect("a head");
    let mut wrong = Vec::new();
    let mut cases = 0;
    for (method, path) in paths() {
        for (site, origin, cookie) in combinations() {
            let mut request = client.request(method.clone(), &path);
            if let Some(site) = site {
                request = request.header("sec-fetch-site", site);
            }
            if let Some(origin) = origin {
                request = request.header("origin", origin);
            }
            if cookie {
                // Known to nobody: it is the carrying that counts.
                request = request.header("cookie", "theme=dark; session=AAAAAAAAAAAAAAAAAAAAAA");
            }
            let let_in = is_let_in(&client, request.body(Body::empty()).expect("a request")).await;
            cases += 1;
            if let_in != expected(site, origin, cookie) {
                wrong.push(format!(
                    "{method} {path} {site:?} {origin:?} cookie {cookie}: {let_in}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(cases, paths().len() * 40);
    assert_eq!(
        before,
        app.world.services.event.head().await.expect("a head")
    );
}

fn combinations() -> Vec<(Option<&'static str>, Option<&'static str>, bool)> {
    let mut all = Vec::new();
    for site in SITES {
        for origin in ORIGINS {
            all.extend([(site, origin, false), (site, origin, true)]);
        }
    }
    all
}

#[tokio::test]
async fn a_token_needs_no_origin_and_a_real_session_does() {
    let app = TestApp::new().await;
    let token = app.bearer(Who::Owner, &["tenants:write"]).await;
    let request = token
        .request(Method::POST, "/api/v1/tenants")
        .header("sec-fetch-site", "cross-site")
        .header("content-type", "application/json")
        .body(Body::from(r#"{"name":"By token"}"#))
        .expect("a request");
    assert_eq!(token.send(request).await.status, 201);
    let session = app.client(Who::Owner).await;
    let mut request = session
        .request(Method::POST, "/api/v1/tenants")
        .header("content-type", "application/json")
        .body(Body::from(r#"{"name":"By another site"}"#))
        .expect("a request");
    request
        .headers_mut()
        .insert("sec-fetch-site", "cross-site".parse().expect("a value"));
    let reply = session.send(request).await;
    assert_eq!(
        (reply.status.as_u16(), reply.problem().as_str()),
        (403, "cross_site")
    );
}
