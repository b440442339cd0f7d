DROP INDEX briefs_fitting;
DROP INDEX brief_actors_by_brief;
CREATE INDEX brief_actors_by_brief ON brief_actors (brief_id) WHERE until IS NULL;
