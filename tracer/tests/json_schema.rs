//! The published schema, `docs/json-schema.json`, against what is really written.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "support/by_hand.rs"]
mod by_hand;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use jsonschema::Validator;
use serde_json::{Value, json};
use tracer::sink::{JsonSink, Sink};
use tracer::stack::{Stack, Summary};
use tracer_common::reason::{End, Loss, Reason};

fn schema() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/json-schema.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Checks records against the schema, and that it documents each of their keys.
struct Judge {
    validator: Validator,
    schema: Value,
}

impl Judge {
    fn new() -> Self {
        let schema = schema();
        Self { validator: jsonschema::draft202012::new(&schema).unwrap(), schema }
    }

    #[track_caller]
    fn accept(&self, record: &Value) {
        let errors: Vec<_> = self.validator.iter_errors(record).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{record}: {errors:?}");
        let kind = record["kind"].as_str().unwrap();
        self.document(kind, record);
        for (key, of) in [("probes", "probe"), ("frames", "frame")] {
            for part in record[key].as_array().into_iter().flatten() {
                self.document(of, part);
            }
        }
    }

    #[track_caller]
    fn document(&self, definition: &str, record: &Value) {
        let known = self.schema["$defs"][definition]["properties"].as_object().unwrap();
        let keys: Vec<_> = record.as_object().unwrap().keys().collect();
        // The order is no promise, but every key is.
        let (keys, known): (BTreeSet<_>, BTreeSet<_>) =
            (keys.into_iter().collect(), known.keys().collect());
        assert_eq!(keys, known, "{definition}");
    }

    #[track_caller]
    fn refuse(&self, record: &Value) {
        assert!(!self.validator.is_valid(record), "{record}");
    }
}

fn records(stack: &Stack, lost: &[Loss]) -> Vec<Value> {
    let mut out = Vec::new();
    let mut sink = JsonSink::new(&mut out, &by_hand::start()).unwrap();
    sink.write(stack).unwrap();
    let mut summary = Summary::default();
    summary.count(stack);
    lost.iter().for_each(|loss| summary.lose(loss.name(), 3));
    sink.finish(&summary).unwrap();
    let lines = String::from_utf8(out).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn what_is_written_is_as_the_schema_says() {
    let judge = Judge::new();
    for stack in by_hand::cases().into_values() {
        records(&stack, Loss::ALL).iter().for_each(|record| judge.accept(record));
    }
    for &end in End::ALL {
        let stack = Stack { end, ..by_hand::whole() };
        records(&stack, &[]).iter().for_each(|record| judge.accept(record));
    }
    for &reason in Reason::ALL {
        let stack = by_hand::stack(End::Error, vec![tracer::stack::Entry::Gap(reason)]);
        records(&stack, &[]).iter().for_each(|record| judge.accept(record));
    }
}

#[test]
fn list_and_doctor_write_what_it_says() {
    let judge = Judge::new();
    let own = env!("CARGO_BIN_EXE_cgotrace");
    for arguments in
        [["list", own, "main", "--format=json"].as_slice(), &["doctor", own, "--format=json"]]
    {
        let output = Command::new(own).args(arguments).output().unwrap();
        let lines = String::from_utf8(output.stdout.clone()).unwrap();
        assert!(lines.lines().count() > 0, "{output:?}");
        lines.lines().for_each(|line| judge.accept(&serde_json::from_str(line).unwrap()));
    }
}

#[test]
fn what_is_not_so_is_refused() {
    let judge = Judge::new();
    let whole = records(&by_hand::whole(), &[]);
    let gap = records(&by_hand::gap(), &[]);
    for record in whole.iter().chain(&gap) {
        // Each key of each record is needed.
        for key in record.as_object().unwrap().keys() {
            let mut without = record.clone();
            without.as_object_mut().unwrap().remove(key);
            judge.refuse(&without);
        }
    }
    let change = |record: &Value, pointer: &str, value: Value| {
        let mut changed = record.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        changed
    };
    for (pointer, value) in [
        ("/kind", json!("stacks")),
        ("/end", json!("bottom")),
        ("/time", json!("12:00")),
        ("/pid", json!(-1)),
        ("/complete", json!(null)),
        ("/problems", json!(["because"])),
        ("/frames/0/language", json!("cobol")),
        ("/frames/0/address", json!(4096)),
        ("/frames/0/address", json!(null)),
        ("/frames/0/gap", json!("no-unwind-rule")),
    ] {
        judge.refuse(&change(&whole[1], pointer, value));
    }
    judge.refuse(&change(&gap[1], "/frames/2/gap", json!(null)));
    judge.refuse(&change(&gap[1], "/frames/2/language", json!("c")));
    judge.refuse(&change(&whole[0], "/schema", json!(2)));
    judge.refuse(&change(&whole[2], "/events", json!(-1)));
}
