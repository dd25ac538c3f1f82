//! The address of a Redis: one server, one behind Sentinel, or a Cluster; and never its password in a message.

use std::{fmt, str::FromStr};

use redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo, RedisResult, TlsCertificates,
};

const DEFAULT_PORT: u16 = 6_379;
const SENTINEL_PORT: u16 = 26_379;

/// Where a Redis is and who connects to it:
/// `redis://[USER[:PASSWORD]@]HOST[:PORT][/DB]`, `redis+sentinel://…HOST[:PORT],…/SERVICE[/DB]`,
/// `redis+cluster://…HOST[:PORT],…`; with `rediss` for TLS. User and password may be percent-encoded.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl {
    pub(super) topology: Topology,
    is_tls: bool,
    user: Option<String>,
    password: Option<String>,
    hosts: Vec<(String, u16)>,
    db: u32,
}

/// What stands at the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Topology {
    /// One server, or a proxy that looks like one.
    Single,
    /// Sentinels that know the primary of this service.
    Sentinel {
        /// The name of the service.
        service: String,
    },
    /// Nodes of a cluster.
    Cluster,
}

/// A text that is not the address of a Redis. It does not repeat the text, which may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not the address of a Redis: {reason}; expected redis://[USER:PASSWORD@]HOST[:PORT][/DB], or rediss, redis+sentinel, redis+cluster"
)]
pub struct UrlError {
    reason: &'static str,
}

impl RedisUrl {
    /// Whether one server stands at the address.
    pub const fn is_single(&self) -> bool {
        matches!(self.topology, Topology::Single)
    }

    /// Whether the queue is spread over the nodes of a cluster.
    pub const fn is_cluster(&self) -> bool {
        matches!(self.topology, Topology::Cluster)
    }

    /// Whether connections are encrypted.
    pub const fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// How to connect to each of the hosts, trusting the authority in `ca_pem` where there is one. Sentinels are asked
    /// without the user and database of the server.
    pub(super) fn nodes(&self, ca_pem: Option<&[u8]>) -> RedisResult<Vec<ConnectionInfo>> {
        let settings = match self.topology {
            Topology::Sentinel { .. } => RedisConnectionInfo::default(),
            Topology::Single | Topology::Cluster => self.settings(),
        };
        let node = |(host, port): &(String, u16)| {
            let address = if self.is_tls {
                ConnectionAddr::TcpTls {
                    host: host.clone(),
                    port: *port,
                    insecure: false,
                    tls_params: None,
                }
            } else {
                ConnectionAddr::Tcp(host.clone(), *port)
            };
            let node = address.into_connection_info()?.set_redis_settings(settings.clone());
            let Some(ca_pem) = ca_pem.filter(|_| self.is_tls) else {
                return Ok(node);
            };
            let trust = TlsCertificates {
                client_tls: None,
                root_cert: Some(ca_pem.to_vec()),
            };
            Ok(Client::build_with_tls(node, trust)?.get_connection_info().clone())
        };
        self.hosts.iter().map(node).collect()
    }

    /// Who connects to the server, and to which database of it.
    pub(super) fn settings(&self) -> RedisConnectionInfo {
        let mut settings = RedisConnectionInfo::default().set_db(i64::from(self.db));
        if let Some(user) = &self.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &self.password {
            settings = settings.set_password(password);
        }
        settings
    }
}

