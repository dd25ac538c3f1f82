//! Names of places in object storage: `s3://bucket/key`, `gs://bucket/key`, `az://container/blob`, `http(s)://host/path`.
//!
//! A name holds no secret: user names, passwords and query strings are refused, because names travel with runs and
//! stand in results. Never opens anything.

use std::fmt;

use object_store::path::Path;

use super::fault::ObjectsError;
use crate::settings::mask;

/// A kind of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Amazon S3, and servers that speak its protocol.
    S3,
    /// Google Cloud Storage.
    Gs,
    /// Azure Blob Storage.
    Az,
    /// A web server, in clear.
    Http,
    /// A web server over TLS.
    Https,
}

impl Scheme {
    fn of(text: &str) -> Option<Self> {
        Some(match text {
            "s3" => Self::S3,
            "gs" => Self::Gs,
            "az" => Self::Az,
            "http" => Self::Http,
            "https" => Self::Https,
            _ => return None,
        })
    }

    /// Whether places of this kind can be listed and written: a web server only gives files by name.
    #[must_use]
    pub const fn is_bucket(self) -> bool {
        matches!(self, Self::S3 | Self::Gs | Self::Az)
    }
}

/// Whether a name is of object storage or a web server.
#[must_use]
pub fn is_remote(uri: &str) -> bool {
    uri.split_once("://")
        .is_some_and(|(scheme, _)| Scheme::of(scheme).is_some())
}

/// A place: an object, or the beginning of the names of some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    scheme: Scheme,
    /// `s3://bucket`.
    root: String,
    /// What follows the root, as spelled, without the slash between them.
    rest: String,
    path: Path,
}

impl Place {
    /// Reads a name.
    ///
    /// # Errors
    /// [`ObjectsError::Name`] and [`ObjectsError::Secrets`].
    pub fn parse(uri: &str) -> Result<Self, ObjectsError> {
        let bad = |why: &str| ObjectsError::Name {
            uri: mask(uri),
            why: why.to_owned(),
        };
        let (scheme, after) = uri.split_once("://").ok_or_else(|| bad("it has no scheme"))?;
        let kind = Scheme::of(scheme).ok_or_else(|| bad("its scheme is none of object storage"))?;
        let (authority, rest) = after.split_once('/').unwrap_or((after, ""));
        let has_query = !kind.is_bucket() && rest.contains('?');
        if authority.contains(['@', '?']) || has_query {
            return Err(ObjectsError::Secrets { uri: mask(uri) });
        }
        if authority.is_empty() {
            return Err(bad(if kind.is_bucket() {
                "it names no bucket"
            } else {
                "it names no host"
            }));
        }
        let path = if kind.is_bucket() {
            Path::parse(rest.trim_end_matches('/'))
        } else {
            Path::from_url_path(rest.split('#').next().unwrap_or_default())
        };
        Ok(Self {
            scheme: kind,
            root: format!("{scheme}://{authority}"),
            rest: rest.to_owned(),
            path: path.map_err(|error| bad(&error.to_string()))?,
        })
    }

    /// The kind of store.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The store: `s3://bucket`.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The bucket, the container, or the host with its port.
    #[must_use]
    pub fn bucket(&self) -> &str {
        self.root.split_once("://").map_or("", |(_, bucket)| bucket)
    }

    /// The object, or what the names of objects begin with.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is spelled as a folder: with a slash at its end, or the store as a whole.
    #[must_use]
    pub fn is_folder(&self) -> bool {
        self.rest.is_empty() || self.rest.ends_with('/')
    }

    /// The name of an object of the same store, as a listing gives it.
    #[must_use]
    pub fn uri_of(&self, object: &Path) -> String {
        format!("{}/{object}", self.root)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.root, self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_store_and_a_path() {
        for (uri, root, path, is_folder) in [
            ("s3://b/lake/x.parquet", "s3://b", "lake/x.parquet", false),
            ("s3://b/lake/", "s3://b", "lake", true),
            ("s3://b", "s3://b", "", true),
            ("gs://b/symbol=A%2FB/x.csv", "gs://b", "symbol=A%2FB/x.csv", false),
            ("az://c/a?b.csv", "az://c", "a?b.csv", false),
            ("http://h:81/a%20b.csv", "http://h:81", "a b.csv", false),
        ] {
            let place = Place::parse(uri).unwrap();
            assert_eq!(place.root(), root, "{uri}");
            assert_eq!(place.path().as_ref(), path, "{uri}");
            assert_eq!(place.is_folder(), is_folder, "{uri}");
        }
    }

    #[test]
    fn a_name_with_a_secret_is_refused_without_it() {
        for uri in [
            "s3://key:hush@b/x.csv",
            "https://me:hush@h/x.csv",
            "https://h/x.csv?sig=hush",
        ] {
            let error = Place::parse(uri).unwrap_err();
            assert!(matches!(error, ObjectsError::Secrets { .. }), "{uri}");
            assert!(!error.to_string().contains("hush"), "{error}");
        }
        for uri in ["s3://", "s3:///x.csv", "s3://b/../x.csv", "https:///x"] {
            assert!(matches!(Place::parse(uri), Err(ObjectsError::Name { .. })), "{uri}");
        }
        assert!(!is_remote("file:///x") && !is_remote("a/b.csv") && is_remote("az://c/x"));
    }
}
