//! What is said on standard error, in words.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;

use tracer::session::{NoHits, Notice};
use tracer::sink::sanitize::sanitize_lines;
use tracer::sink::{ProbeLabel, describe_loss, describe_problem};
use tracer::stack::Summary;

use crate::cli::Verbosity;

/// Says it. A name in it cannot steer the terminal; a closed standard error is no failure.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "cgotrace: {}", sanitize_lines(text));
}

/// Says what failed, and why.
pub(crate) fn say_error(error: &anyhow::Error) {
    // The library's texts hold their sources already: `{error:#}` would say them twice.
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    say(&text);
}

/// A notice in words; progress has none, and quiet has warnings only.
pub(crate) fn describe(notice: &Notice, verbosity: Verbosity) -> Option<String> {
    if verbosity == Verbosity::Quiet && !matches!(notice, Notice::Warning(_)) {
        return None;
    }
    Some(match notice {
        Notice::Attaching(_)
        | Notice::Detaching(_)
        | Notice::Naming { .. }
        | Notice::Counting { .. } => return None,
        Notice::OneByOne { probes, time, why } => format!(
            "this kernel attaches probes one by one ({why}): {} take about {:.0} seconds, most of \
             it at the end",
            count(*probes, "probe", "probes"),
            time.as_secs_f64().max(1.0),
        ),
        Notice::Armed { probes, processes } => {
            let place = match processes {
                0 => String::new(),
                &some => format!(" in {}", count(some, "running process", "running processes")),
            };
            format!("probes armed: {}{place}; Ctrl-C ends", count(*probes, "probe", "probes"))
        }
        Notice::Warning(text) => format!("warning: {text}"),
        Notice::NoHits(none) => describe_no_hits(none),
    })
}

/// Why there was no hit, as far as is known, and what to do.
fn describe_no_hits(none: &NoHits) -> String {
    let (binary, seconds) = (none.binary.display(), none.duration.as_secs_f64());
    let functions = count(none.probes, "probed function", "probed functions");
    match none.processes {
        0 => format!(
            "no hit in {seconds:.1} s: no process ran {binary}; start it meanwhile, and look whether \
             it runs another copy of the file"
        ),
        processes => format!(
            "no hit in {seconds:.1} s: {} ran {binary}, and called none of {functions}",
            count(processes, "process", "processes"),
        ),
    }
}

fn count(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Where a probe is, for those who want to know all.
pub(crate) fn describe_probe(probe: &ProbeLabel) -> String {
    let names = match probe.names.as_slice() {
        [] => String::new(),
        names => format!(" ({})", names.join(", ")),
    };
    format!("probe {}{names} at {}+{:#x}", probe.name, probe.module.display(), probe.offset)
}

/// Says the summary; where nothing is to be said, only what was lost.
pub(crate) fn say_summary(summary: &Summary, verbosity: Verbosity) {
    if verbosity != Verbosity::Quiet || summary.lost() > 0 {
        say(&describe_summary(summary));
    }
}

/// The summary: one line, and one more for each reason.
pub(crate) fn describe_summary(summary: &Summary) -> String {
    let events = if summary.events == 1 { "event" } else { "events" };
    let lost = match summary.lost() {
        0 => "nothing lost".to_owned(),
        lost => format!("{lost} lost"),
    };
    let mut text = format!(
        "{} {events}: {} complete, {} incomplete; {lost}",
        summary.events,
        summary.complete,
        summary.incomplete()
    );
    reasons(&mut text, "incomplete", &summary.incomplete, describe_problem);
    reasons(&mut text, "lost", &summary.lost, describe_loss);
    text
}

fn reasons(
    text: &mut String,
    what: &str,
    counts: &BTreeMap<&'static str, u64>,
    describe: fn(&'static str) -> &'static str,
) {
    for (name, count) in counts {
        // A String takes every write.
        let _ = write!(text, "\n  {count} {what}: {} ({name})", describe(name));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_summary_without_a_loss_is_one_line() {
        let summary = Summary { events: 3, complete: 3, ..Summary::default() };
        let expected = "3 events: 3 complete, 0 incomplete; nothing lost";
        assert_eq!(describe_summary(&summary), expected);
    }

    #[test]
    fn every_reason_has_its_line() {
        let summary = Summary {
            events: 1,
            complete: 0,
            incomplete: BTreeMap::from([("limit", 1)]),
            lost: BTreeMap::from([("ring-full", 7), ("unheard-of", 2)]),
            duration: Duration::ZERO,
        };
        let expected = "1 event: 0 complete, 1 incomplete; 9 lost
  1 incomplete: deeper than a record holds (limit)
  7 lost: the buffer was full, cgotrace did not read in time (ring-full)
  2 lost: unheard-of (unheard-of)";
        assert_eq!(describe_summary(&summary), expected);
    }

    #[test]
    fn armed_probes_are_said_in_these_words() {
        for (probes, processes, expected) in [
            (1, 0, "probes armed: 1 probe; Ctrl-C ends"),
            (2, 1, "probes armed: 2 probes in 1 running process; Ctrl-C ends"),
        ] {
            let armed = Notice::Armed { probes, processes };
            assert_eq!(describe(&armed, Verbosity::Normal).as_deref(), Some(expected));
        }
    }

    #[test]
    fn no_hit_is_explained() {
        let said = |processes| {
            describe(
                &Notice::NoHits(NoHits {
                    binary: "./app".into(),
                    processes,
                    probes: 1,
                    duration: Duration::from_secs(2),
                }),
                Verbosity::Normal,
            )
            .unwrap()
        };
        assert!(said(0).starts_with("no hit in 2.0 s: no process ran ./app;"));
        assert_eq!(
            said(3),
            "no hit in 2.0 s: 3 processes ran ./app, and called none of 1 probed function"
        );
    }
}
