//! Entries and operations as JSON.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{IgnoredAny, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::input::Text;
use super::{Record, When, bad, decode, name, value};
use crate::model::{Condition, EntryRef, Glob, Name, Result, Scope};

/// JSON objects out of lines or one array, whichever the text begins with. An
/// object whose first line is a brace alone goes on to the matching one.
pub struct Objects<'a> {
    text: Text<Box<dyn Read + 'a>>,
    array: Option<bool>,
}

impl<'a> Objects<'a> {
    /// The objects of a text.
    #[must_use]
    pub fn new(text: Text<Box<dyn Read + 'a>>) -> Self {
        Self { text, array: None }
    }

    /// The line on which the object last asked for begins, from 1.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.text.line()
    }

    /// The next object, unparsed; `None` at the end. Blank lines are passed
    /// over.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<&[u8]>> {
        // Also passes over blank lines.
        let first = self.text.peek()?;
        let array = *self.array.get_or_insert(first == Some(b'['));
        if !array {
            return match first {
                None => Ok(None),
                Some(b'{') if self.text.opens_alone()? => self.text.next_object().map(Some),
                Some(_) => self.text.next_line(),
            };
        }
        match first {
            Some(b'[' | b',') => {
                self.text.take();
                // An empty array.
                if self.text.peek()? != Some(b']') || first == Some(b',') {
                    return self.text.next_element().map(Some);
                }
            }
            Some(b']') => {}
            None if self.text.line() > 0 => return Ok(None),
            _ => return Err(bad("something other than a comma is between two elements")),
        }
        self.text.take();
        match self.text.peek()? {
            None => Ok(None),
            Some(_) => Err(bad("unexpected text after the array")),
        }
    }
}

/// A string that stays in the line where it can.
#[derive(Debug)]
struct Str<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Str<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Strings;
        impl<'de> Visitor<'de> for Strings {
            type Value = Str<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> std::result::Result<Self::Value, E> {
                Ok(Str(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> std::result::Result<Self::Value, E> {
                Ok(Str(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Strings)
    }
}

/// A value as given in a line; `None` if it is missing.
#[derive(Debug, Default)]
struct Raw<'a>(Option<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|raw| Self(Some(raw)))
    }
}

impl<'a> Raw<'a> {
    /// The text of a string; what else there is, as it is written: a number
    /// keeps its digits, and an object is the text that a program would parse.
    fn text(&self) -> Result<Option<Cow<'a, str>>> {
        match self.0.map(RawValue::get) {
            None => Ok(None),
            Some("null") => {
                Err(bad("its value is null, but every entry has a value; give a text, \"\" for instance"))
            }
            Some(text) if text.starts_with('"') => parse::<Str<'a>>(text.as_bytes()).map(|text| Some(text.0)),
            Some(text) => Ok(Some(Cow::Borrowed(text))),
        }
    }
}

#[derive(Deserialize)]
struct EntryLine<'a> {
    #[serde(borrow)]
    namespace: Option<Str<'a>>,
    #[serde(borrow)]
    group: Option<Str<'a>>,
    #[serde(borrow)]
    group_b64: Option<Str<'a>>,
    #[serde(borrow)]
    key: Option<Str<'a>>,
    #[serde(borrow)]
    key_b64: Option<Str<'a>>,
    #[serde(borrow, default)]
    value: Raw<'a>,
    #[serde(borrow)]
    value_b64: Option<Str<'a>>,
    ttl_ms: Option<i64>,
    #[serde(borrow)]
    expires_at: Option<Str<'a>>,
}

/// Reads an entry. Fields it does not know are passed over.
pub fn record(object: &[u8]) -> Result<Record<'_>> {
    let line: EntryLine<'_> = parse_object(object)?;
    let value = value(line.value.text()?, line.value_b64.as_ref().map(|v| v.0.as_ref()))?;
    Ok(Record {
        namespace: line.namespace.map(|name| name.0),
        group: group_of(line.group, line.group_b64.as_ref())?,
        key: key_of(line.key, line.key_b64.as_ref())?,
        value: value.ok_or_else(|| bad("it has neither value nor value_b64"))?,
        when: When::new(line.ttl_ms, line.expires_at.as_ref().map(|at| at.0.as_ref()))?,
    })
}

