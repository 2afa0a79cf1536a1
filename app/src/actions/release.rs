//! Releases: the catalogue, adding one, moving one to another channel.

use std::collections::BTreeMap;

use axum::extract::Path;
use axum::response::Response;
use model::permission::Permission;
use model::release::{Channel, Release, Version};
use service::Error;
use service::error::Fields;

use super::Table;
use super::desk::{Desk, id};
use super::posted::Posted;
use crate::pages::releases;
use crate::ui::form::Form;

const PATH: &str = "/releases";

pub fn routes<S: Clone + Send + Sync + 'static>(table: Table<S>) -> Table<S> {
    table
        .page(PATH, list)
        .form(PATH, add)
        .form("/releases/{version}/channel", channel)
}

async fn page(desk: &Desk, form: &Form) -> Response {
    let found = desk.services.release.list(&desk.caller.actor).await;
    desk.answer(found, |caller, found| releases::page(caller, &found, form))
}

async fn list(desk: Desk) -> Response {
    page(&desk, &Form::default()).await
}

/// `name: value` lines as a map; a line of another form is named.
fn lines(text: &str) -> Result<BTreeMap<String, String>, String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| match line.split_once(':') {
            Some((name, value)) if !name.trim().is_empty() && !value.trim().is_empty() => {
                Ok((name.trim().to_owned(), value.trim().to_owned()))
            }
            _ => Err(format!(
                "Write each line as name: value; this one is not: {line}"
            )),
        })
        .collect()
}

fn levels(text: &str) -> Result<BTreeMap<String, u32>, String> {
    let level = |(name, level): (String, String)| match level.parse() {
        Ok(level) => Ok((name, level)),
        Err(_) => Err(format!("The level of {name} is a whole number.")),
    };
    lines(text)?.into_iter().map(level).collect()
}

fn release(posted: &Posted) -> Result<Release, Error> {
    let mut wrong = Fields::default();
    let version = wrong.take("version", posted.get("version").trim().parse::<Version>());
    let channel = Channel::parse(posted.get("channel")).ok_or("Choose one of the channels.");
    let channel = wrong.take("channel", channel);
    let images = wrong.take("images", lines(posted.get("images")));
    let schema = wrong.take("schema", levels(posted.get("schema")));
    let chart = posted
        .optional("chart_revision")
        .ok_or("Enter the revision of the chart.");
    let chart = wrong.take("chart_revision", chart);
    match (version, channel, images, schema, chart) {
        (Some(version), Some(channel), Some(images), Some(schema), Some(chart_revision)) => {
            Ok(Release {
                version,
                channel,
                chart_revision,
                images,
                schema,
                destroys: posted.optional("destroys"),
                notes: posted.get("notes").trim().to_owned(),
            })
        }
        _ => Err(wrong.into_error()),
    }
}

async fn add(desk: Desk, posted: Posted) -> Response {
    let caller = &desk.caller;
    let made = match release(&posted) {
        Ok(release) => {
            desk.services
                .release
                .put(&caller.actor, release, &caller.origin)
                .await
        }
        Err(error) => desk.allowed(Permission::ChangeRelease).and(Err(error)),
    };
    match made {
        Ok(one) => desk.done(
            format!("Release {} is in the catalogue.", one.release.version),
            PATH,
        ),
        Err(error) => match Desk::refused(error, posted.into_form()) {
            Ok(form) => page(&desk, &form).await,
            Err(error) => desk.failed(&error),
        },
    }
}

async fn channel(desk: Desk, Path(text): Path<String>, posted: Posted) -> Response {
    let caller = &desk.caller;
    let wished = id::<Version>(&text, "release").and_then(|version| {
        let channel = Channel::parse(posted.get("channel"));
        Ok((
            version,
            channel.ok_or_else(|| Error::invalid("channel", "Choose one of the channels."))?,
        ))
    });
    let done = match wished {
        Ok((version, channel)) => {
            desk.services
                .release
                .set_channel(&caller.actor, version, channel, &caller.origin)
                .await
        }
        Err(error) => Err(error),
    };
    let said = |one: model::view::ReleaseView| {
        format!(
            "{} is {} now.",
            one.release.version,
            one.release.channel.as_str()
        )
    };
    desk.outcome(done, said, PATH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_wrong_ones_named() {
        let read = lines("agent: ghcr.io/a/b:2.1.0\n\n database: postgres:15 \r\n").unwrap();
        assert_eq!(read["agent"], "ghcr.io/a/b:2.1.0");
        assert_eq!(read["database"], "postgres:15");
        assert!(lines("agent").unwrap_err().contains("agent"));
        assert_eq!(levels("agent: 21").unwrap()["agent"], 21);
        assert!(levels("agent: x").unwrap_err().contains("agent"));
    }
}
