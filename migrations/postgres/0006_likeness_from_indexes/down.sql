DROP INDEX briefs_fitting;
ALTER TABLE briefs ALTER COLUMN state TYPE TEXT COLLATE "default";
DROP INDEX brief_actors_by_brief;
CREATE INDEX brief_actors_by_brief ON brief_actors (brief_id) WHERE until IS NULL;
