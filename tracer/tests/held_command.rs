//! The command of `run`: held before its first instruction, then released, or never run.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::sync::Mutex;
use tracer::process::{CommandError, FileIdentity, HeldCommand, Process};

/// The program that holds.
const HOLDER: &str = env!("CARGO_BIN_EXE_cgotrace");

fn spawn(file: &Path, arguments: &[&str]) -> HeldCommand {
    let arguments: Vec<_> = arguments.iter().map(OsString::from).collect();
    HeldCommand::spawn(HOLDER.as_ref(), file, "as typed".as_ref(), &arguments).unwrap()
}

/// A shell that runs `script` with `$0` being the folder.
fn shell(script: &str, folder: &TempDir) -> HeldCommand {
    spawn(Path::new("/bin/sh"), &["-c", script, folder.path().to_str().unwrap()])
}

/// One test at a time: a process that is started meanwhile would inherit the socket.
static ALONE: Mutex<()> = Mutex::const_new(());

fn program(folder: &TempDir, content: &str) -> PathBuf {
    let path = folder.path().join("program");
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[tokio::test]
async fn nothing_runs_before_the_release() {
    let _alone = ALONE.lock().await;
    let folder = TempDir::new().unwrap();
    let mut command = shell("echo $$ > $0/ran", &folder);
    std::thread::sleep(Duration::from_millis(100));
    let held = Process::inspect(command.pid()).unwrap();
    assert_eq!(held.program, FileIdentity::of(HOLDER.as_ref()).unwrap());
    assert!(!folder.path().join("ran").exists());
    command.release().await.unwrap();
    assert!(command.wait().await.unwrap().success());
    let ran = fs::read_to_string(folder.path().join("ran")).unwrap();
    assert_eq!(ran.trim(), command.pid().to_string());
}

#[tokio::test]
async fn once_released_it_is_the_command() {
    let _alone = ALONE.lock().await;
    let folder = TempDir::new().unwrap();
    let mut command = shell("while [ ! -e $0/end ]; do sleep 0.01; done; exit 3", &folder);
    command.release().await.unwrap();
    // No waiting: the release returns after the exec.
    let running = Process::inspect(command.pid()).unwrap();
    assert_eq!(running.program, FileIdentity::of("/bin/sh".as_ref()).unwrap());
    fs::write(folder.path().join("end"), "").unwrap();
    assert_eq!(command.wait().await.unwrap().code(), Some(3));
}

#[tokio::test]
async fn the_command_gets_what_a_shell_would_give_it() {
    let _alone = ALONE.lock().await;
    let folder = TempDir::new().unwrap();
    let script = "tr '\\0' ' ' < /proc/$$/cmdline > $0/line
        ls /proc/$$/fd > $0/descriptors
        grep -E 'SigBlk|SigIgn' /proc/self/status > $0/signals";
    let mut command = shell(script, &folder);
    command.release().await.unwrap();
    assert!(command.wait().await.unwrap().success());
    let read = |name| fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(read("line").starts_with("as typed -c tr "), "{}", read("line"));
    // What the redirections of the script open is 3 or 10 and up, by shell; the socket would stay.
    let descriptors = read("descriptors");
    let own: Vec<&str> = descriptors.lines().filter(|fd| fd.len() == 1).collect();
    assert_eq!(own, ["0", "1", "2"]);
    // Rust programs ignore SIGPIPE (bit 12); what they start must not.
    for line in read("signals").lines() {
        let mask = u64::from_str_radix(line.split_whitespace().nth(1).unwrap(), 16).unwrap();
        assert_eq!(mask & (1 << 12), 0, "{line}");
    }
}

#[tokio::test]
async fn an_abandoned_command_never_runs() {
    let _alone = ALONE.lock().await;
    let folder = TempDir::new().unwrap();
    let command = shell("touch $0/ran", &folder);
    let pid = command.pid();
    command.abandon().await.unwrap();
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
    assert!(!folder.path().join("ran").exists());
}

#[tokio::test]
async fn a_dropped_command_never_runs() {
    let _alone = ALONE.lock().await;
    let folder = TempDir::new().unwrap();
    let command = shell("touch $0/ran", &folder);
    let pid = command.pid();
    drop(command);
    let deadline = Instant::now() + Duration::from_secs(10);
    while Process::inspect(pid).is_ok() {
        assert!(Instant::now() < deadline, "it still waits");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!folder.path().join("ran").exists());
}

#[tokio::test]
async fn a_signal_is_in_the_status() {
    let _alone = ALONE.lock().await;
    let folder = TempDir::new().unwrap();
    let mut command = shell("kill -SEGV $$", &folder);
    command.release().await.unwrap();
    assert_eq!(command.wait().await.unwrap().signal(), Some(11));
}

#[tokio::test]
async fn what_the_kernel_refuses_is_told() {
    let _alone = ALONE.lock().await;
    let folder = TempDir::new().unwrap();
    let missing = spawn(&folder.path().join("none"), &[]);
    let interpreter = spawn(&program(&folder, "#!/none/interpreter\n"), &[]);
    for (mut command, words) in [(missing, "no such program"), (interpreter, "interpreter")] {
        let error = command.release().await.unwrap_err();
        assert_eq!(error.exit_status(), 127);
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(command.wait().await.unwrap().code(), Some(125));
    }
    // A program that is being written to.
    let busy = folder.path().join("busy");
    fs::copy("/bin/true", &busy).unwrap();
    let _writer = fs::OpenOptions::new().write(true).open(&busy).unwrap();
    let error = spawn(&busy, &[]).release().await.unwrap_err();
    assert!(matches!(error, CommandError::NotExecutable { .. }), "{error:?}");
    assert_eq!(error.exit_status(), 126);
}

#[tokio::test]
async fn a_command_that_was_killed_while_it_waited() {
    let _alone = ALONE.lock().await;
    let folder = TempDir::new().unwrap();
    let mut command = shell("touch $0/ran", &folder);
    let pid = rustix::process::Pid::from_raw(command.pid().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    assert_eq!(command.wait().await.unwrap().signal(), Some(9));
    let error = command.release().await.unwrap_err();
    assert!(matches!(error, CommandError::Killed { .. }), "{error:?}");
    assert!(!folder.path().join("ran").exists());
}

#[tokio::test]
async fn no_holder_no_process() {
    let _alone = ALONE.lock().await;
    let error = HeldCommand::spawn("/none".as_ref(), "/bin/true".as_ref(), OsStr::new("true"), &[]);
    assert_eq!(error.unwrap_err().exit_status(), 125);
}
