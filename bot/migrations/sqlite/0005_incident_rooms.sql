-- An incident has a room on each platform. SQLite drops no column that a CHECK speaks of, so the table
-- is made anew.
DROP INDEX incidents_open;
DROP INDEX incidents_room;
ALTER TABLE incidents RENAME TO incidents_before;

CREATE TABLE incidents (
    number INTEGER PRIMARY KEY NOT NULL CHECK (number > 0),
    severity TEXT NOT NULL CHECK (severity IN ('critical', 'high', 'medium', 'low')),
    impact TEXT NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('open', 'acknowledged', 'mitigated', 'resolved', 'reviewed')),
    declared_ms INTEGER NOT NULL,
    declared_by TEXT NOT NULL,
    acknowledged_ms INTEGER,
    acknowledged_by TEXT,
    resolved_ms INTEGER,
    resolved_by TEXT,
    revision INTEGER NOT NULL,
    CHECK ((acknowledged_ms IS NULL) = (acknowledged_by IS NULL)),
    CHECK ((resolved_ms IS NULL) = (resolved_by IS NULL)),
    CHECK ((resolved_ms IS NULL) = (state IN ('open', 'acknowledged', 'mitigated')))
) STRICT;

INSERT INTO incidents
SELECT number, severity, impact, state, declared_ms, declared_by, acknowledged_ms, acknowledged_by,
       resolved_ms, resolved_by, revision
FROM incidents_before;

CREATE INDEX incidents_open ON incidents (severity, number) WHERE resolved_ms IS NULL;

-- `card` is the message's id, `link` its web address.
CREATE TABLE incident_rooms (
    incident INTEGER NOT NULL REFERENCES incidents (number),
    platform TEXT NOT NULL,
    room TEXT NOT NULL,
    card TEXT,
    link TEXT,
    PRIMARY KEY (incident, platform),
    CHECK (link IS NULL OR card IS NOT NULL)
) STRICT;

INSERT INTO incident_rooms (incident, platform, room, card)
SELECT number, room_platform, room, card FROM incidents_before WHERE room IS NOT NULL;

DROP TABLE incidents_before;

CREATE INDEX incident_rooms_room ON incident_rooms (platform, room, incident);

-- What a process that died has left is looked for at every start.
CREATE INDEX invocations_running ON invocations (started_ms) WHERE state = 'running';
