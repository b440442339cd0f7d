-- Identities are 16-byte blobs, instants are integers of microseconds since 1970. Tables without a rowid are those that
-- are read in the order of their key. `until IS NULL` marks the living version, and stands in every partial index.

-- Who may call. Only a hash of the secret is kept; a revoked key stays, since the journal names it.
CREATE TABLE keys (
    id BLOB PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    clearance TEXT NOT NULL,
    secret_hash BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) WITHOUT ROWID;

-- The identity of everything, the target of every reference, never deleted.
CREATE TABLE resources (
    id BLOB PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

-- One row for each resource that a write changed, in commit order. `since` is the first position of the write: the
-- versions that it made stand from there, so that no position shows half of it.
CREATE TABLE journal (
    position INTEGER PRIMARY KEY NOT NULL,
    since INTEGER NOT NULL,
    at INTEGER NOT NULL,
    key_id BLOB REFERENCES keys (id),
    kind TEXT NOT NULL,
    resource_id BLOB NOT NULL REFERENCES resources (id),
    version INTEGER NOT NULL,
    change TEXT NOT NULL,
    via_id BLOB REFERENCES resources (id),
    audience INTEGER NOT NULL
);
CREATE INDEX journal_of_resource ON journal (resource_id, at);
CREATE INDEX journal_of_kind ON journal (kind, at);

-- For each class of callers, the last position that changed something it may see: what validators are made of.
CREATE TABLE heads (
    class INTEGER PRIMARY KEY NOT NULL,
    position INTEGER NOT NULL,
    at INTEGER NOT NULL
) WITHOUT ROWID;

-- What was deleted, for those who could once see it.
CREATE TABLE tombstones (
    id BLOB PRIMARY KEY NOT NULL REFERENCES resources (id),
    kind TEXT NOT NULL,
    slug TEXT NOT NULL,
    deleted_at INTEGER NOT NULL,
    reason TEXT,
    replacement TEXT,
    audience INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX tombstones_by_slug ON tombstones (kind, slug);

-- The slugs that resources had before: they lead to where the resource is now.
CREATE TABLE redirects (
    kind TEXT NOT NULL,
    slug TEXT NOT NULL,
    resource_id BLOB NOT NULL REFERENCES resources (id),
    PRIMARY KEY (kind, slug)
) WITHOUT ROWID;

CREATE TABLE categories (
    id BLOB NOT NULL REFERENCES resources (id),
    since INTEGER NOT NULL,
    until INTEGER,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    names TEXT NOT NULL,
    description TEXT,
    position INTEGER NOT NULL,
    PRIMARY KEY (id, since)
);
CREATE UNIQUE INDEX categories_living ON categories (id) WHERE until IS NULL;
CREATE UNIQUE INDEX categories_slug ON categories (slug) WHERE until IS NULL;
CREATE INDEX categories_by_update ON categories (updated_at, id) WHERE until IS NULL;
CREATE INDEX categories_order ON categories (position, id) WHERE until IS NULL;

CREATE TABLE actors (
    id BLOB NOT NULL REFERENCES resources (id),
    since INTEGER NOT NULL,
    until INTEGER,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    country TEXT,
    description TEXT,
    parent_id BLOB REFERENCES resources (id),
    identifiers TEXT NOT NULL,
    PRIMARY KEY (id, since)
);
CREATE UNIQUE INDEX actors_living ON actors (id) WHERE until IS NULL;
CREATE UNIQUE INDEX actors_slug ON actors (slug) WHERE until IS NULL;
CREATE INDEX actors_by_update ON actors (updated_at, id) WHERE until IS NULL;
CREATE INDEX actors_by_country ON actors (country, slug, id) WHERE until IS NULL;
CREATE INDEX actors_by_kind ON actors (kind, slug, id) WHERE until IS NULL;
CREATE INDEX actors_by_name ON actors (name, id) WHERE until IS NULL;
CREATE INDEX actors_by_parent ON actors (parent_id) WHERE until IS NULL;

-- Every name an actor goes by, its own first (ordinal 0); `folded` is what names are found by.
CREATE TABLE actor_names (
    actor_id BLOB NOT NULL REFERENCES resources (id),
    ordinal INTEGER NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER,
    folded TEXT NOT NULL,
    name TEXT NOT NULL,
    language TEXT,
    PRIMARY KEY (actor_id, ordinal, since)
) WITHOUT ROWID;
CREATE INDEX actor_names_by_name ON actor_names (folded, actor_id) WHERE until IS NULL;

CREATE TABLE actor_positions (
    actor_id BLOB NOT NULL REFERENCES resources (id),
    ordinal INTEGER NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER,
    organisation_id BLOB NOT NULL REFERENCES resources (id),
    title TEXT NOT NULL,
    held_from TEXT,
    held_to TEXT,
    PRIMARY KEY (actor_id, ordinal, since)
) WITHOUT ROWID;
CREATE INDEX actor_positions_by_organisation ON actor_positions (organisation_id) WHERE until IS NULL;

CREATE TABLE events (
    id BLOB NOT NULL REFERENCES resources (id),
    since INTEGER NOT NULL,
    until INTEGER,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    audience INTEGER NOT NULL,
    slug TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT,
    kind TEXT NOT NULL,
    plover TEXT,
    occurred TEXT NOT NULL,
    occurred_from DATE NOT NULL,
    occurred_to DATE NOT NULL,
    country TEXT,
    location TEXT,
    sources TEXT NOT NULL,
    marking TEXT NOT NULL,
    state TEXT NOT NULL,
    released_by_brief BOOLEAN NOT NULL,
    PRIMARY KEY (id, since)
);
CREATE UNIQUE INDEX events_living ON events (id) WHERE until IS NULL;
CREATE UNIQUE INDEX events_slug ON events (slug) WHERE until IS NULL;
CREATE INDEX events_by_update ON events (updated_at, id) WHERE until IS NULL;
CREATE INDEX events_order ON events (occurred_from DESC, id DESC) WHERE until IS NULL;
CREATE INDEX events_by_kind ON events (kind, occurred_from DESC, id DESC) WHERE until IS NULL;
CREATE INDEX events_by_country ON events (country, occurred_from DESC, id DESC) WHERE until IS NULL;

-- Ordered by actor and date, and with the event's audience: a page of an actor's events reads just its own rows.
CREATE TABLE event_participants (
    actor_id BLOB NOT NULL REFERENCES resources (id),
    occurred_from DATE NOT NULL,
    event_id BLOB NOT NULL REFERENCES resources (id),
    ordinal INTEGER NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER,
    audience INTEGER NOT NULL,
    occurred_to DATE NOT NULL,
    role TEXT NOT NULL,
    PRIMARY KEY (actor_id, occurred_from, event_id, ordinal, since)
) WITHOUT ROWID;
CREATE INDEX event_participants_by_event ON event_participants (event_id) WHERE until IS NULL;

CREATE TABLE briefs (
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
CREATE UNIQUE INDEX briefs_living ON briefs (id) WHERE until IS NULL;
CREATE UNIQUE INDEX briefs_slug ON briefs (slug) WHERE until IS NULL;
CREATE INDEX briefs_by_update ON briefs (updated_at, id) WHERE until IS NULL;
CREATE INDEX briefs_order ON briefs (listed_at DESC, id DESC) WHERE until IS NULL;
CREATE INDEX briefs_by_category ON briefs (category_id, listed_at DESC, id DESC) WHERE until IS NULL;
CREATE INDEX briefs_by_country ON briefs (country, listed_at DESC, id DESC) WHERE until IS NULL;
CREATE INDEX briefs_by_language ON briefs (language, listed_at DESC, id DESC) WHERE until IS NULL;
CREATE INDEX briefs_scheduled ON briefs (scheduled_for) WHERE until IS NULL AND scheduled_for IS NOT NULL;
CREATE INDEX briefs_embargoed ON briefs (embargo_until) WHERE until IS NULL AND embargo_until IS NOT NULL;

CREATE TABLE brief_events (
    brief_id BLOB NOT NULL REFERENCES resources (id),
    ordinal INTEGER NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER,
    event_id BLOB NOT NULL REFERENCES resources (id),
    PRIMARY KEY (brief_id, ordinal, since)
) WITHOUT ROWID;
CREATE INDEX brief_events_by_event ON brief_events (event_id) WHERE until IS NULL;

-- All who take part in a brief's events or trends, derived from them; ordered by actor and publication.
CREATE TABLE brief_actors (
    actor_id BLOB NOT NULL REFERENCES resources (id),
    listed_at INTEGER NOT NULL,
    brief_id BLOB NOT NULL REFERENCES resources (id),
    since INTEGER NOT NULL,
    until INTEGER,
    audience INTEGER NOT NULL,
    PRIMARY KEY (actor_id, listed_at, brief_id, since)
) WITHOUT ROWID;
CREATE INDEX brief_actors_by_brief ON brief_actors (brief_id) WHERE until IS NULL;

CREATE TABLE brief_related (
    brief_id BLOB NOT NULL REFERENCES resources (id),
    ordinal INTEGER NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER,
    other_id BLOB NOT NULL REFERENCES resources (id),
    PRIMARY KEY (brief_id, ordinal, since)
) WITHOUT ROWID;
CREATE INDEX brief_related_by_other ON brief_related (other_id) WHERE until IS NULL;

-- Briefs of one group are translations of each other.
CREATE TABLE brief_translations (
    brief_id BLOB NOT NULL REFERENCES resources (id),
    since INTEGER NOT NULL,
    until INTEGER,
    group_id BLOB NOT NULL,
    PRIMARY KEY (brief_id, since)
) WITHOUT ROWID;
CREATE INDEX brief_translations_by_group ON brief_translations (group_id) WHERE until IS NULL;

CREATE TABLE trends (
    id BLOB NOT NULL REFERENCES resources (id),
    since INTEGER NOT NULL,
    until INTEGER,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    audience INTEGER NOT NULL,
    slug TEXT NOT NULL,
    brief_id BLOB NOT NULL REFERENCES resources (id),
    position INTEGER NOT NULL,
    statement TEXT NOT NULL,
    direction TEXT NOT NULL,
    assessment TEXT,
    series TEXT,
    likelihood TEXT,
    probability INTEGER,
    confidence TEXT,
    limits TEXT,
    horizon DATE,
    outcome TEXT NOT NULL,
    outcome_note TEXT,
    period_from DATE NOT NULL,
    period_to DATE NOT NULL,
    PRIMARY KEY (id, since)
);
CREATE UNIQUE INDEX trends_living ON trends (id) WHERE until IS NULL;
CREATE UNIQUE INDEX trends_slug ON trends (slug) WHERE until IS NULL;
CREATE INDEX trends_by_update ON trends (updated_at, id) WHERE until IS NULL;
CREATE INDEX trends_order ON trends (period_to DESC, id DESC) WHERE until IS NULL;
CREATE INDEX trends_by_series ON trends (series, period_to DESC, id DESC) WHERE until IS NULL;
CREATE INDEX trends_by_brief ON trends (brief_id, position) WHERE until IS NULL;

CREATE TABLE trend_actors (
    actor_id BLOB NOT NULL REFERENCES resources (id),
    period_to DATE NOT NULL,
    trend_id BLOB NOT NULL REFERENCES resources (id),
    ordinal INTEGER NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER,
    audience INTEGER NOT NULL,
    period_from DATE NOT NULL,
    PRIMARY KEY (actor_id, period_to, trend_id, ordinal, since)
) WITHOUT ROWID;
CREATE INDEX trend_actors_by_trend ON trend_actors (trend_id) WHERE until IS NULL;

CREATE TABLE trend_evidence (
    trend_id BLOB NOT NULL REFERENCES resources (id),
    ordinal INTEGER NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER,
    event_id BLOB NOT NULL REFERENCES resources (id),
    PRIMARY KEY (trend_id, ordinal, since)
) WITHOUT ROWID;
CREATE INDEX trend_evidence_by_event ON trend_evidence (event_id) WHERE until IS NULL;

INSERT INTO heads (class, position, at) VALUES
    (0, 0, 0),
    (1, 0, 0),
    (2, 0, 0),
    (3, 0, 0),
    (4, 0, 0),
    (5, 0, 0),
    (6, 0, 0),
    (7, 0, 0),
    (8, 0, 0),
    (9, 0, 0);
