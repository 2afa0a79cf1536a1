//! The page of a request that was stopped before any page could be built: refused as cross-site, too
//! large, or broken inside. It needs no session, no database and no script.

use askama::Template;

use super::problem::Problem;
use super::state::HttpSettings;

#[derive(Template)]
#[template(path = "failure.html")]
struct Failure<'a> {
    title: &'a str,
    status: u16,
    detail: &'a str,
    request_id: &'a str,
    style: Option<&'a str>,
}

/// Renders it.
#[must_use]
pub fn render(problem: &Problem, settings: &HttpSettings) -> String {
    let page = Failure {
        title: &problem.title,
        status: problem.status,
        detail: &problem.detail,
        request_id: problem.request_id.as_deref().unwrap_or_default(),
        style: settings.assets.style.as_deref(),
    };
    page.render().unwrap_or_else(|_| problem.detail.clone())
}
