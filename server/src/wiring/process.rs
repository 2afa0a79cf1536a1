//! This process among others: its name in leases and logs, and what becomes of a panic.

use model::Entropy;

/// A name that tells this process from every other one, also after a restart.
#[must_use]
pub fn name(entropy: &dyn Entropy) -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .unwrap_or_default();
    let host: String = host
        .trim()
        .chars()
        .filter(char::is_ascii_graphic)
        .take(60)
        .collect();
    let mut random = [0; 4];
    entropy.fill(&mut random);
    format!(
        "{host}-{}-{:08x}",
        std::process::id(),
        u32::from_be_bytes(random)
    )
}

/// Writes panics to the log, with their place, instead of past it.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(place, message, "A mistake of ours broke a task off.");
    }));
}
