//! Who may change protected tables and pinned functions, by any path: grants, ownership, attributes and memberships of roles.
//! Invariant: every role that reaches a holder through memberships is listed with what it may act as (`Privileges::document`).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::acl::{self, Grantee};
use super::content::one_line;
use super::error::UnknownReason;
use super::surroundings::sorted;
use super::wire::AnswerRows;
use crate::survey::FactDocument;

/// Built-in roles that may write every table, or anything on the server.
const MAY_WRITE: [&str; 4] = [
    "pg_write_all_data",
    "pg_maintain",
    "pg_execute_server_program",
    "pg_write_server_files",
];

/// One role with what decides and what does not.
struct Role {
    decides: String,
    other: String,
}

/// One membership: role granted, member, options.
struct Membership {
    granted: String,
    member: String,
    options: String,
}

/// Roles, memberships, and grants on what is protected.
pub(super) struct Privileges {
    roles: BTreeMap<String, Role>,
    memberships: Vec<Membership>,
    lines: Vec<String>,
    holders: BTreeSet<String>,
}

/// A role can be named `PUBLIC` with capitals; it must not read as everybody.
fn quoted_if_public(name: String) -> String {
    if name == "PUBLIC" {
        "\"PUBLIC\"".to_owned()
    } else {
        name
    }
}

impl Privileges {
    /// From rows of kind and what belongs to it. `createrole_is_free`: a role with CREATEROLE can grant itself other roles.
    pub(super) fn of(rows: AnswerRows, createrole_is_free: bool) -> Result<Self, UnknownReason> {
        let mut read = Self {
            roles: BTreeMap::new(),
            memberships: Vec::new(),
            lines: Vec::new(),
            holders: MAY_WRITE.map(str::to_owned).into(),
        };
        for row in rows {
            let mut cells = row.into_iter();
            let mut cell = || cells.next().flatten();
            let (kind, one, two, three) = (cell(), cell(), cell(), cell());
            let one = one.unwrap_or_default();
            match kind.as_deref() {
                Some("role") => read.add_role(one, two, three, createrole_is_free),
                Some("member") => read.memberships.push(Membership {
                    granted: quoted_if_public(one),
                    member: quoted_if_public(two.unwrap_or_default()),
                    options: three.unwrap_or_default(),
                }),
                Some("object") => read.add_object(Some(&one), two, three.as_deref())?,
                Some("partition") => read.add_object(None, two, three.as_deref())?,
                _ => return Err("a row of the privileges has no kind".into()),
            }
        }
        Ok(read)
    }

    fn add_role(
        &mut self,
        name: String,
        decides: Option<String>,
        other: Option<String>,
        createrole_is_free: bool,
    ) {
        let (name, decides) = (quoted_if_public(name), decides.unwrap_or_default());
        let has = |attribute: &str| decides.split(", ").any(|held| held == attribute);
        if has("superuser") || (createrole_is_free && has("createrole")) {
            self.holders.insert(name.clone());
        }
        let other = other.unwrap_or_default();
        self.roles.insert(name, Role { decides, other });
    }

    /// `object` is `None` for a partition: its grants are part of its definition, here only their holders count.
    fn add_object(
        &mut self,
        object: Option<&str>,
        owner: Option<String>,
        list: Option<&str>,
    ) -> Result<(), UnknownReason> {
        let (lines, holders) = (&mut self.lines, &mut self.holders);
        if let Some(owner) = owner {
            let owner = quoted_if_public(owner);
            lines.extend(
                object.map(|object| format!("{} OWNER\t{}", one_line(object), one_line(&owner))),
            );
            holders.insert(owner);
        }
        acl::expand(list.unwrap_or("{}"), |grant| {
            let option = if grant.grantable {
                " with grant option"
            } else {
                ""
            };
            let grantee = match grant.grantee {
                Grantee::Public => "PUBLIC".to_owned(),
                Grantee::Role(name) => quoted_if_public(name.to_owned()),
            };
            lines.extend(object.map(|object| {
                format!(
                    "{} {} {}\tby {}{option}",
                    one_line(object),
                    one_line(&grantee),
                    grant.privilege,
                    one_line(grant.grantor)
                )
            }));
            if grant.grantee != Grantee::Public {
                holders.insert(grantee);
            }
        })?;
        Ok(())
    }

    /// The grants on protected objects, and every role that is a holder of one or may act as one.
    pub(super) fn document(&self) -> FactDocument {
        let mut members: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut memberships: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for of in &self.memberships {
            members.entry(&of.granted).or_default().push(&of.member);
            memberships.entry(&of.member).or_default().push(&of.granted);
        }
        let holders = self.holders.iter().map(String::as_str);
        let reach = reached(holders, &members);
        let mut lines = self.lines.clone();
        for (name, role) in &self.roles {
            if !reach.contains_key(name.as_str()) {
                continue;
            }
            let acts_as: Vec<String> = reached([name.as_str()], &memberships)
                .into_iter()
                .filter(|(of, _)| of != name && self.holders.contains(*of))
                .map(|(of, through)| match through {
                    Some(through) if through != name => format!("{of} through {through}"),
                    _ => of.to_owned(),
                })
                .collect();
            let mut words: Vec<String> = Vec::new();
            words.extend((!role.decides.is_empty()).then(|| role.decides.clone()));
            words.extend(
                (!acts_as.is_empty()).then(|| format!("may act as {}", acts_as.join(", "))),
            );
            lines.push(format!(
                "who: {}\t{}",
                one_line(name),
                one_line(&words.join("; "))
            ));
        }
        let decide = self
            .memberships
            .iter()
            .filter(|of| reach.contains_key(of.granted.as_str()));
        lines.extend(decide.map(Membership::line));
        sorted(lines)
    }

