//! What a process has mapped when it starts, by its dynamic linker's own list.
//!
//! At the executable's entry point the dynamic linker has done its work and there is one thread:
//! `bpf_find_vma` is not disturbed then. So the first hit finds every module that was known, even
//! where other threads change the mappings without pause by then.
//!
//! Layouts: elf/link.h and include/link.h of glibc, `struct r_debug` and `struct link_map`; musl
//! has the same.

use aya_ebpf::bindings::BPF_ANY;
use aya_ebpf::helpers::generated::bpf_loop;
use tracer_common::bound::{bounded, less};
use tracer_common::map::{MAX_LISTED, MAX_RUNTIMES, Mapping, NO_BIAS, ProcessKey, cookie};

use crate::mapping::{self, ask_kernel};
use crate::maps::{LISTED, MODULES, RUNTIMES};
use crate::slot::Slot;
use crate::window::distant;

/// Offset of `r_map` in `struct r_debug`.
const R_MAP: u64 = 8;
/// Offset of `l_addr`, the load bias.
const L_ADDR: u64 = 0;
/// Offset of `l_ld`, the address of the dynamic section.
const L_LD: u64 = 16;
/// Offset of `l_next`.
const L_NEXT: u64 = 24;

/// What the loop over the list carries.
#[repr(C)]
struct List {
    slot: *mut Slot,
    /// The address of the next `struct link_map`.
    next: u64,
}

/// Reads the list of the process whose executable's entry point is at run-time `address`.
#[inline(always)]
pub(crate) fn list(slot: *mut Slot, process: &ProcessKey, address: u64, cookie: u64) {
    // SAFETY: a claimed slot.
    let own = unsafe { &mut *slot };
    own.listed.count = 0;
    own.listed.runtimes = [NO_BIAS; MAX_RUNTIMES];
    let mut index = 0;
    while index < MAX_LISTED {
        own.listed.mappings[index] = Mapping::default();
        index += 1;
    }
    if !mapping::start(own, address, cookie) {
        return;
    }
    let Some(module) = MODULES.get(cookie::module(cookie) as u32) else { return };
    if module.debug_address == 0 {
        return;
    }
    let Some(debug) = distant(own.bias.wrapping_add(module.debug_address)) else { return };
    let Some(next) = distant(debug.wrapping_add(R_MAP)) else { return };
    let mut list = List { slot, next };
    // SAFETY: the callback has the signature that the helper asks for, and the context is on the
    // BPF stack.
    unsafe {
        bpf_loop(MAX_LISTED as u32, on_module as *mut core::ffi::c_void, (&raw mut list).cast(), 0);
    }
    // A full map only costs the first hit's certainty.
    let _ = LISTED.insert(process, &own.listed, BPF_ANY as u64);
}

/// One module of the list; 1 ends the loop.
unsafe extern "C" fn on_module(index: u32, list: *mut List) -> i64 {
    // SAFETY: the helper passes our own context back; it holds a claimed slot.
    let (list, slot) = unsafe { (&mut *list, &mut *(*list).slot) };
    let entry = list.next;
    if entry == 0 {
        return 1;
    }
    let (Some(bias), Some(dynamic), Some(next)) =
        (distant(entry + L_ADDR), distant(entry + L_LD), distant(entry + L_NEXT))
    else {
        return 1;
    };
    list.next = next;
    if ask_kernel(slot, dynamic) != 0 {
        return 0;
    }
    let found = &slot.known[1];
    let Some(module) = MODULES.get(found.module as u32) else { return 0 };
    // The first executable segment: linkers make one.
    let segment = module.segments[0];
    slot.listed.mappings[bounded::<{ MAX_LISTED as u64 - 1 }>(index as u64)] =
        Mapping::of(&segment, bias, found.module);
    let mut number = 0;
    while number < MAX_RUNTIMES {
        if let Some(runtime) = RUNTIMES.get(number as u32)
            && runtime.module == found.module
        {
            slot.listed.runtimes[number] = bias;
        }
        number += 1;
    }
    slot.listed.count += less(0, segment.size);
    0
}
