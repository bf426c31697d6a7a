//! One run of `cargo xtask bench symbols`: names addresses with one library, and tells CPU
//! time and memory.
//!
//! `bench-symbols cgotrace|blazesym FILE STACK` reads one ELF address a line. The first STACK of
//! them are the first stack; of the rest, the first half warms up and the other half is measured.

use anyhow::{Context, Result, bail, ensure};
use blazesym::symbolize::source::{Elf, Source};
use blazesym::symbolize::{Input, Symbolized, Symbolizer as Blazesym};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use std::fs;
use std::hint::black_box;
use std::io::{BufRead, stdin};
use std::path::Path;
use std::sync::Arc;
use tracer::address::{ElfAddress, FileOffset};
use tracer::object::go::GoModule;
use tracer::object::{ModuleNumber, ObjectFile};
use tracer::symbol::{Symbolize, Symbolizer};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [who, file, stack] = arguments.as_slice() else {
        bail!("usage: bench-symbols cgotrace|blazesym FILE STACK < ADDRESSES");
    };
    let (file, stack) = (Path::new(file), stack.parse()?);
    let addresses = stdin().lock().lines().map(|line| {
        let line = line.context("read an address")?;
        u64::from_str_radix(line.trim_start_matches("0x"), 16).context("read an address")
    });
    let addresses: Vec<u64> = addresses.collect::<Result<_>>()?;
    ensure!(addresses.len() > stack + 2, "too few addresses");
    match who.as_str() {
        "cgotrace" => measure(&addresses, stack, || cgotrace(file)),
        "blazesym" => measure(&addresses, stack, || Ok(blazesym(file))),
        _ => bail!("no such library: {who}"),
    }
}

/// Names of one address: how many calls.
type Namer = Box<dyn FnMut(u64) -> Result<usize>>;

fn cgotrace(file: &Path) -> Result<Namer> {
    let object = Arc::new(ObjectFile::open(file)?);
    let go = GoModule::find(&object)?.map(Arc::new);
    let mut symbolizer = Symbolizer::default();
    symbolizer.add(ModuleNumber(1), Arc::clone(&object), go);
    Ok(Box::new(move |address| {
        let offset = object.offset_of(ElfAddress(address)).unwrap_or(FileOffset(u64::MAX));
        Ok(black_box(symbolizer.symbolize(ModuleNumber(1), offset)).len())
    }))
}

fn blazesym(file: &Path) -> Namer {
    let symbolizer = Blazesym::builder().enable_code_info(true).enable_inlined_fns(true).build();
    let source = Source::Elf(Elf::new(file));
    Box::new(move |address| {
        match black_box(symbolizer.symbolize_single(&source, Input::VirtOffset(address))?) {
            Symbolized::Sym(symbol) => Ok(1 + symbol.inlined.len()),
            Symbolized::Unknown(_) => Ok(0),
        }
    })
}

fn measure(addresses: &[u64], stack: usize, start: impl FnOnce() -> Result<Namer>) -> Result<()> {
    let (first, rest) = addresses.split_at(stack);
    let (warm_up, measured) = rest.split_at(rest.len() / 2);
    let begin = worked();
    let mut namer = start()?;
    let mut all = |addresses: &[u64]| -> Result<usize> {
        addresses.iter().map(|address| namer(*address)).sum()
    };
    all(first)?;
    let (first_ended, memory_at_first) = (worked(), peak()?);
    all(warm_up)?;
    let measured_from = worked();
    let frames = all(measured)?;
    let seconds = worked() - measured_from;
    let said = json!({
        "first_ms": (first_ended - begin) * 1e3,
        "first_kib": memory_at_first,
        "addresses": measured.len(),
        "frames": frames,
        "seconds": seconds,
        "peak_kib": peak()?,
    });
    println!("{said}");
    Ok(())
}

/// Seconds that this thread, the only one, was on a CPU: other work on the machine does not count.
/// (`/proc/self/schedstat` is as old as the last tick, which may be more than is measured.)
fn worked() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The most memory that was resident so far, in KiB: that of the mapped file included.
fn peak() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status").context("read /proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    line.trim().trim_end_matches(" kB").parse().context("read VmHWM")
}
