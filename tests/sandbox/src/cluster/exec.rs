//! `exec` over WebSocket: channels 0 stdin, 1 stdout, 2 stderr, 3 status, 4 resize, 255 close (v5).
//! The commands are the few that a small image has, and run here, never on the machine. Invariant:
//! the last frame is a status on channel 3. Called by the routes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::FromRequestParts;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::request::Parts;
use axum::response::Response;
use serde_json::{Value, json};

use super::fetch::{self, FetchError};
use super::image::{self, Way};
use super::json::{annotation, name};
use super::query::Query;
use super::state::Shared;
use super::status::Refusal;
use super::{logs, proxy};

/// How long curl and wget wait unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(30);

/// # Errors
/// 400 when the container is unclear or not running or the request is no WebSocket upgrade.
pub(crate) async fn serve(
    shared: &Arc<Shared>,
    pod: &Arc<Value>,
    query: &Query,
    parts: &mut Parts,
) -> Result<Response, Refusal> {
    let container = logs::container(pod, query.get("container"))?;
    let command: Vec<String> = query.all("command").map(str::to_owned).collect();
    if command.is_empty() {
        return Err(Refusal::bad_request("you must specify at least 1 command for the container"));
    }
    if !proxy::running(pod, &container) {
        return Err(Refusal::internal(&format!(
            "error executing command in container: container \"{container}\" of pod \"{}\" is not running",
            name(pod)
        )));
    }
    let upgrade = WebSocketUpgrade::from_request_parts(parts, &())
        .await
        .map_err(|_| Refusal::bad_request("Upgrade request required"))?;
    let session = Session {
        shared: Arc::clone(shared),
        pod: Arc::clone(pod),
        stdin: query.flag("stdin"),
        stdout: query.flag("stdout"),
        stderr: query.flag("stderr"),
    };
    Ok(upgrade
        .protocols(["v5.channel.k8s.io", "v4.channel.k8s.io"])
        .on_upgrade(move |socket| session.run(socket, command)))
}

struct Session {
    shared: Arc<Shared>,
    pod: Arc<Value>,
    stdin: bool,
    stdout: bool,
    stderr: bool,
}

/// What a command came to.
#[derive(Debug, Default)]
struct Ended {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    code: u8,
}

impl Ended {
    fn quiet(code: u8) -> Self {
        Ended { code, ..Ended::default() }
    }

    fn said(text: &str) -> Self {
        Ended { stdout: text.as_bytes().to_vec(), ..Ended::default() }
    }

    fn failed(code: u8, text: &str) -> Self {
        Ended { stderr: text.as_bytes().to_vec(), code, ..Ended::default() }
    }
}

/// A command line after its reading.
enum Task {
    Ended(Ended),
    /// Copy stdin to stdout until it is closed.
    Cat,
    Fetch(Fetch),
}

struct Fetch {
    wget: bool,
    fail: bool,
    silent: bool,
    /// What curl writes after the body, with `%{…}` in it.
    write: String,
    discard: bool,
    limit: Duration,
    host: String,
    port: u16,
    path: String,
    /// Only whether the port is open.
    connect: bool,
}

impl Session {
    async fn run(self, mut socket: WebSocket, command: Vec<String>) {
        let shared = Arc::clone(&self.shared);
        tokio::select! {
            () = shared.stopped() => {}
            // A client that went away has nothing to be told.
            _ = self.converse(&mut socket, &command) => {}
        }
    }

    async fn converse(
        &self,
        socket: &mut WebSocket,
        command: &[String],
    ) -> Result<(), axum::Error> {
        let ended = match self.read(command) {
            Task::Ended(ended) => ended,
            Task::Cat => self.cat(socket).await?,
            Task::Fetch(fetch) => self.fetch(fetch).await,
        };
        if self.stdout {
            send(socket, 1, &ended.stdout).await?;
        }
        if self.stderr {
            send(socket, 2, &ended.stderr).await?;
        }
        send(socket, 3, exit_status(ended.code).to_string().as_bytes()).await?;
        // kubectl takes a close without this code for a failure.
        let normal = CloseFrame { code: close_code::NORMAL, reason: "".into() };
        socket.send(Message::Close(Some(normal))).await
    }

