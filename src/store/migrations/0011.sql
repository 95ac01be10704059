-- What is asked at every turn costs what it gives, and not what is stored, however many grants there are.

-- When the next guest comes and the next one goes; of those that recur, which are left.
CREATE INDEX access_grants_to_come ON access_grants (starts_at) WHERE deleted_at IS NULL AND schedule IS NULL;
CREATE INDEX access_grants_to_end ON access_grants (ends_at) WHERE deleted_at IS NULL AND schedule IS NULL;
CREATE INDEX access_grants_recurring ON access_grants (ends_at) WHERE deleted_at IS NULL AND schedule IS NOT NULL;

-- Codes that wait outside their locks, by when they begin: those of which a host was told that something is wrong, and
-- the others.
CREATE INDEX access_codes_untroubled ON access_codes (device_id, starts_at)
    WHERE presence = 'absent' AND deleted_at IS NULL AND problem IS NULL;
CREATE INDEX access_codes_troubled ON access_codes (device_id, starts_at)
    WHERE presence = 'absent' AND deleted_at IS NULL AND problem IS NOT NULL;
-- Codes whose PIN is still known, by slot: one that comes back there is known again.
CREATE INDEX access_codes_of_slot ON access_codes (device_id, slot) WHERE pin_sealed IS NOT NULL;
