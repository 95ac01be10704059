-- kept_from, kept_until: the window that the lock keeps the code to by itself, in whole minutes since 1970-01-01T00:00Z;
-- NULL: none. presence may be ahead as well: proven in the lock before its time, which the lock keeps.
ALTER TABLE access_codes ADD COLUMN kept_from INTEGER;
ALTER TABLE access_codes ADD COLUMN kept_until INTEGER;
