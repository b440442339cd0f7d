-- Webhooks: who is to be told of what, and how far each has been told. There is no queue beside the journal: a webhook is a
-- place in it.
CREATE TABLE webhooks (
    id BLOB PRIMARY KEY NOT NULL,
    key_id BLOB NOT NULL REFERENCES keys (id),
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    filter TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    -- Why the server switched it off, if it did.
    switched_off TEXT,
    -- Everything up to this position is delivered, or was not wanted.
    position INTEGER NOT NULL,
    -- How often the delivery that comes next has failed, and when it is tried again.
    failures INTEGER NOT NULL,
    next_attempt_at INTEGER
) WITHOUT ROWID;
CREATE INDEX webhooks_of_key ON webhooks (key_id, id);

-- What its messages are signed with: the secret of now, and those that it replaced and that are still good for a while.
CREATE TABLE webhook_secrets (
    webhook_id BLOB NOT NULL REFERENCES webhooks (id),
    created_at INTEGER NOT NULL,
    secret BLOB NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (webhook_id, created_at)
) WITHOUT ROWID;

-- The log of deliveries. It holds nothing of what was delivered but its identity.
CREATE TABLE webhook_deliveries (
    id BLOB PRIMARY KEY NOT NULL,
    webhook_id BLOB NOT NULL REFERENCES webhooks (id),
    type TEXT NOT NULL,
    -- Of a test, neither position nor resource.
    position INTEGER,
    resource_id BLOB REFERENCES resources (id),
    outcome TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    first_attempt_at INTEGER NOT NULL,
    last_attempt_at INTEGER NOT NULL,
    status INTEGER,
    error TEXT,
    duration_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX webhook_deliveries_order ON webhook_deliveries (webhook_id, last_attempt_at DESC, id DESC);
CREATE INDEX webhook_deliveries_by_outcome ON webhook_deliveries (webhook_id, outcome, last_attempt_at DESC, id DESC);
CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (last_attempt_at);

-- What a webhook that is narrowed by content has told of, so that it tells whatever becomes of that.
CREATE TABLE webhook_told (
    webhook_id BLOB NOT NULL REFERENCES webhooks (id),
    resource_id BLOB NOT NULL REFERENCES resources (id),
    PRIMARY KEY (webhook_id, resource_id)
) WITHOUT ROWID;
