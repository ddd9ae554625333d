-- Who asked for what, and how it ended. Times are milliseconds since the epoch, UTC.
CREATE TABLE invocations (
    id TEXT PRIMARY KEY NOT NULL,
    dedupe_id TEXT NOT NULL UNIQUE,
    platform TEXT NOT NULL,
    account TEXT NOT NULL,
    person TEXT,
    conversation TEXT NOT NULL,
    command TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'answered', 'refused', 'failed')),
    started_ms INTEGER NOT NULL,
    ended_ms INTEGER,
    exit_status INTEGER,
    CHECK ((state = 'running') = (ended_ms IS NULL))
) STRICT;

-- The audit log: append-only, each row carries a keyed hash over itself and the row before.
-- It has no foreign key, so that it outlives whatever it speaks of.
CREATE TABLE timeline (
    seq INTEGER PRIMARY KEY NOT NULL CHECK (seq > 0),
    at_ms INTEGER NOT NULL,
    incident TEXT,
    kind TEXT NOT NULL,
    invocation TEXT,
    actor TEXT NOT NULL,
    body TEXT NOT NULL,
    prev_hash TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;

-- One row: the last seq and hash, and which key wrote the chain.
CREATE TABLE timeline_head (
    one INTEGER PRIMARY KEY NOT NULL CHECK (one = 1),
    seq INTEGER NOT NULL,
    hash TEXT NOT NULL,
    key_check TEXT NOT NULL
) STRICT;

-- A second layer only: the chain finds what gets past these.
CREATE TRIGGER timeline_no_update BEFORE UPDATE ON timeline
BEGIN
    SELECT RAISE(ABORT, 'the timeline is append-only');
END;

CREATE TRIGGER timeline_no_delete BEFORE DELETE ON timeline
BEGIN
    SELECT RAISE(ABORT, 'the timeline is append-only');
END;

-- INSERT OR REPLACE would remove the old row without asking the trigger above.
CREATE TRIGGER timeline_no_replace BEFORE INSERT ON timeline
WHEN EXISTS (SELECT 1 FROM timeline WHERE seq = NEW.seq)
BEGIN
    SELECT RAISE(ABORT, 'the timeline is append-only');
END;
