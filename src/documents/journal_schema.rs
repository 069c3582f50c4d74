//! Makes the JSON Schema of a journal line out of the schema of `Event`: each event becomes one object with the members of the
//! envelope (`v`, `seq`, `at`, `prev`, `event`) and its own fields.

use serde_json::{Map, Value, json};

/// `{"name": fields}` for each event becomes the line that the journal has: `v`, `seq`, `at`, `prev`, `event` and the fields.
pub(super) fn of_lines(mut events: Value) -> Value {
    let mut definitions = events["$defs"].take();
    let variants = events["oneOf"].as_array().expect("one schema an event");
    let lines: Vec<Value> = variants
        .iter()
        .map(|variant| line(variant, &definitions))
        .collect();
    events["title"] = json!("JournalLine");
    events["description"] = json!("One line of journal.jsonl.");
    events["oneOf"] = lines.into();
    // The fields of each event were copied into its line, so its definition is kept only if something else refers to it.
    // Dropping one may leave another unused, hence the loop.
    let names = definitions.as_object().expect("definitions").clone();
    let mut unused = true;
    while unused {
        let text = format!("{events}{definitions}");
        let kept = definitions.as_object_mut().expect("definitions");
        let before = kept.len();
        kept.retain(|name, _| text.contains(&format!("\"#/$defs/{name}\"")));
        unused = kept.len() < before;
    }
    assert!(names.len() > definitions.as_object().map_or(0, Map::len));
    events["$defs"] = definitions;
    events
}

/// The schema of the line of one event. serde writes an event as `{"name": {...}}`; the journal has both at one level.
fn line(variant: &Value, definitions: &Value) -> Value {
    let members = variant["properties"].as_object().expect("a member");
    let (name, fields) = members.iter().next().expect("the event");
    let reference = fields["$ref"].as_str().expect("a struct an event");
    let definition = reference.rsplit('/').next().expect("its name");
    let mut line = definitions[definition].clone();
    line["title"] = json!(name);
    line["description"] = variant["description"].clone();
    let envelope = json!({
        "v": { "description": "Version of the format.", "const": 1 },
        "seq": { "description": "Number of the line, from 0.", "type": "integer", "minimum": 0 },
        "at": { "description": "When it was written, by the clock of the writer. Order is by `seq` only.", "$ref": "#/$defs/UtcTime" },
        "prev": { "description": "SHA-256 of the line before; 64 zeros in the first.", "$ref": "#/$defs/Digest" },
        "event": { "description": "What happened.", "const": name },
    });
    for (name, schema) in envelope.as_object().expect("an object") {
        line["properties"][name] = schema.clone();
        let required = line["required"].as_array_mut();
        required.expect("every event has fields").push(json!(name));
    }
    line
}
