-- What the first version wrote: a command that was answered, one that still runs, and a note.
INSERT INTO invocations
    (id, dedupe_id, platform, account, person, conversation, command, state, started_ms, ended_ms, exit_status)
VALUES
    ('01HF7YAT00STA3STDN3B1TXB2B', 'd-1', 'console', 'ana', 'person-ana', 'tty1', '/nova health', 'answered', 1700000000000, 1700000000000, 3),
    ('01HF7YAT00RUNN1NGRUNN1NG00', 'd-0', 'console', 'ana', NULL, 'tty1', '/nova health', 'running', 1700000000000, NULL, NULL);
INSERT INTO timeline
    (seq, at_ms, incident, kind, invocation, actor, body, prev_hash, hash)
VALUES
    (1, 1700000000000, NULL, 'invoked', '01HF7YAT00STA3STDN3B1TXB2B', 'person-ana', '{"account":"console:ana","conversation":"tty1","command":"/nova health"}', '9e18bc7e36dc3e6d1c710515589a9dfe4b0cdec5464b08f4234b2138fb7fca41', 'b91122d18ce907732b3454e5076d4cefc54ecf1cce1ceacdaffccb2516d5809c'),
    (2, 1700000000000, NULL, 'answered', '01HF7YAT00STA3STDN3B1TXB2B', 'nova', '{"exit_status":3,"detail":{"fail":1}}', 'b91122d18ce907732b3454e5076d4cefc54ecf1cce1ceacdaffccb2516d5809c', '5cad9f07dc48ed9312085023ff31efe6ec874df1988a0cd01b09038e9b3d76b8'),
    (3, 1700000000000, 'inc-1', 'note', NULL, 'ana', '{"text":"before incidents"}', '5cad9f07dc48ed9312085023ff31efe6ec874df1988a0cd01b09038e9b3d76b8', '2cc58514f2b64553da9235156a949d9c47d71b978822316546338a99b561d52c');
INSERT INTO timeline_head
    (one, seq, hash, key_check)
VALUES
    (1, 3, '2cc58514f2b64553da9235156a949d9c47d71b978822316546338a99b561d52c', '0e18c73e86274b805a79e554576aeeb1e4d13746264dc76b36b59054203d2c48');
