//! What the parsed queries can run, resolved from the catalogue by oid and transitively.
//! Invariant: an object that cannot be read, a kind that is not known and a function that is not known to be harmless refuse
//! the query that leads there (`Reach::of`; tests/adversarial_sql/reached.rs).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;

use serde::Deserialize;

use super::error::UnknownReason;
use super::reach_functions::FunctionFacts;
use super::resolver::Resolver;
use super::wire::AnswerRows;
use crate::survey::Digest;

/// An object of the catalogue, as `pg_depend` names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CatalogObject {
    catalogue: String,
    oid: String,
}

impl CatalogObject {
    /// A relation.
    pub(super) fn relation(oid: &str) -> Self {
        Self {
            catalogue: "pg_class".to_owned(),
            oid: oid.to_owned(),
        }
    }

    /// The rule of a view that came with PostgreSQL, whoever wrote its query.
    fn is_own_rule(&self) -> bool {
        let own = |oid: u32| oid < 16_384;
        self.catalogue == "pg_rewrite" && self.oid.parse().is_ok_and(own)
    }

    /// Where everything begins that any SQL can run.
    fn any_sql() -> Self {
        Self {
            catalogue: "-".to_owned(),
            oid: "0".to_owned(),
        }
    }
}

/// One step from an object to another.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    by: Resolver,
    how: String,
    to: CatalogObject,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum ObjectFacts {
    Relation(RelationFacts),
    Function(FunctionFacts),
    Type { name: String },
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct RelationFacts {
    /// Schema and name, with a tab between them.
    name: String,
    kind: char,
    row_security: bool,
}

#[derive(Deserialize)]
struct TypeFacts {
    name: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Reached {
    words: String,
    /// Which version of its row this is; `None`: the row cannot be seen.
    version: Option<String>,
    moved: bool,
    facts: ObjectFacts,
    steps: Vec<Step>,
}

/// The objects that the queries of a transaction lead to.
#[derive(Debug, Clone, Default)]
pub(super) struct CatalogGraph {
    objects: BTreeMap<CatalogObject, Reached>,
}

/// What one query can run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reach {
    /// The chain that leads to what may not run, and the resolvers on it.
    pub(super) refused: Option<(String, BTreeSet<Resolver>)>,
    /// The functions that are not PostgreSQL's own, each with the digest of its definition.
    pub(super) runs: Vec<String>,
    /// Every object with its version and where it leads, by which two resolutions are compared.
    objects: BTreeMap<CatalogObject, (String, String)>,
}

fn unreadable() -> UnknownReason {
    "what can run cannot be resolved".into()
}

impl CatalogGraph {
    /// From the rows of `assets/sql/reach`.
    pub(super) fn of(rows: AnswerRows) -> Result<Self, UnknownReason> {
        let objects = rows
            .into_iter()
            .map(|row| object(row).ok_or_else(unreadable));
        let graph = Self {
            objects: objects.collect::<Result<_, _>>()?,
        };
        // Without its beginning it is no answer.
        if graph.objects.contains_key(&CatalogObject::any_sql()) {
            Ok(graph)
        } else {
            Err(unreadable())
        }
    }

    /// An object that was changed since the snapshot, or is newer than it: another snapshot is needed.
    pub(super) fn moved(&self) -> Option<&str> {
        let changed = |(object, reached): &(&CatalogObject, &Reached)| {
            reached.moved || reached.version.is_none() && object.catalogue == "pg_class"
        };
        let moved = self.objects.iter().find(changed);
        moved.map(|(_, reached)| reached.words.as_str())
    }

    /// What a query can run that touches `relations`, and names these functions and types, and perhaps these relations.
    pub(super) fn reach(
        &self,
        relations: &[CatalogObject],
        named: (&BTreeSet<String>, &BTreeSet<String>),
        allowed: &[String],
        without: Option<Resolver>,
    ) -> Reach {
        let mut came: BTreeMap<&CatalogObject, Option<(&CatalogObject, &Step)>> = BTreeMap::new();
        let mut next = VecDeque::new();
        for object in self.beginnings(relations, named) {
            if came.insert(object, None).is_none() {
                next.push_back(object);
            }
        }
        let mut reach = Reach::default();
        // Breadth first: the chain that a refusal names is a shortest one.
        while let Some(object) = next.pop_front() {
            // What the catalogue did not show could lead anywhere.
            let Some(reached) = self.objects.get(object) else {
                reach.refuse(
                    format!("{} {} cannot be seen", object.catalogue, object.oid),
                    BTreeSet::new(),
                );
                continue;
            };
            let steps = reached.steps.iter().filter(|step| Some(step.by) != without);
            let mut leads = String::new();
            for step in steps {
                let _ = write!(leads, "{} {} {} ", step.how, step.to.catalogue, step.to.oid);
                if !came.contains_key(&step.to) {
                    came.insert(&step.to, Some((object, step)));
                    next.push_back(&step.to);
                }
            }
            // Compared when it is resolved again: a way that has appeared is a change, also where no row of the object has changed.
            let version = reached.version.clone().unwrap_or_default();
            let seen = (reached.words.clone(), format!("{version} {leads}"));
            reach.objects.insert(object.clone(), seen);
            let (chain, by) = self.chain(object, &came);
            if let ObjectFacts::Function(function) = &reached.facts
                && !function.own
            {
                let definition = function.definition.as_deref().unwrap_or_default();
                let line = format!("{} {}", reached.words, Digest::of(definition).short());
                reach.runs.push(line);
            }
            let last = came.get(object).copied().flatten();
            if let Some(why) = self.refusal(object, reached, last, allowed, without) {
                reach.refuse(format!("{chain} {why}"), by);
            }
        }
        reach.runs.sort();
        reach
    }

    fn beginnings<'a>(
        &'a self,
        relations: &'a [CatalogObject],
        (named, maybe_relations): (&BTreeSet<String>, &BTreeSet<String>),
    ) -> Vec<&'a CatalogObject> {
        // Oid 0 stands for any text: what was put in the place of a built-in is reached without being named.
        let any_sql = self.objects.keys().filter(|object| object.oid == "0");
        // Every function of a name: which overload a text means only the server knows, and it has not been asked.
        let by_name = self
            .objects
            .iter()
            .filter(|(_, reached)| match &reached.facts {
                ObjectFacts::Function(function) => named.contains(&function.name),
                ObjectFacts::Type { name } => named.contains(name),
                ObjectFacts::Relation(relation) => maybe_relations.contains(&relation.name),
                ObjectFacts::Other => false,
            });
        let by_name = by_name.map(|(object, _)| object);
        relations.iter().chain(by_name).chain(any_sql).collect()
    }

    /// How an object was come to, in words, and by which resolvers.
    fn chain<'a>(
        &'a self,
        object: &'a CatalogObject,
        came: &BTreeMap<&'a CatalogObject, Option<(&'a CatalogObject, &'a Step)>>,
    ) -> (String, BTreeSet<Resolver>) {
        let mut words = Vec::new();
        let mut by = BTreeSet::new();
        let mut at = object;
        loop {
            let here = self.objects.get(at).map_or("", |reached| &reached.words);
            words.push(here);
            let Some((from, step)) = came.get(at).copied().flatten() else {
                break;
            };
            words.push(&step.how);
            by.insert(step.by);
            at = from;
        }
        words.retain(|word| !word.is_empty());
        words.reverse();
        (words.join(" -> "), by)
    }

    fn refusal(
        &self,
        object: &CatalogObject,
        reached: &Reached,
        last: Option<(&CatalogObject, &Step)>,
        allowed: &[String],
        without: Option<Resolver>,
    ) -> Option<&'static str> {
        if reached.version.is_none() && *object != CatalogObject::any_sql() {
            return Some("cannot be seen");
        }
        let stands_in = last.is_some_and(|(from, _)| *from == CatalogObject::any_sql());
        match &reached.facts {
            ObjectFacts::Relation(relation) if relation.kind == 'f' => Some("is a foreign table"),
            ObjectFacts::Relation(relation)
                if relation.row_security && without != Some(Resolver::Policies) =>
            {
                Some("has row security, whose policies could run anything")
            }
            ObjectFacts::Function(function) if function.named_in(allowed) => None,
            ObjectFacts::Function(function)
                if stands_in && !function.own && function.name.starts_with("pg_catalog.") =>
            {
                Some(STANDS_IN)
            }
            ObjectFacts::Function(function) => {
                let by_expression = last.is_some_and(|(from, _)| {
                    let catalogue = from.catalogue.as_str();
                    ["pg_class", "pg_rewrite", "pg_constraint"].contains(&catalogue)
                });
                let by_own_view = last.is_some_and(|(from, _)| from.is_own_rule());
                let harmless = function.is_harmless(by_expression)
                    || by_own_view && function.own && function.is_read_by_own_views();
                (!harmless).then_some("is not on the allow-list")
            }
            ObjectFacts::Other if stands_in && object.catalogue == "pg_operator" => {
                let named = |step: &Step| match self.objects.get(&step.to).map(|to| &to.facts) {
                    Some(ObjectFacts::Function(function)) => function.named_in(allowed),
                    _ => false,
                };
                (!reached.steps.iter().any(named)).then_some(STANDS_IN)
            }
            ObjectFacts::Relation(_) | ObjectFacts::Type { .. } | ObjectFacts::Other => None,
        }
    }
}

