//! What larder costs, as ratios in one run: `cargo bench`.
//!
//! Numbers of milliseconds mean little on somebody else's machine; how many
//! times the least possible, or the sqlite3 shell, means something on all of
//! them. Contenders run in turns, so that a busy moment hits them alike, and
//! medians are compared.
//!
//! `cargo bench -- oneshot` runs one section. `LARDER_BENCH=full` takes the
//! full sizes (a million and ten million rows, some 10 GB of disk) in place of
//! a tenth. A new section is a function that returns [`Row`]s and a line in
//! [`SECTIONS`].
#![allow(missing_docs, clippy::print_stdout, clippy::cast_precision_loss)]

mod cliffs;
mod lab;
mod memo;
mod oneshot;
mod sizes;
mod streams;

use lab::Lab;

/// Measures one aspect. An error is told and ends the section alone.
type Section = fn(&Lab) -> lab::Result<Vec<Row>>;

const SECTIONS: &[(&str, Section)] = &[
    ("oneshot", oneshot::rows),
    ("memo", memo::rows),
    ("sizes", sizes::rows),
    ("streams", streams::rows),
    ("cliffs", cliffs::rows),
];

/// One line of the table.
struct Row {
    what: String,
    value: f64,
    limit: Limit,
    /// What was measured, in absolute terms.
    detail: String,
}

/// What a value is held against.
enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

impl Row {
    fn at_most(limit: f64, what: &str, value: f64, detail: String) -> Self {
        Self { what: what.into(), value, limit: Limit::AtMost(limit), detail }
    }

    fn at_least(limit: f64, what: &str, value: f64, detail: String) -> Self {
        Self { what: what.into(), value, limit: Limit::AtLeast(limit), detail }
    }

    fn print(&self) {
        let (sign, limit, ok) = match self.limit {
            Limit::AtMost(limit) => ("<=", limit, self.value <= limit),
            Limit::AtLeast(limit) => (">=", limit, self.value >= limit),
        };
        let verdict = if ok { "ok" } else { "MISS" };
        println!(
            "{:44} {:>9} {sign} {:<9} {verdict:4}  {}",
            self.what,
            short(self.value),
            short(limit),
            self.detail
        );
    }
}

/// Two decimals for ratios, none for large numbers.
fn short(value: f64) -> String {
    if value < 100.0 { format!("{value:.2}") } else { format!("{value:.0}") }
}

fn main() -> lab::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if args.first().is_some_and(|arg| arg == lab::PEAK) {
        return lab::report_peak(&args[1..]);
    }
    let lab = Lab::set_up()?;
    println!("{:44} {:>9}    {:9} {:4}  measured", "", "value", "limit", "");
    for (name, section) in SECTIONS {
        if args.is_empty() || args.iter().any(|arg| arg == name) {
            match section(&lab) {
                Ok(rows) => rows.iter().for_each(Row::print),
                Err(error) => println!("{name}: {error}"),
            }
        }
    }
    Ok(())
}
