//! Signal restorers: the code that the kernel makes a handler return to.

use tracer_common::rule::{Rule, kind};

use crate::address::ElfAddress;
use crate::object::ObjectFile;

use super::rows::Row;

/// `mov $15, %rax; syscall`: rt_sigreturn. glibc's `__restore_rt`, Go's
/// `runtime.sigreturn__sigaction`.
const RESTORER: [u8; 9] = [0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05];

/// The restorer at `start`, or one byte behind: glibc lets its FDE start before the function.
///
/// The row starts a byte before the code, since a handler's return address, the restorer's first
/// byte, is looked up at one less.
pub(super) fn restorer(object: &ObjectFile, start: ElfAddress) -> Option<Row> {
    [start, start.plus(1)]
        .into_iter()
        .find(|address| {
            object.bytes_at(*address, RESTORER.len() as u64) == Some(RESTORER.as_slice())
        })
        .map(|address| Row {
            start: address.minus(1),
            end: address.plus(RESTORER.len() as u64),
            rule: Rule::of_kind(kind::SIGNAL),
        })
}
