//! What is around the rows: more than 60 changes by another session between two surveys, each with what it must be.
//! Invariant: a change voids or is listed beside, by name, with before and after in the documents behind the fact.

use std::collections::BTreeSet;
use std::io::BufRead;

use drygate::postgres::throwaway::{Cluster, ClusterOptions, Scenario};
use drygate::postgres::{ConnectionSettings, LibpqEnvironment, LiveReadOnlyDiscoverer};
use drygate::profile::{ContentSpec, FunctionSpec, Profile, built_in};
use drygate::runner::target::{
    Progress, Purpose, SurveyRequest, Taken, Target, Witness, WitnessError,
};
use drygate::simulate::{Piece, Unit, Want};
use drygate::survey::{
    Digest, FactChange, SurveyChanges, TransactionProof, changes_with_rows, reads_surroundings,
};

use super::support::around_changes::{
    BASE, CHANGES, Change, Expected, RARER, RARER_BASE, SETTINGS,
};
use super::support::server::{READER, SUPERUSER};

const DATABASE: &str = "kb";

/// Facts and documents alone: no stream, no journal.
pub struct Alone;

impl Witness for Alone {
    fn opening(&mut self, _: Purpose, _: &str) -> Result<(), WitnessError> {
        Ok(())
    }

    fn closed(&mut self, proof: &TransactionProof) -> Result<(), WitnessError> {
        assert_eq!(proof.violations(), Vec::<String>::new());
        Ok(())
    }

    fn wants(&mut self) -> Want {
        Want::Nothing
    }

    fn pieces(&mut self, _: Vec<Piece>) -> Result<(), WitnessError> {
        Ok(())
    }

    fn units(&mut self, _: Vec<Unit>) -> Result<(), WitnessError> {
        Ok(())
    }

    fn progress(&mut self, _: Progress) {}
}

/// The built-in profile with a partitioned table and a function that calls others.
fn profile() -> Profile {
    let mut profile = built_in("icx-const").expect("it parses").0;
    profile.contents.push(ContentSpec {
        key: "happenings".to_owned(),
        schema: "public".to_owned(),
        table: "happening".to_owned(),
        columns: vec!["at".to_owned(), "what".to_owned()],
        row_key: vec!["at".to_owned()],
        hide: Vec::new(),
    });
    profile.functions.push(FunctionSpec {
        key: "fn_calls_md5".to_owned(),
        label: "fn_calls_md5".to_owned(),
        schema: "public".to_owned(),
        name: "fn_calls".to_owned(),
        expect: None,
    });
    profile
}

fn survey(cluster: &Cluster, profile: &Profile, role: Option<&str>) -> Taken {
    let url = cluster.url(READER, DATABASE);
    let settings = ConnectionSettings::resolve(Some(&url), &LibpqEnvironment::default());
    let settings = settings.expect("usable settings");
    let mut target = LiveReadOnlyDiscoverer::new(settings, profile.clone(), "survey");
    target = target.for_role(role);
    let ask = SurveyRequest {
        streams: false,
        ..SurveyRequest::SURVEY
    };
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(target.take(ask, &mut Alone))
        .expect("a survey")
}

fn differing(before: &Taken, after: &Taken) -> SurveyChanges {
    let all = || before.documents.iter().chain(&after.documents);
    let kept = |digest: &Digest| {
        let found = all().find(|document| document.reference().sha256 == *digest);
        found.map(|document| Box::new(document.text().as_bytes()) as Box<dyn BufRead>)
    };
    changes_with_rows(&before.survey, &after.survey, &kept, &kept)
}

fn keys(changes: &[FactChange]) -> BTreeSet<&str> {
    changes.iter().map(|change| change.key.as_str()).collect()
}

/// What is wrong with what was found of a change; `None`: it is as expected.
fn wrong(change: &Change, found: &SurveyChanges) -> Option<String> {
    let (voids, beside) = (keys(&found.voids), keys(&found.beside));
    let (key, list) = match change.expected {
        Expected::Voids(key) if !voids.contains(key) => {
            return Some(format!("{key} does not void: {voids:?}, beside {beside:?}"));
        }
        Expected::Voids(key) => (key, &found.voids),
        Expected::Beside(_) if !voids.is_empty() => {
            return Some(format!("{voids:?} void: {:?}", found.voids));
        }
        Expected::Beside(key) if !beside.contains(key) => {
            return Some(format!("{key} is not beside: {beside:?}"));
        }
        Expected::Beside(key) => (key, &found.beside),
        Expected::Nothing if voids.is_empty() && beside.is_empty() => return None,
        Expected::Nothing => return Some(format!("{voids:?} void, {beside:?} beside")),
    };
    let of_key = list.iter().filter(|change| change.key.as_str() == key);
    let rows: Vec<_> = of_key.flat_map(|change| &change.rows).collect();
    let side = |text: &Option<String>, key: &str| {
        text.as_ref()
            .map_or_else(String::new, |text| format!("{key}\t{text}\n"))
    };
    let before: String = rows
        .iter()
        .map(|row| side(&row.approved, &row.key))
        .collect();
    let after: String = rows.iter().map(|row| side(&row.found, &row.key)).collect();
    let fits = |text: &str, wanted: &str| wanted.is_empty() || text.contains(wanted);
    (!fits(&before, change.before) || !fits(&after, change.after)).then(|| {
        format!(
            "{key} shows not {:?} -> {:?} but\n{before}->\n{after}",
            change.before, change.after
        )
    })
}

/// The server that the changes are made on.
fn ground() -> Cluster {
    let cluster = Cluster::start(&ClusterOptions::default()).expect("a throwaway cluster");
    cluster
        .load_scenario(DATABASE, Scenario::Draft)
        .expect("it loads");
    cluster.load(DATABASE, BASE).expect("the base loads");
    cluster
}

/// Makes each change by another session, and says of how many it is not as expected.
fn must_be_as_expected(cluster: &Cluster, changes: &[Change], role: Option<&str>) {
    let version = cluster
        .query(SUPERUSER, DATABASE, "SHOW server_version_num")
        .expect("a version");
    let version: u32 = version[0][0]
        .as_deref()
        .and_then(|v| v.parse().ok())
        .expect("a number");
    let profile = profile();
    let mut before = survey(cluster, &profile, role);
    assert!(reads_surroundings(&before.survey.facts));
    assert_eq!(
        before
            .survey
            .unknown()
            .map(|f| f.key.to_string())
            .collect::<Vec<_>>(),
        Vec::<String>::new()
    );
    let mut faults = Vec::new();
    for change in changes.iter().filter(|change| change.since <= version) {
        if let Err(error) = cluster.load(DATABASE, change.sql) {
            faults.push(format!("{}: {error}", change.sql));
            continue;
        }
        let after = survey(cluster, &profile, role);
        let found = differing(&before, &after);
        faults.extend(wrong(change, &found).map(|why| format!("{}\n    {why}", change.sql)));
        before = after;
    }
    assert!(
        faults.is_empty(),
        "{} of {}:\n{}",
        faults.len(),
        changes.len(),
        faults.join("\n")
    );
}

#[test]
fn each_change_of_another_session_voids_or_is_listed_beside() {
    must_be_as_expected(&ground(), CHANGES, None);
}

#[test]
fn changes_of_rarer_kinds_void_or_are_listed_beside() {
    let cluster = ground();
    cluster.load(DATABASE, RARER_BASE).expect("it loads");
    must_be_as_expected(&cluster, RARER, None);
}

#[test]
fn settings_of_other_roles_than_the_change_s_are_beside() {
    must_be_as_expected(&ground(), SETTINGS, Some("app"));
}
