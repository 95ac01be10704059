-- Why a lock is not in its network any more, in a word; NULL: it is, or nobody knows.
ALTER TABLE devices ADD COLUMN gone TEXT;
