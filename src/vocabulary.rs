//! The closed lists of the domain. Each is an enum whose JSON value, column value and spelling in a query are one text.

use std::fmt;

/// A text that is not in the list it should be in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownTerm {
    given: String,
    allowed: &'static [&'static str],
}

impl UnknownTerm {
    pub(crate) fn new(given: &str, allowed: &'static [&'static str]) -> Self {
        Self { given: given.chars().take(60).collect(), allowed }
    }
}

impl fmt::Display for UnknownTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not one of: {}", self.given, self.allowed.join(", "))
    }
}

impl std::error::Error for UnknownTerm {}

/// Defines an enum with the text of each variant, and everything by which texts come in and go out.
macro_rules! vocabulary {
    ($(#[doc = $doc:expr])+ $name:ident { $($variant:ident = $text:literal),+ $(,)? } $(synonyms { $($synonym:literal => $target:ident),+ $(,)? })?) => {
        $(#[doc = $doc])+
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
            diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
        )]
        #[diesel(sql_type = diesel::sql_types::Text)]
        pub enum $name {
            $(#[doc = concat!("`", $text, "`")] #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// Every term, in order.
            pub const TERMS: &'static [&'static str] = &[$($text),+];

            /// The same as what they mean.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The term as it stands in JSON, in queries and in the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::vocabulary::UnknownTerm;

            fn from_str(text: &str) -> Result<Self, $crate::vocabulary::UnknownTerm> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    $($($synonym => Ok(Self::$target),)+)?
                    other => Err($crate::vocabulary::UnknownTerm::new(other, Self::TERMS)),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::schema::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .enum_values(Some(Self::TERMS.iter().copied()))
                    .description(Some([$($doc.trim()),+].join(" ")))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}

        impl<DB: diesel::backend::Backend> diesel::serialize::ToSql<diesel::sql_types::Text, DB> for $name
        where
            str: diesel::serialize::ToSql<diesel::sql_types::Text, DB>,
        {
            fn to_sql<'b>(
                &'b self,
                out: &mut diesel::serialize::Output<'b, '_, DB>,
            ) -> diesel::serialize::Result {
                <str as diesel::serialize::ToSql<diesel::sql_types::Text, DB>>::to_sql(self.as_str(), out)
            }
        }

        impl<DB: diesel::backend::Backend> diesel::deserialize::FromSql<diesel::sql_types::Text, DB> for $name
        where
            String: diesel::deserialize::FromSql<diesel::sql_types::Text, DB>,
        {
            fn from_sql(raw: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
                let text = <String as diesel::deserialize::FromSql<diesel::sql_types::Text, DB>>::from_sql(raw)?;
                text.parse().map_err(|error: $crate::vocabulary::UnknownTerm| error.to_string().into())
            }
        }

        crate::http::body::from_text!($name);
    };
}

pub(crate) use vocabulary;

vocabulary! {
    /// The kinds of resources.
    Kind { Brief = "brief", Event = "event", Actor = "actor", Trend = "trend", Category = "category" }
}

vocabulary! {
    /// What a key may do. Each role may do all that the roles before it may.
    Role { Reader = "reader", Editor = "editor", Publisher = "publisher", Admin = "admin" }
}

vocabulary! {
    /// Traffic Light Protocol 2.0: how far a text may travel, from the widest to the narrowest circle.
    Marking {
        Clear = "TLP:CLEAR",
        Green = "TLP:GREEN",
        Amber = "TLP:AMBER",
        AmberStrict = "TLP:AMBER+STRICT",
        Red = "TLP:RED",
    }
}

vocabulary! {
    /// Where a brief stands in the editors' work.
    BriefState {
        Draft = "draft",
        InReview = "in_review",
        Scheduled = "scheduled",
        Published = "published",
        Retracted = "retracted",
    }
}

vocabulary! {
    /// Whether an event is public.
    EventState { Draft = "draft", Published = "published" }
}

vocabulary! {
    /// How a category stands (the colour of a brief's page), and how a trend is judged.
    Assessment { Progress = "progress", Regress = "regress", NoChange = "no_change", Mixed = "mixed" }
}

vocabulary! {
    /// Which way a trend moves.
    Direction { Increasing = "increasing", Decreasing = "decreasing", Stable = "stable", Unresolved = "unresolved" }
}

vocabulary! {
    /// ICD 203 terms of likelihood. Their synonyms are accepted and stored as the term.
    Likelihood {
        AlmostNoChance = "almost_no_chance",
        VeryUnlikely = "very_unlikely",
        Unlikely = "unlikely",
        RoughlyEvenChance = "roughly_even_chance",
        Likely = "likely",
        VeryLikely = "very_likely",
        AlmostCertain = "almost_certain",
    }
    synonyms {
        "remote" => AlmostNoChance,
        "highly_improbable" => VeryUnlikely,
        "improbable" => Unlikely,
        "roughly_even_odds" => RoughlyEvenChance,
        "probable" => Likely,
        "highly_probable" => VeryLikely,
        "nearly_certain" => AlmostCertain,
    }
}

