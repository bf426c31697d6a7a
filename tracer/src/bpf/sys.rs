//! The bpf(2) calls that aya lacks: a program for `uprobe_multi` links, with its type information,
//! such a link, what the kernel says of both.
//!
//! Layout of the attributes: include/uapi/linux/bpf.h of Linux 6.6, as `aya_obj` has it.

use std::ffi::{CStr, CString};
use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use aya_obj::generated::{
    bpf_attach_type, bpf_attr, bpf_cmd, bpf_insn, bpf_prog_info, bpf_prog_type,
};

/// What a program consists of. Slices are as `aya_obj` makes them.
pub(super) struct ProgramParts<'a> {
    /// Its name in the kernel, of which 15 bytes are used.
    pub(super) name: &'a str,
    /// The licence that helpers are given by.
    pub(super) license: &'a CStr,
    /// The instructions, relocated.
    pub(super) instructions: &'a [bpf_insn],
    /// The type information that functions are described in.
    pub(super) btf: Option<BorrowedFd<'a>>,
    /// Descriptions of functions, and the bytes of one.
    pub(super) functions: (&'a [u8], usize),
    /// Descriptions of lines, and the bytes of one.
    pub(super) lines: (&'a [u8], usize),
}

/// Calls bpf(2); the result is never negative.
fn bpf(command: bpf_cmd, attributes: &mut bpf_attr) -> io::Result<RawFd> {
    // SAFETY: the attributes are a whole `bpf_attr`, zero where this command has no field, and every
    // address in them is of memory that lives until the call returns, as their makers below see to.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command as libc::c_long,
            std::ptr::from_mut(attributes),
            size_of::<bpf_attr>(),
        )
    };
    RawFd::try_from(result).ok().filter(|&fd| fd >= 0).ok_or_else(io::Error::last_os_error)
}

/// Calls bpf(2) for a new descriptor.
fn bpf_fd(command: bpf_cmd, attributes: &mut bpf_attr) -> io::Result<OwnedFd> {
    let fd = bpf(command, attributes)?;
    // SAFETY: the commands that come here return a new descriptor, which nothing else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Attributes without any field set.
fn attributes() -> bpf_attr {
    // SAFETY: a union of plain integers.
    unsafe { zeroed() }
}

/// Loads a kprobe program that `uprobe_multi` links may attach. `log` takes what the verifier says
/// of a refusal, where it has room.
pub(super) fn load_for_multi(parts: &ProgramParts<'_>, log: &mut [u8]) -> io::Result<OwnedFd> {
    let count = |bytes: &[u8], size: usize| bytes.len().checked_div(size).unwrap_or(0) as u32;
    let mut attributes = attributes();
    // SAFETY: all fields of the union are plain integers, and all are zero.
    let load = unsafe { &mut attributes.__bindgen_anon_3 };
    let name = parts.name.as_bytes().iter().take(load.prog_name.len() - 1);
    load.prog_name.iter_mut().zip(name).for_each(|(to, &from)| *to = from as _);
    load.prog_type = bpf_prog_type::BPF_PROG_TYPE_KPROBE as u32;
    load.expected_attach_type = bpf_attach_type::BPF_TRACE_UPROBE_MULTI as u32;
    load.insns = parts.instructions.as_ptr() as u64;
    load.insn_cnt = parts.instructions.len() as u32;
    load.license = parts.license.as_ptr() as u64;
    if let Some(btf) = parts.btf {
        load.prog_btf_fd = btf.as_raw_fd() as u32;
        let ((functions, function), (lines, line)) = (parts.functions, parts.lines);
        load.func_info = functions.as_ptr() as u64;
        load.func_info_cnt = count(functions, function);
        load.func_info_rec_size = function as u32;
        load.line_info = lines.as_ptr() as u64;
        load.line_info_cnt = count(lines, line);
        load.line_info_rec_size = line as u32;
    }
    if !log.is_empty() {
        load.log_level = 1;
        load.log_buf = log.as_mut_ptr() as u64;
        load.log_size = log.len() as u32;
    }
    bpf_fd(bpf_cmd::BPF_PROG_LOAD, &mut attributes)
}

/// Attaches a program at file offsets of the file at `path`. Each hit carries its place's cookie.
/// With a `pid` other than zero, only that process's hits. Closing the descriptor detaches all.
pub(super) fn link_multi(
    program: BorrowedFd<'_>,
    path: &CString,
    offsets: &[u64],
    cookies: &[u64],
    pid: u32,
) -> io::Result<OwnedFd> {
    if offsets.len() != cookies.len() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut attributes = attributes();
    // SAFETY: all fields of the union are plain integers, and all are zero.
    let link = unsafe { &mut attributes.link_create };
    link.__bindgen_anon_1.prog_fd = program.as_raw_fd() as u32;
    link.attach_type = bpf_attach_type::BPF_TRACE_UPROBE_MULTI as u32;
    // SAFETY: as above.
    let multi = unsafe { &mut link.__bindgen_anon_3.uprobe_multi };
    multi.path = path.as_ptr() as u64;
    multi.offsets = offsets.as_ptr() as u64;
    multi.cookies = cookies.as_ptr() as u64;
    multi.cnt = offsets.len() as u32;
    multi.pid = pid;
    bpf_fd(bpf_cmd::BPF_LINK_CREATE, &mut attributes)
}

/// Loads type information: the bytes of a `.BTF` section.
pub(super) fn load_btf(bytes: &[u8]) -> io::Result<OwnedFd> {
    let mut attributes = attributes();
    // SAFETY: all fields of the union are plain integers, and all are zero.
    let load = unsafe { &mut attributes.__bindgen_anon_7 };
    load.btf = bytes.as_ptr() as u64;
    load.btf_size = bytes.len() as u32;
    bpf_fd(bpf_cmd::BPF_BTF_LOAD, &mut attributes)
}

/// How many instructions the verifier went through; Linux 5.16 and later tell.
pub(super) fn verified_instructions(program: BorrowedFd<'_>) -> Option<u32> {
    // SAFETY: plain integers.
    let mut info: bpf_prog_info = unsafe { zeroed() };
    let mut attributes = attributes();
    // SAFETY: all fields of the union are plain integers, and all are zero.
    let question = unsafe { &mut attributes.info };
    question.bpf_fd = program.as_raw_fd() as u32;
    question.info_len = size_of::<bpf_prog_info>() as u32;
    question.info = std::ptr::from_mut(&mut info) as u64;
    bpf(bpf_cmd::BPF_OBJ_GET_INFO_BY_FD, &mut attributes).ok()?;
    (info.verified_insns != 0).then_some(info.verified_insns)
}
