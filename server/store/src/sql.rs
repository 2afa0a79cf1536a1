//! The statement registry and the one dispatch macro. A statement is a constant with one text, or
//! two where the engines need different ones; each module lists its own through `sql!`, and the list
//! of all lets a test prepare every text on both engines.

/// A statement: its name and its text for each engine.
#[derive(Clone, Copy, Debug)]
pub struct Statement {
    /// `module::NAME`.
    pub name: &'static str,
    /// Text for `SQLite`.
    pub sqlite: &'static str,
    /// Text for `PostgreSQL`.
    pub postgres: &'static str,
}

impl Statement {
    /// Whether the engines need different texts.
    #[must_use]
    pub fn is_forked(&self) -> bool {
        self.sqlite != self.postgres
    }
}

/// Declares the statements of a module as constants and registers them:
/// `sql! { BY_ID = "select …"; CLAIM = { sqlite: "…", postgres: "…" }; }`.
macro_rules! sql {
    ($($name:ident = $text:tt;)+) => {
        $(const $name: $crate::sql::Statement = sql!(@one $name $text);)+
        /// Every statement of this module.
        pub(crate) const STATEMENTS: &[$crate::sql::Statement] = &[$($name),+];
    };
    (@one $name:ident { sqlite: $sqlite:literal, postgres: $postgres:literal $(,)? }) => {
        $crate::sql::Statement {
            name: concat!(module_path!(), "::", stringify!($name)),
            sqlite: $sqlite,
            postgres: $postgres,
        }
    };
    (@one $name:ident $text:literal) => {
        $crate::sql::Statement {
            name: concat!(module_path!(), "::", stringify!($name)),
            sqlite: $text,
            postgres: $text,
        }
    };
}
pub(crate) use sql;

/// The only dispatch: expands one body for both drivers. `c` is the executor and `sql` the text for
/// it: `on!(db.read(), (c, sql) = BY_ID => sqlx::query_as::<_, Row>(sql).bind(id).fetch_all(c).await)`.
macro_rules! on {
    ($handle:expr, ($c:ident, $sql:ident) = $statement:expr => $body:expr) => {
        match $handle {
            $crate::db::Handle::Sqlite($c) => {
                let $sql = $statement.sqlite;
                $body
            }
            $crate::db::Handle::Postgres($c) => {
                let $sql = $statement.postgres;
                $body
            }
        }
    };
}
pub(crate) use on;

/// Every statement of every module, in the order of the modules.
#[must_use]
pub fn statements() -> Vec<Statement> {
    let modules: &[&[Statement]] = &[
        crate::access_token::STATEMENTS,
        crate::audit::STATEMENTS,
        crate::audit::delivery::STATEMENTS,
        crate::cluster::STATEMENTS,
        crate::db::STATEMENTS,
        crate::diagnosis::STATEMENTS,
        crate::event::STATEMENTS,
        crate::gate::CLAIM,
        crate::gate::STATEMENTS,
        crate::gate::TOKEN,
        crate::gate::WRITE,
        crate::health::STATEMENTS,
        crate::idempotency::STATEMENTS,
        crate::instance::LIST,
        crate::instance::STATEMENTS,
        crate::instance::WRITE,
        crate::invitation::STATEMENTS,
        crate::lease::STATEMENTS,
        crate::membership::STATEMENTS,
        crate::observation::STATEMENTS,
        crate::operation::CLAIM,
        crate::operation::READ,
        crate::operation::WRITE,
        crate::proof::STATEMENTS,
        crate::release::STATEMENTS,
        crate::session::STATEMENTS,
        crate::setting::STATEMENTS,
        crate::sign_in::STATEMENTS,
        crate::tenant::STATEMENTS,
        crate::token::CALENDAR,
        crate::token::LIST,
        crate::token::STATEMENTS,
        crate::token::USAGE,
        crate::token::WRITE,
        crate::token_policy::STATEMENTS,
        crate::user::STATEMENTS,
    ];
    modules.concat()
}
