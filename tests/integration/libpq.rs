//! Connections as libpq has them: the same input to psql and to us, against TLS, SCRAM, md5, certificates, services, password
//! files, several hosts and a standby. Invariant: what we do is the same, stricter with a reason, or refused by name; nothing is
//! left out silently.

mod certificates;
mod habits;
mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use self::habits::{Expect, HABITS};
use self::world::World;

#[test]
fn what_psql_takes_is_taken_the_same_way_or_refused_by_name() {
    let world = World::start();
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    // Those that fail wait for further tries: together they take as long as the longest.
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some(habit) = HABITS.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let psql = world.psql(habit);
                    let ours = world.ours(habit);
                    let holds = match (habit.expect, &psql, &ours) {
                        (Expect::Same, Ok(theirs), Ok(ours)) => theirs.is_as(ours, habit),
                        (Expect::Same, Err(_), Err(_)) => true,
                        (Expect::Stricter(why), Ok(_), Err(ours)) => ours.contains(why),
                        (Expect::Refused(name), _, Err(ours)) => ours.contains(name),
                        _ => false,
                    };
                    if !holds {
                        let text = format!("{habit:?}\n  psql: {psql:?}\n  ours: {ours:?}");
                        wrong.lock().expect("no panic").push(text);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("no panic");
    let count = |wanted: fn(&Expect) -> bool| HABITS.iter().filter(|it| wanted(&it.expect)).count();
    let counts = format!(
        "{} habits: {} the same, {} stricter, {} refused by name; {} wrong",
        HABITS.len(),
        count(|it| matches!(it, Expect::Same)),
        count(|it| matches!(it, Expect::Stricter(_))),
        count(|it| matches!(it, Expect::Refused(_))),
        wrong.len(),
    );
    assert!(wrong.is_empty(), "{counts}\n{}", wrong.join("\n"));
    assert!(HABITS.len() >= 70, "{counts}");
}
