//! The store: invocations and the timeline, on SQLite or PostgreSQL.
//!
//! Invariant: a state change and its timeline row share one transaction, and the timeline is a
//! gapless, hash-chained list that only grows, however many processes write to it. Called by the
//! engine; nobody else touches the database.

mod append;
mod batch;
mod chain;
mod clock;
mod db;
mod error;
mod ids;
mod incidents;
mod invocations;
mod leftover;
mod model;
mod place;
mod text;
mod timeline;
mod verify;
mod writer;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

pub use chain::{MIN_KEY_BYTES, ShortKey, TimelineKey};
pub use clock::{Clock, ManualClock};
pub use error::{Cause, StoreError};
pub use ids::{DedupeId, IncidentId, InvocationId, PersonId};
pub use incidents::{
    Incident, IncidentChange, IncidentNote, IncidentNumber, IncidentRefusal, IncidentRoom,
    IncidentState, NewCard, NotANumber, Stamp,
};
pub use model::{
    Account, Anchor, Begun, Ending, Entry, Kind, NewEntry, NewInvocation, Outcome, Page,
};
pub use place::StoreConfig;
pub use verify::{Fault, Verification};

use batch::{Answer, Work};
use db::{Db, Pool, Tx, both};
use place::Place;
use writer::Writer;

/// The longest that any one operation takes, opening excepted. Longer than each wait inside it,
/// so that it decides only when a server has gone silent.
const OPERATION: Duration = Duration::from_secs(20);
/// The same for opening, which may have to migrate.
const OPENING: Duration = Duration::from_secs(30);
const CLOSING: Duration = Duration::from_secs(5);

const NOW: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";

/// An open store. Clones share its connections and its writer; the last one to go, or the first one
/// to be closed, ends both.
#[derive(Clone)]
pub struct Store(Arc<Inner>, Arc<Writer>);

struct Inner {
    db: Db,
    key: TimelineKey,
    clock: Clock,
    place: String,
}

impl Store {
    /// Opens the database, creates an embedded one that is missing, and applies migrations.
    ///
    /// # Errors
    /// Any connection error; [`StoreError::NewerSchema`] when a newer version has been here;
    /// [`StoreError::WrongKey`] when the timeline was begun with another key. It answers within 30
    /// seconds, within 5 when a server is down.
    pub async fn open(
        config: &StoreConfig,
        key: TimelineKey,
        clock: Clock,
    ) -> Result<Self, StoreError> {
        let place = Place::parse(config)?;
        let name = place.to_string();
        let opening = async {
            let db = Db::open(&place).await?;
            let inner = Arc::new(Inner { db, key, clock, place: name.clone() });
            if let Err(error) = inner.claim_timeline().await {
                inner.db.close().await;
                return Err(error);
            }
            let writer = Writer::start(Arc::clone(&inner));
            Ok(Self(inner, Arc::new(writer)))
        };
        // Boxed: connecting and migrating is by far the largest future here.
        within(OPENING, Box::pin(opening)).await.map_err(|error| error.at(&name))
    }

    /// Asks the database whether it is there.
    ///
    /// # Errors
    /// Why it is not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.bounded(async {
            both!(Pool, &self.0.db.read, pool => sqlx::query("SELECT 1").execute(pool).await?.rows_affected());
            Ok(())
        })
        .await
    }

    /// The store's time in milliseconds since the epoch, UTC. On PostgreSQL it is the database's,
    /// so that all replicas mean the same by it.
    ///
    /// # Errors
    /// When PostgreSQL does not answer.
    pub async fn now_ms(&self) -> Result<i64, StoreError> {
        self.bounded(async {
            match &self.0.db.read {
                Pool::Sqlite(_) => Ok(self.0.clock.now_ms()),
                Pool::Postgres(pool) => Ok(sqlx::query_scalar(NOW).fetch_one(pool).await?),
            }
        })
        .await
    }

    /// Writes what was handed in and closes the connections, for all clones. Whatever takes longer
    /// than 5 seconds is given up: a server went silent, there is nobody to say goodbye to.
    pub async fn close(self) {
        let closing = async {
            self.1.close().await;
            self.0.db.close().await;
        };
        if timeout(CLOSING, closing).await.is_err() {
            self.1.abort();
        }
    }

    /// Has the writer write it.
    async fn write(&self, work: Work) -> Answer {
        self.bounded(self.1.write(work)).await
    }

    /// Runs one operation under the deadline; its error names the database.
    async fn bounded<T>(
        &self,
        operation: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        within(OPERATION, operation).await.map_err(|error| error.at(&self.0.place))
    }
}

impl Inner {
    async fn now_in(&self, tx: &mut Tx) -> Result<i64, StoreError> {
        match tx {
            Tx::Sqlite(_) => Ok(self.clock.now_ms()),
            Tx::Postgres(tx) => Ok(sqlx::query_scalar(NOW).fetch_one(&mut **tx).await?),
        }
    }
}

async fn within<T>(
    limit: Duration,
    operation: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    timeout(limit, operation).await.map_err(StoreError::unreachable)?
}
