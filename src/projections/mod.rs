//! Rows, pages and entries of feeds that are ready to be sent, kept on disk beside the database.
//!
//! What a list shows of a brief, and what its page shows, is put together from a dozen tables; but it changes rarely, and is
//! asked for often. So whoever puts it together leaves it on a [`shelf`], as it is sent, for the others of its class of callers. A
//! list then only has to find out which rows it shows.
//!
//! The [`follower`] reads the journal and takes from the shelf what a write may have changed ([`concerned`]). What is like a brief stays,
//! and with it where it was looked for: whoever takes it sees by the [`changes`] whether something happened there. The shelf says up
//! to where it has done so, and is read and filled only by those whose class of callers has seen nothing later: what is on
//! it is never older than what the database says. It is a scratch file of this process: nothing is lost with it.

mod changes;
mod concerned;
mod follower;
mod shelf;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use xxhash_rust::xxh3::xxh3_128;

use crate::access::{Audience, Caller};
use crate::briefs::similar::strands::Reach;
use crate::db::types::Id;
use crate::db::{Connection, Db, dialect};
use crate::http::page::JsonPage;
use crate::journal::{self, Head};
use crate::problem::Problem;
use crate::reference::Reference;
use shelf::{Bodies, Item, Key, Shelf};

/// How long whoever reads waits for what is kept to be current: less than to make a page anew takes where the database is slow.
const PATIENCE: Duration = Duration::from_millis(20);

/// What is kept of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// A brief whole, but for what is like it.
    BriefPage,
    /// What is like a brief. It follows from other briefs, and so stands only as long as nothing changes where it was looked for.
    BriefSimilar,
    /// A brief in a list.
    BriefRow,
    /// What is searched in a brief.
    BriefText,
    /// A brief in an Atom feed, at the place where it stands for its class of callers.
    BriefInAtom,
    /// The same in RSS.
    BriefInRss,
    /// The same in a JSON Feed.
    BriefInJson,
    /// An event in a list.
    EventRow,
}

impl Form {
    const ALL: [Self; 8] = [
        Self::BriefPage,
        Self::BriefSimilar,
        Self::BriefRow,
        Self::BriefText,
        Self::BriefInAtom,
        Self::BriefInRss,
        Self::BriefInJson,
        Self::EventRow,
    ];
}

/// What is kept ready, for all classes of callers. Cheap to clone.
#[derive(Clone)]
pub struct Projections {
    shelf: Option<Arc<Shelf>>,
    /// How many groups of writes this process has ended.
    commits: watch::Receiver<u64>,
}

/// A brief whole, as it was kept.
pub struct Whole {
    /// Its version.
    pub version: i32,
    /// All of its JSON but for what is like it.
    pub page: Vec<u8>,
    /// The JSON of what is like it, unless that has to be made anew.
    pub similar: Option<Vec<u8>>,
}

impl Projections {
    /// Starts to follow the journal, with a file in this directory that takes so many bytes at most; with none, nothing is kept.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn start(db: Db, directory: &Path, bytes: u64) -> io::Result<Self> {
        let commits = db.commits();
        if bytes == 0 {
            return Ok(Self { shelf: None, commits });
        }
        let shelf = Arc::new(Shelf::in_directory(directory, bytes)?);
        follower::start(db, &shelf)?;
        Ok(Self { shelf: Some(shelf), commits })
    }

    /// Waits a moment for all that this process has written to be heeded, unless nothing was written that callers of this class see:
    /// that is mostly done sooner than anything is made anew. The head of the class helps, where it is known.
    pub async fn wait_until_current(&self, caller: &Caller, head: Option<Head>) {
        let Some(there) = &self.shelf else { return };
        if head.is_none_or(|head| !there.is_at(class_of(caller), head)) {
            let commits = *self.commits.borrow();
            there.wait_until_followed(commits, PATIENCE).await;
        }
    }

    /// What is kept for callers of this class, as the archive stands for them at this head.
    #[must_use]
    pub fn at(&self, caller: &Caller, head: Head) -> Ready {
        let class = class_of(caller);
        Ready { shelf: self.shelf.clone(), class, head, snapshot: None, has_begun: false, made: Vec::new() }
    }
}

/// What is kept for a class of callers at a head of the journal, and what is made beside it. That is kept too when this ends.
pub struct Ready {
    shelf: Option<Arc<Shelf>>,
    class: u8,
    head: Head,
    /// The last position in what was made from.
    snapshot: Option<i64>,
    has_begun: bool,
    made: Vec<Item>,
}

impl Ready {
    /// For what nothing is kept of.
    #[must_use]
    pub fn nothing() -> Self {
        Self { shelf: None, class: 0, head: Head::start(), snapshot: None, has_begun: false, made: Vec::new() }
    }

    fn key(&self, form: Form, id: Id) -> Key {
        Key { id, form, class: self.class }
    }

    /// A page of these rows in their order; those that are not kept are made.
    ///
    /// # Errors
    /// What `fill` returns, which makes them. What it makes nothing of is left out.
    pub fn page(
        &mut self,
        connection: &mut Connection,
        form: Form,
        ids: &[Id],
        fill: impl FnOnce(&mut Connection, &[Id]) -> Result<Vec<(Id, Vec<u8>)>, Problem>,
    ) -> Result<JsonPage, Problem> {
        let (kept, made) = self.kept_and_made(connection, form, ids, fill)?;
        let made_bytes = made.iter().map(|item| item.body.len()).sum::<usize>();
        let mut page = JsonPage::with_capacity(kept.length() + made_bytes + ids.len());
        in_order(ids, &kept, &made).for_each(|body| page.push(body));
        self.made.extend(made);
        Ok(page)
    }

