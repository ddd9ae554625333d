-- Each command that is answered at once writes one row here. Kept in the order of what tells a second
-- delivery, the table is its only index: two of the three trees that a row went into are gone. Only
-- what still runs is looked for by its id.
CREATE TABLE lean_invocations (
    dedupe_id TEXT PRIMARY KEY NOT NULL,
    id TEXT NOT NULL,
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
) STRICT, WITHOUT ROWID;

INSERT INTO lean_invocations
    (dedupe_id, id, platform, account, person, conversation, command, state, started_ms, ended_ms,
     exit_status)
SELECT
    dedupe_id, id, platform, account, person, conversation, command, state, started_ms, ended_ms,
    exit_status
FROM invocations;

DROP TABLE invocations;
ALTER TABLE lean_invocations RENAME TO invocations;

CREATE INDEX invocations_running_id ON invocations (id) WHERE state = 'running';
