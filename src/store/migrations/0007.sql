-- link: how the last frames to a lock went, as JSON; NULL: not told yet.
ALTER TABLE devices ADD COLUMN link TEXT;
