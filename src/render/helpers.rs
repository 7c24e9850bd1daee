//! The helpers a template can call, and those that ask for names.
//!
//! Besides Handlebars' own (`if unless each with lookup gt gte lt lte and or not
//! len raw`) and [`eq` and `ne`](super::equality):
//!
//! | helper | gives |
//! |---|---|
//! | `(exists "name")` | whether the group has the key |
//! | `default name "x"` | the value, or `x` where there is none |
//! | `json x` | `x` as JSON: a text quoted, `this` as an object |
//! | `parse_json x` | what the JSON text `x` says, for `each`, `with` and `lookup` |
//! | `split x ","` | the parts of a text, for `each` |
//! | `shell x` | `x` as one word of a POSIX shell |
//! | `lower x`, `upper x`, `trim x` | the text so changed |

use handlebars::{
    Context, Handlebars, Helper, HelperDef, JsonRender, Path, PathAndJson, PathSeg, RenderContext,
    RenderError, RenderErrorReason, ScopedJson,
};
use serde_json::{Map, Value as Json};

use super::equality::Equality;
use super::syntax::{ENTER, LEAVE, NEED, NEED_LIST, TRY_LOOKUP, VALUE};
use super::{MAX_RECURSION, MAX_TIME, Shared, State};

/// The key of the object that replaces a value that is not UTF-8.
const BINARY: &str = "\0binary";

pub(super) fn binary_mark(key: &str) -> Json {
    Json::Object(Map::from_iter([(BINARY.to_owned(), Json::from(key))]))
}

type Body = for<'a> fn(&mut State, &'a Helper<'_>, &'a Context) -> Result<Json, RenderError>;

struct Native {
    state: Shared,
    body: Body,
}

impl HelperDef for Native {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        context: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let mut state = self.state.lock();
        if std::time::Instant::now() > state.deadline {
            return Err(fault(format!("rendering takes longer than {} s", MAX_TIME.as_secs())));
        }
        match (self.body)(&mut state, helper, context) {
            // What is missing is the error, all of it: this may only follow from
            // it, and the rest of the template may lack more. But a partial that
            // includes itself would never come to its end.
            Err(_) if state.is_lost() && state.depth <= MAX_RECURSION => Ok(ScopedJson::Derived(Json::Null)),
            result => result.map(ScopedJson::Derived),
        }
    }
}

/// The most elements a text is taken apart into: each takes some 65 times the
/// memory of the byte that it can be made of.
const MAX_ELEMENTS: usize = 1_000_000;

fn bound(helper: &str, elements: usize) -> Result<(), RenderError> {
    if elements <= MAX_ELEMENTS {
        return Ok(());
    }
    Err(fault(format!("{helper}: the text has more than {MAX_ELEMENTS} elements")))
}

/// Elements of lists and members of objects in a JSON text, about.
fn elements(json: &str) -> usize {
    let (mut count, mut in_string, mut escaped) = (0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b',' | b'[' | b'{' if !in_string => count += 1,
            _ => {}
        }
    }
    count
}

const OWN: &[(&str, Body)] = &[
    ("exists", exists),
    ("default", default),
    ("lookup", |state, helper, context| lookup(state, helper, context, true)),
    ("json", |state, helper, _| {
        let value = argument(helper, 0)?.value();
        needs_text(state, value);
        serde_json::to_string(value).map(Json::String).map_err(|e| fault(e.to_string()))
    }),
    ("parse_json", |state, helper, _| {
        let text = text(helper, 0)?;
        // What is missing is no JSON text, but is to be let pass.
        if state.lenient && text.is_empty() {
            return Ok(Json::Null);
        }
        bound("parse_json", elements(&text))?;
        serde_json::from_str(&text).map_err(|e| fault(format!("parse_json: {e}")))
    }),
    ("split", |_, helper, _| {
        let (text, separator) = (text(helper, 0)?, text(helper, 1)?);
        if separator.is_empty() {
            return Err(fault("split: the separator is empty"));
        }
        bound("split", text.matches(&*separator).count())?;
        Ok(if text.is_empty() { Json::Array(Vec::new()) } else { text.split(&separator).collect() })
    }),
    ("shell", |_, helper, _| Ok(format!("'{}'", text(helper, 0)?.replace('\'', "'\\''")).into())),
    ("lower", |_, helper, _| Ok(text(helper, 0)?.to_lowercase().into())),
    ("upper", |_, helper, _| Ok(text(helper, 0)?.to_uppercase().into())),
    ("trim", |_, helper, _| Ok(text(helper, 0)?.trim().into())),
];

const INTERNAL: &[(&str, Body)] = &[
    (VALUE, |state, helper, _| {
        let value = argument(helper, 0)?;
        need(state, value);
        if value.value().is_object() && binary_key(value.value()).is_none() {
            return Err(fault("this is an object, not a text; json shows it whole"));
        }
        Ok(value.value().clone())
    }),
    (NEED, |state, helper, _| {
        helper.params().iter().for_each(|value| need(state, value));
        Ok(Json::Null)
    }),
    (NEED_LIST, |state, helper, _| {
        helper.params().iter().for_each(|value| need(state, value));
        match helper.param(0) {
            Some(value)
                if !(value.is_value_missing() || value.value().is_object() || value.value().is_array()) =>
            {
                Err(fault("each: the value is a text, not a list; there are parse_json and split"))
            }
            _ => Ok(Json::Null),
        }
    }),
    (TRY_LOOKUP, |state, helper, context| lookup(state, helper, context, false)),
    (ENTER, |state, _, _| {
        state.depth += 1;
        if state.depth > MAX_RECURSION {
            return Err(fault(format!("partials include each other deeper than {MAX_RECURSION} levels")));
        }
        Ok(Json::Null)
    }),
    (LEAVE, |state, _, _| {
        state.depth = state.depth.saturating_sub(1);
        Ok(Json::Null)
    }),
];

