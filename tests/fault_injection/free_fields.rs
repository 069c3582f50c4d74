//! What `verify` accepts of a forger who has no head against him: fields that no verdict, decision, digest, value of the database or count rests on, each with
//! its reason.

/// Fields of some events of some runs (`*`: of every one), and why no rule can tell.
struct Free {
    runs: &'static [&'static str],
    events: &'static [&'static str],
    fields: &'static [&'static str],
    #[expect(dead_code, reason = "for who reads the list")]
    because: &'static str,
}

/// The events that name who does something.
const PERSONS: &[&str] = &[
    "run_created",
    "run_resumed",
    "evidence_shown",
    "approval_refused",
];

const FREE: &[Free] = &[
    Free {
        runs: &["*"],
        events: &["*"],
        fields: &["(at)"],
        because: "a reading of a clock that may be set: order is that of the chain, expiry is judged from the time of the line",
    },
    Free {
        runs: &["*"],
        events: &[
            "run_created",
            "evidence_taken",
            "evidence_shown",
            "approval_recorded",
        ],
        fields: &["uptime_ms"],
        because: "a reading of a second clock: it may not run back, and an approval is judged by it",
    },
    Free {
        runs: &["*"],
        events: PERSONS,
        fields: &["by.user", "by.uid", "by.host", "by.tty", "by.pid"],
        because: "who the system says it was, where the process says it once alone; who approved is in a check as well",
    },
    Free {
        runs: &["*"],
        events: &["approval_recorded"],
        fields: &["by.pid"],
        because: "the process of who decided, where that process says nothing else: who it was stands in the stop as well",
    },
    Free {
        runs: &["*"],
        events: &["transaction_opened"],
        fields: &["nonce", "(foreign)"],
        because: "the nonce of a transaction whose end nobody saw: of any other its proof says it again",
    },
    Free {
        runs: &["*"],
        events: &["run_created", "run_resumed"],
        fields: &["boot_id"],
        because: "a name of a start of the machine, where the process records no time of it again",
    },
    Free {
        runs: &["*"],
        events: &["run_created"],
        fields: &[
            "target.host",
            "target.port",
            "target.database",
            "target.user",
            "target.reconnect",
        ],
        because: "where it was to be asked, in a run that ended before a sheet: nothing of it was read from there",
    },
    Free {
        runs: &["*"],
        events: &["hook_ran", "invocation_returned", "approval_refused"],
        fields: &["(swapped with run_resumed)"],
        because: "a hook ends when it ends, and who comes back or refuses may be the process that stopped or the one that took the run up after it had died",
    },
    Free {
        runs: &["*"],
        events: &["run_resumed"],
        fields: &[
            "(swapped with approval_recorded)",
            "(swapped with approval_refused)",
            "(swapped with evidence_renewed)",
        ],
        because: "who decides or asks for new evidence may be the process that stayed or the one that came",
    },
    Free {
        runs: &["*"],
        events: &["approval_recorded"],
        fields: &["(swapped with transaction_opened)"],
        because: "who waits may approve while a read is open that is not the survey for the approval",
    },
    Free {
        runs: &["*"],
        events: &["run_created"],
        fields: &["repository"],
        because: "the directory that was named; what git said of it is in checks",
    },
    Free {
        runs: &["*"],
        events: &["change_read"],
        fields: &["files[].sha256 (blob)"],
        because: "comments and white space between the statements of a script, which psql does not send: what it sends is bound statement by statement",
    },
    Free {
        runs: &["*"],
        events: &["(row ledger)"],
        fields: &[
            "[].row.key",
            "[].row.name",
            "[].row.by",
            "[].row.by (cut)",
            "[].row.before[]",
            "[].row.after[]",
            "[].table.columns[]",
            "[].head.schema_lines.*",
            "[].head.(more)",
            "[].row.(more)",
            "[].table.(more)",
        ],
        because: "hashes of rows, values and lines, with a salt that is not in the run, and what nothing else of the run names: a row and a column that \
                  the change leaves alone, the text of a line as the server writes it again, which rows one transaction wrote",
    },
    Free {
        runs: &["*"],
        events: &["(whole effect)"],
        fields: &["differences[]", "differences[] (cut)"],
        because: "in what the shadow differs from production without a known effect on what it says",
    },
    Free {
        runs: &["fail"],
        events: &["run_created"],
        fields: &["profile_sha256 (blob)"],
        because: "what a profile declares beyond that which G0 looks at, in a run that ended before anything was read with it",
    },
    Free {
        runs: &["*"],
        events: &["hook_ran"],
        fields: &[
            "outcome.took_ms",
            "outcome.stdout.text",
            "outcome.stderr.text",
            "outcome.code",
        ],
        because: "what a program of somebody else did: it moves nothing, and nobody watches it",
    },
];

/// Whether a field is on the list, in the run of this name.
pub fn is_free(run: &str, event: &str, field: &str) -> bool {
    let is_of = |all: &[&str], one| all.contains(&"*") || all.contains(&one);
    let of = |free: &&Free| is_of(free.runs, run) && is_of(free.events, event);
    // Names of members that are hashes.
    let below = |free: &str| {
        let above = free.strip_suffix('*');
        above.is_some_and(|above| field.starts_with(above) && !field.ends_with(" (cut)"))
    };
    let mut fields = FREE.iter().filter(of).flat_map(|free| free.fields);
    fields.any(|free| *free == field || below(free))
}
