-- Schema 2: spaces, recurring grants, codes made on one device without a grant, devices that are left alone or were
-- taken away, who did what, webhooks and API keys. Runs with foreign keys off, and is checked for them before its end:
-- access_codes is made anew.

-- nickname: the host's own name, over the configured one. custom_metadata: a JSON object of the host's.
-- is_managed 0: nothing is ever written to the lock. configured 0: it was taken out of the configuration.
ALTER TABLE devices ADD COLUMN nickname TEXT;
ALTER TABLE devices ADD COLUMN custom_metadata TEXT NOT NULL DEFAULT '{}';
ALTER TABLE devices ADD COLUMN is_managed INTEGER NOT NULL DEFAULT 1;
ALTER TABLE devices ADD COLUMN configured INTEGER NOT NULL DEFAULT 1;

CREATE TABLE spaces (
    space_id   BLOB PRIMARY KEY,
    space_key  TEXT UNIQUE,
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE space_devices (
    space_id  BLOB NOT NULL REFERENCES spaces (space_id) ON DELETE CASCADE,
    position  INTEGER NOT NULL,
    device_id BLOB NOT NULL REFERENCES devices (device_id),
    PRIMARY KEY (space_id, position),
    UNIQUE (space_id, device_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX spaces_of_device ON space_devices (device_id);

-- Its own devices are in access_grant_devices; a grant reaches those of its spaces as well.
CREATE TABLE access_grant_spaces (
    access_grant_id BLOB NOT NULL REFERENCES access_grants (access_grant_id) ON DELETE CASCADE,
    position        INTEGER NOT NULL,
    space_id        BLOB NOT NULL REFERENCES spaces (space_id) ON DELETE CASCADE,
    PRIMARY KEY (access_grant_id, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX access_grants_of_space ON access_grant_spaces (space_id);

-- schedule: JSON, {"cron", "duration", "time_zone"}.
ALTER TABLE access_grants ADD COLUMN reservation_key TEXT;
ALTER TABLE access_grants ADD COLUMN schedule TEXT;

CREATE INDEX access_grants_by_reservation ON access_grants (reservation_key) WHERE reservation_key IS NOT NULL;

-- deleted_at: by itself, before its grant. revoked_at: its codes were out of every lock. failed_at: it was not issued
-- when its grant began. Each is told once.
ALTER TABLE access_methods ADD COLUMN deleted_at INTEGER;
ALTER TABLE access_methods ADD COLUMN revoked_at INTEGER;
ALTER TABLE access_methods ADD COLUMN failed_at INTEGER;

CREATE TABLE new_access_codes (
    access_code_id   BLOB PRIMARY KEY,
    -- grant, device (made on one device, without a grant), hand (put in by hand, and ordered out by the host), or
    -- former (what former_of was in its lock before it got another PIN).
    origin           TEXT NOT NULL,
    -- Of a grant's code.
    access_method_id BLOB REFERENCES access_methods (access_method_id) ON DELETE CASCADE,
    access_grant_id  BLOB REFERENCES access_grants (access_grant_id) ON DELETE CASCADE,
    user_identity_id BLOB,
    -- Of a code made on one device.
    name             TEXT,
    common_code_key  TEXT,
    refused_length   INTEGER,
    former_of        BLOB,
    external_modification_allowed INTEGER NOT NULL DEFAULT 0,
    device_id        BLOB NOT NULL REFERENCES devices (device_id),
    slot             INTEGER NOT NULL,
    pin_sealed       BLOB,
    starts_at        INTEGER NOT NULL,
    ends_at          INTEGER,
    schedule         TEXT,
    deleted_at       INTEGER,
    -- absent, unproven (a write was begun; written before the radio is told) or proven.
    presence         TEXT NOT NULL,
    evidence         TEXT,
    proven_at        INTEGER,
    problem          TEXT,
    problem_message  TEXT,
    problem_since    INTEGER,
    created_at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO new_access_codes (access_code_id, origin, access_method_id, access_grant_id, user_identity_id, device_id,
    slot, pin_sealed, starts_at, ends_at, deleted_at, presence, evidence, proven_at, problem, problem_message,
    problem_since, created_at)
SELECT access_code_id, 'grant', access_method_id, access_grant_id, user_identity_id, device_id, slot, pin_sealed,
    starts_at, ends_at, deleted_at, presence, evidence, proven_at, problem, problem_message, problem_since, created_at
FROM access_codes;

DROP TABLE access_codes;
ALTER TABLE new_access_codes RENAME TO access_codes;

CREATE INDEX access_codes_of_method ON access_codes (access_method_id);
CREATE INDEX access_codes_of_grant ON access_codes (access_grant_id);
CREATE INDEX access_codes_of_device ON access_codes (device_id);
CREATE INDEX access_codes_in_lock ON access_codes (device_id) WHERE presence <> 'absent';
CREATE INDEX access_codes_waiting ON access_codes (device_id, ends_at, starts_at)
    WHERE presence = 'absent' AND deleted_at IS NULL;
CREATE INDEX access_codes_with_key ON access_codes (common_code_key) WHERE common_code_key IS NOT NULL;
-- What is to be purged one day: codes and methods that were deleted, and the PINs of codes without a grant.
CREATE INDEX access_codes_deleted ON access_codes (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX access_codes_with_pins ON access_codes (ends_at) WHERE access_grant_id IS NULL AND pin_sealed IS NOT NULL;
CREATE INDEX access_methods_deleted ON access_methods (deleted_at) WHERE deleted_at IS NOT NULL;

-- caller: who asked for what the event tells of; NULL: nobody did, it happened.
ALTER TABLE events ADD COLUMN caller TEXT;
ALTER TABLE events ADD COLUMN space_id BLOB;

CREATE INDEX events_of_space ON events (space_id, occurred_at) WHERE space_id IS NOT NULL;

-- How far each has handed events on is in cursors. event_types: a JSON list of names; empty: every event.
CREATE TABLE webhooks (
    webhook_id        BLOB PRIMARY KEY,
    url               TEXT NOT NULL,
    event_types       TEXT NOT NULL,
    secret_sealed     BLOB NOT NULL,
    created_at        INTEGER NOT NULL,
    last_delivered_at INTEGER,
    last_failed_at    INTEGER,
    last_failure      TEXT,
    -- Attempts that failed in a row, and when the next one is.
    failures          INTEGER NOT NULL DEFAULT 0,
    next_attempt_at   INTEGER,
    -- Events that were given up.
    given_up          INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- hash: SHA-256 of the key.
CREATE TABLE api_keys (
    api_key_id   BLOB PRIMARY KEY,
    name         TEXT NOT NULL UNIQUE,
    role         TEXT NOT NULL,
    hash         BLOB NOT NULL UNIQUE,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT, WITHOUT ROWID;