impl Likelihood {
    /// The band in percent, both edges included; neighbours share an edge.
    #[must_use]
    pub const fn band(self) -> (i16, i16) {
        match self {
            Self::AlmostNoChance => (1, 5),
            Self::VeryUnlikely => (5, 20),
            Self::Unlikely => (20, 45),
            Self::RoughlyEvenChance => (45, 55),
            Self::Likely => (55, 80),
            Self::VeryLikely => (80, 95),
            Self::AlmostCertain => (95, 99),
        }
    }
}

vocabulary! {
    /// How much the analyst trusts the ground of a judgement: a separate matter from its likelihood.
    Confidence { Low = "low", Moderate = "moderate", High = "high" }
}

vocabulary! {
    /// What became of a judgement.
    Outcome { Pending = "pending", Confirmed = "confirmed", Refuted = "refuted", Mixed = "mixed" }
}

vocabulary! {
    /// What happened.
    EventKind {
        Agreement = "agreement",
        Appointment = "appointment",
        Dismissal = "dismissal",
        Meeting = "meeting",
        Visit = "visit",
        Statement = "statement",
        Legislation = "legislation",
        Exercise = "exercise",
        Deployment = "deployment",
        ArmsTransfer = "arms_transfer",
        Aid = "aid",
        Sanction = "sanction",
        Protest = "protest",
        Arrest = "arrest",
        Trial = "trial",
        Attack = "attack",
        Incident = "incident",
        Election = "election",
        Other = "other",
    }
}

vocabulary! {
    /// The part an actor takes in an event.
    ParticipantRole {
        Initiator = "initiator",
        Recipient = "recipient",
        Signatory = "signatory",
        Appointee = "appointee",
        Host = "host",
        Participant = "participant",
        Mediator = "mediator",
        Target = "target",
    }
}

vocabulary! {
    /// What sort of actor it is.
    ActorKind {
        Person = "person",
        Organisation = "organisation",
        State = "state",
        Group = "group",
        International = "international",
    }
}

vocabulary! {
    /// How weighty a correction is.
    Severity { Minor = "minor", Major = "major" }
}

vocabulary! {
    /// Admiralty code, reliability of a source; `F` means that it cannot be judged, not that it is the worst.
    Reliability { A = "A", B = "B", C = "C", D = "D", E = "E", F = "F" }
}

vocabulary! {
    /// Admiralty code, credibility of a piece of information; `6` means that it cannot be judged.
    Credibility { One = "1", Two = "2", Three = "3", Four = "4", Five = "5", Six = "6" }
}

vocabulary! {
    /// What the journal says of a change.
    Change {
        Created = "created",
        Updated = "updated",
        Published = "published",
        Corrected = "corrected",
        Retracted = "retracted",
        Removed = "removed",
    }
}

vocabulary! {
    /// PLOVER root codes of events.
    PloverRoot {
        Agree = "AGREE",
        Consult = "CONSULT",
        Support = "SUPPORT",
        Concede = "CONCEDE",
        Cooperate = "COOPERATE",
        Aid = "AID",
        Retreat = "RETREAT",
        Request = "REQUEST",
        Reject = "REJECT",
        Accuse = "ACCUSE",
        Threaten = "THREATEN",
        Protest = "PROTEST",
        Sanction = "SANCTION",
        Mobilize = "MOBILIZE",
        Coerce = "COERCE",
        Assault = "ASSAULT",
    }
}

impl PloverRoot {
    /// The modes that narrow this root; none means that it takes no mode.
    #[must_use]
    pub const fn modes(self) -> &'static [&'static str] {
        match self {
            Self::Consult => &["visit", "third-party", "multilateral", "phone"],
            Self::Retreat => &["withdraw", "release", "disarm", "ceasefire", "access", "resign"],
            Self::Request | Self::Reject => &["assist", "change", "yield", "meet"],
            Self::Accuse => &["disapprove", "investigate", "allege"],
            Self::Threaten => &["restrict", "arrest", "relations", "expel", "territory", "violence"],
            Self::Protest => &["demo", "riot", "strike", "hunger", "boycott", "obstruct", "vandalize"],
            Self::Sanction => &["convict", "expel", "withdraw", "discontinue"],
            Self::Mobilize => &["troops", "weapons", "police", "militia"],
            Self::Coerce => &[
                "seize",
                "restrict",
                "censor",
                "curfew",
                "martial-law",
                "arrest",
                "deport",
                "withhold",
                "misinformation",
                "cyber",
            ],
            Self::Assault => &[
                "abduct",
                "beat",
                "torture",
                "sexual",
                "targeted",
                "destroy",
                "primitive",
                "firearms",
                "explosives",
                "suicide-attack",
                "aerial",
                "drone",
                "heavy-weapons",
                "crowd-control",
                "unconventional",
            ],
            Self::Agree | Self::Support | Self::Concede | Self::Cooperate | Self::Aid => &[],
        }
    }

    /// Whether an event so coded must name a recipient.
    #[must_use]
    pub const fn needs_recipient(self) -> bool {
        matches!(self, Self::Cooperate | Self::Aid | Self::Sanction)
    }
}
