-- interview: how far a lock is being asked what it can do, as JSON; NULL: it is not being asked.
ALTER TABLE devices ADD COLUMN interview TEXT;
