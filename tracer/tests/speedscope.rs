//! speedscope's own schema against what is written for it.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "support/by_hand.rs"]
mod by_hand;

use serde_json::{Value, json};
use tracer::sink::{Sink, SpeedscopeSink, View};
use tracer::stack::{Stack, Summary};

fn schema() -> jsonschema::Validator {
    let schema = include_str!("vendored/speedscope/file-format-schema.json");
    jsonschema::draft7::new(&serde_json::from_str(schema).unwrap()).unwrap()
}

fn file(stacks: &[Stack]) -> Value {
    let mut out = Vec::new();
    let mut sink = SpeedscopeSink::new(&mut out, &by_hand::start(), View::ALL);
    stacks.iter().for_each(|stack| sink.write(stack).unwrap());
    sink.finish(&Summary::default()).unwrap();
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn its_schema_takes_every_file() {
    let schema = schema();
    let all: Vec<_> = by_hand::cases().into_values().collect();
    for stacks in [&all[..], &all[..1], &[]] {
        let file = file(stacks);
        let errors: Vec<_> = schema.iter_errors(&file).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{file}: {errors:?}");
    }
}

#[test]
fn its_schema_refuses_others() {
    let schema = schema();
    let good = file(&[by_hand::whole()]);
    for (pointer, value) in [
        ("/shared/frames/0/name", json!(7)),
        ("/shared", json!(null)),
        ("/profiles/0/type", json!("counted")),
        ("/profiles/0/unit", json!("hits")),
        ("/profiles/0/weights", json!(["1"])),
        ("/$schema", json!("https://example.org")),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        assert!(!schema.is_valid(&bad), "{pointer}");
    }
}
