//! The prompt on a real pseudo-terminal: `script` (util-linux) makes one and runs the example in it.
#![expect(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// The longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// A shell line on a terminal, ended when the test ends.
struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    fn run(line: &str) -> Self {
        let mut child = Command::new("script")
            .args(["-qefc", line, "/dev/null"])
            .env("TERM", "xterm")
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script, of util-linux, is installed");
        let keys = child.stdin.take().unwrap();
        let mut out = child.stdout.take().unwrap();
        let (send, screen) = sync_channel(1024);
        // Ends with the child's output.
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(n @ 1..) = out.read(&mut chunk) {
                if send.send(chunk[..n].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, keys, screen, seen: String::new() }
    }

    fn keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits until `text` is on the screen, and gives what came before it.
    fn until(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.seen.find(text) {
                let rest = self.seen.split_off(at + text.len());
                return std::mem::replace(&mut self.seen, rest);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.screen.recv_timeout(left) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(why) => panic!("{why} while waiting for {text:?}, after {:?}", self.seen),
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn example() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let example = test.parent().and_then(Path::parent).unwrap().join("examples/prompt");
    assert!(example.exists(), "build it first: cargo build -p nova-adapters --examples");
    example
}

#[test]
fn keys_history_completion_and_signals() {
    let folder = tempfile::tempdir().unwrap();
    let history = folder.path().join("history");
    let line = format!("{} {}", example().display(), history.display());
    let mut terminal = Terminal::run(&line);
    terminal.until("nova> ");

    terminal.keys("he\tvm\r");
    terminal.until(r#"got Line("health vm")"#);
    terminal.until("nova> ");
    // Two lines in one go: the second is kept for the next prompt.
    terminal.keys("one\rtwo\r");
    terminal.until(r#"got Line("one")"#);
    terminal.until(r#"got Line("two")"#);
    terminal.until("nova> ");
    terminal.keys(" secret\r");
    terminal.until(r#"got Line(" secret")"#);
    terminal.until("nova> ");
    // The last line but the secret one.
    terminal.keys("\x1b[A\r");
    terminal.until(r#"got Line("two")"#);
    terminal.until("nova> ");
    // A paste of several lines is not run.
    terminal.keys("\x1b[200~a\nb\x1b[201~\r");
    terminal.until("got ManyLines(2)");
    terminal.until("nova> ");

    terminal.keys("half a line\x03");
    terminal.until("got Cancel");
    terminal.until("nova> ");
    terminal.keys("wait\r");
    terminal.until("\nwaiting");
    terminal.keys("\x03");
    terminal.until("interrupted");
    terminal.until("nova> ");
    terminal.keys("ask\r");
    terminal.until("Sure? [y/N] ");
    terminal.keys("y\r");
    terminal.until("yes: true");
    terminal.until("nova> ");
    terminal.keys("token\r");
    terminal.until("Token: ");
    terminal.keys("hunter2\r");
    let shown = terminal.until("7 characters");
    assert!(shown.contains("*******") && !shown.contains("hunter"), "{shown:?}");
    terminal.until("nova> ");
    terminal.keys("\x04");
    terminal.until("end");
    assert_eq!(
        std::fs::read_to_string(&history).unwrap(),
        "#V2\nhealth vm\none\ntwo\nwait\nask\ntoken\n"
    );
}

#[test]
fn the_terminal_is_put_back_when_the_process_is_told_to_end() {
    let mut terminal = Terminal::run(&format!("{}; stty -a", example().display()));
    terminal.until("process ");
    let process = terminal.until("\r\n").trim().to_owned();
    terminal.until("nova> ");
    terminal.keys("half a line");
    terminal.until("half a line");
    let told = Command::new("/bin/sh").args(["-c", &format!("kill -TERM {process}")]).status();
    assert!(told.unwrap().success());
    terminal.until("terminated");
    let settings = terminal.until("extproc");
    for on in ["icanon", "isig", "echo", "icrnl"] {
        assert!(settings.split_whitespace().any(|word| word == on), "{on} in {settings}");
    }
}
