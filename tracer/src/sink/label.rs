//! What frames are called, in every format for people.

use std::borrow::Cow;
use std::path::Path;

use super::Start;
use super::sanitize::{sanitize, sanitize_bytes};
use super::view::Line;
use crate::stack::StackFrame;

/// The function; where it has no name, its place: `app+0x6ac00`, or an address.
pub(super) fn frame_name(frame: &StackFrame) -> Cow<'_, str> {
    match (&frame.function, &frame.module, frame.offset) {
        (Some(function), _, _) => sanitize(function),
        (None, Some(module), Some(offset)) => {
            Cow::Owned(format!("{}+{offset:#x}", file_name(&module.path)))
        }
        // What is known of a module that could not be read: what its mapping is called.
        (None, Some(module), None) => {
            Cow::Owned(format!("{:#x} {}", frame.address, file_name(&module.path)))
        }
        (None, None, _) => Cow::Owned(format!("{:#x}", frame.address)),
    }
}

/// The last part of a path.
pub(super) fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    sanitize_bytes(name.as_encoded_bytes()).into_owned()
}

/// What stands for a line in a format that has nothing but frames. A gap's reason is called by its
/// name, as JSON has it.
pub(super) fn line_name<'a>(line: &Line<'a>) -> Cow<'a, str> {
    Cow::Owned(match line {
        Line::Frame(frame) => return frame_name(frame),
        Line::Gap(reason) => format!("[gap: {}]", reason.name()),
        Line::End(reason) => format!("[gap: {reason}]"),
        Line::Folded(count) => format!("[{}]", runtime_frames(*count)),
        Line::More(count) => format!("[{}]", more_frames(*count)),
    })
}

/// So many frames of the runtime.
pub(super) fn runtime_frames(count: usize) -> String {
    format!("{count} runtime {}", if count == 1 { "frame" } else { "frames" })
}

/// So many frames that are not shown.
pub(super) fn more_frames(count: usize) -> String {
    format!("{count} more {}", if count == 1 { "frame" } else { "frames" })
}

/// Stands for stacks that differ from all that fit into memory.
pub(super) const NOT_KEPT: &str = "[too many different stacks]";

/// So many probes are named in a title.
const NAMED: usize = 3;

/// What a picture of a session is called: the probed functions, and the program.
pub(super) fn title(start: &Start) -> String {
    let names: Vec<_> = start.probes.iter().map(|probe| sanitize(&probe.name)).collect();
    let functions = match names.len() {
        0 => "cgotrace".to_owned(),
        count if count > NAMED => format!("{count} functions"),
        _ => names.join(", "),
    };
    match &start.executable {
        Some(executable) => format!("{functions} in {}", file_name(executable)),
        None => functions,
    }
}
