//! Where an address lies: module and file offset.
//!
//! In this order: the segments found before in this walk, the first of which is the probe's own;
//! the mappings that userspace has told, or that the dynamic linker listed at the process's start;
//! the other segments of the probe's module by its load bias, and the vdso by where the kernel has
//! put it; the kernel's `bpf_find_vma`, whose EBUSY is normal and never remembered.

use aya_ebpf::helpers::generated::{bpf_find_vma, bpf_get_current_task_btf};
use tracer_common::bound::{bounded, less};
use tracer_common::map::{
    MAX_LISTED, MAX_MAPPINGS, MAX_RUNTIMES, MAX_SEGMENTS, Mapping, ModuleKey, NO_BIAS, NO_MODULE,
    cookie,
};
use tracer_common::reason::Reason;
use tracer_common::walk::Location;

use crate::config::{config, kernel, typed_half, typed_word};
use crate::maps::{LISTED, MODULE_NUMBERS, MODULES, PROCESSES};
use crate::slot::Slot;
use crate::task;

const EBUSY: i64 = -16;
/// More bytes than any vdso has.
const MAX_VDSO: u64 = 1 << 16;

/// Sets the slot up for a walk from the probe at run-time address `address`.
#[inline(always)]
pub(crate) fn start(slot: &mut Slot, address: u64, cookie: u64) -> bool {
    slot.known = [Mapping::default(); 2];
    slot.process.tgid = 0;
    slot.untold = 0;
    slot.unknown = 0;
    slot.module = cookie::module(cookie) as u64;
    let Some(module) = MODULES.get(slot.module as u32) else { return false };
    let offset = cookie::offset(cookie);
    let mut index = 0;
    while index < MAX_SEGMENTS {
        let segment = module.segments[index];
        let within = offset.wrapping_sub(segment.offset);
        if within < segment.size {
            slot.bias = address.wrapping_sub(within).wrapping_sub(segment.address);
            slot.known[0] = Mapping::of(&segment, slot.bias, slot.module);
            return true;
        }
        index += 1;
    }
    false
}

/// Where `address` lies.
#[inline(always)]
pub(crate) fn locate(slot: &mut Slot, address: u64) -> Result<Location, Reason> {
    if let Some(location) = within(&slot.known[0], address) {
        return Ok(location);
    }
    if let Some(location) = within(&slot.known[1], address) {
        return Ok(location);
    }
    match search(slot, address) {
        0 => within(&slot.known[1], address).ok_or(Reason::UnknownMapping),
        reason => Err(Reason::from_number(reason as u8).unwrap_or(Reason::UnknownMapping)),
    }
}

#[inline(always)]
fn within(mapping: &Mapping, address: u64) -> Option<Location> {
    if address < mapping.start || address >= mapping.end {
        return None;
    }
    let offset = address - mapping.start + mapping.offset;
    Some(Location { module: mapping.module as u16, offset })
}

/// Finds the mapping of `address` and leaves it in `known[1]`; 0, or the number of a reason.
#[inline(never)]
fn search(slot: *mut Slot, address: u64) -> u64 {
    // SAFETY: a claimed slot.
    let slot = unsafe { &mut *slot };
    if slot.process.tgid == 0 {
        slot.process = task::process_key();
    }
    if told(slot, address) || by_bias(slot, address) {
        return 0;
    }
    ask_kernel(slot, address)
}

/// Leaves the mapping that holds `address`, as the kernel knows it, in `known[1]`; 0, or the number
/// of a reason, and then `known[1]` is as it was.
#[inline(always)]
pub(crate) fn ask_kernel(slot: &mut Slot, address: u64) -> u64 {
    let mut found = Found { slot, reason: 0 };
    // SAFETY: the callback has the signature that the helper asks for, and the context is on the
    // BPF stack.
    let result = unsafe {
        bpf_find_vma(
            bpf_get_current_task_btf(),
            address,
            on_vma as *mut core::ffi::c_void,
            (&raw mut found).cast(),
            0,
        )
    };
    match result {
        0 => {
            if found.reason == Reason::UnknownModule as u64 {
                slot.unknown = address;
            }
            found.reason
        }
        EBUSY => Reason::MappingBusy as u64,
        _ => Reason::UnknownMapping as u64,
    }
}

/// By the mappings that userspace has told, sorted by their start.
#[inline(always)]
fn told(slot: &mut Slot, address: u64) -> bool {
    // SAFETY: the map gives up what was used least recently, which is not what is being read.
    let Some(mappings) = (unsafe { PROCESSES.get(&slot.process) }) else {
        slot.untold = address;
        return listed(slot, address);
    };
    let count = mappings.count;
    let mut at = 0u64;
    let mut step = MAX_MAPPINGS as u64 / 2;
    while step != 0 {
        let next = at + step;
        let starts = mappings.mappings[bounded::<INDEX>(next)].start;
        at += step * (less(next, count) & less(starts, address + 1));
        step >>= 1;
    }
    let mapping = &mappings.mappings[bounded::<INDEX>(at)];
    let found = at < count && address >= mapping.start && address < mapping.end;
    if found {
        slot.known[1] = *mapping;
    }
    found
}

const INDEX: u64 = MAX_MAPPINGS as u64 - 1;

