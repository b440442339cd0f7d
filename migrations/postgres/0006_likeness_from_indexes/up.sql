-- Briefs that are alike are found and compared from indexes alone: who takes part in a brief, and whether one fits. What has
-- ended is in the first too: what a brief had in common with others before it was changed is asked for.
DROP INDEX brief_actors_by_brief;
CREATE INDEX brief_actors_by_brief ON brief_actors (brief_id, actor_id, until, audience);
-- As everything that is in an index: by its bytes.
ALTER TABLE briefs ALTER COLUMN state TYPE TEXT COLLATE "C";
CREATE INDEX briefs_fitting ON briefs (id, until, audience, language, state) WHERE until IS NULL;
