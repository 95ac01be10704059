-- When the host last said what the code should be, from which on it is late; NULL: not since it was made.
ALTER TABLE access_codes ADD COLUMN ordered_at INTEGER;
