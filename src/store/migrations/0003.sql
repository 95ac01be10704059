-- argument: what an action needs to know beside its type; for configure_auto_lock the seconds, 0 is off.
ALTER TABLE action_attempts ADD COLUMN argument INTEGER;
