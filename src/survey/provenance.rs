//! Where a value comes from, as part of its type.
//! Invariant: a SIMULATED value cannot be put where a LIVE one belongs. Held by the types, by the example below, which must not
//! compile, and by the test `a_simulated_value_is_refused_where_a_live_one_belongs`.
//!
//! ```compile_fail
//! use drygate::survey::{Live, Simulated};
//! let simulated: Simulated<u64> = Simulated::new(60);
//! let live: Live<u64> = simulated;
//! ```

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeStruct};

use super::named_enum;

named_enum! {
    /// The provenances (docs/contract.md, section 2).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    #[cfg_attr(test, derive(schemars::JsonSchema))]
    pub enum Provenance {
        /// Read from the database.
        Live = "LIVE",
        /// Made by the simulator.
        Simulated = "SIMULATED",
        /// Computed from live or simulated values.
        Derived = "DERIVED",
        /// Stated by a person or a file; nothing checked it.
        Declared = "DECLARED",
        /// Measured on a throwaway copy of the database.
        Rehearsed = "REHEARSED",
    }
}

macro_rules! sourced {
    ($name:ident, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name<T>(T);

        impl<T> $name<T> {
            /// Declares that `value` has this provenance.
            pub fn new(value: T) -> Self {
                Self(value)
            }

            /// The value without its provenance.
            pub fn get(&self) -> &T {
                &self.0
            }
        }

        impl<T: Serialize> Serialize for $name<T> {
            // The type carries the provenance and the value does not store it, so it is written here.
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut out = serializer.serialize_struct(stringify!($name), 2)?;
                out.serialize_field("value", &self.0)?;
                out.serialize_field("provenance", &Provenance::$name)?;
                out.end()
            }
        }

        impl<'de, T: Deserialize<'de>> Deserialize<'de> for $name<T> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                // JSON written by another type is refused, so that a file cannot turn SIMULATED into LIVE.
                let tagged = Tagged::<T>::deserialize(deserializer)?;
                if tagged.provenance == Provenance::$name {
                    Ok(Self(tagged.value))
                } else {
                    Err(de::Error::custom(format!(
                        "a value of provenance {} where {} belongs",
                        tagged.provenance,
                        Provenance::$name
                    )))
                }
            }
        }
    };
}

/// The JSON form of every value with a provenance.
#[derive(Deserialize)]
struct Tagged<T> {
    value: T,
    provenance: Provenance,
}

sourced!(Live, "A value read from the database.");
sourced!(Simulated, "A value made by the simulator.");
sourced!(Derived, "A value computed from live or simulated ones.");
sourced!(
    Declared,
    "A value that somebody stated and nothing checked."
);
sourced!(
    Rehearsed,
    "A value measured on a throwaway copy of the database."
);

impl fmt::Display for Simulated<u64> {
    /// `~60`: the mark that every simulated number carries on screen.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "~{}", self.0)
    }
}

impl fmt::Display for Rehearsed<u64> {
    /// `#240`: the mark that every rehearsed number carries on screen.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Live, Rehearsed, Simulated};

    #[test]
    fn a_simulated_value_is_refused_where_a_live_one_belongs() {
        let text = serde_json::to_string(&Simulated::new(60_u64)).expect("plain data");
        assert_eq!(text, r#"{"value":60,"provenance":"SIMULATED"}"#);
        assert!(serde_json::from_str::<Live<u64>>(&text).is_err());
        assert!(serde_json::from_str::<Simulated<u64>>(&text).is_ok());
        assert!(serde_json::from_str::<Rehearsed<u64>>(&text).is_err());
    }
}
