DROP INDEX trend_actors_past;
DROP INDEX trends_past_brief;
DROP INDEX trends_past_series;
DROP INDEX trends_past_order;
DROP INDEX trends_past_slug;
DROP INDEX brief_translations_past;
DROP INDEX brief_events_past;
DROP INDEX briefs_past_category;
DROP INDEX briefs_past_order;
DROP INDEX briefs_past_slug;
DROP INDEX event_participants_past;
DROP INDEX events_past_kind;
DROP INDEX events_past_order;
DROP INDEX events_past_slug;
DROP INDEX actor_names_past;
DROP INDEX actors_past;
DROP INDEX journal_by_time;
DROP TABLE idempotency;
DROP TABLE erasures;
ALTER TABLE keys DROP COLUMN quota;
CREATE TABLE redirects_latest (
    kind TEXT COLLATE "C" NOT NULL,
    slug TEXT COLLATE "C" NOT NULL,
    resource_id UUID NOT NULL REFERENCES resources (id),
    PRIMARY KEY (kind, slug)
);
INSERT INTO redirects_latest (kind, slug, resource_id)
    SELECT r.kind, r.slug, r.resource_id FROM redirects AS r
    WHERE r.since = (SELECT max(o.since) FROM redirects AS o WHERE o.kind = r.kind AND o.slug = r.slug);
DROP TABLE redirects;
ALTER TABLE redirects_latest RENAME TO redirects;
ALTER INDEX redirects_latest_pkey RENAME TO redirects_pkey;
ALTER TABLE tombstones DROP COLUMN erased;
ALTER TABLE tombstones DROP COLUMN since;
ALTER TABLE resources DROP COLUMN content;
ALTER TABLE resources DROP COLUMN audience;
