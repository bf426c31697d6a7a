//! How the g0 chain of a Go runtime is found, read from the instructions of its asmcgocall.
//! Go: runtime/asm_amd64.s and cmd/internal/obj/x86 (`get_tls`), 1.21 to 1.27.

use iced_x86::{Mnemonic, OpKind, Register};
use tracer_common::map::Runtime;

use super::code::Body;
use super::go::is_asmcgocall;
use super::switch::immediate_to_sp;
use crate::object::go::GoModule;

/// Where the runtime of a module keeps g, and how much of g0's stack asmcgocall takes. `None` where
/// its instructions are of no known form: in a shared library, g lies where only the running
/// process knows.
#[must_use]
pub fn runtime(go: &GoModule) -> Option<Runtime> {
    let function = go.functions().find(is_asmcgocall)?;
    runtime_of(&Body::of(&function))
}

fn runtime_of(asmcgocall: &Body<'_>) -> Option<Runtime> {
    let (mut g_offset, mut immediate, mut taken, mut frame) = (None, None, None, None);
    for (instruction, _) in asmcgocall.instructions() {
        // `mov rdi, fs:[offset]`, or `mov rcx, offset; mov rdi, fs:[rcx]`.
        let loads = instruction.mnemonic() == Mnemonic::Mov
            && instruction.op1_kind() == OpKind::Memory
            && instruction.memory_segment() == Register::FS;
        if loads {
            let offset = match instruction.memory_base() {
                Register::None => Some(instruction.memory_displacement64().cast_signed()),
                Register::RCX => immediate,
                _ => None,
            };
            g_offset = g_offset.or(offset);
        }
        let sets_rcx = instruction.mnemonic() == Mnemonic::Mov
            && instruction.op0_kind() == OpKind::Register
            && instruction.op0_register() == Register::RCX;
        if sets_rcx {
            immediate = instruction.try_immediate(1).ok().map(u64::cast_signed);
        }
        // `sub rsp, frame; and rsp, -16`.
        if let Some(bytes) = immediate_to_sp(&instruction, Mnemonic::Sub) {
            taken = Some(bytes);
        } else if immediate_to_sp(&instruction, Mnemonic::And) == Some(-16) {
            frame = frame.or(taken.take());
        } else {
            taken = None;
        }
    }
    let frame = u64::try_from(frame?).ok().filter(|frame| (1..=256).contains(frame))?;
    Some(Runtime { g_offset: g_offset?, frame })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::ElfAddress;

    /// What asmcgocall has at its start, as `objdump -d` shows it of Go 1.27 and 1.21 binaries.
    fn body(code: &[u8]) -> Body<'_> {
        let depths = vec![(0..code.len() as u32, 8)];
        Body { entry: ElfAddress(0x40_0000), code, depths }
    }

    #[test]
    fn an_executable_at_a_fixed_address() {
        let code = [
            0x64, 0x48, 0x8b, 0x3c, 0x25, 0xf8, 0xff, 0xff,
            0xff, // mov rdi, fs:0xfffffffffffffff8
            0x48, 0x83, 0xec, 0x10, // sub rsp, 0x10
            0x48, 0x83, 0xe4, 0xf0, // and rsp, 0xfffffffffffffff0
        ];
        assert_eq!(runtime_of(&body(&code)), Some(Runtime { g_offset: -8, frame: 16 }));
    }

    #[test]
    fn a_position_independent_executable() {
        let code = [
            0x48, 0xc7, 0xc1, 0x50, 0xff, 0xff, 0xff, // mov rcx, 0xffffffffffffff50
            0x64, 0x48, 0x8b, 0x39, // mov rdi, fs:[rcx]
            0x48, 0x83, 0xec, 0x40, // sub rsp, 0x40
            0x48, 0x83, 0xe4, 0xf0, // and rsp, 0xfffffffffffffff0
        ];
        assert_eq!(runtime_of(&body(&code)), Some(Runtime { g_offset: -176, frame: 64 }));
    }

    #[test]
    fn a_shared_library_tells_nothing() {
        let code = [
            0x48, 0x8b, 0x0d, 0x00, 0x10, 0x00, 0x00, // mov rcx, [rip + 0x1000]
            0x64, 0x48, 0x8b, 0x39, // mov rdi, fs:[rcx]
            0x48, 0x83, 0xec, 0x10, // sub rsp, 0x10
            0x48, 0x83, 0xe4, 0xf0, // and rsp, 0xfffffffffffffff0
        ];
        assert_eq!(runtime_of(&body(&code)), None);
    }
}
