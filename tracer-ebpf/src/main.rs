//! The BPF programs: a probe is hit, the user stack is walked, one record is sent.
//!
//! * `probe`: the uprobe of every traced function.
//! * `process_start`: the uprobe of an executable's entry point; announces the process while it
//!   has one thread.
//! * `identify`: run once at start by BPF_PROG_TEST_RUN; tells cgotrace how the kernel knows its
//!   files and its PID namespace.
//!
//! Here are numbers only. Paths, names and identity belong to userspace. What one step does lies
//! in `tracer_common::step`, shared with the host walker.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]
#![allow(missing_docs, reason = "the macros of aya emit functions without documentation")]
#![allow(
    clippy::needless_borrows_for_generic_args,
    reason = "a key by value is a copy on the stack, which has 512 bytes for all calls together"
)]

mod chain;
mod config;
mod goroutine;
mod identity;
mod mapping;
mod maps;
mod output;
mod slot;
mod start;
mod tables;
mod task;
mod walk;
mod window;

use aya_ebpf::EbpfContext as _;
use aya_ebpf::helpers::generated::bpf_get_attach_cookie;
use aya_ebpf::macros::{raw_tracepoint, uprobe};
use aya_ebpf::programs::{ProbeContext, RawTracePointContext};
use tracer_common::reason::Loss;

/// A traced function was entered.
#[uprobe]
fn probe(context: ProbeContext) -> u32 {
    if !task::is_target() {
        return 0;
    }
    let Some(slot) = slot::claim() else {
        output::lost(Loss::NoSlot);
        return 0;
    };
    // SAFETY: the helper only reads the context that the kernel passed in.
    let cookie = unsafe { bpf_get_attach_cookie(context.as_ptr()) };
    // SAFETY: the kernel passes a valid `pt_regs`.
    let registers = unsafe { &*context.regs };
    walk::walk(slot, registers, cookie);
    output::hit(slot, cookie);
    output::news(slot);
    slot::release(slot);
    0
}

/// The target's executable starts.
#[uprobe]
fn process_start(context: ProbeContext) -> u32 {
    if !task::is_target() {
        return 0;
    }
    // SAFETY: the kernel passes a valid `pt_regs`.
    let address = unsafe { (*context.regs).rip };
    let process = task::process_key();
    if let Some(slot) = slot::claim() {
        // SAFETY: the helper only reads the context that the kernel passed in.
        let cookie = unsafe { bpf_get_attach_cookie(context.as_ptr()) };
        start::list(slot, &process, address, cookie);
        slot::release(slot);
    }
    output::announce_process(&process, address);
    0
}

/// Answers what `IDENTITY` asks.
#[raw_tracepoint]
fn identify(_context: RawTracePointContext) -> i32 {
    identity::identify();
    0
}

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

#[unsafe(no_mangle)]
#[unsafe(link_section = "license")]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
