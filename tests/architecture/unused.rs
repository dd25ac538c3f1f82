//! Dependencies that are declared and not used, told as cargo-machete tells them: by the crate's name in the sources.
//!
//! Stricter in two ways: only product code counts for a normal dependency, and an ignore that is not needed fails.
//! `[package.metadata.cargo-machete] ignored = […]` in a member's manifest names what only generated code uses.

use std::collections::BTreeSet;

use cargo_metadata::DependencyKind;
use toml::Table;

use crate::assert_none;
use crate::graph::metadata;
use crate::purity::test_only_files;
use crate::rust_code::{first_segment, mentions, tokens, without_tests};
use crate::sources::member_manifests;
use crate::tree::{TextFile, read, texts};

/// A member with what it declares and what its sources name.
#[derive(Clone, Debug, Default)]
struct Member {
    name: String,
    declared: Vec<Declared>,
    ignored: BTreeSet<String>,
    /// Crates that its shipped code names.
    product: BTreeSet<String>,
    /// Crates that any of its code names, tests and benches with it.
    anywhere: BTreeSet<String>,
    /// Crates that its build script names.
    build: BTreeSet<String>,
}

#[derive(Clone, Debug)]
struct Declared {
    package: String,
    /// The name that code uses.
    extern_name: String,
    kind: DependencyKind,
}

fn violations(member: &Member) -> Vec<String> {
    let mut violations = Vec::new();
    for Declared {
        package,
        extern_name,
        kind,
    } in &member.declared
    {
        let (named_in, table) = match kind {
            DependencyKind::Development => (&member.anywhere, "dev-dependencies"),
            DependencyKind::Build => (&member.build, "build-dependencies"),
            _ => (&member.product, "dependencies"),
        };
        match (named_in.contains(extern_name), member.ignored.contains(package)) {
            (false, false) => violations.push(format!("{} never names {package} of its {table}", member.name)),
            (true, true) => violations.push(format!("{} ignores {package}, which it does name", member.name)),
            _ => {}
        }
    }
    let declared = |name: &&String| member.declared.iter().any(|it| it.package == **name);
    let stray = member.ignored.iter().filter(|name| !declared(name));
    violations.extend(stray.map(|name| format!("{} ignores {name}, which it does not declare", member.name)));
    violations
}

/// Entries of `[workspace.dependencies]` that no member takes over.
fn idle_workspace_entries(root: &Table, members: &[(String, Table)]) -> Vec<String> {
    let entries = root["workspace"].get("dependencies").and_then(toml::Value::as_table);
    let takes_over = |manifest: &Table, name: &str| {
        let tables = ["dependencies", "dev-dependencies", "build-dependencies"].into_iter();
        let mut entries = tables.filter_map(|table| manifest.get(table)?.get(name)?.get("workspace")?.as_bool());
        entries.any(|inherited| inherited)
    };
    let names = entries.into_iter().flat_map(Table::keys);
    let idle = names.filter(|name| !members.iter().any(|(_, manifest)| takes_over(manifest, name)));
    idle.map(|name| format!("Cargo.toml holds a version of {name}, which no member takes over"))
        .collect()
}

/// The crates that a file may name: first parts of paths and of `use` lines.
fn crates_named(file: &TextFile, product_only: bool) -> BTreeSet<String> {
    let stream = tokens(&file.path, &file.text);
    let stream = if product_only { without_tests(stream) } else { stream };
    let found = mentions(stream)
        .into_iter()
        .filter(|it| it.imported || it.path.contains("::"));
    found.map(|it| first_segment(&it.path).to_owned()).collect()
}

fn members() -> Vec<Member> {
    let files = texts(&[".rs"]);
    let test_only = test_only_files(&files);
    let root = metadata().workspace_root.as_path();
    let members = metadata().workspace_packages().into_iter().map(|package| {
        let folder = package.manifest_path.parent().and_then(|it| it.strip_prefix(root).ok());
        let folder = format!("{}/", folder.expect("members lie in the workspace"));
        let mut member = Member {
            name: package.name.to_string(),
            declared: declared(package),
            ignored: ignored(&package.metadata),
            ..Member::default()
        };
        // The suites' crate has no product: all of its code counts for its dependencies.
        let suites = folder == "tests/";
        for file in files.iter().filter(|file| file.path.starts_with(&folder)) {
            let inner = &file.path[folder.len()..];
            if inner == "build.rs" {
                member.build.extend(crates_named(file, true));
            } else if suites || inner.starts_with("src/") && !test_only.contains(&file.path) {
                member.product.extend(crates_named(file, !suites));
            }
            member.anywhere.extend(crates_named(file, false));
        }
        member
    });
    members.collect()
}

