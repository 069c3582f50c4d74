//! A run as one HTML page, for people without a terminal. It is made from journal, blobs, reviews and hook records alone.
//! Invariant: the page loads nothing, and text of the database or of people is never markup. Held by the tests
//! `the_page_loads_nothing_and_tells_every_fact` and `hostile_text_is_shown_and_is_no_markup` of tests/integration/page.rs.

mod decisions;
mod differences;
mod facts;
mod input;
mod moments;
mod render;
mod standing;
mod view;

pub use input::{PageError, PageInput, PageNote};
pub use moments::is_listed;
pub use render::page;
