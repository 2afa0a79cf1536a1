//! The tokens of an instance that is being deleted: all of them end at once, their proof is waited for,
//! and only then are their keys taken away, since later no route is left that could be asked. A staff
//! owner may let the deletion go on without the proof.

use model::plan::Ending;
use model::token::{EndReason, UNPROVEN_AFTER};

use super::job::{Job, Stopped};
use crate::Result;
use crate::ports::{ClusterError, Target};
use crate::token::{Ending as End, announce, end};

/// How far the tokens are, as rows say.
#[derive(Clone, Debug, Default)]
pub(super) struct Tokens {
    open: bool,
    waiting: Option<String>,
    overdue: bool,
    unproven: Option<String>,
}

impl Tokens {
    /// Reads how far they are.
    pub async fn read(job: &Job) -> Result<Self> {
        let (db, id) = (&job.context.db, &job.instance.id);
        let gate = store::gate::by_id(db, id).await?;
        let keys = store::gate::token::of_instance(db, id).await?;
        let unproven = job.operation.wish.unproven.clone();
        let open = keys.iter().any(|key| key.state.is_open());
        let Some(gate) = gate.filter(|gate| !gate.is_proven()) else {
            return Ok(Self {
                open,
                unproven,
                ..Self::default()
            });
        };
        let begun = job.begun(model::operation::StepName::RevokeTokens);
        let late = begun.is_some_and(|begun| job.now().since(begun) >= UNPROVEN_AFTER);
        let proof = gate
            .progress
            .filter(|it| it.generation >= gate.wish.generation);
        let said = gate
            .waiting
            .or_else(|| proof.and_then(|proof| proof.waiting()));
        Ok(Self {
            open,
            waiting: Some(said.unwrap_or_else(|| "The first answers are awaited.".to_owned())),
            overdue: late || gate.unproven_since.is_some(),
            unproven,
        })
    }

    /// The same for the plan.
    pub fn ending(&self) -> Ending<'_> {
        Ending {
            open: self.open,
            waiting: self.waiting.as_deref(),
            overdue: self.overdue,
            gone_on: self.unproven.is_some(),
        }
    }

    /// Whether nothing is left to end, so that the keys may go.
    pub fn is_over(&self) -> bool {
        !self.open
    }

    /// What is to be said beside a step that went on without the proof.
    pub fn went_on(&self) -> Option<String> {
        let why = self.unproven.as_ref()?;
        self.waiting.as_ref().map(|waiting| {
            format!("Went on without the proof: {why} What it waited for: {waiting}")
        })
    }
}

/// Every open token of the instance begins to end, with one move of the gate.
pub(super) async fn end_tokens(job: &mut Job) -> std::result::Result<(), Stopped> {
    let mut tx = job.open().await?;
    job.lock_instance(&mut tx).await?;
    let now = job.now();
    let tokens = store::token::open_of(&mut tx, &job.instance.id).await?;
    if !tokens.is_empty() {
        let ending = End {
            instance: &job.instance.id,
            tokens: &tokens,
            how: &|_| (EndReason::Deleted, None),
            now,
        };
        job.instance.gate_generation = end(&mut tx, &job.held, ending).await?;
        for token in &tokens {
            announce(&mut tx, token.id, now).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

/// Takes the entries of tokens away that are left in Secrets Manager.
pub(super) async fn remove_entries(
    job: &Job,
    target: &Target,
) -> std::result::Result<(), ClusterError> {
    let keys = store::gate::token::of_instance(&job.context.db, &job.instance.id).await;
    let keys = keys.map_err(|error| ClusterError::Busy(format!("the database: {error}")))?;
    for key in keys.iter().filter(|key| !key.cleaned) {
        job.context
            .clusters
            .remove_token(target, &key.consumer)
            .await?;
    }
    Ok(())
}