fn group_of<'a>(text: Option<Str<'a>>, base64: Option<&Str<'_>>) -> Result<Option<Name<'a>>> {
    name(text.map(|text| text.0), base64.map(|base64| base64.0.as_ref()), "group")
}

fn key_of<'a>(text: Option<Str<'a>>, base64: Option<&Str<'_>>) -> Result<Name<'a>> {
    let key = name(text.map(|text| text.0), base64.map(|base64| base64.0.as_ref()), "key")?;
    key.ok_or_else(|| bad("it has neither key nor key_b64"))
}

/// A line of a batch.
#[derive(Debug)]
pub enum Line<'a> {
    /// Something to do.
    Write(Operation<'a>),
    /// Something to report.
    Read(Query<'a>),
}

/// What a line of a batch asks about.
#[derive(Debug)]
pub struct Query<'a> {
    /// The namespace of its group, if it names one.
    pub namespace: Option<Cow<'a, str>>,
    /// The group; `None` for the groups themselves.
    pub group: Option<Name<'a>>,
    /// What about it.
    pub asked: Asked<'a>,
}

/// What can be asked.
#[derive(Debug)]
pub enum Asked<'a> {
    /// The entry under a key.
    Get(Name<'a>),
    /// How long the entry under a key has left.
    Ttl(Name<'a>),
    /// How many names there are.
    Count(Option<Glob>),
    /// Which names there are.
    List {
        /// Those that match.
        glob: Option<Glob>,
        /// Those after this one.
        after: Option<Cow<'a, str>>,
        /// At most so many.
        limit: Option<usize>,
    },
}

/// What a line of a batch asks for.
#[derive(Debug)]
pub struct Operation<'a> {
    /// The namespace of its group, if it names one.
    pub namespace: Option<Cow<'a, str>>,
    /// The group.
    pub group: Name<'a>,
    /// The key.
    pub key: Name<'a>,
    /// What must hold for it.
    pub condition: Condition,
    /// What it does.
    pub action: Action<'a>,
}

/// What an operation does with its key.
#[derive(Debug)]
pub enum Action<'a> {
    /// Writes a value.
    Set {
        /// The value.
        value: Cow<'a, [u8]>,
        /// When the entry expires; `None` keeps what it has.
        when: Option<When>,
    },
    /// Deletes the entry.
    Delete,
    /// Changes when the entry expires.
    Expire(When),
    /// Adds to an integer.
    Incr(i64),
}

// Fields that only describe an entry may be in a line, so that exported ones
// can be used; a misspelt condition must not go unnoticed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OperationLine<'a> {
    #[serde(borrow)]
    op: Str<'a>,
    #[serde(borrow)]
    namespace: Option<Str<'a>>,
    #[serde(borrow)]
    group: Option<Str<'a>>,
    #[serde(borrow)]
    group_b64: Option<Str<'a>>,
    #[serde(borrow)]
    key: Option<Str<'a>>,
    #[serde(borrow)]
    key_b64: Option<Str<'a>>,
    #[serde(borrow, default)]
    value: Raw<'a>,
    #[serde(borrow)]
    value_b64: Option<Str<'a>>,
    ttl_ms: Option<i64>,
    #[serde(borrow)]
    expires_at: Option<Str<'a>>,
    #[serde(default)]
    keep_ttl: bool,
    #[serde(default)]
    never: bool,
    by: Option<i64>,
    #[serde(borrow)]
    glob: Option<Str<'a>>,
    #[serde(borrow)]
    after: Option<Str<'a>>,
    limit: Option<u32>,
    #[serde(default)]
    if_absent: bool,
    #[serde(default)]
    if_present: bool,
    if_version: Option<i64>,
    #[serde(borrow, default)]
    if_value: Raw<'a>,
    #[serde(borrow)]
    if_value_b64: Option<Str<'a>>,
    #[serde(default, rename = "version")]
    _version: IgnoredAny,
    #[serde(default, rename = "bytes")]
    _bytes: IgnoredAny,
    #[serde(default, rename = "updated_at")]
    _updated_at: IgnoredAny,
}

