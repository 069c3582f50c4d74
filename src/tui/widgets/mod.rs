//! What screens are drawn with: escaped text, inks, canvas, frames. Nothing here knows a run, and every text passes [`Shown`].

mod canvas;
mod cells;
mod shown;
mod text;

pub use canvas::{Canvas, Weight};
pub use cells::{Atom, CELL_MIN, cells, joined};
pub use shown::Shown;
pub use text::Text;
