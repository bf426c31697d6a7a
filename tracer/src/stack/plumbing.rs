//! Runtime plumbing: the functions that are in a stack because two languages, or a thread and its
//! first function, meet there. Nobody wrote a call of them. Told by name and language, here only.

use super::StackFrame;
use crate::symbol::Language;

/// Go's functions in package `runtime` that switch stacks, pass calls between Go and C, pass
/// signals on, or are the bottom of a goroutine or of a thread. Go 1.21 to 1.27.
const GO_RUNTIME: &[&str] = &[
    "asmcgocall",
    "asmcgocall_landingpad",
    "asmcgocall_no_g",
    "cgocall",
    "cgocallback",
    "cgocallbackg",
    "cgocallbackg1",
    "doInit",
    "doInit1",
    "goexit",
    "main",
    "mcall",
    "morestack",
    "morestack_noctxt",
    "mstart",
    "mstart0",
    "mstart1",
    "rt0_go",
    "sigfwd",
    "sigfwdgo",
    "sigreturn__sigaction",
    "sigtramp",
    "sigtrampgo",
    "systemstack",
    "systemstack_switch",
];

/// The bottoms of threads and processes in glibc and musl, by names that are reserved.
const RESERVED: &[&str] =
    &["_start", "__libc_start_call_main", "__libc_start_main", "__libc_start_main_impl"];

/// The same, by names that a program may use itself: only in libc's own file.
const IN_LIBC: &[&str] = &["start_thread", "clone", "clone3", "__clone", "__clone3"];

/// What Rust's standard library puts below `main` and below a thread's closure.
const RUST_STD: &[&str] = &[
    "std::rt::lang_start",
    "std::sys::backtrace::__rust_begin_short_backtrace",
    "std::sys_common::backtrace::__rust_begin_short_backtrace",
    "std::thread::Builder::spawn_unchecked",
    "std::thread::lifecycle::spawn_unchecked",
    "std::panicking::try",
    "std::panicking::catch_unwind",
    "std::panic::catch_unwind",
    "__rust_try",
];

impl StackFrame {
    /// Whether this frame is runtime plumbing. A frame without a name is not.
    #[must_use]
    pub fn is_plumbing(&self) -> bool {
        let Some(function) = self.function.as_deref() else { return false };
        match self.language {
            Language::Go => is_go_plumbing(function),
            Language::Rust => is_rust_plumbing(function),
            Language::C | Language::Cpp | Language::Asm | Language::Unknown => {
                is_go_plumbing(function) || self.is_native_plumbing(function)
            }
        }
    }

    fn is_native_plumbing(&self, function: &str) -> bool {
        // cgo's stub of a C function: `_cgo_0123456789ab_Cfunc_name`.
        let is_stub = function.starts_with("_cgo_") && function.contains("_Cfunc_");
        is_stub
            || function.starts_with("x_cgo_")
            || RESERVED.contains(&function)
            || (IN_LIBC.contains(&function) && self.is_in_libc())
    }

    fn is_in_libc(&self) -> bool {
        let name = self.module.as_ref().and_then(|module| module.path.file_name());
        let name = name.map(std::ffi::OsStr::as_encoded_bytes).unwrap_or_default();
        [b"libc." as &[u8], b"libc-", b"libpthread", b"ld-musl"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
    }
}

/// Go's names hold a dot behind the package, C's hold none: they cannot be mistaken.
fn is_go_plumbing(function: &str) -> bool {
    if matches!(function, "crosscall2" | "crosscall1") {
        return true;
    }
    let function = function.strip_suffix(".abi0").unwrap_or(function);
    if let Some(name) = function.strip_prefix("runtime.") {
        return GO_RUNTIME.contains(&name);
    }
    // `pkg._Cfunc_name` calls a C function; `_cgoexp_0123456789ab_name` is called by one.
    let name = function.rsplit('.').next().unwrap_or(function);
    let is_call = name.len() < function.len()
        && ["_Cfunc_", "_C2func_"].iter().any(|prefix| name.starts_with(prefix));
    is_call || function.starts_with("_cgoexp_")
}

fn is_rust_plumbing(function: &str) -> bool {
    let is_thread_start = function.starts_with("std::sys::") && function.ends_with("thread_start");
    is_thread_start || RUST_STD.iter().any(|name| function.starts_with(name))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::address::RuntimeAddress;
    use crate::object::ModuleIdentity;

    fn is_plumbing(language: Language, function: &str, module: &str) -> bool {
        let frame = StackFrame {
            function: Some(function.to_owned()),
            symbol: None,
            language,
            file: None,
            line: None,
            inlined: false,
            module: Some(Arc::new(ModuleIdentity { path: module.into(), build_id: None })),
            address: RuntimeAddress(1),
            offset: None,
            exact: false,
        };
        frame.is_plumbing()
    }

    #[test]
    fn what_nobody_called_is_plumbing() {
        use Language::{Asm, C, Go, Rust, Unknown};
        for (language, function) in [
            (Go, "runtime.asmcgocall"),
            (Go, "runtime.asmcgocall.abi0"),
            (Go, "runtime.cgocallbackg1"),
            (Go, "runtime.main"),
            (Asm, "runtime.goexit"),
            (Unknown, "runtime.goexit"),
            (Go, "example.com/a.b/animals._Cfunc_animal_print"),
            (Go, "main._C2func_open"),
            (Go, "_cgoexp_0123456789ab_goMid"),
            (Asm, "crosscall2"),
            (Go, "crosscall2"),
            (C, "_cgo_0123456789ab_Cfunc_animal_print"),
            (C, "_start"),
            (Rust, "std::rt::lang_start::{{closure}}"),
            (Rust, "std::sys::thread::unix::Thread::new::thread_start"),
        ] {
            assert!(is_plumbing(language, function, "/srv/app"), "{function}");
        }
        assert!(is_plumbing(C, "start_thread", "/usr/lib/libc.so.6"));
    }

    #[test]
    fn what_somebody_wrote_is_not() {
        use Language::{C, Go, Rust};
        for (language, function) in [
            (Go, "main.main"),
            (Go, "runtime.mallocgc"),
            (Go, "runtime.newm"),
            (Go, "example.com/runtime.main"),
            (Go, "main._Cfunction"),
            (C, "main"),
            (C, "goexit"),
            (C, "start_thread"),
            (C, "_Cfunc_of_mine"),
            (Rust, "app::std::rt::lang_start"),
            (Rust, "runtime.main"),
        ] {
            assert!(!is_plumbing(language, function, "/srv/app"), "{function}");
        }
    }
}
