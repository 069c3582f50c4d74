//! What people without a terminal read: a run as one page of HTML. Invariant: a function of journal, blobs and reviews; it loads nothing, and no text of others is markup.

mod decisions;
mod differences;
mod facts;
mod input;
mod moments;
mod render;
mod standing;
mod view;

pub use input::{PageError, PageInput, PageNote};
pub use render::page;
