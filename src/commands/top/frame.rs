//! What the screen shows: lines that fit it.

use std::time::Duration;

use super::super::confirm::count;
use super::{Sort, rate};
use crate::output::table::{Cell, Column, cut, lines};
use crate::store::{Change, Scope};
use crate::units;
use crate::watch::overview::{By, Lag, Overview, Pulse, RATE_SECONDS, Row};

/// Consumers shown at most, and newest changes, where there is room.
const CONSUMERS: usize = 6;
const CHANGES: usize = 6;

/// The widest plot, in seconds.
const PLOT: usize = 60;

/// What somebody chose to see.
pub struct View {
    /// Whose figures these are.
    pub title: String,
    /// As which its groups are named.
    pub scope: Scope,
    pub by: By,
    pub sort: Sort,
    /// The first row that is shown.
    pub first: usize,
    pub paused: bool,
    /// What is wrong at the moment, if anything.
    pub note: String,
    pub interval: Duration,
}

/// The lines of one screen, with their styles.
pub struct Frame {
    pub lines: Vec<String>,
}

impl Frame {
    /// Lays out what was `found` for a screen of this size. The position in
    /// `view` is brought back to where there are rows.
    pub fn new(
        view: &mut View,
        found: Option<&Overview>,
        pulse: &Pulse,
        (width, height): (usize, usize),
        color: bool,
    ) -> Self {
        let styled = |text: String, code: &str| {
            let text = cut(&text, width).into_owned();
            if color { format!("\x1b[{code}m{text}\x1b[0m") } else { text }
        };
        let mut shown = vec![styled(format!("larder top  {}", view.title), "1")];
        let help = "q quit  g groups  n namespaces  s sort  j k move  space pause";
        let Some(found) = found else {
            shown.push("There is no store yet.".to_owned());
            return Self::fitted(shown, styled(help.to_owned(), "2"), height);
        };
        shown.push(cut(&totals(found), width).into_owned());
        shown.push(plot(found, pulse, width));
        let state = match (view.paused, view.note.as_str()) {
            (true, _) => "  PAUSED".to_owned(),
            (_, "") => String::new(),
            (_, note) => format!("  {note}"),
        };
        let what = if view.by == By::Group { "groups" } else { "namespaces" };
        let order = format!(
            "{} {what} by {}, every {}{state}",
            found.rows.len(),
            view.sort.name(),
            units::human_span(i64::try_from(view.interval.as_millis()).unwrap_or(i64::MAX)),
        );
        shown.push(styled(order, "2"));
        shown.push(String::new());

        // The rows get what the other two tables leave, and at least half.
        let room = height.saturating_sub(shown.len() + 1);
        let spare = room / 2;
        let consumers: Vec<_> = found.consumers.iter().take(CONSUMERS.min(spare.saturating_sub(2))).collect();
        let below = if consumers.is_empty() { 0 } else { consumers.len() + 2 };
        let recent: Vec<_> =
            pulse.recent().take(CHANGES.min((spare - below.min(spare)).saturating_sub(2))).collect();
        let below = below + if recent.is_empty() { 0 } else { recent.len() + 2 };
        let rows = room.saturating_sub(below + 1).max(1);
        let jobs = has_jobs(view.by, found, width);
        view.first = view.first.min(found.rows.len().saturating_sub(rows));
        let cells: Vec<_> =
            found.rows.iter().skip(view.first).take(rows).map(|row| cells(view.by, jobs, row)).collect();
        shown.extend(lines(&columns(view.by, jobs), &cells, width, color));
        if !consumers.is_empty() {
            shown.push(String::new());
            let cells: Vec<_> = consumers.iter().map(|lag| consumer(lag, found)).collect();
            shown.extend(lines(&CONSUMER, &cells, width, color));
        }
        if !recent.is_empty() {
            shown.push(String::new());
            let cells: Vec<_> = recent.iter().map(|change| latest(change, found, &view.scope)).collect();
            shown.extend(lines(&LATEST, &cells, width, color));
        }
        Self::fitted(shown, styled(help.to_owned(), "2"), height)
    }

