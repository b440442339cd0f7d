DROP INDEX trend_actors_by_trend;
DROP INDEX trends_by_brief;
DROP INDEX trends_by_series;
DROP INDEX brief_translations_by_group;
DROP INDEX brief_events_by_event;
DROP INDEX event_participants_by_event;
CREATE INDEX event_participants_by_event ON event_participants (event_id) WHERE until IS NULL;
CREATE INDEX brief_events_by_event ON brief_events (event_id) WHERE until IS NULL;
CREATE INDEX brief_translations_by_group ON brief_translations (group_id) WHERE until IS NULL;
CREATE INDEX trends_by_series ON trends (series, period_to DESC, id DESC) WHERE until IS NULL;
CREATE INDEX trends_by_brief ON trends (brief_id, position) WHERE until IS NULL;
CREATE INDEX trend_actors_by_trend ON trend_actors (trend_id) WHERE until IS NULL;
DROP INDEX events_order;
DROP INDEX events_by_kind;
DROP INDEX events_by_country;
DROP INDEX briefs_order;
DROP INDEX briefs_by_category;
DROP INDEX briefs_by_country;
DROP INDEX briefs_by_language;
DROP INDEX trends_order;
CREATE INDEX events_order ON events (occurred_from DESC, id DESC) WHERE until IS NULL;
CREATE INDEX events_by_kind ON events (kind, occurred_from DESC, id DESC) WHERE until IS NULL;
CREATE INDEX events_by_country ON events (country, occurred_from DESC, id DESC) WHERE until IS NULL;
CREATE INDEX briefs_order ON briefs (listed_at DESC, id DESC) WHERE until IS NULL;
CREATE INDEX briefs_by_category ON briefs (category_id, listed_at DESC, id DESC) WHERE until IS NULL;
CREATE INDEX briefs_by_country ON briefs (country, listed_at DESC, id DESC) WHERE until IS NULL;
CREATE INDEX briefs_by_language ON briefs (language, listed_at DESC, id DESC) WHERE until IS NULL;
CREATE INDEX trends_order ON trends (period_to DESC, id DESC) WHERE until IS NULL;
DROP INDEX trends_ended_series;
DROP INDEX trends_ended_order;
DROP INDEX trends_ended_slug;
DROP INDEX briefs_ended_category;
DROP INDEX briefs_ended_order;
DROP INDEX briefs_ended_slug;
DROP INDEX events_ended_kind;
DROP INDEX events_ended_order;
DROP INDEX events_ended_slug;
DROP INDEX actor_names_ended;
DROP INDEX actors_ended;
DROP INDEX journal_by_time;
DROP TABLE idempotency;
DROP TABLE erasures;
ALTER TABLE keys DROP COLUMN quota;
CREATE TABLE redirects_latest (
    kind TEXT NOT NULL,
    slug TEXT NOT NULL,
    resource_id BLOB NOT NULL REFERENCES resources (id),
    PRIMARY KEY (kind, slug)
) WITHOUT ROWID;
INSERT INTO redirects_latest (kind, slug, resource_id)
    SELECT r.kind, r.slug, r.resource_id FROM redirects AS r
    WHERE r.since = (SELECT max(o.since) FROM redirects AS o WHERE o.kind = r.kind AND o.slug = r.slug);
DROP TABLE redirects;
ALTER TABLE redirects_latest RENAME TO redirects;
ALTER TABLE tombstones DROP COLUMN erased;
ALTER TABLE tombstones DROP COLUMN since;
ALTER TABLE resources DROP COLUMN content;
ALTER TABLE resources DROP COLUMN audience;
