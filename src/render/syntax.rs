//! Prepares a parsed template: every name it is about to use is asked for
//! first.
//!
//! Handlebars' own strict mode stops at the first missing name and lets
//! `{{#if name}}` and arguments of helpers pass. So the tree is rewritten:
//!
//! * `{{name}}` becomes a call of [`VALUE`] with the name as its argument, which
//!   also makes it a name where there is a helper of that name;
//! * before every helper, block and partial stands a call of [`NEED`] with all
//!   names among the arguments;
//! * the body of an inline partial stands between [`ENTER`] and [`LEAVE`],
//!   which count how deep inclusions go.
//!
//! The names of these helpers cannot be written in a template.

use std::collections::HashMap;

use handlebars::template::{DecoratorTemplate, HelperTemplate, Parameter, Subexpression, TemplateElement};
use handlebars::{Path, Template, TemplateError};

use super::{Error, MAX_BYTES_TIMES_TAGS, MAX_NESTING, MAX_TEMPLATE_BYTES, helpers};

/// Gives its argument, which must be there.
pub(super) const VALUE: &str = "\0value";
/// Gives nothing; its arguments must be there.
pub(super) const NEED: &str = "\0need";
/// Gives nothing; its arguments must be there, and the first be a collection.
pub(super) const NEED_LIST: &str = "\0list";
/// `lookup` of something that may be missing.
pub(super) const TRY_LOOKUP: &str = "\0lookup";
/// Gives nothing; one inclusion deeper.
pub(super) const ENTER: &str = "\0enter";
/// Gives nothing; one inclusion less deep.
pub(super) const LEAVE: &str = "\0leave";

/// Refuses templates that would take too long to parse.
pub(super) fn check_size(text: &str) -> Result<(), Error> {
    let bytes = text.len();
    if bytes > MAX_TEMPLATE_BYTES {
        let why = format!("it has {bytes} bytes; the maximum for a template is {MAX_TEMPLATE_BYTES}");
        return Err(Error::Failed(why));
    }
    let tags = text.matches("{{").count();
    let most = MAX_BYTES_TIMES_TAGS / (bytes as u64).max(1);
    if tags as u64 > most {
        let why = format!("it has {tags} tags; the most a template of its size can have is {most}");
        return Err(Error::Failed(why));
    }
    Ok(())
}

/// Refuses templates that nest deeper than the parser's recursion should go.
/// Counts blocks, and brackets within a tag; text that only looks like tags
/// may be counted too.
pub(super) fn check_nesting(text: &str) -> Result<(), Error> {
    let mut blocks = 0_usize;
    let mut tags = text.split("{{");
    let mut line = 1 + tags.next().unwrap_or_default().matches('\n').count();
    for tag in tags {
        let (inside, _) = tag.split_once("}}").unwrap_or((tag, ""));
        match inside.trim_start_matches(['{', '~']).as_bytes().first() {
            Some(b'#') => blocks += 1,
            Some(b'/') => blocks = blocks.saturating_sub(1),
            _ => {}
        }
        let (mut brackets, mut deepest) = (0_usize, 0);
        for byte in inside.bytes() {
            match byte {
                b'(' | b'[' | b'{' => brackets += 1,
                b')' | b']' | b'}' => brackets = brackets.saturating_sub(1),
                _ => {}
            }
            deepest = deepest.max(brackets);
        }
        if blocks.max(deepest) > MAX_NESTING {
            let why = format!("nests deeper than {MAX_NESTING} levels");
            return Err(Error::Syntax { line, column: 1, why, hint: None });
        }
        line += tag.matches('\n').count();
    }
    Ok(())
}

/// What the parser said, in one line.
pub(super) fn explain(error: &TemplateError) -> Error {
    let (line, column) = error.pos().unwrap_or((1, 1));
    let why = error.reason().to_string();
    Error::Syntax { line, column, why, hint: None }
}

/// Rewrites the template as described above.
pub(super) fn prepare(template: &mut Template) -> Result<(), Error> {
    let elements = std::mem::take(&mut template.elements);
    let mapping = std::mem::take(&mut template.mapping);
    let mut places = mapping.into_iter();
    for mut element in elements {
        let place = places.next();
        let first = place.as_ref().map_or((1, 1), |place| (place.0, place.1));
        let ask = element_names(&mut element, first)?;
        for element in ask.into_iter().chain([element]) {
            template.elements.push(element);
            template.mapping.extend(place.clone());
        }
    }
    Ok(())
}

