//! Breaks and heals a world by words: `break vm-service slow`, `heal`, `status`.
//!
//! Invariant: the world's list of what is broken tells what was done to it, and `heal` undoes all of
//! it. Every answer is text for a person; an error is one line that says what would have worked.
//! Called by the demo's terminal and by scenarios.

use std::collections::BTreeMap;

use crate::cluster::{Cluster, DeploymentFault, Fault as ClusterFault};
use crate::process::{Postgres, Prometheus, Redis};
use crate::services::{Fault, HTTP_FAULT_NAMES};
use crate::world::{NAMESPACE, World};

const COMMANDS: [&str; 4] = ["status", "break", "heal", "help"];
/// The fault that is the cluster's and not only the service's.
const CRASH_LOOP: &str = "crash-loop";
const PROGRAMS: [&str; 3] = ["postgres", "redis", "prometheus"];
/// How much of an unknown word is repeated, in characters.
const SHOWN: usize = 40;

/// What can be broken.
#[derive(Clone, Copy)]
enum Target<'a> {
    Service,
    Program(Program<'a>),
    Cluster(&'a Cluster),
}

#[derive(Clone, Copy)]
enum Program<'a> {
    Postgres(&'a Postgres),
    Redis(&'a Redis),
    Prometheus(&'a Prometheus),
}

impl Program<'_> {
    fn stop(self) {
        match self {
            Self::Postgres(program) => program.stop(),
            Self::Redis(program) => program.stop(),
            Self::Prometheus(program) => program.stop(),
        }
    }

    async fn start_again(self, world: &World) -> anyhow::Result<()> {
        match self {
            Self::Postgres(program) => program.start_again().await,
            Self::Redis(program) => {
                program.start_again().await?;
                world.fill_redis().await
            }
            Self::Prometheus(program) => program.start_again().await,
        }
    }
}

type Broken = BTreeMap<String, &'static str>;

impl World {
    /// Obeys one line; see `help`. Lines run one after the other.
    ///
    /// # Errors
    /// One line: what is wrong with the command, or what could not be done.
    pub async fn control(&self, line: &str) -> Result<String, String> {
        let words: Vec<&str> = line.split_whitespace().take(4).collect();
        let mut broken = self.broken.lock().await;
        match words[..] {
            [] | ["help"] => Ok(self.help()),
            ["status"] => Ok(self.status(&broken)),
            ["break"] => Err("break what? such as `break vm-service slow`".into()),
            ["break", target] => self.break_target(&mut broken, target, None).await,
            ["break", target, fault] => self.break_target(&mut broken, target, Some(fault)).await,
            ["heal"] => self.heal_all(&mut broken).await,
            ["heal", name] => {
                self.heal(&mut broken, name).await?;
                Ok(format!("{name} is well"))
            }
            ["status" | "help" | "break" | "heal", ..] => Err("too many words: see `help`".into()),
            [other, ..] => Err(unknown("command", other, &COMMANDS)),
        }
    }

    /// Every word that `control` understands, for completion.
    #[must_use]
    pub fn control_words(&self) -> Vec<String> {
        let mut words: Vec<&str> = COMMANDS.to_vec();
        words.extend(self.names());
        words.extend(fault_names());
        words.into_iter().map(str::to_owned).collect()
    }

    /// Everything that can be broken and is there.
    fn names(&self) -> Vec<&str> {
        let programs = PROGRAMS.into_iter().filter(|name| self.program(name).is_some());
        let mut names = self.services().names();
        names.extend(programs);
        names.extend(self.cluster_names());
        names
    }

    fn target(&self, word: &str) -> Result<Target<'_>, String> {
        if self.services().names().contains(&word) {
            return Ok(Target::Service);
        }
        if let Some(program) = self.program(word) {
            return Ok(Target::Program(program));
        }
        if let Some(cluster) = self.cluster(word) {
            return Ok(Target::Cluster(cluster));
        }
        if PROGRAMS.contains(&word) {
            return Err(format!("{word} does not run in this world"));
        }
        Err(unknown("service", word, &self.names()))
    }

    fn program(&self, name: &str) -> Option<Program<'_>> {
        match name {
            "postgres" => self.postgres().map(Program::Postgres),
            "redis" => self.redis().map(Program::Redis),
            "prometheus" => self.prometheus().map(Program::Prometheus),
            _ => None,
        }
    }

    async fn break_target(
        &self,
        broken: &mut Broken,
        word: &str,
        fault: Option<&str>,
    ) -> Result<String, String> {
        let target = self.target(word)?;
        let what = match (target, fault) {
            (Target::Service, fault) => {
                let fault = fault.unwrap_or("unhealthy");
                let names = fault_names();
                let Some(known) = names.iter().copied().find(|known| *known == fault) else {
                    return Err(unknown("fault", fault, &names));
                };
                // From a clean state, or the traces of the last fault would mix with this one.
                self.heal(broken, word).await?;
                known
            }
            (_, Some(fault)) => {
                let fault = shown(fault);
                return Err(format!(
                    "no fault `{fault}` for {word}: it can only be broken by `break {word}`"
                ));
            }
            (Target::Program(_), None) => "stopped",
            (Target::Cluster(_), None) => "refusing",
        };
        // Noted first: what fails half way has to be healed too.
        broken.insert(word.to_owned(), what);
        match target {
            Target::Service => self.break_service(word, what).await?,
            Target::Program(program) => program.stop(),
            Target::Cluster(cluster) => cluster.fault(ClusterFault::Refuse(true)),
        }
        Ok(format!("{word} is {what}"))
    }

    async fn break_service(&self, name: &str, fault: &str) -> Result<(), String> {
        let http = match fault {
            CRASH_LOOP => Fault::Refused,
            other => Fault::named(other).ok_or_else(|| unknown("fault", other, &fault_names()))?,
        };
        for cluster in self.homes(name) {
            match (fault, http) {
                (CRASH_LOOP, _) => {
                    cluster.break_deployment(NAMESPACE, name, DeploymentFault::CrashLoop);
                }
                (_, Fault::Unhealthy | Fault::Refused) => {
                    cluster.break_deployment(NAMESPACE, name, DeploymentFault::Unready);
                }
                (_, Fault::Absent) => cluster.remove("deployments", NAMESPACE, name),
                _ => {}
            }
        }
        let set = self.services().set(name, http).await;
        set.map_err(|error| format!("{error:#}"))
    }

    async fn heal_all(&self, broken: &mut Broken) -> Result<String, String> {
        let names: Vec<String> = broken.keys().cloned().collect();
        if names.is_empty() {
            return Ok("nothing was broken".into());
        }
        for name in &names {
            self.heal(broken, name).await?;
        }
        Ok(format!("healed: {}", names.join(", ")))
    }

    async fn heal(&self, broken: &mut Broken, name: &str) -> Result<(), String> {
        let target = self.target(name)?;
        let Some(fault) = broken.get(name) else {
            return Ok(());
        };
        match target {
            Target::Service => {
                let set = self.services().set(name, Fault::Ok).await;
                set.map_err(|error| format!("{error:#}"))?;
                if *fault == Fault::Absent.name() {
                    self.deploy_service(name);
                } else {
                    for cluster in self.homes(name) {
                        cluster.heal(NAMESPACE, name);
                    }
                }
            }
            Target::Program(program) => {
                let started = program.start_again(self).await;
                // The first line: the rest is the program's log.
                started.map_err(|error| error.to_string().lines().take(1).collect::<String>())?;
            }
            Target::Cluster(cluster) => cluster.fault(ClusterFault::Refuse(false)),
        }
        broken.remove(name);
        Ok(())
    }

    fn status(&self, broken: &Broken) -> String {
        let names = self.names();
        let width = names.iter().map(|name| name.len()).max().unwrap_or_default();
        let line = |name: &&str| {
            let state = broken.get(*name).copied().unwrap_or("ok");
            format!("{name:width$}  {state}")
        };
        names.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    fn help(&self) -> String {
        format!(
            "status                   what is broken\n\
             break SERVICE [FAULT]    break a service (unhealthy when no fault is given)\n\
             break PROGRAM|CLUSTER    stop a real program; make a cluster's API refuse\n\
             heal [NAME]              undo it; everything when no name is given\n\
             help                     this text\n\
             names:  {}\n\
             faults: {}",
            self.names().join(" "),
            fault_names().join(" ")
        )
    }
}

fn fault_names() -> Vec<&'static str> {
    let mut names = HTTP_FAULT_NAMES.to_vec();
    names.push(CRASH_LOOP);
    names
}

/// The one line about a word that is not known, with the nearest that is.
fn unknown(kind: &str, word: &str, known: &[&str]) -> String {
    let nearest =
        known.iter().map(|name| (strsim::damerau_levenshtein(&shown(word), name), name)).min();
    let word = shown(word);
    match nearest {
        Some((distance, name)) if distance <= 1 + name.len() / 4 => {
            format!("no {kind} `{word}`; did you mean `{name}`?")
        }
        _ => format!("no {kind} `{word}`; there are {}", known.join(", ")),
    }
}

/// A foreign word as it can be repeated: short and without control characters.
fn shown(word: &str) -> String {
    word.chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}
