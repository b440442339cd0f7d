//! The actors' queries and writes.

use std::collections::HashMap;

use diesel::prelude::*;

use super::input::{ActorFilter, ActorInput, ActorSort};
use super::merge;
use super::model::{ActorLink, ActorRow, ActorSummary, ActorView, AliasView, NameRow, PositionRow, PositionView};
use super::names;
use super::positions::holders;
use crate::access::{Audience, Moment, Sight};
use crate::db::schema::{actor_names, actor_positions, actors, event_participants, trend_actors};
use crate::db::types::{Id, Json, Timestamp};
use crate::db::{All, Connection, among, in_chunks};
use crate::history::erasure::{Stored, Stretch};
use crate::http::body::{Fault, UpTo};
use crate::http::page::{self, Extras, Listed, Rows, SortKey, Window};
use crate::journal::{Write, changed_since};
use crate::natively;
use crate::problem::Problem;
use crate::reference::{self, Link, Reference};
use crate::removal::Removal;
use crate::resource::{self, Named, Place, Resource, must_lead_to};
use crate::scalars::{CountryCode, Day, LanguageCode, Line, Prose, Slug, fold_name};
use crate::vocabulary::{Change, Kind};
use crate::{
    by_slugs, destroy_rows, end_versions, in_order, insert_row, insert_rows, look_up, one_of, slugs, taken_slugs,
};

impl Resource for ActorRow {
    const KIND: Kind = Kind::Actor;
    const COLLECTION: &'static str = "actors";
    type View = ActorView;
    type Input = ActorInput;
    const NAMES: &'static [Place] =
        &[Place::new("/parent", must_lead_to::<Self>), Place::new("/positions/*/organisation", must_lead_to::<Self>)];

    fn id(&self) -> Id {
        self.id
    }

    fn slug(&self) -> &str {
        &self.slug
    }

    fn version(&self) -> i32 {
        self.version
    }

    fn wanted_slug(input: &mut ActorInput) -> &mut Option<Slug> {
        &mut input.slug
    }

    fn derived_slug(input: &ActorInput) -> Slug {
        Slug::derive(input.name.as_str(), "")
    }

    fn look_up(connection: &mut Connection, sight: Sight, reference: &Reference) -> Result<Option<Self>, Problem> {
        look_up!(connection, sight, reference, actors, |part| part.stands(actors::since, actors::until))
    }

    fn taken_slugs(connection: &mut Connection, slugs: &[&str]) -> Result<Vec<String>, Problem> {
        taken_slugs!(connection, slugs, actors)
    }

    fn stored(connection: &mut Connection, id: Id) -> Result<Vec<Stored>, Problem> {
        let versions = natively!(connection, |native| actors::table
            .filter(actors::id.eq(id))
            .order(actors::version)
            .select((actors::version, actors::since, actors::until, actors::slug))
            .load(native))?;
        Ok(Stored::public(versions))
    }

    fn destroy(write: &mut Write<'_>, id: Id, stretch: Stretch) -> Result<(), Problem> {
        destroy_rows!(write.connection, actors, id, id, stretch);
        destroy_rows!(write.connection, actor_names, actor_id, id, stretch);
        destroy_rows!(write.connection, actor_positions, actor_id, id, stretch);
        Ok(())
    }

    fn view(connection: &mut Connection, sight: Sight, row: Self) -> Result<ActorView, Problem> {
        views(connection, sight.moment, vec![row])?.pop().ok_or_else(|| Problem::internal("an actor has no view"))
    }

    fn create(write: &mut Write<'_>, id: Id, input: ActorInput) -> Result<Self, Problem> {
        let slug = slugs::choose(
            input.slug.clone(),
            || Self::derived_slug(&input),
            |slugs| Self::taken_slugs(write.connection, slugs),
        )?;
        write.identify(Kind::Actor, id, Audience::EVERYONE, Audience::EVERYONE)?;
        let whole = resolve(write, id, slug, None, input)?;
        whole.insert(write, Change::Created)?;
        Ok(whole.row)
    }

