//! Two sides of a comparison, as a type by side. Invariant: what is made for one side is made for the other.

use serde::Serialize;

/// One of two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The left: approved, pre, the earlier.
    Before,
    /// The right: found, post, the later.
    After,
}

impl Side {
    /// Both, left first.
    pub const BOTH: [Self; 2] = [Self::Before, Self::After];
}

/// A value for each side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Sides<T> {
    /// The left one.
    pub before: T,
    /// The right one.
    pub after: T,
}

impl<T> Sides<T> {
    /// Both values.
    pub fn new(before: T, after: T) -> Self {
        Self { before, after }
    }

    /// The value of a side.
    pub fn get(&self, side: Side) -> &T {
        match side {
            Side::Before => &self.before,
            Side::After => &self.after,
        }
    }

    /// The value of a side, to change it.
    pub fn get_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Before => &mut self.before,
            Side::After => &mut self.after,
        }
    }

    /// Both, by reference.
    pub fn as_ref(&self) -> Sides<&T> {
        Sides::new(&self.before, &self.after)
    }

    /// The same done to both.
    pub fn map<U>(self, mut change: impl FnMut(T) -> U) -> Sides<U> {
        Sides::new(change(self.before), change(self.after))
    }
}
