//! Putting the sources together. Each value keeps its source, so that a mistake is reported with
//! the file, the variable or the flag it came from.

use std::path::PathBuf;

use figment::providers::{Format as _, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Error, Figment, Metadata, Profile, Provider};

use super::reference::{Key, Kind, Section, reference};
use super::{Config, ConfigError, ENVIRONMENT_PREFIX};

/// Values given by flags: section, key, value.
#[derive(Clone, Debug, Default)]
pub struct Flags(Vec<(&'static str, &'static str, Value)>);

impl Flags {
    /// Adds a value if there is one.
    pub fn set(
        &mut self,
        section: &'static str,
        key: &'static str,
        value: Option<impl Into<Value>>,
    ) {
        if let Some(value) = value {
            self.0.push((section, key, value.into()));
        }
    }
}

/// Where values come from; the later wins.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// A TOML file.
    pub file: Option<PathBuf>,
    /// Environment variables.
    pub environment: Vec<(String, String)>,
    /// Flags of the command line.
    pub flags: Flags,
}

impl Sources {
    /// Reads every source and checks the whole.
    ///
    /// # Errors
    /// [`ConfigError`] with a sentence for each mistake: unknown keys, values of another kind,
    /// values that make no sense, a file that cannot be read.
    pub fn load(self) -> Result<Config, ConfigError> {
        let sections = reference();
        let mut figment = Figment::new();
        if let Some(path) = &self.file {
            refuse_unknown_in(path, &sections)?;
            figment = figment.merge(Toml::file_exact(path));
        }
        figment = figment
            .merge(environment(&self.environment, &sections)?)
            .merge(Given {
                from: "a flag",
                name: flag_name,
                values: self.flags.owned(),
            });
        let config: Config = figment.extract().map_err(|errors| {
            ConfigError(errors.into_iter().map(|error| sentence(&error)).collect())
        })?;
        config.check()?;
        Ok(config)
    }
}

impl Flags {
    fn owned(self) -> Vec<(String, String, Value)> {
        self.0
            .into_iter()
            .map(|(section, key, value)| (section.into(), key.into(), value))
            .collect()
    }
}

/// Values from one kind of source.
struct Given {
    from: &'static str,
    name: fn(&[&str]) -> String,
    values: Vec<(String, String, Value)>,
}

impl Provider for Given {
    fn metadata(&self) -> Metadata {
        let name = self.name;
        Metadata::named(self.from).interpolater(move |_: &Profile, keys: &[&str]| name(keys))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        let mut sections: Dict = Dict::new();
        for (section, key, value) in &self.values {
            let entry = sections
                .entry(section.clone())
                .or_insert_with(|| Value::from(Dict::new()));
            if let Value::Dict(_, keys) = entry {
                keys.insert(key.clone(), value.clone());
            }
        }
        Ok(Profile::Default.collect(sections))
    }
}

fn variable_name(keys: &[&str]) -> String {
    format!("{ENVIRONMENT_PREFIX}{}", keys.join("__").to_uppercase())
}

fn flag_name(keys: &[&str]) -> String {
    keys.join(".")
}

fn sentence(error: &Error) -> String {
    let path: Vec<&str> = error.path.iter().map(String::as_str).collect();
    let (name, from) = match &error.metadata {
        Some(found) => {
            let source = found.source.as_ref().map(|source| format!(" in {source}"));
            (
                found.interpolate(&Profile::Default, &path),
                source.unwrap_or_default(),
            )
        }
        None => (path.join("."), String::new()),
    };
    format!(
        "{} cannot be used{from}: {}.",
        name.trim_start_matches("default."),
        error.kind
    )
}

