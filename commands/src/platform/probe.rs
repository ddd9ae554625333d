//! Looks at an address from inside a pod, by whichever tool its image has: curl, wget or nc.
//!
//! The arguments are lists and ours; nothing of them goes through a shell. An image without any of the
//! tools, as those built from `scratch`, is told from an address that cannot be reached.

use std::time::Duration;

use jiff::SignedDuration;

use super::kube::{ExecOutput, Pod};
use super::{Cause, Home, PlatformError};
use crate::report::{Finding, Status};
use crate::text::{Untrusted, human};

/// What to look at: a path of an HTTP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub host: String,
    pub port: u16,
    /// Begins with a slash.
    pub path: String,
}

impl Address {
    /// The host and port of an `http://` address, with this path.
    #[must_use]
    pub fn of(url: &str, path: &str) -> Option<Self> {
        let parsed = reqwest::Url::parse(url).ok()?;
        let base = parsed.path().trim_end_matches('/');
        Some(Self {
            host: parsed.host_str()?.to_owned(),
            port: parsed.port_or_known_default()?,
            path: format!("{base}{path}"),
        })
    }

    /// `http://HOST:PORT/PATH`
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}:{}{}", self.host, self.port, self.path)
    }
}

/// What a pod saw there.
#[derive(Clone, Debug, PartialEq)]
pub struct Sight {
    pub outcome: Outcome,
    /// The command, as it can be repeated.
    pub source: String,
    /// Seconds for the name, until connected, and for all; only curl tells them.
    pub times: Option<Times>,
}

/// How long it took, in seconds from the start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Times {
    pub resolved: f64,
    pub connected: f64,
    pub total: f64,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With this HTTP status.
    Answered(u16),
    /// The port is open; what came then was not HTTP, or was not asked for.
    Connected,
    Refused,
    TimedOut,
    UnknownHost,
    /// In the tool's words.
    Failed(Untrusted),
}

impl Sight {
    /// What was seen, as a finding: whatever HTTP status came, the way there is open.
    #[must_use]
    pub fn finding(&self, subject: &str, slow: SignedDuration) -> Finding {
        let (status, what): (Status, Untrusted) = match &self.outcome {
            Outcome::Answered(code) => (Status::Ok, format!("answered {code}").into()),
            Outcome::Connected => (Status::Ok, "connected".into()),
            Outcome::Refused => (Status::Fail, Cause::Refused.to_string().into()),
            Outcome::TimedOut => (Status::Fail, "no answer in time".into()),
            Outcome::UnknownHost => (Status::Fail, Cause::UnknownHost.to_string().into()),
            Outcome::Failed(words) => (Status::Fail, words.clone()),
        };
        let Some(times) = self.times.filter(|_| status == Status::Ok) else {
            return Finding::new(status, subject, what, self.source.as_str());
        };
        let connect = (times.connected - times.resolved).max(0.0);
        let measured = format!(
            "{} in {} · name {}, connect {}",
            what.raw(),
            human::seconds(times.total),
            human::seconds(times.resolved),
            human::seconds(connect)
        );
        let source = self.source.as_str();
        if connect > slow.as_secs_f64() {
            let limit = human::seconds(slow.as_secs_f64());
            let finding = Finding::new(Status::Warn, subject, measured, source);
            return finding.expected(format!("connect below {limit}"));
        }
        Finding::new(Status::Ok, subject, measured, source)
    }
}

/// That an image has none of the tools.
#[must_use]
pub fn no_tool(subject: &str, place: String) -> Finding {
    let measured = "its image has neither curl, wget nor nc";
    Finding::new(Status::Unsupported, subject, measured, place)
        .hint("look from a service whose image has one of them")
}