impl OperationLine<'_> {
    fn condition(&self) -> Result<Condition> {
        let given = [
            self.if_absent,
            self.if_present,
            self.if_version.is_some(),
            self.if_value.0.is_some(),
            self.if_value_b64.is_some(),
        ];
        if given.into_iter().filter(|given| *given).count() > 1 {
            return Err(bad("it has more than one condition"));
        }
        Ok(match (self.if_value.text()?, &self.if_value_b64, self.if_version) {
            (Some(value), ..) => Condition::Value(value.into_owned().into_bytes()),
            (_, Some(base64), _) => Condition::Value(decode(&base64.0)?),
            (.., Some(version)) => Condition::Version(version),
            _ if self.if_absent => Condition::Absent,
            _ if self.if_present => Condition::Present,
            _ => Condition::Any,
        })
    }
}

/// Reads a line of a batch.
pub fn line(object: &[u8]) -> Result<Line<'_>> {
    let line: OperationLine<'_> = parse_object(object)?;
    match line.op.0.as_ref() {
        "get" | "ttl" | "count" | "list" => query(line).map(Line::Read),
        _ => operation(line).map(Line::Write),
    }
}

fn query(line: OperationLine<'_>) -> Result<Query<'_>> {
    let op = line.op.0.as_ref();
    if line.condition()? != Condition::Any {
        return Err(bad(format!("{op} takes no condition")));
    }
    if line.keep_ttl || line.never || line.by.is_some() {
        return Err(bad(format!("{op} takes none of keep_ttl, never and by")));
    }
    let of_names = matches!(op, "count" | "list");
    if line.limit.is_some() || line.after.is_some() {
        refuse_unless(op == "list", "only list takes limit and after")?;
    }
    refuse_unless(of_names || line.glob.is_none(), "only count and list take glob")?;
    refuse_unless(
        !of_names || line.key.is_none() && line.key_b64.is_none(),
        "count and list take no key; use glob",
    )?;
    let glob = line.glob.as_ref().map(|glob| Glob::new(&glob.0).map_err(bad)).transpose()?;
    let group = group_of(line.group, line.group_b64.as_ref())?;
    refuse_unless(of_names || group.is_some(), "it has neither group nor group_b64")?;
    let asked = match op {
        "get" => Asked::Get(key_of(line.key, line.key_b64.as_ref())?),
        "ttl" => Asked::Ttl(key_of(line.key, line.key_b64.as_ref())?),
        "count" => Asked::Count(glob),
        _ => Asked::List {
            glob,
            after: line.after.map(|after| after.0),
            limit: line.limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX)),
        },
    };
    Ok(Query { namespace: line.namespace.map(|name| name.0), group, asked })
}

fn refuse_unless(holds: bool, why: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(bad(why)) }
}

