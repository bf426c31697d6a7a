use std::process::{Child, Command, Stdio};

use super::*;

/// Ends the child with the test.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A process that waits for ever, from a copy of `cat` of its own, so nothing else runs it.
fn waiting(folder: &Path) -> (PathBuf, Guard) {
    let binary = folder.join("waits here");
    std::fs::copy("/bin/cat", &binary).unwrap();
    let child = Command::new(&binary).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    (binary, Guard(child))
}

#[test]
fn finds_who_runs_a_binary_by_any_path() {
    let folder = tempfile::tempdir().unwrap();
    let (binary, child) = waiting(folder.path());
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&binary, &link).unwrap();
    assert_eq!(running(FileIdentity::of(&link).unwrap()).unwrap(), [child.0.id()]);
    let other = folder.path().join("other");
    std::fs::copy("/bin/cat", &other).unwrap();
    assert_eq!(running(FileIdentity::of(&other).unwrap()).unwrap(), Vec::<u32>::new());
}

#[test]
fn a_replaced_file_is_another_file() {
    let folder = tempfile::tempdir().unwrap();
    let (binary, child) = waiting(folder.path());
    let old = FileIdentity::of(&binary).unwrap();
    std::fs::remove_file(&binary).unwrap();
    let process = Process::inspect(child.0.id()).unwrap();
    assert_eq!((process.program, &process.executable), (old, &binary));
    std::fs::copy("/bin/ls", &binary).unwrap();
    assert_ne!(FileIdentity::of(&binary).unwrap(), old);
}

#[test]
fn tells_what_a_process_runs() {
    let folder = tempfile::tempdir().unwrap();
    let (binary, child) = waiting(folder.path());
    let expected = Process {
        pid: child.0.id(),
        executable: binary.canonicalize().unwrap(),
        program: FileIdentity::of(&binary).unwrap(),
        comm: b"waits here".to_vec(),
    };
    assert_eq!(Process::inspect(child.0.id()).unwrap(), expected);
}

#[test]
fn a_process_that_is_gone() {
    let mut child = Command::new("true").spawn().unwrap();
    let pid = child.id();
    child.wait().unwrap();
    assert!(matches!(Process::inspect(pid), Err(ProcessError::Gone { pid: gone }) if gone == pid));
}

#[test]
fn a_process_that_nobody_collected() {
    let mut child = Command::new("true").stdout(Stdio::piped()).spawn().unwrap();
    let pid = child.id();
    // Its output ends when it does; the state follows soon.
    std::io::copy(child.stdout.as_mut().unwrap(), &mut std::io::sink()).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    loop {
        match Process::inspect(pid) {
            Err(ProcessError::Zombie { pid: ended }) if ended == pid => break,
            other => assert!(std::time::Instant::now() < deadline, "{other:?}"),
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.wait().unwrap();
}

#[test]
fn a_thread_is_no_process() {
    let (tell, told) = std::sync::mpsc::channel();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        tell.send(rustix::thread::gettid().as_raw_nonzero().get()).unwrap();
        let _ = ended.recv();
    });
    let tid = u32::try_from(told.recv().unwrap()).unwrap();
    let own = std::process::id();
    let result = Process::inspect(tid);
    drop(end);
    thread.join().unwrap();
    let error = result.unwrap_err();
    assert!(matches!(error, ProcessError::Thread { pid, .. } if pid == own), "{error:?}");
    assert!(error.to_string().ends_with(&format!("use -p {own}")), "{error}");
}

#[test]
fn a_status_text_is_read() {
    let status = |text: &str| Status::parse(text.as_bytes());
    let expected = Status { tgid: Some(7), ended: false, kernel: false };
    assert_eq!(status("Name:\ta\nState:\tS (sleeping)\nTgid:\t7\nVmSize:\t 1 kB\n"), expected);
    let expected = Status { tgid: Some(2), ended: false, kernel: true };
    assert_eq!(status("Name:\tkthreadd\nState:\tS (sleeping)\nTgid:\t2\n"), expected);
    assert!(status("State:\tZ (zombie)\nTgid:\t7\n").ended);
    // A name cannot forge a line: the kernel escapes its line feeds.
    assert_eq!(status("Name:\tState: Z\\nTgid: 9\nTgid:\t7\nVmSize:\t1 kB").tgid, Some(7));
}
