//! What may enter the build: licences, sources, banned crates, crates that must stay single, and no member published.
//!
//! The lists are those of `deny.toml`, read here with every key known: what the file says and this module does not
//! hold is refused, so the two can't drift apart.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::Metadata;
use serde::Deserialize;
use spdx::{Expression, Licensee, ParseMode};

use crate::assert_none;
use crate::graph::metadata;
use crate::tree::read;

/// `deny.toml`, as much of cargo-deny's format as the project uses.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    licenses: Licenses,
    bans: Bans,
    sources: Sources,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Bans {
    multiple_versions: Allowed,
    deny: Vec<Ban>,
}

/// The only level that [`Bans`] holds for crates it does not name.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Allowed {
    Allow,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    use_instead: Option<String>,
    /// Bans a second version of the crate instead of the crate.
    #[serde(default)]
    deny_multiple_versions: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Sources {
    unknown_registry: Denied,
    unknown_git: Denied,
    allow_registry: Vec<String>,
}

/// The only level that [`Sources`] holds.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Denied {
    Deny,
}

/// What the policy asks of a package.
#[derive(Clone, Debug)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    /// Where it came from; none for a member.
    source: Option<String>,
    /// Whether cargo may publish it.
    publishable: bool,
}

fn license_violations(packages: &[Package], allow: &[String]) -> Vec<String> {
    let allowed: Vec<Licensee> = allow.iter().map(|name| licensee(name)).collect();
    let refused = packages.iter().filter_map(|package| {
        let Package {
            name, version, license, ..
        } = package;
        let Some(license) = license else {
            return Some(format!("{name} {version} states no licence"));
        };
        match Expression::parse_mode(license, ParseMode::LAX) {
            Err(error) => Some(format!(
                "{name} {version}: `{license}` is no licence expression: {}",
                error.reason
            )),
            Ok(expression) if expression.evaluate(|asked| allowed.iter().any(|it| it.satisfies(asked))) => None,
            Ok(_) => Some(format!(
                "{name} {version} is under {license}, which deny.toml does not allow"
            )),
        }
    });
    refused.collect()
}

/// Licences that could leave the list without any package being refused.
fn idle_licenses(packages: &[Package], allow: &[String]) -> Vec<String> {
    let without = |name: &String| allow.iter().filter(|it| *it != name).cloned().collect::<Vec<_>>();
    let before = license_violations(packages, allow).len();
    let idle = allow
        .iter()
        .filter(|name| license_violations(packages, &without(name)).len() == before);
    idle.map(|name| format!("deny.toml allows {name}, which no package needs"))
        .collect()
}

fn ban_violations(packages: &[Package], bans: &Bans) -> Vec<String> {
    let Allowed::Allow = bans.multiple_versions;
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in packages {
        versions.entry(&package.name).or_default().insert(&package.version);
    }
    let broken = bans.deny.iter().filter_map(|ban| {
        let found = versions.get(ban.name.as_str())?;
        let list = found.iter().copied().collect::<Vec<_>>().join(" and ");
        match (ban.deny_multiple_versions, found.len(), &ban.use_instead) {
            (true, 0 | 1, _) => None,
            (true, _, _) => Some(format!("{} is there in versions {list}", ban.name)),
            (false, _, None) => Some(format!("{} {list} is banned", ban.name)),
            (false, _, Some(instead)) => Some(format!("{} {list} is banned: use {instead}", ban.name)),
        }
    });
    broken.collect()
}

fn source_violations(packages: &[Package], sources: &Sources) -> Vec<String> {
    let Sources {
        unknown_registry: Denied::Deny,
        unknown_git: Denied::Deny,
        allow_registry,
    } = sources;
    let allowed = |source: &str| {
        source
            .strip_prefix("registry+")
            .is_some_and(|url| allow_registry.iter().any(|registry| registry == url))
    };
    let mut violations = Vec::new();
    for Package {
        name,
        source,
        publishable,
        ..
    } in packages
    {
        match source {
            Some(source) if !allowed(source) => violations.push(format!("{name} comes from {source}")),
            Some(_) => {}
            None if *publishable => violations.push(format!("{name} does not say `publish = false`")),
            None => {}
        }
    }
    violations
}

/// A path dependency outside the workspace has no source either, and is nobody's.
fn stray_paths(metadata: &Metadata) -> Vec<String> {
    let stray = metadata
        .packages
        .iter()
        .filter(|it| it.source.is_none() && !metadata.workspace_members.contains(&it.id));
    stray
        .map(|package| format!("{} is a path outside the workspace", package.name))
        .collect()
}

#[track_caller]
fn licensee(name: &str) -> Licensee {
    Licensee::parse(name).unwrap_or_else(|error| panic!("deny.toml allows `{name}`, no licence: {}", error.reason))
}

fn policy() -> Policy {
    toml::from_str(&read("deny.toml")).unwrap_or_else(|error| panic!("deny.toml: {error}"))
}

