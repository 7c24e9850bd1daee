//! Templates: Handlebars over a set of named values. Knows no store.
//!
//! The values are the root object, each a text; nothing is escaped for HTML. A
//! name that is missing does not end the rendering, so that one error can list
//! all of them; [`syntax`] prepares a parsed template for that. Branches that
//! are not taken ask for nothing.

mod equality;
mod helpers;
mod syntax;
mod target;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use handlebars::{Context, Handlebars, RenderError};
use serde_json::{Map, Value as Json};

pub use target::{Candidate, Target, TargetOptions, unified_diff};

/// The most bytes a template can have.
pub const MAX_TEMPLATE_BYTES: usize = 1 << 20;
/// The most a template's bytes times its tags can be: the parser counts lines
/// from the start for each tag, which takes seconds at this size.
pub const MAX_BYTES_TIMES_TAGS: u64 = 1 << 32;
/// The most bytes the values of a group can have together.
pub const MAX_VALUES_BYTES: usize = 256 << 20;
/// The most bytes a rendered text can have.
pub const MAX_OUTPUT_BYTES: usize = 64 << 20;
/// How deep blocks and subexpressions can nest.
pub const MAX_NESTING: usize = 64;
/// How deep inline partials can include each other, or themselves.
pub const MAX_RECURSION: usize = 32;
/// The longest a rendering can take.
pub const MAX_TIME: Duration = Duration::from_secs(30);

/// Room for the recursion that the limits above allow; only what is used is
/// ever backed by memory.
const STACK_BYTES: usize = 128 << 20;

/// The name of the one template in its registry.
const NAME: &str = "template";

/// Why a template gives no text.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The template itself is wrong.
    #[error("line {line}, column {column}: {why}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong there.
        why: String,
        /// What to write instead.
        hint: Option<String>,
    },
    /// Names without a value, sorted.
    #[error("no value for {}", list(names))]
    Missing {
        /// The names.
        names: BTreeSet<String>,
        /// Where the value may have been meant to come from.
        hint: Option<String>,
    },
    /// The template uses values that are not UTF-8, of these keys.
    #[error("not UTF-8 text, so it cannot be rendered: the value of {}", list(.0))]
    Binary(BTreeSet<String>),
    /// A helper or a limit said no.
    #[error("{0}")]
    Failed(String),
    /// The operating system has no thread to render in.
    #[error("no thread to render in")]
    NoThread(#[source] std::io::Error),
}

fn list(names: &BTreeSet<String>) -> String {
    names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}

/// What a template is filled from.
#[derive(Debug, Default)]
pub struct Values {
    map: Map<String, Json>,
    bytes: usize,
}

impl Values {
    /// Adds a value. One that is not UTF-8 is kept as a mark: it is an error
    /// only if the template uses it.
    pub fn insert(&mut self, key: String, value: Vec<u8>) -> Result<(), Error> {
        self.bytes = self.bytes.saturating_add(key.len() + value.len());
        if self.bytes > MAX_VALUES_BYTES {
            return Err(Error::Failed(format!(
                "the group has more than {} MiB, the maximum for a template",
                MAX_VALUES_BYTES >> 20
            )));
        }
        let value = match String::from_utf8(value) {
            Ok(text) => Json::String(text),
            Err(_) => helpers::binary_mark(&key),
        };
        self.map.insert(key, value);
        Ok(())
    }

    /// Adds a value whose key is not UTF-8, under what the key is shown as. No
    /// template can name it, but one may go through all there are: it is kept
    /// as a mark too.
    pub fn insert_unnamed(&mut self, shown: String) {
        let mark = helpers::binary_mark(&shown);
        self.map.entry(shown).or_insert(mark);
    }
}

/// What a rendering finds out on its way.
#[derive(Debug)]
struct State {
    missing: BTreeSet<String>,
    binary: BTreeSet<String>,
    lenient: bool,
    depth: usize,
    deadline: Instant,
}

impl State {
    fn new(lenient: bool, deadline: Instant) -> Self {
        Self { missing: BTreeSet::new(), binary: BTreeSet::new(), lenient, depth: 0, deadline }
    }

    /// Whether there will be no text, whatever comes.
    fn is_lost(&self) -> bool {
        !(self.binary.is_empty() && (self.lenient || self.missing.is_empty()))
    }
}

/// The state, shared with the helpers, which the registry owns.
#[derive(Clone, Debug)]
struct Shared(Arc<Mutex<State>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A template, parsed and ready to be filled any number of times.
#[derive(Debug)]
pub struct Template {
    registry: Handlebars<'static>,
    state: Shared,
}

impl Template {
    /// Parses a template.
    pub fn parse(text: &str) -> Result<Self, Error> {
        syntax::check_nesting(text)?;
        syntax::check_size(text)?;
        let template = with_stack(|| {
            let mut template = handlebars::Template::compile(text).map_err(|e| syntax::explain(&e))?;
            syntax::prepare(&mut template)?;
            Ok(template)
        })?;
        let state = Shared(Arc::new(Mutex::new(State::new(false, Instant::now()))));
        let mut registry = Handlebars::new();
        registry.register_escape_fn(handlebars::no_escape);
        helpers::register(&mut registry, &state);
        registry.register_template(NAME, template);
        Ok(Self { registry, state })
    }

    /// Fills the template. With `lenient`, missing names are empty.
    pub fn render(&self, values: Values, lenient: bool) -> Result<String, Error> {
        *self.state.lock() = State::new(lenient, Instant::now() + MAX_TIME);
        let context = Context::from(Json::Object(values.map));
        let mut text = Bounded(Vec::new());
        let result = with_stack(|| {
            self.registry.render_with_context_to_write(NAME, &context, &mut text).map_err(|e| failed(&e))
        });
        let mut state = self.state.lock();
        if !state.missing.is_empty() && !lenient {
            let names = std::mem::take(&mut state.missing);
            let hint = hint(&names, &context);
            return Err(Error::Missing { names, hint });
        }
        if !state.binary.is_empty() {
            return Err(Error::Binary(std::mem::take(&mut state.binary)));
        }
        result?;
        String::from_utf8(text.0).map_err(|e| Error::Failed(e.to_string()))
    }
}

/// Names that the group has, but not where the template looked for them.
fn hint(names: &BTreeSet<String>, context: &Context) -> Option<String> {
    let name = names.iter().find(|name| context.data().get(name.as_str()).is_some())?;
    Some(if name.contains(['.', '/']) {
        format!("a key with a dot or slash is written {{{{[{name}]}}}}")
    } else {
        format!("inside a block a name refers to the block's value; {{{{@root.{name}}}}} is the group's")
    })
}

fn failed(error: &RenderError) -> Error {
    let why = error.reason().to_string();
    match (error.line_no, error.column_no) {
        (Some(line), Some(column)) => Error::Syntax { line, column, why, hint: None },
        _ => Error::Failed(why),
    }
}

/// Text up to the limit.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_OUTPUT_BYTES {
            return Err(io::Error::other(format!(
                "the text grows beyond {} MiB, the maximum for a rendering",
                MAX_OUTPUT_BYTES >> 20
            )));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs `f` where deep templates have room to recurse.
fn with_stack<T: Send>(f: impl FnOnce() -> Result<T, Error> + Send) -> Result<T, Error> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, f)
            .map_err(Error::NoThread)?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[cfg(test)]
mod tests;
