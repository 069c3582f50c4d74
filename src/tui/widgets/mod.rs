//! What screens are drawn with: escaped text, ink, canvas, frames. Invariant: knows no run; every text passes [`Shown`].

mod canvas;
mod shown;
mod text;

pub use canvas::{Canvas, Weight};
pub use shown::Shown;
pub use text::Text;
