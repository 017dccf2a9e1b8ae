//! `docs/faults.md` and `docs/service.md` name tests that exist.

use std::{fs, path::Path};

fn sources(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_source = path.extension().is_some_and(|kind| kind == "rs" || kind == "py");
        if path.is_dir() {
            sources(&path, into);
        } else if is_source {
            into.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_test_that_the_pages_name_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut code = String::new();
    for folder in ["src", "tests"] {
        sources(&root.join(folder), &mut code);
    }
    let page = ["faults", "service"]
        .map(|page| fs::read_to_string(root.join(format!("docs/{page}.md"))).unwrap())
        .concat();
    let names = page.split('`').filter(|name| name.matches('_').count() > 3 && !name.contains('/'));
    let mut count = 0;
    for name in names {
        let is_there = [format!("fn {name}("), format!("def {name}(")];
        assert!(is_there.iter().any(|definition| code.contains(definition)), "{name}");
        count += 1;
    }
    assert!(count > 60, "{count}");
}
