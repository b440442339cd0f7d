CREATE TABLE briefs_in_order (
    id BLOB NOT NULL REFERENCES resources (id),
    since INTEGER NOT NULL,
    until INTEGER,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    audience INTEGER NOT NULL,
    slug TEXT NOT NULL,
    title TEXT NOT NULL,
    category_id BLOB NOT NULL REFERENCES resources (id),
    category_status TEXT,
    language TEXT NOT NULL,
    country TEXT,
    period_from DATE,
    period_to DATE,
    summary TEXT,
    body TEXT,
    body_html TEXT,
    image TEXT,
    authors TEXT NOT NULL,
    sources TEXT NOT NULL,
    marking TEXT NOT NULL,
    license TEXT,
    canonical_url TEXT,
    state TEXT NOT NULL,
    published_at INTEGER,
    listed_at INTEGER NOT NULL,
    embargo_until INTEGER,
    scheduled_for INTEGER,
    corrections TEXT NOT NULL,
    retraction TEXT,
    PRIMARY KEY (id, since)
);
INSERT INTO briefs_in_order (
    id, since, until, version, created_at, updated_at, audience, slug, title, category_id, category_status, language,
    country, period_from, period_to, summary, body, body_html, image, authors, sources, marking, license,
    canonical_url, state, published_at, listed_at, embargo_until, scheduled_for, corrections, retraction
)
SELECT
    id, since, until, version, created_at, updated_at, audience, slug, title, category_id, category_status, language,
    country, period_from, period_to, summary, body, body_html, image, authors, sources, marking, license,
    canonical_url, state, published_at, listed_at, embargo_until, scheduled_for, corrections, retraction
FROM briefs;
DROP TABLE briefs;
ALTER TABLE briefs_in_order RENAME TO briefs;
CREATE UNIQUE INDEX briefs_living ON briefs (id) WHERE until IS NULL;
CREATE UNIQUE INDEX briefs_slug ON briefs (slug) WHERE until IS NULL;
CREATE INDEX briefs_by_update ON briefs (updated_at, id) WHERE until IS NULL;
CREATE INDEX briefs_scheduled ON briefs (scheduled_for) WHERE until IS NULL AND scheduled_for IS NOT NULL;
CREATE INDEX briefs_embargoed ON briefs (embargo_until) WHERE until IS NULL AND embargo_until IS NOT NULL;
CREATE INDEX briefs_ended_slug ON briefs (slug) WHERE until IS NOT NULL;
CREATE INDEX briefs_ended_order ON briefs (listed_at DESC, id DESC) WHERE until IS NOT NULL;
CREATE INDEX briefs_ended_category ON briefs (category_id, listed_at DESC, id DESC) WHERE until IS NOT NULL;
CREATE INDEX briefs_order ON briefs (listed_at DESC, id DESC, since) WHERE until IS NULL;
CREATE INDEX briefs_by_category ON briefs (category_id, listed_at DESC, id DESC, since) WHERE until IS NULL;
CREATE INDEX briefs_by_country ON briefs (country, listed_at DESC, id DESC, since) WHERE until IS NULL;
CREATE INDEX briefs_by_language ON briefs (language, listed_at DESC, id DESC, since) WHERE until IS NULL;
