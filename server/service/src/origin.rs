//! Where a request came from, for the audit trail and the list of sessions. Every text is cut to a
//! bounded, single-line form here, because clients choose most of it.

/// Where a request came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Client address, counted over the configured proxies; empty when there is none.
    pub address: String,
    /// What the client calls itself.
    pub user_agent: String,
    /// Id of the request in the log.
    pub request_id: String,
}

impl Origin {
    /// Cuts the texts to what rows keep: 45, 256 and 64 characters without control characters.
    pub fn new(address: &str, user_agent: &str, request_id: &str) -> Self {
        Self {
            address: cut(address, 45),
            user_agent: cut(user_agent, 256),
            request_id: cut(request_id, 64),
        }
    }

    /// Work that no client asked for: the command line and the control plane itself.
    #[must_use]
    pub fn local() -> Self {
        Self::new("", "", "")
    }
}

fn cut(text: &str, most: usize) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(most)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_send_is_cut() {
        let origin = Origin::new("::1\r\n", &"x".repeat(10_000), "a\0b");
        assert_eq!(origin.address, "::1");
        assert_eq!(origin.user_agent.len(), 256);
        assert_eq!(origin.request_id, "ab");
    }
}
