//! What screens are drawn with: escaped text, ink, canvas, frames. Invariant: knows no run; every text passes [`Shown`].

mod canvas;
mod cells;
mod shown;
mod text;

pub use canvas::{Canvas, Weight};
pub use cells::{Atom, CELL_MIN, cells, joined};
pub use shown::Shown;
pub use text::Text;
