//! A connection that goes away in the middle of a change, and the same delivery once more: before the
//! commit nothing was done, at the commit nobody knows, and in the end it was done once.

use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result, ensure};
use nova::store::{IncidentChange, Store, StoreError};
use nova_permissions::Severity;
use nova_sandbox::process::Postgres;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::database::{Database, intact};
use super::incidents::change;

/// Stands between the store and the server, and cuts a connection after the server has answered what
/// holds the given words; that answer is lost.
struct Cutter {
    words: Arc<Mutex<Option<&'static [u8]>>>,
    address: String,
    _tasks: JoinSet<()>,
}

impl Cutter {
    async fn before(server: String) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let words = Arc::new(Mutex::new(None));
        let mut tasks = JoinSet::new();
        let cut = Arc::clone(&words);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let (server, cut) = (server.clone(), Arc::clone(&cut));
                // An error ends the connection, which is all that can be done about it.
                connections.spawn(async move { drop(relay(client, &server, &cut).await) });
            }
        });
        Ok(Self { words, address, _tasks: tasks })
    }

    fn cut_after(&self, words: &'static [u8]) {
        *self.words.lock().expect("nobody panicked") = Some(words);
    }
}

async fn relay(
    mut client: TcpStream,
    server: &str,
    words: &Mutex<Option<&'static [u8]>>,
) -> std::io::Result<()> {
    let mut server = TcpStream::connect(server).await?;
    let (mut asked, mut told) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let mut cut = false;
    loop {
        tokio::select! {
            count = client.read(&mut asked) => {
                let asked = &asked[..count?];
                if asked.is_empty() {
                    return Ok(());
                }
                cut |= met(words, asked);
                server.write_all(asked).await?;
            }
            count = server.read(&mut told) => {
                let told = &told[..count?];
                if told.is_empty() || cut {
                    return Ok(());
                }
                client.write_all(told).await?;
            }
        }
    }
}

/// Whether these are the awaited words, which are awaited once.
fn met(words: &Mutex<Option<&'static [u8]>>, asked: &[u8]) -> bool {
    let mut words = words.lock().expect("nobody panicked");
    let met = words.is_some_and(|words| asked.windows(words.len()).any(|part| part == words));
    if met {
        *words = None;
    }
    met
}

async fn written(store: &Store) -> Result<(usize, i64)> {
    Ok((store.open_incidents().await?.len(), intact(store).await?.seq))
}

#[tokio::test]
async fn what_was_cut_off_is_done_once_in_the_end() -> Result<()> {
    let server = Postgres::start().await?;
    let direct = Database::postgres(&server, "cut").await?;
    let (head, rest) = direct.url.split_once('@').context("the URL has a host")?;
    let (host, name) = rest.split_once('/').context("the URL has a database")?;
    let cutter = Cutter::before(host.to_owned()).await?;
    let url = format!("{head}@{}/{name}", cutter.address);
    let store = Database { url, clock: direct.clock.clone(), home: None }.open().await?;
    let declare = |impact: &str| IncidentChange::Declare {
        severity: Severity::High,
        impact: impact.to_owned(),
    };

    cutter.cut_after(b"checkout is down");
    let before = change(&store, "d-1", &declare("checkout is down")).await;
    ensure!(matches!(before, Err(StoreError::Unreachable { .. })), "{before:?}");
    ensure!(written(&store).await? == (0, 0), "something is left of it");
    ensure!(change(&store, "d-1", &declare("checkout is down")).await?.is_some());
    ensure!(written(&store).await? == (1, 3));

    cutter.cut_after(b"COMMIT");
    let at = change(&store, "d-2", &declare("login is down")).await;
    ensure!(matches!(at, Err(StoreError::Unconfirmed { .. })), "{at:?}");
    ensure!(change(&store, "d-2", &declare("login is down")).await?.is_none());
    ensure!(written(&store).await? == (2, 6));
    Ok(())
}