    fn update(write: &mut Write<'_>, existing: Self, input: ActorInput) -> Result<Self, Problem> {
        let slug = input.slug.clone().map_or_else(|| existing.slug.clone(), Slug::into_string);
        let whole = resolve(write, existing.id, slug, Some(&existing), input)?;
        if whole.row.same_content(&existing)
            && whole.same_names(&names_of(write.connection, Moment::Head, &[existing.id])?)
            && whole.same_positions(&positions_of(write.connection, Moment::Head, &[existing.id])?)
        {
            return Ok(existing);
        }
        close(write, existing.id)?;
        whole.insert(write, Change::Updated)?;
        Ok(whole.row)
    }

    fn demand_unused(write: &mut Write<'_>, existing: &Self) -> Result<(), Problem> {
        still_in_use(write, existing.id)?.map_or(Ok(()), Err)
    }

    fn merge(write: &mut Write<'_>, existing: &Self, target: &Self) -> Result<(), Problem> {
        merge::merge(write, existing, target)
    }

    fn remove(write: &mut Write<'_>, existing: Self, removal: Removal) -> Result<(), Problem> {
        close(write, existing.id)?;
        write.record(
            Kind::Actor,
            existing.id,
            write.version_after(existing.version, existing.since),
            Change::Removed,
            Audience::EVERYONE,
        );
        reference::bury(write, Kind::Actor, existing.id, existing.slug, removal, Audience::EVERYONE)
    }
}

impl Named for ActorRow {
    fn by_slugs(connection: &mut Connection, sight: Sight, slugs: &[&str]) -> Result<Vec<(String, Id)>, Problem> {
        by_slugs!(connection, slugs, actors, sight.stands(actors::since, actors::until))
    }
}

/// An actor's row with what stands in tables beside it.
struct Whole {
    row: ActorRow,
    names: Vec<NameRow>,
    positions: Vec<PositionRow>,
}

impl Whole {
    fn insert(&self, write: &mut Write<'_>, change: Change) -> Result<(), Problem> {
        insert_row!(write.connection, actors::table, &self.row)?;
        insert_rows!(write.connection, actor_names::table, &self.names)?;
        insert_rows!(write.connection, actor_positions::table, &self.positions)?;
        write.record(Kind::Actor, self.row.id, self.row.version, change, Audience::EVERYONE);
        Ok(())
    }

    fn same_names(&self, others: &[NameRow]) -> bool {
        let said = |row: &NameRow| (row.name.clone(), row.language.clone());
        self.names.iter().map(said).eq(others.iter().map(said))
    }

    fn same_positions(&self, others: &[PositionRow]) -> bool {
        let said =
            |row: &PositionRow| (row.organisation_id, row.title.clone(), row.held_from.clone(), row.held_to.clone());
        self.positions.iter().map(said).eq(others.iter().map(said))
    }
}

/// Puts a version in the place of the present one.
///
/// # Errors
/// When a statement fails.
pub(super) fn replace(
    write: &mut Write<'_>,
    row: ActorRow,
    names: Vec<NameRow>,
    positions: Vec<PositionRow>,
) -> Result<(), Problem> {
    close(write, row.id)?;
    Whole { row, names, positions }.insert(write, Change::Updated)
}

/// Turns an input into rows, with every reference in it led to its actor.
fn resolve(
    write: &mut Write<'_>,
    id: Id,
    slug: String,
    earlier: Option<&ActorRow>,
    input: ActorInput,
) -> Result<Whole, Problem> {
    let ActorInput { name, kind, country, description, aliases, parent, positions, identifiers, .. } = input;
    let mut faults = Vec::new();
    let since = write.since();
    let parent_id = parent.and_then(|parent| meant(write, &parent, "/parent", &mut faults).transpose()).transpose()?;
    if parent_id == Some(id) {
        faults.push(Fault::at("/parent", "an actor does not belong to itself"));
    }
    let mut position_rows = Vec::new();
    for (index, position) in positions.map(|UpTo(list)| list).unwrap_or_default().into_iter().enumerate() {
        let pointer = format!("/positions/{index}");
        if let Some(organisation_id) =
            meant(write, &position.organisation, &format!("{pointer}/organisation"), &mut faults)?
        {
            position_rows.push(PositionRow {
                actor_id: id,
                ordinal: ordinal(index),
                since,
                until: None,
                organisation_id,
                title: position.title.into_string(),
                held_from: position.from.map(|date| date.to_string()),
                held_to: position.to.map(|date| date.to_string()),
            });
        }
    }
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let own_name = (name.clone().into_string(), None);
    let others = aliases
        .map(|UpTo(list)| list)
        .unwrap_or_default()
        .into_iter()
        .map(|alias| (alias.name.into_string(), alias.language.map(LanguageCode::into_string)));
    let names = std::iter::once(own_name)
        .chain(others)
        .enumerate()
        .map(|(index, (name, language))| NameRow {
            actor_id: id,
            ordinal: ordinal(index),
            since,
            until: None,
            folded: fold_name(&name),
            name,
            language,
        })
        .collect();
    let row = ActorRow {
        id,
        since,
        until: None,
        version: earlier.map_or(1, |earlier| write.version_after(earlier.version, earlier.since)),
        created_at: earlier.map_or(write.at(), |earlier| earlier.created_at),
        updated_at: write.at(),
        slug,
        name: Line::into_string(name),
        kind,
        country: country.map(CountryCode::into_string),
        description: description.map(Prose::into_string),
        parent_id,
        identifiers: Json(identifiers.map(|identifiers| identifiers.lines).unwrap_or_default()),
    };
    Ok(Whole { row, names, positions: position_rows })
}