/// Handlebars' own helpers that stay. `log` goes: there is no log to see.
const BUILT_IN: &[&str] =
    &["if", "unless", "each", "with", "raw", "eq", "ne", "gt", "gte", "lt", "lte", "and", "or", "not", "len"];

pub(super) fn is_known(name: &str) -> bool {
    BUILT_IN.contains(&name) || OWN.iter().any(|(own, _)| *own == name)
}

pub(super) fn register(registry: &mut Handlebars<'static>, state: &Shared) {
    registry.unregister_helper("log");
    for (name, body) in OWN.iter().chain(INTERNAL) {
        registry.register_helper(name, Box::new(Native { state: state.clone(), body: *body }));
    }
    registry.register_helper("eq", Box::new(Equality { equal: true }));
    registry.register_helper("ne", Box::new(Equality { equal: false }));
}

fn fault(why: impl Into<String>) -> RenderError {
    RenderErrorReason::Other(why.into()).into()
}

pub(super) fn argument<'a, 'rc>(
    helper: &'a Helper<'rc>,
    at: usize,
) -> Result<&'a PathAndJson<'rc>, RenderError> {
    helper.param(at).ok_or_else(|| fault(format!("{}: argument {} is missing", helper.name(), at + 1)))
}

/// An argument as text; what is missing is empty, and so is, until its error is
/// told, what is not UTF-8.
fn text(helper: &Helper<'_>, at: usize) -> Result<String, RenderError> {
    match argument(helper, at)?.value() {
        value if binary_key(value).is_some() => Ok(String::new()),
        Json::Object(_) | Json::Array(_) => {
            Err(fault(format!("{}: argument {} is not a text", helper.name(), at + 1)))
        }
        value => Ok(value.render()),
    }
}

/// Notes a value that is missing or not text.
fn need(state: &mut State, value: &PathAndJson<'_>) {
    if value.is_value_missing() {
        state.missing.insert(name(value));
    }
    if let Some(key) = binary_key(value.value()) {
        state.binary.insert(key.to_owned());
    }
}

fn binary_key(value: &Json) -> Option<&str> {
    value.get(BINARY)?.as_str()
}

/// Notes every value that is not text in what is about to be shown whole.
fn needs_text(state: &mut State, value: &Json) {
    match value {
        Json::Object(map) => match binary_key(value) {
            Some(key) => {
                state.binary.insert(key.to_owned());
            }
            None => map.values().for_each(|value| needs_text(state, value)),
        },
        Json::Array(values) => values.iter().for_each(|value| needs_text(state, value)),
        _ => {}
    }
}

/// The name an argument was written as: `[a-b]`, `this.a-b` and `@root.a-b` all
/// name `a-b`.
fn name(value: &PathAndJson<'_>) -> String {
    let raw = value.relative_path().map_or("", String::as_str);
    match Path::parse(raw) {
        Ok(Path::Local((_, name, _))) => format!("@{name}"),
        Ok(Path::Relative((segments, _))) => {
            let names = segments.iter().filter_map(|segment| match segment {
                PathSeg::Named(name) => Some(name.as_str()),
                _ => None,
            });
            names.collect::<Vec<_>>().join(".")
        }
        Err(_) => raw.to_owned(),
    }
}

fn exists<'a>(_: &mut State, helper: &'a Helper<'_>, context: &'a Context) -> Result<Json, RenderError> {
    let name = text(helper, 0)?;
    Ok(context.data().get(&name).is_some().into())
}

fn default<'a>(state: &mut State, helper: &'a Helper<'_>, _: &'a Context) -> Result<Json, RenderError> {
    let (value, other) = (argument(helper, 0)?, argument(helper, 1)?);
    if value.is_value_missing() || value.value().is_null() {
        return Ok(other.value().clone());
    }
    need(state, value);
    Ok(value.value().clone())
}

fn lookup(state: &mut State, helper: &Helper<'_>, _: &Context, must: bool) -> Result<Json, RenderError> {
    let (collection, index) = (argument(helper, 0)?, argument(helper, 1)?);
    let key = index.value().render();
    let found = match collection.value() {
        Json::Object(map) => map.get(&key),
        Json::Array(values) => key.parse().ok().and_then(|at: usize| values.get(at)),
        _ => None,
    };
    if let Some(value) = found {
        if let Some(key) = binary_key(value) {
            state.binary.insert(key.to_owned());
        }
        return Ok(value.clone());
    }
    // What is missing because something else is has been noted already.
    let follows = collection.is_value_missing()
        || index.is_value_missing()
        || (key.is_empty() && index.try_get_constant_value().is_none() && !state.missing.is_empty());
    if must && !follows {
        let holder = name(collection);
        state.missing.insert(if holder.is_empty() { key } else { format!("{holder}.{key}") });
    }
    Ok(Json::Null)
}
