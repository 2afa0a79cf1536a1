//! What a path of the API names.

use crate::failure::Failure;
use crate::resource::Kind;

/// A collection, an object or a subresource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub kind: Kind,
    /// Empty for cluster-wide kinds; `None` for all namespaces.
    pub namespace: Option<String>,
    pub name: Option<String>,
    pub subresource: Option<String>,
    /// What follows the subresource, for the pod proxy.
    pub rest: String,
}

/// Splits and decodes a path.
pub fn segments(path: &str) -> Result<Vec<String>, Failure> {
    path.split('/')
        .filter(|part| !part.is_empty())
        .map(decode)
        .collect()
}

fn decode(part: &str) -> Result<String, Failure> {
    let bad = || Failure::bad_request("the path is not well encoded");
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| byte.and_then(|b| char::from(b).to_digit(16));
            let (high, low) = (digit(rest.next()), digit(rest.next()));
            let code = high
                .zip(low)
                .map(|(high, low)| high * 16 + low)
                .ok_or_else(bad)?;
            bytes.push(u8::try_from(code).map_err(|_| bad())?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).map_err(|_| bad())
}

impl Target {
    /// Reads the segments of a path.
    pub fn parse(path: &[&str]) -> Result<Self, Failure> {
        let (group, version, rest) = match path {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return Err(Failure::no_such_path()),
        };
        let (namespace, rest) = match rest {
            ["namespaces", _, "status" | "finalize"] => (None, rest),
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some(*namespace), rest),
            rest => (None, rest),
        };
        let [plural, rest @ ..] = rest else {
            return Err(Failure::no_such_path());
        };
        let kind = Kind::at(group, version, plural).ok_or_else(Failure::no_such_path)?;
        let namespaced = kind.definition().namespaced;
        if namespace.is_some() && !namespaced {
            return Err(Failure::no_such_path());
        }
        let name = rest.first().map(|name| (*name).to_owned());
        if namespaced && namespace.is_none() && name.is_some() {
            return Err(Failure::no_such_path());
        }
        let namespace = if namespaced {
            namespace.map(str::to_owned)
        } else {
            Some(String::new())
        };
        let subresource = rest.get(1).map(|part| (*part).to_owned());
        let tail = rest.get(2..).unwrap_or_default().join("/");
        let target = Self {
            kind,
            namespace,
            name,
            subresource,
            rest: tail,
        };
        target.known()?;
        Ok(target)
    }

    fn known(&self) -> Result<(), Failure> {
        let row = self.kind.definition();
        let fits = match self.subresource.as_deref() {
            None => true,
            Some("status") => row.status,
            Some("finalize") => self.kind == Kind::Namespace,
            Some("log" | "proxy") => self.kind == Kind::Pod,
            Some(_) => false,
        };
        match (fits, &self.name) {
            (true, _) => Ok(()),
            (false, Some(name)) => Err(Failure::not_found(self.kind, name)),
            (false, None) => Err(Failure::no_such_path()),
        }
    }

    /// The namespace as the store keys it.
    pub fn space(&self) -> &str {
        self.namespace.as_deref().unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(path: &str) -> Option<Target> {
        let segments = segments(path).ok()?;
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        Target::parse(&path).ok()
    }

    #[test]
    fn paths_name_collections_objects_and_subresources() {
        let all = parse("/apis/argoproj.io/v1alpha1/applications").unwrap();
        assert_eq!(
            (all.kind, all.namespace, all.name),
            (Kind::Application, None, None)
        );
        let one = parse("/api/v1/namespaces/a/pods/b%3A9080/proxy/x/y").unwrap();
        assert_eq!(one.name.as_deref(), Some("b:9080"));
        assert_eq!(
            (one.subresource.as_deref(), one.rest.as_str()),
            (Some("proxy"), "x/y")
        );
        let space = parse("/api/v1/namespaces/a").unwrap();
        assert_eq!(
            (space.kind, space.name.as_deref()),
            (Kind::Namespace, Some("a"))
        );
        assert_eq!(
            parse("/api/v1/namespaces/a/finalize").unwrap().kind,
            Kind::Namespace
        );
        assert_eq!(
            parse("/apis/argoproj.io/v1alpha1/namespaces/a/applications/b/status"),
            None
        );
        assert_eq!(parse("/api/v1/widgets"), None);
        assert_eq!(parse("/api/v1/pods/%zz"), None);
    }
}
