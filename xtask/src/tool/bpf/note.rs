//! The note beside the committed object: from what and by what it was built.

use super::sources;
use super::toolchain::Toolchain;
use crate::tool::{hash, paths};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::fmt::{self, Display, Formatter};
use std::fs;
use std::path::Path;

/// What was used to build the object.
#[derive(Debug, PartialEq, Eq, Clone)]
pub struct Tools {
    /// The compiler's version and that of its LLVM.
    pub rustc: String,
    /// The linker's version.
    pub bpf_linker: String,
    /// The version of what stripped it.
    pub llvm_strip: String,
}

impl Display for Tools {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        write!(to, "{}; {}; llvm-strip of {}", self.rustc, self.bpf_linker, self.llvm_strip)
    }
}

/// The note.
#[derive(Debug, PartialEq, Eq)]
pub struct Note {
    /// [`sources::sha256`] at the build.
    pub sources_sha256: String,
    /// The object's own SHA-256, in hexadecimal.
    pub object_sha256: String,
    /// What was used.
    pub tools: Tools,
}

impl Note {
    /// The note for an object that was built now.
    pub fn of(object: &[u8], toolchain: &Toolchain) -> Result<Self> {
        Ok(Self {
            sources_sha256: sources::sha256(&paths::root())?,
            object_sha256: hash::sha256(object),
            tools: toolchain.versions()?,
        })
    }

    /// Reads a note.
    pub fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
        let note: Value =
            serde_json::from_str(&text).with_context(|| format!("read {}", file.display()))?;
        let field = |name: &str| -> Result<String> {
            let value = note.get(name).and_then(Value::as_str);
            value.map(str::to_owned).with_context(|| format!("{} has no {name}", file.display()))
        };
        Ok(Self {
            sources_sha256: field("sources_sha256")?,
            object_sha256: field("object_sha256")?,
            tools: Tools {
                rustc: field("rustc")?,
                bpf_linker: field("bpf_linker")?,
                llvm_strip: field("llvm_strip")?,
            },
        })
    }

    /// Writes the note.
    pub fn write(&self, file: &Path) -> Result<()> {
        let note = json!({
            "sources_sha256": self.sources_sha256,
            "object_sha256": self.object_sha256,
            "rustc": self.tools.rustc,
            "bpf_linker": self.tools.bpf_linker,
            "llvm_strip": self.tools.llvm_strip,
        });
        let text = format!("{note:#}\n");
        fs::write(file, text).with_context(|| format!("write {}", file.display()))
    }
}
