//! The rows of a small C program beside what `readelf` reads from it.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use super::*;

/// Uses every callee-saved register, realigns its stack, and has a `main`.
const SOURCE: &str = r#"
#include <stdio.h>
#include <string.h>
__attribute__((noinline)) long realigned(int n, void (*f)(void *, void *)) {
    _Alignas(64) char a[128];
    char *v = __builtin_alloca(n);
    memset(v, 1, n);
    f(a, v);
    return a[3] + v[0] + n;
}
__attribute__((noinline)) long many(long a, long b, long c, long d, long e, long f,
                                    long (*g)(long, long)) {
    long x = g(a, b), y = g(c, d), z = g(e, f), w = g(x, y), v = g(z, w), u = g(a, f);
    return g(x + u, g(y, z)) + g(w, v) + a + b + c + d + e + f + u + x + y + z;
}
int main(int argc, char **argv) {
    printf("%p %p\n", realigned, many);
    return argc == 99;
}
"#;

fn compile(directory: &Path) -> ObjectFile {
    compile_with(directory, &["-fasynchronous-unwind-tables"])
}

fn compile_with(directory: &Path, flags: &[&str]) -> ObjectFile {
    let source = directory.join("program.c");
    let program = directory.join("program");
    std::fs::write(&source, SOURCE).unwrap();
    let status = Command::new("cc")
        .args(["-O2", "-fomit-frame-pointer"])
        .args(flags)
        .arg("-o")
        .args([&program, &source])
        .status()
        .unwrap();
    assert!(status.success());
    ObjectFile::open(&program).unwrap()
}

fn readelf(option: &str, section: &str, path: &Path) -> String {
    let output = Command::new("readelf").arg(option).arg(path).output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let heading = format!("Contents of the {section} section");
    let (_, of_section) = text.split_once(&heading).unwrap();
    let end = of_section.find("Contents of the ").unwrap_or(of_section.len());
    of_section[..end].to_owned()
}

/// One row as `readelf --debug-dump=frames-interp` shows it: columns by name.
#[derive(Clone, Debug)]
struct Shown {
    start: u64,
    end: u64,
    columns: HashMap<String, String>,
    /// The FDE's heading.
    fde: String,
}

fn hex(text: &str) -> u64 {
    u64::from_str_radix(text, 16).unwrap()
}

/// The rows of every FDE. One without instructions of its own has the row of its CIE.
fn shown(text: &str) -> Vec<Shown> {
    let mut cies: HashMap<String, HashMap<String, String>> = HashMap::new();
    let mut result: Vec<Shown> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    let mut heading: Vec<&str> = Vec::new();
    let mut fde_end = 0;
    let mut own_rows = false;
    for line in text.lines() {
        let fields: Vec<_> = line.split_whitespace().collect();
        match fields.as_slice() {
            [_, _, _, "CIE", ..] => heading = fields,
            [_, _, _, "FDE", cie, range] => {
                let (start, end) = range.strip_prefix("pc=").unwrap().split_once("..").unwrap();
                fde_end = hex(end);
                own_rows = false;
                let cie = cie.strip_prefix("cie=").unwrap();
                result.push(Shown {
                    start: hex(start),
                    end: fde_end,
                    columns: cies.get(cie).cloned().unwrap_or_default(),
                    fde: line.to_owned(),
                });
                heading = fields;
            }
            ["LOC", rest @ ..] => names = rest.iter().map(ToString::to_string).collect(),
            [location, values @ ..] if location.len() == 16 && values.len() == names.len() => {
                let values = values.iter().map(ToString::to_string);
                let columns = names.iter().cloned().zip(values).collect();
                if heading.get(3) == Some(&"CIE") {
                    cies.insert(heading[0].to_owned(), columns);
                    continue;
                }
                let start = hex(location);
                let last = result.last_mut().unwrap();
                let fde = last.fde.clone();
                if own_rows {
                    last.end = start;
                } else {
                    // The first row takes the place of the CIE's.
                    assert_eq!(last.start, start);
                    result.pop();
                }
                own_rows = true;
                result.push(Shown { start, end: fde_end, columns, fde });
            }
            _ => {}
        }
    }
    result
}

/// Expressions by FDE heading, as `readelf --debug-dump=frames` shows them: register or "cfa",
/// and the text.
fn expressions(text: &str) -> HashMap<String, Vec<(String, String)>> {
    let mut result: HashMap<String, Vec<_>> = HashMap::new();
    let mut fde = String::new();
    for line in text.lines() {
        if line.contains(" FDE ") {
            fde = line.to_owned();
        }
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("DW_CFA_def_cfa_expression ") {
            result.entry(fde.clone()).or_default().push(("cfa".to_owned(), rest.to_owned()));
        } else if let Some(rest) = line.strip_prefix("DW_CFA_expression: r") {
            let (_, rest) = rest.split_once(" (").unwrap();
            let (register, expression) = rest.split_once(") ").unwrap();
            result
                .entry(fde.clone())
                .or_default()
                .push((register.to_owned(), expression.to_owned()));
        }
    }
    result
}

const NAMES: [&str; 8] = ["rbx", "rbp", "r12", "r13", "r14", "r15", "rsp", "r10"];

