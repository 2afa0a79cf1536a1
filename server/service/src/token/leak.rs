//! Reports of leaks. Anybody may send one; tokens are found in it by form and checksum, so that what is
//! none costs no look-up, and the answer and its time are the same whether one was real or not.

use std::time::Duration;

use model::token::{EndReason, OnLeak};
use model::{Actor, Timestamp, may};
use store::access_token::Owned;
use store::token::Token;
use tokio::time::{Instant, sleep_until};

use super::notice::{people, send, staff};
use super::revoke::{Ending, end, shown};
use super::scan::{Found, redact, scan};
use super::view::announce;
use super::{LeakReport, TokenService, WHAT};
use crate::audit::Entry;
use crate::context::authorise;
use crate::limit::{self, Rate, Verdict, address_key};
use crate::ports::{Mail, TokenMail};
use crate::{Error, Origin, Result, audit};

/// Reports per address.
const REPORTS: Rate = Rate {
    per_hour: 60,
    burst: 20,
};
/// Mails about one token that was only to be told of.
const TOLD: Rate = Rate {
    per_hour: 1,
    burst: 1,
};
/// Most tokens taken from one report.
const MOST: usize = 20;
/// Longest report and longest place, in bytes.
const TEXT: usize = 100_000;
const PLACE: usize = 500;
/// An answer takes so long at least, which is longer than what is done about a real token.
const LEAST: Duration = Duration::from_millis(200);

impl TokenService {
    /// Takes the report of a leak from anybody.
    ///
    /// # Errors
    /// [`Error::Invalid`] on `text` or `place` when they are too long; [`Error::Limited`] by address.
    pub async fn report_leak(&self, report: LeakReport, origin: &Origin) -> Result<()> {
        check(&report)?;
        let answer = Instant::now() + LEAST;
        let now = self.context.now();
        let key = address_key(&self.context.settings.server_key, &origin.address);
        let mut tx = self.context.db.begin().await?;
        let verdict = limit::take(&mut tx, &format!("leak:{key}"), REPORTS, now).await?;
        tx.commit().await?;
        if let Verdict::Full { retry_after } = verdict {
            return Err(Error::Limited {
                detail: "Many leaks were reported from this address. Try again later.".to_owned(),
                retry_after,
            });
        }
        let (of, from) = (self.clone(), origin.clone());
        // A task of its own: whoever hangs up has reported it all the same.
        let work = tokio::spawn(async move { of.take_report(&report, "", &from).await });
        let (done, ()) = tokio::join!(work, sleep_until(answer));
        done.map_err(Error::internal)?
    }

    /// Takes the report of a leak from somebody whose word was verified, and who is named in the
    /// trail; not limited.
    ///
    /// # Errors
    /// [`Error::Invalid`] on `text` or `place` when they are too long.
    pub async fn report_leak_from(
        &self,
        report: LeakReport,
        reporter: &str,
        origin: &Origin,
    ) -> Result<()> {
        check(&report)?;
        self.take_report(&report, reporter, origin).await
    }

