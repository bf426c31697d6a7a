//! The formats for other tools, judged by these tools: `go tool pprof` for every example, Chromium
//! for flame graphs. What they show must be what JSON says of another run of the same program.
#![cfg(feature = "privileged-tests")]

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use regex::Regex;
use serde_json::Value;
use xtask::tool::example::{ANIMALS, MARKDOWN, ODDCODE};
use xtask::tool::fixture::{Fixture, Symbols, matrix};
use xtask::tool::go::{self, LinkMode, NEWEST};
use xtask::tool::paths;

use support::{cgotrace, records, run};

/// Names of frames, the innermost first.
type Names = Vec<String>;
/// How often each stack was there.
type Stacks = BTreeMap<Names, u64>;

/// What cgotrace writes of one run of a program.
fn trace(program: &Path, pattern: &str, format: &str, arguments: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("folder");
    let written = folder.path().join("written");
    let mut command = cgotrace();
    command.args(["run", "--func", pattern, "--format", format, "-o"]).arg(&written);
    run(command.arg("--").arg(program).args(arguments), 0);
    std::fs::read(written).expect("output")
}

/// What JSON says, with names as other formats have them.
fn by_json(json: &[u8]) -> Stacks {
    let mut stacks = Stacks::new();
    for stack in records(std::str::from_utf8(json).expect("text"), "stack") {
        let frames = stack["frames"].as_array().expect("frames").iter();
        *stacks.entry(frames.map(name).collect()).or_default() += 1;
    }
    stacks
}

fn name(frame: &Value) -> String {
    let text = |key: &str| frame[key].as_str();
    match (text("gap"), text("function"), text("module"), text("offset")) {
        (Some(reason), ..) => format!("[gap: {reason}]"),
        (_, Some(function), ..) => function.to_owned(),
        (_, None, Some(module), Some(offset)) => {
            let file = Path::new(module).file_name().expect("file").to_string_lossy();
            format!("{file}+{offset}")
        }
        _ => text("address").expect("address").to_owned(),
    }
}

fn by_folded(folded: &[u8]) -> Stacks {
    let mut stacks = Stacks::new();
    for line in std::str::from_utf8(folded).expect("text").lines() {
        let (names, count) = line.rsplit_once(' ').expect("count");
        let names = names.split(';').rev().map(str::to_owned).collect();
        *stacks.entry(names).or_default() += count.parse::<u64>().expect("number");
    }
    stacks
}

fn by_speedscope(json: &[u8]) -> Stacks {
    let file: Value = serde_json::from_slice(json).expect("JSON");
    let profile = &file["profiles"][0];
    let array = |value: &Value| value.as_array().expect("array").clone();
    let samples = array(&profile["samples"]).into_iter().zip(array(&profile["weights"]));
    let mut stacks = Stacks::new();
    for (sample, weight) in samples {
        let number = |at: &Value| usize::try_from(at.as_u64().expect("number")).expect("index");
        let names = array(&sample).into_iter().rev().map(|at| {
            let name = &file["shared"]["frames"][number(&at)]["name"];
            name.as_str().expect("name").to_owned()
        });
        *stacks.entry(names.collect()).or_default() += weight.as_u64().expect("weight");
    }
    stacks
}

