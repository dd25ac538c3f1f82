//! The direction of dependencies: `kernels <- protocol <- {proto, runtime} <- worker <- coordinator <- tests`, and the
//! full list of crates that the two pure layers may link.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata};

use crate::assert_none;
use crate::graph::{linked_by, metadata};

/// Each member with the members that it may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("tickfleet-kernels", &[]),
    ("tickfleet-protocol", &["tickfleet-kernels"]),
    ("tickfleet-proto", &["tickfleet-kernels", "tickfleet-protocol"]),
    ("tickfleet-runtime", &["tickfleet-kernels", "tickfleet-protocol"]),
    (
        "tickfleet-worker",
        &[
            "tickfleet-kernels",
            "tickfleet-protocol",
            "tickfleet-proto",
            "tickfleet-runtime",
        ],
    ),
    (
        "tickfleet-coordinator",
        &[
            "tickfleet-kernels",
            "tickfleet-protocol",
            "tickfleet-proto",
            "tickfleet-runtime",
            "tickfleet-worker",
        ],
    ),
    (
        "tickfleet-tests",
        &[
            "tickfleet-kernels",
            "tickfleet-protocol",
            "tickfleet-proto",
            "tickfleet-runtime",
            "tickfleet-worker",
            "tickfleet-coordinator",
        ],
    ),
];

/// All that a program links because of the kernels: mathematics and the shape of options.
const KERNELS_LINK: &[&str] = &["libm", "serde", "serde_core"];

/// All that a program links because of the protocol: the kernels' list, hashing, ids and the canonical form.
const PROTOCOL_LINK: &[&str] = &[
    "arrayvec",
    "blake3",
    "cfg-if",
    "constant_time_eq",
    "cpufeatures",
    "itoa",
    "libm",
    "memchr",
    "serde",
    "serde_core",
    "serde_json",
    "thiserror",
    "tickfleet-kernels",
    "uuid",
    "zmij",
];

type Uses = BTreeMap<String, BTreeSet<String>>;

/// Members against the table: a use that it does not allow, a member it does not know, a row without a member.
fn direction_violations(uses: &Uses, table: &[(&str, &[&str])]) -> Vec<String> {
    let mut violations = Vec::new();
    for (member, used) in uses {
        let Some((_, allowed)) = table.iter().find(|(name, _)| name == member) else {
            violations.push(format!("{member} has no row in the table of layers"));
            continue;
        };
        let beyond = used.iter().filter(|name| !allowed.contains(&name.as_str()));
        violations.extend(beyond.map(|name| format!("{member} must not use {name}")));
    }
    let gone = table.iter().filter(|(name, _)| !uses.contains_key(*name));
    violations.extend(gone.map(|(name, _)| format!("the table of layers names {name}, which is no member")));
    violations
}

/// What `package` links against its list, both ways: the list grows only by decision and shrinks by itself.
fn link_violations(package: &str, linked: &BTreeSet<String>, allowed: &[&str]) -> Vec<String> {
    let beyond = linked.iter().filter(|name| !allowed.contains(&name.as_str()));
    let unused = allowed.iter().filter(|name| !linked.contains(**name));
    beyond
        .map(|name| format!("{package} links {name}, which is not on its list"))
        .chain(unused.map(|name| format!("the list of {package} names {name}, which it does not link")))
        .collect()
}

/// Members and the members that their normal and build dependencies name.
fn uses_between_members(metadata: &Metadata) -> Uses {
    let members = metadata.workspace_packages();
    let names: BTreeSet<&str> = members.iter().map(|member| member.name.as_str()).collect();
    let uses = members.iter().map(|member| {
        let shipped = member
            .dependencies
            .iter()
            .filter(|it| it.kind != DependencyKind::Development);
        let used = shipped
            .map(|it| it.name.clone())
            .filter(|name| names.contains(name.as_str()));
        (member.name.to_string(), used.collect())
    });
    uses.collect()
}

#[test]
fn members_use_each_other_in_one_direction() {
    assert_none(&direction_violations(&uses_between_members(metadata()), MAY_USE));
}

#[test]
fn the_pure_layers_link_what_their_lists_name() {
    for (package, allowed) in [
        ("tickfleet-kernels", KERNELS_LINK),
        ("tickfleet-protocol", PROTOCOL_LINK),
    ] {
        assert_none(&link_violations(package, &linked_by(package), allowed));
    }
}

#[test]
fn a_use_against_the_direction_is_found() {
    let table: &[(&str, &[&str])] = &[("low", &[]), ("high", &["low"]), ("gone", &[])];
    let uses = |edges: &[(&str, &[&str])]| -> Uses {
        edges
            .iter()
            .map(|(from, to)| ((*from).to_owned(), to.iter().map(|it| (*it).to_owned()).collect()))
            .collect()
    };
    let found = direction_violations(&uses(&[("low", &["high"]), ("high", &["low"]), ("new", &[])]), table);
    let expect = [
        "low must not use high",
        "new has no row in the table of layers",
        "the table of layers names gone, which is no member",
    ];
    assert_eq!(found, expect);
}

#[test]
fn a_link_beyond_the_list_is_found_and_so_is_a_stale_entry() {
    let linked = ["libm", "tokio"].map(str::to_owned).into();
    let found = link_violations("pure", &linked, &["libm", "serde"]);
    let expect = [
        "pure links tokio, which is not on its list",
        "the list of pure names serde, which it does not link",
    ];
    assert_eq!(found, expect);
}
