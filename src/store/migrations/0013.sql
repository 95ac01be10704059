-- What the label of a Z-Wave lock shows, by which it is known again when it is added anew; NULL: not known.
ALTER TABLE devices ADD COLUMN label TEXT;
