//! Hides the secrets of URIs wherever settings are shown.

/// The text with user names, passwords and query strings of its URIs replaced by `***`.
///
/// A password may hold a slash, so with a `:` in the authority everything up to the last `@` is hidden.
#[must_use]
pub fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("://") {
        let (before, after) = rest.split_at(start + 3);
        let end = after
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ']'))
            .unwrap_or(after.len());
        masked.push_str(before);
        masked.push_str(&mask_uri(&after[..end]));
        rest = &after[end..];
    }
    masked.push_str(rest);
    masked
}

/// What follows the `://` of one URI.
fn mask_uri(uri: &str) -> String {
    let authority = &uri[..uri.find(['/', '?', '#']).unwrap_or(uri.len())];
    let at = if authority.contains(':') {
        uri.rfind('@')
    } else {
        authority.rfind('@')
    };
    let (secret, public) = at.map_or(("", uri), |at| uri.split_at(at));
    let user = if secret.is_empty() { "" } else { "***" };
    match public.split_once('?') {
        Some((path, _)) => format!("{user}{path}?***"),
        None => format!("{user}{public}"),
    }
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn only_secrets_are_hidden() {
        let cases = [
            ("bars.parquet", "bars.parquet"),
            ("s3://bucket/a@b.parquet", "s3://bucket/a@b.parquet"),
            ("http://host:8080/bars", "http://host:8080/bars"),
            ("postgres://me:pass@host/db", "postgres://***@host/db"),
            ("postgres://me:pa/ss@host/db", "postgres://***@host/db"),
            ("https://token@host/x?sig=abc", "https://***@host/x?***"),
            ("az://c/x.csv?sv=1&sig=abc", "az://c/x.csv?***"),
            ("bars = 'postgres://a:b@h/d' # x", "bars = 'postgres://***@h/d' # x"),
            ("a://b:c@d a://e:f@g", "a://***@d a://***@g"),
        ];
        for (text, expect) in cases {
            assert_eq!(mask(text), expect);
        }
    }
}
