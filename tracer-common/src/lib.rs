//! All that the BPF programs and userspace share.
//!
//! * [`rule`]: what one unwind step does, 16 bytes; [`table`]: which rule holds where.
//! * [`registers`], [`step`], [`walk`]: the executable part, generic over [`step::Memory`] and
//!   [`walk::Target`], so that the kernel, the host walker and the tests run the same code.
//! * [`event`]: the records of the ring buffer; [`map`]: keys and values of the maps.
//! * [`reason`]: why a walk ended, and why an event was lost.
//!
//! Nothing here allocates, panics or knows of a name, a path or a format. No type is declared
//! twice: what crosses the border between kernel and userspace is declared here, and its size is
//! asserted here.
#![no_std]
#![cfg_attr(target_arch = "bpf", feature(asm_experimental_arch))]

pub mod bound;
pub mod event;
pub mod map;
pub mod reason;
pub mod registers;
pub mod rule;
pub mod step;
pub mod table;
pub mod walk;
