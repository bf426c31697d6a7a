//! The system and the rights, as files of /proc and /sys tell them: no right is needed to read.

use std::path::Path;

use super::{Area, State};

/// Capabilities by their bit (include/uapi/linux/capability.h), those that tracing is about.
const SYS_PTRACE: u32 = 19;
const SYS_ADMIN: u32 = 21;
const PERFMON: u32 = 38;
const BPF: u32 = 39;

/// The initial PID namespace has this inode number (include/linux/proc_ns.h: `PROC_PID_INIT_INO`).
const INITIAL_PID_NAMESPACE: &str = "pid:[4026531836]";

/// The least release that has every helper, and the oldest that tests run on.
const LEAST_RELEASE: (u32, u32) = (5, 17);
const TESTED_RELEASE: (u32, u32) = (6, 1);

const RIGHTS: &str = "run as root, or give cgotrace CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE; in a \
                      container, start it privileged or with these added";

/// What was read. A file that cannot be read leaves a `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) release: String,
    pub(super) has_btf: bool,
    pub(super) has_uprobes: bool,
    pub(super) effective_user: Option<u32>,
    /// The bits of `CapEff`.
    pub(super) capabilities: Option<u64>,
    /// Whether system calls are filtered (`Seccomp`).
    pub(super) is_filtered: bool,
    pub(super) perf_event_paranoid: Option<i64>,
    pub(super) unprivileged_bpf_disabled: Option<i64>,
    /// `[none] integrity confidentiality`: the one in brackets holds.
    pub(super) lockdown: Option<String>,
    pub(super) pid_namespace: Option<String>,
    /// Bytes of memory that may be locked; `None` for no limit.
    pub(super) locked_memory: Option<u64>,
}

