CREATE INDEX access_codes_deleted ON access_codes (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX access_codes_in_lock ON access_codes (device_id) WHERE presence <> 'absent';
CREATE INDEX access_codes_long ON access_codes (device_id, ends_at, starts_at)
    WHERE presence = 'absent' AND deleted_at IS NULL AND ends_at - starts_at > 2764800000000;
CREATE INDEX access_codes_of_device ON access_codes (device_id);
CREATE INDEX access_codes_of_grant ON access_codes (access_grant_id);
CREATE INDEX access_codes_of_method ON access_codes (access_method_id);
CREATE INDEX access_codes_of_slot ON access_codes (device_id, slot) WHERE pin_sealed IS NOT NULL;
CREATE INDEX access_codes_ongoing ON access_codes (device_id, starts_at)
    WHERE presence = 'absent' AND deleted_at IS NULL AND ends_at IS NULL;
CREATE INDEX access_codes_short ON access_codes (device_id, starts_at)
    WHERE presence = 'absent' AND deleted_at IS NULL AND ends_at - starts_at <= 2764800000000;
CREATE INDEX access_codes_troubled ON access_codes (device_id, starts_at)
    WHERE presence = 'absent' AND deleted_at IS NULL AND problem IS NOT NULL;
CREATE INDEX access_codes_untroubled ON access_codes (device_id, starts_at)
    WHERE presence = 'absent' AND deleted_at IS NULL AND problem IS NULL;
CREATE INDEX access_codes_with_key ON access_codes (common_code_key) WHERE common_code_key IS NOT NULL;
CREATE INDEX access_codes_with_pins ON access_codes (ends_at) WHERE access_grant_id IS NULL AND pin_sealed IS NOT NULL;
CREATE INDEX access_grants_by_end ON access_grants (ends_at) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX access_grants_by_key ON access_grants (access_grant_key)
    WHERE access_grant_key IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX access_grants_by_reservation ON access_grants (reservation_key) WHERE reservation_key IS NOT NULL;
CREATE INDEX access_grants_deleted ON access_grants (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX access_grants_long ON access_grants (ends_at) WHERE deleted_at IS NULL AND ends_at - starts_at > 2764800000000;
CREATE INDEX access_grants_of_device ON access_grant_devices (device_id);
CREATE INDEX access_grants_of_space ON access_grant_spaces (space_id);
CREATE INDEX access_grants_of_user ON access_grants (user_identity_id) WHERE deleted_at IS NULL;
CREATE INDEX access_grants_recurring ON access_grants (ends_at) WHERE deleted_at IS NULL AND schedule IS NOT NULL;
CREATE INDEX access_grants_to_come ON access_grants (starts_at) WHERE deleted_at IS NULL AND schedule IS NULL;
CREATE INDEX access_grants_to_end ON access_grants (ends_at) WHERE deleted_at IS NULL AND schedule IS NULL;
CREATE INDEX access_grants_with_pins
    ON access_grants (min(coalesce(deleted_at, 9223372036854775807), coalesce(ends_at, 9223372036854775807)))
    WHERE pins_purged = 0;
CREATE INDEX access_methods_deleted ON access_methods (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX access_methods_of_grant ON access_methods (access_grant_id);
CREATE INDEX action_attempts_by_age ON action_attempts (created_at);
CREATE INDEX action_attempts_pending ON action_attempts (device_id) WHERE status = 'pending';
CREATE INDEX events_by_time ON events (occurred_at);
CREATE INDEX events_of_code ON events (access_code_id, occurred_at) WHERE access_code_id IS NOT NULL;
CREATE INDEX events_of_device ON events (device_id, occurred_at) WHERE device_id IS NOT NULL;
CREATE INDEX events_of_grant ON events (access_grant_id, occurred_at) WHERE access_grant_id IS NOT NULL;
CREATE INDEX events_of_method ON events (access_method_id, occurred_at) WHERE access_method_id IS NOT NULL;
CREATE INDEX events_of_space ON events (space_id, occurred_at) WHERE space_id IS NOT NULL;
CREATE INDEX events_of_user ON events (user_identity_id, occurred_at) WHERE user_identity_id IS NOT NULL;
CREATE INDEX requests_by_age ON requests (answered_at);
CREATE INDEX spaces_of_device ON space_devices (device_id);
CREATE TABLE "access_codes" (
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
, kept_from INTEGER, kept_until INTEGER, ordered_at INTEGER) STRICT, WITHOUT ROWID;
CREATE TABLE access_grant_devices (
    access_grant_id BLOB NOT NULL REFERENCES access_grants (access_grant_id) ON DELETE CASCADE,
    position        INTEGER NOT NULL,
    device_id       BLOB NOT NULL REFERENCES devices (device_id),
    PRIMARY KEY (access_grant_id, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE access_grant_spaces (
    access_grant_id BLOB NOT NULL REFERENCES access_grants (access_grant_id) ON DELETE CASCADE,
    position        INTEGER NOT NULL,
    space_id        BLOB NOT NULL REFERENCES spaces (space_id) ON DELETE CASCADE,
    PRIMARY KEY (access_grant_id, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE access_grants (
    access_grant_id  BLOB PRIMARY KEY,
    access_grant_key TEXT,
    user_identity_id BLOB NOT NULL,
    name             TEXT,
    starts_at        INTEGER NOT NULL,
    ends_at          INTEGER,
    created_at       INTEGER NOT NULL,
    deleted_at       INTEGER,
    -- 1: its PINs are gone from the database.
    pins_purged      INTEGER NOT NULL DEFAULT 0
, reservation_key TEXT, schedule TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE access_methods (
    access_method_id BLOB PRIMARY KEY,
    access_grant_id  BLOB NOT NULL REFERENCES access_grants (access_grant_id) ON DELETE CASCADE,
    pin_sealed       BLOB,
    requested        INTEGER NOT NULL,
    refused_length   INTEGER,
    issued_at        INTEGER,
    created_at       INTEGER NOT NULL
, deleted_at INTEGER, revoked_at INTEGER, failed_at INTEGER) STRICT, WITHOUT ROWID;
CREATE TABLE action_attempts (
    action_attempt_id BLOB PRIMARY KEY,
    device_id         BLOB NOT NULL REFERENCES devices (device_id),
    action_type       TEXT NOT NULL,
    status            TEXT NOT NULL,
    error_type        TEXT,
    error_message     TEXT,
    created_at        INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL
, argument INTEGER, details TEXT, pin_sealed BLOB) STRICT, WITHOUT ROWID;
CREATE TABLE api_keys (
    api_key_id   BLOB PRIMARY KEY,
    name         TEXT NOT NULL UNIQUE,
    role         TEXT NOT NULL,
    hash         BLOB NOT NULL UNIQUE,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE current_grants (
    counted_at INTEGER NOT NULL,
    grants     INTEGER NOT NULL
) STRICT;
CREATE TABLE cursors (
    door     TEXT PRIMARY KEY,
    number   INTEGER NOT NULL,
    moved_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE devices (
    device_id       BLOB PRIMARY KEY,
    name            TEXT NOT NULL,
    radio           TEXT NOT NULL,
    network         TEXT NOT NULL,
    lock            INTEGER NOT NULL,
    info            TEXT,
    online          INTEGER NOT NULL,
    locked          INTEGER,
    door_open       INTEGER,
    battery_percent INTEGER,
    battery_low     INTEGER NOT NULL,
    jammed          INTEGER NOT NULL,
    last_seen       INTEGER,
    created_at      INTEGER NOT NULL, nickname TEXT, custom_metadata TEXT NOT NULL DEFAULT '{}', is_managed INTEGER NOT NULL DEFAULT 1, configured INTEGER NOT NULL DEFAULT 1, interview TEXT, link TEXT, log_mark TEXT, gone TEXT, battery_details TEXT, label TEXT,
    UNIQUE (radio, network, lock)
) STRICT, WITHOUT ROWID;
CREATE TABLE events (
    number            INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id          BLOB NOT NULL UNIQUE,
    event_type        TEXT NOT NULL,
    occurred_at       INTEGER NOT NULL,
    device_id         BLOB,
    access_code_id    BLOB,
    access_grant_id   BLOB,
    access_method_id  BLOB,
    user_identity_id  BLOB,
    action_attempt_id BLOB,
    details           TEXT NOT NULL
, caller TEXT, space_id BLOB) STRICT;
CREATE TABLE journal (
    access_code_id BLOB NOT NULL REFERENCES access_codes (access_code_id) ON DELETE CASCADE,
    number         INTEGER NOT NULL,
    noted_at       INTEGER NOT NULL,
    entry          TEXT NOT NULL,
    change         TEXT,
    evidence       TEXT,
    reason         TEXT,
    PRIMARY KEY (access_code_id, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE radio_records (
    stick        TEXT NOT NULL,
    record       TEXT NOT NULL,
    value_sealed BLOB NOT NULL,
    PRIMARY KEY (stick, record)
) STRICT, WITHOUT ROWID;
CREATE TABLE requests (
    request_id      TEXT PRIMARY KEY,
    question_sealed BLOB NOT NULL,
    answer_sealed   BLOB NOT NULL,
    answered_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE slots (
    device_id  BLOB NOT NULL REFERENCES devices (device_id),
    slot       INTEGER NOT NULL,
    content    TEXT NOT NULL,
    pin_sealed BLOB,
    told_at    INTEGER NOT NULL,
    PRIMARY KEY (device_id, slot)
) STRICT, WITHOUT ROWID;
CREATE TABLE space_devices (
    space_id  BLOB NOT NULL REFERENCES spaces (space_id) ON DELETE CASCADE,
    position  INTEGER NOT NULL,
    device_id BLOB NOT NULL REFERENCES devices (device_id),
    PRIMARY KEY (space_id, position),
    UNIQUE (space_id, device_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE spaces (
    space_id   BLOB PRIMARY KEY,
    space_key  TEXT UNIQUE,
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE unmanaged_codes (
    access_code_id BLOB PRIMARY KEY,
    device_id      BLOB NOT NULL REFERENCES devices (device_id),
    slot           INTEGER NOT NULL,
    content        TEXT NOT NULL,
    pin_sealed     BLOB,
    created_at     INTEGER NOT NULL,
    UNIQUE (device_id, slot)
) STRICT, WITHOUT ROWID;
CREATE TABLE user_identities (
    user_identity_id  BLOB PRIMARY KEY,
    user_identity_key TEXT UNIQUE,
    email_address     TEXT UNIQUE,
    phone_number      TEXT UNIQUE,
    full_name         TEXT,
    created_at        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
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
CREATE TRIGGER grant_changed AFTER UPDATE OF ends_at, deleted_at ON access_grants BEGIN
    UPDATE current_grants
    SET grants = grants - (OLD.deleted_at IS NULL AND coalesce(OLD.ends_at > counted_at, TRUE))
        + (NEW.deleted_at IS NULL AND coalesce(NEW.ends_at > counted_at, TRUE));
END;
CREATE TRIGGER grant_gone AFTER DELETE ON access_grants BEGIN
    UPDATE current_grants
    SET grants = grants - (OLD.deleted_at IS NULL AND coalesce(OLD.ends_at > counted_at, TRUE));
END;
CREATE TRIGGER grant_made AFTER INSERT ON access_grants BEGIN
    UPDATE current_grants
    SET grants = grants + (NEW.deleted_at IS NULL AND coalesce(NEW.ends_at > counted_at, TRUE));
END;
