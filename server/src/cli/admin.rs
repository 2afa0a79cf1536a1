//! `admin`: what only an operator on this machine may do. The password comes by standard input, so
//! that it stands in no list of processes and no history of a shell.

use std::io::Read as _;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use model::Actor;
use service::FirstOwner;

use super::print;
use crate::config::Config;
use crate::failure::Failure;
use crate::wiring;

/// Longest input that could be a password.
const MOST: u64 = 4_096;

#[derive(Debug, Subcommand)]
pub(super) enum Admin {
    /// Makes a staff owner; the way back in when nobody can sign in any more.
    CreateOwner(CreateOwner),
}

#[derive(Args, Debug)]
pub(super) struct CreateOwner {
    /// Email address to sign in with.
    #[arg(long, value_name = "ADDRESS")]
    email: String,
    /// What the person is called [default: the part of the address before the @].
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Reads the password from standard input, up to the first line break.
    #[arg(long, required = true)]
    password_stdin: bool,
}

impl Admin {
    pub(super) async fn run(self, config: &Config) -> Result<ExitCode, Failure> {
        let Self::CreateOwner(owner) = self;
        let password = read_password(std::io::stdin().lock())?;
        let name = owner
            .name
            .unwrap_or_else(|| owner.email.split('@').next().unwrap_or_default().to_owned());
        let services = wiring::services::for_command(config).await?;
        let command = FirstOwner {
            email: owner.email.clone(),
            name,
            password,
        };
        services
            .auth
            .create_owner(&Actor::Operator, command)
            .await?;
        services.context.db.close().await;
        print(&format!("{} can sign in as a staff owner.", owner.email))
    }
}

fn read_password(from: impl std::io::Read) -> Result<String, Failure> {
    let mut text = String::new();
    from.take(MOST).read_to_string(&mut text).map_err(|error| {
        Failure::usage(format!(
            "The password cannot be read from standard input: {error}."
        ))
    })?;
    let password = text.lines().next().unwrap_or_default().to_owned();
    if password.is_empty() {
        return Err(Failure::usage(
            "No password came by standard input. Pipe it in, for example: printf '%s' \"$PASSWORD\" | hosted-instances admin create-owner --password-stdin …",
        ));
    }
    Ok(password)
}
