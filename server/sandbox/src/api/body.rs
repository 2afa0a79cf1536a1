//! Request bodies: bounded, JSON or YAML, never trusted.

use crate::failure::Failure;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde_json::Value;

/// The most that an API server takes.
const LIMIT: usize = 3 << 20;

/// Reads a body up to the limit.
pub async fn read(incoming: Incoming) -> Result<Vec<u8>, Failure> {
    match Limited::new(incoming, LIMIT).collect().await {
        Ok(collected) => Ok(collected.to_bytes().to_vec()),
        Err(error) if error.is::<LengthLimitError>() => Err(Failure::too_large()),
        Err(_) => Err(Failure::bad_request("the body could not be read")),
    }
}

/// Parses a body by its content type; no type is JSON.
pub fn parse(body: &[u8], content: &str) -> Result<Value, Failure> {
    let media = content.split(';').next().unwrap_or("").trim();
    if media.contains("protobuf") || media.contains("cbor") {
        return Err(Failure::unsupported());
    }
    if body.is_empty() {
        return Ok(Value::Null);
    }
    match serde_json::from_slice(body) {
        Ok(value) => Ok(value),
        Err(_) if media.contains("yaml") => {
            let text = std::str::from_utf8(body)
                .map_err(|_| Failure::bad_request("the body is not UTF-8"))?;
            serde_saphyr::from_str(text).map_err(|error| {
                let line = error.to_string();
                let first = line.lines().next().unwrap_or("").to_owned();
                Failure::bad_request(format!("error decoding YAML: {first}"))
            })
        }
        Err(error) => Err(Failure::bad_request(format!(
            "error decoding JSON: {error}"
        ))),
    }
}
