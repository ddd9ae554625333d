-- Incidents. `mitigated` and `reviewed` are for later versions: a CHECK cannot be changed in place.
CREATE TABLE incidents (
    number BIGINT PRIMARY KEY CHECK (number > 0),
    severity TEXT NOT NULL CHECK (severity IN ('critical', 'high', 'medium', 'low')),
    impact TEXT NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('open', 'acknowledged', 'mitigated', 'resolved', 'reviewed')),
    declared_ms BIGINT NOT NULL,
    declared_by TEXT NOT NULL,
    acknowledged_ms BIGINT,
    acknowledged_by TEXT,
    resolved_ms BIGINT,
    resolved_by TEXT,
    room_platform TEXT,
    room TEXT,
    card TEXT,
    revision BIGINT NOT NULL,
    CHECK ((acknowledged_ms IS NULL) = (acknowledged_by IS NULL)),
    CHECK ((resolved_ms IS NULL) = (resolved_by IS NULL)),
    CHECK ((resolved_ms IS NULL) = (state IN ('open', 'acknowledged', 'mitigated'))),
    CHECK ((room_platform IS NULL) = (room IS NULL)),
    CHECK (card IS NULL OR room IS NOT NULL)
);

-- The last number given. Locked by whoever declares, and rolled back with them: no number is lost.
CREATE TABLE incident_counter (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    last BIGINT NOT NULL
);

INSERT INTO incident_counter (one, last) VALUES (1, 0);

CREATE INDEX incidents_open ON incidents (severity, number) WHERE resolved_ms IS NULL;
CREATE INDEX incidents_room ON incidents (room_platform, room, number) WHERE room IS NOT NULL;
CREATE INDEX timeline_incident ON timeline (incident, seq) WHERE incident IS NOT NULL;
