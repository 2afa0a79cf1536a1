//! `access-token`: tokens for automation. `create` prints the token and nothing else, so that a script
//! can take it as it is; it works beside a running server.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use model::{AccessTokenId, Actor};
use service::{CreateAccessToken, Origin};

use super::print;
use crate::config::Config;
use crate::failure::Failure;
use crate::wiring;

#[derive(Debug, Subcommand)]
pub(super) enum AccessToken {
    /// Makes a token and prints it. It is shown this once.
    Create(Create),
    /// Revokes a token at once.
    Revoke(Revoke),
}

#[derive(Args, Debug)]
pub(super) struct Create {
    /// What the token is for.
    #[arg(long, value_name = "NAME")]
    name: String,
    /// What it may do, such as `instances:write`; repeat it or separate with commas. `:write`
    /// includes `:read`.
    #[arg(
        long = "scope",
        value_name = "SCOPE",
        value_delimiter = ',',
        required = true
    )]
    scopes: Vec<String>,
    /// Days until it expires, at most 366.
    #[arg(long, value_name = "DAYS", default_value_t = 90)]
    days: u32,
}

#[derive(Args, Debug)]
pub(super) struct Revoke {
    /// Id of the token, as the console shows it.
    #[arg(value_name = "ID")]
    id: String,
}

impl AccessToken {
    pub(super) async fn run(self, config: &Config) -> Result<ExitCode, Failure> {
        let services = wiring::services::for_command(config).await?;
        let (tokens, origin) = (&services.access_token, Origin::local());
        let done = match self {
            Self::Create(create) => {
                let command = CreateAccessToken {
                    name: create.name,
                    scopes: create.scopes,
                    days: Some(create.days),
                };
                let created = tokens.create(&Actor::Operator, command, &origin).await?;
                print(created.token.expose())
            }
            Self::Revoke(revoke) => {
                let id: AccessTokenId = revoke.id.parse().map_err(|_| {
                    Failure::usage(format!("{} is no id of an access token.", revoke.id))
                })?;
                tokens.revoke(&Actor::Operator, id, &origin).await?;
                print("The token is revoked.")
            }
        };
        services.context.db.close().await;
        done
    }
}
