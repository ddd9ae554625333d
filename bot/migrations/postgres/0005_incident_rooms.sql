-- An incident has a room on each platform. `card` is the message's id, `link` its web address.
CREATE TABLE incident_rooms (
    incident BIGINT NOT NULL REFERENCES incidents (number),
    platform TEXT NOT NULL,
    room TEXT NOT NULL,
    card TEXT,
    link TEXT,
    PRIMARY KEY (incident, platform),
    CHECK (link IS NULL OR card IS NOT NULL)
);

INSERT INTO incident_rooms (incident, platform, room, card)
SELECT number, room_platform, room, card FROM incidents WHERE room IS NOT NULL;

CREATE INDEX incident_rooms_room ON incident_rooms (platform, room, incident);

-- Takes incidents_room and the CHECKs that speak of them along.
ALTER TABLE incidents DROP COLUMN room_platform, DROP COLUMN room, DROP COLUMN card;

-- What a process that died has left is looked for at every start.
CREATE INDEX invocations_running ON invocations (started_ms) WHERE state = 'running';
