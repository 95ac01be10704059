-- What is near costs what is near, and how many grants there are costs nothing, however many are to come.

-- Codes that wait, by when they begin where that is no more than 32 days before their end; long ones, and those without an
-- end, by themselves. For one index of all by their ends: it held every code to come, and each turn of a lock went through it.
DROP INDEX access_codes_waiting;
CREATE INDEX access_codes_short ON access_codes (device_id, starts_at)
    WHERE presence = 'absent' AND deleted_at IS NULL AND ends_at - starts_at <= 2764800000000;
CREATE INDEX access_codes_long ON access_codes (device_id, ends_at, starts_at)
    WHERE presence = 'absent' AND deleted_at IS NULL AND ends_at - starts_at > 2764800000000;
CREATE INDEX access_codes_ongoing ON access_codes (device_id, starts_at)
    WHERE presence = 'absent' AND deleted_at IS NULL AND ends_at IS NULL;

-- How many grants were neither deleted nor over at counted_at: kept as of that time by whoever changes one, and moved on by
-- whoever asks for another time.
CREATE TABLE current_grants (
    counted_at INTEGER NOT NULL,
    grants     INTEGER NOT NULL
) STRICT;
INSERT INTO current_grants (counted_at, grants)
    SELECT 0, count(*) FROM access_grants WHERE deleted_at IS NULL AND coalesce(ends_at > 0, TRUE);

CREATE TRIGGER grant_made AFTER INSERT ON access_grants BEGIN
    UPDATE current_grants
    SET grants = grants + (NEW.deleted_at IS NULL AND coalesce(NEW.ends_at > counted_at, TRUE));
END;
CREATE TRIGGER grant_changed AFTER UPDATE OF ends_at, deleted_at ON access_grants BEGIN
    UPDATE current_grants
    SET grants = grants - (OLD.deleted_at IS NULL AND coalesce(OLD.ends_at > counted_at, TRUE))
        + (NEW.deleted_at IS NULL AND coalesce(NEW.ends_at > counted_at, TRUE));
END;
CREATE TRIGGER grant_gone AFTER DELETE ON access_grants BEGIN
    UPDATE current_grants
    SET grants = grants - (OLD.deleted_at IS NULL AND coalesce(OLD.ends_at > counted_at, TRUE));
END;