    /// Exactly `height` lines, the last one as given.
    fn fitted(mut lines: Vec<String>, last: String, height: usize) -> Self {
        lines.resize(height.saturating_sub(1).max(1), String::new());
        lines.push(last);
        lines.truncate(height.max(1));
        Self { lines }
    }
}

fn totals(found: &Overview) -> String {
    let holdings = &found.holdings;
    let expiry = match holdings.next_expiry {
        Some(at) => format!("next expiry in {}", units::human_span(at.since(found.at).max(0))),
        None => "nothing expires".into(),
    };
    format!(
        "{}  {}  {}  {}  {expiry}",
        count(holdings.keys, "key"),
        units::human_bytes(holdings.bytes),
        count(holdings.groups, "group"),
        count(holdings.namespaces, "namespace"),
    )
}

/// The rate as a number, and as a plot of the seconds that have passed.
fn plot(found: &Overview, pulse: &Pulse, width: usize) -> String {
    const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let counts = pulse.by_second(PLOT, found.at);
    let late = usize::try_from(RATE_SECONDS).unwrap_or(PLOT).min(PLOT);
    let label = format!("{} changes/s  ", rate(counts[PLOT - late..].iter().sum()));
    let room = width.saturating_sub(label.len()).min(PLOT);
    let counts = &counts[PLOT - room..];
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let bars = counts.iter().map(|count| match count {
        0 => ' ',
        count => STEPS[usize::try_from((count * 8 - 1) / most).unwrap_or(7).min(7)],
    });
    cut(&format!("{label}{}", bars.collect::<String>()), width).into_owned()
}

/// Whether jobs have columns: where there are any, and room beside the rest.
pub fn has_jobs(by: By, found: &Overview, width: usize) -> bool {
    !found.queues.is_empty() && (by == By::Group || width >= 90)
}

/// The columns of the rows.
pub fn columns(by: By, jobs: bool) -> Vec<Column> {
    let mut columns = vec![
        Column::text(if by == By::Group { "GROUP" } else { "NAMESPACE" }),
        Column::number("KEYS"),
        Column::number("BYTES"),
        Column::number("CHANGES/S"),
        Column::number("EXPIRING"),
    ];
    if jobs {
        columns.extend([Column::number("LEASED"), Column::number("DEAD")]);
    }
    if by == By::Namespace {
        columns.push(Column::text("USE OF LIMIT"));
    }
    columns
}

/// A row as cells.
pub fn cells(by: By, jobs: bool, row: &Row) -> Vec<Cell> {
    let some =
        |number: i64, text: String| if number == 0 { Cell::text("-").dim() } else { Cell::text(&text) };
    let name = match by {
        By::Namespace if row.name.as_bytes().is_empty() => Cell::text("(none)").dim(),
        _ => Cell::name(row.name.as_bytes()),
    };
    let mut cells = vec![
        name,
        Cell::number(row.keys),
        Cell::bytes(row.bytes),
        some(row.changes, rate(row.changes)),
        some(row.soon, row.soon.to_string()),
    ];
    if jobs {
        let tally = row.jobs;
        cells.extend([tally.leased, tally.dead].map(|number| some(number, number.to_string())));
    }
    if by == By::Namespace {
        // Of several limits, the one that is nearest to being reached.
        let limits =
            [(row.keys, row.limits.keys), (row.bytes, row.limits.bytes), (row.groups, row.limits.groups)];
        let nearest = limits
            .into_iter()
            .filter_map(|(used, limit)| limit.map(|limit| (used, limit)))
            .max_by_key(|(used, limit)| i128::from(*used) * 1_000_000 / i128::from((*limit).max(1)));
        cells.push(match nearest {
            Some((used, limit)) => Cell::usage(used, Some(limit)),
            None => Cell::text("-").dim(),
        });
    }
    cells
}

const CONSUMER: [Column; 4] =
    [Column::text("CONSUMER"), Column::number("BEHIND"), Column::text("MOVED"), Column::text("READER")];

fn consumer(lag: &Lag, found: &Overview) -> Vec<Cell> {
    vec![
        Cell::text(&lag.consumer.name),
        Cell::number(lag.behind),
        Cell::past(lag.consumer.updated_at, found.at),
        Cell::text(&lag.consumer.holder),
    ]
}

