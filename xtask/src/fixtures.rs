//! `fixtures`: the examples × Go × link mode, in `target/fixtures/<Go>/<exe or pie>/<example>`.

use anyhow::Result;
use xtask::tool::example::{self, Built};
use xtask::tool::go::{self, LinkMode};
use xtask::tool::paths;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The Go versions, such as 1.27 or 1.27.3.
    #[arg(long = "go", value_delimiter = ',', value_name = "VERSION")]
    versions: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.versions.is_empty() {
        return build(&go::TESTED);
    }
    let versions: Result<Vec<_>> = arguments.versions.iter().map(|text| go::known(text)).collect();
    build(&versions?)
}

/// Builds every example with these Go versions, and says a line for each.
pub(crate) fn build(versions: &[&str]) -> Result<()> {
    for version in versions {
        let go = go::ensure_version(version)?;
        for mode in LinkMode::ALL {
            for example in example::ALL {
                let to = example.fixture(version, mode);
                let state = match example.build(&go, version, mode, &to)? {
                    Built::Already => "up to date",
                    Built::Now => "built",
                };
                let shown = to.strip_prefix(paths::root()).unwrap_or(&to);
                println!("fixtures: {} with Go {version}: {state}", shown.display());
            }
        }
    }
    Ok(())
}
