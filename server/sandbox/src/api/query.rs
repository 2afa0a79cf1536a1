//! Query parameters of the API, parsed once.

use crate::failure::Failure;
use crate::store::delete::Propagation;
use http::Uri;
use std::collections::HashMap;

/// What a request asks beyond its path.
#[derive(Debug, Default)]
pub struct Query {
    all: HashMap<String, String>,
}

impl Query {
    pub fn parse(uri: &Uri) -> Result<Self, Failure> {
        axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map(|query| Self {
                all: query.0.into_iter().collect(),
            })
            .map_err(|_| Failure::bad_request("the query string could not be read"))
    }

    pub fn get(&self, name: &str) -> &str {
        self.all.get(name).map_or("", String::as_str)
    }

    pub fn flag(&self, name: &str) -> bool {
        self.all
            .get(name)
            .is_some_and(|value| matches!(value.as_str(), "true" | "1" | ""))
    }

    /// A non-negative whole number; absent is `None`.
    pub fn number(&self, name: &str) -> Result<Option<u64>, Failure> {
        match self.get(name) {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| {
                Failure::bad_request(format!("{name}: \"{text}\" is not a whole number"))
            }),
        }
    }

    pub fn dry(&self) -> Result<bool, Failure> {
        match self.get("dryRun") {
            "" => Ok(false),
            "All" => Ok(true),
            other => Err(Failure::bad_request(format!(
                "dryRun: \"{other}\" is not supported"
            ))),
        }
    }

    pub fn propagation(&self) -> Result<Option<Propagation>, Failure> {
        propagation(self.get("propagationPolicy"))
    }
}

/// A propagation policy by its name; nothing is `None`.
pub fn propagation(text: &str) -> Result<Option<Propagation>, Failure> {
    match text {
        "" => Ok(None),
        "Background" => Ok(Some(Propagation::Background)),
        "Foreground" => Ok(Some(Propagation::Foreground)),
        "Orphan" => Ok(Some(Propagation::Orphan)),
        other => Err(Failure::bad_request(format!(
            "propagationPolicy: \"{other}\" is not supported"
        ))),
    }
}