/// By the dynamic linker's list, read when the process started.
#[inline(always)]
fn listed(slot: &mut Slot, address: u64) -> bool {
    // SAFETY: as in `told`.
    let Some(listed) = (unsafe { LISTED.get(&slot.process) }) else { return false };
    let mut at = 0;
    let mut index = 0;
    while index < MAX_LISTED {
        let mapping = &listed.mappings[index];
        // At most one does: mappings do not overlap.
        let holds = less(mapping.start, address + 1) & less(address, mapping.end);
        at += holds * (index as u64);
        index += 1;
    }
    let mapping = &listed.mappings[bounded::<{ MAX_LISTED as u64 - 1 }>(at)];
    let found = address >= mapping.start && address < mapping.end;
    if found {
        slot.known[1] = *mapping;
    }
    found
}

/// By a load bias that is known: the vdso's, or the probed module's for a second executable segment
/// of it.
#[inline(always)]
fn by_bias(slot: &mut Slot, address: u64) -> bool {
    let (mut number, mut bias) = (slot.module, slot.bias);
    if config!(mm_vdso) != 0 {
        // It is the same image in all processes: no vma is asked, so the answer is never "busy".
        let vdso: u64 = kernel(slot.process.mm.wrapping_add(config!(mm_vdso)));
        if vdso != 0 && address.wrapping_sub(vdso) < MAX_VDSO {
            slot.key = ModuleKey::VDSO;
            (number, bias) = (number_of(&slot.key) as u64, vdso);
        }
    }
    let Some(module) = MODULES.get(number as u32) else { return false };
    let mut index = 0;
    while index < MAX_SEGMENTS {
        let mapping = Mapping::of(&module.segments[index], bias, number);
        if within(&mapping, address).is_some() {
            slot.known[1] = mapping;
            return true;
        }
        index += 1;
    }
    false
}

/// Leaves the load bias of a Go runtime's module in the present process in `runtime_bias`,
/// [`NO_BIAS`] where it is not known. `number` is that of the runtime.
#[inline(never)]
pub(crate) fn find_runtime_bias(slot: *mut Slot, number: u64, module: u64) {
    // SAFETY: a claimed slot.
    let slot = unsafe { &mut *slot };
    if module == slot.module {
        slot.runtime_bias = slot.bias;
        return;
    }
    slot.runtime_bias = NO_BIAS;
    if slot.process.tgid == 0 {
        slot.process = task::process_key();
    }
    let number = bounded::<{ MAX_RUNTIMES as u64 - 1 }>(number);
    // SAFETY: as in `told`.
    let (told, listed) = unsafe { (PROCESSES.get(&slot.process), LISTED.get(&slot.process)) };
    if let Some(told) = told {
        slot.runtime_bias = told.runtimes[number];
    } else if let Some(listed) = listed {
        slot.runtime_bias = listed.runtimes[number];
    }
}

/// The number of a module; that of none where it is not known.
#[inline(always)]
fn number_of(key: &ModuleKey) -> u32 {
    // SAFETY: nothing removes entries while programs run.
    match unsafe { MODULE_NUMBERS.get(key) } {
        Some(number) => *number,
        None => NO_MODULE as u32,
    }
}

/// What the callback of `bpf_find_vma` leaves.
#[repr(C)]
struct Found {
    slot: *mut Slot,
    /// 0, or the number of a reason.
    reason: u64,
}

/// The callback: `vma` is the mapping that holds the address.
unsafe extern "C" fn on_vma(_task: u64, vma: u64, found: *mut Found) -> i64 {
    // SAFETY: the helper passes our own context back.
    let found = unsafe { &mut *found };
    // SAFETY: a claimed slot.
    let slot = unsafe { &mut *found.slot };
    // SAFETY: a `vm_area_struct` with its BTF type, and offsets of its fields.
    let file = unsafe { typed_word(vma, config!(vma_file)) };
    if file == 0 {
        found.reason = Reason::UnknownMapping as u64;
        return 0;
    }
    // SAFETY: as above.
    slot.key = unsafe { key_of_file(file) };
    let number = number_of(&slot.key);
    if number == NO_MODULE as u32 {
        slot.unknown_module = slot.key;
        found.reason = Reason::UnknownModule as u64;
        return 0;
    }
    // SAFETY: as above.
    unsafe {
        slot.known[1] = Mapping {
            start: typed_word(vma, config!(vma_start)),
            end: typed_word(vma, config!(vma_end)),
            offset: typed_word(vma, config!(vma_page_offset)) << 12,
            module: number as u64,
        };
    }
    0
}

/// The key of a `struct file`.
///
/// # Safety
/// `file` must be a `struct file` with its BTF type, not null.
#[inline(always)]
pub(crate) unsafe fn key_of_file(file: u64) -> ModuleKey {
    // SAFETY: the caller's promise; each pointer that is loaded keeps its BTF type.
    unsafe {
        let inode = typed_word(file, config!(file_inode));
        let super_block = typed_word(inode, config!(inode_super_block));
        ModuleKey {
            inode: typed_word(inode, config!(inode_number)),
            device: typed_half(super_block, config!(super_block_device)),
            generation: typed_half(inode, config!(inode_generation)),
        }
    }
}