/// The place of an item in its list, as a column holds it.
fn ordinal(index: usize) -> i32 {
    i32::try_from(index).unwrap_or(i32::MAX)
}

/// The actor that a reference in a body means; if there is none, a fault at its place.
///
/// # Errors
/// When the query fails.
pub fn meant(
    write: &mut Write<'_>,
    reference: &Reference,
    pointer: &str,
    faults: &mut Vec<Fault>,
) -> Result<Option<Id>, Problem> {
    resource::meant::<ActorRow>(write, reference, pointer, faults).map(|found| found.map(|(id, _)| id))
}

fn close(write: &mut Write<'_>, id: Id) -> Result<(), Problem> {
    end_versions!(write, actors, id, id);
    end_versions!(write, actor_names, actor_id, id);
    end_versions!(write, actor_positions, actor_id, id);
    Ok(())
}

/// Why an actor cannot be deleted: the first of those that name it, if any do. What the caller may not see keeps it
/// too, but is not named.
fn still_in_use(write: &mut Write<'_>, id: Id) -> Result<Option<Problem>, Problem> {
    let sight = write.sight();
    let connection = &mut *write.connection;
    let events: Vec<Id> = natively!(connection, |native| event_participants::table
        .filter(event_participants::actor_id.eq(id))
        .filter(event_participants::until.is_null())
        .select(event_participants::event_id)
        .limit(10)
        .load(native))?;
    let trends: Vec<Id> = natively!(connection, |native| trend_actors::table
        .filter(trend_actors::actor_id.eq(id))
        .filter(trend_actors::until.is_null())
        .select(trend_actors::trend_id)
        .limit(10)
        .load(native))?;
    let children: Vec<Id> = natively!(connection, |native| actors::table
        .filter(actors::parent_id.eq(id))
        .filter(actors::until.is_null())
        .select(actors::id)
        .limit(10)
        .load(native))?;
    let office_holders: Vec<Id> = natively!(connection, |native| actor_positions::table
        .filter(actor_positions::organisation_id.eq(id))
        .filter(actor_positions::until.is_null())
        .select(actor_positions::actor_id)
        .limit(10)
        .load(native))?;
    if [&events, &trends, &children, &office_holders].iter().all(|users| users.is_empty()) {
        return Ok(None);
    }
    let mut users = crate::events::store::named(connection, sight, &events)?;
    users.extend(crate::trends::store::named(connection, sight, &trends)?);
    let others: Vec<Id> = children.into_iter().chain(office_holders).collect();
    users.extend(
        summaries(connection, Moment::Head, &others)?
            .into_values()
            .map(|actor| serde_json::json!({"type": "actor", "id": actor.id, "slug": actor.slug})),
    );
    Ok(Some(Problem::conflict("Others name this actor.").with_member("users", users)))
}

/// Actors as briefs and trends show them, by their ids.
pub type Summaries = HashMap<Id, ActorSummary>;

