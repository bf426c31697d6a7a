//! Rows of Go functions, from their SP tables. Go: runtime/asm_amd64.s, runtime/sys_linux_amd64.s,
//! runtime/cgo/asm_amd64.s, internal/abi/funcid.go, 1.21 to 1.27.

use tracer_common::reason::{End, Reason};
use tracer_common::registers::{SAVED, index, stack};
use tracer_common::rule::{Rule, kind, saved};

use crate::object::go::{GoFunction, GoModule, GoVersion, flag};

use super::code::{self, Asmcgocall, Body};
use super::rows::Row;
use super::{signal, switch};

/// Rows of one Go module, by address.
#[derive(Debug, Default)]
pub(super) struct GoRows {
    /// Of Go functions alone: C functions among them have none here.
    pub(super) rows: Vec<Row>,
    /// Signal restorers: they hold over all else.
    pub(super) restorers: Vec<Row>,
}

/// The rows of all Go functions.
pub(super) fn rows(go: &GoModule) -> GoRows {
    let mut result = GoRows::default();
    let known = Known::of(go.version());
    for function in go.functions().filter(GoFunction::is_go) {
        let rows = &mut result.rows;
        match role(&function, &known) {
            Role::Plain => plain(&function, rows),
            Role::Injected => {
                let first = rows.len();
                plain(&function, rows);
                let frames = rows[first..].iter_mut().map(|row| &mut row.rule);
                frames.filter(|rule| rule.kind == kind::FRAME).for_each(|rule| rule.param = 1);
            }
            Role::End(end) => {
                rows.push(Row { start: function.entry, end: function.end, rule: Rule::end(end) });
            }
            Role::Border => code::border(&Body::of(&function), rows),
            Role::Switch => {
                let after = Rule::none(Reason::UnsupportedRule);
                let first = rows.len();
                switch::rows(&Body::of(&function), after, None, rows);
                // Only a callback comes from a goroutine and leads back to C.
                let is_callback = function.func_id() == CGOCALLBACK;
                let to = if is_callback { stack::THREAD } else { stack::GOROUTINE };
                let switches = rows[first..].iter_mut().map(|row| &mut row.rule);
                switches.filter(|rule| rule.kind == kind::SWITCH).for_each(|rule| rule.param = to);
            }
            Role::EndAfterSwitch => {
                switch::rows(&Body::of(&function), Rule::end(End::Runtime), None, rows);
            }
            Role::Asmcgocall => {
                let after = Rule::none(Reason::UnsupportedRule);
                let goid = known.goid_offset;
                switch::rows(&Body::of(&function), after, Some(Asmcgocall { goid }), rows);
            }
            Role::Restorer => {
                result.restorers.extend(signal::restorer(go.object(), function.entry));
            }
        }
    }
    result
}

/// What a function does to the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Its frame is what its SP table says.
    Plain,
    /// The same, but a signal handler made it look called: its return address is the instruction
    /// that was interrupted. `runtime.(*unwinder).next` knows the same functions.
    Injected,
    /// A bottom.
    End(End),
    /// C calls it, and it saves all callee-saved registers of C.
    Border,
    /// It leaves its stack, and its frame is found by RBP.
    Switch,
    /// It leaves its stack for good: what runs then has nothing below.
    EndAfterSwitch,
    /// It calls C on g0.
    Asmcgocall,
    /// The kernel makes signal handlers return to it.
    Restorer,
}

/// What the version tells: numbers of special functions, and offsets in the runtime's structures.
pub(super) struct Known {
    /// goexit, mcall, morestack, mstart, rt0_go.
    ids: Option<[u8; 5]>,
    /// sigpanic.
    sigpanic: Option<u8>,
    /// Of `goid` in `g`; 0 where not known.
    pub(super) goid_offset: i32,
    /// Of `curg` in `m`; 0 where not known.
    pub(super) curg_offset: u64,
}

/// `internal/abi.FuncID_asmcgocall`, the same in 1.21 to 1.27.
const ASMCGOCALL: u8 = 2;
/// `internal/abi.FuncID_cgocallback`, likewise.
const CGOCALLBACK: u8 = 4;

/// Whether this is the function that calls C, and not its wrapper of the same name.
pub(super) fn is_asmcgocall(function: &GoFunction<'_>) -> bool {
    function.is_go() && function.flags() & flag::ASM != 0 && function.func_id() == ASMCGOCALL
}