    async fn cat(&self, socket: &mut WebSocket) -> Result<Ended, axum::Error> {
        if !self.stdin {
            return Ok(Ended::quiet(0));
        }
        while let Some(message) = socket.recv().await {
            match message? {
                Message::Binary(frame) => match frame.split_first() {
                    Some((0, data)) if self.stdout => send(socket, 1, data).await?,
                    // v5: "channel 0 is closed".
                    Some((255, [0, ..])) => break,
                    _ => {}
                },
                Message::Text(frame) => {
                    if let Some(data) = frame.strip_prefix('\0').filter(|_| self.stdout) {
                        send(socket, 1, data.as_bytes()).await?;
                    }
                }
                Message::Close(_) => break,
                Message::Ping(_) | Message::Pong(_) => {}
            }
        }
        Ok(Ended::quiet(0))
    }

    fn read(&self, command: &[String]) -> Task {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let (program, arguments) = words.split_first().unwrap_or((&"", &[]));
        if annotation(&self.pod, "sandbox.nova/scratch") == "true" {
            return Task::Ended(not_found(program));
        }
        let base = program
            .strip_prefix("/bin/")
            .or_else(|| program.strip_prefix("/usr/bin/"))
            .unwrap_or(program);
        if image::lacks(&self.pod, base) {
            return Task::Ended(not_found(program));
        }
        let said = self.shared.with(|state| {
            let deployment = proxy::workload_of(state, &self.pod)?;
            match (base, arguments) {
                ("tail", ["-c", bytes, path]) => {
                    let bytes = bytes.parse().ok()?;
                    state
                        .images
                        .tail(&deployment, path, bytes)
                        .map(|stdout| Ended { stdout, ..Ended::default() })
                }
                _ => state.images.run(&deployment, &words).map(|said| Ended {
                    stdout: said.stdout.into_bytes(),
                    stderr: said.stderr.into_bytes(),
                    code: said.code,
                }),
            }
        });
        if let Some(ended) = said {
            return Task::Ended(ended);
        }
        match (base, arguments) {
            ("tail", [.., file]) => Task::Ended(Ended::failed(
                1,
                &format!("tail: can't open '{file}': No such file or directory\ntail: no files\n"),
            )),
            ("nc", [flags @ .., host, port]) if flags.contains(&"-z") => match port.parse() {
                Ok(port) => Task::Fetch(Fetch { connect: true, ..Fetch::to(false, host, port) }),
                Err(_) => Task::Ended(Ended::failed(1, &format!("nc: bad port '{port}'\n"))),
            },
            ("echo", ["-n", rest @ ..]) => Task::Ended(Ended::said(&rest.join(" "))),
            ("echo", rest) => Task::Ended(Ended::said(&format!("{}\n", rest.join(" ")))),
            ("true", _) => Task::Ended(Ended::quiet(0)),
            ("false", _) => Task::Ended(Ended::quiet(1)),
            ("hostname", _) => Task::Ended(Ended::said(&format!("{}\n", name(&self.pod)))),
            ("cat", [] | ["-"]) => Task::Cat,
            ("cat", [file, ..]) => {
                Task::Ended(Ended::failed(1, &format!("cat: {file}: No such file or directory\n")))
            }
            ("sh" | "ash", ["-c", script]) => self.shell(script),
            ("sh" | "ash", _) => Task::Ended(Ended::quiet(0)),
            ("curl" | "wget", arguments) => fetch_of(base == "wget", arguments),
            _ => Task::Ended(not_found(program)),
        }
    }

