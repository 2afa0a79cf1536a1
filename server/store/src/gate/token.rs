//! Tokens as the keeper of a gate knows them: which keys belong on the cluster, which are to go, and
//! what became of them. What people do to tokens is in [`crate::token`]; here every write demands the
//! gate, and the transaction has asked [`super::claim::hold`] before.

use model::enforcement::Receipt;
use model::token::TokenState;
use model::{InstanceId, Timestamp, TokenId};

use super::Held;
use crate::sql::{on, sql};
use crate::{Db, Error, Result, Tx};

sql! {
    OF_INSTANCE = "select id, name, consumer, request_token, written, state, state_since, waiting, generation, cleaned \
        from token where instance_id = $1 and (state in ('issuing', 'active', 'revoking') or cleaned = false) order by id";
    REVOKED = "update token set state = 'revoked', state_since = $2, waiting = null, receipt = $3 \
        where id = $1 and state = 'revoking'";
    ACTIVE = "update token set state = 'active', state_since = $2, waiting = null where id = $1 and state = 'issuing'";
    WAITING = "update token set waiting = $3 where id = $1 and state = $2";
    GONE = "update token set state = case when state = 'failed' then state else 'revoked' end, \
        state_since = case when state = 'revoking' then $2 else state_since end, waiting = null, cleaned = true \
        where instance_id = $1 and (state = 'revoking' or cleaned = false) returning id";
    CLEANED = "update token set cleaned = true where id = $1 and state in ('revoking', 'revoked', 'failed')";
}

/// A token's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The token.
    pub id: TokenId,
    /// What the token is called.
    pub name: String,
    /// Its consumer.
    pub consumer: String,
    /// The request token its entry was written with.
    pub request_token: String,
    /// Whether its entry was written.
    pub written: bool,
    /// Where the token is in its life.
    pub state: TokenState,
    /// Since when.
    pub since: Timestamp,
    /// What it waits for.
    pub waiting: Option<String>,
    /// Generation of the gate that let it pass, or lets it pass no more.
    pub generation: i64,
    /// Whether nothing of it is left on the cluster and in Secrets Manager.
    pub cleaned: bool,
}

impl Key {
    /// Whether its consumer belongs on the cluster.
    #[must_use]
    pub fn is_wished(&self) -> bool {
        self.written && self.state.is_open()
    }

    /// Whether what there is of it is to go.
    #[must_use]
    pub fn is_over(&self) -> bool {
        !self.cleaned && !self.state.is_open()
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    name: String,
    consumer: String,
    request_token: String,
    written: bool,
    state: String,
    state_since: i64,
    waiting: Option<String>,
    generation: i64,
    cleaned: bool,
}

impl TryFrom<Row> for Key {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let broken = |why: &dyn std::fmt::Display| Error::broken("token", &row.id, why);
        Ok(Self {
            id: row.id.parse().map_err(|e| broken(&e))?,
            state: TokenState::parse(&row.state).ok_or_else(|| broken(&"state"))?,
            name: row.name,
            consumer: row.consumer,
            request_token: row.request_token,
            written: row.written,
            since: Timestamp::from_micros(row.state_since),
            waiting: row.waiting,
            generation: row.generation,
            cleaned: row.cleaned,
        })
    }
}

/// The tokens of an instance that are open, are ending, or of which something is left to clean up.
///
/// # Errors
/// As the database reports.
pub async fn of_instance(db: &Db, instance: &InstanceId) -> Result<Vec<Key>> {
    let rows: Vec<Row> = on!(db.read(), (c, sql) = OF_INSTANCE => {
        sqlx::query_as(sql).bind(instance.as_str()).fetch_all(c).await?
    });
    rows.into_iter().map(Key::try_from).collect()
}

/// A token is revoked, proven by the receipt; without one when nothing was left that could be asked.
/// False when it was not being revoked.
///
/// # Errors
/// As the database reports.
pub async fn revoked(
    tx: &mut Tx,
    _held: &Held,
    id: TokenId,
    receipt: Option<&Receipt>,
    now: Timestamp,
) -> Result<bool> {
    let receipt = receipt.map(serde_json::to_string).transpose();
    let receipt = receipt.map_err(|e| Error::broken("token", id, e))?;
    Ok(on!(tx.handle(), (c, sql) = REVOKED => {
        sqlx::query(sql)
            .bind(id.to_string())
            .bind(now.micros())
            .bind(&receipt)
            .execute(c)
            .await?
            .rows_affected()
    }) == 1)
}

/// A token has arrived at every worker. False when it is not being issued.
///
/// # Errors
/// As the database reports.
pub async fn active(tx: &mut Tx, _held: &Held, id: TokenId, now: Timestamp) -> Result<bool> {
    Ok(on!(tx.handle(), (c, sql) = ACTIVE => {
        sqlx::query(sql).bind(id.to_string()).bind(now.micros()).execute(c).await?.rows_affected()
    }) == 1)
}

/// What a token waits for. False when it is in another state by now.
///
/// # Errors
/// As the database reports.
pub async fn waiting(
    tx: &mut Tx,
    _held: &Held,
    id: TokenId,
    state: TokenState,
    why: Option<&str>,
) -> Result<bool> {
    Ok(on!(tx.handle(), (c, sql) = WAITING => {
        sqlx::query(sql)
            .bind(id.to_string())
            .bind(state.as_str())
            .bind(why)
            .execute(c)
            .await?
            .rows_affected()
    }) == 1)
}

/// Nothing of a token is left on the cluster and in Secrets Manager.
///
/// # Errors
/// As the database reports.
pub async fn cleaned(tx: &mut Tx, _held: &Held, id: TokenId) -> Result<()> {
    on!(tx.handle(), (c, sql) = CLEANED => {
        sqlx::query(sql).bind(id.to_string()).execute(c).await?;
    });
    Ok(())
}

/// The instance is gone, and with it everything of its tokens: what was still being revoked is revoked,
/// without a receipt. Gives the tokens that this is about.
///
/// # Errors
/// As the database reports.
pub async fn gone(
    tx: &mut Tx,
    held: &crate::operation::Held,
    now: Timestamp,
) -> Result<Vec<TokenId>> {
    let rows: Vec<(String,)> = on!(tx.handle(), (c, sql) = GONE => {
        sqlx::query_as(sql)
            .bind(held.instance().as_str())
            .bind(now.micros())
            .fetch_all(c)
            .await?
    });
    let id = |(id,): (String,)| id.parse().map_err(|e| Error::broken("token", &id, e));
    rows.into_iter().map(id).collect()
}
