//! Lines of a batch that read.

use std::cell::Cell;
use std::ops::ControlFlow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::{Answer, answer};
use crate::clock::Timestamp;
use crate::commands::import::{check_namespace, group_in_scope};
use crate::exchange::input::{Source, Text};
use crate::exchange::json::{self, Asked, Line, Objects, Query};
use crate::model::{Entry, Error, Glob, Group, Keys, Name, Result, Scope};
use crate::output::json::EntryRecord;
use crate::store::{Bulk, Snapshot, Store};

/// What can be read from: a transaction that only reads, or one that writes.
pub(super) trait Reads {
    fn now(&self) -> Timestamp;
    fn get(&self, group: &Name<'_>, key: &Name<'_>) -> Result<Entry>;
    fn entries(
        &self,
        group: &Name<'_>,
        keys: &Keys<'_>,
        each: &mut dyn FnMut(Entry) -> Result<ControlFlow<()>>,
    ) -> Result<()>;
    fn groups(
        &mut self,
        names: &Keys<'_>,
        each: &mut dyn FnMut(Group) -> Result<ControlFlow<()>>,
    ) -> Result<()>;
    fn count(&mut self, group: Option<&Name<'_>>) -> Result<i64>;
}

impl Reads for &Snapshot<'_> {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn get(&self, group: &Name<'_>, key: &Name<'_>) -> Result<Entry> {
        Snapshot::get(self, group, key)
    }

    fn entries(
        &self,
        group: &Name<'_>,
        keys: &Keys<'_>,
        each: &mut dyn FnMut(Entry) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        Snapshot::entries(self, group, keys, false, each)
    }

    fn groups(
        &mut self,
        names: &Keys<'_>,
        each: &mut dyn FnMut(Group) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        Snapshot::groups(self, names, each)
    }

    fn count(&mut self, group: Option<&Name<'_>>) -> Result<i64> {
        group.map_or_else(|| self.count_all(), |group| Snapshot::count(self, group))
    }
}

impl Reads for Bulk<'_> {
    fn now(&self) -> Timestamp {
        Bulk::now(self)
    }

    fn get(&self, group: &Name<'_>, key: &Name<'_>) -> Result<Entry> {
        Bulk::get(self, group, key)
    }

    fn entries(
        &self,
        group: &Name<'_>,
        keys: &Keys<'_>,
        each: &mut dyn FnMut(Entry) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        Bulk::entries(self, group, keys, each)
    }

    fn groups(
        &mut self,
        names: &Keys<'_>,
        each: &mut dyn FnMut(Group) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        Bulk::groups(self, names, each)
    }

    fn count(&mut self, group: Option<&Name<'_>>) -> Result<i64> {
        Bulk::count(self, group)
    }
}

/// What was found.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Found {
    Entry(Box<EntryRecord>),
    Ttl {
        ttl_ms: Option<i64>,
    },
    Names {
        names: Vec<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        names_b64: Vec<String>,
    },
    Count {
        count: i64,
    },
    /// Nothing, for this reason.
    Missing {
        error: &'static str,
        code: u8,
        message: String,
    },
}

/// The answer to a line that reads.
#[derive(Serialize)]
pub(super) struct FoundAnswer<'a> {
    line: u64,
    ok: bool,
    #[serde(flatten)]
    found: &'a Found,
}

impl Found {
    /// As the answer to a line.
    pub fn of_line(&self, line: u64) -> FoundAnswer<'_> {
        FoundAnswer { line, ok: !matches!(self, Self::Missing { .. }), found: self }
    }

    fn missing(error: &Error) -> Self {
        let Answer { error, code, message, .. } = Answer::failed(0, error);
        Self::Missing {
            error: error.unwrap_or_default(),
            code: code.unwrap_or_default(),
            message: message.unwrap_or_default(),
        }
    }

    fn names<'n>(names: impl IntoIterator<Item = Name<'n>>) -> Self {
        let (mut text, mut base64) = (Vec::new(), Vec::new());
        for name in names {
            match String::from_utf8(name.into_bytes()) {
                Ok(name) => text.push(name),
                Err(e) => base64.push(STANDARD.encode(e.into_bytes())),
            }
        }
        Self::Names { names: text, names_b64: base64 }
    }
}

/// Answers a query. That there is no such entry is an answer.
pub(super) fn ask(from: &mut impl Reads, scope: &Scope, query: &Query<'_>) -> Result<Found> {
    let group = group_of(scope, query)?;
    let group = group.as_ref();
    match &query.asked {
        Asked::Get(key) => match from.get(group.unwrap_or(&"".into()), key) {
            Ok(entry) => Ok(Found::Entry(Box::new(EntryRecord::new(entry, scope, from.now())))),
            Err(error @ Error::NotFound { .. }) => Ok(Found::missing(&error)),
            Err(error) => Err(error),
        },
        Asked::Ttl(key) => match from.get(group.unwrap_or(&"".into()), key) {
            Ok(entry) => Ok(Found::Ttl { ttl_ms: entry.expires_at.map(|at| at.since(from.now())) }),
            Err(error @ Error::NotFound { .. }) => Ok(Found::missing(&error)),
            Err(error) => Err(error),
        },
        Asked::Count(glob) => Ok(Found::Count { count: count(from, group, glob.as_ref())? }),
        Asked::List { glob, after, limit } => {
            let wanted = Keys { glob: glob.as_ref(), after: after.as_deref() };
            names(from, scope, group, &wanted, limit.unwrap_or(usize::MAX))
        }
    }
}

