//! The kernel's statistics of BPF programs: time and number of runs.

use anyhow::{Context, Result};
use std::fmt::{Display, Formatter};
use std::fs;

const SWITCH: &str = "/proc/sys/kernel/bpf_stats_enabled";

/// Statistics are kept while this lives; dropping it sets the switch back.
pub(super) struct Recording {
    before: String,
}

impl Recording {
    /// Switches them on.
    pub(super) fn start() -> Result<Self> {
        let before = fs::read_to_string(SWITCH).with_context(|| format!("read {SWITCH}"))?;
        fs::write(SWITCH, "1").with_context(|| format!("write {SWITCH} (this needs root)"))?;
        Ok(Self { before })
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if let Err(error) = fs::write(SWITCH, self.before.trim()) {
            eprintln!("bench: set {SWITCH} back to {}: {error}", self.before.trim());
        }
    }
}

/// The busiest program of a process.
#[derive(Default, Clone, Copy)]
pub(super) struct Statistics {
    /// Nanoseconds in the program, all runs together.
    nanoseconds: u64,
    /// How often it ran.
    pub(super) runs: u64,
    /// Instructions that the verifier went through when it was loaded.
    verified: u64,
}

impl Statistics {
    /// Reads those of the program that ran most.
    pub(super) fn of(pid: u32) -> Result<Self> {
        let programs = programs(pid)?;
        programs.into_iter().max_by_key(|program| program.runs).context("it has no BPF program")
    }

    /// Whether the process holds a BPF program.
    pub(super) fn has_program(pid: u32) -> bool {
        programs(pid).is_ok_and(|programs| !programs.is_empty())
    }

    /// The mean time of one run.
    pub(super) fn nanoseconds_a_hit(&self) -> f64 {
        self.nanoseconds as f64 / self.runs as f64
    }
}

impl Display for Statistics {
    fn fmt(&self, to: &mut Formatter<'_>) -> std::fmt::Result {
        let a_hit = self.nanoseconds_a_hit();
        write!(
            to,
            "{a_hit:.0} ns a hit, {} hits, {} instructions verified",
            self.runs, self.verified
        )
    }
}

fn programs(pid: u32) -> Result<Vec<Statistics>> {
    let folder = format!("/proc/{pid}/fdinfo");
    let entries = fs::read_dir(&folder).with_context(|| format!("read {folder}"))?;
    let texts = entries.filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok());
    Ok(texts.filter(|text| text.contains("prog_type:")).map(|text| parse(&text)).collect())
}

/// A descriptor's `key: value` lines; a key that a kernel lacks counts as 0.
fn parse(text: &str) -> Statistics {
    let number = |key: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        value.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
    };
    Statistics {
        nanoseconds: number("run_time_ns"),
        runs: number("run_cnt"),
        verified: number("verified_insns"),
    }
}

#[cfg(test)]
mod tests;
