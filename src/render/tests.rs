use super::*;

fn values(pairs: &[(&str, &str)]) -> Values {
    let mut values = Values::default();
    for (key, value) in pairs {
        values.insert((*key).to_owned(), value.as_bytes().to_vec()).unwrap();
    }
    values
}

fn fill(template: &str, pairs: &[(&str, &str)]) -> Result<String, Error> {
    Template::parse(template)?.render(values(pairs), false)
}

#[track_caller]
fn gives(template: &str, pairs: &[(&str, &str)], text: &str) {
    match fill(template, pairs) {
        Ok(got) => assert_eq!(got, text, "{template}"),
        Err(e) => panic!("{template}: {e}"),
    }
}

#[track_caller]
fn lacks(template: &str, pairs: &[(&str, &str)], missing: &[&str]) {
    match fill(template, pairs) {
        Err(Error::Missing { names, .. }) => {
            assert_eq!(names.iter().map(String::as_str).collect::<Vec<_>>(), missing, "{template}");
        }
        other => panic!("{template}: {other:?}"),
    }
}

#[track_caller]
fn fails(template: &str, pairs: &[(&str, &str)], words: &str) {
    let error = fill(template, pairs).expect_err(template).to_string();
    assert!(error.contains(words), "{template}: {error}");
}

#[test]
fn names_of_every_kind() {
    let odd = [
        ("a-b", "1"),
        ("a.b", "2"),
        ("a b", "3"),
        ("größe", "4"),
        ("", "5"),
        ("]", "6"),
        ("a/b", "7"),
        ("\n", "8"),
    ];
    gives(
        "{{a-b}}{{[a-b]}}{{lookup this \"a-b\"}}{{this.a-b}}{{@root.a-b}}{{{a-b}}}{{&a-b}}",
        &odd,
        "1111111",
    );
    gives("{{[a.b]}}{{lookup this \"a.b\"}}{{lookup this 'a.b'}}", &odd, "222");
    gives("{{[a b]}}{{größe}}{{[größe]}}", &odd, "344");
    gives("{{lookup this \"\"}}{{lookup this \"]\"}}{{[a/b]}}{{lookup this \"\\n\"}}", &odd, "5678");
    gives("{{(lookup this \"a.b\")}}{{lookup @root \"a.b\"}}{{#with @root}}{{[a.b]}}{{/with}}", &odd, "222");
}

#[test]
fn a_name_beats_a_helper_of_that_name() {
    let pairs = [("len", "1"), ("log", "2"), ("if", "3"), ("lower", "4"), ("exists", "5")];
    gives("{{len}}{{log}}{{if}}{{lower}}{{exists}}{{upper lower}}", &pairs, "123454");
    lacks("{{upper}}{{each}}", &pairs, &["each", "upper"]);
}

#[test]
fn nothing_is_escaped() {
    gives(
        "{{v}} {{{v}}} {{upper v}}",
        &[("v", "<a href=\"x\">&'`=")],
        "<a href=\"x\">&'`= <a href=\"x\">&'`= <A HREF=\"X\">&'`=",
    );
    gives("\\{{v}} {{{{raw}}}}{{v}}{{{{/raw}}}}{{! {{v }}{{!-- {{v}} --}}", &[], "{{v}} {{v}}");
}

#[test]
fn all_missing_names_in_one_error() {
    lacks(
        "{{b}}{{a}}{{b}}{{have}}{{[c d]}}{{lookup this \"e.f\"}}",
        &[("have", "")],
        &["a", "b", "c d", "e.f"],
    );
    lacks(
        "{{#if a}}{{/if}}{{#unless b}}{{/unless}}{{#each c}}{{/each}}{{#with d}}{{/with}}",
        &[],
        &["a", "b", "c", "d"],
    );
    lacks(
        "{{upper a}}{{#if (eq b \"x\")}}{{/if}}{{#if (and c (or d e))}}{{/if}}",
        &[],
        &["a", "b", "c", "d", "e"],
    );
    lacks("{{lookup this key}}{{lookup this (lower key)}}", &[], &["key"]);
    lacks("{{#if have}}{{else if a}}{{else}}{{/if}}", &[("have", "")], &["a"]);
    lacks("{{@key}}{{a.b}}", &[("a", "text")], &["@key", "a.b"]);
    lacks("{{#*inline \"p\"}}{{a}}{{/inline}}{{> p}}{{> p x=b}}", &[], &["a", "b"]);
    lacks("{{#each (parse_json a)}}{{/each}}{{b}}", &[], &["a", "b"]);
    lacks("{{parse_json a}}{{parse_json (trim b)}}{{split \"x\" c}}{{d}}", &[], &["a", "b", "c", "d"]);
    lacks("{{a}}{{this}}{{upper this}}{{#each text}}{{/each}}{{b}}", &[("text", "x")], &["a", "b"]);
    lacks("{{#*inline \"p\"}}{{a}}{{> p}}{{/inline}}{{> p}}{{b}}", &[], &["a"]);
}

