//! A run that can no longer end as PASS. Invariant: band, sheet, text and JSON say so first, in red where there are colours, with check
//! and subject, and it may be approved all the same.

use drygate::postgres::throwaway::Scenario;

use super::support::ground::{Ground, close_sheet, open_sheet, press_enter, type_seen, wait_at};
use super::support::screen::Screen;
use super::support::server::{Workspace, text};

/// One unit is not as its source says: VERIFY of the pin finds it, and that of G3 is going to.
const UNLIKE: &str = "UPDATE public.unit_version SET content = content || ' more' WHERE unit_id = 'ICX-CONST-0017' AND is_current";

/// Red of the sixteen colours.
const RED: vt100::Color = vt100::Color::Idx(1);

const CHECK: &str = "G3 verify_equals_prediction is FAIL: ~1 units are not as their source says: ICX-CONST-0017 differs";

#[test]
fn band_and_sheet_say_it_first_and_in_red_and_it_may_be_approved() {
    let ground = Ground::new(Scenario::Draft);
    ground.intrude(UNLIKE);
    let mut terminal = ground.at_sg1("0");
    let waiting = terminal.screen();
    let said = format!("NO PASS ANY MORE, FAIL at best: {CHECK}");
    let (_, row) = waiting.find(&said).unwrap_or_else(|| panic!("{waiting}"));
    let (_, band) = waiting.find("ALLOW CUT?").expect("the band");
    assert_eq!(row, band + 1, "the first line of the band: {waiting}");
    let is_red = |screen: &Screen, text: &str| screen.style_of(text).colour == RED;
    assert!(is_red(&waiting, "NO PASS ANY MORE"), "{waiting}");

    let digest = open_sheet(&mut terminal);
    let sheet = terminal.screen();
    let leads = "THE RUN CAN NO LONGER END AS PASS: FAIL at best";
    let (_, first) = sheet.find(leads).unwrap_or_else(|| panic!("{sheet}"));
    assert!(is_red(&sheet, leads), "{sheet}");
    // A sheet is narrower than the band: the subject may go on below.
    let check = sheet.row(first + 1);
    assert!(
        check.contains("G3 verify_equals_prediction is FAIL: "),
        "{sheet}"
    );
    assert!(sheet.contains("ICX-CONST-0017 differs"), "{sheet}");
    let border = sheet.row(first - 1);
    assert!(
        border.contains("━━"),
        "the first line of the sheet: {sheet}"
    );
    close_sheet(&mut terminal);
    assert_eq!(open_sheet(&mut terminal), digest);
    type_seen(&mut terminal, &digest[58..]);
    press_enter(&mut terminal);
    wait_at(&terminal, "SG2");
    assert!(terminal.screen().contains("NO PASS ANY MORE"));
}

#[test]
fn text_and_json_say_it_first_and_it_may_be_approved() {
    let workspace = Workspace::new(Scenario::Draft);
    workspace.sql(UNLIKE);
    let url = workspace.url();
    let run = ["run", "--headless", "--database-url", &url];
    let told = workspace.drygate(&run).expect(3);
    let said = format!("The run can no longer end as PASS, FAIL at best: {CHECK}.");
    let told = format!("{}{}", told.stdout, told.stderr);
    let message = told.find("A live run would change").expect("a message");
    let at = told.find(&said).unwrap_or_else(|| panic!("{told}"));
    assert!(at < message, "{told}");

    let waiting = workspace.run().expect(3).json();
    assert!(text(&waiting["message"]).starts_with(&said), "{waiting}");
    let against = &waiting["cannot_pass"][0];
    assert_eq!(against["gate"], "G3");
    assert_eq!(against["check"], "verify_equals_prediction");
    assert_eq!(against["verdict"], "FAIL");
    assert!(text(&against["subject"]).contains("ICX-CONST-0017 differs"));
    let second = workspace.approve(&waiting, "SG1").expect(3).json();
    let against = &second["cannot_pass"][0];
    assert_eq!(against["check"], "verify_equals_prediction", "{second}");
    assert!(text(&against["subject"]).contains("ICX-CONST-0017 Differs"));
    let ended = workspace.approve(&second, "SG2").expect(9).json();
    assert_eq!(ended["result"], "O4_LIVE_DRYRUN_ORCHESTRATION_FAIL");
}

#[test]
fn what_the_audit_will_find_is_said_where_the_profile_keeps_g1_from_failing_on_it() {
    let workspace = Workspace::new(Scenario::Draft);
    workspace.sql(
        "UPDATE public.source_document SET title = 'password=s3cret' WHERE id = 'SRC-ICX-TERMS'",
    );
    let profile = workspace.profile("excluded.toml", |profile| {
        let excluded = "\n[[out_of_scope]]\ncheck = \"audit_holds_at_pin\"\nreason = \"to see what is said\"\n";
        format!("{profile}{excluded}")
    });
    let url = workspace.url();
    let run = ["run", "--headless", "--json", "--database-url", &url];
    let waiting = workspace.drygate(&[&run[..], &["--profile", &profile]].concat());
    let waiting = waiting.expect(3).json();
    let against = &waiting["cannot_pass"][0];
    assert_eq!(against["check"], "forbidden_hardcoded_secrets", "{waiting}");
    assert!(text(&against["subject"]).contains("a password"));
    let second = workspace.approve(&waiting, "SG1").expect(3).json();
    workspace.approve(&second, "SG2").expect(9);
    let verify = ["verify", text(&waiting["run_id"])];
    workspace.drygate(&verify).expect(0);
}
