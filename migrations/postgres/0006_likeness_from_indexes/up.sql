-- Who takes part in a brief is found from an index alone. What has ended is in it too: what a brief had in common with others
-- before it was changed is asked for.
DROP INDEX brief_actors_by_brief;
CREATE INDEX brief_actors_by_brief ON brief_actors (brief_id, actor_id, until, audience);