fn declared(package: &cargo_metadata::Package) -> Vec<Declared> {
    let resolve = metadata().resolve.as_ref().expect("cargo metadata resolves the graph");
    let node = resolve
        .nodes
        .iter()
        .find(|node| node.id == package.id)
        .expect("every member is resolved");
    let of_kinds = node.deps.iter().flat_map(|dependency| {
        dependency.dep_kinds.iter().map(|kind| Declared {
            package: metadata()[&dependency.pkg].name.to_string(),
            extern_name: dependency.name.clone(),
            kind: kind.kind,
        })
    });
    of_kinds.collect()
}

fn ignored(metadata: &serde_json::Value) -> BTreeSet<String> {
    let names = metadata
        .pointer("/cargo-machete/ignored")
        .and_then(serde_json::Value::as_array);
    names
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect()
}

#[test]
fn members_use_what_they_declare() {
    assert_none(&members().iter().flat_map(violations).collect::<Vec<_>>());
}

#[test]
fn members_take_over_every_workspace_version() {
    let root: Table = read("Cargo.toml").parse().expect("the root manifest is TOML");
    assert_none(&idle_workspace_entries(&root, &member_manifests()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> BTreeSet<String> {
        list.iter().map(|it| (*it).to_owned()).collect()
    }

    fn declare(package: &str, kind: DependencyKind) -> Declared {
        Declared {
            package: package.into(),
            extern_name: package.replace('-', "_"),
            kind,
        }
    }

    #[test]
    fn a_dependency_counts_where_its_kind_is_compiled() {
        let check = |package: &str, kind: DependencyKind, expect: &[&str]| {
            let member = Member {
                name: "m".into(),
                declared: vec![declare(package, kind)],
                ignored: names(&[]),
                product: names(&["ta_lib"]),
                anywhere: names(&["ta_lib", "proptest"]),
                build: names(&["protox"]),
            };
            assert_eq!(violations(&member), expect, "{package}");
        };
        check("ta-lib", DependencyKind::Normal, &[]);
        check("proptest", DependencyKind::Development, &[]);
        check(
            "proptest",
            DependencyKind::Normal,
            &["m never names proptest of its dependencies"],
        );
        check("protox", DependencyKind::Build, &[]);
        check(
            "ta-lib",
            DependencyKind::Build,
            &["m never names ta-lib of its build-dependencies"],
        );
        check(
            "csv",
            DependencyKind::Development,
            &["m never names csv of its dev-dependencies"],
        );
    }

    #[test]
    fn an_ignore_holds_while_it_is_needed() {
        let member = Member {
            name: "m".into(),
            declared: vec![
                declare("prost", DependencyKind::Normal),
                declare("bytes", DependencyKind::Normal),
            ],
            ignored: names(&["prost", "bytes", "gone"]),
            product: names(&["bytes"]),
            ..Member::default()
        };
        let expect = [
            "m ignores bytes, which it does name",
            "m ignores gone, which it does not declare",
        ];
        assert_eq!(violations(&member), expect);
    }

    #[test]
    fn a_crate_is_named_by_paths_not_by_variables() {
        let file = TextFile {
            path: "a.rs".into(),
            text: "use serde::Serialize; fn f(bytes: u8) { libm::log(1.0); } \
                   #[cfg(test)] mod tests { use proptest::prelude::*; }"
                .into(),
        };
        assert_eq!(crates_named(&file, true), names(&["libm", "serde"]));
        assert_eq!(crates_named(&file, false), names(&["libm", "proptest", "serde"]));
    }

    #[test]
    fn an_idle_workspace_version_is_found() {
        let root: Table = "[workspace.dependencies]\ncsv = \"1\"\ntoml = \"1\"\nzip = \"1\""
            .parse()
            .unwrap();
        let member: Table =
            "[dependencies]\ncsv.workspace = true\nzip = \"2\"\n[dev-dependencies]\ntoml.workspace = true"
                .parse()
                .unwrap();
        let found = idle_workspace_entries(&root, &[("m".into(), member)]);
        assert_eq!(found, ["Cargo.toml holds a version of zip, which no member takes over"]);
    }
}
