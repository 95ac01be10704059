-- How far the lock's own log was read, as JSON: when, and the newest record then. NULL: never yet.
ALTER TABLE devices ADD COLUMN log_mark TEXT;