fn operation(line: OperationLine<'_>) -> Result<Operation<'_>> {
    let condition = line.condition()?;
    refuse_unless(
        line.glob.is_none() && line.after.is_none() && line.limit.is_none(),
        "only reads take glob, after and limit",
    )?;
    let when = When::new(line.ttl_ms, line.expires_at.as_ref().map(|at| at.0.as_ref()))?;
    let timed = when != When::Never;
    let op = line.op.0;
    if line.keep_ttl && (timed || op != "set") {
        return Err(bad("only set takes keep_ttl, without ttl_ms and expires_at"));
    }
    if line.never && (timed || op != "expire") {
        return Err(bad("only expire takes never, without ttl_ms and expires_at"));
    }
    let value = value(line.value.text()?, line.value_b64.as_ref().map(|v| v.0.as_ref()))?;
    let action = match op.as_ref() {
        "set" => Action::Set {
            value: value.ok_or_else(|| bad("set has neither value nor value_b64"))?,
            when: (!line.keep_ttl).then_some(when),
        },
        "delete" => Action::Delete,
        "expire" if timed || line.never => Action::Expire(when),
        "expire" => return Err(bad("expire has neither ttl_ms nor expires_at nor never")),
        "incr" if condition != Condition::Any => return Err(bad("incr takes no condition")),
        "incr" => Action::Incr(line.by.unwrap_or(1)),
        other => {
            return Err(bad(format!(
                "{other:?} is not an operation: set, delete, expire, incr, get, list, count or ttl"
            )));
        }
    };
    Ok(Operation {
        namespace: line.namespace.map(|name| name.0),
        group: group_of(line.group, line.group_b64.as_ref())?
            .ok_or_else(|| bad("it has neither group nor group_b64"))?,
        key: key_of(line.key, line.key_b64.as_ref())?,
        condition,
        action,
    })
}

fn parse_object<'a, T: Deserialize<'a>>(object: &'a [u8]) -> Result<T> {
    // serde would also take an array, as a struct without its names.
    if !object.trim_ascii_start().starts_with(b"{") {
        return Err(bad("it is not a JSON object"));
    }
    parse(object.trim_ascii_end())
}

fn parse<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T> {
    serde_json::from_slice(json).map_err(|e| {
        let text = e.to_string();
        let what = text.rfind(" at line ").map_or(text.as_str(), |at| &text[..at]);
        let place = if e.line() > 1 { format!("line {} of it, ", e.line()) } else { String::new() };
        bad(format!("{what}, at {place}column {}", e.column()))
    })
}

/// An entry as `export` prints it: the contract's record without `ttl_ms`,
/// which would be wrong by the time it is read.
#[derive(Serialize)]
struct ExportLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_b64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_b64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_b64: Option<String>,
    version: i64,
    bytes: i64,
    updated_at: String,
    expires_at: Option<String>,
}

