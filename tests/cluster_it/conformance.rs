//! The sandbox tells the truth: the same requests, in the same order, against the real API server and
//! against the sandbox, with the answers laid side by side. What the two say differently stands in a
//! table with its reason; a difference that is not in it fails, and so does one that has gone.

mod recorder;
mod requests;

use std::collections::BTreeMap;

use serde_json::Value;
use tests::process::{Place, Server};
use tests::real_cluster::Site;

use recorder::Recorder;

/// Differences that are known, by the exchange and the place in its answer, and why they may stand.
const KNOWN: &[(&str, &str, &str)] = &[
    // The real one fails on the type before it looks at the schema; the refusal is the same to a client
    // that does not try again, and ours says more.
    ("apply a gate of another shape", "/status", TYPED),
    ("apply a gate of another shape", "/.code", TYPED),
    ("apply a gate of another shape", "/.reason", TYPED),
    ("apply a gate of another shape", "/.message", TYPED),
    ("apply a gate of another shape", "/.details", TYPED),
    ("create another kind", "/.message", WORDING),
    (
        "delete another than meant",
        "/.message",
        "it names uids, which no two servers share",
    ),
    (
        "list a page",
        "/.items.0.kind",
        "kinds in a list are left out by the real one and harm nobody",
    ),
    ("list a page that never was", "/.message", WORDING),
    ("list by a broken label", "/.message", WORDING),
    ("read a kind that is not there", "/.kind", PLAIN),
    ("read a kind that is not there", "/.status", PLAIN),
    ("read a kind that is not there", "/.code", PLAIN),
    ("read a kind that is not there", "/.reason", PLAIN),
    ("read a kind that is not there", "/.message", PLAIN),
    ("watch from nonsense", "/status", NONSENSE),
    ("watch from nonsense", "/.code", NONSENSE),
    ("watch from nonsense", "/.reason", NONSENSE),
    ("watch from nonsense", "/.message", NONSENSE),
];
const TYPED: &str = "a server-side apply of a wrong type is a 500 there and a 422 here";
const WORDING: &str = "the same refusal in other words";
const PLAIN: &str = "an unknown group is answered in plain text there and as a Status here";
const NONSENSE: &str = "a version that is no number is a 500 there and a 400 here";

async fn all(url: &str) -> BTreeMap<String, Value> {
    let mut recorder = Recorder::new(url);
    requests::objects(&mut recorder).await;
    requests::applied(&mut recorder).await;
    requests::custom(&mut recorder).await;
    requests::watched(&mut recorder).await;
    requests::removed(&mut recorder).await;
    recorder.into_answers()
}

/// Where two answers differ: pointers, and what stands there on each side.
fn differences(at: &str, real: &Value, sandbox: &Value, into: &mut Vec<(String, String)>) {
    match (real, sandbox) {
        (Value::Object(one), Value::Object(other)) => {
            let names: std::collections::BTreeSet<&String> =
                one.keys().chain(other.keys()).collect();
            for name in names {
                let (one, other) = (&real[name.as_str()], &sandbox[name.as_str()]);
                differences(&format!("{at}/{name}"), one, other, into);
            }
        }
        (one, other) if one == other => {}
        (one, other) => into.push((at.to_owned(), format!("real {one}, sandbox {other}"))),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_answers_as_the_real_api_server_does() {
    let site = Site::get();
    let _shared = site.shared().await;
    let real = all(site.development().proxy()).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = Place::sqlite(&folder.path().join("data"));
    let server = Server::start(&place, &["--sandbox", "--sandbox-pace", "0"]).await;
    let (_, url) = server.sandbox().into_iter().next().expect("a sandbox");
    let sandbox = all(&url).await;
    assert_eq!(
        real.keys().collect::<Vec<_>>(),
        sandbox.keys().collect::<Vec<_>>()
    );
    let mut unknown = Vec::new();
    let mut known = Vec::new();
    for (name, answer) in &real {
        let mut found = Vec::new();
        differences("", answer, &sandbox[name], &mut found);
        for (at, what) in found {
            let listed = KNOWN.iter().any(|(n, a, _)| n == name && *a == at);
            let list = if listed { &mut known } else { &mut unknown };
            list.push(format!("{name} {at}: {what}"));
        }
    }
    eprintln!(
        "{} exchanges, {} known differences",
        real.len(),
        known.len()
    );
    assert!(
        unknown.is_empty(),
        "unknown differences:\n{}",
        unknown.join("\n")
    );
    let gone = KNOWN.len().saturating_sub(known.len());
    assert_eq!(
        gone,
        0,
        "differences that are no more:\n{}",
        known.join("\n")
    );
    server.stop().await;
}
