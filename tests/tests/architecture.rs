//! The dependency edges between the crates are those of docs/design.md, no more and no fewer.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

type Edges = BTreeMap<String, BTreeSet<String>>;

fn documented() -> Edges {
    let page = include_str!("../../docs/design.md");
    let block = page.split("```edges\n").nth(1).and_then(|rest| rest.split("```").next());
    block
        .expect("docs/design.md has a block of edges")
        .lines()
        .map(|line| {
            let (from, to) = line.split_once(" -> ").expect("an edge is `crate -> crate ...`");
            (from.to_owned(), to.split_whitespace().map(str::to_owned).collect())
        })
        .collect()
}

fn actual() -> Edges {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let name = |value: &serde_json::Value| value["name"].as_str().expect("a name").to_owned();
    let members: BTreeSet<String> = packages.iter().map(name).collect();
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().expect("dependencies");
            (name(package), dependencies.iter().map(name).filter(|other| members.contains(other)).collect())
        })
        .filter(|(_, to): &(String, BTreeSet<String>)| !to.is_empty())
        .collect()
}

#[test]
fn dependency_edges_are_the_documented_ones() {
    assert_eq!(actual(), documented());
}
