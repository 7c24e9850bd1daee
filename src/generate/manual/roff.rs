//! Manual pages for man(1).

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::{Block, sections};

/// A manual page.
pub struct Page {
    /// Name of its file: `larder-get.1`.
    pub file: String,
    /// Its text.
    pub roff: String,
}

/// Every page, larder(1) first.
#[must_use]
pub fn pages(mut root: Command) -> Vec<Page> {
    root.build();
    let commands = root.get_subcommands().cloned().map(command_page);
    std::iter::once(main_page(root.clone())).chain(commands).collect()
}

fn main_page(root: Command) -> Page {
    let mut see_also: Vec<_> =
        root.get_subcommands().map(|sub| format!("larder-{}(1)", sub.get_name())).collect();
    see_also.sort();
    let mut page = Draft::new("larder");
    let forms = usage(&root);
    let man = man(root.override_usage(forms).subcommand_help_heading("COMMANDS"));
    page.part(|w| man.render_title(w));
    page.part(|w| man.render_name_section(w));
    page.part(|w| man.render_synopsis_section(w));
    page.heading("DESCRIPTION");
    page.blocks(&sections::description());
    page.part(|w| man.render_subcommands_section(w));
    page.part(|w| man.render_options_section(w));
    for section in sections::sections() {
        page.heading(section.heading);
        page.blocks(&section.blocks);
    }
    page.heading("SEE ALSO");
    page.text(&see_also.join(", "));
    page.finish()
}

fn command_page(command: Command) -> Page {
    let name = format!("larder-{}", command.get_name());
    let aliases: Vec<_> = command.get_visible_aliases().map(|alias| format!("larder {alias}")).collect();
    let examples = command.get_after_help().map(ToString::to_string);
    let nested: Vec<_> = command.get_subcommands().cloned().collect();
    let forms = if nested.is_empty() {
        usage(&command)
    } else {
        nested.iter().map(usage).collect::<Vec<_>>().join("\n")
    };
    let mut page = Draft::new(&name);
    let man = man(without_global_options(command).override_usage(forms));
    page.part(|w| man.render_title(w));
    page.part(|w| man.render_name_section(w));
    page.part(|w| man.render_synopsis_section(w));
    page.part(|w| man.render_description_section(w));
    if !aliases.is_empty() {
        page.paragraph();
        page.text(&format!("Other names for it: {}.", aliases.join(", ")));
    }
    if nested.is_empty() {
        page.part(|w| man.render_options_section(w));
    } else {
        page.heading("COMMANDS");
    }
    for command in nested {
        page.subheading(&usage(&command));
        page.text(&sentence(&command));
        let command = without_global_options(command);
        if command.get_arguments().any(|arg| !arg.is_hide_set()) {
            let man = self::man(command);
            page.part_without_heading(|w| man.render_options_section(w));
        }
    }
    page.paragraph();
    page.text("The options --db, --namespace, --json, --quiet, --color and --busy-timeout are in larder(1).");
    page.after_help(&examples.unwrap_or_default());
    page.heading("EXIT STATUS");
    page.text("See larder(1).");
    page.heading("SEE ALSO");
    page.text("larder(1)");
    page.finish()
}

fn man(command: Command) -> Man {
    let title = command.get_display_name().unwrap_or_else(|| command.get_name()).to_uppercase();
    Man::new(command)
        .title(title)
        .source(concat!("larder ", env!("CARGO_PKG_VERSION")))
        .manual("larder manual")
}

/// `larder get [OPTIONS] <GROUP> <KEY>`
fn usage(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    usage.strip_prefix("Usage: ").unwrap_or(&usage).to_owned()
}

fn sentence(command: &Command) -> String {
    let about = command.get_long_about().or_else(|| command.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    if about.ends_with('.') { about } else { format!("{about}.") }
}

fn without_global_options(command: Command) -> Command {
    command.mut_args(|arg| if arg.is_global_set() { arg.hide(true) } else { arg })
}

/// A page being written.
struct Draft {
    name: String,
    roff: String,
}

impl Draft {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), roff: String::new() }
    }

    fn finish(self) -> Page {
        Page { file: format!("{}.1", self.name), roff: self.roff }
    }

    /// A part that `clap_mangen` writes; into memory, which cannot fail.
    fn part(&mut self, write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) {
        let mut bytes = Vec::new();
        let _ = write(&mut bytes);
        let text = String::from_utf8_lossy(&bytes);
        // Each part brings the definition of the apostrophe; one is enough.
        let definition = |line: &str| line.starts_with(".ie \\n(.g .ds Aq") || line.starts_with(".el .ds Aq");
        for line in text.lines() {
            if self.roff.is_empty() || !definition(line) || !self.roff.contains(line) {
                self.roff.push_str(line.trim_end());
                self.roff.push('\n');
            }
        }
    }

    fn part_without_heading(&mut self, write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) {
        let mut part = Self::new("");
        part.part(write);
        let body = part.roff.lines().filter(|line| {
            !(line.starts_with(".SH ") || line.starts_with(".ie ") || line.starts_with(".el "))
        });
        for line in body {
            self.roff.push_str(line);
            self.roff.push('\n');
        }
    }

    fn write(&mut self, build: impl FnOnce(&mut Roff)) {
        let mut roff = Roff::new();
        build(&mut roff);
        self.part(|w| roff.to_writer(w));
    }

    fn heading(&mut self, heading: &str) {
        self.write(|roff| {
            roff.control("SH", [heading]);
        });
    }

    fn subheading(&mut self, heading: &str) {
        self.write(|roff| {
            roff.control("SS", [heading]);
        });
    }

    fn paragraph(&mut self) {
        self.write(|roff| {
            roff.control("PP", []);
        });
    }

    fn text(&mut self, text: &str) {
        self.write(|roff| {
            roff.text([roman(text)]);
        });
    }

    fn lines<'a>(&mut self, lines: impl IntoIterator<Item = &'a str>) {
        self.write(|roff| {
            roff.control("PP", []).control("RS", ["4"]).control("nf", []);
            for line in lines {
                roff.text([roman(line)]);
            }
            roff.control("fi", []).control("RE", []);
        });
    }

    fn blocks(&mut self, blocks: &[Block<'_>]) {
        for block in blocks {
            match block {
                Block::Text(text) => {
                    self.paragraph();
                    self.text(text);
                }
                Block::Table(rows) => self.write(|roff| {
                    for (term, meaning) in rows {
                        roff.control("TP", []).text([bold(term.as_str())]).text([roman(*meaning)]);
                    }
                }),
                Block::Lines(lines) => self.lines(lines.iter().copied()),
            }
        }
    }

    /// What stands below the options in `--help`: a line that ends in a colon
    /// is a heading, indented lines are to be typed, others are text.
    fn after_help(&mut self, text: &str) {
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            if let Some(heading) = line.strip_suffix(':').filter(|heading| !heading.starts_with(' ')) {
                self.heading(&heading.to_uppercase());
            } else if line.starts_with(' ') {
                let mut typed = vec![line.trim_start()];
                while let Some(more) = lines.next_if(|line| line.starts_with(' ')) {
                    typed.push(more.trim_start());
                }
                self.lines(typed);
            } else if !line.is_empty() {
                self.text(line);
            }
        }
    }
}
