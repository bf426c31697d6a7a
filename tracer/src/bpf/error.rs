//! Why the kernel side cannot be set up.

use std::path::PathBuf;

/// Why the kernel side cannot be set up. Each text says what failed and what to do.
#[derive(Debug, thiserror::Error)]
pub enum BpfError {
    /// The rights are missing.
    #[error(
        "cannot {what}: not permitted; run as root, or grant cgotrace CAP_BPF, CAP_PERFMON and \
         CAP_SYS_PTRACE, where the system allows BPF at all"
    )]
    NotPermitted {
        /// What was attempted.
        what: &'static str,
    },
    /// The rights to attach probes one by one are missing.
    #[error(
        "cannot attach a uprobe: not permitted; run as root: without uprobe_multi links (Linux 6.6), \
         this kernel may ask for CAP_SYS_ADMIN beside CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE"
    )]
    NotPermittedOneByOne,
    /// The kernel lacks a feature.
    #[error("this kernel ({release}) lacks {what}; {remedy}")]
    Missing {
        /// The kernel's release.
        release: String,
        /// The feature.
        what: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// The kernel's BTF does not describe what the programs need.
    #[error("cannot read the kernel's type information in {}: {what}", path.display())]
    Btf {
        /// The file.
        path: PathBuf,
        /// What does not hold.
        what: String,
    },
    /// The object that `CGOTRACE_BPF_OBJECT` names could not be read.
    #[error("cannot read the BPF object {}: {source}", path.display())]
    ReadObject {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The object was not accepted: a defect of cgotrace, or an unknown kernel.
    #[error("cannot load the BPF programs into this kernel ({release})")]
    Load {
        /// The kernel's release.
        release: String,
        /// What aya said, the verifier's log included.
        #[source]
        source: Box<aya::EbpfError>,
    },
    /// A program or a map that the object should have.
    #[error("the BPF object has no {0}; it belongs to another version of cgotrace")]
    NoSuchPart(&'static str),
    /// A program could not be loaded or run.
    #[error("cannot {what} the BPF program `{program}` in this kernel ({release})")]
    Program {
        /// What was attempted.
        what: &'static str,
        /// The program.
        program: &'static str,
        /// The kernel's release.
        release: String,
        /// What aya said, the verifier's log included.
        #[source]
        source: Box<aya::programs::ProgramError>,
    },
    /// A map could not be written or read.
    #[error("cannot {what}")]
    Map {
        /// What was attempted.
        what: &'static str,
        /// What aya said.
        #[source]
        source: aya::maps::MapError,
    },
    /// A probe could not be attached.
    #[error("cannot attach a probe to {} at file offset {offset:#x}", path.display())]
    Attach {
        /// The file.
        path: PathBuf,
        /// The file offset.
        offset: u64,
        /// What aya or the system said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The kernel did not know a mapping of our own.
    #[error("cannot ask the kernel for the identity of {}: {what}", path.display())]
    Identity {
        /// The file.
        path: PathBuf,
        /// What happened.
        what: String,
    },
}

/// The running kernel's release, for messages.
pub(super) fn release() -> String {
    rustix::system::uname().release().to_string_lossy().into_owned()
}
