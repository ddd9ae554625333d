-- What was asked and how it ended stands on the timeline, and nothing reads it here. What is left tells
-- a second delivery, and since when an invocation runs; NULL when it has ended.
ALTER TABLE invocations ADD COLUMN running_since_ms BIGINT;
UPDATE invocations SET running_since_ms = started_ms WHERE state = 'running';

-- Takes invocations_running and the CHECKs that speak of them along.
ALTER TABLE invocations
    DROP COLUMN platform, DROP COLUMN account, DROP COLUMN person, DROP COLUMN conversation,
    DROP COLUMN command, DROP COLUMN state, DROP COLUMN started_ms, DROP COLUMN ended_ms,
    DROP COLUMN exit_status;

CREATE INDEX invocations_running ON invocations (running_since_ms)
    WHERE running_since_ms IS NOT NULL;
