//! What goes wrong, as the sentence that the person at the terminal reads. There is one kind of
//! failure here because nothing in xtask decides by its kind: it is printed and the program ends.

use std::fmt;

pub type Result<T = ()> = std::result::Result<T, Failure>;

/// One or more sentences: what could not be done, why, and what to do about it.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Puts what was being done in front of a lower error.
pub trait Told<T> {
    /// `what` reads like "target/x.log could not be written"; the cause follows after a colon.
    fn told(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: fmt::Display> Told<T> for std::result::Result<T, E> {
    fn told(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Failure(format!("{}: {error}.", what())))
    }
}
