//! Planted bugs: mistakes that can be switched on, so that it is seen which test notices. `scripts/planted-bugs` does it.
//! Invariant: a program that people have knows none of them (`planted` is `false` by constant without the feature `testing`).

mod bug;
#[cfg(feature = "testing")]
mod switch;

pub use bug::PlantedBug;
#[cfg(not(feature = "testing"))]
pub(crate) use bug::planted;
#[cfg(feature = "testing")]
pub(crate) use switch::planted;
