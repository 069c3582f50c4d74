//! Notifications on the desktop, as a terminal hears them. Invariant: a terminal that is not known to show them hears none.

use drygate::postgres::throwaway::Scenario;
use rstest::rstest;

use super::support::ground::{approve, wait_at};
use super::support::pty::{Launch, Terminal};
use super::support::server::Workspace;
use super::support::wire::ReceivedBytes;

/// A run at SG2, approved once by keys, on a terminal with these variables.
fn at_sg2(workspace: &Workspace, flags: &[&str], variables: &[(&str, &str)]) -> Terminal {
    let (url, data) = (workspace.url(), workspace.data().display().to_string());
    let args = ["run", "--live-interval", "0", "--database-url", &url];
    let args = [&args[..], &["--data-dir", &data], flags].concat();
    let mut launch = Launch::drygate(args)
        .env("TMPDIR", workspace.place())
        .size(160, 48)
        .cwd(&workspace.place().join("repository"));
    for (name, value) in variables {
        launch = launch.env(name, value);
    }
    let mut terminal = launch.open();
    wait_at(&terminal, "SG1");
    approve(&mut terminal);
    wait_at(&terminal, "SG2");
    terminal.wait_heard("a bell for each wait", |heard| {
        (heard.bells == 2).then_some(())
    });
    terminal
}

/// What was heard but for the question for the background.
fn notified(heard: &ReceivedBytes) -> Vec<String> {
    let commands = heard.commands.iter();
    commands.filter(|it| *it != "11;?").cloned().collect()
}

fn commands(terminal: &Terminal) -> Vec<String> {
    terminal.wait_heard("what was heard", |heard| Some(notified(heard)))
}

#[test]
fn each_wait_is_notified_once_in_the_words_of_the_title() {
    let workspace = Workspace::new(Scenario::Draft);
    let mut terminal = at_sg2(&workspace, &[], &[("TERM_PROGRAM", "WezTerm")]);
    terminal.wait_heard("two notifications", |heard| {
        (notified(heard).len() == 2).then_some(())
    });
    // A key repaints and notifies nobody.
    terminal.type_slowly("?").wait_for("all keys");
    let heard = commands(&terminal);
    assert_eq!(heard.len(), 2, "{heard:?}");
    for (heard, gate) in heard.iter().zip(["SG1 ALLOW CUT?", "SG2 ALLOW ENACT?"]) {
        assert!(
            heard.starts_with(&format!("777;notify;{gate} [PRODUCTION] ")),
            "{heard}"
        );
        assert!(heard.contains(";WAITING FOR YOU since "), "{heard}");
    }
}

#[rstest]
#[case(&[], &[])]
#[case(&["--no-notify"], &[("TERM_PROGRAM", "WezTerm")])]
#[case(&[], &[("DRYGATE_NOTIFY", "0"), ("KITTY_WINDOW_ID", "1")])]
#[case(&[], &[("WT_SESSION", "1")])]
#[case(&[], &[("TMUX", "/nowhere/default,1,0"), ("KITTY_WINDOW_ID", "1")])]
fn any_other_terminal_hears_nothing(#[case] flags: &[&str], #[case] variables: &[(&str, &str)]) {
    let workspace = Workspace::new(Scenario::Draft);
    let terminal = at_sg2(&workspace, flags, variables);
    assert_eq!(commands(&terminal), Vec::<String>::new());
}
