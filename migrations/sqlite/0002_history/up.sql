-- What reading the past and writing safely need beside the versions: who may see a thing now, whenever it is read; since
-- when a slug leads elsewhere and a thing is gone; answers that are given again; and indexes over versions that have ended.

-- Who may see the thing now, and who may see what it says (of a retracted brief, the editors). The past is shown to those
-- only who could see it then and may see it now. Nobody may see what was erased.
ALTER TABLE resources ADD COLUMN audience INTEGER NOT NULL DEFAULT 0;
ALTER TABLE resources ADD COLUMN content INTEGER NOT NULL DEFAULT 0;
UPDATE resources SET audience = 1023, content = 1023 WHERE kind IN ('actor', 'category');
UPDATE resources SET audience = (SELECT v.audience FROM events AS v WHERE v.id = resources.id ORDER BY v.since DESC LIMIT 1)
    WHERE kind = 'event' AND EXISTS (SELECT 1 FROM events AS v WHERE v.id = resources.id);
UPDATE resources SET audience = (SELECT v.audience FROM trends AS v WHERE v.id = resources.id ORDER BY v.since DESC LIMIT 1)
    WHERE kind = 'trend' AND EXISTS (SELECT 1 FROM trends AS v WHERE v.id = resources.id);
UPDATE resources SET audience = (SELECT v.audience FROM briefs AS v WHERE v.id = resources.id ORDER BY v.since DESC LIMIT 1)
    WHERE kind = 'brief' AND EXISTS (SELECT 1 FROM briefs AS v WHERE v.id = resources.id);
UPDATE resources SET content = audience;
UPDATE resources SET content = audience & 992
    WHERE kind = 'brief'
    AND (SELECT v.state FROM briefs AS v WHERE v.id = resources.id ORDER BY v.since DESC LIMIT 1) = 'retracted';

-- Since which position a thing is gone, and whether its content was destroyed in every version.
ALTER TABLE tombstones ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tombstones ADD COLUMN erased BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE tombstones SET since = coalesce(
    (SELECT max(j.since) FROM journal AS j WHERE j.resource_id = tombstones.id AND j.change = 'removed'), 0
);

-- The versions whose content was destroyed, for those who could once see them.
CREATE TABLE erasures (
    resource_id BLOB NOT NULL REFERENCES resources (id),
    version INTEGER NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER,
    erased_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    audience INTEGER NOT NULL,
    PRIMARY KEY (resource_id, version)
) WITHOUT ROWID;

-- The slugs that resources had before, each with the position from which it leads elsewhere.
CREATE TABLE redirects_since (
    kind TEXT NOT NULL,
    slug TEXT NOT NULL,
    since INTEGER NOT NULL,
    resource_id BLOB NOT NULL REFERENCES resources (id),
    PRIMARY KEY (kind, slug, since)
) WITHOUT ROWID;
INSERT INTO redirects_since (kind, slug, since, resource_id) SELECT kind, slug, 0, resource_id FROM redirects;
DROP TABLE redirects;
ALTER TABLE redirects_since RENAME TO redirects;
CREATE INDEX redirects_of_resource ON redirects (resource_id);

-- How many requests a minute a key has, if it has a quota of its own.
ALTER TABLE keys ADD COLUMN quota INTEGER;

-- The answers to requests that carried an `Idempotency-Key`, to be given again.
CREATE TABLE idempotency (
    key_id BLOB NOT NULL REFERENCES keys (id),
    idempotency_key TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    status INTEGER NOT NULL,
    headers TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (key_id, idempotency_key)
) WITHOUT ROWID;
CREATE INDEX idempotency_by_age ON idempotency (created_at);

-- From a time to the last position that was written by then.
CREATE INDEX journal_by_time ON journal (at, position);

-- Of what stood in the past, what lives still is read along the indexes of the living. What has ended is read along these,
-- in the same orders; an import, which ends nothing, pays nothing for them.
CREATE INDEX actors_ended ON actors (slug, id) WHERE until IS NOT NULL;
CREATE INDEX actor_names_ended ON actor_names (folded, actor_id) WHERE until IS NOT NULL;
CREATE INDEX events_ended_slug ON events (slug) WHERE until IS NOT NULL;
CREATE INDEX events_ended_order ON events (occurred_from DESC, id DESC) WHERE until IS NOT NULL;
CREATE INDEX events_ended_kind ON events (kind, occurred_from DESC, id DESC) WHERE until IS NOT NULL;
CREATE INDEX briefs_ended_slug ON briefs (slug) WHERE until IS NOT NULL;
CREATE INDEX briefs_ended_order ON briefs (listed_at DESC, id DESC) WHERE until IS NOT NULL;
CREATE INDEX briefs_ended_category ON briefs (category_id, listed_at DESC, id DESC) WHERE until IS NOT NULL;
CREATE INDEX trends_ended_slug ON trends (slug) WHERE until IS NOT NULL;
CREATE INDEX trends_ended_order ON trends (period_to DESC, id DESC) WHERE until IS NOT NULL;
CREATE INDEX trends_ended_series ON trends (series, period_to DESC, id DESC) WHERE until IS NOT NULL;

-- What lives now and did not live then is passed over in the index.
DROP INDEX events_order;
DROP INDEX events_by_kind;
DROP INDEX events_by_country;
DROP INDEX briefs_order;
DROP INDEX briefs_by_category;
DROP INDEX briefs_by_country;
DROP INDEX briefs_by_language;
DROP INDEX trends_order;
CREATE INDEX events_order ON events (occurred_from DESC, id DESC, since) WHERE until IS NULL;
CREATE INDEX events_by_kind ON events (kind, occurred_from DESC, id DESC, since) WHERE until IS NULL;
CREATE INDEX events_by_country ON events (country, occurred_from DESC, id DESC, since) WHERE until IS NULL;
CREATE INDEX briefs_order ON briefs (listed_at DESC, id DESC, since) WHERE until IS NULL;
CREATE INDEX briefs_by_category ON briefs (category_id, listed_at DESC, id DESC, since) WHERE until IS NULL;
CREATE INDEX briefs_by_country ON briefs (country, listed_at DESC, id DESC, since) WHERE until IS NULL;
CREATE INDEX briefs_by_language ON briefs (language, listed_at DESC, id DESC, since) WHERE until IS NULL;
CREATE INDEX trends_order ON trends (period_to DESC, id DESC, since) WHERE until IS NULL;

-- What belongs to a thing is looked up by it at every moment: these hold the living and what has ended.
DROP INDEX event_participants_by_event;
DROP INDEX brief_events_by_event;
DROP INDEX brief_translations_by_group;
DROP INDEX trends_by_series;
DROP INDEX trends_by_brief;
DROP INDEX trend_actors_by_trend;
CREATE INDEX event_participants_by_event ON event_participants (event_id);
CREATE INDEX brief_events_by_event ON brief_events (event_id);
CREATE INDEX brief_translations_by_group ON brief_translations (group_id);
CREATE INDEX trends_by_series ON trends (series, period_to DESC, id DESC);
CREATE INDEX trends_by_brief ON trends (brief_id, position);
CREATE INDEX trend_actors_by_trend ON trend_actors (trend_id);
