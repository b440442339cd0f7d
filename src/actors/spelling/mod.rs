//! Names of people and bodies in any alphabet and spelling: how they are found in the index, and how well they fit.

mod fit;
mod keys;
mod letters;

pub use fit::{Fit, Name, Reason, Wanted};
pub use keys::keys_of;
