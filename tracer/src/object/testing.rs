//! Small programs compiled for tests, and where their markers stand.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use tempfile::TempDir;

use super::ObjectFile;

/// A compiled program in its own directory, removed with this.
pub(crate) struct Compiled {
    directory: TempDir,
    source: String,
    name: String,
}

/// Compiles `source` as the file `name` with `cc` and these arguments, into `program`.
pub(crate) fn compile(name: &str, source: &str, arguments: &[&str]) -> Compiled {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join(name), source).unwrap();
    let compiled = Compiled { directory, source: source.to_owned(), name: name.to_owned() };
    let mut all = vec![name, "-o", "program"];
    all.extend(arguments);
    compiled.run("cc", &all);
    compiled
}

impl Compiled {
    /// Runs a tool in the directory; its standard output.
    pub(crate) fn run(&self, tool: &str, arguments: &[&str]) -> String {
        let output =
            Command::new(tool).args(arguments).current_dir(self.directory.path()).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{tool} {arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn program(&self) -> PathBuf {
        self.directory.path().join("program")
    }

    /// The source file's path, as debug information has it.
    pub(crate) fn source(&self) -> String {
        self.directory.path().canonicalize().unwrap().join(&self.name).display().to_string()
    }

    pub(crate) fn open(&self) -> Arc<ObjectFile> {
        Arc::new(ObjectFile::open(&self.program()).unwrap())
    }

    /// The line that ends with `/* MARK name */`.
    pub(crate) fn line(&self, name: &str) -> u32 {
        let mark = format!("/* MARK {name} */");
        let line = self.source.lines().position(|line| line.contains(&mark));
        u32::try_from(line.unwrap()).unwrap() + 1
    }

    /// The address of a symbol, as `nm` shows it.
    pub(crate) fn address(&self, symbol: &str) -> u64 {
        let table = self.run("nm", &["program"]);
        let line = table.lines().find(|line| line.ends_with(&format!(" {symbol}"))).unwrap();
        u64::from_str_radix(line.split(' ').next().unwrap(), 16).unwrap()
    }

    /// Addresses of the instructions of a function, as `objdump` shows them.
    pub(crate) fn instructions(&self, symbol: &str) -> Vec<u64> {
        self.disassembly(symbol).into_iter().map(|(address, _)| address).collect()
    }

    /// Where the calls of `callee` inside a function return to, as `objdump` shows them.
    pub(crate) fn returns_of_calls(&self, symbol: &str, callee: &str) -> Vec<u64> {
        let callee = format!("<{callee}>");
        let lines = self.disassembly(symbol);
        let pairs = lines.windows(2);
        let calls = pairs.filter(|pair| pair[0].1.contains("call") && pair[0].1.ends_with(&callee));
        calls.map(|pair| pair[1].0).collect()
    }

    fn disassembly(&self, symbol: &str) -> Vec<(u64, String)> {
        let text = self.run("objdump", &["-d", "--no-show-raw-insn", "program"]);
        let lines = text.lines().skip_while(|line| !line.ends_with(&format!("<{symbol}>:")));
        let lines = lines.skip(1).take_while(|line| !line.is_empty());
        let split = lines.map(|line| line.trim_start().split_once(':').unwrap());
        split.map(|(at, text)| (u64::from_str_radix(at, 16).unwrap(), text.to_owned())).collect()
    }
}
