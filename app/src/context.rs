//! What the server hands to every page: who asks, where the assets are, what time it is. The server's
//! middleware puts a [`Caller`] and an `Arc<service::Services>` into the request's extensions;
//! the extractor here adds what only the request itself knows (address, theme, flash).
//! Nothing in a page reads a clock or a session: all of it comes from this value.

use axum::extract::FromRequestParts;
use axum::http::header::COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use model::permission::Permission;
use model::user::Role;
use model::view::MeView;
use model::{Actor, TenantId, Timestamp};
use service::Origin;

/// Names of the built files, as `public/pkg/manifest.json` gives them; addresses begin with `/pkg/`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assets {
    /// Stylesheet; none when it was not built.
    pub style: Option<String>,
    /// JavaScript of the islands; none without a wasm toolchain.
    pub client_js: Option<String>,
    /// WebAssembly of the islands.
    pub client_wasm: Option<String>,
}

/// Light or dark, as the person chose; kept in a cookie so that the first paint is right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// All three, in the order in which the switch goes round.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The word in the cookie and in `data-theme`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.as_str() == text)
    }
}

/// What the last form did, told once on the next page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flash {
    /// Whether it was refused.
    pub refused: bool,
    /// One or two sentences.
    pub text: String,
}

/// Something that is wrong for everyone, shown in the strip under the top bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// One or two sentences.
    pub text: String,
    /// Where to read on.
    pub href: Option<String>,
}

/// Who asks, and everything else that the frame of a page needs.
#[derive(Clone, Debug)]
pub struct Caller {
    /// For the services.
    pub actor: Actor,
    /// Where the request came from, for the audit trail.
    pub origin: Origin,
    /// For the frame; none before sign-in.
    pub me: Option<MeView>,
    /// Whether the embedded sandbox serves the clusters; said in words on every page.
    pub sandbox: bool,
    /// What this deployment is called, if the configuration says.
    pub environment: Option<String>,
    /// Where the built files are.
    pub assets: Assets,
    /// Nonce of this response's Content-Security-Policy.
    pub nonce: String,
    /// When the request came.
    pub now: Timestamp,
    /// What is wrong for everyone.
    pub notices: Vec<Notice>,
    /// Filled in by the extractor from the cookie `flash`.
    pub flash: Option<Flash>,
    /// Filled in by the extractor from the cookie `theme`.
    pub theme: Theme,
    /// Filled in by the extractor: path and query of the request.
    pub location: String,
}

impl Caller {
    /// The role that decides in a tenant: the staff role, else the one in that tenant; without a
    /// tenant the highest one.
    fn role(&self, tenant: Option<TenantId>) -> Option<Role> {
        let me = self.me.as_ref()?;
        let of_tenant = || {
            me.tenants
                .iter()
                .filter(|(id, _)| tenant.is_none_or(|wanted| wanted == *id))
                .map(|(_, role)| *role)
                .min()
        };
        me.staff.or_else(of_tenant)
    }

    /// Whether a control should be offered. Services decide again; this only avoids offering what
    /// would be refused.
    #[must_use]
    pub fn may(&self, permission: Permission, tenant: Option<TenantId>) -> bool {
        self.role(tenant)
            .is_some_and(|role| permission.granted_to(role))
    }

    /// Whether Atala's staff asks.
    #[must_use]
    pub fn is_staff(&self) -> bool {
        self.me.as_ref().is_some_and(|me| me.staff.is_some())
    }
}

/// The server forgot to put a [`Caller`] into the extensions.
#[derive(Clone, Copy, Debug)]
pub struct NoCaller;

impl axum::response::IntoResponse for NoCaller {
    fn into_response(self) -> axum::response::Response {
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = NoCaller;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NoCaller> {
        let mut caller = parts.extensions.get::<Self>().cloned().ok_or(NoCaller)?;
        caller.theme = cookie(&parts.headers, "theme")
            .and_then(Theme::parse)
            .unwrap_or_default();
        caller.flash = cookie(&parts.headers, "flash").and_then(read_flash);
        caller.location = parts
            .uri
            .path_and_query()
            .map_or_else(|| "/".to_owned(), ToString::to_string);
        Ok(caller)
    }
}

/// The value of a cookie.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// The value of the flash cookie: one letter for its kind, then the text, percent-encoded.
#[must_use]
pub fn flash_cookie(flash: &Flash) -> String {
    let kind = if flash.refused { "r" } else { "d" };
    let text: String = url::form_urlencoded::byte_serialize(flash.text.as_bytes()).collect();
    format!("flash={kind}{text}; Path=/; Max-Age=60; HttpOnly; SameSite=Lax")
}

/// Ends the flash once it was shown.
pub const FLASH_SHOWN: &str = "flash=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax";

fn read_flash(value: &str) -> Option<Flash> {
    let refused = match value.get(..1)? {
        "r" => true,
        "d" => false,
        _ => return None,
    };
    let (_, text) = url::form_urlencoded::parse(format!("t={}", &value[1..]).as_bytes())
        .next()
        .map(|(key, text)| (key.into_owned(), text.into_owned()))?;
    // A person reads one or two sentences; more did not come from here.
    (!text.is_empty() && text.chars().count() <= 400).then_some(Flash { refused, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flash_survives_its_cookie() {
        for (refused, text) in [
            (false, "Tenant “Söhne & Co;=” created."),
            (true, "a+b 100 %"),
        ] {
            let flash = Flash {
                refused,
                text: text.to_owned(),
            };
            let cookie = flash_cookie(&flash);
            let value = cookie
                .split(';')
                .next()
                .and_then(|c| c.strip_prefix("flash="))
                .unwrap();
            assert!(value.is_ascii());
            assert_eq!(read_flash(value), Some(flash));
        }
        for bad in ["", "x", "dx".repeat(900).as_str(), "é", "d"] {
            assert_eq!(read_flash(bad), None, "{bad}");
        }
    }

    #[test]
    fn cookies_are_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, "a=b; theme=dark;flash=dx".parse().unwrap());
        assert_eq!(
            cookie(&headers, "theme").and_then(Theme::parse),
            Some(Theme::Dark)
        );
        assert_eq!(cookie(&headers, "heme"), None);
    }
}
