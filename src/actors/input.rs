//! An actor as it is written, and what a list of them can be asked.

use deserr::{Deserr, ValuePointerRef};
use utoipa::{IntoParams, ToSchema};

use crate::db::types::Timestamp;
use crate::edtf::Edtf;
use crate::http::body::{Fault, Invalid, LinesBy, ReadOnly, UpTo, checked};
use crate::http::query::{Many, Repeated};
use crate::reference::Reference;
use crate::scalars::{CountryCode, Day, LanguageCode, Line, Prose, Slug};
use crate::vocabulary::ActorKind;

/// How many other names an actor has at most.
pub const MOST_ALIASES: usize = 200;

/// An actor to create, or to put in the place of another.
#[derive(Debug, Clone, Deserr, ToSchema)]
#[deserr(error = Invalid, deny_unknown_fields)]
pub struct ActorInput {
    /// Its readable name in paths; made of the name unless given.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[a-z0-9-]{1,120}$", example = "sergey-novikov")]
    pub slug: Option<Slug>,
    /// The name that the archive calls it by.
    #[schema(value_type = String, min_length = 1, max_length = 500, example = "Sergey Novikov")]
    pub name: Line,
    /// What sort of actor it is.
    pub kind: ActorKind,
    /// Its country, ISO 3166-1 alpha-2 or alpha-3.
    #[deserr(default)]
    #[schema(value_type = Option<String>, min_length = 2, max_length = 3, example = "BY")]
    pub country: Option<CountryCode>,
    /// Who it is.
    #[deserr(default)]
    #[schema(value_type = Option<String>, example = "Major-General, Deputy Chairman of the State Border Committee")]
    pub description: Option<Prose>,
    /// Its other names.
    #[deserr(default)]
    #[schema(value_type = Option<Vec<AliasInput>>, max_items = 200)]
    pub aliases: Option<UpTo<MOST_ALIASES, AliasInput>>,
    /// The body that it belongs to.
    #[deserr(default)]
    pub parent: Option<Reference>,
    /// The posts that it holds or held.
    #[deserr(default)]
    #[schema(value_type = Option<Vec<PositionInput>>, max_items = 200)]
    pub positions: Option<UpTo<200, PositionInput>>,
    /// Its identifiers elsewhere, by register.
    #[deserr(default)]
    #[schema(value_type = Option<BTreeMap<String, String>>, example = json!({"wikidata": "Q2895"}))]
    pub identifiers: Option<LinesBy<Line>>,
    #[deserr(default)]
    #[schema(ignore)]
    pub id: ReadOnly,
    #[deserr(default)]
    #[schema(ignore)]
    pub version: ReadOnly,
    #[deserr(default)]
    #[schema(ignore)]
    pub created_at: ReadOnly,
    #[deserr(default)]
    #[schema(ignore)]
    pub updated_at: ReadOnly,
}

/// Another name of an actor.
#[derive(Debug, Clone, Deserr, ToSchema)]
#[deserr(error = Invalid, deny_unknown_fields)]
pub struct AliasInput {
    /// The name.
    #[schema(value_type = String, min_length = 1, max_length = 500, example = "Сергей Новиков")]
    pub name: Line,
    /// Its language (BCP 47).
    #[deserr(default)]
    #[schema(value_type = Option<String>, example = "ru")]
    pub language: Option<LanguageCode>,
}

/// A post.
#[derive(Debug, Clone, Deserr, ToSchema)]
#[deserr(error = Invalid, deny_unknown_fields, validate = PositionInput::check -> Invalid)]
pub struct PositionInput {
    /// Where.
    pub organisation: Reference,
    /// As what.
    #[schema(value_type = String, min_length = 1, max_length = 500, example = "Deputy Chairman")]
    pub title: Line,
    /// Since when, an EDTF date.
    #[deserr(default)]
    #[schema(value_type = Option<String>, example = "2017-07-07")]
    pub from: Option<Edtf>,
    /// Until when, an EDTF date.
    #[deserr(default)]
    #[schema(value_type = Option<String>, example = "2019")]
    pub to: Option<Edtf>,
}

impl PositionInput {
    fn check(self, location: ValuePointerRef<'_>) -> Result<Self, Invalid> {
        let mut faults = Vec::new();
        if let (Some(from), Some(to)) = (&self.from, &self.to)
            && to.latest() < from.earliest()
        {
            faults.push(Fault::at("/to", "lies before `from`"));
        }
        checked(self, location, faults)
    }
}

/// What a list of actors can be asked.
#[derive(Debug, Clone, Default, Deserr, IntoParams)]
#[deserr(error = Invalid)]
#[into_params(parameter_in = Query)]
pub struct ActorFilter {
    /// Their country, ISO 3166-1; any of several.
    #[deserr(default)]
    #[param(value_type = Option<Vec<String>>, style = Form, explode = false, example = json!(["BY"]))]
    pub country: Many<CountryCode>,
    /// What sort of actor; any of several.
    #[deserr(default)]
    #[param(value_type = Option<Vec<ActorKind>>, style = Form, explode = false, example = json!(["person"]))]
    pub kind: Many<ActorKind>,
    /// Who held, or may have held, a post in this body (an id, a slug or any known name): on the day that `on` says, or ever.
    #[deserr(default)]
    #[param(value_type = Option<Vec<String>>, example = json!(["state-border-committee"]))]
    pub position_at: Repeated,
    /// The day on which the post of `position_at` was held.
    #[deserr(default)]
    #[param(value_type = Option<String>, format = Date, example = "2017-08-01")]
    pub on: Option<Day>,
    /// Only what changed at this moment or later.
    #[deserr(default)]
    #[param(value_type = Option<String>, format = DateTime, example = "2017-07-01T00:00:00Z")]
    pub updated_since: Option<Timestamp>,
    /// The order; a leading hyphen turns it round. By slug unless given.
    #[deserr(default)]
    #[param(inline)]
    pub sort: Option<ActorSort>,
}

crate::vocabulary::vocabulary! {
    /// The orders of a list of actors.
    ActorSort {
        Relevance = "relevance",
        Slug = "slug",
        SlugDescending = "-slug",
        Name = "name",
        NameDescending = "-name",
        UpdatedAt = "updated_at",
        UpdatedAtDescending = "-updated_at",
    }
}
