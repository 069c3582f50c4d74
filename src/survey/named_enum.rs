//! Enums whose variants have one written name each: the name in journal, documents, profiles and on screens.
//! Invariant: a name stands once, beside its variant. Held by the macro, which gives it to serde and to `name`.

/// Declares such an enum; the name of a variant stands behind it. Adds `ALL`, `name` and `Display`.
macro_rules! named_enum {
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $Enum:ident {
            $($(#[$about:meta])* $variant:ident = $name:literal,)+
        }
    ) => {
        $(#[$attribute])*
        $visibility enum $Enum {
            $($(#[$about])* #[serde(rename = $name)] $variant,)+
        }

        impl $Enum {
            /// All of them, in their order.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            /// The one name that it has in journal, documents and on screens.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }

        impl std::fmt::Display for $Enum {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
    // Of variants with data there is no list, but of their names.
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $Enum:ident {
            $($(#[$about:meta])* $variant:ident($data:ty) = $name:literal,)+
        }
    ) => {
        $(#[$attribute])*
        $visibility enum $Enum {
            $($(#[$about])* #[serde(rename = $name)] $variant($data),)+
        }

        impl $Enum {
            /// The names of all variants, in their order.
            pub const NAMES: [&'static str; [$($name),+].len()] = [$($name),+];

            /// The name in the journal.
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)+
                }
            }
        }
    };
}

pub(crate) use named_enum;
