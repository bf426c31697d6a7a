//! Reasons in words, for people.

use tracer_common::reason::{Loss, Reason};

/// What a gap's reason means.
pub(super) const fn describe_reason(reason: Reason) -> &'static str {
    match reason {
        Reason::UnknownModule => "this file's unwind rows were not loaded yet",
        Reason::UnknownMapping => "this address lies in no file: generated code, or no code",
        Reason::MappingBusy => "the process was changing its memory map at that moment",
        Reason::NoRule => "this code has no unwind information",
        Reason::UnsupportedRule => "this code's unwind rule is of a kind that cgotrace lacks",
        Reason::RegisterLost => "the rule needs a register that was not saved",
        Reason::StackUnreadable => "the stack could not be read here",
        Reason::BadReturnAddress => "the return address is no address of code",
        Reason::NoProgress => "the caller's frame would lie below this one",
        Reason::TableFull => "the unwind tables were full, this file was left out",
        Reason::ProbeUnknown => "the probed file was not known to the kernel side",
    }
}

/// What a problem of a stack means, by its name; the name itself where it is not known.
#[must_use]
pub fn describe_problem(name: &'static str) -> &'static str {
    if name == tracer_common::reason::End::Limit.name() {
        return "deeper than a record holds";
    }
    let known = Reason::ALL.iter().find(|reason| reason.name() == name);
    known.map_or(name, |reason| describe_reason(*reason))
}

/// What a loss means, by its name; the name itself where it is not known.
#[must_use]
pub fn describe_loss(name: &'static str) -> &'static str {
    match Loss::ALL.iter().find(|loss| loss.name() == name) {
        Some(Loss::RingFull) => "the buffer was full, cgotrace did not read in time",
        Some(Loss::NoSlot) => "too many walks were interrupted at once",
        Some(Loss::ControlRingFull) => "news of a process or a file found the buffer full",
        Some(Loss::StackForgotten) => "the frames of a stack had been forgotten",
        Some(Loss::OutputBehind) => "names or the reader of the output could not keep up",
        None => name,
    }
}
