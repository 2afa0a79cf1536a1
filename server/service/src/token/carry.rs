//! The part of issuing that leaves this process: the entry in Secrets Manager, and the way back when
//! it is not taken. A refusal that is certain leaves nothing; where nobody knows, the entry is taken
//! away again, and only if that is not certain either does the row stay, as failed.

use std::time::Duration;

use model::instance::InstanceState;
use model::{Authorised, may};
use store::token::Token;
use tokio::time::timeout;

use super::issue::{Draft, not_running};
use super::view::{announce, view};
use super::{IssuedToken, TokenService, WHAT};
use crate::audit::Entry;
use crate::ports::{ClusterError, NewTokenEntry, Target};
use crate::{Error, Origin, Result, audit, event, idempotency};

/// When an issue that was not taken may be tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// Where a token stands after Secrets Manager has it.
pub(super) enum Carried {
    /// The gate opens for it.
    Through(Box<Token>),
    /// Somebody ended it meanwhile.
    Ended,
    /// Its instance is in that state now.
    Closed(InstanceState),
}

/// What became of the entry.
enum Entered {
    Written,
    /// Nothing was written.
    Refused(String),
    /// Nobody knows.
    Unknown(String),
}

impl TokenService {
    /// Gives a token to Secrets Manager and opens the gate for it, or undoes what was begun.
    pub(super) async fn carry(
        &self,
        may: &Authorised<may::IssueToken>,
        draft: Draft,
        aim: (Target, String),
        origin: &Origin,
        action: &'static str,
    ) -> Result<IssuedToken> {
        let (target, url) = aim;
        let (certain, error) = match self.enter(&target, &draft).await {
            Entered::Written => match self.complete(may, &draft).await? {
                Carried::Through(token) => {
                    return Ok(IssuedToken {
                        view: view(&token, self.context.now()),
                        token: draft.token,
                        url: Some(url),
                    });
                }
                Carried::Ended => (false, revoked_meanwhile()),
                Carried::Closed(state) => (false, not_running(state)),
            },
            Entered::Refused(why) => (true, not_taken(&draft, &why)),
            Entered::Unknown(why) => (false, not_taken(&draft, &why)),
        };
        let gone = certain || self.take_back(&target, &draft).await;
        self.undo(may, &draft, gone, origin, action).await?;
        Err(error)
    }

    async fn enter(&self, target: &Target, draft: &Draft) -> Entered {
        let entry = NewTokenEntry {
            consumer: draft.consumer.clone(),
            token: draft.token.clone(),
            request_token: draft.id.to_string(),
        };
        let patience = self.context.settings.token_patience;
        let writing = self.context.clusters.write_token(target, &entry);
        match timeout(patience, writing).await {
            Ok(Ok(())) => Entered::Written,
            Ok(Err(error @ (ClusterError::Refused(_) | ClusterError::Misconfigured(_)))) => {
                Entered::Refused(error.to_string())
            }
            Ok(Err(error)) => Entered::Unknown(error.to_string()),
            Err(_) => Entered::Unknown(format!("no answer within {} s", patience.as_secs())),
        }
    }

    /// Whether the entry is certainly not there any more.
    async fn take_back(&self, target: &Target, draft: &Draft) -> bool {
        let removing = self.context.clusters.remove_token(target, &draft.consumer);
        let removed = timeout(self.context.settings.token_patience, removing).await;
        matches!(removed, Ok(Ok(())))
    }

    /// Drops the row of a token that is nowhere, or keeps it as failed until what may be left is gone.
    async fn undo(
        &self,
        may: &Authorised<may::IssueToken>,
        draft: &Draft,
        gone: bool,
        origin: &Origin,
        action: &'static str,
    ) -> Result<()> {
        const WHY: &str = "Secrets Manager did not say whether it has the key; what may be left is being removed.";
        let now = self.context.now();
        let mut tx = self.context.db.begin().await?;
        store::instance::lock(&mut tx, &draft.instance).await?;
        let dropped = gone && store::token::delete(&mut tx, may, draft.id).await?;
        let failed = !gone && store::token::fail(&mut tx, may, draft.id, WHY, now).await?;
        if (dropped || failed)
            && let Some(before) = draft.replaces
        {
            store::token::restore(&mut tx, may, before).await?;
        }
        if failed {
            store::gate::nudge(&mut tx, &draft.instance, now).await?;
        }
        let end = if gone {
            "nothing is left of it"
        } else {
            "what may be left of it is being removed"
        };
        let entry = Entry::new(may.actor(), origin, action)
            .of(Some(draft.tenant))
            .about(WHAT, draft.id)
            .summary(format!("The token {} was not issued; {end}.", draft.name));
        audit::append(&mut tx, now, entry).await?;
        // What was begun is undone, so a repeat of the request counts as the first.
        idempotency::note(&mut tx, "").await?;
        if dropped {
            let data =
                serde_json::json!({"id": draft.id, "instance_id": draft.instance, "deleted": true});
            let (subject, tenant) = (model::event::Subject::Token, Some(draft.tenant));
            event::append(&mut tx, now, subject, &draft.id.to_string(), tenant, &data).await?;
        } else {
            announce(&mut tx, draft.id, now).await?;
        }
        if let Some(before) = draft.replaces {
            announce(&mut tx, before, now).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

fn not_taken(draft: &Draft, why: &str) -> Error {
    // An adapter that repeats what it sent must not put it into the log.
    let why = super::scan::redact(why);
    tracing::warn!(token = %draft.id, instance = %draft.instance, why, "Secrets Manager did not take a token.");
    Error::unavailable(
        "Secrets Manager does not take the token at the moment. It was not issued; try again shortly.",
        AGAIN,
    )
}

fn revoked_meanwhile() -> Error {
    Error::conflict(
        "revoked_meanwhile",
        "Somebody revoked this token while it was being issued. It opens nothing.",
    )
}
