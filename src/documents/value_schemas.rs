//! Hand-written JSON Schemas of types that have their own `Serialize`, so schemars cannot derive one.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::SchemaVersion;
use crate::run::RunId;
use crate::survey::{Declared, Derived, Digest, Live, Rehearsed, Simulated, UtcTime};

macro_rules! text {
    ($name:ident, $description:literal, $pattern:literal) => {
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "description": $description, "type": "string", "pattern": $pattern })
            }
        }
    };
}

text!(Digest, "A SHA-256 in lower-case hex.", "^[0-9a-f]{64}$");
text!(
    UtcTime,
    "A time in UTC, RFC 3339, with microseconds.",
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,6})?Z$"
);
text!(
    RunId,
    "A run: prefix of the profile, time of its start, eight random hex digits.",
    "^[a-z0-9]{1,16}-[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}$"
);

impl JsonSchema for SchemaVersion {
    fn schema_name() -> Cow<'static, str> {
        "SchemaVersion".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "const": Self::NUMBER })
    }
}

macro_rules! sourced {
    ($name:ident, $description:literal) => {
        impl<T: JsonSchema> JsonSchema for $name<T> {
            fn schema_name() -> Cow<'static, str> {
                format!("{}_{}", stringify!($name), T::schema_name()).into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "description": $description,
                    "type": "object",
                    "properties": {
                        "value": generator.subschema_for::<T>(),
                        "provenance": { "const": stringify!($name).to_uppercase() },
                    },
                    "required": ["value", "provenance"],
                })
            }
        }
    };
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
