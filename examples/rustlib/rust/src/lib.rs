//! A chain of calls as Rust makes them: a caught panic, a closure, a generic function, a method of
//! a trait object, an inlined function. The innermost is `leaf`.

use std::hint::black_box;
use std::panic;
use std::sync::Once;

/// One step of the way down.
trait Step {
    fn take(&self, value: u64) -> u64;
}

/// Goes on to the leaf, and panics after it where it was told to.
struct Climber {
    panics: bool,
}

impl Step for Climber {
    fn take(&self, value: u64) -> u64 {
        let reached = reach(value); // STACK: Climber::take calls reach
        assert!(!self.panics, "as asked");
        reached
    }
}

/// Another step, so that the call of a step has to ask the object.
struct Sleeper;

impl Step for Sleeper {
    fn take(&self, value: u64) -> u64 {
        value
    }
}

#[inline(always)]
fn reach(value: u64) -> u64 {
    leaf(value) ^ 1 // STACK: reach calls leaf
}

/// On one line: without a prologue, its first instruction is of every line.
#[inline(never)]
#[rustfmt::skip]
pub fn leaf(value: u64) -> u64 { black_box(value + 1) } // STACK: leaf entry

/// Compiled once for each type of number.
#[inline(never)]
fn visit<T: Into<u64>>(step: &dyn Step, value: T) -> u64 {
    step.take(value.into()) * 2 // STACK: visit calls take
}

/// Goes down twice: once into a panic, which is caught here and counts 1000, once without.
/// Returns 1000 + ((value + 1) ^ 1) * 2.
#[unsafe(no_mangle)]
pub extern "C" fn rustlib_work(value: u32) -> u64 {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| panic::set_hook(Box::new(|_| ())));

    let mut sum = visit(black_box(&Sleeper as &dyn Step), 0_u64);
    for panics in [true, false] {
        let climber = Climber { panics };
        let step = black_box(&climber as &(dyn Step + panic::RefUnwindSafe));
        let attempt = || visit(step, value); // STACK: the closure calls visit
        let result = panic::catch_unwind(attempt); // STACK: rustlib_work calls catch_unwind
        sum += result.unwrap_or(1000);
    }
    sum
}
