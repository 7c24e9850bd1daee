//! What templates say, as `render` prints it.

use crate::cli::render::{LENIENT, filled};

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

#[test]
fn a_text_beside_a_number_is_compared_as_a_number() {
    let t = filled();
    for (template, text) in [
        ("{{eq port 80}} {{ne port 80}} {{eq port 81}} {{ne port 81}}", "true false false true"),
        ("{{eq port \"80\"}} {{eq port \"80.0\"}} {{eq port 80.0}} {{eq host 80}}", "true false true false"),
        ("{{#if (eq port 80)}}http{{else}}other{{/if}}{{#if (ne port 80)}} not{{/if}}", "http"),
        ("{{#eq port 80}}http{{else}}other{{/eq}} {{#ne port 80}}x{{else}}{{port}}{{/ne}}", "http 80"),
    ] {
        t.run(["render", "app", "-"]).stdin(template).ok(text);
    }
    t.run(["render", "app", "-"])
        .stdin("{{eq port}}")
        .fails(8, "larder: render: the template: line 1, column 1: eq: argument 2 is missing\n");
}

#[test]
fn a_dash_is_standard_output() {
    let t = filled();
    t.run(["render", "app", "-", "-o", "-"]).stdin("{{port}}").ok("80");
    t.run(["--json", "render", "app", "-", "-o", "-"]).stdin("{{port}}").ok("{\"text\":\"80\"}\n");
    for flag in ["--check=true", "--exec=true", "--mode=600", "--in-place", "--diff", "--watch"] {
        let name = flag.split('=').next().unwrap();
        t.run(["render", "app", "conf.hbs", "-o", "-", flag]).fails(
            2,
            format!(
                "larder: render: {name} needs a file, but the text goes to standard output\n\
                 hint: a file of that name is ./-\n"
            ),
        );
    }
    assert!(!t.path("-").exists());
    t.run(["render", "app", "-", "-o", "./-"]).stdin("{{port}}").ok("");
    assert_eq!(t.read("-"), b"80");
}