    /// `exit N`, or one of the commands with words split at blanks.
    fn shell(&self, script: &str) -> Task {
        let words: Vec<String> =
            script.split_whitespace().map(|w| w.trim_matches(['"', '\'']).to_owned()).collect();
        match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [] => Task::Ended(Ended::quiet(0)),
            ["exit"] => Task::Ended(Ended::quiet(0)),
            ["exit", code] => Task::Ended(code.parse().map_or_else(
                |_| Ended::failed(2, &format!("sh: exit: Illegal number: {code}\n")),
                // A shell keeps the lowest eight bits.
                |code: u32| Ended::quiet(code.to_le_bytes()[0]),
            )),
            ["sh" | "ash", ..] => {
                Task::Ended(Ended::failed(2, "sh: nested shells are not available\n"))
            }
            [program, ..] => match self.read(&words) {
                Task::Ended(Ended { code: 127, .. }) => {
                    Task::Ended(Ended::failed(127, &format!("sh: 1: {program}: not found\n")))
                }
                task => task,
            },
        }
    }

    async fn fetch(&self, wanted: Fetch) -> Ended {
        let start = Instant::now();
        let way = self.shared.with(|state| image::way(state, &self.pod, &wanted.host, wanted.port));
        let outcome = match way {
            Way::To(url) => fetch::get(&url, &wanted.path, wanted.limit).await,
            Way::Refused => Err(FetchError::Refused),
            Way::UnknownHost => return wanted.unknown(start.elapsed()),
        };
        wanted.end(outcome, start.elapsed())
    }
}

impl Fetch {
    fn to(wget: bool, host: &str, port: u16) -> Self {
        Fetch {
            wget,
            fail: false,
            silent: false,
            write: String::new(),
            discard: false,
            limit: PATIENCE,
            host: host.to_owned(),
            port,
            path: String::new(),
            connect: false,
        }
    }

    /// What `--write-out` comes to (<https://curl.se/docs/manpage.html#-w>).
    fn written(&self, status: u16, connected: bool, took: Duration) -> String {
        let took = took.as_secs_f64();
        let reached = if connected { took / 2.0 } else { 0.0 };
        self.write
            .replace("%{http_code}", &format!("{status:03}"))
            .replace("%{time_namelookup}", &format!("{:.6}", reached / 2.0))
            .replace("%{time_connect}", &format!("{reached:.6}"))
            .replace("%{time_total}", &format!("{took:.6}"))
    }

    fn unknown(self, took: Duration) -> Ended {
        let host = &self.host;
        let (code, text) = match (self.connect, self.wget) {
            (true, _) => (1, format!("nc: bad address '{host}'")),
            (_, true) => (1, format!("wget: bad address '{host}'")),
            _ => (6, format!("curl: (6) Could not resolve host: {host}")),
        };
        let said = if self.silent && !self.wget { String::new() } else { format!("{text}\n") };
        Ended { stdout: self.written(0, false, took).into_bytes(), ..Ended::failed(code, &said) }
    }

    fn end(self, outcome: Result<fetch::Fetched, FetchError>, took: Duration) -> Ended {
        let (host, port) = (&self.host, self.port);
        if self.connect {
            return match outcome {
                Err(FetchError::Refused) => {
                    Ended::failed(1, &format!("nc: {host} ({host}:{port}): Connection refused\n"))
                }
                _ => Ended::failed(0, &format!("{host} ({host}:{port}) open\n")),
            };
        }
        let (code, message) = match outcome {
            Ok(fetched) if fetched.status >= 400 && self.wget => {
                (1, format!("wget: server returned error: HTTP/1.1 {}", fetched.status))
            }
            Ok(fetched) if fetched.status >= 400 && self.fail => {
                (22, format!("curl: (22) The requested URL returned error: {}", fetched.status))
            }
            Ok(fetched) => {
                let mut stdout = if self.discard { Vec::new() } else { fetched.body.to_vec() };
                stdout.extend_from_slice(self.written(fetched.status, true, took).as_bytes());
                return Ended { stdout, ..Ended::default() };
            }
            Err(FetchError::Refused) if self.wget => {
                (1, "wget: can't connect to remote host (127.0.0.1): Connection refused".to_owned())
            }
            Err(FetchError::TimedOut) if self.wget => (1, "wget: download timed out".to_owned()),
            Err(FetchError::NotHttp) if self.wget => (1, "wget: error getting response".to_owned()),
            Err(FetchError::Refused) => (
                7,
                format!(
                    "curl: (7) Failed to connect to {host} port {port} after 0 ms: Couldn't connect to server"
                ),
            ),
            Err(FetchError::TimedOut) => (28, "curl: (28) Operation timed out".to_owned()),
            Err(FetchError::NotHttp) => {
                (1, "curl: (1) Received HTTP/0.9 when not allowed".to_owned())
            }
        };
        let said = if self.silent && !self.wget { String::new() } else { format!("{message}\n") };
        let connected = matches!(code, 28 | 1);
        let stdout = self.written(0, connected, took).into_bytes();
        Ended { stdout, ..Ended::failed(code, &said) }
    }
}

