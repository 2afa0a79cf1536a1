//! The audit trail: one row per change, in the transaction of the change. Rows form a chain per
//! tenant and one for the staff, each holding the hash of the one before, so that a changed, missing
//! or inserted row shows. Secrets never enter it; what looks like one is masked on the way in.

mod chain;
mod entry;
mod verify;

use model::page::Page;
use model::view::AuditView;
use model::{Actor, TenantId, Timestamp, may};
use store::Tx;
use store::audit::Record;

pub use self::entry::Entry;
pub use self::verify::{Report, Tampering};
use crate::context::authorise;
use crate::cursor;
use crate::{Context, Error, Result};

/// Name of the chain of what belongs to no tenant.
pub const STAFF_CHAIN: &str = "staff";

/// Reads and checks the trail.
#[derive(Clone, Debug)]
pub struct AuditService {
    context: Context,
}

/// Which rows to list.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Rows of that tenant; none for everything (staff).
    pub tenant: Option<TenantId>,
    /// Most rows; none for the default.
    pub limit: Option<u32>,
    /// Where the last page ended.
    pub cursor: Option<String>,
}

/// Writes a row at the end of its chain; the chain is locked until the transaction ends.
///
/// # Errors
/// When the database fails.
pub(crate) async fn append(tx: &mut Tx, at: Timestamp, entry: Entry) -> Result<()> {
    let done = format!("{} {}: {}", entry.action, entry.subject, entry.summary);
    crate::idempotency::note(tx, &done).await?;
    let name = chain_name(entry.tenant);
    let (sequence, previous) = store::audit::next(tx, &name).await?;
    let mut record = Record {
        chain: name,
        sequence,
        at,
        actor: entry.actor,
        address: entry.address,
        request_id: entry.request_id,
        action: entry.action.to_owned(),
        subject: entry.subject,
        summary: entry.summary,
        tenant: entry.tenant,
        was: entry.was,
        became: entry.became,
        previous,
        hash: String::new(),
    };
    record.hash = chain::hash(&record);
    store::audit::append(tx, &record).await?;
    Ok(())
}

fn chain_name(tenant: Option<TenantId>) -> String {
    tenant.map_or_else(|| STAFF_CHAIN.to_owned(), |id| id.to_string())
}

impl AuditService {
    pub(crate) fn new(context: Context) -> Self {
        Self { context }
    }

    /// Rows, newest first. People of a tenant read their tenant's; staff read everything, or one
    /// tenant's.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a limit or cursor that cannot be used, or when somebody of several
    /// tenants names none.
    pub async fn list(&self, actor: &Actor, filter: AuditFilter) -> Result<Page<AuditView>> {
        let tenant = match (filter.tenant, actor.staff(), actor.tenants()) {
            (Some(tenant), _, _) => Some(tenant),
            (None, None, [(only, _)]) => Some(*only),
            (None, None, [_, _, ..]) => {
                return Err(Error::invalid(
                    "tenant",
                    "Say which tenant's trail to read.",
                ));
            }
            (None, _, _) => None,
        };
        authorise::<may::ReadAudit>(actor, tenant, "tenant")?;
        let limit = cursor::limit(filter.limit)?;
        let db = &self.context.db;
        if let Some(tenant) = tenant {
            let before = match &filter.cursor {
                None => i64::MAX,
                Some(text) => {
                    let [sequence] = cursor::unpack(text)?;
                    sequence.parse().map_err(|_| cursor::unreadable())?
                }
            };
            let rows =
                store::audit::of_chain(db, &chain_name(Some(tenant)), before, limit + 1).await?;
            let page = Page::cut(rows, limit, |r| cursor::pack(&[&r.sequence.to_string()]));
            return Ok(page.map(view));
        }
        let before = match &filter.cursor {
            None => (Timestamp::from_micros(i64::MAX), String::new(), 0),
            Some(text) => {
                let [at, chain, sequence] = cursor::unpack(text)?;
                let number = |text: String| text.parse::<i64>().map_err(|_| cursor::unreadable());
                (
                    Timestamp::from_micros(number(at)?),
                    chain,
                    number(sequence)?,
                )
            }
        };
        let rows = store::audit::before(db, before.0, &before.1, before.2, limit + 1).await?;
        let page = Page::cut(rows, limit, |r| {
            cursor::pack(&[
                &r.at.micros().to_string(),
                &r.chain,
                &r.sequence.to_string(),
            ])
        });
        Ok(page.map(view))
    }

    /// Checks a tenant's chain, or the staff's, from its first row to its head.
    ///
    /// # Errors
    /// As [`AuditService::list`].
    pub async fn verify(&self, actor: &Actor, tenant: Option<TenantId>) -> Result<Report> {
        authorise::<may::ReadAudit>(actor, tenant, "tenant")?;
        if tenant.is_none() && actor.staff().is_none() {
            return Err(Error::NotFound { what: "tenant" });
        }
        verify::chain(&self.context.db, &chain_name(tenant)).await
    }

    /// Checks every chain there is; for staff.
    ///
    /// # Errors
    /// As [`AuditService::list`].
    pub async fn verify_all(&self, actor: &Actor) -> Result<Vec<Report>> {
        authorise::<may::ReadAudit>(actor, None, "tenant")?;
        if actor.staff().is_none() {
            return Err(Error::Forbidden {
                detail: "Only staff check every chain.".to_owned(),
            });
        }
        let mut reports = Vec::new();
        for name in store::audit::chains(&self.context.db).await? {
            reports.push(verify::chain(&self.context.db, &name).await?);
        }
        Ok(reports)
    }
}

fn view(record: Record) -> AuditView {
    AuditView {
        sequence: record.sequence,
        at: record.at,
        actor: record.actor.name,
        address: record.address,
        action: record.action,
        subject: record.subject,
        summary: record.summary,
    }
}