/// How a rule reads in readelf's words, column by column; an expression as readelf shows it.
fn words(rule: &Rule) -> HashMap<String, String> {
    let mut result = HashMap::new();
    let mut put = |name: &str, text: String| result.insert(name.to_owned(), text);
    let base = NAMES[usize::from(rule.cfa_register)];
    let offset = rule.cfa_offset;
    if rule.kind == kind::END {
        put("ra", "u".to_owned());
        return result;
    }
    put("ra", "c-8".to_owned());
    put(
        "CFA",
        match rule.kind {
            kind::FRAME => format!("{base}{offset:+}"),
            kind::DEREFERENCE => {
                assert_eq!(base, "rbp");
                format!("(DW_OP_breg6 (rbp): {offset}; DW_OP_deref)")
            }
            kind::PLT => format!(
                "(DW_OP_breg7 (rsp): {offset}; DW_OP_breg16 (rip): 0; DW_OP_lit15; DW_OP_and; \
                 DW_OP_lit{}; DW_OP_ge; DW_OP_lit3; DW_OP_shl; DW_OP_plus)",
                rule.param
            ),
            other => format!("kind {other}"),
        },
    );
    for (name, how) in NAMES.iter().zip(rule.saved) {
        let bytes = -8 * (i64::from(how) - 1);
        let text = match how {
            // readelf does not tell "same" from "undefined" for what no rule names.
            saved::SAME => "u".to_owned(),
            saved::LOST => "lost".to_owned(),
            _ if rule.saved_base == 1 => format!("(DW_OP_breg6 (rbp): {bytes})"),
            _ => format!("c{bytes:+}"),
        };
        put(name, text);
    }
    result
}

fn compare(object: &ObjectFile, section: &str, rows: &[Row]) -> (usize, usize) {
    let shown = shown(&readelf("--debug-dump=frames-interp", section, object.path()));
    let expressions = expressions(&readelf("--debug-dump=frames", section, object.path()));
    let (mut compared, mut by_expression) = (0, 0);
    for row in shown.iter().filter(|row| row.start < row.end) {
        for address in [row.start, row.end - 1] {
            let address = ElfAddress(address);
            let rule = rows
                .iter()
                .find(|row| row.start <= address && address < row.end)
                .unwrap_or_else(|| panic!("no row at {address:#x}"))
                .rule;
            let ours = words(&rule);
            if rule.kind == kind::END {
                assert_eq!(row.columns["ra"], "u", "at {address:#x}");
                compared += 1;
                continue;
            }
            for (name, theirs) in &row.columns {
                let name = name.as_str();
                // Other registers are not followed.
                if !["CFA", "ra"].contains(&name) && !NAMES[..SAVED].contains(&name) {
                    continue;
                }
                let ours = &ours[name];
                compared += 1;
                if theirs == "exp" {
                    by_expression += 1;
                    let key = if name == "CFA" { "cfa" } else { name };
                    let pair = (key.to_owned(), ours.clone());
                    let of_fde = expressions.get(&row.fde).cloned().unwrap_or_default();
                    assert!(of_fde.contains(&pair), "at {address:#x}: {pair:?} {of_fde:?}");
                } else {
                    assert_eq!(ours, theirs, "{name} at {address:#x}");
                }
            }
        }
    }
    (compared, by_expression)
}

#[test]
fn rows_are_those_that_readelf_shows() {
    let directory = tempfile::tempdir().unwrap();
    let object = compile(directory.path());
    let rows = rows(&object, |_| true).rows;
    let (compared, by_expression) = compare(&object, ".eh_frame", &rows);
    // Both functions, the PLT, `_start`: the comparison has not passed over them.
    assert!(compared > 150, "{compared}");
    assert!(by_expression > 20, "{by_expression}");
}

#[test]
fn debug_frame_speaks_where_eh_frame_is_silent() {
    let directory = tempfile::tempdir().unwrap();
    let object = compile_with(
        directory.path(),
        &["-g", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables", "-fno-exceptions"],
    );
    let rows = rows(&object, |_| true);
    let (compared, _) = compare(&object, ".debug_frame", &rows.debug_rows);
    assert!(compared > 50, "{compared}");
    // The program's own functions are in the one, the linker's in the other.
    let of_eh_frame =
        |row: &Row| rows.rows.iter().any(|other| other.start < row.end && row.start < other.end);
    assert!(!rows.debug_rows.iter().any(of_eh_frame));
    // Code that is not native has rows of its own.
    assert!(super::rows(&object, |_| false).debug_rows.is_empty());
}

#[test]
fn the_entry_point_is_the_bottom_of_a_process() {
    let directory = tempfile::tempdir().unwrap();
    let object = compile(directory.path());
    let entry = object.entry();
    let row =
        rows(&object, |_| true).rows.into_iter().find(|row| row.start <= entry && entry < row.end);
    assert_eq!(row.map(|row| row.rule), Some(Rule::end(End::Process)));
}

#[test]
fn the_section_is_found_by_its_program_header_too() {
    let directory = tempfile::tempdir().unwrap();
    let object = compile(directory.path());
    let (address, bytes) = by_program_header(&object).unwrap();
    let (expected, section) = object.section(".eh_frame").unwrap();
    assert_eq!(address, expected);
    assert!(bytes.starts_with(&section));
}

#[test]
fn a_place_that_a_rule_cannot_express_is_lost() {
    assert_eq!(below(0), 1);
    assert_eq!(below(-16), 3);
    assert_eq!(below(-8 * 253), 254);
    for offset in [-8 * 254, 8, -4, i64::MIN, i64::MAX] {
        assert_eq!(below(offset), saved::LOST, "{offset}");
    }
}
