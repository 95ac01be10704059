-- Long stays are few: of all others, those that are on or begin soon are found by when they end.
CREATE INDEX access_grants_long ON access_grants (ends_at) WHERE deleted_at IS NULL AND ends_at - starts_at > 2764800000000;
