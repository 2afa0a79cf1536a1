//! The catalogue of releases: loaded from a file at the start, managed in the console afterwards.

use model::event::Subject;
use model::release::{Channel, Release, Version};
use model::view::ReleaseView;
use model::{Actor, Authorised, Timestamp, may};
use serde::Deserialize;
use serde_json::json;
use store::Tx;

use crate::audit::Entry;
use crate::context::authorise;
use crate::error::Fields;
use crate::{Context, Error, Origin, Result, audit, event};

const WHAT: &str = "release";

/// Reads and changes the catalogue.
#[derive(Clone, Debug)]
pub struct ReleaseService {
    context: Context,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    #[serde(default)]
    release: Vec<Release>,
}

/// Reads a catalogue file.
///
/// # Errors
/// [`Error::Invalid`] on `releases`, with the line.
pub fn parse_catalogue(text: &str) -> Result<Vec<Release>> {
    let catalogue: Catalogue = toml::from_str(text).map_err(|e| Error::invalid("releases", e))?;
    for release in &catalogue.release {
        check(release)?;
    }
    Ok(catalogue.release)
}

impl ReleaseService {
    pub(crate) fn new(context: Context) -> Self {
        Self { context }
    }

    /// The catalogue, the newest first.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for nobody.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<ReleaseView>> {
        authorise::<may::ReadRelease>(actor, None, WHAT)?;
        let mut list = store::release::all(&self.context.db).await?;
        for view in &mut list {
            hide_from_tenants(actor, view);
        }
        Ok(list)
    }

    /// One release.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&self, actor: &Actor, version: Version) -> Result<ReleaseView> {
        authorise::<may::ReadRelease>(actor, None, WHAT)?;
        let found = store::release::by_version(&self.context.db, version).await?;
        let mut view = found.ok_or(Error::NotFound { what: WHAT })?;
        hide_from_tenants(actor, &mut view);
        Ok(view)
    }

    /// Adds a release, or replaces what the catalogue says of it.
    ///
    /// # Errors
    /// [`Error::Invalid`] by field.
    pub async fn put(
        &self,
        actor: &Actor,
        release: Release,
        origin: &Origin,
    ) -> Result<ReleaseView> {
        let may: Authorised<may::ChangeRelease> = self
            .context
            .allow(actor, None, WHAT, "release.put", origin)
            .await?;
        check(&release)?;
        let at = self.context.now();
        let version = release.version;
        let mut tx = self.context.db.begin().await?;
        let before = store::release::by_version_in(&mut tx, version).await?;
        store::release::put(&mut tx, &may, &release).await?;
        let verb = if before.is_some() { "Changed" } else { "Added" };
        let entry = Entry::new(may.actor(), origin, "release.put")
            .about(WHAT, version)
            .summary(format!("{verb} the release {version}."))
            .change(
                &json!(before.as_ref().map(|view| &view.release)),
                &json!(release),
            );
        audit::append(&mut tx, at, entry).await?;
        announce(&mut tx, at, &release).await?;
        tx.commit().await?;
        Ok(ReleaseView {
            release,
            instances: before.map_or(0, |view| view.instances),
        })
    }

    /// Moves a release to another channel.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn set_channel(
        &self,
        actor: &Actor,
        version: Version,
        channel: Channel,
        origin: &Origin,
    ) -> Result<ReleaseView> {
        let may: Authorised<may::ChangeRelease> = self
            .context
            .allow(actor, None, WHAT, "release.set_channel", origin)
            .await?;
        let at = self.context.now();
        let mut tx = self.context.db.begin().await?;
        let before = store::release::by_version_in(&mut tx, version).await?;
        let mut view = before.ok_or(Error::NotFound { what: WHAT })?;
        if view.release.channel == channel {
            return Ok(view);
        }
        store::release::set_channel(&mut tx, &may, version, channel).await?;
        let was = view.release.channel.as_str();
        let entry = Entry::new(may.actor(), origin, "release.set_channel")
            .about(WHAT, version)
            .summary(format!(
                "Moved the release {version} from {was} to {}.",
                channel.as_str()
            ))
            .change(&json!({"channel": was}), &json!({"channel": channel}));
        audit::append(&mut tx, at, entry).await?;
        view.release.channel = channel;
        announce(&mut tx, at, &view.release).await?;
        tx.commit().await?;
        Ok(view)
    }

    /// Adds the releases of a catalogue file that are not there yet, and changes nothing; how many.
    ///
    /// # Errors
    /// [`Error::Invalid`] on `releases` for a file that cannot be read.
    pub async fn seed(&self, text: &str) -> Result<u32> {
        let releases = parse_catalogue(text)?;
        let may: Authorised<may::ChangeRelease> = authorise(&Actor::System, None, WHAT)?;
        let at = self.context.now();
        let mut tx = self.context.db.begin().await?;
        let mut added = Vec::new();
        for release in &releases {
            if store::release::add(&mut tx, &may, release).await? {
                added.push(release.version.to_string());
            }
        }
        if added.is_empty() {
            return Ok(0);
        }
        let entry = Entry::new(may.actor(), &Origin::local(), "release.seed")
            .about(WHAT, "catalogue")
            .summary(format!(
                "Added from the catalogue file: {}.",
                added.join(", ")
            ));
        audit::append(&mut tx, at, entry).await?;
        for release in releases
            .iter()
            .filter(|r| added.contains(&r.version.to_string()))
        {
            announce(&mut tx, at, release).await?;
        }
        tx.commit().await?;
        Ok(u32::try_from(added.len()).unwrap_or(u32::MAX))
    }
}

/// How many instances of all tenants are on a release is for staff to know.
fn hide_from_tenants(actor: &Actor, view: &mut ReleaseView) {
    if actor.staff().is_none() {
        view.instances = 0;
    }
}

async fn announce(tx: &mut Tx, at: Timestamp, release: &Release) -> Result<()> {
    let version = release.version.to_string();
    let data = json!({"version": version, "channel": release.channel});
    event::append(tx, at, Subject::Release, &version, None, &data).await?;
    Ok(())
}

fn check(release: &Release) -> Result<()> {
    let mut fields = Fields::default();
    let word = |text: &str, most: usize| {
        (1..=most).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-/:@+".contains(&b))
    };
    if !word(&release.chart_revision, 100) || release.chart_revision.starts_with('-') {
        fields.add(
            "chart_revision",
            "Name a Git tag, branch or commit, such as v2.2.0.",
        );
    }
    if release.images.len() > 20 {
        fields.add("images", "Name at most 20 images.");
    }
    for (component, image) in release.images.iter().take(20) {
        if !word(component, 40) || !word(image, 300) || component.contains(['/', ':']) {
            let why = "Use a component and an image such as registry.example/name:2.2.0.";
            fields.add("images", why);
        }
    }
    if release.schema.len() > 20 || release.schema.keys().any(|name| !word(name, 40)) {
        fields.add(
            "schema",
            "Name at most 20 databases and their highest migration.",
        );
    }
    if release
        .destroys
        .as_ref()
        .is_some_and(|text| !sentence(text))
    {
        fields.add(
            "destroys",
            "Say in 1 to 500 characters on one line what is destroyed.",
        );
    }
    if !release.notes.is_empty() && !sentence(&release.notes) {
        fields.add("notes", "Use at most 500 characters on one line.");
    }
    fields.done()
}

fn sentence(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= 500 && !text.chars().any(char::is_control)
}
