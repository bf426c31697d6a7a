//! A program's descriptor as the kernel shows it.

use super::*;

#[test]
fn a_descriptor_is_read() {
    let text = "pos:\t0\nflags:\t02000002\nprog_type:\t2\nprog_id:\t138\nrun_time_ns:\t9924122\n\
                run_cnt:\t20000\nrecursion_misses:\t0\nverified_insns:\t35\n";
    let program = parse(text);
    assert_eq!((program.nanoseconds, program.runs, program.verified), (9_924_122, 20_000, 35));
    assert_eq!(program.nanoseconds_a_hit().round(), 496.0);
}

#[test]
fn what_an_older_kernel_lacks_is_zero() {
    assert_eq!(parse("prog_type:\t2\nrun_cnt:\t3\n").verified, 0);
}
