//! The HTML of the fault page, in the classes of the console's stylesheet.

use crate::cluster::{APPLICATIONS, Cluster};
use crate::fault::{ClusterFault, Fault};
use crate::resource::Kind;
use std::sync::Arc;

/// The most instances that the field suggests.
const SUGGESTED: usize = 200;

/// The whole page.
pub fn render(clusters: &[Arc<Cluster>], base: &str, chosen: &str, instance: &str) -> String {
    let rows = active_rows(clusters, base);
    let state = match rows.len() {
        0 => "Every simulated cluster and instance behaves well.".to_owned(),
        1 => "One fault is active.".to_owned(),
        count => format!("{count} faults are active."),
    };
    let body = format!(
        "<header class=\"head\"><div class=\"head-text\"><h1>Faults</h1><p class=\"state\">{state} \
         These clusters are simulated: break one, or an instance, in a named way, see what the console \
         says, and heal it.</p></div></header>{}{}{}",
        active(&rows),
        instance_form(clusters, base, chosen, instance),
        cluster_form(clusters, base, chosen),
    );
    frame("Sandbox faults", &body)
}

/// A refusal, with the way back.
pub fn refusal(base: &str, why: &str) -> String {
    let back = if base.is_empty() { "/" } else { base };
    let body = format!(
        "<div class=\"problem\"><h1>Nothing was changed</h1><p role=\"alert\">{}</p><div \
         class=\"buttons\"><a class=\"button\" href=\"{back}\">Back to the faults</a></div></div>",
        escape(why)
    );
    frame("Nothing was changed", &body)
}

fn frame(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><title>{title}</title><link \
         rel=\"icon\" href=\"/favicon.svg\" type=\"image/svg+xml\"><link \
         rel=\"stylesheet\" href=\"/assets/style.css\"></head><body><a class=\"skip\" \
         href=\"#main\">Skip to the content</a><div class=\"column\"><header class=\"topbar\"><nav \
         class=\"crumbs\" aria-label=\"Where am I\"><ol><li><a href=\"/\">Fleet</a></li><li>Sandbox\
         </li></ol></nav><span class=\"env sandbox\">SANDBOX</span></header><main id=\"main\" \
         class=\"page\" tabindex=\"-1\">{body}</main></div></body></html>"
    )
}

fn section(id: &str, title: &str, body: &str) -> String {
    format!(
        "<section class=\"section\" aria-labelledby=\"{id}\"><div class=\"section-head\"><h2 \
         id=\"{id}\">{title}</h2></div>{body}</section>"
    )
}

fn active_rows(clusters: &[Arc<Cluster>], base: &str) -> Vec<String> {
    let mut rows = Vec::new();
    for cluster in clusters {
        let name = &cluster.seed.name;
        for fault in cluster.faults.cluster().iter() {
            rows.push(row(base, name, "", fault.name(), fault.about()));
        }
        for (space, faults) in cluster.faults.all_instances() {
            for fault in faults {
                rows.push(row(base, name, &space, fault.name(), fault.about()));
            }
        }
    }
    rows
}

fn active(rows: &[String]) -> String {
    if rows.is_empty() {
        let nothing = "<div class=\"empty\"><p class=\"empty-title\">No fault is active</p><p>A fault \
                       made below shows here, with a button that heals it.</p></div>";
        return section("active", "Active faults", nothing);
    }
    let table = format!(
        "<div class=\"table-box\" role=\"region\" tabindex=\"0\" aria-label=\"Active faults\"><table>\
         <caption class=\"sr\">Faults that are active now</caption><thead><tr><th \
         scope=\"col\">Cluster</th><th scope=\"col\">Instance</th><th scope=\"col\">Fault</th><th \
         scope=\"col\">What it does</th><th scope=\"col\"><span class=\"sr\">Actions</span></th></tr>\
         </thead><tbody>{}</tbody></table></div>",
        rows.concat()
    );
    section("active", "Active faults", &table)
}

fn row(base: &str, cluster: &str, instance: &str, fault: &str, about: &str) -> String {
    let (cluster, instance) = (escape(cluster), escape(instance));
    let shown = if instance.is_empty() {
        "the whole cluster".to_owned()
    } else {
        format!("<code>{instance}</code>")
    };
    format!(
        "<tr><td>{cluster}</td><td>{shown}</td><td><code>{fault}</code></td><td>{about}</td><td><form \
         method=\"post\" action=\"{base}/heal\"><input type=\"hidden\" name=\"cluster\" \
         value=\"{cluster}\"><input type=\"hidden\" name=\"instance\" value=\"{instance}\"><input \
         type=\"hidden\" name=\"fault\" value=\"{fault}\"><button class=\"button\" \
         aria-label=\"Heal {fault} of {cluster} {instance}\">Heal</button></form></td></tr>"
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

fn option(name: &str, about: &str) -> String {
    format!("<option value=\"{name}\">{name}: {about}</option>")
}

fn fault_field(id: &str, options: &str) -> String {
    format!(
        "<div class=\"field\"><label for=\"{id}\">Fault</label><select id=\"{id}\" \
         name=\"fault\">{options}</select></div>"
    )
}

fn form(base: &str, fields: &str, button: &str) -> String {
    format!(
        "<form class=\"form\" method=\"post\" action=\"{base}/break\">{fields}<div \
         class=\"buttons\"><button class=\"button primary\">{button}</button></div></form>"
    )
}

fn instance_form(clusters: &[Arc<Cluster>], base: &str, chosen: &str, instance: &str) -> String {
    let mut suggestions = String::new();
    for cluster in clusters {
        let all = cluster.store.list(Kind::Application, Some(APPLICATIONS));
        for entry in all.iter().take(SUGGESTED) {
            let id = entry.key.name.trim_start_matches("prism");
            for part in ["<option value=\"", &escape(id), "\"></option>"] {
                suggestions.push_str(part);
            }
        }
    }
    let field = format!(
        "<div class=\"field\"><label for=\"instance\">Instance</label><p class=\"help\" \
         id=\"instance-help\">Its id of twelve characters. Faults of the volume, and of the \
         certificate and the secret at their first issue, show on an instance that is being \
         created.</p><input id=\"instance\" name=\"instance\" class=\"mono\" list=\"instances\" \
         required autocomplete=\"off\" aria-describedby=\"instance-help\" value=\"{}\"><datalist \
         id=\"instances\">{suggestions}</datalist></div>",
        escape(instance),
    );
    let faults: Vec<String> = Fault::ALL
        .iter()
        .map(|fault| option(fault.name(), fault.about()))
        .collect();
    let fields = [
        cluster_field("instance-cluster", clusters, chosen),
        field,
        fault_field("instance-fault", &faults.concat()),
    ];
    section(
        "instances-title",
        "Break an instance",
        &form(base, &fields.concat(), "Break instance"),
    )
}

fn cluster_form(clusters: &[Arc<Cluster>], base: &str, chosen: &str) -> String {
    // Faults of one part stand together in the list of all.
    let groups: Vec<String> = ClusterFault::ALL
        .chunk_by(|one, next| one.part() == next.part())
        .map(|group| {
            let options: Vec<String> = group
                .iter()
                .map(|fault| option(fault.name(), fault.about()))
                .collect();
            let part = group[0].part();
            format!("<optgroup label=\"{part}\">{}</optgroup>", options.concat())
        })
        .collect();
    let fields = [
        cluster_field("cluster-cluster", clusters, chosen),
        fault_field("cluster-fault", &groups.concat()),
    ];
    section(
        "clusters-title",
        "Break a cluster",
        &form(base, &fields.concat(), "Break cluster"),
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
