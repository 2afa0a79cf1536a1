//! The audit trail: one row per change, in the transaction of the change. Rows form a chain per
//! tenant and one for the staff, each holding the hash of the one before, so that a changed, missing
//! or inserted row shows. Secrets never enter it; what looks like one is masked on the way in.

mod chain;
mod changes;
mod deliver;
mod entry;
mod export;
mod heads;
mod list;
mod refusal;
mod sink;
mod verify;

use std::collections::BTreeMap;
use std::io::BufRead;

use model::{Actor, TenantId, Timestamp, may};
use store::Tx;
use store::audit::Record;

pub use self::changes::{Change, changes};
pub use self::deliver::{Deliverer, Round, SinkLag};
pub use self::entry::{Entry, Why};
pub use self::export::{Export, Format};
pub use self::heads::{Heads, SignedHead};
pub use self::list::AuditFilter;
pub use self::sink::{Delivered, Sink, SinkError, signature};
pub use self::verify::{Report, Tampering};
use crate::context::authorise;
use crate::{Context, Error, Result};

/// Name of the chain of what belongs to no tenant.
pub const STAFF_CHAIN: &str = "staff";

/// Reads and checks the trail.
#[derive(Clone, Debug)]
pub struct AuditService {
    context: Context,
}

/// Heads that moved since some were exported, and chains that went back instead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// To be appended to what was exported.
    pub heads: Vec<SignedHead>,
    /// Chains that are shorter than what was exported of them: somebody cut them.
    pub receded: Vec<String>,
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
        folded: chain::folded(&entry.summary, &entry.subject, &entry.actor.name),
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
        form: chain::FORM,
        why: entry.why,
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

    /// Checks a tenant's chain, or the staff's, from its first row to its head.
    ///
    /// # Errors
    /// As [`AuditService::list`].
    pub async fn verify(&self, actor: &Actor, tenant: Option<TenantId>) -> Result<Report> {
        authorise::<may::ReadAudit>(actor, tenant, "tenant")?;
        if tenant.is_none() && actor.staff().is_none() {
            return Err(Error::NotFound { what: "tenant" });
        }
        verify::chain(&self.context.db, &chain_name(tenant), &[]).await
    }

    /// Checks every chain there is, and every one there was according to heads that were exported; for
    /// staff.
    ///
    /// # Errors
    /// As [`AuditService::list`].
    pub async fn verify_all(&self, actor: &Actor, heads: &Heads) -> Result<Vec<Report>> {
        staff_only(actor)?;
        let mut names = store::audit::chains(&self.context.db).await?;
        names.extend(heads.chains().map(str::to_owned));
        names.sort_unstable();
        names.dedup();
        let mut reports = Vec::new();
        for name in names {
            reports.push(verify::chain(&self.context.db, &name, heads.of(&name)).await?);
        }
        Ok(reports)
    }

    /// Signs the head of every chain that moved beyond what was exported; for the system.
    ///
    /// # Errors
    /// As [`AuditService::verify_all`].
    pub async fn moved(&self, actor: &Actor, exported: &BTreeMap<String, i64>) -> Result<Moved> {
        staff_only(actor)?;
        let signer = heads::Signer::new(&self.context.settings.server_key);
        let mut moved = Moved::default();
        let now = self.context.now();
        let mut gone = exported.clone();
        for (chain, sequence, hash) in store::audit::heads(&self.context.db).await? {
            let before = gone.remove(&chain).unwrap_or(0);
            match sequence.cmp(&before) {
                std::cmp::Ordering::Greater => {
                    moved.heads.push(signer.sign(chain, sequence, hash, now));
                }
                std::cmp::Ordering::Less => moved.receded.push(chain),
                std::cmp::Ordering::Equal => {}
            }
        }
        moved.receded.extend(gone.into_keys());
        Ok(moved)
    }

    /// Reads heads that were exported.
    ///
    /// # Errors
    /// When they cannot be read; lines that are not ours are counted, and no error.
    pub fn read_heads(&self, from: impl BufRead) -> std::io::Result<Heads> {
        heads::Signer::new(&self.context.settings.server_key).read(from)
    }

    /// The key that checks the signature of exported heads, as PEM.
    #[must_use]
    pub fn public_key(&self) -> String {
        heads::Signer::new(&self.context.settings.server_key).public()
    }
}

fn staff_only(actor: &Actor) -> Result<()> {
    authorise::<may::ReadAudit>(actor, None, "tenant")?;
    if actor.staff().is_none() {
        return Err(Error::Forbidden {
            detail: "Only staff check every chain.".to_owned(),
        });
    }
    Ok(())
}
