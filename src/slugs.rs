//! How a resource gets its slug.

use std::iter;

use crate::problem::{Problem, ProblemType};
use crate::reference::Reference;
use crate::scalars::Slug;

/// How many slugs are looked for at a time. So two looks are enough where up to fifteen have the name.
const AT_ONCE: usize = 8;

/// The slug that was asked for, which was found free; or else the derived one, with a number that makes it free. However many
/// have the same name, a few looks find the number: it is doubled until it is free, and then the gap is parted. `taken_among` tells
/// which of some slugs are taken.
///
/// # Errors
/// 409 when there is no number left, and when looking for others fails.
pub fn choose(
    wanted: Option<Slug>,
    derive: impl FnOnce() -> Slug,
    mut taken_among: impl FnMut(&[&str]) -> Result<Vec<String>, Problem>,
) -> Result<String, Problem> {
    if let Some(wanted) = wanted {
        return Ok(wanted.into_string());
    }
    let derived = derive();
    let slug = |number| if number == 1 { derived.clone() } else { derived.numbered(number) };
    // Of rising numbers, of which one is taken already: the last that is taken before one that is free, and that one.
    let mut look = |mut taken: u32, numbers: Vec<u32>| {
        let slugs: Vec<Slug> = numbers.iter().copied().map(slug).collect();
        let slugs: Vec<&str> = slugs.iter().map(Slug::as_str).collect();
        let found = taken_among(&slugs)?;
        for (number, slug) in numbers.into_iter().zip(slugs) {
            if !found.iter().any(|other| other == slug) {
                return Ok::<_, Problem>((taken, Some(number)));
            }
            taken = number;
        }
        Ok((taken, None))
    };
    let mut taken: u32 = 0;
    let mut free = loop {
        let next = if taken == 0 { Some(1) } else { taken.checked_mul(2) };
        let doubled: Vec<u32> = iter::successors(next, |number| number.checked_mul(2)).take(AT_ONCE).collect();
        if doubled.is_empty() {
            return Err(Problem::conflict("The name is taken with too many numbers: give a `slug`."));
        }
        let (last, found) = look(taken, doubled)?;
        taken = last;
        if let Some(found) = found {
            break found;
        }
    };
    while free - taken > 1 {
        let gap = (free - taken - 1) as usize;
        let between = (taken + 1..free).step_by(gap.div_ceil(AT_ONCE)).collect();
        let (last, found) = look(taken, between)?;
        (taken, free) = (last, found.unwrap_or(free));
    }
    Ok(slug(free).into_string())
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// What is chosen where these numbers of a name are taken, 1 being the name itself, and after how many looks.
    fn chosen(taken: &HashSet<u32>) -> (u32, usize) {
        let name = |number: u32| if number == 1 { "meeting".to_owned() } else { format!("meeting-{number}") };
        let taken: HashSet<String> = taken.iter().copied().map(name).collect();
        let mut looks = 0;
        let slug = choose(
            None,
            || Slug::derive("Meeting", ""),
            |slugs| {
                looks += 1;
                assert!(slugs.len() <= AT_ONCE, "{} are looked for at once", slugs.len());
                Ok(slugs.iter().map(ToString::to_string).filter(|slug| taken.contains(slug)).collect())
            },
        )
        .expect("a slug");
        assert!(!taken.contains(&slug), "{slug} is taken");
        let number = slug.strip_prefix("meeting-").map_or(1, |number| number.parse().expect("a number"));
        (number, looks)
    }

    #[test]
    fn however_many_have_the_name_a_few_looks_find_the_next_number() {
        for count in (0..600).chain([5_000, 70_000]) {
            let (number, looks) = chosen(&(1..=count).collect());
            assert_eq!(number, count + 1);
            assert!(looks <= 10, "{looks} looks for {number}");
        }
        assert_eq!(chosen(&HashSet::new()), (1, 1));
    }

    #[test]
    fn a_gap_is_filled_where_it_is_found() {
        let taken: HashSet<u32> = (1..=40).filter(|number| *number != 2 && *number != 33).collect();
        assert_eq!(chosen(&taken).0, 2);
        let taken: HashSet<u32> = (1..=40).filter(|number| *number != 33).collect();
        assert_eq!(chosen(&taken).0, 33);
    }

    #[test]
    fn a_name_that_has_every_number_that_is_looked_for_is_refused() {
        let refused =
            choose(None, || Slug::derive("Meeting", ""), |slugs| Ok(slugs.iter().map(ToString::to_string).collect()));
        assert!(refused.is_err());
    }

    #[test]
    fn who_asks_for_a_slug_gets_it() {
        let asked = Slug::derive("Asked for", "");
        let slug = choose(Some(asked), || Slug::derive("Meeting", ""), |_| Ok(Vec::new()));
        assert_eq!(slug.ok().as_deref(), Some("asked-for"));
    }
}
