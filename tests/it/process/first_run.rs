//! The first run as a person sees it: the printed link, the form of the first owner, signing in; and
//! what a thief of the database gets, which is nothing.

use reqwest::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use tests::process::Server;

use super::place::{Here, here, on_postgres};
use super::sandbox::QUICK;

const EMAIL: &str = "ada@example.org";
const PASSWORD: &str = "correct horse battery staple";

struct Browser {
    client: Client,
    cookie: Option<String>,
}

impl Browser {
    fn new() -> Self {
        let client = Client::builder()
            .redirect(Policy::none())
            .build()
            .expect("a client");
        Self {
            client,
            cookie: None,
        }
    }

    async fn get(&mut self, server: &Server, path: &str) -> Response {
        let mut request = self.client.get(server.at(path));
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        let response = request.send().await.expect("an answer");
        self.keep(&response);
        response
    }

    async fn post(&mut self, server: &Server, path: &str, fields: &[(&str, &str)]) -> Response {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let mut request = self
            .client
            .post(server.at(path))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header(ORIGIN, server.at(""))
            .body(body);
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        let response = request.send().await.expect("an answer");
        self.keep(&response);
        response
    }

    fn keep(&mut self, response: &Response) {
        let set = response
            .headers()
            .get_all(SET_COOKIE)
            .iter()
            .filter_map(|it| it.to_str().ok());
        // The theme and the flash are cookies too; the session's is the one that HttpOnly protects.
        let mut session = set.filter(|it| it.contains("HttpOnly") && !it.starts_with("flash="));
        if let Some(pair) = session.next_back().and_then(|it| it.split(';').next()) {
            self.cookie = Some(pair.to_owned());
        }
    }
}

async fn signed_in(here: &Here, server: &Server) -> Browser {
    let link = server.link().expect("a link");
    let path = link
        .strip_prefix(server.url())
        .expect("a link to this server")
        .to_owned();
    assert!(path.starts_with("/setup/"), "{link}");
    let mut browser = Browser::new();
    assert_eq!(
        browser.get(server, &path).await.status(),
        StatusCode::OK,
        "{}",
        here.place.data.display()
    );
    let fields = [("name", "Ada"), ("email", EMAIL), ("password", PASSWORD)];
    let made = browser.post(server, &path, &fields).await;
    assert_eq!(
        made.status(),
        StatusCode::SEE_OTHER,
        "{}",
        made.text().await.unwrap_or_default()
    );
    // The link worked once.
    let again = Browser::new().post(server, &path, &fields).await;
    assert!(again.status().is_client_error(), "{}", again.status());
    browser.cookie = None;
    let entered = browser
        .post(
            server,
            "/sign-in",
            &[("email", EMAIL), ("password", PASSWORD)],
        )
        .await;
    assert_eq!(entered.status(), StatusCode::SEE_OTHER);
    assert!(browser.cookie.is_some());
    browser
}

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_link_leads_to_an_owner_who_can_sign_in() {
    let here = here().await;
    let server = Server::start(&here.place, &QUICK).await;
    let mut browser = signed_in(&here, &server).await;
    let fleet = browser.get(&server, "/").await;
    assert_eq!(fleet.status(), StatusCode::OK);
    let text = fleet.text().await.expect("a page");
    assert!(text.contains("SANDBOX"), "{text}");
    let stranger = Browser::new().get(&server, "/").await;
    assert_eq!(stranger.status(), StatusCode::SEE_OTHER);
    let to = stranger.headers()[LOCATION]
        .to_str()
        .expect("an address")
        .to_owned();
    assert!(to.starts_with("/sign-in"), "{to}");
    server.stop().await;
    // A session outlives the process; the set-up link is no longer offered.
    let server = Server::start(&here.place, &QUICK).await;
    assert_eq!(browser.get(&server, "/").await.status(), StatusCode::OK);
    assert!(!server.link().expect("a link").contains("/setup/"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_database_opens_no_session() {
    if on_postgres() {
        // A copy is a file on SQLite only; what is kept is the same on both engines.
        return;
    }
    let here = here().await;
    let server = Server::start(&here.place, &[]).await;
    let browser = signed_in(&here, &server).await;
    let cookie = browser.cookie.clone().expect("a session");
    let (name, value) = cookie.split_once('=').expect("a pair");
    let texts = every_text(&here).await;
    assert!(texts.len() > 20, "{}", texts.len());
    assert!(
        texts.iter().all(|text| !text.contains(value)),
        "the session's id lies in the database"
    );
    for text in texts
        .iter()
        .filter(|text| text.len() >= 16 && text.is_ascii())
    {
        let mut thief = Browser::new();
        thief.cookie = Some(format!(
            "{name}={}",
            text.replace([';', ' ', '\n', '\r'], "")
        ));
        let answer = thief.get(&server, "/").await;
        assert_ne!(answer.status(), StatusCode::OK, "{text}");
    }
    server.stop().await;
}

/// Every text in every table of a copy of the database.
async fn every_text(here: &Here) -> Vec<String> {
    use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};
    let copy = here.folder.path().join("copy.db");
    let original = format!(
        "sqlite://{}",
        here.place.data.join("control-plane.db").display()
    );
    let mut connection = SqliteConnection::connect(&original)
        .await
        .expect("the database");
    let into = format!("vacuum into '{}'", copy.display());
    sqlx::query(AssertSqlSafe(into))
        .execute(&mut connection)
        .await
        .expect("a copy");
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}", copy.display()))
        .await
        .expect("the copy");
    let tables = sqlx::query("select name from sqlite_master where type = 'table'");
    let tables: Vec<String> = tables
        .fetch_all(&mut connection)
        .await
        .expect("tables")
        .iter()
        .map(|row| row.get(0))
        .collect();
    let mut texts = Vec::new();
    for table in tables {
        let all = format!("select * from \"{table}\"");
        for row in sqlx::query(AssertSqlSafe(all))
            .fetch_all(&mut connection)
            .await
            .expect("rows")
        {
            texts.extend((0..row.len()).filter_map(|column| row.try_get::<String, _>(column).ok()));
        }
    }
    texts
}
