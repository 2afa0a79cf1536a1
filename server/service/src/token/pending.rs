//! The shape of what is being written; replaced body by body.

use std::time::Duration;

use model::page::Page;
use model::token::{TokenDetail, TokenPolicy, TokenPolicyView, TokenView};
use model::{Actor, InstanceId, TenantId, TokenId, UserId};

use super::{
    ChangeToken, IssueToken, IssuedToken, LeakReport, RevokeAll, RevokeToken, RotateToken,
    TokenFilter, TokenService,
};
use crate::{Error, Origin, Result};

fn pending<T>() -> Result<T> {
    Err(Error::internal("not written yet"))
}

#[expect(
    clippy::missing_errors_doc,
    clippy::unused_async,
    reason = "the bodies follow"
)]
impl TokenService {
    /// Issues a token.
    pub async fn issue(
        &self,
        _: &Actor,
        _: &InstanceId,
        _: IssueToken,
        _: &Origin,
    ) -> Result<IssuedToken> {
        pending()
    }
    /// Tokens, newest first.
    pub async fn list(&self, _: &Actor, _: TokenFilter) -> Result<Page<TokenView>> {
        pending()
    }
    /// One token.
    pub async fn get(&self, _: &Actor, _: TokenId) -> Result<TokenDetail> {
        pending()
    }
    /// Changes what is noted of a token.
    pub async fn change(
        &self,
        _: &Actor,
        _: TokenId,
        _: ChangeToken,
        _: &Origin,
    ) -> Result<TokenView> {
        pending()
    }
    /// Revokes a token.
    pub async fn revoke(
        &self,
        _: &Actor,
        _: TokenId,
        _: RevokeToken,
        _: &Origin,
    ) -> Result<TokenView> {
        pending()
    }
    /// Revokes several tokens.
    pub async fn revoke_all(&self, _: &Actor, _: RevokeAll, _: &Origin) -> Result<Vec<TokenView>> {
        pending()
    }
    /// Rotates a token.
    pub async fn rotate(
        &self,
        _: &Actor,
        _: TokenId,
        _: RotateToken,
        _: &Origin,
    ) -> Result<IssuedToken> {
        pending()
    }
    /// Retires a rotated token now.
    pub async fn retire(&self, _: &Actor, _: TokenId, _: &Origin) -> Result<TokenView> {
        pending()
    }
    /// Waits until a token's state is settled.
    pub async fn wait(&self, _: &Actor, _: TokenId, _: Duration) -> Result<TokenView> {
        pending()
    }
    /// A tenant's policy.
    pub async fn policy(&self, _: &Actor, _: TenantId) -> Result<TokenPolicyView> {
        pending()
    }
    /// Sets a tenant's own policy.
    pub async fn set_policy(
        &self,
        _: &Actor,
        _: TenantId,
        _: Option<TokenPolicy>,
        _: &Origin,
    ) -> Result<TokenPolicyView> {
        pending()
    }
    /// Takes the report of a leak from anybody; limited per address.
    pub async fn report_leak(&self, _: LeakReport, _: &Origin) -> Result<()> {
        pending()
    }
    /// Takes the report of a leak from somebody whose word was verified; not limited.
    pub async fn report_leak_from(&self, _: LeakReport, _: &str, _: &Origin) -> Result<()> {
        pending()
    }
    /// Who may answer for a tenant's tokens.
    pub async fn owners(&self, _: &Actor, _: TenantId) -> Result<Vec<(UserId, String)>> {
        pending()
    }
    /// Carries out what is due.
    pub async fn calendar_round(&self) -> Result<()> {
        pending()
    }
    /// Revokes what fell due while no server ran.
    pub async fn catch_up(&self, _: Duration) -> Result<u32> {
        pending()
    }
}
