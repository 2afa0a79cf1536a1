//! The few forms of the query language that are understood: a selector, and a sum of one by labels.
//!
//! Everything else is an error, never an empty answer: who asks for a rate must not read that nobody
//! came.

use super::pattern::Pattern;
use std::collections::BTreeMap;

/// The metric that the gateway counts requests in.
pub const METRIC: &str = "apisix_http_status";

/// One scraped value.
#[derive(Clone, Debug)]
pub struct Sample {
    pub labels: BTreeMap<String, String>,
    pub value: u64,
}

/// A query that was understood.
#[derive(Debug)]
pub struct Query {
    /// Labels that a sum is kept apart by; none for a plain selector.
    sum_by: Option<Vec<String>>,
    metric: String,
    matchers: Vec<Matcher>,
}

#[derive(Debug)]
struct Matcher {
    label: String,
    wished: bool,
    pattern: Pattern,
}

impl Query {
    /// Reads a query, or says what is not understood.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut rest = Rest(text);
        let mut sum_by = None;
        if rest.word("sum") {
            let mut labels = rest.by()?;
            rest.expect("(")?;
            let query = rest.selector()?;
            rest.expect(")")?;
            if labels.is_none() {
                labels = rest.by()?;
            }
            sum_by = Some(labels.unwrap_or_default());
            return rest.end(query, sum_by);
        }
        let query = rest.selector()?;
        rest.end(query, sum_by.take())
    }

    /// The instant vector that it comes to.
    pub fn vector(&self, samples: &[Sample]) -> Vec<(BTreeMap<String, String>, u64)> {
        let found = samples.iter().filter(|sample| {
            let of = |label: &str| sample.labels.get(label).map_or("", String::as_str);
            of("__name__") == self.metric
                && self
                    .matchers
                    .iter()
                    .all(|one| one.pattern.matches(of(&one.label)) == one.wished)
        });
        let Some(by) = &self.sum_by else {
            return found
                .map(|sample| (sample.labels.clone(), sample.value))
                .collect();
        };
        let mut sums = BTreeMap::new();
        for sample in found {
            let kept = sample.labels.iter().filter(|(name, _)| by.contains(name));
            let kept: BTreeMap<String, String> = kept
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            *sums.entry(kept).or_insert(0) += sample.value;
        }
        sums.into_iter().collect()
    }
}

/// What is still to be read.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn skip(&mut self) {
        self.0 = self.0.trim_start();
    }

    fn take(&mut self, token: &str) -> bool {
        self.skip();
        match self.0.strip_prefix(token) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// A word that ends where it ends.
    fn word(&mut self, word: &str) -> bool {
        self.skip();
        let ends = self
            .0
            .strip_prefix(word)
            .is_some_and(|rest| !rest.starts_with(is_name));
        ends && self.take(word)
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.take(token) {
            Ok(())
        } else {
            Err(self.wrong(&format!("expected \"{token}\"")))
        }
    }

    fn wrong(&self, why: &str) -> String {
        let near: String = self.0.chars().take(20).collect();
        format!("parse error near \"{near}\": {why}; this Prometheus understands little")
    }

    fn name(&mut self) -> Result<&'a str, String> {
        self.skip();
        let end = self.0.find(|c| !is_name(c)).unwrap_or(self.0.len());
        let (name, rest) = self.0.split_at(end);
        if name.is_empty() {
            return Err(self.wrong("expected a name"));
        }
        self.0 = rest;
        Ok(name)
    }

    fn by(&mut self) -> Result<Option<Vec<String>>, String> {
        if !self.word("by") {
            return Ok(None);
        }
        self.expect("(")?;
        let mut labels = Vec::new();
        while !self.take(")") {
            labels.push(self.name()?.to_owned());
            self.take(",");
        }
        Ok(Some(labels))
    }

    fn selector(&mut self) -> Result<Query, String> {
        let metric = self.name()?.to_owned();
        let mut matchers = Vec::new();
        if self.take("{") {
            while !self.take("}") {
                matchers.push(self.matcher()?);
                self.take(",");
            }
        }
        Ok(Query {
            sum_by: None,
            metric,
            matchers,
        })
    }

    fn matcher(&mut self) -> Result<Matcher, String> {
        let label = self.name()?.to_owned();
        let forms = [
            ("=~", true, true),
            ("!~", true, false),
            ("!=", false, false),
            ("=", false, true),
        ];
        let found = forms.into_iter().find(|(token, ..)| self.take(token));
        let Some((_, regex, wished)) = found else {
            return Err(self.wrong("expected a matcher"));
        };
        let text = self.text()?;
        let pattern = if regex {
            Pattern::parse(&text)?
        } else {
            Pattern::exact(&text)
        };
        Ok(Matcher {
            label,
            wished,
            pattern,
        })
    }

    /// A quoted text.
    fn text(&mut self) -> Result<String, String> {
        self.expect("\"")?;
        let mut text = String::new();
        let mut letters = self.0.char_indices();
        while let Some((index, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.0 = &self.0[index + 1..];
                    return Ok(text);
                }
                '\\' => text.extend(letters.next().map(|(_, escaped)| escaped)),
                other => text.push(other),
            }
        }
        Err(self.wrong("unterminated quoted string"))
    }

    fn end(&mut self, query: Query, sum_by: Option<Vec<String>>) -> Result<Query, String> {
        self.skip();
        if self.0.is_empty() {
            Ok(Query { sum_by, ..query })
        } else {
            Err(self.wrong("unexpected input"))
        }
    }
}

fn is_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_' || letter == ':'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(consumer: &str, code: &str, value: u64) -> Sample {
        let labels = [("__name__", METRIC), ("consumer", consumer), ("code", code)];
        let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Sample {
            labels: labels.into_iter().collect(),
            value,
        }
    }

    fn sums(text: &str) -> Vec<(String, u64)> {
        let samples = [
            sample("prisma_t1", "200", 3),
            sample("prisma_t1", "403", 2),
            sample("prismb_t2", "200", 5),
            sample("", "401", 7),
        ];
        let vector = Query::parse(text).unwrap().vector(&samples);
        let consumer = |labels: &BTreeMap<String, String>| labels.get("consumer").cloned();
        vector
            .iter()
            .map(|(labels, value)| (consumer(labels).unwrap_or_default(), *value))
            .collect()
    }

    #[test]
    fn the_control_planes_query_is_answered() {
        let wished = [("prisma_t1".to_owned(), 5), ("prismb_t2".to_owned(), 5)];
        for text in [
            "sum by (consumer) (apisix_http_status{consumer=~\"prism.+\"})",
            "sum(apisix_http_status{consumer=~\"prism.+\"}) by (consumer)",
            "sum by(consumer)(apisix_http_status{consumer!=\"\"})",
        ] {
            assert_eq!(sums(text), wished, "{text}");
        }
        assert_eq!(sums("sum(apisix_http_status)"), [(String::new(), 17)]);
        assert_eq!(
            sums("apisix_http_status{code=\"401\"}"),
            [(String::new(), 7)]
        );
        assert_eq!(sums("something_else"), []);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for text in [
            "",
            "rate(apisix_http_status[5m])",
            "sum by (consumer) (apisix_http_status",
            "apisix_http_status{consumer=~\"a",
            "apisix_http_status{consumer}",
            "apisix_http_status > 1",
            "apisix_http_status{consumer=~\"[a-z]\"}",
        ] {
            assert!(Query::parse(text).is_err(), "{text}");
        }
    }
}