impl Known {
    pub(super) fn of(version: Option<GoVersion>) -> Self {
        let release = version.map(|version| (version.major, version.minor));
        let ids = match release {
            Some((1, 21)) => Some([7, 11, 12, 13, 15]),
            Some((1, 22..=27)) => Some([8, 12, 13, 14, 16]),
            _ => None,
        };
        let sigpanic = match release {
            Some((1, 21)) => Some(18),
            Some((1, 22..=24)) => Some(19),
            Some((1, 25..=27)) => Some(20),
            _ => None,
        };
        let goid_offset = match release {
            Some((1, 21 | 22 | 25 | 26 | 27)) => 152,
            Some((1, 23 | 24)) => 160,
            _ => 0,
        };
        let curg_offset = match release {
            Some((1, 21..=24)) => 192,
            Some((1, 25..=27)) => 184,
            _ => 0,
        };
        Self { ids, sigpanic, goid_offset, curg_offset }
    }
}

fn role(function: &GoFunction<'_>, known: &Known) -> Role {
    let flags = function.flags();
    let id = function.func_id();
    // All other special functions are written in assembly; wrappers of the same name are not.
    if flags & flag::ASM == 0 {
        let is_sigpanic = match known.sigpanic {
            Some(known) => id == known,
            None => id != 0 && function.name() == "runtime.sigpanic",
        };
        return if is_sigpanic { Role::Injected } else { Role::Plain };
    }
    if id == ASMCGOCALL {
        return Role::Asmcgocall;
    }
    let name = function.name();
    let which = match known.ids {
        Some(ids) => ids.iter().position(|known| *known == id),
        None => [
            "runtime.goexit",
            "runtime.mcall",
            "runtime.morestack",
            "runtime.mstart",
            "runtime.rt0_go",
        ]
        .iter()
        .position(|known| *known == name),
    };
    let top = flags & flag::TOP_FRAME != 0;
    match which {
        Some(0) if top => return Role::End(End::Goexit),
        Some(3 | 4) if top => return Role::End(End::Runtime),
        Some(1 | 2) => return Role::EndAfterSwitch,
        _ => {}
    }
    match name.as_str() {
        "crosscall2" | "runtime.sigtramp" | "runtime.sigprofNonGoWrapper" => Role::Border,
        "runtime.asyncPreempt" | "runtime.debugCallV2" => Role::Injected,
        "runtime.sigreturn__sigaction" => Role::Restorer,
        _ if flags & flag::SP_WRITE != 0 => Role::Switch,
        _ => Role::Plain,
    }
}

/// The rows of a function whose SP table is right everywhere.
fn plain(function: &GoFunction<'_>, rows: &mut Vec<Row>) {
    if !pushes_rbp(function) {
        code::border(&Body::of(function), rows);
        return;
    }
    for (range, depth) in function.pcsp().into_iter().flatten() {
        rows.push(Row {
            start: function.entry.plus(range.start.into()),
            end: function.entry.plus(range.end.into()),
            rule: by_depth(depth),
        });
    }
}

/// Whether the first bytes that `function` puts on its stack are those of `push rbp`. So it is in
/// all that the compiler makes, and in all assembly but what C calls.
fn pushes_rbp(function: &GoFunction<'_>) -> bool {
    const PUSH_RBP: u8 = 0x55;
    let Some((range, depth)) = function.pcsp().into_iter().flatten().find(|(_, depth)| *depth != 0)
    else {
        return true;
    };
    let before = usize::try_from(range.start).ok().and_then(|start| start.checked_sub(1));
    depth == 8 && before.and_then(|at| function.code()?.get(at)) == Some(&PUSH_RBP)
}

/// The rule where `depth` bytes lie between SP and the return address.
///
/// Every function with a frame starts with `push rbp`, so from depth 8 on RBP lies right below the
/// return address. Go has no other callee-saved registers: what C kept in them is lost.
pub(super) fn by_depth(depth: i32) -> Rule {
    let Some(offset) = depth.checked_add(8).filter(|_| depth >= 0 && depth % 8 == 0) else {
        return Rule::none(Reason::UnsupportedRule);
    };
    let rule = lose_all(Rule::frame(index::SP, offset));
    rule.with_saved(index::RBP, if depth == 0 { saved::SAME } else { RBP_BELOW })
}

/// RBP lies below the return address.
pub(super) const RBP_BELOW: u8 = match saved::below(2) {
    Some(how) => how,
    None => saved::LOST,
};

/// The rule with every callee-saved register lost.
pub(super) fn lose_all(mut rule: Rule) -> Rule {
    rule.saved = [saved::LOST; SAVED];
    rule
}
