//! Progress of long work, on standard error.

use std::fmt;
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::settings::Settings;
use crate::units;

/// Work that ends before this shows nothing.
const DELAY: Duration = Duration::from_secs(1);

/// Steps between two looks at the clock.
const STRIDE: u64 = 64;

/// A line that counts, if standard error is a terminal, `--quiet` was not given
/// and the work takes longer than a second. Otherwise a few instructions a step.
///
/// It goes away by itself when dropped, so that an error message finds an empty
/// line. Not for work whose output appears on the same terminal.
///
/// ```no_run
/// # use larder::output::progress::Progress;
/// # fn f(settings: &larder::settings::Settings) {
/// let mut progress = Progress::new(settings, "importing");
/// for _line in 0..1000 {
///     progress.tick(1);
/// }
/// progress.finish();
/// # }
/// ```
#[derive(Debug)]
pub struct Progress {
    doing: Option<Doing>,
}

#[derive(Debug)]
struct Doing {
    what: &'static str,
    total: Option<u64>,
    bytes: bool,
    started: Instant,
    done: u64,
    looked_at: u64,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Progress of `what` is done: "importing".
    #[must_use]
    pub fn new(settings: &Settings, what: &'static str) -> Self {
        let doing = settings.progress.then(|| Doing {
            what,
            total: None,
            bytes: false,
            started: Instant::now(),
            done: 0,
            looked_at: 0,
            bar: None,
        });
        Self { doing }
    }

    /// Has the steps shown as bytes.
    #[must_use]
    pub fn in_bytes(mut self) -> Self {
        if let Some(doing) = &mut self.doing {
            doing.bytes = true;
        }
        self
    }

    /// Progress that is never shown.
    #[must_use]
    pub fn off() -> Self {
        Self { doing: None }
    }

    /// Says how many steps there will be: the line gets a bar and an estimate.
    #[must_use]
    pub fn of(mut self, total: u64) -> Self {
        if let Some(doing) = &mut self.doing {
            doing.total = Some(total);
        }
        self
    }

    /// `steps` more have been done. Large steps (bytes, rows of a chunk) and
    /// single ones are equally fine.
    #[inline]
    pub fn tick(&mut self, steps: u64) {
        if let Some(doing) = &mut self.doing {
            doing.done += steps;
            if doing.done - doing.looked_at >= STRIDE || doing.looked_at == 0 {
                doing.look();
            }
        }
    }

    /// So many steps have been done in all; fewer than before if the work has
    /// started over.
    #[inline]
    pub fn reach(&mut self, done: u64) {
        if let Some(doing) = &mut self.doing {
            doing.done = done;
            if doing.done.abs_diff(doing.looked_at) >= STRIDE {
                doing.look();
            }
        }
    }

    /// Says how many steps there will be, if that turns out later.
    pub fn set_total(&mut self, total: u64) {
        if let Some(doing) = &mut self.doing {
            doing.total = Some(total);
        }
    }

    /// Nothing was done that can be counted, but time goes by.
    pub fn pulse(&mut self) {
        if let Some(doing) = &mut self.doing {
            doing.look();
            if let Some(bar) = &doing.bar {
                bar.tick();
            }
        }
    }

    /// Takes the line away.
    pub fn finish(&mut self) {
        if let Some(Doing { bar: Some(bar), .. }) = self.doing.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Doing {
    fn look(&mut self) {
        self.looked_at = self.done;
        if self.bar.is_none() && self.started.elapsed() >= DELAY {
            self.bar = Some(self.show());
        }
        if let Some(bar) = &self.bar {
            bar.set_position(self.done);
        }
    }

    fn show(&self) -> ProgressBar {
        let target = ProgressDrawTarget::stderr_with_hz(10);
        let template = match self.total {
            Some(_) if self.bytes => "{msg} {wide_bar} {bytes}/{total_bytes} ({left} left)",
            Some(_) => "{msg} {wide_bar} {human_pos}/{human_len} ({rate}/s, {left} left)",
            None if self.done > 0 => "{msg} {human_pos} ({rate}/s)",
            None => "{msg} ({elapsed})",
        };
        // The library's own rate weighs the newest steps, and starts with the
        // leap to where the work is when the line appears: an average is
        // steadier, and what the estimate needs.
        let style = ProgressStyle::with_template(template)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .with_key("rate", |state: &ProgressState, f: &mut dyn fmt::Write| {
                let _ = write!(f, "{}", HumanCount(rate(state)));
            })
            .with_key("left", |state: &ProgressState, f: &mut dyn fmt::Write| {
                let steps = state.len().unwrap_or(0).saturating_sub(state.pos());
                let millis = steps.saturating_mul(1000) / rate(state).max(1);
                let seconds = i64::try_from(millis / 1000).unwrap_or(i64::MAX / 1000);
                let _ = f.write_str(&units::human_span(seconds.max(1) * 1000));
            });
        ProgressBar::with_draw_target(self.total, target)
            .with_style(style)
            .with_message(self.what)
            .with_elapsed(self.started.elapsed())
    }
}

/// Steps a second since the beginning.
fn rate(state: &ProgressState) -> u64 {
    let millis = u64::try_from(state.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
    state.pos().saturating_mul(1000) / millis
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(ago: Duration) -> Progress {
        let doing = Doing {
            what: "testing",
            total: Some(100),
            bytes: false,
            started: Instant::now().checked_sub(ago).unwrap(),
            done: 0,
            looked_at: 0,
            bar: None,
        };
        Progress { doing: Some(doing) }
    }

    #[test]
    fn short_work_shows_nothing() {
        let mut progress = started(Duration::ZERO);
        (0..1000).for_each(|_| progress.tick(1));
        assert!(progress.doing.as_ref().unwrap().bar.is_none());
    }

    #[test]
    fn long_work_shows_how_far_it_is() {
        let mut progress = started(Duration::from_secs(2));
        (0..STRIDE * 2).for_each(|_| progress.tick(1));
        let bar = progress.doing.as_ref().unwrap().bar.clone().unwrap();
        assert!(bar.position() > STRIDE && bar.message() == "testing");
        progress.finish();
        assert!(bar.is_finished());
        // Steps after the end are nothing.
        progress.tick(1);
        Progress::off().tick(1);
    }
}
