//! Reading tokens: pages, one of them, who may answer for one, and waiting until a state is settled.

use std::time::Duration;

use model::page::Page;
use model::token::{TokenDetail, TokenState, TokenView};
use model::{Actor, InstanceId, TenantId, TokenId, UserId, may};
use store::Wake;
use store::instance::Instance;
use store::token::Token;
use tokio::time::{Instant, sleep, sleep_until};

use super::scan::holds_token;
use super::view::view;
use super::{TokenFilter, TokenService, WHAT};
use crate::context::authorise;
use crate::operation::visible;
use crate::{Error, Result, cursor};

/// Longest time a caller may wait.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// A wake-up may be lost, so the row is read now and then without one.
const SAFETY: Duration = Duration::from_secs(1);
/// Many wake-ups in a row are one look.
const PAUSE: Duration = Duration::from_millis(20);

impl TokenService {
    /// A token that is there for this actor.
    pub(super) async fn find(&self, actor: &Actor, id: TokenId) -> Result<Token> {
        authorise::<may::ReadToken>(actor, None, WHAT)?;
        let found = store::token::by_id(&self.context.db, id).await?;
        let found = found.ok_or(Error::NotFound { what: WHAT })?;
        authorise::<may::ReadToken>(actor, Some(found.tenant_id), WHAT)?;
        Ok(found)
    }

    /// An instance whose tokens are there for this actor.
    pub(super) async fn find_instance(&self, actor: &Actor, id: &InstanceId) -> Result<Instance> {
        const INSTANCE: &str = "instance";
        authorise::<may::ReadToken>(actor, None, INSTANCE)?;
        let found = store::instance::by_id(&self.context.db, id).await?;
        let found = found.ok_or(Error::NotFound { what: INSTANCE })?;
        authorise::<may::ReadToken>(actor, Some(found.tenant_id), INSTANCE)?;
        Ok(found)
    }

    /// Tokens, newest first.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a search, limit or cursor that cannot be used; [`Error::NotFound`] for a
    /// tenant or instance that is not there for this actor.
    pub async fn list(&self, actor: &Actor, filter: TokenFilter) -> Result<Page<TokenView>> {
        authorise::<may::ReadToken>(actor, None, WHAT)?;
        if let Some(tenant) = filter.tenant {
            authorise::<may::ReadToken>(actor, Some(tenant), "tenant")?;
        }
        if let Some(instance) = &filter.instance {
            self.find_instance(actor, instance).await?;
        }
        let limit = cursor::limit(filter.limit)?;
        let q = filter.q.as_deref();
        if q.is_some_and(holds_token) {
            return Err(Error::invalid(
                "q",
                "This is the text of a token. Search by its name, or by its hint such as prism_k7mq…9fQ2.",
            ));
        }
        let wanted = store::token::Filter {
            tenant: filter.tenant,
            instance: filter.instance,
            owner: filter.owner,
            state: filter.state,
            pattern: cursor::search_pattern(q)?,
            tenants: visible(actor),
            after: filter.cursor.as_deref().map(place).transpose()?,
        };
        let rows = store::token::list(&self.context.db, &wanted, limit + 1).await?;
        let page = Page::cut(rows, limit, |row| cursor::pack(&[&row.id.to_string()]));
        let now = self.context.now();
        Ok(page.map(|row| view(&row, now)))
    }

    /// Everything about one token.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, or not for this actor.
    pub async fn get(&self, actor: &Actor, id: TokenId) -> Result<TokenDetail> {
        let found = self.find(actor, id).await?;
        let instance = store::instance::by_id(&self.context.db, &found.instance_id).await?;
        let host = instance.as_ref().and_then(|it| it.host.as_deref());
        let settings = instance.as_ref().and_then(|it| it.settings.as_ref());
        let cluster = instance.as_ref().and_then(|it| it.cluster.as_ref());
        let latency = match cluster {
            Some(cluster) => {
                let now = self.context.now();
                store::proof::latencies(&self.context.db, Some(cluster), now).await?
            }
            None => Vec::new(),
        };
        let latency = latency.into_iter().next().map(|(_, latency)| latency);
        Ok(TokenDetail {
            url: host.zip(settings).map(|(host, it)| it.url_of(host)),
            latency,
            token: view(&found, self.context.now()),
            progress: found
                .progress
                .filter(|progress| progress.generation >= found.generation),
        })
    }

    /// Waits until a token is active, revoked or failed, a minute at most, and shows it as it is then.
    ///
    /// # Errors
    /// As [`TokenService::get`].
    pub async fn wait(&self, actor: &Actor, id: TokenId, within: Duration) -> Result<TokenView> {
        let end = Instant::now() + within.min(LONGEST_WAIT);
        let mut bell = self.context.db.listen(Wake::Events);
        loop {
            bell.borrow_and_update();
            let found = self.find(actor, id).await?;
            let settled = !matches!(found.state, TokenState::Issuing | TokenState::Revoking);
            if settled || Instant::now() >= end {
                return Ok(view(&found, self.context.now()));
            }
            tokio::select! {
                () = async { let _ = bell.changed().await; sleep(PAUSE).await } => {}
                () = sleep(SAFETY) => {}
                () = sleep_until(end) => {}
            }
        }
    }

    /// Who may answer for a tenant's tokens: its members, by id and name.
    ///
    /// # Errors
    /// [`Error::NotFound`] or [`Error::Forbidden`].
    pub async fn owners(&self, actor: &Actor, tenant: TenantId) -> Result<Vec<(UserId, String)>> {
        authorise::<may::IssueToken>(actor, Some(tenant), "tenant")?;
        let members = store::membership::list(&self.context.db, tenant).await?;
        let known = members.into_iter();
        Ok(known
            .filter_map(|member| Some((member.user_id?, member.name)))
            .collect())
    }
}

fn place(text: &str) -> Result<TokenId> {
    let [id] = cursor::unpack(text)?;
    id.parse().map_err(|_| cursor::unreadable())
}