/// Reads the arguments of curl or wget; only http is served.
fn fetch_of(wget: bool, arguments: &[&str]) -> Task {
    let tool = if wget { "wget" } else { "curl" };
    let mut fetch = Fetch::to(wget, "localhost", 80);
    let mut url = None;
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match *word {
            "-m" | "--max-time" | "-T" | "--connect-timeout" => {
                let seconds = words.next().and_then(|w| w.parse::<u16>().ok());
                fetch.limit = seconds.map_or(PATIENCE, |s| Duration::from_secs(s.into()));
            }
            "-o" | "--output" | "-O" if !wget || *word != "-O" => {
                fetch.discard = words.next() == Some(&"/dev/null");
            }
            "-w" | "--write-out" => {
                fetch.write = words.next().map_or_else(String::new, |w| (*w).to_owned());
            }
            "-O" => fetch.discard = words.next() == Some(&"/dev/null"),
            "-H" | "--header" | "-X" | "--request" | "--noproxy" => {
                words.next();
            }
            "--fail" => fetch.fail = true,
            "--silent" => fetch.silent = true,
            "--show-error" => fetch.silent = false,
            flags if flags.starts_with('-') && !flags.starts_with("--") && !wget => {
                fetch.fail |= flags.contains('f');
                fetch.silent |= flags.contains('s');
                fetch.silent &= !flags.contains('S');
            }
            flag if flag.starts_with('-') => {}
            other => url = Some(other),
        }
    }
    let Some(url) = url else {
        return Task::Ended(Ended::failed(2, &format!("{tool}: no URL specified\n")));
    };
    let rest = url.strip_prefix("http://").unwrap_or(url);
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, port) = authority.split_once(':').unwrap_or((authority, "80"));
    match port.parse() {
        Ok(port) => {
            host.clone_into(&mut fetch.host);
            fetch.port = port;
            fetch.path = format!("/{path}");
            Task::Fetch(fetch)
        }
        Err(_) if wget => Task::Ended(Ended::failed(1, &format!("wget: bad port '{port}'\n"))),
        Err(_) => Task::Ended(Ended::failed(
            3,
            "curl: (3) URL rejected: Port number was not a decimal number between 0 and 65535\n",
        )),
    }
}

fn not_found(program: &str) -> Ended {
    let why = if program.contains('/') {
        format!("exec: \"{program}\": stat {program}: no such file or directory")
    } else {
        format!("exec: \"{program}\": executable file not found in $PATH")
    };
    let message = format!(
        "OCI runtime exec failed: exec failed: unable to start container process: {why}: unknown\r\n"
    );
    Ended::failed(127, &message)
}

fn exit_status(code: u8) -> Value {
    if code == 0 {
        return json!({ "metadata": {}, "status": "Success" });
    }
    json!({
        "metadata": {}, "status": "Failure",
        "message": format!("command terminated with non-zero exit code: error executing command in container: exit code {code}"),
        "reason": "NonZeroExitCode",
        "details": { "causes": [{ "reason": "ExitCode", "message": code.to_string() }] },
    })
}

/// Sends data on a channel, in frames of at most 32 KiB; nothing when there is none.
async fn send(socket: &mut WebSocket, channel: u8, data: &[u8]) -> Result<(), axum::Error> {
    for chunk in data.chunks(32 << 10) {
        let mut frame = Vec::with_capacity(chunk.len() + 1);
        frame.push(channel);
        frame.extend_from_slice(chunk);
        socket.send(Message::Binary(Bytes::from(frame))).await?;
    }
    Ok(())
}