#[test]
fn branches_not_taken_ask_for_nothing() {
    gives("{{#if (exists \"a\")}}{{a}}{{else}}none{{/if}}", &[], "none");
    gives("{{#if have}}yes{{else if a}}{{/if}}", &[("have", "x")], "yes");
    gives("{{#each this}}{{@key}}={{this}};{{else}}empty{{/each}}", &[], "empty");
    gives("plain\n", &[], "plain\n");
}

#[test]
fn missing_names_where_they_were_meant() {
    let hint = |template, pairs: &[_]| match fill(template, pairs) {
        Err(Error::Missing { hint, .. }) => hint.unwrap_or_default(),
        other => panic!("{other:?}"),
    };
    assert_eq!(hint("{{a.b}}", &[("a.b", "")]), "a key with a dot or slash is written {{[a.b]}}");
    assert!(hint("{{#each this}}{{a}}{{/each}}", &[("a", "")]).contains("{{@root.a}}"));
    assert_eq!(hint("{{x}}", &[("a", "")]), "");
}

#[test]
fn lenient_is_empty() {
    let template = "<{{a}}{{upper b}}{{lookup this \"c\"}}{{#if d}}x{{else}}y{{/if}}{{#each e}}x{{/each}}>";
    let lenient = |template| Template::parse(template).unwrap().render(values(&[("bad", "{")]), true);
    assert_eq!(lenient(template).unwrap(), "<y>");
    let template =
        "<{{parse_json a}}{{#each (parse_json (trim b))}}x{{/each}}{{#with (parse_json c)}}x{{/with}}>";
    assert_eq!(lenient(template).unwrap(), "<>");
    assert!(lenient("{{a}}{{parse_json bad}}").unwrap_err().to_string().contains("parse_json: "));
}

#[test]
fn keys_come_in_byte_order() {
    let pairs = [("é", "4"), ("b", "3"), ("B", "2"), ("-", "1")];
    gives("{{#each this}}{{@key}}={{this}}{{#unless @last}},{{/unless}}{{/each}}", &pairs, "-=1,B=2,b=3,é=4");
    gives("{{#each this as |value key|}}{{key}}{{value}}{{/each}}", &pairs, "-1B2b3é4");
    gives("{{#each this}}{{@root.b}}{{/each}}{{len this}}", &pairs, "33334");
}

#[test]
fn values_that_are_not_text() {
    let fill = |template: &str| {
        let mut values = values(&[("ok", "1")]);
        values.insert("bin".into(), vec![0xff]).unwrap();
        Template::parse(template).unwrap().render(values, false)
    };
    assert_eq!(
        fill("{{ok}}{{#each this}}{{@key}};{{/each}}{{len this}}{{exists \"bin\"}}").unwrap(),
        "1bin;ok;2true"
    );
    for template in [
        "{{bin}}",
        "{{#each this}}{{this}}{{/each}}",
        "{{lookup this \"bin\"}}",
        "{{upper bin}}",
        "{{exists bin}}",
        "{{parse_json (default bin \"\")}}",
        "{{json this}}",
        "{{default bin \"x\"}}",
        "{{#if bin}}{{/if}}",
        "{{#with bin}}{{/with}}",
    ] {
        match fill(template) {
            Err(Error::Binary(names)) => assert_eq!(names, ["bin".to_owned()].into()),
            other => panic!("{template}: {other:?}"),
        }
    }
}