impl FromStr for RedisUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = text.trim().split_once("://").ok_or(bad("there is no scheme"))?;
        let (is_tls, kind) = match scheme.split_once('+').unwrap_or((scheme, "")) {
            ("redis" | "valkey", kind) => (false, kind),
            ("rediss" | "valkeys", kind) => (true, kind),
            _ => return Err(bad("unknown scheme")),
        };
        let (login, place) = rest.rsplit_once('@').unwrap_or(("", rest));
        let (hosts, path) = place.split_once('/').unwrap_or((place, ""));
        let (user, password) = parse_login(login)?;
        let (topology, db) = match kind {
            "" if !hosts.contains(',') => (Topology::Single, path),
            "" => return Err(bad("several hosts, and neither +sentinel nor +cluster")),
            "cluster" if path.is_empty() => (Topology::Cluster, ""),
            "cluster" => return Err(bad("a cluster has no databases")),
            "sentinel" => {
                let (service, db) = path.split_once('/').unwrap_or((path, ""));
                let service = Some(service).filter(|name| !name.is_empty());
                let service = service.ok_or(bad("the name of the service is missing"))?.to_owned();
                (Topology::Sentinel { service }, db)
            }
            _ => return Err(bad("unknown scheme")),
        };
        let port = if kind == "sentinel" {
            SENTINEL_PORT
        } else {
            DEFAULT_PORT
        };
        let hosts = hosts.split(',').map(|host| parse_host(host, port));
        let db = if db.is_empty() { Ok(0) } else { db.parse() };
        Ok(Self {
            topology,
            is_tls,
            user,
            password,
            hosts: hosts.collect::<Result<_, _>>()?,
            db: db.map_err(|_| bad("the database is not a number"))?,
        })
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "rediss" } else { "redis" };
        let kind = match self.topology {
            Topology::Single => "",
            Topology::Sentinel { .. } => "+sentinel",
            Topology::Cluster => "+cluster",
        };
        write!(f, "{scheme}{kind}://")?;
        if self.user.is_some() || self.password.is_some() {
            let masked = if self.password.is_some() { ":***" } else { "" };
            write!(f, "{}{masked}@", self.user.as_deref().unwrap_or_default())?;
        }
        for (i, (host, port)) in self.hosts.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            let (open, close) = if host.contains(':') { ("[", "]") } else { ("", "") };
            write!(f, "{comma}{open}{host}{close}:{port}")?;
        }
        if let Topology::Sentinel { service } = &self.topology {
            write!(f, "/{service}")?;
        }
        if self.db == 0 {
            Ok(())
        } else {
            write!(f, "/{}", self.db)
        }
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

const fn bad(reason: &'static str) -> UrlError {
    UrlError { reason }
}

/// User and password of `USER:PASSWORD`, `:PASSWORD`, `USER` or nothing.
fn parse_login(login: &str) -> Result<(Option<String>, Option<String>), UrlError> {
    let (user, password) = login.split_once(':').map_or((login, None), |(u, p)| (u, Some(p)));
    let user = Some(user).filter(|user| !user.is_empty()).map(decode).transpose()?;
    Ok((user, password.map(decode).transpose()?))
}

fn parse_host(text: &str, default_port: u16) -> Result<(String, u16), UrlError> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or(bad("a bracket is not closed"))?;
            (host, port.strip_prefix(':'))
        }
        None => text
            .split_once(':')
            .map_or((text, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() {
        return Err(bad("a host is missing"));
    }
    let port = port.map_or(Ok(default_port), str::parse);
    Ok((host.to_owned(), port.map_err(|_| bad("a port is not a number"))?))
}

/// Resolves `%41` and the like.
fn decode(text: &str) -> Result<String, UrlError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend(parts.next().unwrap_or_default().bytes());
    for part in parts {
        let code = part.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(code.ok_or(bad("a percent sign without two hex digits"))?);
        bytes.extend(part[2..].bytes());
    }
    String::from_utf8(bytes).map_err(|_| bad("user or password is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_shown_without_their_password() {
        for (text, shown) in [
            ("redis://localhost", "redis://localhost:6379"),
            ("rediss://h:7000/3", "rediss://h:7000/3"),
            ("redis://:p%40ss@h", "redis://:***@h:6379"),
            ("redis://user:geheim@[::1]:1", "redis://user:***@[::1]:1"),
            ("valkey://user@h", "redis://user@h:6379"),
            (
                "rediss+cluster://u:geheim@a:1,b,c:3",
                "rediss+cluster://u:***@a:1,b:6379,c:3",
            ),
            (
                "redis+sentinel://u:geheim@a,b:5/main/2",
                "redis+sentinel://u:***@a:26379,b:5/main/2",
            ),
        ] {
            let url: RedisUrl = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(
                (url.to_string(), format!("{url:?}")),
                (shown.to_owned(), shown.to_owned())
            );
        }
        let url: RedisUrl = "redis://us%65r:p%40ss%3A@h".parse().unwrap();
        let settings = url.settings();
        assert_eq!(
            (settings.username(), settings.password()),
            (Some("user"), Some("p@ss:"))
        );
    }

    #[test]
    fn what_is_no_address_is_refused_without_repeating_it() {
        for text in [
            "localhost:6379",
            "http://h",
            "redis://",
            "redis://a,b",
            "redis://geheim@h:port",
            "redis://h/geheim",
            "redis+cluster://h/1",
            "redis+sentinel://h",
            "redis+ring://h",
            "redis://[::1",
            "redis://u:%zz@h",
        ] {
            let error = text.parse::<RedisUrl>().expect_err(text).to_string();
            assert!(!error.contains("geheim"), "{error}");
        }
    }
}