/// Prepares an element; gives the call that must stand before it.
fn element_names(
    element: &mut TemplateElement,
    place: (usize, usize),
) -> Result<Option<TemplateElement>, Error> {
    match element {
        TemplateElement::Expression(helper) | TemplateElement::HtmlExpression(helper) => {
            if helper.params.is_empty() && helper.hash.is_empty() {
                let name = std::mem::replace(&mut helper.name, Parameter::Name(VALUE.into()));
                helper.params.push(name);
                let mut names = Vec::new();
                parameter(&mut helper.params[0], false, &mut names, place)?;
                if let Parameter::Path(_) = helper.params[0] {
                    // The name itself is VALUE's business.
                    names.clear();
                }
                return Ok((!names.is_empty()).then(|| call(NEED, names)));
            }
            let names = helper_names(helper, false, place)?;
            Ok((!names.is_empty()).then(|| call(NEED, names)))
        }
        TemplateElement::HelperBlock(helper) => {
            let names = helper_names(helper, false, place)?;
            for body in [&mut helper.template, &mut helper.inverse].into_iter().flatten() {
                prepare(body)?;
            }
            // Also without names: the call looks at the clock.
            let over_name = helper.name.as_name() == Some("each")
                && matches!(helper.params.first(), Some(Parameter::Path(_)));
            Ok(Some(call(if over_name { NEED_LIST } else { NEED }, names)))
        }
        TemplateElement::DecoratorExpression(partial)
        | TemplateElement::DecoratorBlock(partial)
        | TemplateElement::PartialExpression(partial) => {
            let names = partial_names(partial, place)?;
            Ok((!names.is_empty()).then(|| call(NEED, names)))
        }
        // Its text is kept in memory, and can double with each level.
        TemplateElement::PartialBlock(_) => {
            Err(error(place, "{{#> …}} blocks are not supported; use {{#*inline}} and {{> …}}".into()))
        }
        _ => Ok(None),
    }
}

fn partial_names(partial: &mut DecoratorTemplate, place: (usize, usize)) -> Result<Vec<Parameter>, Error> {
    let mut names = Vec::new();
    for value in partial.params.iter_mut().chain(partial.hash.values_mut()) {
        parameter(value, false, &mut names, place)?;
    }
    if let Some(body) = &mut partial.template {
        prepare(body)?;
        body.elements.insert(0, call(ENTER, Vec::new()));
        if let Some(first) = body.mapping.first().cloned() {
            body.mapping.insert(0, first);
        }
        body.elements.push(call(LEAVE, Vec::new()));
    }
    Ok(names)
}

/// Checks that the helper exists and gives the names among its arguments.
fn helper_names(
    helper: &mut HelperTemplate,
    spared: bool,
    place: (usize, usize),
) -> Result<Vec<Parameter>, Error> {
    let mut names = Vec::new();
    let word = helper.name.as_name().unwrap_or_default().to_owned();
    if !helpers::is_known(&word) {
        let hint = match (&helper.params.first(), helper.block) {
            (Some(Parameter::Path(_) | Parameter::Literal(_)), false) => {
                Some("a key with a space in it is written {{[the key]}}".to_owned())
            }
            (None, true) => Some(format!("a block over a key is {{{{#each {word}}}}} or {{{{#if {word}}}}}")),
            _ => None,
        };
        let why = format!("there is no helper {word:?}");
        return Err(Error::Syntax { line: place.0, column: place.1, why, hint });
    }
    if word == "lookup" && spared {
        helper.name = Parameter::Name(TRY_LOOKUP.into());
    }
    for (at, value) in helper.params.iter_mut().enumerate() {
        let spared = word == "default" && at == 0;
        parameter(value, spared, &mut names, place)?;
    }
    for value in helper.hash.values_mut() {
        parameter(value, false, &mut names, place)?;
    }
    Ok(names)
}

/// Collects names; a spared argument may be missing.
fn parameter(
    value: &mut Parameter,
    spared: bool,
    names: &mut Vec<Parameter>,
    place: (usize, usize),
) -> Result<(), Error> {
    match value {
        Parameter::Path(path) => {
            // The library knows `@root` only with something after it.
            if matches!(path, Path::Local((0, name, _)) if name == "root") {
                *path = Path::parse("@root.this").map_err(|e| error(place, e.to_string()))?;
            }
            if !spared {
                names.push(value.clone());
            }
        }
        Parameter::Subexpression(inner) => {
            if let TemplateElement::Expression(helper) = inner.element.as_mut() {
                names.extend(helper_names(helper, spared, place)?);
            }
        }
        _ => {}
    }
    Ok(())
}

fn call(name: &str, arguments: Vec<Parameter>) -> TemplateElement {
    *Subexpression::new(Parameter::Name(name.into()), arguments, HashMap::new()).element
}

fn error(place: (usize, usize), why: String) -> Error {
    Error::Syntax { line: place.0, column: place.1, why, hint: None }
}
