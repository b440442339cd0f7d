-- A list finds out which rows it shows from an index alone, and takes the rows themselves from where they are ready. `until`
-- is null in these indexes, and is in them so that a statement that asks for that finds it there.
DROP INDEX events_order;
DROP INDEX events_by_kind;
DROP INDEX events_by_country;
DROP INDEX events_by_update;
DROP INDEX briefs_order;
DROP INDEX briefs_by_category;
DROP INDEX briefs_by_country;
DROP INDEX briefs_by_language;
DROP INDEX briefs_by_update;
CREATE INDEX events_order ON events (occurred_from DESC, id DESC, since, until, audience) WHERE until IS NULL;
CREATE INDEX events_by_kind ON events (kind, occurred_from DESC, id DESC, since, until, audience) WHERE until IS NULL;
CREATE INDEX events_by_country ON events (country, occurred_from DESC, id DESC, since, until, audience) WHERE until IS NULL;
CREATE INDEX events_by_update ON events (updated_at, id, since, until, audience) WHERE until IS NULL;
CREATE INDEX briefs_order ON briefs (listed_at DESC, id DESC, since, until, audience) WHERE until IS NULL;
CREATE INDEX briefs_by_category ON briefs (category_id, listed_at DESC, id DESC, since, until, audience) WHERE until IS NULL;
CREATE INDEX briefs_by_country ON briefs (country, listed_at DESC, id DESC, since, until, audience) WHERE until IS NULL;
CREATE INDEX briefs_by_language ON briefs (language, listed_at DESC, id DESC, since, until, audience) WHERE until IS NULL;
CREATE INDEX briefs_by_update ON briefs (updated_at, id, since, until, audience) WHERE until IS NULL;
