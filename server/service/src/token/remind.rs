//! Reminders before a token expires. Each is noted before it is sent, so that of several processes one
//! sends it; after a long pause only the nearest is sent, and those that were passed count as sent.

use std::time::Duration;

use model::token::{DAY, REMINDERS};
use store::token::Token;

use super::TokenService;
use super::notice::{people, send};
use crate::Result;
use crate::ports::{Mail, TokenMail};

/// Tokens in one go.
const MANY: u32 = 200;

impl TokenService {
    /// Sends the reminders that are due; how many tokens somebody was reminded of.
    ///
    /// # Errors
    /// When the database fails; what was not sent is sent by a later call.
    pub async fn remind(&self) -> Result<u32> {
        let mut reminded = 0;
        let mut least = Duration::ZERO;
        // The nearest first: whoever is told of the last day is not told of the last week as well.
        for days in REMINDERS.into_iter().rev() {
            let db = &self.context.db;
            let now = self.context.now();
            for token in store::token::to_remind(db, now, days, least, MANY).await? {
                reminded += u32::from(self.remind_of(&token, days).await?);
            }
            least = days * DAY;
        }
        Ok(reminded)
    }

    async fn remind_of(&self, token: &Token, days: u32) -> Result<bool> {
        let now = self.context.now();
        let mut tx = self.context.db.begin().await?;
        if !store::token::mark(&mut tx, token.id, days, now).await? {
            return Ok(false);
        }
        for passed in REMINDERS.into_iter().filter(|mark| *mark > days) {
            store::token::mark(&mut tx, token.id, passed, now).await?;
        }
        tx.commit().await?;
        let context = &self.context;
        let addresses = people(context, token.tenant_id, token.owner_id).await?;
        let link = format!("{}/tokens/{}", context.settings.public_url, token.id);
        let mail = |to: &String| {
            let about = TokenMail {
                to,
                name: &token.name,
                hint: &token.hint,
                instance: Some(&token.instance_name),
                link: &link,
            };
            context
                .mailer
                .token_reminder(&about, token.expires_at, token.expires_at.since(now))
        };
        let mails: Vec<Mail> = addresses.iter().map(mail).collect();
        if send(context, &mails).await == 0 && !mails.is_empty() {
            // Nobody was told: the next round tries again.
            let mut tx = context.db.begin().await?;
            store::token::unmark(&mut tx, token.id, days, now).await?;
            tx.commit().await?;
            return Ok(false);
        }
        Ok(!mails.is_empty())
    }
}
