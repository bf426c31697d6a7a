//! The comparison must see every kind of difference.

use super::*;
use crate::tool::example;
use serde_json::json;

const TEXT: &str = "\
# a comment
.  leaf      a.c  STACK: leaf
i  small     a.c
x2 again     a.c
*  std::*    -
?  _cgo_*_f  -
.  main.main  main.go
";

fn expected() -> Expected {
    Expected::parse(TEXT, |file, marker| {
        assert_eq!((file, marker), ("a.c", "STACK: leaf"));
        Ok(7)
    })
    .expect("parses")
}

fn frame(function: &str, file: &str, line: u64, inlined: bool) -> Value {
    json!({"function": function, "file": file, "line": line, "inlined": inlined})
}

fn right() -> Vec<Value> {
    vec![
        frame("leaf", "/src/a.c", 7, false),
        frame("small", "/src/a.c", 1, true),
        frame("again", "/src/a.c", 2, false),
        frame("again", "/src/a.c", 2, false),
        frame("_cgo_12ab_f", "/tmp/prolog", 3, false),
        frame("main.main", "/src/main.go", 4, false),
    ]
}

/// A trace of one stack, as cgotrace writes it.
fn trace(frames: &[Value]) -> String {
    let stack = json!({"kind": "stack", "complete": true, "problems": [], "frames": frames});
    let summary =
        json!({"kind": "summary", "events": 1, "complete": 1, "incomplete": {}, "lost": {}});
    format!("{}\n{stack}\n{summary}\n", json!({"kind": "start"}))
}

#[test]
fn the_right_stack_is_right_with_and_without_the_stub() {
    let mut frames = right();
    assert_eq!(expected().check(&trace(&frames)).expect("right"), 1);
    frames.remove(4);
    assert_eq!(expected().check(&trace(&frames)).expect("right"), 1);
}

#[test]
fn frames_of_another_project_may_be_any_number() {
    let mut frames = right();
    for inlined in [true, false, false] {
        frames.insert(4, frame("std::panic::catch", "/rustc/panic.rs", 9, inlined));
        assert_eq!(expected().check(&trace(&frames)).expect("right"), 1);
    }
}

#[test]
fn without_names_only_the_physical_frames_and_those_of_go_are_left() {
    let unnamed = json!({"function": null, "symbol": null, "file": null, "line": null,
        "inlined": false});
    let mut frames = vec![unnamed; 4];
    frames.push(frame("main.main", "/src/main.go", 4, false));
    let expected = expected().without_native_names();
    // leaf, twice again, and the stub; then with one of std.
    assert_eq!(expected.check(&trace(&frames)).expect("right"), 1);
    frames.insert(1, frames[1].clone());
    assert_eq!(expected.check(&trace(&frames)).expect("right"), 1);
    frames.drain(..3);
    assert!(expected.check(&trace(&frames)).is_err(), "one is missing");
    let mut neighbour = right();
    neighbour.remove(1);
    assert!(expected.check(&trace(&neighbour)).is_err(), "named");
}

#[test]
fn a_star_stands_for_any_characters() {
    for (pattern, name) in
        [("a*c", "abc"), ("a*c", "ac"), ("*b*", "abc"), ("a*b*d", "aabbd"), ("*", ""), ("ab", "ab")]
    {
        assert!(matches(pattern, name), "{pattern} {name}");
    }
    for (pattern, name) in
        [("ab*ba", "aba"), ("*b*", "ac"), ("a*b*b", "ab"), ("a*", "ba"), ("*a", "ab"), ("a", "ab")]
    {
        assert!(!matches(pattern, name), "{pattern} {name}");
    }
}