    /// The same each by itself.
    ///
    /// # Errors
    /// What `fill` returns, which makes them. What it makes nothing of is left out.
    pub fn each(
        &mut self,
        connection: &mut Connection,
        form: Form,
        ids: &[Id],
        fill: impl FnOnce(&mut Connection, &[Id]) -> Result<Vec<(Id, Vec<u8>)>, Problem>,
    ) -> Result<Vec<Vec<u8>>, Problem> {
        let (kept, made) = self.kept_and_made(connection, form, ids, fill)?;
        let each = in_order(ids, &kept, &made).map(<[u8]>::to_vec).collect();
        self.made.extend(made);
        Ok(each)
    }

    /// Those of these that are kept, in their places, and the others, in their order.
    fn kept_and_made(
        &mut self,
        connection: &mut Connection,
        form: Form,
        ids: &[Id],
        fill: impl FnOnce(&mut Connection, &[Id]) -> Result<Vec<(Id, Vec<u8>)>, Problem>,
    ) -> Result<(Bodies, Vec<Item>), Problem> {
        let kept = Bodies::of(&match &self.shelf {
            Some(there) => there.find(self.class, self.head, ids.iter().map(|id| self.key(form, *id))),
            None => Vec::new(),
        });
        let missing: Vec<Id> =
            ids.iter().enumerate().filter(|(number, _)| kept.get(*number).is_none()).map(|(_, id)| *id).collect();
        if missing.is_empty() {
            return Ok((kept, Vec::new()));
        }
        self.begin_making(connection)?;
        let made = fill(connection, &missing)?;
        Ok((kept, made.into_iter().map(|(id, body)| Item { key: self.key(form, id), name: None, body }).collect()))
    }

    /// The brief that a reference means, if it is kept. One by an old slug is not.
    #[must_use]
    pub fn whole(&self, reference: &Reference) -> Option<Whole> {
        let there = self.shelf.as_ref()?;
        let id = match (&reference.id, &reference.slug) {
            (Some(id), _) => *id,
            (None, slug) => there.named(name_of(slug.as_deref()?))?,
        };
        let keys = [self.key(Form::BriefPage, id), self.key(Form::BriefSimilar, id)];
        let found = there.find(self.class, self.head, keys.into_iter());
        let kept = Bodies::of(&found);
        let (version, slug, page) = open_page(kept.get(0)?)?;
        let is_meant = reference.id.is_some() || reference.slug.as_deref() == Some(slug);
        is_meant.then(|| {
            let similar = || {
                let (reaches, similar) = Reach::parted(kept.get(1)?)?;
                there.stands(found.get(1)?.as_ref()?, reaches).then(|| similar.to_vec())
            };
            Whole { version, page: page.to_vec(), similar: similar() }
        })
    }

    /// Notes the snapshot from which is made what will be kept: what is older than the shelf is not put on it, even where its class of
    /// callers has seen nothing since. And has it planned for any ids.
    ///
    /// # Errors
    /// When the query fails.
    pub fn begin_making(&mut self, connection: &mut Connection) -> Result<(), Problem> {
        if std::mem::replace(&mut self.has_begun, true) {
            return Ok(());
        }
        if self.shelf.is_some() {
            self.snapshot = Some(journal::head(connection)?.position);
        }
        Ok(dialect::plan_once(connection)?)
    }

    /// Keeps a brief whole, but for what is like it.
    pub fn keep_page(&mut self, id: Id, slug: &str, version: i32, page: &[u8]) {
        let (key, name) = (self.key(Form::BriefPage, id), Some(name_of(slug)));
        self.made.push(Item { key, name, body: close_page(version, slug, page) });
    }

    /// Keeps what is like a brief, and was looked for within these reaches.
    pub fn keep_similar(&mut self, id: Id, reaches: &[Reach], similar: &[u8]) {
        let key = self.key(Form::BriefSimilar, id);
        self.made.push(Item { key, name: None, body: Reach::before(reaches, similar) });
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        if let (Some(there), Some(snapshot)) = (&self.shelf, self.snapshot) {
            there.put(self.class, self.head, snapshot, &self.made);
        }
    }
}

/// What is kept and what was made of these, in their order.
fn in_order<'i>(ids: &'i [Id], kept: &'i Bodies, made: &'i [Item]) -> impl Iterator<Item = &'i [u8]> {
    let mut made = made.iter().peekable();
    ids.iter().enumerate().filter_map(move |(number, id)| {
        kept.get(number).or_else(|| made.next_if(|item| item.key.id == *id).map(|item| item.body.as_slice()))
    })
}

fn class_of(caller: &Caller) -> u8 {
    u8::try_from(Audience::class_of(caller)).unwrap_or(u8::MAX)
}

fn name_of(slug: &str) -> u128 {
    xxh3_128(slug.as_bytes())
}

/// A page begins with its version, the length of its slug, and that: it is found by what may be somebody else's by now.
fn close_page(version: i32, slug: &str, page: &[u8]) -> Vec<u8> {
    let length = u16::try_from(slug.len()).unwrap_or_default();
    [&version.to_le_bytes()[..], &length.to_le_bytes(), slug.as_bytes(), page].concat()
}

fn open_page(kept: &[u8]) -> Option<(i32, &str, &[u8])> {
    let (version, rest) = kept.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (slug, page) = rest.split_at_checked(u16::from_le_bytes(*length).into())?;
    Some((i32::from_le_bytes(*version), std::str::from_utf8(slug).ok()?, page))
}