const LATEST: [Column; 4] =
    [Column::text("CHANGED"), Column::text("TYPE"), Column::text("GROUP"), Column::text("KEY")];

fn latest(change: &Change, found: &Overview, scope: &Scope) -> Vec<Cell> {
    vec![
        Cell::past(change.at, found.at),
        Cell::text(change.kind.as_str()),
        Cell::name(scope.name_of(&change.group).as_bytes()),
        change.key.as_ref().map_or_else(|| Cell::text("-"), |key| Cell::name(key.as_bytes())),
    ]
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;
    use crate::clock::Timestamp;
    use crate::store::{Consumer, Holdings, JobCounts, Limits};
    use crate::text::without_styles;

    fn found(rows: usize) -> Overview {
        let row = |at: usize| Row {
            name: format!("group-{at}-{}", "漢字".repeat(at)).into(),
            keys: i64::MAX,
            bytes: 5000,
            groups: 1,
            limits: Limits { keys: Some(1), ..Limits::default() },
            soon: 3,
            changes: 17,
            jobs: JobCounts { leased: 2, waiting: 0, dead: 1 },
        };
        let consumer = Consumer {
            name: "mails\u{1b}".into(),
            position: 1,
            updated_at: Timestamp(999_000),
            holder: "pid 1 of user:x@host".into(),
        };
        Overview {
            at: Timestamp(1_000_000),
            newest: 9,
            holdings: Holdings { keys: 1, ..Holdings::default() },
            rows: (0..rows).map(row).collect(),
            consumers: vec![Lag { consumer, behind: 8 }],
            queues: vec![("jobs".into(), JobCounts { leased: 2, waiting: 0, dead: 1 })],
        }
    }

    fn view() -> View {
        View {
            title: "/a/store.db".into(),
            scope: Scope(None),
            by: By::Namespace,
            sort: Sort::Changes,
            first: 0,
            paused: false,
            note: String::new(),
            interval: Duration::from_secs(1),
        }
    }

    #[test]
    fn a_frame_fits_every_screen() {
        let pulse = Pulse::new(Duration::from_mins(1));
        for color in [false, true] {
            for width in [1, 2, 20, 60, 80, 120, 200] {
                for height in [1, 2, 5, 10, 24, 40] {
                    for rows in [0, 1, 100] {
                        let frame =
                            Frame::new(&mut view(), Some(&found(rows)), &pulse, (width, height), color);
                        assert_eq!(frame.lines.len(), height);
                        for line in frame.lines {
                            // A table does not get narrower than a column each.
                            let least = width.max(21);
                            let plain = without_styles(&line);
                            assert!(
                                plain.width() <= least && !plain.contains('\u{1b}'),
                                "{width}: {plain:?}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn the_position_stays_among_the_rows() {
        let pulse = Pulse::new(Duration::from_mins(1));
        let mut view = View { first: 1000, ..view() };
        let frame = Frame::new(&mut view, Some(&found(100)), &pulse, (120, 24), false);
        assert!(view.first < 100 && frame.lines.iter().any(|line| line.starts_with("group-99-")));
        Frame::new(&mut view, Some(&found(2)), &pulse, (120, 24), false);
        assert_eq!(view.first, 0);
    }

    #[test]
    fn a_frame_in_words() {
        let frame = Frame::new(&mut view(), Some(&found(1)), &Pulse::new(Duration::ZERO), (120, 12), false);
        let text = frame.lines.join("\n");
        for words in [
            "larder top  /a/store.db",
            "1 key  0 B  0 groups  0 namespaces  nothing expires",
            "1 namespaces by changes, every 1s",
            "NAMESPACE",
            "group-0-   9223372036854775807  4.9 KiB        1.7         3       2     1  ██████████ 999%",
            "q quit",
        ] {
            assert!(text.contains(words), "{words:?} is not in\n{text}");
        }
        let none = Frame::new(&mut view(), None, &Pulse::new(Duration::ZERO), (80, 5), false);
        assert_eq!(none.lines[1], "There is no store yet.");
    }
}
