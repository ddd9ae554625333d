//! What the platform holds at the start: workloads, rows and keys.
//!
//! Invariant: the same every time, so that tests can count it. Called by the world's start, and
//! again for what a restart loses.

use crate::cluster::Workload;
use crate::process::{Postgres, Redis};
use crate::services::NOVACRON;

use super::NAMESPACE;

/// The bot's own role in PostgreSQL: it reads statistics and the platform's tables, and no more.
pub(super) const ROLE: &str = "nova";

/// The deployment of one of the guide's services.
pub(super) fn service(name: &str) -> Option<Workload> {
    let &(_, port) = NOVACRON.iter().find(|(known, _)| *known == name)?;
    let (replicas, cpu_milli, memory_mib) = match name {
        "api-gateway" | "vm-service" => (3, 250, 256),
        "ml-service" => (2, 1000, 2048),
        _ => (2, 200, 256),
    };
    Some(Workload {
        namespace: NAMESPACE.into(),
        name: name.into(),
        replicas,
        image: format!("registry.novacron.example/{name}:1.8.2"),
        port,
        cpu_milli,
        memory_mib,
        ..Workload::default()
    })
}

/// What runs beside the services: a front end, dashboards, a connection pool.
pub(super) fn neighbours() -> [Workload; 3] {
    let workload = |namespace: &str, name: &str, image: &str, port| Workload {
        namespace: namespace.into(),
        name: name.into(),
        replicas: 2,
        image: image.into(),
        port,
        cpu_milli: 100,
        memory_mib: 128,
        ..Workload::default()
    };
    [
        workload(NAMESPACE, "novacron-frontend", "registry.novacron.example/frontend:1.8.2", 3000),
        workload("monitoring", "grafana", "docker.io/grafana/grafana:11.2.0", 3000),
        workload("database", "pgbouncer", "docker.io/edoburu/pgbouncer:1.23.1", 6432),
    ]
}

/// The table of virtual machines, 48 rows of mixed status, and the bot's role.
pub(super) async fn postgres(server: &Postgres, role_password: &str) -> anyhow::Result<()> {
    let sql = format!(
        "CREATE TABLE vms (
             id text PRIMARY KEY,
             name text NOT NULL,
             status text NOT NULL,
             host text NOT NULL,
             created_at timestamptz NOT NULL
         );
         INSERT INTO vms
         SELECT 'vm-' || lpad(n::text, 4, '0'),
                (ARRAY['web', 'db', 'cache', 'build'])[1 + n % 4] || '-' || n,
                (ARRAY['running', 'running', 'running', 'stopped', 'running', 'error',
                       'running', 'creating'])[1 + n % 8],
                'host-' || (1 + n % 6),
                now() - n * interval '7 hours'
         FROM generate_series(1, 48) AS n;
         CREATE ROLE {ROLE} LOGIN PASSWORD '{role_password}';
         GRANT pg_monitor TO {ROLE};
         GRANT SELECT ON vms TO {ROLE};"
    );
    server.execute(&sql).await?;
    if server.records_statements() {
        server.execute("CREATE EXTENSION pg_stat_statements").await?;
    }
    Ok(())
}

/// Sessions, rate limits and cache entries of eight users.
pub(super) async fn redis(redis: &Redis) -> anyhow::Result<()> {
    let users: Vec<String> = (101..109).map(|user| user.to_string()).collect();
    let mut commands: Vec<Vec<String>> = Vec::new();
    for user in &users {
        let words = [
            format!("SADD session:user:{user} s{user}a s{user}b"),
            format!("SET session:s{user}a {user} EX 86400"),
            format!("SET session:s{user}b {user} EX 86400"),
            format!("SET rate_limit:user:{user} 17 EX 3600"),
            format!("SET cache:vm-list:{user} [] EX 3600"),
        ];
        commands.extend(words.map(|line| line.split(' ').map(str::to_owned).collect()));
    }
    let commands: Vec<Vec<&str>> =
        commands.iter().map(|words| words.iter().map(String::as_str).collect()).collect();
    let commands: Vec<&[&str]> = commands.iter().map(Vec::as_slice).collect();
    redis.commands(&commands).await?;
    Ok(())
}
