//! Compares `assets/schemas` with the structs (test `the_committed_schemas_are_those_of_the_structs`). Invariant: an object of
//! a schema takes no member that it does not name (`close`).
//!
//! After a deliberate change of a document `DRYGATE_WRITE_SCHEMAS=1 cargo test --lib schemas` writes the files anew; read the
//! difference before you keep it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use schemars::generate::SchemaSettings;
use schemars::transform::transform_subschemas;
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use super::journal_schema::of_lines;
use super::{
    CastDocument, ConfigDocument, DiffDocument, DoctorDocument, ExportDocument, HookDocument,
    ImportDocument, ProfileCheckDocument, ProfileInitDocument, ProfileListDocument,
    ProfileShowDocument, RecheckDocument, RecheckRefused, RehearsalDocument, ReplayDocument,
    ReportDocument, RunDocument, RunsDocument, SidecarDocument, SurveyDocument, SvgDocument,
    VerifyDocument,
};
use crate::profile::Profile;
use crate::run::Event;

/// Schema of a document that drygate writes: a member with a serde default is still required.
fn written<T: JsonSchema>() -> Value {
    made::<T>(SchemaSettings::draft2020_12().for_serialize())
}

/// Schema of a document that drygate reads: a member with a serde default may be absent.
fn read<T: JsonSchema>() -> Value {
    made::<T>(SchemaSettings::draft2020_12().for_deserialize())
}

fn made<T: JsonSchema>(settings: SchemaSettings) -> Value {
    let generator = settings.with_transform(close).into_generator();
    generator.into_root_schema_for::<T>().to_value()
}

/// An object that names its members takes no others.
fn close(schema: &mut Schema) {
    transform_subschemas(&mut close, schema);
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    if !object.contains_key("properties") || object.contains_key("additionalProperties") {
        return;
    }
    let Some(variants) = object.get_mut("oneOf").and_then(Value::as_array_mut) else {
        object.insert("additionalProperties".to_owned(), json!(false));
        return;
    };
    // Members beside a `oneOf` (a flattened enum): a closed variant would refuse the members of the outer object, so the outer
    // object is closed instead, after all variants were evaluated.
    for variant in variants.iter_mut().filter_map(Value::as_object_mut) {
        variant.remove("additionalProperties");
    }
    object.insert("unevaluatedProperties".to_owned(), json!(false));
}

/// Schema of a profile.
pub(super) fn profile_schema() -> Value {
    read::<Profile>()
}

/// Every schema by the name of its file.
fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("config", written::<ConfigDocument>()),
        ("diff", written::<DiffDocument>()),
        ("doctor", written::<DoctorDocument>()),
        ("export", written::<ExportDocument>()),
        ("hook", written::<HookDocument>()),
        ("import", written::<ImportDocument>()),
        ("journal", of_lines(written::<Event>())),
        ("profile", profile_schema()),
        ("profile-check", written::<ProfileCheckDocument>()),
        ("profile-init", written::<ProfileInitDocument>()),
        ("profile-list", written::<ProfileListDocument>()),
        ("profile-show", written::<ProfileShowDocument>()),
        ("recheck", written::<RecheckDocument>()),
        ("recheck-refused", written::<RecheckRefused>()),
        ("rehearse", written::<RehearsalDocument>()),
        ("replay", written::<ReplayDocument>()),
        ("replay-cast", written::<CastDocument>()),
        ("replay-svg", written::<SvgDocument>()),
        ("report", written::<ReportDocument>()),
        ("run", written::<RunDocument>()),
        ("runs", written::<RunsDocument>()),
        ("sidecar", written::<SidecarDocument>()),
        ("survey", written::<SurveyDocument>()),
        ("verify", written::<VerifyDocument>()),
    ]
}

#[test]
fn the_committed_schemas_are_those_of_the_structs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/schemas");
    let anew = std::env::var_os("DRYGATE_WRITE_SCHEMAS").is_some();
    let mut known = BTreeSet::new();
    for (name, schema) in schemas() {
        let file = format!("{name}.schema.json");
        let made = format!("{schema:#}\n");
        if anew {
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(folder.join(&file), &made).expect("a file");
        }
        let kept = fs::read_to_string(folder.join(&file)).unwrap_or_default();
        assert!(
            kept == made,
            "assets/schemas/{file} is not what its struct says: see the head of this file"
        );
        known.insert(file);
    }
    let files = fs::read_dir(&folder).expect("a folder");
    let files = files.map(|file| file.expect("an entry").file_name());
    let files: BTreeSet<String> = files
        .map(|name| name.into_string().expect("UTF-8"))
        .collect();
    assert_eq!(files, known, "a schema without a struct");
}