    /// Every role and membership of the server, as lines.
    pub(super) fn roles(&self) -> Vec<String> {
        let role = |(name, role): (&String, &Role)| {
            let both = [role.decides.as_str(), role.other.as_str()];
            let words: Vec<&str> = both.into_iter().filter(|words| !words.is_empty()).collect();
            format!("who: {}\t{}", one_line(name), one_line(&words.join(", ")))
        };
        let memberships = self.memberships.iter().map(Membership::line);
        self.roles.iter().map(role).chain(memberships).collect()
    }
}

impl Membership {
    fn line(&self) -> String {
        format!(
            "who: {} is member of {}\t{}",
            one_line(&self.member),
            one_line(&self.granted),
            one_line(&self.options)
        )
    }
}

/// Every name that can be reached, with the one before the last on a shortest way to it; `None`: it is a start.
fn reached<'a>(
    from: impl IntoIterator<Item = &'a str>,
    edges: &BTreeMap<&'a str, Vec<&'a str>>,
) -> BTreeMap<&'a str, Option<&'a str>> {
    let mut known: BTreeMap<&str, Option<&str>> =
        from.into_iter().map(|name| (name, None)).collect();
    let mut open: VecDeque<&str> = known.keys().copied().collect();
    while let Some(name) = open.pop_front() {
        for next in edges.get(name).into_iter().flatten() {
            if !known.contains_key(next) {
                known.insert(next, Some(name));
                open.push_back(next);
            }
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::Privileges;

    fn rows(more: &[[&str; 4]]) -> Vec<Vec<Option<String>>> {
        let base = [
            ["role", "owner", "", ""],
            ["role", "app", "login", ""],
            ["role", "ops", "login, noinherit", ""],
            ["role", "stranger", "login", ""],
            ["member", "app", "ops", "by owner"],
            [
                "object",
                "table s.t",
                "owner",
                "{owner=ar/owner,app=a/owner,=r/owner}",
            ],
        ];
        let cells = |row: &[&str; 4]| row.map(|cell| Some(cell.to_owned())).to_vec();
        base.iter().chain(more).map(cells).collect()
    }

    fn held(more: &[[&str; 4]], createrole_is_free: bool) -> Vec<String> {
        let read = Privileges::of(rows(more), createrole_is_free).expect("readable");
        read.document()
            .text()
            .lines()
            .map(|line| line.replace('\t', " | "))
            .collect()
    }

    #[test]
    fn every_path_to_a_protected_table_is_a_line() {
        assert_eq!(
            held(&[], false),
            [
                "table s.t OWNER | owner",
                "table s.t PUBLIC SELECT | by owner",
                "table s.t app INSERT | by owner",
                "table s.t owner INSERT | by owner",
                "table s.t owner SELECT | by owner",
                "who: app | login",
                "who: ops | login, noinherit; may act as app",
                "who: ops is member of app | by owner",
                "who: owner | ",
            ]
        );
        let far = [
            ["role", "far", "", ""],
            ["member", "ops", "far", "by owner"],
        ];
        let more = held(&far, false);
        assert!(
            more.contains(&"who: far | may act as app through ops".to_owned()),
            "{more:?}"
        );
        assert!(more.contains(&"who: far is member of ops | by owner".to_owned()));
    }

    #[test]
    fn what_gives_no_path_is_not_among_them() {
        let before = held(&[], false);
        let apart = [
            ["role", "other", "bypassrls, login", ""],
            ["member", "stranger", "other", "by owner"],
        ];
        assert_eq!(held(&apart, false), before);
        let creates = [["role", "creates", "createrole", ""]];
        assert_eq!(held(&creates, false), before);
        assert_eq!(
            held(&creates, true).len(),
            before.len() + 1,
            "before 16 it is a path"
        );
        let superuser = [["role", "root", "superuser", ""]];
        assert_eq!(held(&superuser, false).len(), before.len() + 1);
        let read = Privileges::of(rows(&apart), false).expect("readable");
        assert_eq!(read.roles().len(), 7, "all of them are listed beside");
    }

    #[test]
    fn a_role_named_public_is_not_everybody() {
        let named = [
            ["role", "PUBLIC", "login", ""],
            ["object", "table s.u", "owner", r#"{"\"PUBLIC\"=r/owner"}"#],
        ];
        let held = held(&named, false);
        assert!(
            held.contains(&"who: \"PUBLIC\" | login".to_owned()),
            "{held:?}"
        );
    }
}