const STANDS_IN: &str = "is not PostgreSQL's own here: any SQL could run it";

impl Reach {
    /// Nothing is known of what could run.
    pub(super) fn refusing(reason: String) -> Self {
        Self {
            refused: Some((reason, BTreeSet::new())),
            ..Self::default()
        }
    }

    /// Keeps the first chain: it is the shortest.
    fn refuse(&mut self, chain: String, by: BTreeSet<Resolver>) {
        self.refused.get_or_insert((chain, by));
    }

    /// What differs in a later resolution, in words.
    pub(super) fn changed(&self, later: &Self) -> Option<String> {
        let gone = self.objects.iter().filter_map(|(object, (words, seen))| {
            match later.objects.get(object) {
                None => Some(format!("{words} is gone")),
                Some((_, again)) if again != seen => Some(format!("{words} was changed")),
                Some(_) => None,
            }
        });
        let new = later.objects.iter().filter_map(|(object, (words, _))| {
            let known = self.objects.contains_key(object);
            (!known).then(|| format!("{words} is new"))
        });
        let all: Vec<String> = gone.chain(new).collect();
        (!all.is_empty()).then(|| all.join(", "))
    }

    /// Whether all that differs in a later resolution is relations, which nobody could change while they were read: what was
    /// read of them may be of another snapshot, but nothing else was run.
    pub(super) fn only_relations_changed(&self, later: &Self) -> bool {
        let relation = |object: &CatalogObject| {
            matches!(
                object.catalogue.as_str(),
                "pg_class" | "pg_rewrite" | "pg_constraint" | "pg_attrdef" | "pg_statistic_ext"
            )
        };
        let differs = |a: &Self, b: &Self| {
            let differing = a
                .objects
                .iter()
                .filter(|(object, seen)| b.objects.get(object) != Some(seen));
            differing
                .map(|(object, _)| relation(object))
                .collect::<Vec<_>>()
        };
        later.refused.is_none()
            && differs(self, later)
                .into_iter()
                .chain(differs(later, self))
                .all(|only| only)
    }
}