/// The group that a query names, as this scope has it.
fn group_of<'a>(scope: &Scope, query: &'a Query<'_>) -> Result<Option<Name<'a>>> {
    if let Some(namespace) = &query.namespace {
        check_namespace(scope, namespace)?;
        if query.group.is_none() && scope.0.is_none() {
            return Err(Error::BadData("namespace needs a group; use -n to confine a batch to one".into()));
        }
    }
    Ok(query.group.as_ref().map(|group| group_in_scope(scope, query.namespace.as_deref(), group)))
}

fn count(from: &mut impl Reads, group: Option<&Name<'_>>, glob: Option<&Glob>) -> Result<i64> {
    if glob.is_none() {
        return from.count(group);
    }
    let wanted = Keys { glob, after: None };
    let mut count = 0;
    match group {
        Some(group) => from.entries(group, &wanted, &mut |_| {
            count += 1;
            Ok(ControlFlow::Continue(()))
        })?,
        None => from.groups(&wanted, &mut |group| {
            count += group.keys;
            Ok(ControlFlow::Continue(()))
        })?,
    }
    Ok(count)
}

fn names(
    from: &mut impl Reads,
    scope: &Scope,
    group: Option<&Name<'_>>,
    wanted: &Keys<'_>,
    limit: usize,
) -> Result<Found> {
    let mut names: Vec<Name<'static>> = Vec::new();
    let mut take = |name| {
        // Nothing is asked for that is not wanted.
        if names.len() < limit {
            names.push(name);
        }
        if names.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    match group {
        Some(group) => from.entries(group, wanted, &mut |entry| Ok(take(entry.key)))?,
        None => from.groups(wanted, &mut |group| Ok(take(scope.name_of(&group.name).into_owned())))?,
    }
    Ok(Found::names(names))
}

/// The answer where there is no store.
fn ask_nothing(scope: &Scope, query: &Query<'_>) -> Result<Found> {
    let group = group_of(scope, query)?.unwrap_or_else(|| "".into()).into_owned();
    Ok(match &query.asked {
        Asked::Get(key) | Asked::Ttl(key) => {
            Found::missing(&Error::NotFound { group, key: key.clone().into_owned() })
        }
        Asked::Count(_) => Found::Count { count: 0 },
        Asked::List { .. } => Found::names([]),
    })
}

/// Does a batch that only reads, and leaves the answers.
pub(super) fn in_order(
    store: Option<&Store>,
    scope: &Scope,
    source: &mut Source,
    line: &Cell<Option<u64>>,
    answers: &mut Vec<u8>,
) -> Result<u64> {
    let mut all = |ask: &mut dyn FnMut(&Query<'_>) -> Result<Found>| {
        answers.clear();
        let mut objects = Objects::new(Text::new(source.read()?));
        let mut operations = 0;
        loop {
            let found = match objects.next() {
                Ok(None) => break,
                Ok(Some(object)) => match json::line(object) {
                    Ok(Line::Read(query)) => ask(&query),
                    Ok(Line::Write(_)) => Err(Error::BadData("the input changed while being read".into())),
                    Err(error) => Err(error),
                },
                Err(error) => Err(error),
            };
            line.set(Some(objects.line()));
            answer(answers, &found?.of_line(objects.line()));
            operations += 1;
        }
        line.set(None);
        Ok(operations)
    };
    match store {
        None => all(&mut |query| ask_nothing(scope, query)),
        Some(store) => store.read(|mut tx| all(&mut |query| ask(&mut tx, scope, query))),
    }
}

/// Answers lines of a stream that only read, as a snapshot.
pub(super) fn together(
    store: Option<&Store>,
    scope: &Scope,
    lines: &[(u64, Result<Line<'_>>)],
    answers: &mut Vec<u8>,
) {
    let mut all = |ask: &mut dyn FnMut(&Query<'_>) -> Result<Found>| {
        answers.clear();
        for (number, line) in lines {
            match line {
                Ok(Line::Read(query)) => match ask(query) {
                    Ok(found) => answer(answers, &found.of_line(*number)),
                    Err(error) if error.is_refusal() => answer(answers, &Answer::failed(*number, &error)),
                    Err(error) => return Err(error),
                },
                Ok(Line::Write(_)) => {}
                Err(error) => answer(answers, &Answer::failed(*number, error)),
            }
        }
        Ok(())
    };
    let done = match store {
        None => all(&mut |query| ask_nothing(scope, query)),
        Some(store) => store.read(|mut tx| all(&mut |query| ask(&mut tx, scope, query))),
    };
    if let Err(error) = done {
        answers.clear();
        for (number, _) in lines {
            answer(answers, &Answer::failed(*number, &error));
        }
    }
}
