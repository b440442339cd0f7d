//! Every table, once, for both databases. The migrations say the same in each one's own words, and a test compares them.
//!
//! Tables of the domain hold versions: a row stands from the journal position `since` up to, and without, `until`; the
//! living version has no `until`. `audience` is the set of callers who may see the row (see `access::Audience`).

use super::types::sql::{Identifier, Instant};

diesel::table! {
    use diesel::sql_types::*;
    use super::{Identifier, Instant};

    keys (id) {
        id -> Identifier,
        name -> Text,
        role -> Text,
        clearance -> Text,
        secret_hash -> Binary,
        created_at -> Instant,
        revoked_at -> Nullable<Instant>,
        quota -> Nullable<Integer>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Identifier, Instant};

    resources (id) {
        id -> Identifier,
        kind -> Text,
        created_at -> Instant,
        audience -> SmallInt,
        content -> SmallInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Identifier, Instant};

    journal (position) {
        position -> BigInt,
        since -> BigInt,
        at -> Instant,
        key_id -> Nullable<Identifier>,
        kind -> Text,
        resource_id -> Identifier,
        version -> Integer,
        change -> Text,
        via_id -> Nullable<Identifier>,
        audience -> SmallInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Identifier, Instant};

    heads (class) {
        class -> SmallInt,
        position -> BigInt,
        at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Identifier, Instant};

    tombstones (id) {
        id -> Identifier,
        kind -> Text,
        slug -> Text,
        deleted_at -> Instant,
        reason -> Nullable<Text>,
        replacement -> Nullable<Text>,
        audience -> SmallInt,
        since -> BigInt,
        erased -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Identifier, Instant};

    erasures (resource_id, version) {
        resource_id -> Identifier,
        version -> Integer,
        since -> BigInt,
        until -> Nullable<BigInt>,
        erased_at -> Instant,
        reason -> Text,
        audience -> SmallInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Identifier, Instant};

    redirects (kind, slug, since) {
        kind -> Text,
        slug -> Text,
        since -> BigInt,
        resource_id -> Identifier,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Identifier, Instant};

    idempotency (key_id, idempotency_key) {
        key_id -> Identifier,
        idempotency_key -> Text,
        fingerprint -> Binary,
        created_at -> Instant,
        status -> SmallInt,
        headers -> Text,
        body -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Identifier, Instant};

    categories (id, since) {
        id -> Identifier,
        since -> BigInt,
        until -> Nullable<BigInt>,
        version -> Integer,
        created_at -> Instant,
        updated_at -> Instant,
        slug -> Text,
        name -> Text,
        names -> Text,
        description -> Nullable<Text>,
        position -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Identifier, Instant};

    actors (id, since) {
        id -> Identifier,
        since -> BigInt,
        until -> Nullable<BigInt>,
        version -> Integer,
        created_at -> Instant,
        updated_at -> Instant,
        slug -> Text,
        name -> Text,
        kind -> Text,
        country -> Nullable<Text>,
        description -> Nullable<Text>,
        parent_id -> Nullable<Identifier>,
        identifiers -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Identifier, Instant};

    actor_names (actor_id, ordinal, since) {
        actor_id -> Identifier,
        ordinal -> Integer,
        since -> BigInt,
        until -> Nullable<BigInt>,
        folded -> Text,
        name -> Text,
        language -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Identifier, Instant};

    actor_positions (actor_id, ordinal, since) {
        actor_id -> Identifier,
        ordinal -> Integer,
        since -> BigInt,
        until -> Nullable<BigInt>,
        organisation_id -> Identifier,
        title -> Text,
        held_from -> Nullable<Text>,
        held_to -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Identifier, Instant};

    events (id, since) {
        id -> Identifier,
        since -> BigInt,
        until -> Nullable<BigInt>,
        version -> Integer,
        created_at -> Instant,
        updated_at -> Instant,
        audience -> SmallInt,
        slug -> Text,
        title -> Text,
        description -> Nullable<Text>,
        kind -> Text,
        plover -> Nullable<Text>,
        occurred -> Text,
        occurred_from -> Date,
        occurred_to -> Date,
        country -> Nullable<Text>,
        location -> Nullable<Text>,
        sources -> Text,
        marking -> Text,
        state -> Text,
        released_by_brief -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Identifier, Instant};

    event_participants (actor_id, occurred_from, event_id, ordinal, since) {
        actor_id -> Identifier,
        occurred_from -> Date,
        event_id -> Identifier,
        ordinal -> Integer,
        since -> BigInt,
        until -> Nullable<BigInt>,
        audience -> SmallInt,
        occurred_to -> Date,
        role -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Identifier, Instant};

    briefs (id, since) {
        id -> Identifier,
        since -> BigInt,
        until -> Nullable<BigInt>,
        version -> Integer,
        created_at -> Instant,
        updated_at -> Instant,
        audience -> SmallInt,
        slug -> Text,
        title -> Text,
        category_id -> Identifier,
        category_status -> Nullable<Text>,
        language -> Text,
        country -> Nullable<Text>,
        period_from -> Nullable<Date>,
        period_to -> Nullable<Date>,
        summary -> Nullable<Text>,
        body -> Nullable<Text>,
        body_html -> Nullable<Text>,
        image -> Nullable<Text>,
        authors -> Text,
        sources -> Text,
        marking -> Text,
        license -> Nullable<Text>,
        canonical_url -> Nullable<Text>,
        state -> Text,
        published_at -> Nullable<Instant>,
        listed_at -> Instant,
        embargo_until -> Nullable<Instant>,
        scheduled_for -> Nullable<Instant>,
        corrections -> Text,
        retraction -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Identifier, Instant};

    brief_events (brief_id, ordinal, since) {
        brief_id -> Identifier,
        ordinal -> Integer,
        since -> BigInt,
        until -> Nullable<BigInt>,
        event_id -> Identifier,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Identifier, Instant};

    brief_actors (actor_id, listed_at, brief_id, since) {
        actor_id -> Identifier,
        listed_at -> Instant,
        brief_id -> Identifier,
        since -> BigInt,
        until -> Nullable<BigInt>,
        audience -> SmallInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Identifier, Instant};

    brief_related (brief_id, ordinal, since) {
        brief_id -> Identifier,
        ordinal -> Integer,
        since -> BigInt,
        until -> Nullable<BigInt>,
        other_id -> Identifier,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Identifier, Instant};

    brief_translations (brief_id, since) {
        brief_id -> Identifier,
        since -> BigInt,
        until -> Nullable<BigInt>,
        group_id -> Identifier,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Identifier, Instant};

    trends (id, since) {
        id -> Identifier,
        since -> BigInt,
        until -> Nullable<BigInt>,
        version -> Integer,
        created_at -> Instant,
        updated_at -> Instant,
        audience -> SmallInt,
        slug -> Text,
        brief_id -> Identifier,
        position -> Integer,
        statement -> Text,
        direction -> Text,
        assessment -> Nullable<Text>,
        series -> Nullable<Text>,
        likelihood -> Nullable<Text>,
        probability -> Nullable<SmallInt>,
        confidence -> Nullable<Text>,
        limits -> Nullable<Text>,
        horizon -> Nullable<Date>,
        outcome -> Text,
        outcome_note -> Nullable<Text>,
        period_from -> Date,
        period_to -> Date,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Identifier, Instant};

    trend_actors (actor_id, period_to, trend_id, ordinal, since) {
        actor_id -> Identifier,
        period_to -> Date,
        trend_id -> Identifier,
        ordinal -> Integer,
        since -> BigInt,
        until -> Nullable<BigInt>,
        audience -> SmallInt,
        period_from -> Date,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Identifier, Instant};

    trend_evidence (trend_id, ordinal, since) {
        trend_id -> Identifier,
        ordinal -> Integer,
        since -> BigInt,
        until -> Nullable<BigInt>,
        event_id -> Identifier,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Identifier, Instant};

    webhooks (id) {
        id -> Identifier,
        key_id -> Identifier,
        version -> Integer,
        created_at -> Instant,
        updated_at -> Instant,
        url -> Text,
        events -> Text,
        filter -> Text,
        enabled -> Bool,
        switched_off -> Nullable<Text>,
        position -> BigInt,
        failures -> Integer,
        next_attempt_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Identifier, Instant};

    webhook_secrets (webhook_id, created_at) {
        webhook_id -> Identifier,
        created_at -> Instant,
        secret -> Binary,
        expires_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Identifier, Instant};

    webhook_deliveries (id) {
        id -> Identifier,
        webhook_id -> Identifier,
        #[sql_name = "type"]
        message_type -> Text,
        position -> Nullable<BigInt>,
        resource_id -> Nullable<Identifier>,
        outcome -> Text,
        attempts -> Integer,
        first_attempt_at -> Instant,
        last_attempt_at -> Instant,
        status -> Nullable<SmallInt>,
        error -> Nullable<Text>,
        duration_ms -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Identifier, Instant};

    webhook_told (webhook_id, resource_id) {
        webhook_id -> Identifier,
        resource_id -> Identifier,
    }
}

diesel::joinable!(erasures -> resources (resource_id));
diesel::joinable!(webhooks -> keys (key_id));

diesel::allow_tables_to_appear_in_same_query!(
    keys,
    resources,
    journal,
    heads,
    tombstones,
    erasures,
    redirects,
    idempotency,
    categories,
    actors,
    actor_names,
    actor_positions,
    events,
    event_participants,
    briefs,
    brief_events,
    brief_actors,
    brief_related,
    brief_translations,
    trends,
    trend_actors,
    trend_evidence,
    webhooks,
    webhook_secrets,
    webhook_deliveries,
    webhook_told,
);
