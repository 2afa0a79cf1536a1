//! Lists of tokens, newest first: a page with filters, and the instances on which somebody's tokens
//! are open. The caller's tenants limit the page; searches go over folded text and the hint.

use model::token::TokenState;
use model::{InstanceId, TenantId, TokenId, UserId};

use super::{Row, Token};
use crate::instance::tenant_list;
use crate::sql::{on, sql};
use crate::{Db, Error, Result};

sql! {
    PAGE = "select t.id, t.instance_id, i.name as instance_name, t.tenant_id, n.name as tenant_name, t.name, t.note, \
        t.owner_id, u.name as owner_name, t.hint, t.consumer, t.request_token, t.written, t.state, t.state_since, \
        t.reason, t.waiting, t.generation, t.created_at, t.created_by, t.expires_at, t.retires_at, t.due_at, \
        t.late_ms, t.replaces, t.receipt, t.cleaned, t.last_used_at, t.uses, t.usage_at, g.progress, \
        (select max(r.id) from token r where r.replaces = t.id and r.state <> 'failed') as replaced_by \
        from token t join instance i on i.id = t.instance_id join tenant n on n.id = t.tenant_id \
        left join app_user u on u.id = t.owner_id left join gate g on g.instance_id = t.instance_id \
        where ($1 = '' or t.tenant_id = $1) and ($2 = '' or t.instance_id = $2) \
        and ($3 = '' or t.owner_id = $3) and ($4 = '' or t.state = $4) \
        and ($5 = '' or $5 like '%' || t.tenant_id || '%') \
        and (t.folded like $6 escape '\\' or i.folded like $6 escape '\\' or t.instance_id like $6 escape '\\' \
            or lower(t.hint) like $7 escape '\\') \
        and t.id < $8 order by t.id desc limit $9";
    INSTANCES = "select distinct t.instance_id from token t where t.tenant_id = $1 \
        and ($2 = '' or t.owner_id = $2) and t.state in ('issuing', 'active') order by t.instance_id";
}

/// Sorts behind every id under any collation.
const END: &str = "zzzz";

/// Which tokens a list shows.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Only this tenant's.
    pub tenant: Option<TenantId>,
    /// Only of this instance.
    pub instance: Option<InstanceId>,
    /// Only those that this person answers for.
    pub owner: Option<UserId>,
    /// Only in this state.
    pub state: Option<TokenState>,
    /// Folded pattern (with `\` as escape) for name, instance or hint; `%` for all.
    pub pattern: String,
    /// Only of these tenants; none for all.
    pub tenants: Option<Vec<TenantId>>,
    /// Only those behind this one.
    pub after: Option<TokenId>,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            tenant: None,
            instance: None,
            owner: None,
            state: None,
            pattern: "%".to_owned(),
            tenants: None,
            after: None,
        }
    }
}

fn word<T: ToString>(wanted: Option<&T>) -> String {
    wanted.map_or_else(String::new, ToString::to_string)
}

/// Tokens, newest first.
///
/// # Errors
/// When the database fails or a row is broken.
pub async fn list(db: &Db, filter: &Filter, limit: u32) -> Result<Vec<Token>> {
    let after = filter
        .after
        .map_or_else(|| END.to_owned(), |id| id.to_string());
    // Folding takes the hint's one character of omission apart.
    let hint = filter.pattern.replace("...", "…");
    let rows: Vec<Row> = on!(db.read(), (c, sql) = PAGE => {
        sqlx::query_as(sql)
            .bind(word(filter.tenant.as_ref()))
            .bind(word(filter.instance.as_ref()))
            .bind(word(filter.owner.as_ref()))
            .bind(word(filter.state.as_ref()))
            .bind(tenant_list(filter.tenants.as_deref()))
            .bind(&filter.pattern)
            .bind(hint)
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(c)
            .await?
    });
    rows.into_iter().map(Token::try_from).collect()
}

/// The instances of a tenant that have open tokens, or open tokens of that owner.
///
/// # Errors
/// When the database fails or a row is broken.
pub async fn instances_with_open(
    db: &Db,
    tenant: TenantId,
    owner: Option<UserId>,
) -> Result<Vec<InstanceId>> {
    let rows: Vec<String> = on!(db.read(), (c, sql) = INSTANCES => {
        sqlx::query_scalar(sql)
            .bind(tenant.to_string())
            .bind(word(owner.as_ref()))
            .fetch_all(c)
            .await?
    });
    rows.iter()
        .map(|text| text.parse().map_err(|e| Error::broken("token", text, e)))
        .collect()
}
