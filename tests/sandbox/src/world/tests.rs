//! A world is started, broken by words and healed; the configuration fits it.

use std::os::unix::fs::PermissionsExt as _;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

async fn small() -> World {
    let options = WorldOptions {
        clusters: vec!["us-east".into(), "us-west".into()],
        step: Duration::from_millis(5),
        databases: false,
    };
    World::start(options).await.unwrap()
}

/// Waits until the deployment has that many ready replicas in the cluster.
async fn ready(world: &World, cluster: &str, name: &str, wanted: u64) {
    let cluster = world.cluster(cluster).unwrap();
    let seen = || {
        let deployment = cluster.get("deployments", NAMESPACE, name)?;
        Some(deployment["status"]["readyReplicas"].as_u64().unwrap_or(0))
    };
    let wait = async {
        while seen() != Some(wanted) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(30), wait).await;
    assert!(ended.is_ok(), "{name}: {wanted} ready awaited, {:?} seen", seen());
}

#[tokio::test]
async fn services_stand_in_the_clusters_and_neighbours_beside_them() {
    let world = small().await;
    for (name, _) in NOVACRON {
        let replicas = u64::from(seed::service(name).unwrap().replicas);
        ready(&world, "us-east", name, replicas).await;
    }
    ready(&world, "us-west", EVERYWHERE, 2).await;
    let west = world.cluster("us-west").unwrap();
    assert!(west.get("deployments", NAMESPACE, "vm-service").is_none());
    let east = world.cluster("us-east").unwrap();
    assert!(east.get("deployments", "monitoring", "grafana").is_some());
    assert!(east.get("deployments", "database", "pgbouncer").is_some());
    assert!(east.get("deployments", NAMESPACE, "novacron-frontend").is_some());
}

#[tokio::test]
async fn breaking_and_healing_reach_the_service_and_its_pods() {
    let world = small().await;
    ready(&world, "us-east", "vm-service", 3).await;
    for fault in ["unhealthy", "refused", "crash-loop"] {
        let said = world.control(&format!("break vm-service {fault}")).await;
        assert_eq!(said.unwrap(), format!("vm-service is {fault}"));
        ready(&world, "us-east", "vm-service", 0).await;
        assert_ne!(world.services().fault("vm-service"), crate::services::Fault::Ok);
        assert_eq!(world.control("heal vm-service").await.unwrap(), "vm-service is well");
        ready(&world, "us-east", "vm-service", 3).await;
        assert_eq!(world.services().fault("vm-service"), crate::services::Fault::Ok);
    }
}

#[tokio::test]
async fn an_absent_service_is_gone_everywhere_and_comes_back() {
    let world = small().await;
    world.control("break federation-service absent").await.unwrap();
    for name in world.cluster_names() {
        let cluster = world.cluster(name).unwrap();
        assert!(cluster.get("deployments", NAMESPACE, EVERYWHERE).is_none(), "{name}");
    }
    // From one fault to the next without a heal in between.
    world.control("break federation-service slow").await.unwrap();
    world.control("break vm-service").await.unwrap();
    let status = world.control("status").await.unwrap();
    assert!(status.contains("federation-service     slow"), "{status}");
    assert!(status.contains("vm-service             unhealthy"), "{status}");
    assert!(status.contains("api-gateway            ok"), "{status}");
    assert_eq!(world.control("heal").await.unwrap(), "healed: federation-service, vm-service");
    assert_eq!(world.control("heal").await.unwrap(), "nothing was broken");
    ready(&world, "us-west", EVERYWHERE, 2).await;
}

#[tokio::test]
async fn every_fault_can_be_set_by_its_name() {
    let world = small().await;
    for fault in crate::services::HTTP_FAULT_NAMES {
        world.control(&format!("break ml-service {fault}")).await.unwrap();
        assert_eq!(world.services().fault("ml-service").name(), fault);
    }
    world.control("heal").await.unwrap();
}

