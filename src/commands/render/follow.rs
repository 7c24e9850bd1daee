//! `--watch`: renders again whenever the group changes.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{Applied, Job, shown};
use crate::clock::Timestamp;
use crate::exit::{Exit, Report, report};
use crate::model::Error;
use crate::output::print_note;
use crate::render::Target;
use crate::store::{Feed, Selection, Store};
use crate::watch::{Control, Wake};

/// How often to look for a store that is not there yet, and for changes by
/// writers that ring no bell.
const INTERVAL: Duration = Duration::from_millis(250);

/// A group that never falls quiet is rendered after this many `--debounce`.
const MOST_DEBOUNCES: u32 = 4;

/// How often the command of `--exec` is tried again, and the pause before the
/// first time; it doubles with each.
const EXEC_RETRIES: u32 = 3;
const EXEC_PAUSE: Duration = Duration::from_secs(1);

/// First and longest pause before writing again what could not be written.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// A rendering that goes on.
pub struct Follower<'a> {
    job: &'a Job<'a>,
    path: &'a Path,
    control: &'a Control,
    /// What was complained about since the last success, the newest of a kind.
    complaints: Vec<(Exit, String)>,
    /// The text that the check refused last: it is not asked about it again.
    refused: Option<String>,
    /// When to render again without a change, and the pause after that.
    again: Option<Instant>,
    pause: Duration,
}

impl<'a> Follower<'a> {
    pub fn new(job: &'a Job<'a>, path: &'a Path, control: &'a Control) -> Self {
        Self { job, path, control, complaints: Vec::new(), refused: None, again: None, pause: FIRST_PAUSE }
    }

    /// Runs until a signal ends it, or the store is gone.
    pub fn run(&mut self) -> anyhow::Result<Exit> {
        let mut first = true;
        let store = loop {
            if let Some(store) = self.job.context.open()? {
                break store;
            }
            if std::mem::take(&mut first) {
                self.render(None)?;
            }
            if let Wake::Stop(stop) = self.control.wait(&[], INTERVAL) {
                return Ok(stop.exit());
            }
        };
        let mut feed = self.feed(store)?;
        loop {
            let due = self.render(Some(feed.store()))?;
            if let Some(stop) = self.control.stopped() {
                return Ok(stop.exit());
            }
            if let Wake::Stop(stop) = self.changed(&mut feed, due)? {
                return Ok(stop.exit());
            }
        }
    }

    /// A feed that begins now: what is there already is about to be read.
    fn feed(&self, store: Store) -> anyhow::Result<Feed> {
        let newest = store.read(|tx| tx.log_span())?.newest;
        let group = Some(self.job.args.group.clone());
        let feed = Feed::new(store, Selection { group, ..Selection::default() }, newest, INTERVAL)?;
        self.control.attend(feed.upkeep());
        Ok(feed)
    }

    /// Waits for a change of the group, and then until it is quiet.
    fn changed(&mut self, feed: &mut Feed, due: Option<Timestamp>) -> anyhow::Result<Wake> {
        let debounce = self.job.args.debounce;
        let mut first = None;
        let mut quiet = None;
        loop {
            let news = match feed.next(false) {
                Ok(changes) => !changes.is_empty(),
                // Which changes have been missed does not matter: they will all
                // be seen in the group.
                Err(Error::Trimmed { .. }) => {
                    *feed = self.feed(self.job.context.open()?.ok_or_else(|| {
                        Error::unusable(feed.store().path(), "was deleted while being watched")
                    })?)?;
                    true
                }
                // Locked for longer than it waits: it will not stay so.
                Err(Error::Busy(_)) => false,
                Err(error) => return Err(error.into()),
            };
            let now = Instant::now();
            // An expired entry shows in the group whether or not its expiry has
            // been logged.
            let expired = first.is_none() && due.is_some_and(|due| due <= feed.store().now());
            if news || expired {
                let first = *first.get_or_insert(now);
                quiet = Some((now + debounce).min(first + debounce * MOST_DEBOUNCES));
            }
            let again = self.again.filter(|_| quiet.is_none());
            if feed.is_behind() {
                if let Some(stop) = self.control.stopped() {
                    return Ok(Wake::Stop(stop));
                }
                continue;
            }
            if quiet.or(again).is_some_and(|at| now >= at) {
                return Ok(Wake::Look);
            }
            let mut at_most = INTERVAL;
            if let Some(at) = quiet.or(again) {
                at_most = at_most.min(at.saturating_duration_since(now));
            } else if let Some(due) = due {
                let left = u64::try_from(due.since(feed.store().now())).unwrap_or(0);
                at_most = at_most.min(Duration::from_millis(left));
            }
            if let Wake::Stop(stop) = self.control.sleep(&feed.descriptors(), at_most.min(feed.time_left())) {
                return Ok(Wake::Stop(stop));
            }
        }
    }

