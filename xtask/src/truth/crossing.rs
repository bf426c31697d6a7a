//! The calls that lead from Go to C, by objdump: where `runtime.asmcgocall` returns to, and where
//! `runtime.cgocall` does.

use super::place::{Place, module_name};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use xtask::tool::command;

/// The return addresses of all such calls in a program.
pub(super) struct Crossings {
    /// Of calls of asmcgocall: they lie in cgocall.
    pub(super) asmcgocall: Arc<BTreeSet<Place>>,
    /// Of calls of cgocall: they lie in cgo's `_Cfunc_` functions.
    pub(super) cgocall: Arc<BTreeSet<Place>>,
}

/// Those of this program.
pub(super) fn find(program: &Path) -> Result<Crossings> {
    let tool = |name: &str, option: &str| {
        command::output(Command::new(name).arg(option).arg("--wide").arg(program))
    };
    let code = command::output(
        Command::new("objdump")
            .args(["--disassemble", "--no-show-raw-insn", "--section=.text"])
            .arg(program),
    )?;
    let headers = tool("readelf", "--program-headers")?;
    let segments: Vec<_> = headers.lines().filter_map(segment).collect();
    let module = module_name(&program.to_string_lossy());
    let offset = |address: u64| {
        let holds = |(_, start, size): &&(u64, u64, u64)| (*start..start + size).contains(&address);
        segments.iter().find(holds).map(|(offset, start, _)| address - start + offset)
    };
    let places = |names: &'static [&str]| {
        let place = |address| {
            let offset = offset(address).with_context(|| format!("no segment has {address:#x}"))?;
            Ok(Place { module: module.clone(), offset })
        };
        let places: BTreeSet<_> = returns(&code, names).map(place).collect::<Result<_>>()?;
        ensure!(!places.is_empty(), "{} never calls {names:?}", program.display());
        Ok(Arc::new(places))
    };
    Ok(Crossings {
        asmcgocall: places(&["<runtime.asmcgocall>", "<runtime.asmcgocall.abi0>"])?,
        cgocall: places(&["<runtime.cgocall>"])?,
    })
}

/// Where the calls of these functions return to, in objdump's text.
fn returns(code: &str, names: &[&str]) -> impl Iterator<Item = u64> {
    let calls =
        |line: &str| line.contains("call ") && names.iter().any(|name| line.ends_with(name));
    let next = code.lines().skip(1);
    code.lines()
        .zip(next)
        .filter(move |(line, _)| calls(line))
        .filter_map(|(_, next)| u64::from_str_radix(next.trim_start().split_once(':')?.0, 16).ok())
}

/// File offset, address and size, of a `LOAD` line of readelf's.
fn segment(line: &str) -> Option<(u64, u64, u64)> {
    let mut words = line.trim_start().strip_prefix("LOAD")?.split_ascii_whitespace();
    let mut number = || u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok();
    let (offset, address, _, size) = (number()?, number()?, number()?, number()?);
    Some((offset, address, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_a_call_is_its_return() {
        let code = "  47a690:\tcall   481a80 <runtime.asmcgocall.abi0>\n  47a695:\tmov    %eax,%ebx\n\
                      47a697:\tcall   481a80 <runtime.other>\n  47a69c:\tret";
        assert_eq!(returns(code, &["<runtime.asmcgocall.abi0>"]).collect::<Vec<_>>(), [0x47a695]);
        let line = "  LOAD           0x001000 0x0000000000401000 0x0000000000401000 0x0b0ce9 0x0b0ce9 R E 0x1000";
        assert_eq!(segment(line), Some((0x1000, 0x40_1000, 0xb0ce9)));
    }
}
