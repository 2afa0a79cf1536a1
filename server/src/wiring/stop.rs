//! Being told to stop. The first signal asks everything to come to an end in its own time; a second
//! one means now.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::failure::Failure;

/// Exit code after a second signal, as a shell reports an interrupted program.
const NOW: i32 = 130;

/// Says whether to stop; turns true once and stays so.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

/// Tells everything to stop.
#[derive(Clone, Debug)]
pub struct Stopper(watch::Sender<bool>);

/// A new pair.
#[must_use]
pub fn pair() -> (Stopper, Stop) {
    let (tell, told) = watch::channel(false);
    (Stopper(tell), Stop(told))
}

impl Stopper {
    /// Tells.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    /// Tells at the first SIGTERM or SIGINT; ends the process at the second.
    ///
    /// # Errors
    /// A sentence when the system does not let this process hear signals.
    pub fn on_signals(self) -> Result<(), Failure> {
        let told = |error| Failure::new(format!("Signals cannot be heard: {error}."));
        let terminate = signal(SignalKind::terminate()).map_err(told)?;
        let interrupt = signal(SignalKind::interrupt()).map_err(told)?;
        tokio::spawn(self.listen(terminate, interrupt));
        Ok(())
    }

    async fn listen(self, mut terminate: Signal, mut interrupt: Signal) {
        let mut asked = false;
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if asked {
                tracing::warn!("Stopped at once, at the second signal.");
                #[expect(
                    clippy::disallowed_methods,
                    reason = "a second signal asks for no destructors"
                )]
                std::process::exit(NOW);
            }
            asked = true;
            tracing::info!("Stopping: requests and work in progress come to their end first.");
            self.stop();
        }
    }
}

impl Stop {
    /// Whether it is time.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is.
    pub async fn asked(&self) {
        // The sender being gone means the same: nothing will ever be served again.
        let _ = self.0.clone().wait_for(|asked| *asked).await;
    }

    /// For those who want the plain channel.
    #[must_use]
    pub fn receiver(&self) -> watch::Receiver<bool> {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everybody_hears_it_also_later() {
        let (stopper, stop) = pair();
        assert!(!stop.is_asked());
        let waiting = tokio::spawn({
            let stop = stop.clone();
            async move { stop.asked().await }
        });
        stopper.stop();
        waiting.await.unwrap();
        stop.asked().await;
        assert!(stop.is_asked());
    }
}