/// How briefs and trends show these actors.
///
/// # Errors
/// When a query fails.
pub fn summaries(connection: &mut Connection, moment: Moment, ids: &[Id]) -> Result<Summaries, Problem> {
    in_chunks(ids, |ids| {
        natively!(connection, |native| actors::table
            .filter(moment.stands(actors::since, actors::until))
            .filter(among(actors::id, ids))
            .select((actors::id, actors::slug, actors::name, actors::kind, actors::country))
            .load::<ActorSummary>(native))
    })
    .map(|found| found.into_iter().map(|actor| (actor.id, actor)).collect())
}

/// The same of those that are not known yet.
///
/// # Errors
/// When a query fails.
pub fn learn(
    connection: &mut Connection,
    moment: Moment,
    known: &mut Summaries,
    ids: impl IntoIterator<Item = Id>,
) -> Result<(), Problem> {
    let mut unknown: Vec<Id> = ids.into_iter().filter(|id| !known.contains_key(id)).collect();
    unknown.sort_unstable();
    unknown.dedup();
    known.extend(summaries(connection, moment, &unknown)?);
    Ok(())
}

/// The link to an actor, or to what it was.
#[must_use]
pub fn link(summaries: &Summaries, id: Id) -> Link<ActorLink> {
    summaries.get(&id).map_or_else(|| Link::deleted(id), |summary| Link::Living(summary.clone().into()))
}

/// Every name of these actors, their own first.
///
/// # Errors
/// When the query fails.
pub(super) fn names_of(connection: &mut Connection, moment: Moment, ids: &[Id]) -> Result<Vec<NameRow>, Problem> {
    in_chunks(ids, |ids| {
        natively!(connection, |native| actor_names::table
            .filter(moment.stands(actor_names::since, actor_names::until))
            .filter(among(actor_names::actor_id, ids))
            .order((actor_names::actor_id, actor_names::ordinal))
            .select(NameRow::as_select())
            .load(native))
    })
}

/// The posts of these actors, in their order.
///
/// # Errors
/// When the query fails.
pub(super) fn positions_of(
    connection: &mut Connection,
    moment: Moment,
    ids: &[Id],
) -> Result<Vec<PositionRow>, Problem> {
    in_chunks(ids, |ids| {
        natively!(connection, |native| actor_positions::table
            .filter(moment.stands(actor_positions::since, actor_positions::until))
            .filter(among(actor_positions::actor_id, ids))
            .order((actor_positions::actor_id, actor_positions::ordinal))
            .select(PositionRow::as_select())
            .load(native))
    })
}

/// The actors as they are served, in their order, with three queries however many they are.
///
/// # Errors
/// When a query fails.
pub fn views(connection: &mut Connection, moment: Moment, rows: Vec<ActorRow>) -> Result<Vec<ActorView>, Problem> {
    let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
    let mut aliases: HashMap<Id, Vec<AliasView>> = HashMap::new();
    for NameRow { actor_id, ordinal, name, language, .. } in names_of(connection, moment, &ids)? {
        if ordinal > 0 {
            aliases.entry(actor_id).or_default().push(AliasView { name, language });
        }
    }
    let position_rows = positions_of(connection, moment, &ids)?;
    let mentioned: Vec<Id> = rows
        .iter()
        .filter_map(|row| row.parent_id)
        .chain(position_rows.iter().map(|position| position.organisation_id))
        .collect();
    let mentioned = summaries(connection, moment, &mentioned)?;
    let mut positions: HashMap<Id, Vec<PositionView>> = HashMap::new();
    for position in position_rows {
        positions.entry(position.actor_id).or_default().push(position_view(&mentioned, position));
    }
    Ok(rows
        .into_iter()
        .map(|row| ActorView {
            aliases: aliases.remove(&row.id).unwrap_or_default(),
            parent: row.parent_id.map(|parent| link(&mentioned, parent)),
            positions: positions.remove(&row.id).unwrap_or_default(),
            id: row.id,
            slug: row.slug,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            name: row.name,
            kind: row.kind,
            country: row.country,
            description: row.description,
            identifiers: row.identifiers.0,
        })
        .collect())
}

/// A post as it is served.
#[must_use]
pub fn position_view(bodies: &Summaries, row: PositionRow) -> PositionView {
    PositionView {
        organisation: link(bodies, row.organisation_id),
        title: row.title,
        from: row.held_from,
        to: row.held_to,
    }
}

/// A filter whose names have been led to what they mean.
pub(super) struct Resolved<'a> {
    filter: &'a ActorFilter,
    sight: Sight,
    /// Those who held the post that is asked for.
    pub(super) holders: Option<Vec<Id>>,
}

