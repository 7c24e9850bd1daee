//! What larder(1) says about templates.

use super::{Block, Section, table};
use Block::{Lines, Text};

pub(super) fn templates() -> Section {
    Section {
        heading: "TEMPLATES",
        blocks: vec![
            Text(
                "\"larder render\" fills Handlebars templates from one group, as it is at one moment. Every key is a \
                 name, every value is text, and nothing is escaped for HTML.",
            ),
            table(&[
                (
                    "{{name}}",
                    "The value of the key \"name\". Dashes and letters of any language may stand in it.",
                ),
                ("{{[a.b c]}}", "The value of a key with dots, slashes or spaces in it."),
                ("{{lookup this \"a]b\"}}", "The value of any key, or of one whose name is itself a value."),
                (
                    "{{#each this}} … {{/each}}",
                    "Once for each key, in byte order: {{@key}} is the key, {{this}} its value, and {{@index}}, \
                     {{@first}} and {{@last}} are where it stands. {{else}} is for an empty group.",
                ),
                (
                    "{{@root.name}}",
                    "The key \"name\" within {{#each}} and {{#with}}, where a bare name belongs to what the block \
                     is about.",
                ),
                (
                    "{{#if x}} … {{else}} … {{/if}}",
                    "Whether the value is not empty. \"0\" and \"false\" are texts, and not empty. So is unless, \
                     the other way round.",
                ),
                ("{{~ x ~}}", "Without the white space before and after it."),
                ("{{! … }}, \\{{", "A comment; two braces that are no tag."),
            ]),
            Text(
                "A name that the group lacks is an error, also as an argument, unless it stands in a branch that is \
                 not taken. All of them are told at once. --lenient makes them empty. A value that is not UTF-8 is \
                 an error where it is used.",
            ),
            Text("Helpers, which also work as arguments of others, in parentheses:"),
            table(&[
                ("(exists \"name\")", "Whether the group has the key: {{#if (exists \"name\")}}."),
                ("default name \"x\"", "The value, or \"x\" if there is none."),
                ("json x", "As JSON: a text in quotes, \"this\" as an object."),
                ("parse_json x", "What a JSON text says, for each, with and lookup."),
                ("split x \",\"", "The parts of a text, for each."),
                ("shell x", "As one word of a POSIX shell, in quotes."),
                ("lower x, upper x, trim x", "In small letters, in capitals, without white space around it."),
                (
                    "eq, ne, lt, lte, gt, gte, and, or, not, len",
                    "As in Handlebars. A text beside a number is compared as a number: {{#if (gt count 5)}}.",
                ),
                ("{{#with x}}, {{{{raw}}}}", "As in Handlebars."),
                (
                    "{{#*inline \"p\"}} … {{/inline}}, {{> p}}",
                    "A part to be used again; it may use itself, for what nests.",
                ),
            ]),
            Text("A name that is also a helper's stays a name where it stands alone: {{len}}, {{json}}."),
            Text("All of a group as shell variables, and a list kept as JSON:"),
            Lines(&["{{#each this}}{{@key}}={{shell this}}", "{{/each}}"]),
            Lines(&["{{#each (parse_json hosts)}}server {{host}}:{{port}};", "{{/each}}"]),
            Text(
                "A template can have 1 MiB, blocks and parentheses 64 levels deep, and, in a large one, so many tags \
                 that bytes times tags stay below 2^32. A group can have 256 MiB, a text 64 MiB; partials can \
                 include each other 32 levels deep; a rendering can take 30 seconds.",
            ),
            Text(
                "A file to render to is replaced whole: the text is written beside it, synced, and renamed. Its \
                 mode and owner are kept, its access lists and extended attributes are not, and another name (hard \
                 link) keeps the old text; --in-place keeps them all. Devices and FIFOs are written to, never \
                 replaced.",
            ),
        ],
    }
}
