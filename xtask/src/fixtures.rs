//! `fixtures`: the test matrix, in `target/fixtures/<Go>/<exe or pie>/<example>`.

use crate::setup::{self, Part};
use anyhow::Result;
use xtask::tool::example::Built;
use xtask::tool::fixture::{self, Fixture};
use xtask::tool::{go, paths};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only these Go versions, such as 1.27 or 1.27.3.
    #[arg(long = "go", value_delimiter = ',', value_name = "VERSION")]
    versions: Vec<String>,
    /// Only these examples, such as deep.
    #[arg(long = "example", value_delimiter = ',', value_name = "NAME")]
    examples: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let versions: Result<Vec<_>> = arguments.versions.iter().map(|text| go::known(text)).collect();
    let versions = versions?;
    setup::ensure(&[Part::Native], &[])?;
    let mut fixtures = fixture::matrix();
    fixtures.retain(|fixture| versions.is_empty() || versions.contains(&fixture.version));
    let names = &arguments.examples;
    fixtures.retain(|fixture| names.is_empty() || names.iter().any(|n| n == fixture.example.name));
    build(&fixtures)
}

/// Builds these, and says a line for each.
pub(crate) fn build(fixtures: &[Fixture]) -> Result<()> {
    for fixture in fixtures {
        let go = go::ensure_version(fixture.version)?;
        let state = match fixture.build(&go)? {
            Built::Already => "up to date",
            Built::Now => "built",
        };
        let file = fixture.file();
        let shown = file.strip_prefix(paths::root()).unwrap_or(&file);
        println!("fixtures: {} with Go {}: {state}", shown.display(), fixture.version);
    }
    Ok(())
}