impl Facts {
    /// Reads what lies below `root`: `/`, or what a test has made up.
    pub(super) fn gather(root: &Path) -> Self {
        let read = |path: &str| std::fs::read_to_string(root.join(path)).ok();
        let number = |path| read(path).and_then(|text| text.trim().parse().ok());
        let status = read("proc/self/status").unwrap_or_default();
        let field = |name: &str| {
            let mut lines = status.lines();
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
        };
        let limits = read("proc/self/limits").unwrap_or_default();
        let locked = limits.lines().find_map(|line| line.strip_prefix("Max locked memory"));
        Self {
            release: read("proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            has_btf: root.join("sys/kernel/btf/vmlinux").exists(),
            has_uprobes: root.join("sys/bus/event_source/devices/uprobe").exists(),
            effective_user: field("Uid")
                .and_then(|ids| ids.split_whitespace().nth(1))
                .and_then(|id| id.parse().ok()),
            capabilities: field("CapEff").and_then(|bits| u64::from_str_radix(bits, 16).ok()),
            is_filtered: field("Seccomp") == Some("2"),
            perf_event_paranoid: number("proc/sys/kernel/perf_event_paranoid"),
            unprivileged_bpf_disabled: number("proc/sys/kernel/unprivileged_bpf_disabled"),
            lockdown: read("sys/kernel/security/lockdown").map(|text| text.trim().to_owned()),
            pid_namespace: std::fs::read_link(root.join("proc/self/ns/pid"))
                .ok()
                .map(|link| link.to_string_lossy().into_owned()),
            locked_memory: locked
                .and_then(|line| line.split_whitespace().next())
                .and_then(|soft| soft.parse().ok()),
        }
    }

    /// What the kernel was built with, and how it is set.
    pub(super) fn judge_system(&self, area: &mut Area) {
        let release = if self.release.is_empty() { "unknown" } else { &self.release };
        match version(&self.release) {
            None => {
                let next = "mount /proc, and see what `uname -r` says: 5.17 or later is needed";
                area.unknown("release", format!("Linux {release}"), next);
            }
            Some(version) if version < LEAST_RELEASE => {
                let next = "use Linux 5.17 or later: it has the BPF helpers bpf_loop and find_vma";
                area.problem("release", format!("Linux {release}"), next);
            }
            Some(version) if version < TESTED_RELEASE => {
                let next = "report what fails: the oldest kernel that tests run on is 6.1";
                area.note("release", format!("Linux {release}"), next);
            }
            Some(_) => area.ok("release", format!("Linux {release}")),
        }
        if self.has_btf {
            area.ok("type information", "/sys/kernel/btf/vmlinux");
        } else {
            let next = "use a kernel built with CONFIG_DEBUG_INFO_BTF, and mount /sys";
            area.problem("type information", "there is no /sys/kernel/btf/vmlinux", next);
        }
        if self.has_uprobes {
            area.ok("uprobes", "yes");
        } else {
            let next = "use a kernel built with CONFIG_UPROBE_EVENTS, and mount /sys";
            area.problem("uprobes", "there is no event source for uprobes", next);
        }
        match lockdown_mode(self.lockdown.as_deref()) {
            None => area.ok("lockdown", "not built in, or /sys/kernel/security is not mounted"),
            Some("confidentiality") => {
                let next = "boot without lockdown=confidentiality: it forbids BPF programs to read \
                            memory";
                area.problem("lockdown", "confidentiality", next);
            }
            Some(mode) => area.ok("lockdown", mode),
        }
        match self.pid_namespace.as_deref() {
            Some(INITIAL_PID_NAMESPACE) => area.ok("PID namespace", "the initial one"),
            Some(_) => {
                let next = "run in the host's PID namespace (docker run --pid=host) to see other \
                            containers' processes; here they have no numbers";
                area.note("PID namespace", "not the initial one", next);
            }
            None => {
                let next = "mount /proc: processes are found there";
                area.problem("PID namespace", "/proc/self/ns/pid cannot be read", next);
            }
        }
    }

    /// What this process may do.
    pub(super) fn judge_rights(&self, area: &mut Area) {
        match self.effective_user {
            Some(0) => area.ok("user", "root"),
            Some(user) => area.ok("user", format!("user {user}, not root")),
            None => area.unknown("user", "/proc/self/status cannot be read", "mount /proc"),
        }
        match self.capabilities {
            None => {
                area.unknown("capabilities", "/proc/self/status cannot be read", "mount /proc");
            }
            Some(bits) => {
                let has = |bit: u32| bits >> bit & 1 == 1;
                // CAP_SYS_ADMIN holds what CAP_BPF and CAP_PERFMON were split from.
                let missing: Vec<_> = [
                    ("CAP_BPF", has(BPF) || has(SYS_ADMIN)),
                    ("CAP_PERFMON", has(PERFMON) || has(SYS_ADMIN)),
                    ("CAP_SYS_PTRACE", has(SYS_PTRACE)),
                ]
                .into_iter()
                .filter_map(|(name, has)| (!has).then_some(name))
                .collect();
                if missing.is_empty() {
                    area.ok("capabilities", "all that are needed");
                } else {
                    area.problem("capabilities", format!("no {}", missing.join(", ")), RIGHTS);
                }
            }
        }
        if self.is_filtered {
            let next = "if loading fails, start the container without its seccomp filter";
            area.note("seccomp", "system calls are filtered", next);
        } else {
            area.ok("seccomp", "no filter");
        }
        // With the capabilities these forbid nothing; they tell why it fails without.
        let level = |value: Option<i64>| value.map_or("unknown".to_owned(), |it| it.to_string());
        area.ok("perf_event_paranoid", level(self.perf_event_paranoid));
        area.ok("unprivileged_bpf_disabled", level(self.unprivileged_bpf_disabled));
        // From Linux 5.11 on, memory of BPF counts for the cgroup, not as locked.
        let locked = self.locked_memory.map_or("unlimited".to_owned(), |it| format!("{it} bytes"));
        area.add(State::Ok, "locked memory", format!("{locked}; does not limit BPF since 5.11"));
    }
}

/// The numbers that a release begins with.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|character: char| !character.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn lockdown_mode(text: Option<&str>) -> Option<&str> {
    Some(text?.split_once('[')?.1.split_once(']')?.0)
}
