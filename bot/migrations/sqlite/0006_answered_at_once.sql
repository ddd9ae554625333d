-- What was asked and how it ended stands on the timeline, and nothing reads it here. What is left tells
-- a second delivery, and since when an invocation runs; NULL when it has ended.
CREATE TABLE delivered_invocations (
    dedupe_id TEXT PRIMARY KEY NOT NULL,
    id TEXT NOT NULL,
    running_since_ms INTEGER
) STRICT, WITHOUT ROWID;

INSERT INTO delivered_invocations (dedupe_id, id, running_since_ms)
SELECT dedupe_id, id, CASE state WHEN 'running' THEN started_ms END FROM invocations
ORDER BY dedupe_id;

-- Takes its indexes along.
DROP TABLE invocations;
ALTER TABLE delivered_invocations RENAME TO invocations;

CREATE INDEX invocations_running_id ON invocations (id) WHERE running_since_ms IS NOT NULL;
CREATE INDEX invocations_running ON invocations (running_since_ms)
    WHERE running_since_ms IS NOT NULL;
