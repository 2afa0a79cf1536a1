//! How often something may be done: one leaky bucket per key, kept in the database so that a crash
//! forgets nothing. The table is bounded without ever evicting a key that is in use: when it is full,
//! further new keys share a few buckets, so a flood of made-up names cannot free one under attack.

use std::net::IpAddr;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use model::Timestamp;
use model::secret_text::TokenHash;
use sha2::Sha256;
use store::Tx;
use store::sign_in::Bucket;

use crate::{Result, ServerKey};

/// Most keys counted one by one.
pub const MOST_KEYS: u32 = 50_000;
/// Shortest wait that is asked for.
const SHORTEST: Duration = Duration::from_secs(1);
/// Buckets that further keys share.
const SHARED: u8 = 64;

/// A burst at once, then a steady rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Times per hour; at least 1 is taken.
    pub per_hour: u32,
    /// Times that may follow each other at once; at least 1 is taken.
    pub burst: u32,
}

impl Rate {
    fn interval(self) -> Duration {
        Duration::from_hours(1) / self.per_hour.max(1)
    }
}

/// What the bucket says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Counted; go on.
    Taken,
    /// Too often; nothing was counted.
    Full {
        /// When the next one is allowed.
        retry_after: Duration,
    },
}

/// Counts one use of `key`, unless that is too many. The transaction must be committed either way.
///
/// # Errors
/// When the database fails.
pub async fn take(tx: &mut Tx, key: &str, rate: Rate, now: Timestamp) -> Result<Verdict> {
    let interval = rate.interval();
    let bucket = Bucket {
        now,
        interval,
        window: interval * rate.burst.max(1),
    };
    if let Some(verdict) = count(tx, key, bucket).await? {
        return Ok(verdict);
    }
    let shared = shared_key(key);
    let key = if room(tx, now).await? { key } else { &shared };
    // Others count the same key at the same time: their row may come or go between two statements.
    for _ in 0..8 {
        if store::sign_in::insert(tx, key, now + interval).await? {
            return Ok(Verdict::Taken);
        }
        if let Some(verdict) = count(tx, key, bucket).await? {
            return Ok(verdict);
        }
    }
    Ok(Verdict::Full {
        retry_after: SHORTEST,
    })
}

/// Counts one use of a key that has a row; none when it has no row.
async fn count(tx: &mut Tx, key: &str, bucket: Bucket) -> Result<Option<Verdict>> {
    let allowed = bucket.now + bucket.window - bucket.interval;
    loop {
        if store::sign_in::take(tx, key, bucket).await? {
            return Ok(Some(Verdict::Taken));
        }
        match store::sign_in::due(tx, key).await? {
            None => return Ok(None),
            Some(due) if due > allowed && due <= bucket.now + bucket.window => {
                return Ok(Some(Verdict::Full {
                    retry_after: due.since(allowed).max(SHORTEST),
                }));
            }
            // It has come to be in this moment, with room in it.
            Some(_) => {}
        }
    }
}

async fn room(tx: &mut Tx, now: Timestamp) -> Result<bool> {
    if store::sign_in::count(tx).await? < MOST_KEYS {
        return Ok(true);
    }
    Ok(store::sign_in::prune(tx, now).await? > 0)
}

fn shared_key(key: &str) -> String {
    let hash = TokenHash::of(key.as_bytes());
    let number = u8::from_str_radix(&hash.as_str()[..2], 16).unwrap_or(0) % SHARED;
    let kind = key.split(':').next().unwrap_or("");
    format!("{kind}:shared:{number}")
}

/// The key of an account: the folded address behind the server's key, so that the table names nobody
/// and its keys cannot be chosen by who types addresses.
#[must_use]
pub fn account_key(server_key: &ServerKey, folded: &str) -> String {
    format!("account:{}", keyed(server_key, folded))
}

/// The key of a client address; an IPv6 /64 counts as one, since one customer holds all of it.
#[must_use]
pub fn address_key(server_key: &ServerKey, address: &str) -> String {
    let network = match address.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
        Ok(IpAddr::V4(ip)) => ip.to_string(),
        Ok(IpAddr::V6(ip)) => format!("{:x?}", &ip.segments()[..4]),
        Err(_) => address.to_owned(),
    };
    format!("address:{}", keyed(server_key, &network))
}

fn keyed(server_key: &ServerKey, text: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(server_key.expose()) else {
        return TokenHash::of(text.as_bytes()).as_str().to_owned();
    };
    mac.update(b"limit\0");
    mac.update(text.as_bytes());
    TokenHash::of(&mac.finalize().into_bytes()).as_str()[..32].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_customer_is_one_address() {
        let key = ServerKey::new([1; 32]);
        let of = |text| address_key(&key, text);
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert!(!of("192.0.2.1").contains("192"));
    }

    #[test]
    fn keys_of_another_installation_differ() {
        let (one, two) = (ServerKey::new([1; 32]), ServerKey::new([2; 32]));
        assert_ne!(account_key(&one, "a@b.cd"), account_key(&two, "a@b.cd"));
        assert!(shared_key(&account_key(&one, "a@b.cd")).starts_with("account:shared:"));
    }
}
