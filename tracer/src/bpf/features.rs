//! Whether this kernel and these rights allow tracing, said before anything is loaded.

use std::path::Path;

use aya::programs::ProgramType;
use aya::sys::{BpfHelper, is_helper_supported};
use rustix::io::Errno;

use super::BpfError;
use super::error::release;

/// The helpers that the programs call and that not every supported distribution has.
const HELPERS: [(BpfHelper, &str); 3] = [
    (BpfHelper::BPF_FUNC_loop, "the BPF helper bpf_loop"),
    (BpfHelper::BPF_FUNC_find_vma, "the BPF helper bpf_find_vma"),
    (BpfHelper::BPF_FUNC_get_attach_cookie, "BPF cookies of probes"),
];

/// Checks rights and features; names the first that is missing.
///
/// # Errors
/// A right or a feature is missing; the text says which, and what to do.
pub fn check() -> Result<(), BpfError> {
    let missing = |what, remedy| BpfError::Missing { release: release(), what, remedy };
    if !Path::new("/sys/kernel/btf/vmlinux").exists() {
        let remedy = "it must be built with CONFIG_DEBUG_INFO_BTF, and /sys must be mounted";
        return Err(missing("its type information (BTF)", remedy));
    }
    if !Path::new("/sys/bus/event_source/devices/uprobe").exists() {
        let remedy = "it must be built with CONFIG_UPROBE_EVENTS, and /sys must be mounted";
        return Err(missing("uprobes", remedy));
    }
    for (helper, what) in HELPERS {
        match is_helper_supported(ProgramType::KProbe, helper) {
            Ok(true) => {}
            Ok(false) => return Err(missing(what, "Linux 5.17 or later has it")),
            Err(error) if is_not_permitted(&error) => {
                return Err(BpfError::NotPermitted { what: "use BPF" });
            }
            Err(source) => {
                return Err(BpfError::Program {
                    what: "try",
                    program: "feature probe",
                    release: release(),
                    source: Box::new(source),
                });
            }
        }
    }
    Ok(())
}

/// Whether an error of aya's comes from missing rights: EPERM. EACCES is what the verifier says of
/// a program that it rejects, and what perf_event_open says of missing rights.
pub(super) fn is_not_permitted(error: &(dyn std::error::Error + 'static)) -> bool {
    system_error(error) == Some(Errno::PERM)
}

/// The system's error that an error of aya's comes from.
pub(super) fn system_error(error: &(dyn std::error::Error + 'static)) -> Option<Errno> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return Errno::from_io_error(error);
        }
        next = error.source();
    }
    None
}