impl Home<'_> {
    /// A pod of this workload that programs can be run in, and how many are ready.
    ///
    /// # Errors
    /// [`Cause::NotFound`] without the workload, [`Cause::Busy`] when none of its pods is ready.
    pub async fn a_pod(&self) -> Result<Pod, PlatformError> {
        let (_, mut pods) = self.deployed().await?;
        pods.sort_by(|a, b| a.name.cmp(&b.name));
        pods.into_iter().find(|pod| pod.ready).ok_or_else(|| {
            PlatformError::new(self.place(), Cause::Busy).detail("none of its pods is ready")
        })
    }

    /// Runs a program of the allow list in a pod. `None`: its image does not have it.
    ///
    /// # Errors
    /// When nothing can be run there.
    pub async fn run(
        &self,
        pod: &Pod,
        argv: &[&str],
        within: Duration,
    ) -> Result<Option<ExecOutput>, PlatformError> {
        let place = (self.namespace, pod.name.as_str());
        let container = pod.main_container.as_deref();
        match self.cluster.exec_within(place, container, argv, &[], within).await {
            Ok(output) => Ok(Some(output)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// `kubectl --context=us-east exec -n novacron POD -- ARGV`
    #[must_use]
    pub fn command(&self, pod: &Pod, argv: &[&str]) -> String {
        let (cluster, namespace) = (self.cluster.name(), self.namespace);
        let words = argv.join(" ");
        format!("kubectl --context={cluster} exec -n {namespace} {} -- {words}", pod.name)
    }

    /// Looks at an address from this pod. `None`: its image has no tool for that.
    ///
    /// # Errors
    /// When nothing can be run in the pod.
    pub async fn look(
        &self,
        pod: &Pod,
        address: &Address,
        deadline: Duration,
    ) -> Result<Option<Sight>, PlatformError> {
        let (url, port) = (address.url(), address.port.to_string());
        let seconds = deadline.as_secs().max(1).to_string();
        // The tool's own deadline comes first, so that it can say what it waited for.
        let within = deadline.saturating_mul(2).max(Duration::from_secs(2));
        let curl = [
            "curl",
            "-s",
            "-S",
            "-o",
            "/dev/null",
            "--noproxy",
            "*",
            "-w",
            TIMES,
            "--max-time",
            &seconds,
            &url,
        ];
        let wget = ["wget", "-O", "/dev/null", "-T", &seconds, &url];
        let nc = ["nc", "-z", "-v", "-w", &seconds, &address.host, &port];
        let tools: [(&[&str], Read); 3] = [(&curl, by_curl), (&wget, by_wget), (&nc, by_nc)];
        for (argv, read) in tools {
            if let Some(output) = self.run(pod, argv, within).await? {
                let (outcome, times) = read(&output);
                return Ok(Some(Sight { outcome, source: self.command(pod, argv), times }));
            }
        }
        Ok(None)
    }
}

/// Reads what a tool said.
type Read = fn(&ExecOutput) -> (Outcome, Option<Times>);

/// What curl is asked to write.
const TIMES: &str = "%{http_code} %{time_namelookup} %{time_connect} %{time_total}";

/// A container runtime's words for a program that the image does not have.
fn is_missing(error: &PlatformError) -> bool {
    let words = error.detail.raw();
    error.cause == Cause::Invalid
        && (words.contains("executable file not found") || words.contains("no such file"))
}

/// By its exit codes: <https://curl.se/libcurl/c/libcurl-errors.html>.
fn by_curl(output: &ExecOutput) -> (Outcome, Option<Times>) {
    let text = String::from_utf8_lossy(&output.stdout);
    let mut words = text.split_whitespace();
    let code: u16 = words.next().and_then(|word| word.parse().ok()).unwrap_or_default();
    let mut seconds = || words.next().and_then(|word| word.parse::<f64>().ok());
    let times = match (seconds(), seconds(), seconds()) {
        (Some(resolved), Some(connected), Some(total)) => {
            Some(Times { resolved, connected, total })
        }
        _ => None,
    };
    let connected = times.is_some_and(|times| times.connected > 0.0);
    let outcome = match output.exit_code {
        0 if code > 0 => Outcome::Answered(code),
        6 => Outcome::UnknownHost,
        7 => Outcome::Refused,
        28 => Outcome::TimedOut,
        1 | 8 | 52 | 56 if connected => Outcome::Connected,
        _ => Outcome::Failed(last_line(output)),
    };
    (outcome, times)
}

/// By its words, as the program of this name differs from image to image.
fn by_wget(output: &ExecOutput) -> (Outcome, Option<Times>) {
    let said = String::from_utf8_lossy(&output.stderr);
    let status = || {
        let at = said.find("HTTP/1.").map(|at| at + "HTTP/1.1 ".len());
        let at = at.or_else(|| said.find("ERROR ").map(|at| at + "ERROR ".len()))?;
        said.get(at..at + 3)?.parse().ok()
    };
    let outcome = match (output.exit_code, status()) {
        (0, _) => Outcome::Answered(200),
        (_, Some(code)) => Outcome::Answered(code),
        _ => by_words(output),
    };
    (outcome, None)
}

fn by_nc(output: &ExecOutput) -> (Outcome, Option<Times>) {
    (if output.exit_code == 0 { Outcome::Connected } else { by_words(output) }, None)
}

fn by_words(output: &ExecOutput) -> Outcome {
    let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(&["bad address", "unable to resolve", "name or service not known", "getaddrinfo"]) {
        Outcome::UnknownHost
    } else if has(&["refused"]) {
        Outcome::Refused
    } else if has(&["timed out", "timeout"]) {
        Outcome::TimedOut
    } else {
        Outcome::Failed(last_line(output))
    }
}

/// The last words of a program that failed, or its exit code.
#[must_use]
pub fn last_line(output: &ExecOutput) -> Untrusted {
    let said = String::from_utf8_lossy(&output.stderr);
    match said.lines().rev().map(str::trim).find(|line| !line.is_empty()) {
        Some(line) => line.into(),
        None => format!("exit code {}", output.exit_code).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(stdout: &str, stderr: &str, exit_code: i32) -> ExecOutput {
        ExecOutput { stdout: stdout.into(), stderr: stderr.into(), exit_code }
    }

    #[test]
    fn what_curl_says_is_read() {
        let (outcome, times) = by_curl(&output("503 0.001 0.002 0.010", "", 0));
        assert_eq!(outcome, Outcome::Answered(503));
        assert_eq!(times, Some(Times { resolved: 0.001, connected: 0.002, total: 0.01 }));
        let of = |code| by_curl(&output("000 0.0 0.0 0.1", "curl: why", code)).0;
        assert_eq!(
            [of(6), of(7), of(28)],
            [Outcome::UnknownHost, Outcome::Refused, Outcome::TimedOut]
        );
        assert_eq!(of(35), Outcome::Failed("curl: why".into()));
        assert_eq!(by_curl(&output("000 0.0 0.1 0.1", "", 52)).0, Outcome::Connected);
    }

    #[test]
    fn what_other_tools_say_is_read_in_each_dialect() {
        let wget = |stderr: &str| by_wget(&output("", stderr, 1)).0;
        assert_eq!(wget("wget: bad address 'x'"), Outcome::UnknownHost);
        assert_eq!(wget("wget: unable to resolve host address ‘x’"), Outcome::UnknownHost);
        assert_eq!(wget("wget: server returned error: HTTP/1.1 503 Busy"), Outcome::Answered(503));
        assert_eq!(wget("2026-01-01 ERROR 404: Not Found."), Outcome::Answered(404));
        assert_eq!(wget("wget: can't connect: Connection refused"), Outcome::Refused);
        assert_eq!(wget("wget: download timed out"), Outcome::TimedOut);
        let nc = |stderr: &str| by_nc(&output("", stderr, 1)).0;
        assert_eq!(
            nc("nc: connect to x port 1 (tcp) failed: Connection refused"),
            Outcome::Refused
        );
        assert_eq!(nc(""), Outcome::Failed("exit code 1".into()));
    }

    #[test]
    fn an_address_keeps_its_base_path() {
        let address = Address::of("http://vm-service.novacron:8081/api/", "/health").unwrap();
        assert_eq!(address.url(), "http://vm-service.novacron:8081/api/health");
        assert_eq!(Address::of("not a url", "/"), None);
    }
}
