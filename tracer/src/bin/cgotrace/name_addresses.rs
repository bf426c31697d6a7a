//! The hidden subcommand that the judge of names asks: see `cargo xtask truth symbols`.
//!
//! It reads one ELF address a line, in hexadecimal, and writes one JSON object for each:
//! `{"address":"0x1139","frames":[{"function":…,"symbol":…,"language":…,"file":…,"line":…,
//! "inlined":…}, …]}`, the innermost call first.

use std::io::{BufRead, BufWriter, Write, stdin, stdout};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tracer::address::{ElfAddress, FileOffset};
use tracer::object::go::GoModule;
use tracer::object::{ModuleNumber, ObjectFile};
use tracer::symbol::{SourceFrame, Symbolize, Symbolizer};

use crate::cli::NameAddressesArguments;
use crate::notices;

/// There is no other module.
const MODULE: ModuleNumber = ModuleNumber(1);

pub(crate) fn main(arguments: &NameAddressesArguments) -> ExitCode {
    match name(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            notices::say(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn name(arguments: &NameAddressesArguments) -> Result<()> {
    let object = Arc::new(ObjectFile::open(&arguments.file)?);
    let go = GoModule::find(&object)?.map(Arc::new);
    let mut symbolizer = Symbolizer::default();
    symbolizer.add(MODULE, Arc::clone(&object), go);
    let mut out = BufWriter::new(stdout().lock());
    for line in stdin().lock().lines() {
        let line = line.context("read an address")?;
        let digits = line.trim().trim_start_matches("0x");
        let address = u64::from_str_radix(digits, 16)
            .with_context(|| format!("read {line:?} as an address"))?;
        // What lies nowhere in the file has no offset.
        let offset = object.offset_of(ElfAddress(address)).unwrap_or(FileOffset(u64::MAX));
        let frames = symbolizer.symbolize(MODULE, offset);
        let frames: Vec<_> = frames.iter().map(shown).collect();
        writeln!(out, "{}", json!({"address": format!("{address:#x}"), "frames": frames}))
            .context("write frames")?;
    }
    out.flush().context("write frames")
}

fn shown(frame: &SourceFrame) -> Value {
    json!({
        "function": frame.function,
        "symbol": frame.symbol,
        "language": frame.language.name(),
        "file": frame.file,
        "line": frame.line,
        "inlined": frame.inlined,
    })
}