/// Refuses a section or key in the file that nobody reads.
fn refuse_unknown_in(path: &std::path::Path, sections: &[Section]) -> Result<(), ConfigError> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        ConfigError(vec![format!(
            "The configuration file {shown} cannot be read: {error}."
        )])
    })?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error
            .span()
            .map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        ConfigError(vec![format!(
            "The configuration file {shown} is no TOML: line {line}: {}.",
            error.message().trim_end_matches('.')
        )])
    })?;
    let mut wrong = Vec::new();
    for (name, value) in &table {
        let Some(section) = sections.iter().find(|section| section.name == *name) else {
            wrong.push(unknown(
                name,
                &format!(" in {shown}"),
                sections.iter().map(|s| s.name.clone()),
            ));
            continue;
        };
        let Some(keys) = value.as_table() else {
            wrong.push(format!(
                "{name} in {shown} is a section: write [{name}] and its keys below."
            ));
            continue;
        };
        for key in keys.keys().filter(|key| section.key(key).is_none()) {
            let known = section
                .keys
                .iter()
                .map(|known| format!("{name}.{}", known.name));
            wrong.push(unknown(
                &format!("{name}.{key}"),
                &format!(" in {shown}"),
                known,
            ));
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(ConfigError(wrong))
    }
}

/// Reads our variables; those of others, and those that other programs of ours read, are left alone.
fn environment(all: &[(String, String)], sections: &[Section]) -> Result<Given, ConfigError> {
    let (mut values, mut wrong) = (Vec::new(), Vec::new());
    for (name, text) in all {
        let Some(rest) = name.strip_prefix(ENVIRONMENT_PREFIX) else {
            continue;
        };
        let rest = rest.to_lowercase();
        let Some((section, key)) = rest.split_once("__") else {
            // Kubernetes gives variables such as …_SERVICE_HOST for a service of our name.
            if let Some(near) = meant(&rest, sections) {
                wrong.push(format!(
                    "The environment variable {name} is not read. Did you mean {near}?"
                ));
            }
            continue;
        };
        let found = sections
            .iter()
            .find(|known| known.name == section)
            .and_then(|known| known.key(key));
        match found {
            None => {
                let known = sections.iter().flat_map(|section| {
                    section
                        .keys
                        .iter()
                        .map(|key| variable_name(&[&section.name, &key.name]))
                });
                wrong.push(unknown(name, " in the environment", known));
            }
            Some(found) => match value_of(text, found) {
                Ok(value) => values.push((section.to_owned(), key.to_owned(), value)),
                Err(expected) => {
                    wrong.push(format!(
                        "{name} in the environment cannot be used: it must be {expected}."
                    ));
                }
            },
        }
    }
    if wrong.is_empty() {
        Ok(Given {
            from: "the environment",
            name: variable_name,
            values,
        })
    } else {
        Err(ConfigError(wrong))
    }
}

/// The variable somebody meant who wrote one underscore for two.
fn meant(rest: &str, sections: &[Section]) -> Option<String> {
    sections.iter().find_map(|section| {
        let key = rest.strip_prefix(&section.name)?.strip_prefix('_')?;
        section
            .key(key)
            .map(|key| variable_name(&[&section.name, &key.name]))
    })
}

/// The text of a variable as a value; the error says what it must be.
fn value_of(text: &str, key: &Key) -> Result<Value, &'static str> {
    match &key.kind {
        Kind::Whole => text
            .trim()
            .parse::<u64>()
            .map(Value::from)
            .map_err(|_| "a whole number"),
        Kind::Number => text
            .trim()
            .parse::<f64>()
            .map(Value::from)
            .map_err(|_| "a number"),
        Kind::Switch => text
            .trim()
            .parse::<bool>()
            .map(Value::from)
            .map_err(|_| "true or false"),
        Kind::List => {
            let items = text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty());
            Ok(Value::from(
                items.map(str::to_owned).collect::<Vec<String>>(),
            ))
        }
        Kind::Table => Err("set in the file"),
        Kind::Text | Kind::Choice(_) => Ok(Value::from(text)),
    }
}

fn unknown(name: &str, place: &str, known: impl Iterator<Item = String>) -> String {
    let nearest = known
        .map(|known| (distance(name, &known), known))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, known)| *distance <= known.len() / 3);
    match nearest {
        Some((_, near)) => format!("There is no setting {name}{place}. Did you mean {near}?"),
        None => format!(
            "There is no setting {name}{place}. `hosted-instances docs configuration` lists all."
        ),
    }
}

/// How many characters one must add, drop or change to make one text of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let change = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
