//! Who may see a thing now, at whatever moment it is read: documents of the past are for those only who could see it then
//! and may see it now.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::access::{Audience, Moment};
use crate::db::schema::resources;
use crate::db::types::Id;
use crate::db::{Connection, among, in_chunks};
use crate::problem::Problem;

/// The permits of some resources; of the present, what stands in its rows says everything.
pub struct Permits(Option<HashMap<Id, (Audience, Audience)>>);

impl Permits {
    /// Those of these resources.
    ///
    /// # Errors
    /// When the query fails.
    pub fn of(connection: &mut Connection, moment: Moment, ids: &[Id]) -> Result<Self, Problem> {
        if moment == Moment::Head {
            return Ok(Self(None));
        }
        let permits = in_chunks::<_, (Id, Audience, Audience), Problem>(ids, |ids| {
            resources::table
                .filter(among(resources::id, ids))
                .select((resources::id, resources::audience, resources::content))
                .load(connection)
        })?;
        Ok(Self(Some(permits.into_iter().map(|(id, audience, content)| (id, (audience, content))).collect())))
    }

    /// Who may see that it is there.
    #[must_use]
    pub fn to_see(&self, id: Id) -> Audience {
        self.of_one(id).0
    }

    /// Who may see what it says.
    #[must_use]
    pub fn to_read(&self, id: Id) -> Audience {
        self.of_one(id).1
    }

    fn of_one(&self, id: Id) -> (Audience, Audience) {
        match &self.0 {
            None => (Audience::EVERYONE, Audience::EVERYONE),
            Some(permits) => permits.get(&id).copied().unwrap_or((Audience::NOBODY, Audience::NOBODY)),
        }
    }
}
