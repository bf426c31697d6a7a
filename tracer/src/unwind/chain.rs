//! How the g of a thread and its g0 chain are found, read from the instructions of asmcgocall.
//! Go: runtime/asm_amd64.s and cmd/internal/obj/x86 (`get_tls`), 1.21 to 1.27.

use iced_x86::{Mnemonic, OpKind, Register};
use tracer_common::map::Runtime;

use super::code::Body;
use super::go::{Known, is_asmcgocall};
use super::switch::immediate_to_sp;
use crate::object::go::GoModule;

/// Where the runtime of a module keeps g and what leads from it to the goroutine, and how much of
/// g0's stack asmcgocall takes. `None` where its instructions are of no known form. The module's
/// number is left to the caller.
#[must_use]
pub fn runtime(go: &GoModule) -> Option<Runtime> {
    let function = go.functions().find(is_asmcgocall)?;
    let known = Known::of(go.version());
    Some(Runtime {
        m_curg: known.curg_offset,
        g_goid: u64::try_from(known.goid_offset).unwrap_or(0),
        ..runtime_of(&Body::of(&function))?
    })
}

/// Where g lies.
#[derive(Clone, Copy)]
enum Place {
    /// So many bytes from the thread pointer.
    Fixed(i64),
    /// As far from it as the word at this ELF address says: in a shared library, which the dynamic
    /// linker gives its thread-local storage.
    Slot(u64),
}

fn runtime_of(asmcgocall: &Body<'_>) -> Option<Runtime> {
    let (mut g, mut in_rcx, mut taken, mut frame) = (None, None, None, None);
    for (instruction, _) in asmcgocall.instructions() {
        // `mov rdi, fs:[offset]`; or `mov rcx, offset`, or `mov rcx, [rip + slot]`, and then
        // `mov rdi, fs:[rcx]`.
        let loads = instruction.mnemonic() == Mnemonic::Mov
            && instruction.op1_kind() == OpKind::Memory
            && instruction.memory_segment() == Register::FS;
        if loads {
            let place = match instruction.memory_base() {
                Register::None => {
                    Some(Place::Fixed(instruction.memory_displacement64().cast_signed()))
                }
                Register::RCX => in_rcx,
                _ => None,
            };
            g = g.or(place);
        }
        let sets_rcx = instruction.mnemonic() == Mnemonic::Mov
            && instruction.op0_kind() == OpKind::Register
            && instruction.op0_register() == Register::RCX;
        if sets_rcx {
            in_rcx = if instruction.is_ip_rel_memory_operand() {
                Some(Place::Slot(instruction.ip_rel_memory_address()))
            } else {
                instruction.try_immediate(1).ok().map(|offset| Place::Fixed(offset.cast_signed()))
            };
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
    let (g_offset, g_slot) = match g? {
        Place::Fixed(offset) => (offset, 0),
        Place::Slot(address) => (0, address),
    };
    Some(Runtime { g_offset, g_slot, frame, ..Runtime::default() })
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
        let expected = Runtime { g_offset: -8, frame: 16, ..Runtime::default() };
        assert_eq!(runtime_of(&body(&code)), Some(expected));
    }

    #[test]
    fn a_position_independent_executable() {
        let code = [
            0x48, 0xc7, 0xc1, 0x50, 0xff, 0xff, 0xff, // mov rcx, 0xffffffffffffff50
            0x64, 0x48, 0x8b, 0x39, // mov rdi, fs:[rcx]
            0x48, 0x83, 0xec, 0x40, // sub rsp, 0x40
            0x48, 0x83, 0xe4, 0xf0, // and rsp, 0xfffffffffffffff0
        ];
        let expected = Runtime { g_offset: -176, frame: 64, ..Runtime::default() };
        assert_eq!(runtime_of(&body(&code)), Some(expected));
    }

    #[test]
    fn a_shared_library_tells_where_the_dynamic_linker_says_it() {
        let code = [
            0x48, 0x8b, 0x0d, 0x00, 0x10, 0x00, 0x00, // mov rcx, [rip + 0x1000]
            0x64, 0x48, 0x8b, 0x39, // mov rdi, fs:[rcx]
            0x48, 0x83, 0xec, 0x10, // sub rsp, 0x10
            0x48, 0x83, 0xe4, 0xf0, // and rsp, 0xfffffffffffffff0
        ];
        let expected = Runtime { g_slot: 0x40_1007, frame: 16, ..Runtime::default() };
        assert_eq!(runtime_of(&body(&code)), Some(expected));
    }

    #[test]
    fn another_register_than_the_one_loaded_tells_nothing() {
        let code = [
            0x48, 0x8b, 0x0d, 0x00, 0x10, 0x00, 0x00, // mov rcx, [rip + 0x1000]
            0x64, 0x48, 0x8b, 0x3a, // mov rdi, fs:[rdx]
            0x48, 0x83, 0xec, 0x10, // sub rsp, 0x10
            0x48, 0x83, 0xe4, 0xf0, // and rsp, 0xfffffffffffffff0
        ];
        assert_eq!(runtime_of(&body(&code)), None);
    }
}
