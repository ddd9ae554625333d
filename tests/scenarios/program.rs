//! The `nova` program as a person and a script run it: arguments, exit status, pipes, a terminal.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use nova_sandbox::World;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{stable, world};

/// A configuration file for a world, with a store of its own.
async fn installed(databases: bool) -> (World, TempDir) {
    let world = world(databases).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = world.config_toml(folder.path()).expect("the world describes itself");
    let store = folder.path().join("state/nova.db");
    let text = format!("{text}\n[store]\nurl = \"sqlite:{}\"\n", store.display());
    std::fs::write(folder.path().join("nova.toml"), text).expect("written");
    (world, folder)
}

fn nova(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nova"));
    command.env_clear().env("HOME", folder).env("LANG", "C.UTF-8");
    command.env("NOVA_CONFIG", folder.join("nova.toml"));
    command
}

/// Runs to the end without blocking the sandbox, which lives in this process.
async fn run(folder: &Path, args: &[&str]) -> Output {
    let mut command = nova(folder);
    command.args(args);
    finish(command, Vec::new()).await
}

async fn finish(mut command: Command, input: Vec<u8>) -> Output {
    let task = tokio::task::spawn_blocking(move || {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("nova starts");
        let mut stdin = child.stdin.take().expect("piped");
        let writer = std::thread::spawn(move || {
            // A program that ends early does not read it all.
            stdin.write_all(&input).ok();
        });
        let output = child.wait_with_output().expect("nova ends");
        writer.join().expect("the writer ends");
        output
    });
    task.await.expect("the run ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("nova writes text")
}

#[tokio::test]
async fn the_exit_status_tells_a_script() {
    let (world, folder) = installed(false).await;
    let well = run(folder.path(), &["run", "health", "vm-service"]).await;
    assert_eq!(well.status.code(), Some(0), "{}", text(&well.stderr));
    world.control("break vm-service").await.expect("broken");
    let broken = run(folder.path(), &["run", "health"]).await;
    assert_eq!(broken.status.code(), Some(1));
    assert!(text(&broken.stdout).starts_with("✗ NovaCron: 2 failing"));
    let wrong = run(folder.path(), &["run", "helth"]).await;
    assert_eq!(wrong.status.code(), Some(2));
    assert_eq!(text(&wrong.stdout), "✗ no command `helth`; did you mean `health`?\n");
}

#[tokio::test]
async fn json_carries_every_fact_with_its_source() {
    let (_world, folder) = installed(false).await;
    let output = run(folder.path(), &["run", "health", "vm-service", "--json"]).await;
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&answer["exit"], &answer["status"]), (&0.into(), &"ok".into()));
    let findings = answer["findings"].as_array().expect("a list");
    assert_eq!(findings.len(), 2);
    for finding in findings {
        assert_eq!(finding["subject"], "vm-service");
        assert!(finding["provenance"]["source"].as_str().is_some_and(|s| !s.is_empty()));
        assert!(finding["provenance"]["at"].as_str().is_some_and(|s| s.ends_with('Z')));
    }
    let wrong = run(folder.path(), &["run", "--json", "health", "nothing"]).await;
    let wrong: Value = serde_json::from_slice(&wrong.stdout).expect("JSON");
    let error = wrong["error"].as_str().expect("a line");
    assert!(error.starts_with("no service `nothing`; there are api-gateway, "), "{error}");
}

