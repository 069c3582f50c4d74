//! Connections as libpq has them: the same input to psql and to us, against TLS, SCRAM, md5, certificates, services, password
//! files, several hosts, a standby and PgBouncer. Invariant: what we do is the same, stricter with a reason, or refused by name; nothing is
//! left out silently.

mod certificates;
mod habits;
mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use self::habits::{Expect, HABITS, Habit, POOLED};
use self::world::World;

#[test]
fn what_psql_takes_is_taken_the_same_way_or_refused_by_name() {
    let world = World::start();
    let pooled: &[Habit] = if world.has_pooler() { POOLED } else { &[] };
    let habits: Vec<&Habit> = HABITS.iter().chain(pooled).collect();
    let (next, let_in) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let wrong = Mutex::new(Vec::new());
    // Those that fail wait for further tries: together they take as long as the longest.
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some(habit) = habits.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let psql = world.psql(habit);
                    let ours = world.ours(habit);
                    let holds = match (habit.expect, &psql, &ours) {
                        (Expect::Same, Ok(theirs), Ok(ours)) => theirs.is_as(ours, habit),
                        (Expect::Same, Err(_), Err(_)) => true,
                        (Expect::Stricter(why), Ok(_), Err(ours)) => ours.contains(why),
                        (Expect::Refused(name), _, Err(ours)) => ours.contains(name),
                        _ => false,
                    };
                    if let (true, Ok(_)) = (habit.is_pooled(), &psql) {
                        let_in.fetch_add(1, Ordering::SeqCst);
                    }
                    // A refusal of PgBouncer is not told as a server that cannot be reached.
                    let advised = ours.as_ref().map_or_else(
                        |error| !error.contains("08P01") || error.contains("a pooler answered"),
                        |_| true,
                    );
                    if !(holds && advised) {
                        let text = format!("{habit:?}\n  psql: {psql:?}\n  ours: {ours:?}");
                        wrong.lock().expect("no panic").push(text);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("no panic");
    let count = |wanted: fn(&Expect) -> bool| habits.iter().filter(|it| wanted(&it.expect)).count();
    let counts = format!(
        "{} habits, {} of them through PgBouncer: {} the same, {} stricter, {} refused by name; {} wrong",
        habits.len(),
        pooled.len(),
        count(|it| matches!(it, Expect::Same)),
        count(|it| matches!(it, Expect::Stricter(_))),
        count(|it| matches!(it, Expect::Refused(_))),
        wrong.len(),
    );
    // Else all of them could be refused, by psql as by us.
    assert!(let_in.into_inner() >= pooled.len() / 3, "{counts}");
    assert!(wrong.is_empty(), "{counts}\n{}", wrong.join("\n"));
    assert!(HABITS.len() >= 70, "{counts}");
}
