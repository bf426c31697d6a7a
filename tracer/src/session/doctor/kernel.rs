//! The kernel, by trying: helpers, the programs, one probe.

use std::num::NonZeroU32;
use std::path::Path;

use super::Area;
use crate::bpf::{AttachMethod, BpfError, Kernel, Scope, helpers};
use crate::object::ObjectFile;

/// Our own executable: a probe is tried there.
const OWN: &str = "/proc/self/exe";

/// Tries what a session would do, and undoes it.
pub(super) fn examine(area: &mut Area) {
    for (name, found) in helpers() {
        match found {
            Ok(true) => area.ok(name, "yes"),
            Ok(false) => area.problem(name, "no", "use Linux 5.17 or later"),
            Err(BpfError::NotPermitted { .. }) => {
                area.unknown(name, "it takes rights to find out", "run this as root");
            }
            Err(error) => {
                area.unknown(name, error.to_string(), "see what the next lines say");
            }
        }
    }
    let mut kernel = match Kernel::load(false) {
        Ok((kernel, ..)) => kernel,
        Err(error @ BpfError::NotPermitted { .. }) => {
            let next = "run this as root; see the rights above";
            return area.problem("program", error.to_string(), next);
        }
        Err(error) => {
            let next = "report this with all that `cgotrace doctor` says";
            return area.problem("program", with_sources(&error), next);
        }
    };
    for (at, program) in kernel.figures().iter().enumerate() {
        let verified = program
            .verified_instructions
            .map_or(String::new(), |count| format!(", {count} instructions verified"));
        // The maps are made before the first one.
        let maps = if at == 0 { ", with all maps" } else { "" };
        let time = program.load_time.as_secs_f64() * 1e3;
        area.ok("program", format!("{} loaded in {time:.0} ms{maps}{verified}", program.name));
    }
    match kernel.attach_method() {
        AttachMethod::OneLink => area.ok("many probes", "by one link (uprobe_multi)"),
        AttachMethod::OneByOne(why) => {
            let next = "probe few functions at a time, or use a newer kernel";
            area.note("many probes", format!("one by one, which takes time: {why}"), next);
        }
    }
    match try_probe(&mut kernel) {
        Ok(()) => area.ok("a probe", "attached to cgotrace itself, and detached"),
        Err(why) => {
            let next = "see the rights and the lockdown mode above";
            area.problem("a probe", why, next);
        }
    }
}

/// Probes our own entry point, which has run already, for this process alone.
fn try_probe(kernel: &mut Kernel) -> Result<(), String> {
    let path = Path::new(OWN);
    let object = ObjectFile::open(path).map_err(|error| error.to_string())?;
    let place = object.offset_of(object.entry()).ok_or("cgotrace has no entry point")?;
    let scope = NonZeroU32::new(std::process::id()).map_or(Scope::All, Scope::Process);
    kernel
        .attach_probes(path, &[(place, 0)], scope, &mut |_| {})
        .and_then(|()| kernel.detach_probes(&mut |_| {}))
        .map_err(|error| with_sources(&error))
}

/// An error with what caused it, in one text.
fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let cause = error.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
        next = error.source();
    }
    text
}
