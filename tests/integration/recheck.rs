//! `drygate recheck` against a real server: does a sealed PASS still hold, and did its prediction come true?
//! Invariant: every answer is of the program itself, and the run's directory stays as it was, byte for byte, but for what came of the change.

use std::fs;

use drygate::postgres::throwaway::Scenario;
use serde_json::Value;

use crate::support::pty::{Exit, Launch, Terminal};
use crate::support::rehearsed::{Rehearsed, texts};

#[test]
fn a_sealed_pass_holds_until_one_row_changes_and_then_names_it() {
    let rehearsed = Rehearsed::sealed(Scenario::Enacted);
    let held = rehearsed.recheck(&[], 0);
    assert_eq!(held["holds"], true, "{held}");
    assert_eq!(held["drift"], serde_json::json!([]));

    rehearsed.sql(
        "UPDATE public.unit_version SET content = content || ' ' WHERE unit_id = 'ICX-CONST-0017' AND is_current",
    );
    let differs = rehearsed.recheck(&[], 2);
    assert_eq!(differs["holds"], false);
    let drift = differs["drift"].as_array().expect("drift");
    let table = drift.iter().find(|change| change["key"] == "unit_version");
    let rows = &table.expect("the table")["rows"];
    assert_eq!(rows.as_array().map(Vec::len), Some(1), "{rows}");
    assert_eq!(rows[0]["key"], "ICX-CONST-0017/1");
    let (text, _) = texts(&rehearsed.command(&["recheck", "last"]));
    assert!(text.contains("ICX-CONST-0017/1="), "{text}");

    rehearsed.sql(
        "UPDATE public.unit_version SET content = rtrim(content) WHERE unit_id = 'ICX-CONST-0017' AND is_current",
    );
    rehearsed.recheck(&[], 0);
    rehearsed.sql("GRANT INSERT (title) ON public.information_unit TO context_pack_readonly");
    let granted = rehearsed.recheck(&[], 2).to_string();
    for key in ["role_is_read_only", "grant_matrix_sha"] {
        assert!(granted.contains(key), "{granted}");
    }
    rehearsed.sql("REVOKE INSERT (title) ON public.information_unit FROM context_pack_readonly");

    let journal = rehearsed.run_directory().join("journal.jsonl");
    let text = fs::read_to_string(&journal).expect("a journal");
    let forged = text.replacen("PASS", "FAIL", 1);
    fs::write(&journal, forged).expect("writable");
    let corrupt = rehearsed.recheck(&[], 7);
    assert_eq!(corrupt["stop_code"], "STOP_EVIDENCE_CORRUPT", "{corrupt}");
}

#[test]
fn a_prediction_is_followed_unit_by_unit() {
    let rehearsed = Rehearsed::sealed(Scenario::Draft);
    let units = |found: &Value| {
        let units = &found["after"]["units"];
        ["as_predicted", "not_done", "otherwise", "not_predicted"]
            .map(|name| units[name].as_u64().unwrap_or_else(|| panic!("{found}")))
    };
    let named = |found: &Value, outcome: &str| -> Vec<String> {
        let named = found["after"]["named"].as_array().expect("named units");
        let of = named.iter().filter(|unit| unit["outcome"] == outcome);
        of.map(|unit| unit["key"].as_str().expect("a key").to_owned())
            .collect()
    };

    assert_eq!(units(&rehearsed.recheck(&["--after"], 2)), [0, 60, 0, 0]);
    rehearsed.sql(
        "SELECT public.fn_iu_enact(id, 'as rehearsed') FROM public.information_unit
          WHERE collection = 'ICX-CONST' AND id <> 'ICX-CONST-0042' ORDER BY id",
    );
    let most = rehearsed.recheck(&["--after"], 2);
    assert_eq!(units(&most), [59, 1, 0, 0], "{}", most["after"]);
    assert_eq!(named(&most, "not_done"), ["ICX-CONST-0042"]);
    assert_eq!(most["after"]["beside"], serde_json::json!([]));

    rehearsed
        .sql("UPDATE public.information_unit SET state = 'enacted' WHERE id = 'ICX-CONST-0042'");
    let past_the_function = rehearsed.recheck(&["--after"], 2);
    assert_eq!(
        units(&past_the_function),
        [59, 0, 1, 0],
        "{}",
        past_the_function["after"]
    );
    assert_eq!(named(&past_the_function, "otherwise"), ["ICX-CONST-0042"]);

    rehearsed.sql(
        "UPDATE public.information_unit SET state = 'draft' WHERE id = 'ICX-CONST-0042';
         SELECT public.fn_iu_enact('ICX-CONST-0042', 'the last one');
         UPDATE public.information_unit SET updated_at = (SELECT updated_at FROM public.information_unit WHERE id = 'ICX-CONST-0041')
          WHERE id = 'ICX-CONST-0042'",
    );
    let done = rehearsed.recheck(&["--after"], 0);
    assert_eq!(units(&done), [60, 0, 0, 0], "{}", done["after"]);

    rehearsed.sql(
        "INSERT INTO public.information_unit SELECT 'ICX-CONST-0099', collection, source_version_id, title, state, updated_at
           FROM public.information_unit WHERE id = 'ICX-CONST-0001'",
    );
    let one_more = rehearsed.recheck(&["--after"], 2);
    assert_eq!(units(&one_more), [60, 0, 0, 1], "{}", one_more["after"]);
    assert_eq!(named(&one_more, "not_predicted"), ["ICX-CONST-0099"]);
}