fn object(row: Vec<Option<String>>) -> Option<(CatalogObject, Reached)> {
    let [catalogue, oid, words, version, moved, facts, steps] =
        <[Option<String>; 7]>::try_from(row).ok()?;
    let object = CatalogObject {
        catalogue: catalogue?,
        oid: oid?,
    };
    let facts = match (object.catalogue.as_str(), facts) {
        ("pg_class", Some(text)) => ObjectFacts::Relation(serde_json::from_str(&text).ok()?),
        ("pg_proc", Some(text)) => ObjectFacts::Function(serde_json::from_str(&text).ok()?),
        ("pg_type", Some(text)) => {
            let TypeFacts { name } = serde_json::from_str(&text).ok()?;
            ObjectFacts::Type { name }
        }
        // Without its facts it has no version either, and is refused.
        _ => ObjectFacts::Other,
    };
    let steps = steps.unwrap_or_default();
    let steps = steps.lines().map(step).collect::<Option<Vec<_>>>()?;
    let reached = Reached {
        words: words.unwrap_or_default(),
        version,
        // An answer that is missing counts as the dangerous one, where there is a row that could have moved.
        moved: moved.as_deref() == Some("true"),
        facts,
        steps,
    };
    Some((object, reached))
}

fn step(line: &str) -> Option<Step> {
    let mut cells = line.split('\t');
    let step = Step {
        by: Resolver::named(cells.next()?)?,
        how: cells.next()?.to_owned(),
        to: CatalogObject {
            catalogue: cells.next()?.to_owned(),
            oid: cells.next()?.to_owned(),
        },
    };
    cells.next().is_none().then_some(step)
}
