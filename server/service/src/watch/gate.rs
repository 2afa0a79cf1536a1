//! What a watch tells the keepers of gates: that an object on the cluster is not what is wished for, so
//! that it is mended at once and not at the next round; and that a cluster answers again.

use model::instance::InstanceState;
use model::observation::GateFact;
use model::{InstanceId, Timestamp};
use store::gate::Gate;

use super::room::Room;
use crate::enforcement::differs;
use crate::{Context, Result};

/// Tells the keepers what has changed since the last time.
pub(super) async fn tell(context: &Context, room: &mut Room) -> Result<()> {
    let now = context.now();
    if std::mem::take(&mut room.back) {
        let mut tx = context.db.begin().await?;
        store::gate::nudge_cluster(&mut tx, &room.settings.name, now).await?;
        tx.commit().await?;
    }
    let news: Vec<(InstanceId, Option<GateFact>)> = room
        .tiles
        .iter_mut()
        .filter_map(|(id, tile)| {
            let there = tile.seen.as_ref().and_then(|seen| seen.gate.clone());
            std::mem::take(&mut tile.gate_news).then(|| (id.clone(), there))
        })
        .collect();
    for (id, there) in news {
        let gate = store::gate::by_id(&context.db, &id).await?;
        if gate.is_some_and(|gate| is_foreign(&gate, there.as_ref())) {
            nudge(context, &id, now).await?;
        }
    }
    Ok(())
}

async fn nudge(context: &Context, id: &InstanceId, now: Timestamp) -> Result<()> {
    let mut tx = context.db.begin().await?;
    store::gate::nudge(&mut tx, id, now).await?;
    tx.commit().await?;
    Ok(())
}

/// Whether what stands there is neither the wish nor what was wished for before it.
fn is_foreign(gate: &Gate, there: Option<&GateFact>) -> bool {
    use InstanceState as S;
    let ours = matches!(gate.state, S::Running | S::Changing | S::Hibernated);
    let ahead = there.is_some_and(|there| there.generation > gate.wish.generation);
    let written = gate.written >= gate.wish.generation;
    ours && differs(there, &gate.wish) && (written || ahead)
}