/// Writes an entry, without an end of line.
pub(super) fn write(out: &mut dyn Write, scope: &Scope, entry: &EntryRef<'_>) -> io::Result<()> {
    let group = scope.name_of(&entry.group);
    let base64 = |name: &Name<'_>| name.as_str().is_none().then(|| STANDARD.encode(name));
    let value = std::str::from_utf8(entry.value).ok();
    let line = ExportLine {
        namespace: scope.0.as_ref().map(|namespace| namespace.as_str()),
        group: group.as_str(),
        group_b64: base64(&group),
        key: entry.key.as_str(),
        key_b64: base64(&entry.key),
        value,
        value_b64: value.is_none().then(|| STANDARD.encode(entry.value)),
        version: entry.version,
        bytes: entry.bytes(),
        updated_at: entry.updated_at.to_string(),
        expires_at: entry.expires_at.map(|at| at.to_string()),
    };
    Ok(serde_json::to_writer(out, &line)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(text: &str) -> Vec<std::result::Result<(u64, String), String>> {
        let mut objects = Objects::new(Text::new(Box::new(text.as_bytes())));
        let mut found = Vec::new();
        loop {
            match objects.next().map(|object| object.map(|o| String::from_utf8_lossy(o).trim().to_owned())) {
                Ok(Some(object)) => found.push(Ok((objects.line(), object))),
                Ok(None) => return found,
                Err(error) => {
                    found.push(Err(error.to_string()));
                    return found;
                }
            }
        }
    }

    #[test]
    fn lines_and_arrays() {
        assert_eq!(objects("\n{1}\n \n{2}"), [Ok((2, "{1}".into())), Ok((4, "{2}".into()))]);
        let array = " [\n{\"a\": \"]},\\\"\"},\n\n {\"b\":[1,{}]\n} ]\n";
        assert_eq!(
            objects(array),
            [Ok((2, "{\"a\": \"]},\\\"\"}".into())), Ok((4, "{\"b\":[1,{}]\n}".into()))]
        );
        let pretty = "{ \n  \"a\": \"}\",\n  \"b\": {\"c\": [ ]}\n}\n{\n}{1}\n";
        assert_eq!(
            objects(pretty),
            [
                Ok((1, "{ \n  \"a\": \"}\",\n  \"b\": {\"c\": [ ]}\n}".into())),
                Ok((5, "{\n}".into())),
                Ok((6, "{1}".into()))
            ]
        );
        assert_eq!(objects("{1}\n{\n"), [Ok((1, "{1}".into())), Ok((2, "{".into()))]);
        for empty in ["", "\n\n", "[]", " [ ]\n"] {
            assert!(objects(empty).is_empty(), "{empty:?}");
        }
        for broken in ["[{}", "[{}] x", "[{}}", "[", "[{},", "[{\"a"] {
            assert!(objects(broken).last().is_some_and(|last| last.is_err()), "{broken:?}");
        }
    }

    #[test]
    fn fields_that_exclude_each_other() {
        for bad in [
            "[1]",
            "5",
            "{}",
            r#"{"key":"k"}"#,
            r#"{"key":"k","value":null}"#,
            r#"{"key":"k","value":[}"#,
            r#"{"key":"k","value":01}"#,
            r#"{"key":"k","value":"v","value_b64":"dg=="}"#,
            r#"{"key":"k","value_b64":"?"}"#,
            r#"{"key":"k","value":"\ud800"}"#,
            r#"{"key":"k","key":"k","value":"v"}"#,
            r#"{"key":"k","value":"v","ttl_ms":1.5}"#,
            r#"{"key":"k","value":"v"} x"#,
        ] {
            assert!(record(bad.as_bytes()).is_err(), "{bad}");
        }
        let good = r#"{"key":"k","value_b64":"/w==","ttl_ms":null,"other":[{}]}"#;
        let good = record(good.as_bytes()).unwrap();
        assert_eq!((good.value.as_ref(), good.when), (&b"\xff"[..], When::Never));
        for value in
            ["5", "-1.10e+400", "true", "{\"a\": [1,\n null]}", "[]", "123456789012345678901234567890"]
        {
            let line = format!("{{\"key\":\"k\",\"value\": {value} }}");
            assert_eq!(record(line.as_bytes()).unwrap().value.as_ref(), value.as_bytes());
        }
    }

    #[test]
    fn operations() {
        for bad in [
            r#"{"op":"getex","group":"g","key":"k"}"#,
            r#"{"op":"get","group":"g"}"#,
            r#"{"op":"get","key":"k"}"#,
            r#"{"op":"get","group":"g","key":"k","if_version":3}"#,
            r#"{"op":"get","group":"g","key":"k","glob":"*"}"#,
            r#"{"op":"ttl","group":"g","key":"k","limit":3}"#,
            r#"{"op":"list","group":"g","key":"k"}"#,
            r#"{"op":"list","group":"g","limit":-1}"#,
            r#"{"op":"list","group":"g","glob":"[a"}"#,
            r#"{"op":"count","group":"g","after":"k"}"#,
            r#"{"op":"set","group":"g","key":"k","value":"v","glob":"*"}"#,
            r#"{"op":"set","group":"g","key":"k"}"#,
            r#"{"op":"set","key":"k","value":"v"}"#,
            r#"{"op":"set","group":"g","key":"k","value":"v","if_absnet":true}"#,
            r#"{"op":"set","group":"g","key":"k","value":"v","if_absent":true,"if_version":3}"#,
            r#"{"op":"set","group":"g","key":"k","value":"v","ttl_ms":5,"keep_ttl":true}"#,
            r#"{"op":"expire","group":"g","key":"k"}"#,
            r#"{"op":"expire","group":"g","key":"k","never":true,"ttl_ms":5}"#,
            r#"{"op":"incr","group":"g","key":"k","if_absent":true}"#,
        ] {
            assert!(line(bad.as_bytes()).is_err(), "{bad}");
        }
        for good in [
            r#"{"op":"get","group":"g","key":"k","value":"v","version":3,"bytes":2}"#,
            r#"{"op":"ttl","group":"g","key_b64":"/w=="}"#,
            r#"{"op":"count"}"#,
            r#"{"op":"list","group":"g","glob":"a*","after":"b","limit":3}"#,
        ] {
            assert!(matches!(line(good.as_bytes()), Ok(Line::Read(_))), "{good}");
        }
        let set = line(br#"{"op":"set","group":"g","key":"k","value":"v","if_value":"o","version":3}"#);
        let Ok(Line::Write(set)) = set else { panic!("{set:?}") };
        assert_eq!(set.condition, Condition::Value(b"o".to_vec()));
        assert!(matches!(set.action, Action::Set { when: Some(When::Never), .. }));
    }
}
