-- What a battery tells beside its level, as JSON; NULL: nothing.
ALTER TABLE devices ADD COLUMN battery_details TEXT;
