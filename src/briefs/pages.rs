//! A brief whole as JSON: as it is kept ready, or made and kept.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::model::BriefRow;
use super::similar::{self, Neighbours};
use super::views;
use crate::access::{Caller, Sight};
use crate::app::AppState;
use crate::db::{Connection, Needs};
use crate::http::answer::{self, as_json};
use crate::journal;
use crate::problem::Problem;
use crate::projections::{Ready, Whole};
use crate::reference::Reference;
use crate::resource;

/// Answers `GET` of a brief as it is now.
///
/// # Errors
/// As [`resource::find`].
pub async fn answer_get(
    state: &Data<AppState>,
    request: &HttpRequest,
    caller: &Caller,
    id: &str,
) -> Result<HttpResponse, Problem> {
    let (reader, reference, at_least) = (*caller, Reference::from_text(id), answer::at_least(request)?);
    if at_least == 0 {
        let head = state.heads.of(caller).await?;
        state.projections.wait_until_current(caller, Some(head)).await;
        let whole = state.projections.at(caller, head).whole(&reference);
        if let Some(Whole { version, page, similar: Some(similar) }) = whole {
            return Ok(answer::rendered(request, caller, head, version, "application/json", joined(page, &similar)));
        }
    }
    let projections = state.projections.clone();
    let (head, version, body) = state
        .db
        .read_anywhere(Needs { at_least, ..Needs::default() }, move |connection| {
            let head = journal::last_seen(connection, &reader)?;
            let (version, page, similar) = made(connection, &reader, &reference, &mut projections.at(&reader, head))?;
            Ok::<_, Problem>((head, version, joined(page, &similar)))
        })
        .await?;
    Ok(answer::rendered(request, caller, head, version, "application/json", body))
}

/// Makes what is not ready, and leaves it there.
fn made(
    connection: &mut Connection,
    caller: &Caller,
    reference: &Reference,
    ready: &mut Ready,
) -> Result<(i32, Vec<u8>, Vec<u8>), Problem> {
    let (sight, kept) = (Sight::now(caller), ready.whole(reference));
    if let Some(Whole { version, page, similar: Some(similar) }) = kept {
        return Ok((version, page, similar));
    }
    ready.begin_making(connection)?;
    let row: BriefRow = resource::find(connection, sight, reference)?;
    let (id, slug, version) = (row.id, row.slug.clone(), row.version);
    let (page, Neighbours { links, reaches }) = match kept {
        Some(Whole { page, .. }) => (page, similar::neighbours(connection, sight, &row)?),
        None => {
            let (view, neighbours) = views::page(connection, sight, row)?;
            let page = as_json(&view)?;
            ready.keep_page(id, &slug, version, &page);
            (page, neighbours)
        }
    };
    let similar = as_json(&links)?;
    ready.keep_similar(id, &reaches, &similar);
    Ok((version, page, similar))
}

/// The whole of it: what is like a brief is the last of its members.
fn joined(mut page: Vec<u8>, similar: &[u8]) -> Vec<u8> {
    page.pop();
    page.extend_from_slice(b",\"similar\":");
    page.extend_from_slice(similar);
    page.push(b'}');
    page
}
