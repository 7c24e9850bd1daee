//! What larder(1) says about templates.

use super::{Block, Section, table};
use Block::{Lines, Text};

pub(super) fn templates() -> Section {
    Section {
        heading: "TEMPLATES",
        blocks: vec![
            Text(
                "\"larder render\" fills Handlebars templates from a snapshot of one group. Every key is a name, every value is text, and nothing is escaped for HTML.",
            ),
            table(&[
                (
                    "{{name}}",
                    "The value of the key \"name\". It may contain dashes and letters of any language.",
                ),
                ("{{[a.b c]}}", "The value of a key with dots, slashes or spaces in it."),
                ("{{lookup this \"a]b\"}}", "The value of any key, or of one whose name is itself a value."),
                (
                    "{{#each this}} … {{/each}}",
                    "Once for each key, in byte order: {{@key}} is the key, {{this}} its value, and {{@index}}, \
                    {{@first}} and {{@last}} are its place. {{else}} is for an empty group.",
                ),
                (
                    "{{@root.name}}",
                    "The key \"name\" within {{#each}} and {{#with}}, where a bare name belongs to the value of the block.",
                ),
                (
                    "{{#if x}} … {{else}} … {{/if}}",
                    "Whether the value is not empty. \"0\" and \"false\" are texts, and not empty. unless is the opposite.",
                ),
                ("{{~ x ~}}", "Without the white space before and after it."),
                ("{{! … }}, \\{{", "A comment; literal braces."),
            ]),
            Text(
                "A name that is not in the group is an error, also as an argument, unless it is in a branch that is \
                not taken. All missing names are reported at once. --lenient renders them as empty strings. A value \
                that is not UTF-8 is an error where it is used.",
            ),
            Text("Helpers, which also work as arguments of others, in parentheses:"),
            table(&[
                ("(exists \"name\")", "Whether the group has the key: {{#if (exists \"name\")}}."),
                ("default name \"x\"", "The value, or \"x\" if there is none."),
                ("json x", "As JSON: a text in quotes, \"this\" as an object."),
                ("parse_json x", "A parsed JSON text, for each, with and lookup."),
                ("split x \",\"", "The parts of a text, for each."),
                ("shell x", "As one word of a POSIX shell, in quotes."),
                (
                    "lower x, upper x, trim x",
                    "In lower case, in upper case, without surrounding white space.",
                ),
                (
                    "eq, ne, lt, lte, gt, gte, and, or, not, len",
                    "As in Handlebars. A text beside a number is compared as a number: {{#if (gt count 5)}}.",
                ),
                ("{{#with x}}, {{{{raw}}}}", "As in Handlebars."),
                (
                    "{{#*inline \"p\"}} … {{/inline}}, {{> p}}",
                    "A reusable part; it may use itself, for nested data.",
                ),
            ]),
            Text("A name that is also the name of a helper remains a name on its own: {{len}}, {{json}}."),
            Text("All of a group as shell variables, and a list kept as JSON:"),
            Lines(&["{{#each this}}{{@key}}={{shell this}}", "{{/each}}"]),
            Lines(&["{{#each (parse_json hosts)}}server {{host}}:{{port}};", "{{/each}}"]),
            Text(
                "Limits: a template has at most 1 MiB, blocks and parentheses 64 levels deep, and, if it is large, bytes times tags below 2^32. A group has at most 256 MiB, a text 64 MiB; partials can include each other 32 levels deep; a rendering can take 30 seconds.",
            ),
            Text(
                "The output file is replaced atomically: the text is written to a temporary file beside it, synced, \
                and renamed. Its mode and owner are kept, its access lists and extended attributes are not, and \
                another name (hard link) keeps the old text; --in-place keeps them all. Devices and FIFOs are \
                written to, never replaced.",
            ),
        ],
    }
}
