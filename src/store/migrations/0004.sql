-- details: an argument that is no number, in words. pin_sealed: the admin code that a lock is to get; only while it waits.
ALTER TABLE action_attempts ADD COLUMN details TEXT;
ALTER TABLE action_attempts ADD COLUMN pin_sealed BLOB;
