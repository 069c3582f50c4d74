//! Changes that do not do what they should, and machines that cannot say.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::Value;

use crate::changing::{ChangedWorkspace, ENACT};

/// The checks that a run recorded which is approved at both gates and ends with `code`.
fn checks(world: &ChangedWorkspace, code: i32) -> Vec<Value> {
    let waiting = world.to_sg2();
    let sealed = world.workspace.approve(&waiting, "SG2").expect(code).json();
    recorded(world, &sealed)
}

fn recorded(world: &ChangedWorkspace, document: &Value) -> Vec<Value> {
    let records = world.workspace.events(document, "check_recorded");
    records
        .into_iter()
        .map(|record| record["check"].clone())
        .collect()
}

pub fn a_change_that_fails_fails_g3() -> Vec<Value> {
    let expect = "[{ table = \"public.information_unit\", update = 60 }]";
    let world = ChangedWorkspace::new(ENACT, Some(expect));
    world
        .workspace
        .sql("UPDATE public.unit_version SET is_current = false WHERE unit_id = 'ICX-CONST-0042'");
    checks(&world, 9)
}

pub fn a_change_that_chooses_rows_by_chance_fails_g3() -> Vec<Value> {
    let change = "UPDATE public.note SET seen = true WHERE id IN
      (SELECT id FROM public.note ORDER BY random() LIMIT 3);\n";
    let world = ChangedWorkspace::new(change, None);
    world
        .workspace
        .sql("INSERT INTO public.note SELECT n, false FROM generate_series(6, 5000) AS n");
    let waiting = world.to_sg2();
    recorded(&world, &waiting)
}

pub fn a_lock_that_is_held_too_long_fails_g3() -> Vec<Value> {
    let change = "ALTER TABLE public.note ADD COLUMN more int;\nSELECT pg_sleep(0.5);\n";
    let world = ChangedWorkspace::under(change, "locks = { held_ms_max = 200 }");
    checks(&world, 9)
}

pub fn a_trigger_that_is_not_simulated_fails_g3() -> Vec<Value> {
    checks(&ChangedWorkspace::phased("SELECT 1;\n", None), 9)
}

pub fn rows_that_the_role_may_not_read_leave_g3_open() -> Vec<Value> {
    let world = ChangedWorkspace::new("UPDATE public.note SET seen = true;\n", None);
    world
        .workspace
        .sql("REVOKE SELECT ON public.note FROM context_pack_readonly");
    checks(&world, 11)
}

/// Neither bubblewrap nor `unshare` is on the path.
pub fn a_machine_without_namespaces_leaves_g3_open() -> Vec<Value> {
    let world = ChangedWorkspace::new(ENACT, None);
    let bare = world.workspace.place().join("bare");
    fs::create_dir(&bare).expect("a new directory");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).filter_map(|folder| fs::read_dir(folder).ok());
    for program in folders.flatten() {
        let program = program.expect("an entry");
        let name = program.file_name();
        if name != "bwrap" && name != "unshare" {
            // The first of a name is the one that is found.
            let _ = symlink(program.path(), bare.join(name));
        }
    }
    let world = world.on_path(bare);
    let waiting = world.to_sg2();
    let sealed = world.approve(&waiting, "SG2").expect(11).json();
    recorded(&world, &sealed)
}
