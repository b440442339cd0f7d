-- Webhooks: who is to be told of what, and how far each has been told. There is no queue beside the journal: a webhook is a
-- place in it.
CREATE TABLE webhooks (
    id UUID PRIMARY KEY NOT NULL,
    key_id UUID NOT NULL REFERENCES keys (id),
    version INTEGER NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    filter TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    -- Why the server switched it off, if it did.
    switched_off TEXT,
    -- Everything up to this position is delivered, or was not wanted.
    position BIGINT NOT NULL,
    -- How often the delivery that comes next has failed, and when it is tried again.
    failures INTEGER NOT NULL,
    next_attempt_at TIMESTAMPTZ
);
CREATE INDEX webhooks_of_key ON webhooks (key_id, id);

-- What its messages are signed with: the secret of now, and those that it replaced and that are still good for a while.
CREATE TABLE webhook_secrets (
    webhook_id UUID NOT NULL REFERENCES webhooks (id),
    created_at TIMESTAMPTZ NOT NULL,
    secret BYTEA NOT NULL,
    expires_at TIMESTAMPTZ,
    PRIMARY KEY (webhook_id, created_at)
);

-- The log of deliveries. It holds nothing of what was delivered but its identity.
CREATE TABLE webhook_deliveries (
    id UUID PRIMARY KEY NOT NULL,
    webhook_id UUID NOT NULL REFERENCES webhooks (id),
    type TEXT NOT NULL,
    -- Of a test, neither position nor resource.
    position BIGINT,
    resource_id UUID REFERENCES resources (id),
    outcome TEXT COLLATE "C" NOT NULL,
    attempts INTEGER NOT NULL,
    first_attempt_at TIMESTAMPTZ NOT NULL,
    last_attempt_at TIMESTAMPTZ NOT NULL,
    status SMALLINT,
    error TEXT,
    duration_ms INTEGER NOT NULL
);
CREATE INDEX webhook_deliveries_order ON webhook_deliveries (webhook_id, last_attempt_at DESC, id DESC);
CREATE INDEX webhook_deliveries_by_outcome ON webhook_deliveries (webhook_id, outcome, last_attempt_at DESC, id DESC);
CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (last_attempt_at);

-- What a webhook that is narrowed by content has told of, so that it tells whatever becomes of that.
CREATE TABLE webhook_told (
    webhook_id UUID NOT NULL REFERENCES webhooks (id),
    resource_id UUID NOT NULL REFERENCES resources (id),
    PRIMARY KEY (webhook_id, resource_id)
);