#[tokio::test]
async fn the_catalogue_names_every_item_of_the_guide() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = run(folder.path(), &["catalogue", "--json"]).await;
    let rows: Vec<Value> = serde_json::from_slice(&output.stdout).expect("JSON");
    let items: std::collections::BTreeSet<&str> = rows
        .iter()
        .flat_map(|row| row["guide"].as_array().expect("a list"))
        .filter_map(Value::as_str)
        .collect();
    let wanted: Vec<String> = (1..=91).map(|n| format!("G{n:02}")).collect();
    assert_eq!(items.into_iter().collect::<Vec<_>>(), wanted);
    for row in &rows {
        let gated = row["kind"] == "remediation";
        for key in ["risk", "reversible", "needs"] {
            assert_eq!(row[key].is_null(), !gated, "{key} of {row}");
        }
        assert!(row["available"].is_boolean() && row["arguments"].is_array(), "{row}");
    }
    let available: Vec<&str> = rows
        .iter()
        .filter(|row| row["available"] == true)
        .filter_map(|row| row["name"].as_str())
        .collect();
    assert_eq!(
        available,
        [
            "cache latency",
            "capacity hpa",
            "capacity metrics",
            "capacity recommend",
            "capacity usage",
            "contacts",
            "db access-patterns",
            "db activity",
            "db integrity",
            "db slow-queries",
            "db status",
            "federation peers",
            "federation raft",
            "federation status",
            "frontend check",
            "health",
            "help",
            "home",
            "incident ack",
            "incident declare",
            "incident list",
            "incident note",
            "incident resolve",
            "incident show",
            "logs",
            "net clusters",
            "net dns",
            "net loss",
            "net services",
            "ping",
            "providers check",
            "providers credentials",
            "providers health",
            "recovery assess",
            "recovery plan",
            "rollout status",
            "security access-patterns",
            "security audit-log",
            "security auth-failures",
            "security rate-limit",
            "security token",
            "top nodes",
            "top pods",
            "whoami",
        ]
    );
}

#[tokio::test]
async fn a_piped_session_survives_hostile_lines() {
    let (world, folder) = installed(false).await;
    world.control("break vm-service").await.expect("broken");
    let mut command = nova(folder.path());
    command.arg("console");
    let mut input = b"whoami\n\xff\xfe\xfa\nhealth \0\n".to_vec();
    input.extend(vec![b'x'; 100 * 1024]);
    input.extend(b"\n/nova health vm-service\n1\n9\n\nfull\nhelth\n");
    let output = finish(command, input).await;
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    assert!(!shown.contains('\u{1b}'), "a pipe gets no escape codes");
    let user = std::env::var("USER").unwrap_or_else(|_| "root".to_owned());
    let shown = shown.replace(&format!("i {user} (console)"), "i USER (console)");
    stable(|| insta::assert_snapshot!(shown));
}

#[tokio::test]
async fn arguments_that_are_not_text_are_one_clear_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = nova(folder.path());
    command.args([OsStr::new("run"), OsStr::from_bytes(b"\xff\xfe")]);
    let output = finish(command, Vec::new()).await;
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stderr), "nova: argument 2 is not valid UTF-8\n");
}

#[tokio::test]
async fn a_configuration_with_mistakes_is_told_whole() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("nova.toml");
    std::fs::write(&file, "[store]\nulr = \"x\"\n[[services]]\nname = \"a b\"\n[sevices]\n")
        .expect("written");
    let output = run(folder.path(), &["check"]).await;
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr).replace(&file.display().to_string(), "nova.toml");
    insta::assert_snapshot!(told);
    let missing = run(folder.path(), &["check", "--config", "/no/such/nova.toml"]).await;
    assert_eq!(
        text(&missing.stderr),
        "nova: cannot read the configuration /no/such/nova.toml: no such file\n"
    );
}

#[tokio::test]
async fn check_names_everything_that_cannot_be_reached() {
    let (world, folder) = installed(true).await;
    let well = run(folder.path(), &["check"]).await;
    assert_eq!(well.status.code(), Some(0), "{}{}", text(&well.stdout), text(&well.stderr));
    for broken in ["redis", "us-east", "vm-service refused"] {
        world.control(&format!("break {broken}")).await.expect("broken");
    }
    let output = run(folder.path(), &["check"]).await;
    assert_eq!(output.status.code(), Some(1));
    let shown = text(&output.stdout);
    let shown: Vec<&str> = shown.lines().take_while(|line| !line.starts_with('─')).collect();
    stable(|| insta::assert_snapshot!(shown.join("\n")));
}

