//! Tests of the sources: which one wins, and what a person is told about each mistake.

use super::*;
use crate::config::Secret;

fn from_file(text: &str) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("here.toml");
    std::fs::write(&path, text).unwrap();
    Sources {
        file: Some(path),
        ..Sources::default()
    }
    .load()
}

fn from_environment(all: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let environment = all
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    Sources {
        environment,
        ..Sources::default()
    }
    .load()
}

#[test]
fn the_later_source_wins() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("here.toml");
    std::fs::write(
        &path,
        "[session]\nidle_minutes = 1\nabsolute_hours = 2\n[sandbox]\npace = 0.5\n",
    )
    .unwrap();
    let mut flags = Flags::default();
    flags.set("sandbox", "pace", Some(0.0));
    flags.set("server", "listen", None::<String>);
    let environment = vec![(
        "HOSTED_INSTANCES_SESSION__IDLE_MINUTES".to_owned(),
        "7".to_owned(),
    )];
    let config = Sources {
        file: Some(path),
        environment,
        flags,
    }
    .load()
    .unwrap();
    assert_eq!(config.session.absolute_hours, 2);
    assert_eq!(config.session.idle_minutes, 7);
    assert!(config.sandbox.pace.abs() < f64::EPSILON);
    assert_eq!(config.server, crate::config::Server::default());
}

#[test]
fn an_unknown_key_is_named_with_the_one_that_was_meant() {
    let error = from_file("[server]\nlistne = \"127.0.0.1:1\"\n")
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("There is no setting server.listne in "),
        "{error}"
    );
    assert!(error.ends_with("Did you mean server.listen?"), "{error}");
    let error = from_file("[colour]\nx = 1\n").unwrap_err().to_string();
    assert!(error.contains("There is no setting colour in"), "{error}");
    let error = from_environment(&[("HOSTED_INSTANCES_SERVER__LISTNE", "x")])
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with("Did you mean HOSTED_INSTANCES_SERVER__LISTEN?"),
        "{error}"
    );
    let error = from_environment(&[("HOSTED_INSTANCES_SERVER_LISTEN", "x")])
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with("Did you mean HOSTED_INSTANCES_SERVER__LISTEN?"),
        "{error}"
    );
}

#[test]
fn variables_of_others_are_left_alone() {
    let config = from_environment(&[
        ("HOSTED_INSTANCES_SERVICE_HOST", "10.0.0.1"),
        ("HOSTED_INSTANCES_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
        ("PATH", "/bin"),
    ]);
    assert_eq!(config.unwrap(), Config::default());
}

#[test]
fn texts_of_variables_are_read_by_the_kind_of_their_key() {
    let config = from_environment(&[
        ("HOSTED_INSTANCES_MAIL__USER", "me"),
        ("HOSTED_INSTANCES_MAIL__PASSWORD", "0123"),
        ("HOSTED_INSTANCES_SANDBOX__ENABLED", "true"),
        ("HOSTED_INSTANCES_CLUSTERS__KUBECONFIG_FILES", "/a, /b"),
        ("HOSTED_INSTANCES_LOG__FORMAT", "json"),
    ])
    .unwrap();
    assert_eq!(config.mail.password, Some(Secret::new("0123")));
    assert!(config.sandbox.enabled);
    assert_eq!(config.clusters.kubeconfig_files.len(), 2);
    assert_eq!(config.log.format, crate::config::LogFormat::Json);
}

#[test]
fn a_value_of_another_kind_is_reported_with_its_source() {
    let error =
        from_environment(&[("HOSTED_INSTANCES_SERVER__TRUSTED_PROXIES", "many")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "HOSTED_INSTANCES_SERVER__TRUSTED_PROXIES in the environment cannot be used: it must be a whole number."
    );
    let error = from_environment(&[("HOSTED_INSTANCES_SERVER__LISTEN", "here")])
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("HOSTED_INSTANCES_SERVER__LISTEN cannot be used: "),
        "{error}"
    );
    let error = from_file("[sandbox]\nenabled = 3\n")
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("sandbox.enabled cannot be used in "),
        "{error}"
    );
    assert!(error.contains("here.toml"), "{error}");
}

#[test]
fn a_file_that_is_missing_or_no_toml_is_refused() {
    let missing = Sources {
        file: Some("/nowhere/at/all.toml".into()),
        ..Sources::default()
    };
    let error = missing.load().unwrap_err().to_string();
    assert!(
        error.starts_with("The configuration file /nowhere/at/all.toml cannot be read"),
        "{error}"
    );
    let error = from_file("[server]\nlisten =\n").unwrap_err().to_string();
    assert!(error.contains("is no TOML: line 2"), "{error}");
}

#[test]
fn what_makes_no_sense_is_refused_all_at_once() {
    let error = from_file("[session]\nidle_minutes = 0\n[sandbox]\npace = -1\n[database]\nurl = \"mysql://x:secret@y\"\n")
        .unwrap_err();
    assert_eq!(error.0.len(), 3, "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
}