    /// Renders once. What goes wrong with the text is reported and survived;
    /// the expiry of the next entry of the group is returned.
    fn render(&mut self, store: Option<&Store>) -> anyhow::Result<Option<Timestamp>> {
        self.again = None;
        let (values, due) = match self.job.values(store) {
            Ok(read) => read,
            Err(error) => return self.survive(error, "").map(|()| None),
        };
        let text = match self.job.fill(values) {
            Ok(text) => text,
            Err(error) => {
                let stays = format!("; {} is unchanged", shown(self.path));
                return self.survive(error, &stays).map(|()| due);
            }
        };
        self.complaints.retain(|(exit, _)| *exit != Exit::BadData);
        if self.refused.as_ref() == Some(&text) {
            return Ok(due);
        }
        self.refused = None;
        // Each time anew: a symbolic link may lead elsewhere by now.
        let applied = self.job.target(self.path).and_then(|target| {
            let applied = self.job.apply(&target, &text, Some(self.control))?;
            Ok((target, applied))
        });
        match applied {
            Ok((target, applied)) => {
                self.complaints.clear();
                self.pause = FIRST_PAUSE;
                if applied == Applied::Written {
                    self.job.report(applied, text.len())?;
                    self.exec(&target)?;
                }
            }
            Err(error) => {
                self.survive(error, "")?;
                // Each refused text is reported, and checked, once.
                if self.complaints.pop_if(|(exit, _)| *exit == Exit::BadData).is_some() {
                    self.refused = Some(text);
                }
            }
        }
        Ok(due)
    }

    /// Tells an error once, and again when it is another one or things were well
    /// meanwhile. One of the store ends
    /// the run.
    fn survive(&mut self, error: anyhow::Error, and_so: &str) -> anyhow::Result<()> {
        let Some(Report { exit, message, .. }) = report(&error) else { return Err(error) };
        match exit {
            Exit::BadData => {}
            Exit::Io | Exit::Busy => {
                self.again = Some(Instant::now() + self.pause);
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            }
            // The check was ended because the run ends.
            Exit::Child(_) => return Ok(()),
            _ => return Err(error),
        }
        let known = self.complaints.iter().any(|(kind, told)| *kind == exit && *told == message);
        if !known {
            print_note(&format!("render: {message}{and_so}"));
            self.complaints.retain(|(kind, _)| *kind != exit);
            self.complaints.push((exit, message));
        }
        Ok(())
    }

    /// Runs the command after a replacement, several times if it fails.
    fn exec(&self, target: &Target) -> anyhow::Result<()> {
        let Some(command) = &self.job.args.exec else { return Ok(()) };
        let mut pause = EXEC_PAUSE;
        for attempt in 0..=EXEC_RETRIES {
            let ended = self.job.shell(target, command).run(self.control)?;
            let Some(why) = ended.failure() else { return Ok(()) };
            if ended.stop.is_some() {
                return Ok(());
            }
            if attempt == EXEC_RETRIES {
                print_note(&format!("render: the command of --exec {why}; giving up"));
                break;
            }
            print_note(&format!(
                "render: the command of --exec {why}; attempt {} in {} s",
                attempt + 2,
                pause.as_secs()
            ));
            let until = Instant::now() + pause;
            while Instant::now() < until {
                let left = until.saturating_duration_since(Instant::now());
                if let Wake::Stop(_) = self.control.wait(&[], left) {
                    return Ok(());
                }
            }
            pause *= 2;
        }
        Ok(())
    }
}