#[test]
fn helpers() {
    let pairs = [
        ("n", "5"),
        ("s", " It's "),
        ("csv", "a,b,,c"),
        ("j", r#"{"port":80,"tags":["x","y"],"none":null}"#),
    ];
    gives(
        "{{exists \"n\"}} {{exists \"m\"}} {{#if (not (exists \"m\"))}}none{{/if}}",
        &pairs,
        "true false none",
    );
    gives(
        "{{#each (split csv \",\")}}{{#if (exists @root.n)}}{{/if}}[{{this}}]{{/each}}",
        &pairs,
        "[a][b][][c]",
    );
    gives(
        "{{default n \"1\"}}{{default m \"2\"}}{{default (lookup this \"a.b\") \"3\"}}{{default m n}}",
        &pairs,
        "5235",
    );
    lacks("{{default m k}}", &pairs, &["k"]);
    gives("{{json s}} {{json n}}", &pairs, "\" It's \" \"5\"");
    gives("{{json this}}", &[("b", "\""), ("a", "1")], r#"{"a":"1","b":"\""}"#);
    gives(
        "{{#with (parse_json j)}}{{port}} {{#each tags}}{{@index}}{{this}}{{/each}}{{none}}{{/with}}{{lookup (parse_json j) \"port\"}}",
        &pairs,
        "80 0x1y80",
    );
    lacks("{{#with (parse_json j)}}{{host}}{{/with}}{{lookup (parse_json j) \"a\"}}", &pairs, &["a", "host"]);
    fails("{{parse_json s}}", &pairs, "line 1, column 1: parse_json: ");
    gives("{{shell s}} {{shell (trim s)}}", &pairs, r"' It'\''s ' 'It'\''s'");
    gives("{{lower s}}{{upper s}}{{trim s}}", &pairs, " it's  IT'S It's");
    gives(
        "{{#if (gt n 4)}}more{{/if}} {{#if (eq n \"5\")}}five{{/if}} {{#if (lt 10 n)}}x{{/if}}",
        &pairs,
        "more five ",
    );
}

#[test]
fn wrong_templates() {
    fails("a\n{{nope x}}", &[], "line 2, column 1: there is no helper \"nope\"");
    fails("{{#nope}}{{/nope}}", &[("nope", "x")], "there is no helper \"nope\"");
    fails("{{#if a}}", &[], "line 1");
    fails("{{", &[], "line 1");
    fails("{{> other}}", &[], "other");
    fails("{{#> other}}x{{/other}}", &[], "not supported");
    fails("{{#each a}}{{/each}}", &[("a", "text")], "a text, not a list");
    fails("{{exists}}{{lower \"a\"}}{{(lower)}}", &[("exists", "")], "");
    fails("{{split \"a\" \"\"}}", &[], "the separator is empty");
    fails("{{this}}", &[("this", "")], "an object, not a text");
    fails("{{upper this}}", &[], "upper: argument 1 is not a text");
    fails("{{default \"a\"}}", &[], "default: argument 2 is missing");
}

#[test]
fn partials_of_its_own() {
    let tree = r#"{"v":1,"below":[{"v":2,"below":[]},{"v":3,"below":[{"v":4,"below":[]}]}]}"#;
    gives(
        "{{#*inline \"node\"}}({{v}}{{#each below}}{{> node}}{{/each}}){{/inline}}{{#with (parse_json t)}}{{> node}}{{/with}}",
        &[("t", tree)],
        "(1(2)(3(4)))",
    );
    fails("{{#*inline \"a\"}}{{> a}}{{/inline}}{{> a}}", &[], "deeper than 32 levels");
}

#[test]
fn limits_hold() {
    let deep = |n: usize| format!("{}{}", "{{#if a}}".repeat(n), "{{/if}}".repeat(n));
    gives(&deep(MAX_NESTING), &[("a", "1")], "");
    fails(&deep(MAX_NESTING + 1), &[("a", "1")], "nests deeper");
    fails(&deep(50_000), &[("a", "1")], "nests deeper");
    fails(&format!("{{{{#if {}", "(not ".repeat(50_000)), &[], "nests deeper");
    gives(&format!("{{{{{}a{}}}}}", "(not ".repeat(60), ")".repeat(60)), &[("a", "1")], "true");
    fails(&" ".repeat(MAX_TEMPLATE_BYTES + 1), &[], "the maximum for a template");
    fails(
        &"{{a}}".repeat(MAX_TEMPLATE_BYTES / 5),
        &[("a", "1")],
        "209715 tags; the most a template of its size can have is 4096",
    );
    let all = "{{#each this}}".repeat(4) + &"x".repeat(1000) + &"{{/each}}".repeat(4);
    let many: Vec<_> = (0..30).map(|i| format!("{i}")).collect();
    let many: Vec<_> = many.iter().map(|key| (key.as_str(), "v")).collect();
    fails(&all.replace("each this", "each @root"), &many, "grows beyond 64 MiB");
    // The deepest recursion there can be: every partial as deep as a template.
    let body = "{{#if @root.a}}".repeat(MAX_NESTING - 1) + "{{> p}}" + &"{{/if}}".repeat(MAX_NESTING - 1);
    fails(
        &format!("{{{{#*inline \"p\"}}}}{body}{{{{/inline}}}}{{{{> p}}}}"),
        &[("a", "1")],
        "deeper than 32 levels",
    );
}

#[test]
fn a_group_too_large_is_refused() {
    let mut values = Values { bytes: MAX_VALUES_BYTES - 2, ..Values::default() };
    values.insert("a".into(), b"1".to_vec()).unwrap();
    let error = values.insert("b".into(), Vec::new()).unwrap_err().to_string();
    assert_eq!(error, "the group has more than 256 MiB, the maximum for a template");
}

#[test]
fn lines_of_blocks_leave_no_blank_lines() {
    gives(
        "a\n{{#if x}}\nb {{x}}\n{{/if}}\n  {{#each this}}\n  {{@key}}\n  {{/each}}\nc\n",
        &[("x", "1")],
        "a\nb 1\n  x\nc\n",
    );
}

/// A value of 60 MB, taken apart into single characters, took 3.9 GB.
#[test]
fn a_text_is_taken_apart_into_so_many_elements() {
    let long = ",".repeat(1_000_001);
    fails(
        r#"{{#each (split v ",")}}x{{/each}}"#,
        &[("v", &long)],
        "split: the text has more than 1000000 elements",
    );
    let list = format!("[{}1]", "1,".repeat(1_000_000));
    fails(
        "{{#each (parse_json v)}}x{{/each}}",
        &[("v", &list)],
        "parse_json: the text has more than 1000000 elements",
    );
    let text = format!("[\"{}\"]", ",".repeat(1_000_001));
    gives("{{#each (parse_json v)}}x{{/each}}", &[("v", &text)], "x");
}