    async fn take_report(
        &self,
        report: &LeakReport,
        reporter: &str,
        origin: &Origin,
    ) -> Result<()> {
        let place = place(&report.place, reporter);
        for found in scan(&report.text, MOST) {
            match found {
                Found::Instance(token) => {
                    let known = store::token::by_hash(&self.context.db, &token.hash()).await?;
                    if let Some(known) = known.filter(|known| known.state.is_open()) {
                        self.leaked(&known, &place, origin).await?;
                    }
                }
                Found::Access(token) => {
                    let now = self.context.now();
                    let db = &self.context.db;
                    let known = store::access_token::bearer(db, &token, now).await?;
                    let Some(known) = known else { continue };
                    let owned = store::access_token::by_id(db, known.bearer.id).await?;
                    if let Some(owned) = owned {
                        self.access_leaked(&owned, &place, origin).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Does what the policy says about a leaked token, and tells its people.
    async fn leaked(&self, known: &Token, place: &str, origin: &Origin) -> Result<()> {
        let now = self.context.now();
        let policy = self.effective(known.tenant_id).await?;
        let may = authorise::<may::RevokeToken>(&Actor::System, Some(known.tenant_id), WHAT)?;
        let revoke = policy.on_leak == OnLeak::Revoke;
        let mut tx = self.context.db.begin().await?;
        store::instance::lock(&mut tx, &known.instance_id).await?;
        let token = store::token::by_id_in(&mut tx, known.id).await?;
        let Some(token) = token.filter(|token| token.state.is_open()) else {
            return Ok(());
        };
        if !revoke {
            let key = format!("leak-told:{}", token.id);
            if limit::take(&mut tx, &key, TOLD, now).await? != Verdict::Taken {
                tx.commit().await?;
                return Ok(());
            }
        }
        let end_of = if revoke {
            let ending = Ending {
                instance: &token.instance_id,
                tokens: std::slice::from_ref(&token),
                how: &|_| (EndReason::Leaked, None),
                now,
            };
            end(&mut tx, &may, ending).await?;
            "It is revoked."
        } else {
            "It stays as it is, by the tenant's policy."
        };
        let entry = Entry::new(may.actor(), origin, "token.leak")
            .of(Some(token.tenant_id))
            .about(WHAT, token.id)
            .summary(format!(
                "The token {} ({}) of {} was reported as found {place}. {end_of}",
                token.name, token.hint, token.instance_name
            ))
            .change(&shown(&token, token.state), &serde_json::Value::Null);
        audit::append(&mut tx, now, entry).await?;
        announce(&mut tx, token.id, now).await?;
        tx.commit().await?;
        self.tell(token, place.to_owned(), revoke);
        Ok(())
    }

    /// Mails beside the answer, so that its time says nothing.
    fn tell(&self, token: Token, place: String, revoked: bool) {
        let context = self.context.clone();
        tokio::spawn(async move {
            let link = format!("{}/tokens/{}", context.settings.public_url, token.id);
            match people(&context, token.tenant_id, token.owner_id).await {
                Ok(addresses) => {
                    let mail = |to: &String| {
                        let about = TokenMail {
                            to,
                            name: &token.name,
                            hint: &token.hint,
                            instance: Some(&token.instance_name),
                            link: &link,
                        };
                        context.mailer.token_leaked(&about, &place, revoked)
                    };
                    let mails: Vec<Mail> = addresses.iter().map(mail).collect();
                    send(&context, &mails).await;
                }
                Err(error) => {
                    tracing::warn!(%error, token = %token.id, "Nobody could be told of a leak.");
                }
            }
        });
    }

    /// Revokes a leaked access token, whatever the tenant's policy: it opens this control plane.
    async fn access_leaked(&self, owned: &Owned, place: &str, origin: &Origin) -> Result<()> {
        let view = &owned.view;
        let now: Timestamp = self.context.now();
        let may = authorise::<may::ManageAllAccessTokens>(&Actor::System, None, WHAT)?;
        let account = match owned.user {
            Some(user) => store::user::by_id(&self.context.db, user).await?,
            None => None,
        };
        let home = account
            .as_ref()
            .and_then(|account| account.home.filter(|_| account.staff.is_none()));
        let mut tx = self.context.db.begin().await?;
        if !store::access_token::revoke(&mut tx, &may, view.id, now).await? {
            return Ok(());
        }
        let entry = Entry::new(may.actor(), origin, "access_token.leak")
            .of(home)
            .about("access_token", view.id)
            .summary(format!(
                "The access token {} ({}) of {} was reported as found {place}. It is revoked.",
                view.name, view.hint, view.owner
            ));
        audit::append(&mut tx, now, entry).await?;
        tx.commit().await?;
        let (context, place) = (self.context.clone(), place.to_owned());
        let (name, hint) = (view.name.clone(), view.hint.clone());
        tokio::spawn(async move {
            let mut addresses: Vec<String> = account.into_iter().map(|it| it.email).collect();
            if addresses.is_empty() {
                // Made at the command line: it acted for the staff.
                addresses = staff(&context).await.unwrap_or_default();
            }
            let link = format!("{}/account", context.settings.public_url);
            let mail = |to: &String| {
                let about = TokenMail {
                    to,
                    name: &name,
                    hint: &hint,
                    instance: None,
                    link: &link,
                };
                context.mailer.token_leaked(&about, &place, true)
            };
            let mails: Vec<Mail> = addresses.iter().map(mail).collect();
            send(&context, &mails).await;
        });
        Ok(())
    }
}

fn check(report: &LeakReport) -> Result<()> {
    if report.text.len() > TEXT {
        return Err(Error::invalid("text", "Send at most 100,000 bytes."));
    }
    if report.place.len() > PLACE {
        return Err(Error::invalid("place", "Use at most 500 bytes."));
    }
    Ok(())
}

/// Where it was found, as it may be kept and mailed: one line without any token in it.
fn place(typed: &str, reporter: &str) -> String {
    let line: Vec<&str> = typed.split_whitespace().collect();
    let clean: String = redact(&line.join(" "))
        .chars()
        .filter(|c| !c.is_control())
        .collect();
    let at = if clean.is_empty() {
        "at a place that was not named".to_owned()
    } else {
        format!("at \u{201c}{clean}\u{201d}")
    };
    if reporter.is_empty() {
        at
    } else {
        format!("{at}, says {reporter}")
    }
}
