//! The HTML of the fault page.

use crate::cluster::{APPLICATIONS, Cluster};
use crate::fault::{ClusterFault, Fault};
use crate::resource::Kind;
use std::sync::Arc;

/// The most instances that the field suggests.
const SUGGESTED: usize = 200;

/// The whole page.
pub fn render(clusters: &[Arc<Cluster>], base: &str, chosen: &str, instance: &str) -> String {
    let mut body = String::from(
        "<h1>Sandbox faults</h1><p class=\"lead\">SANDBOX: these clusters are simulated. Break an \
         instance or a cluster in a named way, see what the console says, and heal it.</p>",
    );
    body.push_str(&active(clusters, base));
    body.push_str(&instance_form(clusters, base, chosen, instance));
    body.push_str(&cluster_form(clusters, base, chosen));
    frame(&body)
}

/// A refusal, with the way back.
pub fn refusal(base: &str, why: &str) -> String {
    let back = if base.is_empty() { "/" } else { base };
    frame(&format!(
        "<h1>Nothing was changed</h1><p class=\"error\" role=\"alert\">{}</p><p><a href=\"{back}\">Back to \
         the faults</a></p>",
        escape(why)
    ))
}

fn frame(body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><title>Sandbox faults</title><link \
         rel=\"stylesheet\" href=\"/assets/style.css\"></head><body class=\"sandbox\"><header \
         class=\"topbar\"><a href=\"/\">Console</a> <strong class=\"environment\">SANDBOX</strong>\
         </header><main class=\"page\">{body}</main></body></html>"
    )
}

fn active(clusters: &[Arc<Cluster>], base: &str) -> String {
    let mut rows = String::new();
    for cluster in clusters {
        let name = &cluster.seed.name;
        for fault in cluster.faults.cluster().iter() {
            rows.push_str(&row(base, name, "", fault.name(), fault.about()));
        }
        for (space, faults) in cluster.faults.all_instances() {
            for fault in faults {
                rows.push_str(&row(base, name, &space, fault.name(), fault.about()));
            }
        }
    }
    if rows.is_empty() {
        return "<h2>Active faults</h2><p class=\"empty\">None: every cluster and instance behaves \
                well.</p>"
            .to_owned();
    }
    format!(
        "<h2>Active faults</h2><table class=\"table\"><caption>Faults that are active now</caption>\
         <thead><tr><th scope=\"col\">Cluster</th><th scope=\"col\">Instance</th><th \
         scope=\"col\">Fault</th><th scope=\"col\">What it does</th><th scope=\"col\">Action</th></tr>\
         </thead><tbody>{rows}</tbody></table>"
    )
}

fn row(base: &str, cluster: &str, instance: &str, fault: &str, about: &str) -> String {
    let (cluster, instance) = (escape(cluster), escape(instance));
    let shown = if instance.is_empty() {
        "the whole cluster"
    } else {
        instance.as_str()
    };
    format!(
        "<tr><td>{cluster}</td><td>{shown}</td><td><code>{fault}</code></td><td>{about}</td><td><form \
         method=\"post\" action=\"{base}/heal\"><input type=\"hidden\" name=\"cluster\" value=\"{cluster}\">\
         <input type=\"hidden\" name=\"instance\" value=\"{instance}\"><input type=\"hidden\" \
         name=\"fault\" value=\"{fault}\"><button class=\"button\" type=\"submit\">Heal</button></form>\
         </td></tr>"
    )
}

fn cluster_field(id: &str, clusters: &[Arc<Cluster>], chosen: &str) -> String {
    let options = clusters
        .iter()
        .map(|cluster| {
            let name = &cluster.seed.name;
            let selected = if name == chosen { " selected" } else { "" };
            let name = escape(name);
            format!("<option value=\"{name}\"{selected}>{name}</option>")
        })
        .collect::<Vec<_>>()
        .concat();
    format!(
        "<div class=\"field\"><label for=\"{id}\">Cluster</label><select id=\"{id}\" \
         name=\"cluster\">{options}</select></div>"
    )
}

fn fault_field<'a>(id: &str, faults: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let options = faults
        .map(|(name, about)| format!("<option value=\"{name}\">{name}: {about}</option>"))
        .collect::<Vec<_>>()
        .concat();
    format!(
        "<div class=\"field\"><label for=\"{id}\">Fault</label><select id=\"{id}\" \
         name=\"fault\">{options}</select></div>"
    )
}

fn instance_form(clusters: &[Arc<Cluster>], base: &str, chosen: &str, instance: &str) -> String {
    let mut suggestions = String::new();
    for cluster in clusters {
        let all = cluster.store.list(Kind::Application, Some(APPLICATIONS));
        for entry in all.iter().take(SUGGESTED) {
            let id = entry.key.name.trim_start_matches("prism");
            for part in ["<option value=\"", &escape(id), "\">"] {
                suggestions.push_str(part);
            }
        }
    }
    format!(
        "<h2>Break an instance</h2><form class=\"form\" method=\"post\" action=\"{base}/break\">{}<div \
         class=\"field\"><label for=\"instance\">Instance</label><p class=\"help\" \
         id=\"instance-help\">Its id of twelve characters.</p><input id=\"instance\" name=\"instance\" \
         list=\"instances\" required autocomplete=\"off\" aria-describedby=\"instance-help\" \
         value=\"{}\"><datalist id=\"instances\">{suggestions}</datalist></div>{}<button class=\"button \
         primary\" type=\"submit\">Break instance</button></form>",
        cluster_field("instance-cluster", clusters, chosen),
        escape(instance),
        fault_field(
            "instance-fault",
            Fault::ALL.iter().map(|fault| (fault.name(), fault.about()))
        ),
    )
}

fn cluster_form(clusters: &[Arc<Cluster>], base: &str, chosen: &str) -> String {
    format!(
        "<h2>Break a cluster</h2><form class=\"form\" method=\"post\" action=\"{base}/break\">{}{}<button \
         class=\"button primary\" type=\"submit\">Break cluster</button></form>",
        cluster_field("cluster-cluster", clusters, chosen),
        fault_field(
            "cluster-fault",
            ClusterFault::ALL
                .iter()
                .map(|fault| (fault.name(), fault.about()))
        ),
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