#[tokio::test]
async fn mistakes_get_one_kind_line() {
    let world = small().await;
    for (line, answer) in [
        ("break vm-servic", "no service `vm-servic`; did you mean `vm-service`?"),
        ("break vm-service slo", "no fault `slo`; did you mean `slow`?"),
        ("brek vm-service", "no command `brek`; did you mean `break`?"),
        ("heal us-eest", "no service `us-eest`; did you mean `us-east`?"),
        ("break", "break what? such as `break vm-service slow`"),
        ("break postgres", "postgres does not run in this world"),
        (
            "break us-east slow",
            "no fault `slow` for us-east: it can only be broken by `break us-east`",
        ),
        ("status now please", "too many words: see `help`"),
    ] {
        assert_eq!(world.control(line).await.unwrap_err(), answer);
    }
    let hostile = format!("break {}\u{1b}[31m", "x".repeat(10_000));
    let answer = world.control(&hostile).await.unwrap_err();
    assert!(answer.len() < 400 && !answer.contains('\u{1b}'), "{answer}");
    let help = world.control("help").await.unwrap();
    for word in world.control_words() {
        assert!(help.contains(&word), "help lacks {word}");
    }
}

#[tokio::test]
async fn a_broken_cluster_is_on_the_list_until_it_is_healed() {
    let world = small().await;
    assert_eq!(world.control("break us-west").await.unwrap(), "us-west is refusing");
    let status = world.control("status").await.unwrap();
    assert!(status.contains("us-west                refusing"), "{status}");
    world.control("heal us-west").await.unwrap();
    assert!(!world.control("status").await.unwrap().contains("refusing"));
}

#[tokio::test]
async fn the_configuration_names_what_runs_and_holds_no_secret() {
    let world = small().await;
    let dir = tempfile::tempdir().unwrap();
    let first = world.config_toml(dir.path()).unwrap();
    assert_eq!(first, world.config_toml(dir.path()).unwrap(), "written twice");
    assert_eq!(first.matches("[[services]]").count(), 6);
    assert_eq!(first.matches("[[clusters]]").count(), 2);
    assert!(!first.contains("[postgres]") && !first.contains("monitoring"));
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

/// Waits until Prometheus can tell each service's P95, which takes two scrapes.
async fn percentile(port: u16) {
    let query = "histogram_quantile(0.95,sum(rate(http_request_duration_seconds_bucket[1m]))by(service,le))";
    let request = format!("GET /api/v1/query?query={query} HTTP/1.0\r\nHost: localhost\r\n\r\n");
    let wait = async {
        loop {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            let known =
                |(name, _): &(&str, u16)| answer.contains(&format!("\"service\":\"{name}\""));
            if NOVACRON.iter().all(known) && !answer.contains("NaN") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(30), wait).await;
    ended.expect("a P95 for each service was awaited");
}

#[tokio::test]
async fn real_programs_are_filled_stopped_and_started_again() {
    let options = WorldOptions { clusters: vec!["us-east".into()], ..WorldOptions::default() };
    let world = World::start(options).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let config = world.config_toml(dir.path()).unwrap();
    if let Some(redis) = world.redis() {
        assert!(config.contains("[redis]") && !config.contains(redis.password()));
        assert_eq!(redis.command(&["DBSIZE"]).await.unwrap(), "40");
        world.control("break redis").await.unwrap();
        assert!(!redis.is_running());
        world.control("heal redis").await.unwrap();
        assert_eq!(redis.command(&["DBSIZE"]).await.unwrap(), "40");
    }
    if let Some(postgres) = world.postgres() {
        let role = std::fs::read_to_string(dir.path().join("postgres.password")).unwrap();
        assert!(config.contains("postgres://nova@") && !config.contains(&role));
        world.control("break postgres").await.unwrap();
        assert!(!postgres.is_running());
        world.control("heal").await.unwrap();
        let sql = "SELECT count(*), count(DISTINCT status) FROM vms";
        assert_eq!(postgres.execute(sql).await.unwrap(), "48|4\n");
        let sql = "SELECT pg_has_role('nova', 'pg_monitor', 'MEMBER'), rolsuper FROM pg_roles \
                   WHERE rolname = 'nova'";
        assert_eq!(postgres.execute(sql).await.unwrap(), "t|f\n");
    }
    if let Some(prometheus) = world.prometheus() {
        percentile(prometheus.port()).await;
        assert!(config.contains("/-/healthy"));
        world.control("break prometheus").await.unwrap();
        assert!(!prometheus.is_running());
        world.control("heal prometheus").await.unwrap();
        assert!(prometheus.is_running());
    }
}
