//! Inside each folder of `src/`, modules import in one direction: to read one, nobody needs to
//! read those that use it.

use std::{collections::BTreeMap, path::Path};

use super::module_graph::ModuleGraph;

/// Folders that still have circles. The list only gets shorter.
const STILL_TO_CLEAN: [&str; 0] = [];

#[test]
fn no_module_imports_one_that_imports_it() {
    let graph = ModuleGraph::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let circles: BTreeMap<_, _> = graph
        .folders()
        .iter()
        .filter_map(|folder| Some((folder.join("/"), graph.circle_in(folder)?.join(" -> "))))
        .collect();
    let (known, new): (BTreeMap<_, _>, BTreeMap<_, _>) =
        circles.iter().partition(|(folder, _)| STILL_TO_CLEAN.contains(&folder.as_str()));
    assert!(new.is_empty(), "circles: {new:#?}");
    for folder in STILL_TO_CLEAN {
        assert!(known.contains_key(&folder.to_owned()), "{folder} is clean: take it off the list");
    }
}

fn circle(sources: &[(&str, &str)], folder: &str) -> Option<String> {
    let folder: Vec<_> = folder.split('/').map(str::to_owned).collect();
    ModuleGraph::of(sources).circle_in(&folder).map(|circle| circle.join(" -> "))
}

#[test]
fn circles_are_found_however_a_module_is_imported() {
    for import in [
        "use super::b::B;",
        "use super::{c::C, b};",
        "use crate::x::{c, b::{B, D as E}};",
        "fn f() { super::b::g() }",
        "fn f() -> crate::x::b::B { todo!() }",
        "mod inner { use super::super::b; }",
        "use super::Renamed;",
        "use super::Exported;",
        "use crate::Exported;",
        "use super::*; use super::b::B;",
    ] {
        let sources = [
            ("lib.rs", "mod x; pub use x::Exported;"),
            ("x/mod.rs", "mod a; mod b; mod c; pub use b::{B as Renamed, Exported};"),
            ("x/a.rs", import),
            ("x/b.rs", "use super::a::A; pub struct B; pub struct Exported;"),
            ("x/c.rs", ""),
        ];
        assert_eq!(circle(&sources, "x").as_deref(), Some("a -> b -> a"), "{import}");
    }
}

#[test]
fn a_parent_that_uses_a_module_is_in_a_circle_with_it_unless_it_only_re_exports() {
    let parent = |text| [("x/mod.rs", text), ("x/a.rs", "use super::Shared;"), ("x/b.rs", "")];
    let defines = "mod a; pub struct Shared; fn f() { a::g() }";
    assert_eq!(circle(&parent(defines), "x").as_deref(), Some("a -> mod -> a"));
    let re_exports = "mod a; mod b; pub use a::A; pub use b::Shared;";
    assert_eq!(circle(&parent(re_exports), "x"), None);
    let passes_on = "mod a; mod b; pub use a::A; pub use b::*;";
    let shared = [
        ("x/mod.rs", passes_on),
        ("x/a.rs", "use super::Shared;"),
        ("x/b.rs", "pub enum Shared {} use super::A;"),
    ];
    assert_eq!(circle(&shared, "x").as_deref(), Some("a -> b -> a"));
}

#[test]
fn folders_count_as_one_module_and_tests_not_at_all() {
    let sources = [
        ("x/mod.rs", "mod a; mod b;"),
        ("x/a/mod.rs", "mod deep;"),
        ("x/a/deep.rs", "use crate::x::b::B;"),
        ("x/b.rs", "use super::a; "),
    ];
    assert_eq!(circle(&sources, "x").as_deref(), Some("a -> b -> a"));
    for test in [
        "#[cfg(test)] mod tests { use super::super::b::B; }",
        "#[cfg(test)] use super::b::B;",
        "#[cfg(test)] pub(super) mod faults { fn f() { crate::x::b::g() } }",
        "// use super::b::B;",
        "const WORDS: &str = \"use super::b::B;\"; const QUOTE: char = '\"';",
        "pub(in crate::x::b) fn f<'a>() {}",
    ] {
        let sources = [("x/mod.rs", ""), ("x/a.rs", test), ("x/b.rs", "use super::a::A;")];
        assert_eq!(circle(&sources, "x"), None, "{test}");
    }
}
