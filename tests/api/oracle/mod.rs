//! A naive model of the archive: plain vectors in memory, and plain loops that say who may see what and what each list
//! answers. It is written from what the product promises and shares no code with the server, so that where the two
//! differ, one of them is wrong.
//!
//! [`generate`] makes random archives, [`load`] writes them over HTTP and goes on changing both sides alike, [`sight`]
//! says who may see what, [`ask`] what can be asked, [`lists`] what is then answered and [`counts`] what is counted.

mod archive;
mod ask;
mod counts;
mod generate;
mod lists;
mod load;
mod sight;

pub use archive::{Archive, Brief, Event, MARKINGS, Trend};
pub use ask::{Ask, List, asks};
pub use generate::archive;
pub use load::{deeds, load};
pub use sight::Caller;
