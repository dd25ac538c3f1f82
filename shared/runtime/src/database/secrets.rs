//! Who connects, and with which password: the name's own, then PGUSER and PGPASSWORD, then the password file.
//!
//! As PostgreSQL's own tools look for them. Never shows a password.

use std::env;
use std::path::PathBuf;

use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// Completes how to connect from this process's environment.
pub(super) fn complete(config: &mut Config) {
    if config.get_user().is_none() {
        let user = env::var("PGUSER").or_else(|_| env::var("USER"));
        config.user(user.unwrap_or_else(|_| "postgres".to_owned()));
    }
    if config.get_password().is_some() {
        return;
    }
    if let Ok(password) = env::var("PGPASSWORD") {
        config.password(password);
    } else if let Some(password) = from_file(config) {
        config.password(password);
    }
}

fn from_file(config: &Config) -> Option<String> {
    let named = env::var_os("PGPASSFILE").map(PathBuf::from);
    let path = named.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".pgpass")))?;
    if is_open_to_others(&path) {
        tracing::warn!(file = %path.display(), "the password file is not used: others may read it (chmod 0600)");
        return None;
    }
    let text = std::fs::read_to_string(path).ok()?;
    let host = match config.get_hosts().first()? {
        Host::Tcp(host) => host.clone(),
        Host::Unix(_) => "localhost".to_owned(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432).to_string();
    let wanted = [host.as_str(), &port, config.get_dbname()?, config.get_user()?];
    text.lines().find_map(|line| matching(line, &wanted))
}

fn is_open_to_others(path: &std::path::Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

/// The password of a line `host:port:database:user:password` that fits; `*` fits all, a backslash escapes.
fn matching(line: &str, wanted: &[&str; 4]) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let mut fields = vec![String::new()];
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => fields.last_mut()?.extend(letters.next()),
            ':' if fields.len() < 5 => fields.push(String::new()),
            letter => fields.last_mut()?.push(letter),
        }
    }
    let [host, port, database, user, password] = <[String; 5]>::try_from(fields).ok()?;
    let fits = [host, port, database, user];
    let fits = fits
        .iter()
        .zip(wanted)
        .all(|(field, wanted)| field == "*" || field == wanted);
    fits.then_some(password)
}

#[cfg(test)]
mod tests {
    use super::matching;

    #[test]
    fn a_line_fits_by_all_its_fields() {
        let wanted = ["h", "5432", "db", "me"];
        for (line, expect) in [
            ("h:5432:db:me:pa:ss", Some("pa:ss")),
            (r"*:*:*:me:a\:b\\", Some(r"a:b\")),
            ("h:5432:db:you:x", None),
            ("# h:5432:db:me:x", None),
            ("h:5432:db", None),
        ] {
            assert_eq!(matching(line, &wanted).as_deref(), expect, "{line}");
        }
    }
}
