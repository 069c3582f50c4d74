//! Tests that need more than one module: real processes, real ptys, a real server. One file per part of the program.
//! Invariant: one test program, so that the library is linked once and shared pieces are never dead code by accident.

mod archive;
mod around_the_rows;
mod asked;
mod attribution;
mod audit_at_pin;
mod birth;
#[cfg(target_os = "linux")]
mod callers;
mod cast;
mod change_alone;
mod changed_while_read;
mod changing;
mod completing;
mod contradiction;
mod copied_rows;
mod deleting;
mod diff;
mod doctor;
mod drift_around;
mod exit_codes;
mod failing_checks;
mod first_pass;
mod flow;
mod golden;
#[cfg(target_os = "linux")]
mod group;
mod harness;
mod headless;
mod hidden;
mod hooks;
mod kept_head;
mod libpq;
mod locked;
mod logging;
mod many_ways;
mod mistakes;
mod moved_code;
mod no_pass_any_more;
mod not_taken_up;
mod notify;
mod older_formats;
mod one_count;
mod other_server;
mod other_team;
mod page;
mod partitions;
#[cfg(target_os = "linux")]
mod persons;
mod phases;
mod picker;
mod poolers;
mod printed;
mod profile_names;
mod profile_of_change;
mod recheck;
mod reconnecting;
mod rehearsal;
mod rehearsed_rows;
mod removing;
mod replaced_views;
mod replay;
mod run_files;
mod safety;
mod schemas;
mod server_cost;
mod sql_errors;
mod support;
mod svg;
mod theme;
mod unexpected;
mod verifying;
mod watching;
#[cfg(target_os = "linux")]
mod wide;
mod worked_profiles;
