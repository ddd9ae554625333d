-- Who asked for what, and how it ended. Times are milliseconds since the epoch, UTC.
CREATE TABLE invocations (
    id TEXT PRIMARY KEY,
    dedupe_id TEXT NOT NULL UNIQUE,
    platform TEXT NOT NULL,
    account TEXT NOT NULL,
    person TEXT,
    conversation TEXT NOT NULL,
    command TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'answered', 'refused', 'failed')),
    started_ms BIGINT NOT NULL,
    ended_ms BIGINT,
    exit_status BIGINT,
    CHECK ((state = 'running') = (ended_ms IS NULL))
);

-- The audit log: append-only, each row carries a keyed hash over itself and the row before.
-- It has no foreign key, so that it outlives whatever it speaks of.
CREATE TABLE timeline (
    seq BIGINT PRIMARY KEY CHECK (seq > 0),
    at_ms BIGINT NOT NULL,
    incident TEXT,
    kind TEXT NOT NULL,
    invocation TEXT,
    actor TEXT NOT NULL,
    body TEXT NOT NULL,
    prev_hash TEXT NOT NULL,
    hash TEXT NOT NULL
);

-- One row: the last seq and hash, and which key wrote the chain.
CREATE TABLE timeline_head (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL,
    key_check TEXT NOT NULL
);

-- A second layer only: the chain finds what gets past these.
CREATE FUNCTION timeline_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the timeline is append-only' USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER timeline_no_change BEFORE UPDATE OR DELETE ON timeline
    FOR EACH ROW EXECUTE FUNCTION timeline_append_only();

CREATE TRIGGER timeline_no_truncate BEFORE TRUNCATE ON timeline
    FOR EACH STATEMENT EXECUTE FUNCTION timeline_append_only();