/// The answer to an auditor: who asked, who approved, was it carried out, and did it come true.
#[test]
fn what_came_of_the_change_is_kept_beside_the_run_and_listed() {
    let rehearsed = Rehearsed::sealed(Scenario::Draft);
    let listed = || {
        let list = rehearsed.json(&["runs", "--since", "1d"], 0);
        list["runs"][0].clone()
    };
    assert_eq!(listed()["carried_out"], Value::Null, "nobody looked");
    rehearsed.recheck(&[], 0);
    assert_eq!(listed()["carried_out"], Value::Null, "not asked for");
    let enact = |but: &str| {
        rehearsed.sql(&format!(
            "SELECT public.fn_iu_enact(id, 'as rehearsed') FROM public.information_unit
              WHERE collection = 'ICX-CONST' AND state = 'draft' AND id <> '{but}' ORDER BY id"
        ));
    };
    let steps = [
        (None, 2, "not_carried_out"),
        (Some("ICX-CONST-0042"), 2, "did_not_come_true"),
        (Some("none"), 0, "came_true"),
    ];
    for (line, (but, code, came)) in steps.into_iter().enumerate() {
        if let Some(but) = but {
            enact(but);
        }
        let found = rehearsed.recheck(&["--after"], code);
        assert_eq!(found["carried_out"], came, "{found}");
        assert_eq!(found["recorded_in_line"], line + 1);
        let row = listed();
        assert_eq!(row["carried_out"], came, "{row}");
        assert_eq!(row["approvals"].as_array().map(Vec::len), Some(2), "{row}");
    }
    let (text, _) = texts(&rehearsed.command(&["runs"]));
    assert!(text.contains("PASS, came true"), "{text}");
    let (_, said) = texts(&rehearsed.command(&["report", "last"]));
    assert!(
        said.contains("the real change: came true (60 done as predicted"),
        "{said}"
    );

    // It travels with the run, and is read only there.
    let archive = rehearsed.folder().join("run.tar.gz");
    let archive = archive.to_str().expect("UTF-8");
    rehearsed.json(&["export", "last", "--output", archive], 0);
    rehearsed.json(&["verify", archive], 0);

    // Half a line is what a crash left; a record of another head speaks against one of the two.
    let kept = rehearsed.run_directory().join("outcomes.jsonl");
    let whole = fs::read_to_string(&kept).expect("it is there");
    fs::write(&kept, format!("{whole}{{\"half")).expect("ours");
    let verified = rehearsed.json(&["verify", "last"], 0);
    assert!(
        verified["beside"].to_string().contains("outcomes.jsonl"),
        "{verified}"
    );
    let first = whole.lines().next().expect("a line");
    let (_, behind) = first.split_once("\"head_sha256\":\"").expect("a head");
    let head = &behind[..64];
    fs::write(&kept, format!("{}\n", first.replace(head, &"0".repeat(64)))).expect("ours");
    assert_eq!(
        listed()["carried_out"],
        Value::Null,
        "it is of another journal"
    );
    let verified = rehearsed.json(&["verify", "last"], 7);
    assert!(
        verified["findings"].to_string().contains("outcomes.jsonl"),
        "{verified}"
    );
}