impl ActorFilter {
    pub(super) fn resolve(&self, connection: &mut Connection, sight: Sight) -> Result<Resolved<'_>, Problem> {
        let on = self.on.map(|Day(day)| day);
        let holders = match (self.position_at.0.is_empty(), on) {
            (true, Some(_)) => {
                return Err(Problem::parameter("on", "is the day of a post: say which with `position_at`"));
            }
            (true, None) => None,
            (false, _) => {
                let bodies = names::meant_by(connection, sight, "position_at", &self.position_at)?;
                let bodies: Vec<Id> = bodies.into_iter().flatten().collect();
                Some(holders(connection, sight, &bodies, on)?)
            }
        };
        Ok(Resolved { filter: self, sight, holders })
    }
}

impl<'a> Resolved<'a> {
    /// The conditions of every filter on a part of what is seen.
    pub(super) fn conditions(&self, part: Sight) -> All<'a, actors::table> {
        let ActorFilter { country, kind, updated_since, .. } = self.filter;
        let mut all = All::of(actors::table).and(part.stands(actors::since, actors::until));
        all = one_of!(all, actors::country, country.0.iter().map(|code| code.as_str().to_owned()));
        all = one_of!(all, actors::kind, kind.0.iter().copied());
        if let Some(holders) = &self.holders {
            all = all.and(among(actors::id, holders));
        }
        if let Some(time) = updated_since {
            all = all.and(actors::id.eq_any(changed_since(self.sight, Kind::Actor, *time)));
        }
        all
    }
}

impl Listed for ActorFilter {
    type View = ActorView;
    const EXTRAS: &'static [&'static str] = &[];

    fn included(&self) -> Vec<&'static str> {
        Vec::new()
    }

    fn page(
        &self,
        connection: &mut Connection,
        sight: Sight,
        _: &Extras,
        window: &Window,
    ) -> Result<Rows<ActorView>, Problem> {
        use actors::{id, name, slug, updated_at};
        let resolved = self.resolve(connection, sight)?;
        let sort = self.sort.unwrap_or(ActorSort::Slug);
        let sorted = sort.as_str();
        let mut rows: Vec<ActorRow> = Vec::new();
        for part in sight.parts() {
            let (all, order) = match sort {
                ActorSort::Relevance => return Err(page::relevance_needs_words()),
                ActorSort::Slug => in_order!(resolved.conditions(part), asc, slug, id, window, sorted, String),
                ActorSort::SlugDescending => {
                    in_order!(resolved.conditions(part), desc, slug, id, window, sorted, String)
                }
                ActorSort::Name => in_order!(resolved.conditions(part), asc, name, id, window, sorted, String),
                ActorSort::NameDescending => {
                    in_order!(resolved.conditions(part), desc, name, id, window, sorted, String)
                }
                ActorSort::UpdatedAt => {
                    in_order!(resolved.conditions(part), asc, updated_at, id, window, sorted, Timestamp)
                }
                ActorSort::UpdatedAtDescending => {
                    in_order!(resolved.conditions(part), desc, updated_at, id, window, sorted, Timestamp)
                }
            };
            let page = actors::table.filter(all).order_by(order).limit(window.fetch());
            rows.append(&mut natively!(connection, |native| page.select(ActorRow::as_select()).load(native))?);
        }
        let rows = window.cut(sorted, rows, |row| {
            let key = match sort {
                ActorSort::Slug | ActorSort::SlugDescending => SortKey::Text(row.slug.clone()),
                ActorSort::Name | ActorSort::NameDescending => SortKey::Text(row.name.clone()),
                ActorSort::UpdatedAt | ActorSort::UpdatedAtDescending | ActorSort::Relevance => {
                    SortKey::Time(row.updated_at)
                }
            };
            (key, row.id)
        });
        rows.map(|rows| views(connection, sight.moment, rows))
    }

    fn count(&self, connection: &mut Connection, sight: Sight) -> Result<i64, Problem> {
        let resolved = self.resolve(connection, sight)?;
        page::sum(sight.parts(), |part| {
            let rows = actors::table.filter(resolved.conditions(part)).count();
            natively!(connection, |native| rows.get_result(native))
        })
    }
}