#[tokio::test]
async fn the_shipped_example_configuration_is_sound() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/nova.toml");
    nova::config::Config::load(Some(&example)).expect("every key of the example is known");
}

#[tokio::test]
async fn tampering_with_the_timeline_is_located() {
    let (_world, folder) = installed(false).await;
    for line in ["whoami", "help", "whoami"] {
        run(folder.path(), &["run", line]).await;
    }
    let intact = run(folder.path(), &["audit", "verify"]).await;
    assert_eq!(intact.status.code(), Some(0));
    assert!(text(&intact.stdout).starts_with("intact: 3 rows, head "));
    let url = format!("sqlite:{}", folder.path().join("state/nova.db").display());
    let pool = sqlx::SqlitePool::connect(&url).await.expect("the file opens");
    for statement in [
        "DROP TRIGGER timeline_no_update",
        "UPDATE timeline SET actor = 'somebody else' WHERE seq = 3",
    ] {
        sqlx::query(statement).execute(&pool).await.expect(statement);
    }
    pool.close().await;
    let broken = run(folder.path(), &["audit", "verify"]).await;
    assert_eq!(broken.status.code(), Some(1));
    assert!(text(&broken.stdout).starts_with("row 3: "), "{}", text(&broken.stdout));
}

/// `nova demo` in a real terminal, which util-linux's `script` provides.
#[tokio::test]
async fn the_demo_leads_to_a_prompt_and_shows_what_is_broken() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = env!("CARGO_BIN_EXE_nova");
    let mut command = Command::new("script");
    command.args(["-qefc", &format!("{program} demo"), "/dev/null"]);
    command
        .env("HOME", folder.path())
        .env("TERM", "xterm")
        .env("NO_COLOR", "1")
        .env("LANG", "C.UTF-8");
    let lines = "health\rsandbox break vm-service\rhealth\rexit\r";
    let output = finish(command, lines.as_bytes().to_vec()).await;
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{shown}");
    for awaited in ["nova> ", "NovaCron: ", "vm-service is unhealthy", "✗ vm-service", "503"] {
        assert!(shown.contains(awaited), "{awaited} is missing in:\n{shown}");
    }
}

#[tokio::test]
async fn a_secret_is_read_from_the_input_and_is_in_no_file() {
    const SECRET: &str = "plain-words-hunter2";
    let (_world, folder) = installed(false).await;
    let path = folder.path().join("nova.toml");
    let config = std::fs::read_to_string(&path).expect("it was written");
    std::fs::write(&path, config + "[console]\nroles = [\"security\"]\n").expect("written");
    let piped = async |args: &[&str], input: String| {
        let mut command = nova(folder.path());
        command.args(args);
        let output = finish(command, input.into_bytes()).await;
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    let one = piped(&["run", "security", "token"], format!("{SECRET}\n")).await;
    assert!(one.1.contains("Suspect token: 1 without data, 1 not available here"), "{}", one.1);
    let session = piped(&["console"], format!("security token\n{SECRET}\nwhoami\n")).await;
    assert!(session.1.contains("Suspect token") && session.1.contains("security"), "{}", session.1);
    let none = piped(&["run", "security", "token"], String::new()).await;
    assert_eq!(none, (Some(2), "nova: nothing was entered\n".to_owned()));
    let typed = piped(&["run", "security", "token", SECRET], String::new()).await;
    assert!(typed.1.contains("revoke it at once"), "{}", typed.1);
    let all = [one.1, session.1, none.1, typed.1].concat();
    assert!(!all.contains(SECRET), "{all}");
    let state = folder.path().join("state");
    for entry in std::fs::read_dir(state).expect("the store is there") {
        let bytes = std::fs::read(entry.expect("a file").path()).expect("it can be read");
        let found = bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
        assert!(!found, "the secret is in the store's file");
    }
}
