//! What `--help` and the manual pages say behind the arguments: examples, exit codes, variables.
//! Invariant: every command has an example, and every example is read as that command (test `every_example_is_read` of tests/cli.rs).

use std::fmt::Write as _;

use clap::Command;

/// What is said of one command.
struct CommandHelp {
    /// Its words: `profile check`.
    command: &'static str,
    examples: &'static [&'static str],
    /// Its exit codes beside 0, 1, 64, 71, 78 and those of a signal, which every command has.
    exits: &'static [u8],
}

const HELP: &[CommandHelp] = &[
    of(
        "demo",
        &["drygate demo", "drygate demo drift"],
        &[3, 4, 5, 9, 69, 74],
    ),
    of(
        "run",
        &[
            "drygate run --database-url 'postgresql://reader@db.example/shop' --profile shop.toml",
            "drygate run --profile shop.toml --change 0042.sql 0043.sql --role migrator",
            "drygate run --headless --json      # exit 3: waits at SG1",
        ],
        &[3, 8, 9, 10, 11, 69, 74, 75],
    ),
    of(
        "resume",
        &["drygate resume last"],
        &[3, 4, 6, 7, 9, 10, 11, 69, 74, 75],
    ),
    of(
        "approve",
        &[
            "drygate approve last SG1           # opens the sheet on a terminal",
            "drygate approve last SG1 --digest \"$EVIDENCE\"",
        ],
        &[3, 4, 6, 7, 9, 10, 11, 69, 74, 75],
    ),
    of(
        "reject",
        &["drygate reject last SG2 --reason 'not on a Friday'"],
        &[5, 6, 7, 74, 75],
    ),
    of("watch", &["drygate watch last"], &[4, 5, 7, 9, 10, 11]),
    of(
        "runs",
        &["drygate runs --waiting", "drygate runs --json --since 30d"],
        &[74],
    ),
    of(
        "runs remove",
        &["drygate runs remove --older-than 90d"],
        &[7, 74, 75],
    ),
    of(
        "replay",
        &[
            "drygate replay last",
            "drygate replay run.tar.gz --at 09:33 --svg run.svg",
        ],
        &[7, 74],
    ),
    of(
        "verify",
        &[
            "drygate verify last",
            "drygate verify run.tar.gz --head \"$HEAD\"",
            "drygate verify last --store",
        ],
        &[7, 69, 74],
    ),
    of(
        "guard",
        &[
            "drygate guard last | psql -X -v ON_ERROR_STOP=1 -d shop",
            "drygate guard last --phase SG2",
            "drygate guard last --files approved && (cd approved && sqitch deploy)",
        ],
        &[3, 4, 5, 7, 9, 10, 11],
    ),
    of(
        "recheck",
        &[
            "drygate recheck last && psql -f 0042.sql",
            "drygate recheck last --after",
        ],
        &[2, 7, 11, 69],
    ),
    of(
        "rehearse",
        &[
            "drygate rehearse --change 0042.sql --role migrator --database-url service=shop",
            "drygate rehearse --change 0042.sql --role migrator --against baseline.json --markdown",
        ],
        &[2, 9, 11, 69],
    ),
    of("survey", &["drygate survey --json"], &[9, 69]),
    of(
        "report",
        &["drygate report last", "drygate report last --json"],
        &[7, 74],
    ),
    of(
        "export",
        &["drygate export last --output run.tar.gz"],
        &[7, 74],
    ),
    of("import", &["drygate import run.tar.gz"], &[7, 74, 75]),
    of(
        "diff",
        &[
            "drygate diff last",
            "drygate diff last --evidence SG1",
            "drygate diff last --last-pass --stat",
        ],
        &[2, 7, 11],
    ),
    of("profile list", &["drygate profile list"], &[]),
    of("profile show", &["drygate profile show icx-const"], &[]),
    of(
        "profile check",
        &["drygate profile check shop.toml --database-url service=shop"],
        &[9, 11, 69],
    ),
    of(
        "store init",
        &["drygate store init --sql | psql -X service=store"],
        &[],
    ),
    of(
        "store prune",
        &["drygate store prune --older-than 365d --sql | psql -X service=store"],
        &[],
    ),
    of(
        "profile init",
        &[
            "drygate profile init shop.toml --database-url service=shop",
            "drygate profile init shop.toml --reader drygate_reader --database-url service=admin",
            "drygate profile init shop.toml --change 0042.sql --role migrator --database-url service=shop",
        ],
        &[9, 69, 74],
    ),
    of(
        "doctor",
        &[
            "drygate doctor --database-url service=shop",
            "drygate doctor --sql --database-url service=shop",
        ],
        &[9, 11],
    ),
    of("config show", &["drygate config show"], &[]),
    of(
        "completions",
        &[
            "source <(drygate completions bash)  # in ~/.bashrc",
            "drygate completions fish | source   # in ~/.config/fish/config.fish",
        ],
        &[],
    ),
    of(
        "man",
        &[
            "drygate man run | man -l -",
            "drygate man --output /usr/local/share/man/man1",
        ],
        &[74],
    ),
];

