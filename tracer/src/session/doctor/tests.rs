//! Judgements of systems that are made up.

use std::fs;

use tempfile::TempDir;

use super::system::Facts;
use super::*;

/// A root with these files; a link where the text begins with `->`.
fn root(files: &[(&str, &str)]) -> TempDir {
    let root = TempDir::new().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match text.strip_prefix("->") {
            Some(target) => std::os::unix::fs::symlink(target, path).unwrap(),
            None => fs::write(path, text).unwrap(),
        }
    }
    root
}

/// Everything that was judged, as lines: state, name, what was found, what to do.
fn judged(root: &TempDir) -> (String, bool) {
    let facts = Facts::gather(root.path());
    let (mut system, mut rights) = (Area::new("system"), Area::new("rights"));
    facts.judge_system(&mut system);
    facts.judge_rights(&mut rights);
    let report = Report { checks: [system.checks, rights.checks].concat() };
    let lines = report.checks.iter().map(|check| {
        let next = check.next_step.as_deref().map_or(String::new(), |next| format!(" > {next}"));
        format!("{} {}: {}{next}\n", check.state.name(), check.name, check.found)
    });
    (lines.collect(), report.is_possible())
}

const STATUS_OF_ROOT: &str = "Name:\tcgotrace\nUid:\t0\t0\t0\t0\nCapInh:\t0000000000000000\n\
                              CapEff:\t000001ffffffffff\nSeccomp:\t0\n";
const LIMITS: &str = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max locked memory         8388608              8388608              bytes\n";

#[test]
fn a_system_that_can_trace() {
    let root = root(&[
        ("proc/sys/kernel/osrelease", "6.12.9-amd64\n"),
        ("proc/sys/kernel/perf_event_paranoid", "3\n"),
        ("proc/sys/kernel/unprivileged_bpf_disabled", "2\n"),
        ("proc/self/status", STATUS_OF_ROOT),
        ("proc/self/limits", LIMITS),
        ("proc/self/ns/pid", "->pid:[4026531836]"),
        ("sys/kernel/btf/vmlinux", ""),
        ("sys/bus/event_source/devices/uprobe/type", "9\n"),
        ("sys/kernel/security/lockdown", "[none] integrity confidentiality\n"),
    ]);
    let expected = "\
ok release: Linux 6.12.9-amd64
ok type information: /sys/kernel/btf/vmlinux
ok uprobes: yes
ok lockdown: none
ok PID namespace: the initial one
ok user: root
ok capabilities: all that are needed
ok seccomp: no filter
ok perf_event_paranoid: 3
ok unprivileged_bpf_disabled: 2
ok locked memory: 8388608 bytes; does not limit BPF since 5.11
";
    assert_eq!(judged(&root), (expected.to_owned(), true));
}

#[test]
fn a_container_on_an_old_kernel() {
    // CapEff of a container by default; CAP_SYS_PTRACE (bit 19) is added.
    let status = "Uid:\t1000\t1001\t1000\t1000\nCapEff:\t00000000a88c25fb\nSeccomp:\t2\n";
    let root = root(&[
        ("proc/sys/kernel/osrelease", "5.10.0-28-amd64\n"),
        ("proc/self/status", status),
        ("proc/self/limits", "Max locked memory         unlimited   unlimited   bytes\n"),
        ("proc/self/ns/pid", "->pid:[4026532281]"),
        ("sys/kernel/security/lockdown", "none integrity [confidentiality]\n"),
    ]);
    let expected = "\
problem release: Linux 5.10.0-28-amd64 > use Linux 5.17 or later: it has the BPF helpers bpf_loop \
and find_vma
problem type information: there is no /sys/kernel/btf/vmlinux > use a kernel built with \
CONFIG_DEBUG_INFO_BTF, and mount /sys
problem uprobes: there is no event source for uprobes > use a kernel built with \
CONFIG_UPROBE_EVENTS, and mount /sys
problem lockdown: confidentiality > boot without lockdown=confidentiality: it forbids BPF programs \
to read memory
note PID namespace: not the initial one > run in the host's PID namespace (docker run --pid=host) \
to see other containers' processes; here they have no numbers
ok user: user 1001, not root
problem capabilities: no CAP_BPF, CAP_PERFMON > run as root, or give cgotrace CAP_BPF, CAP_PERFMON \
and CAP_SYS_PTRACE; in a container, start it privileged or with these added
note seccomp: system calls are filtered > if loading fails, start the container without its \
seccomp filter
ok perf_event_paranoid: unknown
ok unprivileged_bpf_disabled: unknown
ok locked memory: unlimited; does not limit BPF since 5.11
";
    assert_eq!(judged(&root), (expected.to_owned(), false));
}

#[test]
fn single_capabilities_are_enough() {
    let with = |bits: u64| {
        let status = format!("Uid:\t7\t7\t7\t7\nCapEff:\t{bits:016x}\n");
        let (text, _) = judged(&root(&[("proc/self/status", &status)]));
        text.lines().find(|line| line.contains(" capabilities: ")).unwrap().to_owned()
    };
    let enough = "ok capabilities: all that are needed";
    assert_eq!(with(1 << 39 | 1 << 38 | 1 << 19), enough);
    assert_eq!(with(1 << 21 | 1 << 19), enough);
    assert!(with(1 << 39 | 1 << 38).contains("no CAP_SYS_PTRACE >"));
    assert!(with(1 << 38 | 1 << 19).contains("no CAP_BPF >"));
}

#[test]
fn nothing_to_read_is_not_taken_for_good() {
    let (text, possible) = judged(&root(&[]));
    assert!(!possible);
    for line in ["unknown release: ", "unknown user: ", "unknown capabilities: "] {
        assert!(text.contains(line), "{text}");
    }
}
