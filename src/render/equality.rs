//! The helpers `eq` and `ne`.
//!
//! Handlebars' own hold a text and a number to be different, always. Every
//! value of a group is a text, and `gt` and its kin take a text beside a number
//! for a number: so do these, and `eq` is what is neither `gt` nor `lt`.

use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderError, Renderable,
    ScopedJson,
};
use serde_json::{Number, Value as Json};

use super::helpers::argument;

/// Whether two values are equal, or are not.
pub(super) struct Equality {
    /// What the values must be for the helper to hold.
    pub(super) equal: bool,
}

impl Equality {
    fn holds(&self, helper: &Helper<'_>) -> Result<bool, RenderError> {
        Ok(are_equal(argument(helper, 0)?.value(), argument(helper, 1)?.value()) == self.equal)
    }
}

impl HelperDef for Equality {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        self.holds(helper).map(|holds| ScopedJson::Derived(holds.into()))
    }

    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        context: &'rc Context,
        render: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let holds = self.holds(helper)?;
        if !helper.is_block() {
            return Ok(out.write(if holds { "true" } else { "false" })?);
        }
        match if holds { helper.template() } else { helper.inverse() } {
            Some(body) => body.render(registry, context, render, out),
            None => Ok(()),
        }
    }
}

fn are_equal(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => are_equal_numbers(a, b),
        (Json::Number(number), Json::String(text)) | (Json::String(text), Json::Number(number)) => {
            text.parse().is_ok_and(|other| are_equal_numbers(number, &other))
        }
        _ => a == b,
    }
}

fn are_equal_numbers(a: &Number, b: &Number) -> bool {
    match (a.as_i128(), b.as_i128()) {
        (Some(a), Some(b)) => a == b,
        _ => a.as_f64() == b.as_f64(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_beside_a_number_is_a_number() {
        for (a, b, equal) in [
            (json!("5"), json!(5), true),
            (json!("5.0"), json!(5), true),
            (json!(5.0), json!(5), true),
            (json!("-5e0"), json!(-5), true),
            (json!("18446744073709551615"), json!(u64::MAX), true),
            (json!("9007199254740993"), json!(9_007_199_254_740_992_i64), false),
            (json!("6"), json!(5), false),
            (json!("five"), json!(5), false),
            (json!(""), json!(0), false),
            (json!(" 5"), json!(5), false),
            (json!("5.0"), json!("5"), false),
            (json!("true"), json!(true), false),
            (json!(null), json!(0), false),
            (json!([5]), json!([5]), true),
        ] {
            assert_eq!(are_equal(&a, &b), equal, "{a} {b}");
            assert_eq!(are_equal(&b, &a), equal, "{b} {a}");
        }
    }
}
