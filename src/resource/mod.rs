//! What the five kinds of resources do alike: being found, read, created, replaced, patched and deleted.
//!
//! A slice says what is its own in [`Resource`] (how a living row is found, what a view of it is, how a version is
//! written); the flow around it, with its preconditions, redirects and tombstones, is here once.

pub mod input;
mod rows;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use deserr::Deserr;
pub use input::{Input, Place, must_lead_to};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::access::{Audience, Caller, Sight};
use crate::app::AppState;
use crate::db::Connection;
use crate::db::types::Id;
use crate::history::Version;
use crate::history::erasure::{self, Stored, Stretch};
use crate::http::answer::{self, Return, SingleQuery};
use crate::http::body::{Fault, Invalid};
use crate::http::conditional::Precondition;
use crate::http::patch::merge;
use crate::journal::Write;
use crate::problem::{Problem, ProblemType};
use crate::reference::{self, Reference};
use crate::removal::Removal;
use crate::scalars::{Prose, Slug};
use crate::slugs;
use crate::vocabulary::{Kind, Role};

/// A kind of resource, as the row of its living version.
pub trait Resource: Clone + Send + Sized + 'static {
    /// What kind it is.
    const KIND: Kind;
    /// The path below `/v1/`.
    const COLLECTION: &'static str;
    /// How it is served.
    type View: Serialize + ToSchema + Send + 'static;
    /// How it is written.
    type Input: Deserr<Invalid> + Send + 'static;
    /// Where what is written names other resources.
    const NAMES: &'static [Place] = &[];

    /// Its identity.
    fn id(&self) -> Id;
    /// Its slug.
    fn slug(&self) -> &str;
    /// Its version.
    fn version(&self) -> i32;
    /// Where an input says which slug it wants.
    fn wanted_slug(input: &mut Self::Input) -> &mut Option<Slug>;

    /// The slug that an input gets unless it says which it wants.
    fn derived_slug(input: &Self::Input) -> Slug;

    /// Makes an input ready for an import: names what is written inside of it, so that importing the same again finds it.
    fn name_parts(_: &mut Self::Input, _: &Slug) {}

    /// The row with this id or this slug that is seen.
    ///
    /// # Errors
    /// When the query fails.
    fn look_up(connection: &mut Connection, sight: Sight, reference: &Reference) -> Result<Option<Self>, Problem>;

    /// The slugs among these that living resources have, seen or not.
    ///
    /// # Errors
    /// When the query fails.
    fn taken_slugs(connection: &mut Connection, slugs: &[&str]) -> Result<Vec<String>, Problem>;

    /// Whether a living resource has the slug, seen or not.
    ///
    /// # Errors
    /// When the query fails.
    fn slug_is_taken(connection: &mut Connection, slug: &str) -> Result<bool, Problem> {
        Ok(!Self::taken_slugs(connection, &[slug])?.is_empty())
    }

    /// The versions of a resource that were seen when they stood, up to this moment and below a number: so many of the latest,
    /// the latest first.
    ///
    /// # Errors
    /// When the query fails.
    fn versions(
        connection: &mut Connection,
        sight: Sight,
        id: Id,
        below: i32,
        limit: usize,
    ) -> Result<Vec<Version>, Problem> {
        let seen_by = Audience::only(&sight.caller);
        let is_seen =
            |it: &Stored| it.version < below && it.since <= sight.moment.upper_bound() && it.audience.meets(seen_by);
        let stored = Self::stored(connection, id)?.into_iter().rev().filter(is_seen).take(limit);
        Ok(stored.map(|it| Version { version: it.version, since: it.since }).collect())
    }

    /// Every stored version of a resource in their order, whoever could see it.
    ///
    /// # Errors
    /// When the query fails.
    fn stored(connection: &mut Connection, id: Id) -> Result<Vec<Stored>, Problem>;

    /// Destroys its rows that stand within a stretch of the journal.
    ///
    /// # Errors
    /// When a statement fails.
    fn destroy(write: &mut Write<'_>, id: Id, stretch: Stretch) -> Result<(), Problem>;

    /// The resources that are part of it and are erased with it: a brief's trends.
    ///
    /// # Errors
    /// When the query fails.
    fn members(_: &mut Connection, _: Id) -> Result<Vec<Id>, Problem> {
        Ok(Vec::new())
    }

    /// Erases a member of it within a stretch.
    ///
    /// # Errors
    /// When a statement fails.
    fn destroy_member(_: &mut Write<'_>, _: Id, _: Stretch, _: &Prose) -> Result<(), Problem> {
        Ok(())
    }

    /// Refuses to delete what others name.
    ///
    /// # Errors
    /// 409 that lists who does, as far as the writer may see them.
    fn demand_unused(_: &mut Write<'_>, _: &Self) -> Result<(), Problem> {
        Ok(())
    }

    /// Puts another in the place of this one wherever it is named.
    ///
    /// # Errors
    /// 400 where there is nothing to put in its place.
    fn merge(_: &mut Write<'_>, _: &Self, _: &Self) -> Result<(), Problem> {
        Err(Problem::parameter("replace_with", "is for actors and categories"))
    }

    /// It as it is read, whole.
    ///
    /// # Errors
    /// When a query fails.
    fn view(connection: &mut Connection, sight: Sight, row: Self) -> Result<Self::View, Problem>;

    /// Writes the first version of a new one, whose wanted slug is free, and returns it. `id` is for imports that keep
    /// the identity that a resource had elsewhere.
    ///
    /// # Errors
    /// 403 and 422, as the rules of the slice say.
    fn create(write: &mut Write<'_>, id: Id, input: Self::Input) -> Result<Self, Problem>;

    /// Writes the next version in the place of this one, unless nothing changes, and returns the living one.
    ///
    /// # Errors
    /// 403 and 422, as the rules of the slice say.
    fn update(write: &mut Write<'_>, existing: Self, input: Self::Input) -> Result<Self, Problem>;

    /// Ends the living version and leaves a tombstone.
    ///
    /// # Errors
    /// 403, as the rules of the slice say.
    fn remove(write: &mut Write<'_>, existing: Self, removal: Removal) -> Result<(), Problem>;
}

/// A kind of resource of which one body may name many.
pub trait Named: Resource {
    /// Of these slugs, those of living resources that this sight of the present sees, with whose they are.
    ///
    /// # Errors
    /// When the query fails.
    fn by_slugs(connection: &mut Connection, sight: Sight, slugs: &[&str]) -> Result<Vec<(String, Id)>, Problem>;
}

/// A resource as a write has left it.
pub struct Saved<R: Resource> {
    /// Its row.
    pub row: R,
    /// What became of it.
    pub outcome: Outcome,
}

/// What a write is answered with.
pub struct Written<R: Resource> {
    /// As much of the resource as its writer asked for.
    pub shown: Shown<R::View>,
    /// Its slug, for the `Location`.
    pub slug: String,
    /// Its version.
    pub version: i32,
    /// What became of it.
    pub outcome: Outcome,
}

/// What the writer of a resource is shown of it.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Shown<V> {
    /// It as its writer now reads it.
    Whole(V),
    /// What it takes to find it again.
    Minimal {
        /// Its identity.
        id: Id,
        /// Its slug.
        slug: String,
        /// Its version.
        version: i32,
    },
}

/// What a write did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is new.
    Created,
    /// It has a new version.
    Updated,
    /// It was so already, and nothing was written.
    Unchanged,
}

/// The resource that is meant.
///
/// # Errors
/// 404, 410 with its tombstone, or 308 for a slug that it had before.
pub fn find<R: Resource>(connection: &mut Connection, sight: Sight, reference: &Reference) -> Result<R, Problem> {
    if let Some(row) = R::look_up(connection, sight, reference)? {
        return Ok(row);
    }
    if let Some(problem) = erasure::erased_then::<R>(connection, sight, reference)? {
        return Err(problem);
    }
    // The latest that had the slug counts, unless it is hidden: then it is as if it had never had it.
    for id in reference::redirected(connection, sight.moment, R::KIND, reference)? {
        let renamed = Reference::from_id(id);
        if let Some(row) = R::look_up(connection, sight, &renamed)? {
            return Err(Problem::moved(&format!("/v1/{}/{}", R::COLLECTION, row.slug())));
        }
        let missing = reference::missing(connection, sight, R::KIND, &renamed);
        if missing.kind() == ProblemType::GONE {
            return Err(missing);
        }
    }
    Err(reference::missing(connection, sight, R::KIND, reference))
}

/// The resource that is meant, also by a slug that it had before: for what lies below it in paths, which is answered where it
/// is asked for.
///
/// # Errors
/// 404, or 410 with its tombstone.
pub fn behind<R: Resource>(connection: &mut Connection, sight: Sight, reference: &Reference) -> Result<R, Problem> {
    match lead(connection, sight, reference)? {
        Some(row) => Ok(row),
        None => find(connection, sight, reference),
    }
}

/// Creates a resource.
///
/// # Errors
/// 409 when its slug is taken, and what [`Resource::create`] returns.
pub fn create<R: Resource>(write: &mut Write<'_>, id: Id, mut input: R::Input) -> Result<Saved<R>, Problem> {
    if let Some(slug) = R::wanted_slug(&mut input) {
        slugs::demand_free(slug, R::slug_is_taken(write.connection, slug.as_str())?)?;
    }
    let row = R::create(write, id, input)?;
    reference::claim(write, R::KIND, row.slug(), id)?;
    Ok(Saved { row, outcome: Outcome::Created })
}

/// Creates a resource under this slug, or replaces the one that is there.
///
/// # Errors
/// 404 for an unknown id, 409 when a new slug is taken, 412, and what [`Resource::update`] returns.
pub fn put<R: Resource>(
    write: &mut Write<'_>,
    reference: &Reference,
    mut input: R::Input,
    precondition: &Precondition,
) -> Result<Saved<R>, Problem> {
    let sight = write.sight();
    let existing: Option<R> = slugs::unless_free(find(write.connection, sight, reference), reference)?;
    precondition.check(existing.as_ref().map(Resource::version))?;
    match existing {
        Some(existing) => replace(write, existing, input),
        None => {
            let wanted = R::wanted_slug(&mut input);
            *wanted = Some(slugs::of_path(reference, wanted.as_ref())?);
            create(write, Id::new(), input)
        }
    }
}

/// Changes a resource by merge patch.
///
/// # Errors
/// 404, 409, 412, 422 when what the patch makes is not valid, and what [`Resource::update`] returns.
pub fn patch<R: Resource>(
    write: &mut Write<'_>,
    reference: &Reference,
    changes: Value,
    precondition: &Precondition,
) -> Result<Saved<R>, Problem> {
    let sight = write.sight();
    let existing: R = find(write.connection, sight, reference)?;
    precondition.check(Some(existing.version()))?;
    let view = R::view(write.connection, sight, existing.clone())?;
    let mut document = serde_json::to_value(view).map_err(Problem::internal)?;
    forget_ids(&mut document, &changes);
    merge(&mut document, changes);
    let input = input::parse::<R>(write.connection, &sight.caller, document)?;
    replace(write, existing, input)
}

/// A reference in a patch that names only a slug means what has that slug, not what stood there before: the id that was
/// read beside the old slug does not count any more.
fn forget_ids(document: &mut Value, changes: &Value) {
    for (name, change) in changes.as_object().into_iter().flatten() {
        let Some(member) = document.get_mut(name) else { continue };
        if change.get("slug").is_some()
            && change.get("id").is_none()
            && let Some(link) = member.as_object_mut()
        {
            link.shift_remove("id");
        }
        forget_ids(member, change);
    }
}

/// Puts an input in the place of an existing resource. A new slug leaves a redirect behind.
///
/// # Errors
/// As [`put`].
pub fn replace<R: Resource>(write: &mut Write<'_>, existing: R, mut input: R::Input) -> Result<Saved<R>, Problem> {
    let (id, version, old_slug) = (existing.id(), existing.version(), existing.slug().to_owned());
    if let Some(slug) = R::wanted_slug(&mut input).clone().filter(|slug| slug.as_str() != old_slug) {
        slugs::demand_free(&slug, R::slug_is_taken(write.connection, slug.as_str())?)?;
        reference::redirect(write, R::KIND, &old_slug, id)?;
    }
    let row = R::update(write, existing, input)?;
    if row.slug() != old_slug {
        reference::claim(write, R::KIND, row.slug(), id)?;
    }
    let outcome = if row.version() == version { Outcome::Unchanged } else { Outcome::Updated };
    Ok(Saved { row, outcome })
}

/// Deletes a resource.
///
/// # Errors
/// 404, 412, and what [`Resource::remove`] returns.
pub fn delete<R: Resource>(
    write: &mut Write<'_>,
    reference: &Reference,
    removal: Removal,
    precondition: &Precondition,
) -> Result<(), Problem> {
    let sight = write.sight();
    let existing: R = find(write.connection, sight, reference)?;
    precondition.check(Some(existing.version()))?;
    R::demand_unused(write, &existing)?;
    R::remove(write, existing, removal)
}

/// Deletes a resource and puts another in its place wherever it is named. Its slug and its id lead to the other from now on.
///
/// # Errors
/// 400 when the other is not there or is the same, 404, 412, and what [`Resource::merge`] and [`Resource::remove`] return.
pub fn merge_into<R: Resource>(
    write: &mut Write<'_>,
    reference: &Reference,
    other: &Reference,
    removal: Removal,
    precondition: &Precondition,
) -> Result<(), Problem> {
    let sight = write.sight();
    let existing: R = find(write.connection, sight, reference)?;
    precondition.check(Some(existing.version()))?;
    let Some(target) = lead::<R>(write.connection, sight, other)?.filter(|target| target.id() != existing.id()) else {
        return Err(Problem::parameter("replace_with", format!("there is no other {} `{other}`", R::KIND)));
    };
    let (id, slug) = (existing.id(), existing.slug().to_owned());
    R::merge(write, &existing, &target)?;
    let replacement = removal.replacement.or_else(|| target.slug().parse().ok());
    R::remove(write, existing, Removal { replacement, ..removal })?;
    reference::redirect_all(write, R::KIND, id, &slug, target.id())
}

/// A write, and then what it is answered with: the resource as its writer now reads it or, where the request prefers that, only
/// which it is.
fn answered<R: Resource>(
    request: &HttpRequest,
    work: impl FnOnce(&mut Write<'_>) -> Result<Saved<R>, Problem> + Send + 'static,
) -> impl FnOnce(&mut Write<'_>) -> Result<Written<R>, Problem> + Send + 'static {
    let wanted = Return::wanted_by(request);
    move |write| {
        let Saved { row, outcome } = work(write)?;
        let (slug, version, sight) = (row.slug().to_owned(), row.version(), write.sight());
        let shown = match wanted {
            Return::Representation => Shown::Whole(R::view(write.connection, sight, row)?),
            Return::Minimal => Shown::Minimal { id: row.id(), slug: slug.clone(), version },
        };
        Ok(Written { shown, slug, version, outcome })
    }
}

/// Answers `GET` of a single resource.
///
/// # Errors
/// As [`find`], and as [`answer::single`].
pub async fn answer_get<R: Resource>(
    state: &AppState,
    request: &HttpRequest,
    caller: &Caller,
    id: &str,
    query: &SingleQuery,
) -> Result<HttpResponse, Problem> {
    let reference = Reference::from_text(id);
    let (head, (version, view)) = state
        .ask(request, caller, query.as_of, move |connection, sight| {
            let row: R = find(connection, sight, &reference)?;
            Ok((row.version(), R::view(connection, sight, row)?))
        })
        .await?;
    answer::single(request, caller, query, head, version, &view)
}

/// Answers `POST` to a collection.
///
/// # Errors
/// As [`create`].
pub async fn answer_post<R: Resource>(
    state: &Data<AppState>,
    request: &HttpRequest,
    caller: &Caller,
    input: R::Input,
) -> Result<HttpResponse, Problem> {
    answer_write_once(state, request, caller, move |write| create::<R>(write, Id::new(), input)).await
}

/// Answers a write of a resource that carries an `Idempotency-Key`, or may.
///
/// # Errors
/// What `work` returns, and as [`AppState::write_once`].
pub async fn answer_write_once<R: Resource>(
    state: &AppState,
    request: &HttpRequest,
    caller: &Caller,
    work: impl FnOnce(&mut Write<'_>) -> Result<Saved<R>, Problem> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let (config, work) = (state.config.clone(), answered(request, work));
    state.write_once(request, *caller, work, move |written, position| answer::written(&config, written, position)).await
}

/// Answers `PUT` of a single resource.
///
/// # Errors
/// As [`put`].
pub async fn answer_put<R: Resource>(
    state: &Data<AppState>,
    request: &HttpRequest,
    caller: &Caller,
    id: &str,
    input: R::Input,
) -> Result<HttpResponse, Problem> {
    let precondition = Precondition::of(request, state)?;
    let reference = Reference::from_text(id);
    answer_write(state, request, caller, move |write| put::<R>(write, &reference, input, &precondition)).await
}

/// Answers `PATCH` of a single resource.
///
/// # Errors
/// As [`patch`].
pub async fn answer_patch<R: Resource>(
    state: &Data<AppState>,
    request: &HttpRequest,
    caller: &Caller,
    id: &str,
    changes: Value,
) -> Result<HttpResponse, Problem> {
    let precondition = Precondition::of(request, state)?;
    let reference = Reference::from_text(id);
    answer_write(state, request, caller, move |write| patch::<R>(write, &reference, changes, &precondition)).await
}

async fn answer_write<R: Resource>(
    state: &AppState,
    request: &HttpRequest,
    caller: &Caller,
    work: impl FnOnce(&mut Write<'_>) -> Result<Saved<R>, Problem> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let (written, position) = state.write(*caller, answered(request, work)).await?;
    Ok(answer::written(&state.config, &written, position)?.into())
}

/// Answers `DELETE` of a single resource.
///
/// # Errors
/// As [`delete`].
pub async fn answer_delete<R: Resource>(
    state: &Data<AppState>,
    request: &HttpRequest,
    caller: &Caller,
    id: &str,
    removal: Removal,
    replace_with: Option<Reference>,
) -> Result<HttpResponse, Problem> {
    let precondition = Precondition::of(request, state)?;
    let reference = Reference::from_text(id);
    // What names the other may be published, or hidden from this caller: so the role is asked for whatever is found.
    if replace_with.is_some() && !caller.is_publisher() {
        return Err(Problem::needs_role(Role::Publisher));
    }
    let work = move |write: &mut Write<'_>| match &replace_with {
        None => delete::<R>(write, &reference, removal, &precondition),
        Some(other) => merge_into::<R>(write, &reference, other, removal, &precondition),
    };
    let ((), position) = state.write(*caller, work).await?;
    Ok(answer::deleted(position).into())
}

/// Looks up together what references in a body mean that is going to be asked of each by [`meant`]. What is not found so is looked up
/// there.
///
/// # Errors
/// When the query fails.
pub fn foresee<'r, R: Named>(
    write: &mut Write<'_>,
    references: impl IntoIterator<Item = &'r Reference>,
) -> Result<(), Problem> {
    let mut slugs: Vec<&str> = references
        .into_iter()
        .filter(|reference| reference.id.is_none() && write.foreseen(R::KIND, reference).is_none())
        .filter_map(|reference| reference.slug.as_deref())
        .collect();
    slugs.sort_unstable();
    slugs.dedup();
    if slugs.len() > 1 {
        let sight = write.sight();
        let meant = R::by_slugs(write.connection, sight, &slugs)?;
        write.foresee(R::KIND, meant);
    }
    Ok(())
}

/// The resource that a reference in a body means, with its row where that had to be read; if there is none, a fault at its place.
/// What the writer may not see cannot be meant.
///
/// # Errors
/// When the query fails.
pub fn meant<R: Resource>(
    write: &mut Write<'_>,
    reference: &Reference,
    pointer: &str,
    faults: &mut Vec<Fault>,
) -> Result<Option<(Id, Option<R>)>, Problem> {
    if let Some(id) = write.foreseen(R::KIND, reference) {
        return Ok(Some((id, None)));
    }
    let sight = write.sight();
    if let Some(row) = lead::<R>(write.connection, sight, reference)? {
        return Ok(Some((row.id(), Some(row))));
    }
    if let Some(id) = write.promised(R::KIND, reference) {
        return Ok(Some((id, None)));
    }
    if !reference.deleted {
        faults.push(Fault::missing(R::KIND, reference, pointer));
    }
    Ok(None)
}

/// Where a reference leads, also by a slug that the resource had before.
///
/// # Errors
/// When a query fails.
pub fn lead<R: Resource>(
    connection: &mut Connection,
    sight: Sight,
    reference: &Reference,
) -> Result<Option<R>, Problem> {
    if let Some(row) = R::look_up(connection, sight, reference)? {
        return Ok(Some(row));
    }
    for id in reference::redirected(connection, sight.moment, R::KIND, reference)? {
        if let Some(row) = R::look_up(connection, sight, &Reference::from_id(id))? {
            return Ok(Some(row));
        }
    }
    Ok(None)
}