#[test]
fn every_difference_is_an_error() {
    type Change = fn(&mut Vec<Value>);
    let changes: [(&str, Change); 9] = [
        ("a frame is missing", |frames| drop(frames.remove(0))),
        ("one of a row is missing", |frames| drop(frames.remove(2))),
        ("one too many in a row", |frames| frames.insert(2, frame("again", "a.c", 2, false))),
        ("no frame of std", |frames| frames.insert(4, frame("x", "a.c", 2, false))),
        ("the end is missing", |frames| drop(frames.pop())),
        ("it goes on", |frames| frames.push(frame("x", "y", 1, false))),
        ("another line", |frames| frames[0]["line"] = json!(8)),
        ("another file", |frames| frames[5]["file"] = json!("/src/mine.go")),
        ("not marked inlined", |frames| frames[1]["inlined"] = json!(false)),
    ];
    for (what, change) in changes {
        let mut frames = right();
        change(&mut frames);
        assert!(expected().check(&trace(&frames)).is_err(), "{what}");
    }
}

#[test]
fn incomplete_lost_or_cut_short_is_an_error() {
    let good = trace(&right());
    for (from, to) in [
        ("\"complete\":true", "\"complete\":false"),
        ("\"problems\":[]", "\"problems\":[\"x\"]"),
        ("\"lost\":{}", "\"lost\":{\"ring\":1}"),
        ("\"incomplete\":{}", "\"incomplete\":{\"x\":1}"),
        ("\"kind\":\"summary\"", "\"kind\":\"other\""),
    ] {
        assert!(good.contains(from), "{from}");
        assert!(expected().check(&good.replace(from, to)).is_err(), "{to}");
    }
}

#[test]
fn the_examples_files_parse_and_their_markers_are_there() {
    for example in example::ALL {
        let expected = Expected::of(example).expect(example.name);
        let probed = expected.lines[0].function.as_deref().expect("a name");
        // Both may be patterns: libc has more than one name for its functions.
        let probe = example.probe.trim_start_matches("libc.so.6:");
        let is_it = matches(probe, probed) || matches(probed, probe);
        assert!(is_it, "{}: {probed}", example.name);
        assert!(expected.lines.iter().all(|line| line.line.is_none_or(|number| number > 0)));
    }
}

#[test]
fn groups_gaps_and_ends() {
    let text = "[ 2\n.  down  a.c\n]\ngap  no-unwind-rule\nend  thread\n";
    let expected = Expected::parse(text, |_, _| Ok(0)).expect("parses");
    let down = frame("down", "/src/a.c", 1, false);
    let trace = |frames: &[&Value], end: &str| {
        let stack = json!({"kind": "stack", "complete": false, "end": end,
            "problems": ["no-unwind-rule"], "frames": frames});
        let summary = json!({"kind": "summary", "events": 1, "complete": 0,
            "incomplete": {"no-unwind-rule": 1}, "lost": {}});
        format!("{stack}\n{summary}\n")
    };
    let gap = json!({"gap": "no-unwind-rule"});
    assert_eq!(expected.check(&trace(&[&down, &down, &gap], "thread")).expect("right"), 1);
    for (frames, end) in [
        (vec![&down, &gap], "thread"),
        (vec![&down, &down, &down], "thread"),
        (vec![&down, &down, &json!({"gap": "limit"})], "thread"),
        (vec![&down, &down, &gap], "goexit"),
    ] {
        expected.check(&trace(&frames, end)).expect_err("a difference");
    }
    for text in ["[ 2\n.  f  a.c\n", "]\n", "end  goexit\n.  f  a.c\n", "[ x\n.  f  a.c\n]"] {
        Expected::parse(text, |_, _| Ok(0)).expect_err("not a stack");
    }
}

#[test]
fn each_stack_may_be_one_of_several() {
    let of = |text: &str| Expected::parse(text, |_, _| Ok(0)).expect("parses");
    let (one, other) = (of(".  one  a.c"), of(".  other  a.c"));
    let stack = |name| {
        let frames = [frame(name, "a.c", 1, false)];
        json!({"kind": "stack", "complete": true, "problems": [], "frames": frames})
    };
    let summary = json!({"kind": "summary", "complete": 3, "incomplete": {}, "lost": {}});
    let trace = format!("{}\n{}\n{}\n{summary}\n", stack("other"), stack("one"), stack("other"));
    assert_eq!(Expected::check_each(&[&one, &other], &trace).expect("right"), [1, 2]);
    Expected::check_each(&[&one], &trace).expect_err("another stack");
}
