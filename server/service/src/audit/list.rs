//! Rows of the trail by filter, newest first, page by page. People of a tenant read their tenant's
//! chain and nothing else; what a filter asks for narrows that and never widens it.

use model::page::Page;
use model::view::AuditView;
use model::{Actor, TenantId, Timestamp, may};
use store::Db;
use store::audit::{Filter, Record};

use super::{AuditService, Export, chain_name};
use crate::context::authorise;
use crate::{Error, Result, cursor};

/// Most characters of a filter.
const LONGEST: usize = 200;

/// Which rows to list.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Rows of that tenant; none for everything (staff).
    pub tenant: Option<TenantId>,
    /// Rows of that actor: an id, a name as it was then, or a kind such as `system`.
    pub actor: Option<String>,
    /// Rows whose action begins so: `token`, `token.revoke`.
    pub action: Option<String>,
    /// Rows about that: `instance k7mq2x9dr4ht`, or only the noun, or only the key.
    pub subject: Option<String>,
    /// Rows of that time and later.
    pub from: Option<Timestamp>,
    /// Rows before that time.
    pub to: Option<Timestamp>,
    /// Rows with that text in the summary, the subject or the actor's name.
    pub q: Option<String>,
    /// Most rows; none for the default.
    pub limit: Option<u32>,
    /// Where the last page ended.
    pub cursor: Option<String>,
}

/// Rows of one chain or of all, from a place on downwards.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    db: Db,
    tenant: Option<TenantId>,
    filter: Filter,
    place: Place,
}

/// The last row that was read.
#[derive(Clone, Debug)]
struct Place {
    at: Timestamp,
    chain: String,
    sequence: i64,
}

impl Reader {
    /// The next rows; none at the end.
    pub(super) async fn next(&mut self, limit: u32) -> Result<Vec<Record>> {
        let (db, place) = (&self.db, &self.place);
        let rows = if let Some(tenant) = self.tenant {
            let chain = chain_name(Some(tenant));
            store::audit::of_chain(db, &chain, place.sequence, &self.filter, limit).await?
        } else {
            let place = (place.at, place.chain.as_str(), place.sequence);
            store::audit::before(db, place, &self.filter, limit).await?
        };
        if let Some(last) = rows.last() {
            self.place = Place {
                at: last.at,
                chain: last.chain.clone(),
                sequence: last.sequence,
            };
        }
        Ok(rows)
    }
}

impl Place {
    fn first() -> Self {
        Self {
            at: Timestamp::from_micros(i64::MAX),
            chain: String::new(),
            sequence: i64::MAX,
        }
    }

    fn read(text: &str, of_one_chain: bool) -> Result<Self> {
        let number = |text: &str| text.parse::<i64>().map_err(|_| cursor::unreadable());
        if of_one_chain {
            let [sequence] = cursor::unpack(text)?;
            return Ok(Self {
                sequence: number(&sequence)?,
                ..Self::first()
            });
        }
        let [at, chain, sequence] = cursor::unpack(text)?;
        Ok(Self {
            at: Timestamp::from_micros(number(&at)?),
            chain,
            sequence: number(&sequence)?,
        })
    }
}

impl AuditService {
    /// Rows, newest first. People of a tenant read their tenant's; staff read everything, or one
    /// tenant's.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a limit, cursor or filter that cannot be used, or when somebody of
    /// several tenants names none.
    pub async fn list(&self, actor: &Actor, filter: AuditFilter) -> Result<Page<AuditView>> {
        let tenant = scope(actor, filter.tenant)?;
        let limit = cursor::limit(filter.limit)?;
        let mut reader = self.reader(tenant, &filter)?;
        let rows = reader.next(limit + 1).await?;
        let page = Page::cut(rows, limit, |r| {
            let (at, sequence) = (r.at.micros().to_string(), r.sequence.to_string());
            match tenant {
                Some(_) => cursor::pack(&[&sequence]),
                None => cursor::pack(&[&at, &r.chain, &sequence]),
            }
        });
        Ok(page.map(view))
    }

    /// The same rows from the first to the last, a few hundred at a time; limit and cursor do not
    /// count. Rows that are written meanwhile are not among them.
    ///
    /// # Errors
    /// As [`AuditService::list`].
    pub fn export(&self, actor: &Actor, filter: &AuditFilter) -> Result<Export> {
        let tenant = scope(actor, filter.tenant)?;
        let filter = AuditFilter {
            cursor: None,
            ..filter.clone()
        };
        Ok(Export::new(self.reader(tenant, &filter)?))
    }

    fn reader(&self, tenant: Option<TenantId>, filter: &AuditFilter) -> Result<Reader> {
        let place = match &filter.cursor {
            None => Place::first(),
            Some(text) => Place::read(text, tenant.is_some())?,
        };
        Ok(Reader {
            db: self.context.db.clone(),
            tenant,
            filter: read(filter)?,
            place,
        })
    }
}

/// Whose rows: one tenant's, or all.
fn scope(actor: &Actor, asked: Option<TenantId>) -> Result<Option<TenantId>> {
    let tenant = match (asked, actor.staff(), actor.tenants()) {
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
    Ok(tenant)
}

fn read(asked: &AuditFilter) -> Result<Filter> {
    let default = Filter::default();
    let filter = Filter {
        from: asked.from.unwrap_or(default.from),
        to: asked.to.unwrap_or(default.to),
        actor: text("actor", asked.actor.as_deref())?,
        action: text("action", asked.action.as_deref())?,
        subject: text("subject", asked.subject.as_deref())?,
        pattern: cursor::search_pattern(asked.q.as_deref())?,
    };
    if filter.from >= filter.to {
        return Err(Error::invalid("to", "Choose an end after the beginning."));
    }
    Ok(filter)
}

fn text(field: &'static str, asked: Option<&str>) -> Result<String> {
    let text = asked.unwrap_or_default().trim();
    if text.chars().count() > LONGEST || text.chars().any(char::is_control) {
        return Err(Error::invalid(
            field,
            format!("Use at most {LONGEST} characters, without control characters."),
        ));
    }
    Ok(text.to_owned())
}

pub(super) fn view(record: Record) -> AuditView {
    AuditView {
        chain: record.chain,
        sequence: record.sequence,
        at: record.at,
        actor: record.actor.name,
        actor_kind: record.actor.kind,
        actor_id: record.actor.id,
        address: record.address,
        action: record.action,
        subject: record.subject,
        summary: record.summary,
        tenant: record.tenant,
        was: record.was,
        became: record.became,
        why: record.why,
        request_id: record.request_id,
        form: record.form,
        previous: record.previous,
        hash: record.hash,
    }
}