fn packages() -> Vec<Package> {
    let packages = metadata().packages.iter().map(|package| Package {
        name: package.name.to_string(),
        version: package.version.to_string(),
        license: package.license.clone(),
        source: package.source.as_ref().map(|source| source.repr.clone()),
        publishable: package.publish.as_ref().is_none_or(|registries| !registries.is_empty()),
    });
    packages.collect()
}

#[test]
fn every_licence_is_allowed_and_every_allowance_needed() {
    let allow = policy().licenses.allow;
    assert_none(&license_violations(&packages(), &allow));
    assert_none(&idle_licenses(&packages(), &allow));
}

#[test]
fn no_banned_crate_and_no_second_copy_of_a_heavy_one() {
    assert_none(&ban_violations(&packages(), &policy().bans));
}

#[test]
fn every_crate_comes_from_the_registry_and_no_member_goes_there() {
    assert_none(&source_violations(&packages(), &policy().sources));
    assert_none(&stray_paths(metadata()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str) -> Package {
        Package {
            name: name.into(),
            version: version.into(),
            license: Some("MIT".into()),
            source: Some("registry+https://example.org/index".into()),
            publishable: true,
        }
    }

    #[test]
    fn licence_expressions_are_evaluated() {
        let allow = ["MIT", "Apache-2.0"].map(str::to_owned);
        let check = |license: Option<&str>, ok: bool| {
            let package = Package {
                license: license.map(str::to_owned),
                ..package("a", "1.0.0")
            };
            assert_eq!(license_violations(&[package], &allow).is_empty(), ok, "{license:?}");
        };
        check(Some("MIT"), true);
        check(Some("MIT OR GPL-3.0-only"), true);
        check(Some("MIT AND GPL-3.0-only"), false);
        check(Some("MIT/Unlicense"), true);
        check(Some("(GPL-3.0-only OR Apache-2.0) AND MIT"), true);
        check(Some("Apache-2.0 WITH LLVM-exception"), false);
        check(Some("LGPL-3.0-or-later"), false);
        check(Some("My own"), false);
        check(None, false);
    }

    #[test]
    fn an_allowance_that_nobody_needs_is_found() {
        let allow = ["MIT", "Zlib"].map(str::to_owned);
        assert_eq!(
            idle_licenses(&[package("a", "1.0.0")], &allow),
            ["deny.toml allows Zlib, which no package needs"]
        );
    }

    #[test]
    fn bans_are_held() {
        let bans: Bans = toml::from_str(
            "multiple-versions = \"allow\"\ndeny = [{ crate = \"openssl\", use-instead = \"rustls\" }, \
             { crate = \"arrow\", deny-multiple-versions = true }]",
        )
        .unwrap();
        let check = |packages: &[(&str, &str)], expect: &[&str]| {
            let packages: Vec<_> = packages.iter().map(|(name, version)| package(name, version)).collect();
            assert_eq!(ban_violations(&packages, &bans), expect);
        };
        check(&[("arrow", "60.1.0"), ("syn", "1.0.0"), ("syn", "2.0.0")], &[]);
        check(
            &[("arrow", "60.1.0"), ("arrow", "59.0.0")],
            &["arrow is there in versions 59.0.0 and 60.1.0"],
        );
        check(&[("openssl", "0.10.0")], &["openssl 0.10.0 is banned: use rustls"]);
    }

    #[test]
    fn sources_and_publishing_are_held() {
        let sources: Sources = toml::from_str(
            "unknown-registry = \"deny\"\nunknown-git = \"deny\"\nallow-registry = [\"https://example.org/index\"]",
        )
        .unwrap();
        let from = |source: Option<&str>, publishable| Package {
            source: source.map(str::to_owned),
            publishable,
            ..package("a", "1.0.0")
        };
        let check = |package: Package, expect: &[&str]| assert_eq!(source_violations(&[package], &sources), expect);
        check(from(Some("registry+https://example.org/index"), true), &[]);
        check(
            from(Some("registry+https://other.org/index"), true),
            &["a comes from registry+https://other.org/index"],
        );
        check(
            from(Some("git+https://example.org/a"), true),
            &["a comes from git+https://example.org/a"],
        );
        check(from(None, false), &[]);
        check(from(None, true), &["a does not say `publish = false`"]);
    }

    #[test]
    fn a_key_that_is_not_held_here_is_refused() {
        let text = read("deny.toml");
        assert!(toml::from_str::<Policy>(&text).is_ok());
        for (from, to) in [
            ("[bans]", "[bans]\nwildcards = \"deny\""),
            ("unknown-git = \"deny\"", "unknown-git = \"allow\""),
            ("multiple-versions = \"allow\"", "multiple-versions = \"warn\""),
            ("[sources]", "[advisories]\n[sources]"),
        ] {
            assert!(toml::from_str::<Policy>(&text.replacen(from, to, 1)).is_err(), "{to}");
        }
    }
}