#[test]
fn a_declared_fact_that_nothing_predicted_is_named_beside_the_prediction() {
    let mut rehearsed = Rehearsed::server(Scenario::Draft);
    rehearsed.sql(
        "CREATE TABLE public.other (id integer); GRANT SELECT ON public.other TO context_pack_readonly",
    );
    let (_, built_in) = drygate::profile::built_in("icx-const").expect("it parses");
    let facts = "[[facts]]\nkey = \"other_rows\"\nlabel = \"other\"\ntype = \"integer\"\ncount = \"public.other\"\n\n[[functions]]";
    let path = rehearsed.folder().join("other.toml");
    fs::write(&path, built_in.replacen("[[functions]]", facts, 1)).expect("a new file");
    let profile = path.display().to_string();
    let asked = rehearsed.begin_with(&["--profile", &profile], 3);
    let asked = rehearsed.approve("SG1", &asked, 3);
    rehearsed.approve("SG2", &asked, 0);
    rehearsed.sql(
        "SELECT public.fn_iu_enact(id, 'as rehearsed') FROM public.information_unit
          WHERE collection = 'ICX-CONST' ORDER BY id",
    );
    let done = rehearsed.recheck(&["--after"], 0);
    assert_eq!(done["after"]["beside"], serde_json::json!([]), "{done}");
    rehearsed.sql("INSERT INTO public.other VALUES (1)");
    let moved = rehearsed.recheck(&["--after"], 2);
    let beside = &moved["after"]["beside"];
    assert_eq!(beside[0]["key"], "other_rows", "{moved}");
    assert_eq!(
        (&beside[0]["approved"], &beside[0]["found"]),
        (&"0".into(), &"1".into())
    );
    let message = moved["message"].as_str().expect("a sentence");
    assert!(
        message.contains("beside the prediction: other_rows"),
        "{message}"
    );
}

/// `recheck` in a terminal, by a person.
fn on_a_terminal(rehearsed: &Rehearsed, words: &[&str], size: (u16, u16)) -> Terminal {
    let data = rehearsed.data().display().to_string();
    let words = [&["recheck", "last", "--data-dir", &data], words].concat();
    Launch::drygate(words)
        .env("CI", "")
        .size(size.0, size.1)
        .open()
}

#[test]
fn on_a_terminal_it_opens_the_diff_screen_and_leaves_with_the_code_of_a_script() {
    let rehearsed = Rehearsed::sealed(Scenario::Enacted);
    let before = rehearsed.files();
    let mut screen = on_a_terminal(&rehearsed, &[], (160, 48));
    let seen = screen.wait_for("IT STILL HOLDS").to_string();
    assert!(seen.contains("sealed | now"), "{seen}");
    screen.type_slowly("q");
    screen.wait_for("drygate: it still holds");
    assert_eq!(screen.wait_exit(), Exit::Code(0));

    rehearsed.sql(
        "UPDATE public.unit_version SET content = content || ' ' WHERE unit_id = 'ICX-CONST-0017' AND is_current",
    );
    let mut screen = on_a_terminal(&rehearsed, &[], (160, 48));
    // The table, and the stream of units that is read from it.
    screen.wait_for("2 FACTS DIFFER");
    // The chosen fact is opened: the document of now is in no blob.
    let seen = screen.wait_for("ICX-CONST-0017/1, content: ").to_string();
    assert!(seen.contains("[\"\" -> \" \"]"), "a blank is seen: {seen}");
    assert!(seen.contains("Who: "), "{seen}");
    assert!(!seen.contains("Who: nobody"), "{seen}");
    screen.type_slowly("q");
    screen.wait_for("drygate: 2 differ from the run: unit_version, live_units");
    assert_eq!(screen.wait_exit(), Exit::Code(2));
    assert_eq!(rehearsed.files(), before, "recheck wrote something");
}

#[test]
fn on_a_terminal_a_prediction_is_shown_unit_by_unit() {
    let rehearsed = Rehearsed::sealed(Scenario::Draft);
    rehearsed.sql(
        "SELECT public.fn_iu_enact(id, 'as rehearsed') FROM public.information_unit
          WHERE collection = 'ICX-CONST' AND id <> 'ICX-CONST-0042' ORDER BY id",
    );
    let mut screen = on_a_terminal(&rehearsed, &["--after"], (160, 48));
    let seen = screen
        .wait_for("59 done as predicted, 1 not done")
        .to_string();
    assert!(seen.contains("sealed | now"), "{seen}");
    screen.wait_for("ICX-CONST-0042");
    screen.type_slowly("q");
    screen.wait_for("drygate: the prediction did not come true");
    assert_eq!(screen.wait_exit(), Exit::Code(2));
}
