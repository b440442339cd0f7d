//! How a resource gets its slug.

use crate::problem::{Problem, ProblemType};
use crate::reference::Reference;
use crate::scalars::Slug;

/// The slug that was asked for, which was found free; or else the derived one, with a number that makes it free. However many
/// have the same name, a few looks find the number: it is doubled until it is free, and then the gap is halved.
///
/// # Errors
/// When looking for others fails.
pub fn choose(
    wanted: Option<Slug>,
    derive: impl FnOnce() -> Slug,
    mut is_taken: impl FnMut(&str) -> Result<bool, Problem>,
) -> Result<String, Problem> {
    if let Some(wanted) = wanted {
        return Ok(wanted.into_string());
    }
    let derived = derive();
    if !is_taken(derived.as_str())? {
        return Ok(derived.into_string());
    }
    let mut is_taken = |number| is_taken(derived.numbered(number).as_str());
    let (mut taken, mut free) = (1, 2);
    while is_taken(free)? {
        (taken, free) = (free, free * 2);
    }
    while free - taken > 1 {
        let middle = taken.midpoint(free);
        if is_taken(middle)? { taken = middle } else { free = middle }
    }
    Ok(derived.numbered(free).into_string())
}

/// Refuses a slug that another resource of the kind has.
///
/// # Errors
/// 409 that names it.
pub fn demand_free(slug: &Slug, taken: bool) -> Result<(), Problem> {
    if taken {
        let fault = crate::http::body::Fault::at("/slug", format!("`{slug}` is taken"));
        Err(Problem::conflict("Another resource of this kind has the slug.").with_errors(vec![fault]))
    } else {
        Ok(())
    }
}

/// What a `PUT` found: nothing is in order under a slug, living or deleted, but an id is never made up by a client.
///
/// # Errors
/// The problem of the search, unless it is that nothing is there.
pub fn unless_free<T>(found: Result<T, Problem>, reference: &Reference) -> Result<Option<T>, Problem> {
    match found {
        Ok(row) => Ok(Some(row)),
        Err(problem)
            if reference.id.is_none() && matches!(problem.kind(), ProblemType::NOT_FOUND | ProblemType::GONE) =>
        {
            Ok(None)
        }
        Err(problem) => Err(problem),
    }
}

/// The slug that a new resource gets by a `PUT`: the one in the path.
///
/// # Errors
/// 422 when the path is no slug, or the body names another one.
pub fn of_path(reference: &Reference, in_body: Option<&Slug>) -> Result<Slug, Problem> {
    let text = reference.slug.clone().unwrap_or_default();
    let slug: Slug = text.parse().map_err(|error: String| Problem::parameter("id", error))?;
    match in_body {
        Some(other) if *other != slug => {
            Err(Problem::invalid_at("/slug", format!("differs from the slug in the path, `{slug}`")))
        }
        _ => Ok(slug),
    }
}
