//! The values of the instance chart, as this repository has them: its defaults and one file for each
//! release.
//!
//! They are the very files that Argo CD deploys from, so that nothing has a default of its own here. A
//! release without a file is none, as with Helm.

use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::LazyLock;

macro_rules! of_the_chart {
    ($($file:literal),+) => {
        include_str!(concat!(
            "../../../../../deploy/charts/prism-instance/",
            $($file),+
        ))
    };
}

macro_rules! releases {
    ($($version:literal),+) => {
        [$(($version, of_the_chart!("releases/", $version, ".yaml"))),+]
    };
}

static DEFAULTS: LazyLock<Value> = LazyLock::new(|| read(of_the_chart!("values.yaml")));
static RELEASES: LazyLock<BTreeMap<&str, Value>> = LazyLock::new(|| {
    releases![
        "1.14.0", "1.15.0", "1.31.0", "1.33.0", "1.40.2", "2.0.0", "2.1.0", "2.2.0"
    ]
    .into_iter()
    .map(|(version, text)| (version, read(text)))
    .collect()
});

fn read(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_default()
}

/// What every instance gets unless somebody says otherwise.
pub fn defaults() -> &'static Value {
    &DEFAULTS
}

/// What a release sets, if the chart has it.
pub fn release(version: &str) -> Option<&'static Value> {
    RELEASES.get(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_read() {
        assert_eq!(defaults()["gateway"]["ingressClassName"], "apisix");
        for version in RELEASES.keys() {
            let found = release(version).unwrap();
            assert_eq!(found["release"]["version"], *version);
            assert!(found["images"]["agent"].is_string(), "{version}");
        }
        assert!(release("9.9.9").is_none());
    }
}
