//! The two sides of a comparison, and a value for each of them.

use serde::Serialize;

/// One of the two sides of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The left side: approved, pre, the earlier.
    Before,
    /// The right side: found, post, the later.
    After,
}

impl Side {
    /// Both sides, the left one first.
    pub const BOTH: [Self; 2] = [Self::Before, Self::After];
}

/// One value for each side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Sides<T> {
    /// The value of the left side.
    pub before: T,
    /// The value of the right side.
    pub after: T,
}

impl<T> Sides<T> {
    /// A pair of values, left and right.
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

    /// The value of a side, mutable.
    pub fn get_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Before => &mut self.before,
            Side::After => &mut self.after,
        }
    }

    /// Both values by reference.
    pub fn as_ref(&self) -> Sides<&T> {
        Sides::new(&self.before, &self.after)
    }

    /// Applies one function to both values, to the left one first.
    pub fn map<U>(self, mut change: impl FnMut(T) -> U) -> Sides<U> {
        Sides::new(change(self.before), change(self.after))
    }
}
