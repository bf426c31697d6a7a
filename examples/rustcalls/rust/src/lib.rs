//! Rust that is called by Go and calls Go, on Go's threads and on threads of its own. The
//! innermost function is `leaf`.

use std::hint::black_box;
use std::thread;

/// What Rust calls back: a Go function.
type Step = extern "C" fn(u32, u64) -> u64;

/// On one line: without a prologue, its first instruction is of every line.
#[inline(never)]
#[rustfmt::skip]
pub fn leaf(value: u64) -> u64 { black_box(value + 1) } // STACK: leaf entry

/// Keeps more values over the call than a caller may lose.
#[inline(never)]
fn call(level: u32, value: u64, step: Step) -> u64 {
    let kept: [u64; 6] = black_box([1, 2, 3, 4, 5, value]);
    let [a, b, c, d, e, f] = kept;
    let below = step(level, value); // STACK: call calls step
    below + a * b * c * d * e + f
}

/// Goes one level down: through Go, or to the leaf.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn rustcalls_down(level: u32, value: u64, step: Step) -> u64 {
    match level {
        0 => leaf(value) ^ 1,              // STACK: rustcalls_down calls leaf
        _ => call(level, value, step) ^ 2, // STACK: rustcalls_down calls call
    }
}

/// Does the same in a thread.
#[unsafe(no_mangle)]
pub extern "C" fn rustcalls_in_thread(level: u32, value: u64, step: Step) -> u64 {
    let work = move || rustcalls_down(level, value, step) + 1; // STACK: the thread calls down
    thread::spawn(work).join().unwrap_or(0)
}