const fn of(
    command: &'static str,
    examples: &'static [&'static str],
    exits: &'static [u8],
) -> CommandHelp {
    CommandHelp {
        command,
        examples,
        exits,
    }
}

/// Exit codes and what they mean (contract, section 5).
const EXITS: &[(u8, &str)] = &[
    (0, "PASS; nothing differs; intact; done"),
    (1, "unexpected error (a bug)"),
    (2, "differences found"),
    (3, "a person is waited for, at SG1 or SG2"),
    (4, "what was approved, or surveyed, is no longer so"),
    (5, "rejected by a person"),
    (6, "the approval was refused; the run still waits"),
    (7, "the evidence does not verify"),
    (8, "LIVE was asked for, which does not exist"),
    (9, "a check failed"),
    (10, "claim A is false: a session of ours may have written"),
    (11, "something was not checked, or cannot be compared"),
    (64, "the command line is wrong"),
    (69, "the database could not be used now"),
    (
        71,
        "this machine gives no more files, processes, threads or memory",
    ),
    (74, "a file could not be written or read"),
    (75, "another process holds the run"),
    (78, "profile or configuration is wrong"),
];

/// Codes that every command has.
const EVERYWHERE: [u8; 5] = [0, 1, 64, 71, 78];

const VARIABLES: &str = "\
Environment:
  DRYGATE_PROFILE, DRYGATE_DATABASE_URL, DRYGATE_REPO, DRYGATE_DATA_DIR, DRYGATE_LIVE_INTERVAL, DRYGATE_THEME,
  DRYGATE_WHEEL, DRYGATE_NOTIFY
                   as the flags of these names; a flag wins
  DRYGATE_STORE_URL
                   the run store of the team; it may hold a password
  DRYGATE_PG_BIN   directory of the server programs for a demo or a rehearsal
  PGHOST, PGPORT, PGUSER, PGDATABASE, PGPASSWORD, PGPASSFILE, PGSERVICE, PGSSLMODE, ..
                   as libpq reads them; what is not obeyed is refused by name
  DATABASE_URL     where nothing else names a database
  NO_COLOR, TERM, LC_ALL, LC_CTYPE, LANG
                   colours and characters of the terminal
  CI               set: no screen, even on a terminal";

/// The command line with examples, exit codes and variables behind each help.
pub(super) fn described(command: Command) -> Command {
    let mut text = String::from(VARIABLES);
    text.push_str("\n\nExit codes:");
    push_exits(&mut text, EXITS.iter().map(|(code, _)| *code));
    describe_commands(command.after_long_help(text), "")
}

fn describe_commands(command: Command, above: &str) -> Command {
    command.mut_subcommands(|command| {
        let words = format!("{above}{}", command.get_name());
        let command = match HELP.iter().find(|help| help.command == words) {
            Some(help) => command.after_long_help(behind(help)),
            None => command,
        };
        describe_commands(command, &format!("{words} "))
    })
}

fn behind(help: &CommandHelp) -> String {
    let mut text = String::from("Examples:");
    for example in help.examples {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "\n  {example}");
    }
    text.push_str("\n\nExit codes:");
    let mut codes: Vec<u8> = EVERYWHERE.iter().chain(help.exits).copied().collect();
    codes.sort_unstable();
    push_exits(&mut text, codes.into_iter());
    text
}

fn push_exits(text: &mut String, codes: impl Iterator<Item = u8>) {
    for code in codes {
        if let Some((_, means)) = EXITS.iter().find(|(known, _)| *known == code) {
            let _ = write!(text, "\n  {code:<4} {means}");
        }
    }
}
