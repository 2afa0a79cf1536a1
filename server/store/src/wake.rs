//! Wake-ups. A committed transaction that wrote events or work wakes whoever waits for it: in this
//! process at once, in others through NOTIFY on `PostgreSQL`. A wake-up may be lost; every waiter also
//! polls, so that only speed depends on it.

use tokio::sync::watch;

/// What a transaction may wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// Readers of the event stream.
    Events,
    /// Workers.
    Work,
}

impl Wake {
    pub(crate) const CHANNEL: &'static str = "hosted_instances";

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Work => "work",
        }
    }
}

/// One counter per kind; waiters see it change.
#[derive(Clone, Debug)]
pub(crate) struct Bells {
    events: watch::Sender<u64>,
    work: watch::Sender<u64>,
}

impl Bells {
    pub(crate) fn new() -> Self {
        Self {
            events: watch::Sender::new(0),
            work: watch::Sender::new(0),
        }
    }

    pub(crate) fn ring(&self, wake: Wake) {
        self.of(wake).send_modify(|n| *n = n.wrapping_add(1));
    }

    pub(crate) fn listen(&self, wake: Wake) -> watch::Receiver<u64> {
        self.of(wake).subscribe()
    }

    fn of(&self, wake: Wake) -> &watch::Sender<u64> {
        match wake {
            Wake::Events => &self.events,
            Wake::Work => &self.work,
        }
    }
}
