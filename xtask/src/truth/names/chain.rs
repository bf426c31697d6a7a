//! What a tool says of an address: the chain of calls there.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// The calls at an address, the innermost inlined one first.
pub(super) type Chain = Vec<Call>;

/// One call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Call {
    /// The linkage name, or the plain one where there is none. Empty where it is not known.
    pub(super) symbol: String,
    /// Empty where it is not known.
    pub(super) file: String,
    /// 0 where it is not known.
    pub(super) line: u64,
}

impl std::fmt::Display for Call {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |text: &str| if text.is_empty() { "?" } else { text }.to_owned();
        write!(to, "{} {}:{}", shown(&self.symbol), shown(&self.file), self.line)
    }
}

/// Runs a command with these addresses, one a line, as its input, and gives its output.
pub(crate) fn ask(command: &mut Command, addresses: &[u64]) -> Result<String> {
    let mut input = tempfile::tempfile().context("make a file of addresses")?;
    let lines: String = addresses.iter().map(|address| format!("{address:#x}\n")).collect();
    input.write_all(lines.as_bytes()).context("write addresses")?;
    ask_file(command, input)
}

fn ask_file(command: &mut Command, mut input: File) -> Result<String> {
    use std::io::Seek;
    input.rewind().context("write addresses")?;
    let output = command.stdin(input).stderr(Stdio::piped()).output().context("start a judge")?;
    ensure!(
        output.status.success(),
        "{:?} failed: {}",
        command.get_program(),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What cgotrace says.
pub(super) fn ours(cgotrace: &Path, program: &Path, addresses: &[u64]) -> Result<Vec<Chain>> {
    let said = ask(Command::new(cgotrace).arg("name-addresses").arg(program), addresses)?;
    let chains = said.lines().map(|line| {
        let said: Value = serde_json::from_str(line).context("read our frames")?;
        let frames = said["frames"].as_array().context("read our frames")?;
        Ok(frames.iter().map(our_call).collect())
    });
    complete(chains.collect::<Result<_>>()?, addresses)
}

fn our_call(frame: &Value) -> Call {
    Call {
        symbol: text(&frame["symbol"]),
        file: text(&frame["file"]),
        line: frame["line"].as_u64().unwrap_or(0),
    }
}

/// What llvm-symbolizer says, by DWARF and symbols.
pub(super) fn llvm(program: &Path, addresses: &[u64]) -> Result<Vec<Chain>> {
    let mut asked = Command::new(super::LLVM);
    asked
        .args(["--output-style=JSON", "--functions=linkage", "--no-demangle", "--inlines"])
        .arg(format!("--obj={}", program.display()));
    let said = ask(&mut asked, addresses)?;
    let chains = said.lines().filter(|line| !line.is_empty()).map(|line| {
        let said: Value = serde_json::from_str(line).context("read llvm-symbolizer's answer")?;
        let symbols = said["Symbol"].as_array().with_context(|| format!("no symbols: {line}"))?;
        let calls = symbols.iter().map(|symbol| Call {
            symbol: text(&symbol["FunctionName"]),
            file: text(&symbol["FileName"]),
            line: symbol["Line"].as_u64().unwrap_or(0),
        });
        Ok(calls.filter(|call| *call != Call::default()).collect())
    });
    complete(chains.collect::<Result<_>>()?, addresses)
}

/// What `go tool addr2line` says, by pclntab and symbols: the physical function, and the file and
/// line of the innermost call.
pub(super) fn addr2line(go: &Path, program: &Path, addresses: &[u64]) -> Result<Vec<Chain>> {
    let mut asked = Command::new(go);
    asked
        .args(["tool", "addr2line"])
        .arg(program)
        .env("GOTOOLCHAIN", "local")
        .env("GOCACHE", xtask::tool::paths::target().join("gocache"));
    let said = ask(&mut asked, addresses)?;
    let lines: Vec<&str> = said.lines().collect();
    let chains = lines.chunks(2).map(|pair| {
        let [function, place] = pair else { anyhow::bail!("addr2line stopped early") };
        let (file, line) = place.rsplit_once(':').context("addr2line gave no line")?;
        if *function == "?" {
            return Ok(Chain::new());
        }
        let (symbol, file) = ((*function).to_owned(), file.to_owned());
        let line = line.parse().unwrap_or(0);
        Ok(vec![Call { symbol, file, line }])
    });
    complete(chains.collect::<Result<_>>()?, addresses)
}

/// What Go's own runtime says in the program itself, which tells it of any address.
pub(super) fn go_runtime(program: &Path, main: u64, addresses: &[u64]) -> Result<Vec<Chain>> {
    let said = ask(Command::new(program).arg(format!("{main:#x}")), addresses)?;
    let chains = said.lines().map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        let calls = fields.chunks(3).map(|call| {
            let [symbol, file, line] = call else { anyhow::bail!("the program said: {call:?}") };
            let (symbol, file) = ((*symbol).to_owned(), file.trim_matches('?').to_owned());
            let line = line.parse().context("read a line")?;
            Ok(Call { symbol, file, line })
        });
        let calls: Result<Chain> = calls.collect();
        Ok(calls?.into_iter().filter(|call| *call != Call::default()).collect())
    });
    complete(chains.collect::<Result<_>>()?, addresses)
}

fn complete(chains: Vec<Chain>, addresses: &[u64]) -> Result<Vec<Chain>> {
    let (asked, got) = (addresses.len(), chains.len());
    ensure!(asked == got, "asked of {asked} addresses, told of {got}");
    Ok(chains)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
