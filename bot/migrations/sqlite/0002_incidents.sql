-- Incidents. `mitigated` and `reviewed` are for later versions: a CHECK cannot be changed in place.
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
    room_platform TEXT,
    room TEXT,
    card TEXT,
    revision INTEGER NOT NULL,
    CHECK ((acknowledged_ms IS NULL) = (acknowledged_by IS NULL)),
    CHECK ((resolved_ms IS NULL) = (resolved_by IS NULL)),
    CHECK ((resolved_ms IS NULL) = (state IN ('open', 'acknowledged', 'mitigated'))),
    CHECK ((room_platform IS NULL) = (room IS NULL)),
    CHECK (card IS NULL OR room IS NOT NULL)
) STRICT;

-- The last number given. Locked by whoever declares, and rolled back with them: no number is lost.
CREATE TABLE incident_counter (
    one INTEGER PRIMARY KEY NOT NULL CHECK (one = 1),
    last INTEGER NOT NULL
) STRICT;

INSERT INTO incident_counter (one, last) VALUES (1, 0);

CREATE INDEX incidents_open ON incidents (severity, number) WHERE resolved_ms IS NULL;
CREATE INDEX incidents_room ON incidents (room_platform, room, number) WHERE room IS NOT NULL;
CREATE INDEX timeline_incident ON timeline (incident, seq) WHERE incident IS NOT NULL;
