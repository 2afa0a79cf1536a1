//! How long it takes until somebody knows: from a REST call to the object on the API server, and from a
//! status that was patched there to an event at an HTTP client of the product, beside `kubectl get -w`.

use std::process::Stdio;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use serde_json::json;
use tests::real_cluster::Site;
use tests::real_cluster::cluster::Cluster;
use tests::real_cluster::product::Product;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::summary;

const TIMES: u32 = 40;
const PATIENCE: Duration = Duration::from_secs(20);
const WATCH: &str = "/apis/argoproj.io/v1alpha1/namespaces/hosted-instances/applications?watch=1";

/// Lines of a streaming answer, each with when it arrived.
fn lines(request: reqwest::RequestBuilder) -> mpsc::UnboundedReceiver<(Instant, String)> {
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let answer = request.send().await.expect("a stream");
        let mut stream = answer.bytes_stream();
        let mut rest = String::new();
        while let Some(Ok(bytes)) = stream.next().await {
            rest.push_str(&String::from_utf8_lossy(&bytes));
            while let Some((line, more)) = rest.split_once('\n') {
                if sender.send((Instant::now(), line.to_owned())).is_err() {
                    return;
                }
                rest = more.to_owned();
            }
        }
    });
    receiver
}

/// When the next line that holds those words arrives; none when it does not.
async fn next(
    from: &mut mpsc::UnboundedReceiver<(Instant, String)>,
    words: &[&str],
) -> Option<Instant> {
    let found = async {
        while let Some((at, line)) = from.recv().await {
            if words.iter().all(|word| line.contains(word)) {
                return Some(at);
            }
        }
        None
    };
    timeout(PATIENCE, found).await.ok().flatten()
}

/// From the REST call to the Application in a watch.
pub async fn visible(product: &Product, cluster: &Cluster) {
    let url = format!("{}{WATCH}", cluster.proxy());
    let mut seen = lines(reqwest::Client::new().get(url));
    let mut all = Vec::new();
    for number in 0..TIMES {
        let begun = Instant::now();
        let created = product
            .create(&format!("V {number}"), cluster, "2.1.0")
            .await;
        let name = format!("prism{}", created.instance);
        let at = next(&mut seen, &["ADDED", &name])
            .await
            .expect("it is seen");
        all.push(at - begun);
    }
    println!(
        "from the REST call to the Application seen: {}",
        summary(all)
    );
}

/// From a patched status to whoever listens.
pub async fn patched(product: &Product, cluster: &Cluster, instance: &str) {
    let mut events = lines(product.event_stream());
    let path = Cluster::application_path(instance);
    let name = format!("prism{instance}");
    let mut child = tokio::process::Command::new("kubectl")
        .arg("--kubeconfig")
        .arg(Site::get().kubeconfig())
        .args(["--context", cluster.name(), "-n", "hosted-instances"])
        .args(["get", "applications", "-w", "--no-headers", &name])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .ok();
    let (sender, mut printed) = mpsc::unbounded_channel();
    if let Some(output) = child.as_mut().and_then(|child| child.stdout.take()) {
        tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if sender.send((Instant::now(), line)).is_err() {
                    return;
                }
            }
        });
        next(&mut printed, &[&name]).await;
    }
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for number in 0..TIMES {
        let health = if number % 2 == 0 {
            "Degraded"
        } else {
            "Healthy"
        };
        let begun = Instant::now();
        cluster
            .merge(&path, &json!({"status": {"health": {"status": health}}}))
            .await;
        if let Some(at) = next(&mut printed, &[&name, health]).await {
            theirs.push(at - begun);
        }
        if let Some(at) = next(&mut events, &["data:", instance]).await {
            ours.push(at - begun);
        }
        while timeout(Duration::from_millis(500), events.recv())
            .await
            .is_ok()
        {}
    }
    let told = |all: Vec<Duration>| {
        if all.is_empty() {
            "not seen".to_owned()
        } else {
            summary(all)
        }
    };
    println!(
        "from a patched status to an event at an HTTP client: {}",
        told(ours)
    );
    println!(
        "from a patched status to a line of kubectl get -w: {}",
        told(theirs)
    );
}
