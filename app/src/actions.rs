//! The routes of the console: what loads a page, and what forms post to. Each handler decodes, makes
//! one service call, and answers with a page, or with a redirect and one sentence about what was
//! done. A form that is refused is shown again with what was typed, status 422.
//! Invariant: every route is in [`routes`], from which the gate test takes its table.

mod account;
mod audit;
mod cluster;
mod cluster_gateway;
mod desk;
mod door;
mod fleet;
mod instance;
mod instance_change;
mod leak;
mod once;
mod operation;
mod posted;
mod release;
mod tenant;
mod token;
mod token_end;
mod token_policy;

use axum::Router;
use axum::handler::Handler;
use axum::routing::{get, post};

pub use self::desk::{error_page, in_frame};

/// A route of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Path with parameters in braces.
    pub path: &'static str,
    /// Whether it may be reached without having signed in.
    pub open: bool,
}

/// Collects routes, so that the router and the list cannot differ.
struct Table<S> {
    router: Router<S>,
    routes: Vec<Route>,
}

impl<S: Clone + Send + Sync + 'static> Table<S> {
    /// A page.
    fn page<H: Handler<T, S>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.add("GET", path, false, get(handler))
    }

    /// What a form posts to.
    fn form<H: Handler<T, S>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.add("POST", path, false, post(handler))
    }

    /// A page for whoever has not signed in.
    fn open_page<H: Handler<T, S>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.add("GET", path, true, get(handler))
    }

    /// What a form of such a page posts to.
    fn open_form<H: Handler<T, S>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.add("POST", path, true, post(handler))
    }

    fn add(
        mut self,
        method: &'static str,
        path: &'static str,
        open: bool,
        handler: axum::routing::MethodRouter<S>,
    ) -> Self {
        self.routes.push(Route { method, path, open });
        self.router = self.router.route(path, handler);
        self
    }
}

fn table<S: Clone + Send + Sync + 'static>() -> Table<S> {
    let empty = Table {
        router: Router::new(),
        routes: Vec::new(),
    };
    let table = door::routes(empty);
    let table = fleet::routes(table);
    let table = tenant::routes(table);
    let table = instance::routes(table);
    let table = instance_change::routes(table);
    let table = token::routes(table);
    let table = token_end::routes(table);
    let table = token_policy::routes(table);
    let table = leak::routes(table);
    let table = operation::routes(table);
    let table = cluster::routes(table);
    let table = cluster_gateway::routes(table);
    let table = release::routes(table);
    let table = audit::routes(table);
    account::routes(table)
}

/// The router of all pages and forms. The server wraps it with session, cross-site and
/// Content-Security-Policy layers and inserts a `Caller` and an `Arc<Services>` into every request.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    table().router.fallback(desk::nowhere)
}

/// Every route there is.
#[must_use]
pub fn routes() -> Vec<Route> {
    table::<()>().routes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_listed_once() {
        let mut all = routes();
        let count = all.len();
        assert!(count > 40, "{count}");
        all.sort_by_key(|route| (route.path, route.method));
        all.dedup();
        assert_eq!(all.len(), count);
        let open: Vec<_> = all
            .iter()
            .filter(|route| route.open)
            .map(|route| (route.method, route.path))
            .collect();
        assert_eq!(
            open,
            [
                ("GET", "/invitations/{token}"),
                ("POST", "/invitations/{token}"),
                ("GET", "/leaks"),
                ("POST", "/leaks"),
                ("GET", "/setup/{token}"),
                ("POST", "/setup/{token}"),
                ("GET", "/sign-in"),
                ("POST", "/sign-in"),
                ("POST", "/theme"),
            ]
        );
    }
}
