//! `cgotrace doctor`.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use serde::Serialize;
use tracer::session::{Check, Report, doctor};
use tracer::sink::sanitize::sanitize;
use tracer::sink::write_json_line;

use crate::cli::{DoctorArguments, ListFormat};
use crate::output::ended;

/// Exit status: 0 where tracing is possible, 1 where it is not.
pub(crate) fn main(arguments: DoctorArguments) -> ExitCode {
    let names = arguments.debug_files.into_options(Vec::new());
    let report = doctor(arguments.binary.as_deref(), &names);
    let mut out = BufWriter::new(io::stdout().lock());
    let written = match arguments.format {
        ListFormat::Text => write_text(&mut out, &report),
        ListFormat::Json => write_json(&mut out, &report),
    };
    let ended = ended(written.and_then(|()| out.flush()));
    if report.is_possible() { ended } else { ExitCode::FAILURE }
}

/// A line for each check, and one more for what to do.
fn write_text(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let width = report.checks.iter().map(|check| check.name.chars().count()).max().unwrap_or(0);
    for checks in report.checks.chunk_by(|a, b| a.area == b.area) {
        let [first, ..] = checks else { continue };
        writeln!(out, "{}", first.area)?;
        for Check { name, state, found, next_step, .. } in checks {
            let mut lines = found.lines();
            let first = sanitize(lines.next().unwrap_or_default());
            writeln!(out, "  {:7}  {name:width$}  {first}", state.name())?;
            for line in lines {
                writeln!(out, "  {:7}  {:width$}  {}", "", "", sanitize(line))?;
            }
            if let Some(next) = next_step {
                writeln!(out, "  {:7}  {:width$}  > {}", "", "", sanitize(next))?;
            }
        }
    }
    let verdict =
        if report.is_possible() { "tracing is possible" } else { "tracing is not possible" };
    writeln!(out, "{verdict}")
}

#[derive(Serialize)]
struct CheckRecord<'a> {
    kind: &'static str,
    area: &'static str,
    name: &'static str,
    state: &'static str,
    found: &'a str,
    next_step: Option<&'a str>,
}

#[derive(Serialize)]
struct VerdictRecord {
    kind: &'static str,
    possible: bool,
}

fn write_json(out: &mut impl Write, report: &Report) -> io::Result<()> {
    for check in &report.checks {
        let record = CheckRecord {
            kind: "check",
            area: check.area,
            name: check.name,
            state: check.state.name(),
            found: &check.found,
            next_step: check.next_step.as_deref(),
        };
        write_json_line(out, &record)?;
    }
    write_json_line(out, &VerdictRecord { kind: "verdict", possible: report.is_possible() })
}

#[cfg(test)]
mod tests {
    use tracer::session::State;

    use super::*;

    fn report() -> Report {
        let check = |area, name, state, found: &str, next: Option<&str>| Check {
            area,
            name,
            state,
            found: found.to_owned(),
            next_step: next.map(str::to_owned),
        };
        Report {
            checks: vec![
                check("system", "release", State::Ok, "Linux 6.18", None),
                check(
                    "rights",
                    "capabilities",
                    State::Problem,
                    "no CAP_BPF\nat\x1ball",
                    Some("be root"),
                ),
            ],
        }
    }

    #[test]
    fn text_has_the_next_step_below() {
        let mut out = Vec::new();
        write_text(&mut out, &report()).unwrap();
        let expected = "\
system
  ok       release       Linux 6.18
rights
  problem  capabilities  no CAP_BPF
                         at\\x1ball
                         > be root
tracing is not possible
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn json_ends_with_the_verdict() {
        let mut out = Vec::new();
        write_json(&mut out, &report()).unwrap();
        let expected = concat!(
            r#"{"kind":"check","area":"system","name":"release","state":"ok","found":"Linux 6.18","#,
            r#""next_step":null}"#,
            "\n",
            r#"{"kind":"check","area":"rights","name":"capabilities","state":"problem","#,
            r#""found":"no CAP_BPF\nat\u001ball","next_step":"be root"}"#,
            "\n",
            r#"{"kind":"verdict","possible":false}"#,
            "\n",
        );
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
