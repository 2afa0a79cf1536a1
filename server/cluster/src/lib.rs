//! The adapters: everything that talks to Kubernetes, Secrets Manager and the gateway, behind the
//! port that `service` defines. Objects are written by server-side apply under one field manager,
//! read into small facts at once, and every call ends by its deadline. Nothing here decides what
//! to do next, and nothing here knows what kind of machine a cluster runs on.

mod access;
#[cfg(test)]
mod against_sandbox;
#[cfg(test)]
mod against_script;
mod aws;
mod canonical;
mod check;
mod client;
mod clusters;
mod dial;
mod drift;
mod eks;
mod failure;
mod keys;
mod leftovers;
mod metrics;
mod observe;
mod prober;
mod prove;
mod reduce;
mod resource;
mod rights;
#[cfg(test)]
mod scripted;
mod secrets;
mod watch;
mod wish;
mod write;

pub use access::{Directory, Endpoints};
pub use aws::SecretsManagerOverride;
pub use clusters::{Clusters, Config};
pub use rights::{Rule, Scope, print_rbac, print_roles, rules};

/// Makes ring the process's provider of cryptography for TLS. The Kubernetes client has no default of
/// its own and would refuse to connect; calling this again changes nothing.
pub fn install_tls() {
    // The error only says that a provider is there already, which is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
