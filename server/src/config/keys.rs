//! Section `keys`: the server key, which must be the same wherever the same database is used.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The server key, from which other keys are derived.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Keys {
    /// File of the server key: 32 random bytes, mode 0600. Without it, `server.key` in the data
    /// folder, made at the first start. All servers of one database need the same key.
    pub server_key_file: Option<PathBuf>,
}
