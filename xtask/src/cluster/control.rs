//! Speaking to the cluster's supervisor and to the product, by the simplest HTTP there is: one request
//! per connection, answered until its end. Both listen on this machine only.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::failure::{Failure, Result, Told};

/// Starting a part of the cluster is answered when it is ready.
const WAIT: Duration = Duration::from_mins(3);

/// Somebody who listens on this machine.
pub struct Client {
    address: String,
    token: Option<String>,
}

impl Client {
    /// From `http://host:port`.
    pub fn new(url: &str) -> Self {
        let address = url.trim_start_matches("http://").trim_end_matches('/');
        Self {
            address: address.replace("localhost", "127.0.0.1"),
            token: None,
        }
    }

    /// Sends that access token with every request.
    pub fn with_token(mut self, token: String) -> Self {
        self.token = Some(token);
        self
    }

    pub fn get(&self, path: &str) -> Result<String> {
        self.send("GET", path, "")
    }

    pub fn post(&self, path: &str) -> Result<String> {
        self.send("POST", path, "")
    }

    pub fn post_json(&self, path: &str, body: &serde_json::Value) -> Result<String> {
        self.send("POST", path, &body.to_string())
    }

    fn send(&self, method: &str, path: &str, body: &str) -> Result<String> {
        let told = || format!("{} does not answer", self.address);
        let mut stream = TcpStream::connect(&self.address).told(told)?;
        stream.set_read_timeout(Some(WAIT)).told(told)?;
        let authorization = self.token.as_ref().map_or_else(String::new, |token| {
            format!("Authorization: Bearer {token}\r\n")
        });
        // By version 1.0 the answer ends with the connection and has no chunks.
        let request = format!(
            "{method} {path} HTTP/1.0\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n{authorization}\r\n{body}",
            self.address,
            body.len()
        );
        stream.write_all(request.as_bytes()).told(told)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).told(told)?;
        let (head, text) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split_whitespace().nth(1).unwrap_or_default();
        if status.starts_with('2') {
            Ok(text.to_owned())
        } else {
            Err(Failure::new(format!(
                "{method} {path} was answered with {status}: {}",
                text.trim()
            )))
        }
    }
}
