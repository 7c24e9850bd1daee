//! What templates say, as `render` prints it.

use crate::render::{LENIENT, filled};

#[test]
fn a_failing_helper_hides_no_missing_name() {
    let t = filled();
    for template in ["{{#each (parse_json nope)}}{{/each}}{{other}}", "{{parse_json nope}}{{other}}"] {
        t.run(["render", "app", "-"]).stdin(template).fails(
            8,
            format!(
                "larder: render: the template: no value for \"nope\", \"other\" in group \"app\"\n{LENIENT}"
            ),
        );
        t.run(["render", "app", "-", "--lenient"]).stdin(template).ok("");
    }
}