/// `go tool pprof`, on a profile.
fn pprof(arguments: &[&str], profile: &Path) -> String {
    let go = go::ensure_version(NEWEST).expect("Go");
    // Not to look for binaries and symbols anywhere: what it shows is in the file.
    let mut command = Command::new(go);
    command.args(["tool", "pprof", "-symbolize=none"]).args(arguments).arg(profile);
    // Go builds the tool when it is first asked for.
    command.env_remove("GOROOT").env("GOCACHE", paths::target().join("gocache"));
    command.env("GOENV", "off").env("GOPROXY", "off").env("GOTOOLCHAIN", "local");
    let output = run(&mut command, 0);
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// What `-traces` shows: blocks of labels, then frames, the first of them behind the count.
fn by_traces(text: &str) -> Stacks {
    let first = Regex::new(r"^ +(\d+)   (\S.*)$").expect("pattern");
    let mut stacks = Stacks::new();
    for block in text.split("-----------+--").skip(1) {
        let mut lines = block.lines().skip(1).skip_while(|line| !first.is_match(line));
        let Some(start) = lines.next().and_then(|line| first.captures(line)) else { continue };
        let names = std::iter::once(&start[2]).chain(lines.map(str::trim));
        let names = names.map(|name| name.trim_end_matches(" (inline)").to_owned());
        *stacks.entry(names.collect()).or_default() += start[1].parse::<u64>().expect("count");
    }
    stacks
}

/// The build id as readelf tells it.
fn build_id(program: &Path) -> String {
    let notes = run(Command::new("readelf").args(["-n", "-W"]).arg(program), 0).stdout;
    let notes = String::from_utf8(notes).expect("text");
    notes
        .split("Build ID: ")
        .nth(1)
        .expect("build id")
        .split_whitespace()
        .next()
        .expect("id")
        .into()
}

/// Compares all formats of runs of one program, and gives pprof's top.
fn judge(program: &Path, pattern: &str, arguments: &[&str]) -> String {
    judge_by(program, |format| trace(program, pattern, format, arguments))
}

/// The same, of what `trace` gives for a format.
fn judge_by(program: &Path, trace: impl Fn(&str) -> Vec<u8>) -> String {
    let expected = by_json(&trace("json"));
    let hits: u64 = expected.values().sum();
    assert!(hits > 0, "{}: no hits", program.display());
    assert_eq!(by_folded(&trace("folded")), expected, "folded: {}", program.display());
    assert_eq!(by_speedscope(&trace("speedscope")), expected, "speedscope: {}", program.display());

    let folder = tempfile::tempdir().expect("folder");
    let profile = folder.path().join("profile.pb.gz");
    std::fs::write(&profile, trace("pprof")).expect("write");
    assert_eq!(by_traces(&pprof(&["-traces"], &profile)), expected, "{}", program.display());

    let raw = pprof(&["-raw"], &profile);
    let sample = Regex::new(r"(?m)^ +(\d+): [\d ]+$").expect("pattern");
    let sum: u64 =
        sample.captures_iter(&raw).map(|one| one[1].parse::<u64>().expect("count")).sum();
    assert_eq!(sum, hits, "{raw}");
    assert!(raw.contains(&build_id(program)), "{raw}");
    for label in ["probe:[", "comm:[", "pid:[", "tid:["] {
        assert!(raw.contains(label), "{label}: {raw}");
    }

    let top = pprof(&["-top", "-nodecount=5"], &profile);
    assert!(top.contains(&format!("Total samples = {hits} ")), "{top}");
    // The probed function is the innermost of each stack, and no other is.
    let innermost = expected.keys().map(|names| &names[0]).next().expect("name");
    let flat = Regex::new(&format!(r"(?m)^ +{hits} +100% +100% .* {}$", regex::escape(innermost)));
    assert!(flat.expect("pattern").is_match(&top), "{top}");
    top
}

#[test]
fn pprof_shows_of_every_example_what_json_says() {
    let is_newest = |fixture: &Fixture| fixture.version == NEWEST && fixture.mode == LinkMode::Pie;
    let mut table = String::new();
    let mut stripped = 0;
    // Those without hits of a known number differ from run to run.
    for fixture in matrix().into_iter().filter(is_newest).filter(|fixture| fixture.example.hits > 0)
    {
        stripped += usize::from(fixture.symbols == Symbols::Stripped);
        let pattern = fixture.pattern().expect("pattern");
        let top = judge(&fixture.file(), &pattern, &[]);
        let total = top.lines().find(|line| line.contains("Total samples")).expect("total");
        writeln!(table, "{fixture}: {}", total.split(", ").last().unwrap_or(total)).expect("write");
    }
    assert!(stripped > 0, "no stripped program was judged");
    println!("{table}");
}

#[test]
fn a_recording_gives_the_same_in_every_format() {
    let program = ANIMALS.fixture(NEWEST, LinkMode::Pie);
    let folder = tempfile::tempdir().expect("folder");
    let recording = folder.path().join("animals.cgotrace");
    let mut command = cgotrace();
    command.args(["record", "--func", ANIMALS.probe, "-o"]).arg(&recording);
    run(command.arg("--").arg(&program).args(["-rounds", "50"]), 0);
    judge_by(&program, |format| {
        let mut command = cgotrace();
        command.arg("report").arg(&recording).args(["--format", format]);
        run(&mut command, 0).stdout
    });
}

#[test]
fn gaps_are_frames_in_every_format() {
    let program = ODDCODE.fixture(NEWEST, LinkMode::Pie);
    let arguments = ["-kind", "without-rows"];
    let json = trace(&program, ODDCODE.probe, "json", &arguments);
    let stacks = by_json(&json);
    let gap = "[gap: no-unwind-rule]".to_owned();
    assert!(stacks.keys().all(|names| names.contains(&gap)), "{stacks:?}");
    judge(&program, ODDCODE.probe, &arguments);
}

/// What a browser saw of a flame graph of a program.
fn browse(program: &Path, pattern: &str, frame: &str, word: &str) -> (Stacks, Value) {
    let expected = by_json(&trace(program, pattern, "json", &[]));
    let pictures = paths::target().join("pictures");
    std::fs::create_dir_all(&pictures).expect("folder");
    let name = program.file_name().expect("name").to_string_lossy();
    let svg = pictures.join(format!("{name}.svg"));
    std::fs::write(&svg, trace(program, pattern, "flamegraph", &[])).expect("write");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/browser.py");
    let mut browser = Command::new("python3");
    browser.arg(script).arg(&svg).args([frame, word]).arg(&pictures);
    let saw = run(&mut browser, 0).stdout;
    (expected, serde_json::from_slice(&saw).expect("JSON"))
}

fn frames(seen: &Value) -> Vec<Value> {
    seen["frames"].as_array().expect("frames").clone()
}

/// Judges what was seen before anything was clicked, after a click on `frame`, and after a search.
fn check(expected: &Stacks, saw: &Value, frame: &str, word: &str) {
    let hits: u64 = expected.values().sum();
    assert_eq!(saw["log"], serde_json::json!([]), "scripts complained");
    let opened = &saw["opened"];
    assert_eq!(opened["total"], hits.to_string().as_str());
    assert!(opened["subtitle"].as_str().expect("subtitle").starts_with(&format!("{hits} hit")));
    // Each function of JSON has its frames, with as many hits together as stacks that have it in
    // as many places.
    let mut by_name = BTreeMap::<&str, u64>::new();
    for (names, count) in expected {
        names.iter().for_each(|name| *by_name.entry(name).or_default() += count);
    }
    let title = Regex::new(r"^(.*) \((\d+) hits, [\d.]+%\)$").expect("pattern");
    let mut by_frame = BTreeMap::<String, u64>::new();
    let page = opened["width"].as_f64().expect("width");
    for seen in frames(opened) {
        let parts = title.captures(seen["title"].as_str().expect("title")).expect("title");
        let count: u64 = parts[2].parse().expect("count");
        *by_frame.entry(parts[1].to_owned()).or_default() += count;
        // As wide as it has hits, of what the page leaves between its margins.
        let width = seen["width"].as_f64().expect("width");
        let share = (page - 20.0) * count as f64 / hits as f64;
        assert!((width - share).abs() < 2.0, "{seen}: {share}");
    }
    assert_eq!(by_frame.remove("all"), Some(hits));
    let by_name: BTreeMap<_, _> = by_name.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
    assert_eq!(by_frame, by_name);

    let is_frame =
        |seen: &&Value| seen["title"].as_str().expect("title").starts_with(&format!("{frame} ("));
    let zoomed = frames(&saw["zoomed"]);
    let clicked = zoomed.iter().find(|seen| is_frame(seen)).expect("frame");
    assert!((clicked["width"].as_f64().expect("width") - (page - 20.0)).abs() < 2.0, "{clicked}");
    assert_eq!((&opened["unzoom"], &saw["zoomed"]["unzoom"]), (&false.into(), &true.into()));
    assert_eq!(frames(&saw["unzoomed"]), frames(opened));

    // As many hits as stacks that have such a name, in the highlight's colour.
    let matching = |names: &&Names| names.iter().any(|name| name.contains(word));
    let matched: u64 = expected.iter().filter(|(names, _)| matching(names)).map(|(_, n)| n).sum();
    let percent = 100.0 * matched as f64 / hits as f64;
    let said = saw["searched"]["matched"].as_str().expect("matched");
    let shown: f64 =
        said.trim_start_matches("Matched: ").trim_end_matches('%').parse().expect(said);
    assert!((shown - percent).abs() < 0.1, "{said}, not {percent}");
    for seen in frames(&saw["searched"]) {
        let is_found = seen["title"].as_str().expect("title").contains(word);
        assert_eq!(seen["fill"] == "rgb(255, 214, 10)", is_found, "{seen}");
    }
}

#[test]
fn chromium_shows_searches_and_zooms_a_flame_graph() {
    let program = ANIMALS.fixture(NEWEST, LinkMode::Pie);
    let (expected, saw) = browse(&program, ANIMALS.probe, "app.DoStuff", "cgocall");
    check(&expected, &saw, "app.DoStuff", "cgocall");
    assert_eq!(saw["opened"]["title"], "animal_print in animals");
    assert_eq!(saw["opened"]["legend"], serde_json::json!(["Go", "C", "paler: runtime plumbing"]));

    // Rust that calls Go that calls Rust.
    let go = go::ensure_version(NEWEST).expect("Go");
    let program = paths::target().join("pictures/markdown");
    MARKDOWN.build(&go, NEWEST, LinkMode::Pie, &program).expect("build");
    let (expected, saw) = browse(&program, MARKDOWN.probe, "main.goEvent", "pulldown_cmark");
    check(&expected, &saw, "main.goEvent", "pulldown_cmark");
    let fills: std::collections::BTreeSet<_> =
        frames(&saw["opened"]).iter().map(|seen| seen["fill"].to_string()).collect();
    assert!(fills.len() > 4, "{fills:?}");
}
