//! Waiting for the write lock, and for the short locks beside it.
//!
//! Most locks are free again within a few milliseconds, so the first tries
//! follow each other quickly. A writer that has to wait longer joins a queue,
//! as a hundred processes that all go on trying take the processor from the one
//! that has the lock. The queue is a lock of the operating system on one byte of
//! the database, far past SQLite's own: whoever has the byte is at its head and
//! tries for the write lock; the others sleep in the kernel, which wakes them in
//! the order of their coming. The byte is given back as soon as the write lock
//! is had, so nobody waits in the queue who has it.
//!
//! The queue is for fairness and speed only. Those in it try now and then, as
//! the one at its head may be stopped, and nobody's timeout ends later for it.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use crate::store::sqlite::attend;
use crate::store::sqlite::file::descriptors::Descriptor;
use crate::store::sqlite::file::ofd_lock;

/// The byte of the queue: before those of the claims.
const BYTE: i64 = (1 << 61) - 1;

/// Tries before a writer joins the queue.
const QUICK_TRIES: u32 = 12;

/// How long a waiter in the queue sleeps before it tries on its own; it doubles
/// each time, up to [`LONGEST_NAP`].
const FIRST_NAP: Duration = Duration::from_millis(100);
const LONGEST_NAP: Duration = Duration::from_secs(1);

/// How often a process that writes again and again lets others go first, and
/// for how long: whoever is at the head of the queue tries several times in it.
/// Should that one be stopped, it costs a tenth of the time and no more.
const TURNS: Duration = Duration::from_millis(10);
const TURN: Duration = Duration::from_millis(1);

/// Whether a helper waits in the kernel. Nothing wakes it but the byte, so one
/// that was left behind by a wait that is over is all there may be: with a
/// stopped process at the head, each write would leave another.
static HELPER: AtomicBool = AtomicBool::new(false);

/// What the thread that helps in waiting has on its stack is next to nothing.
const STACK: usize = 64 << 10;

/// One operation's wait.
struct Wait {
    path: PathBuf,
    deadline: Instant,
    tries: u32,
    /// Whether it is the write lock that is tried for.
    writes: bool,
    place: Option<Place>,
    /// Whether there is no queue to be joined: the file cannot be opened for
    /// writing, or no thread is to be had, or a helper still waits.
    no_queue: bool,
}

thread_local! {
    static WAIT: RefCell<Option<Wait>> = const { RefCell::new(None) };
    /// When others were last let go first; before the second write, never.
    static LAST_TURN: Cell<Option<Instant>> = const { Cell::new(None) };
    static LOOKOUT: RefCell<Option<(PathBuf, Descriptor)>> = const { RefCell::new(None) };
}

/// While it lives, this thread waits for the locks of one store until a
/// deadline. Without one nothing is waited for.
pub(in crate::store::sqlite) struct Patience(Option<Wait>);

impl Patience {
    pub fn new(path: &Path, timeout: Duration) -> Self {
        let wait = Wait {
            path: path.to_owned(),
            deadline: Instant::now() + timeout,
            tries: 0,
            writes: false,
            place: None,
            no_queue: false,
        };
        Self(WAIT.replace(Some(wait)))
    }

    /// No waiting at all.
    pub fn none() -> Self {
        Self(WAIT.replace(None))
    }
}

impl Drop for Patience {
    fn drop(&mut self) {
        WAIT.set(self.0.take());
    }
}

/// Runs what begins with taking the write lock. It is not in the queue any
/// more when it is done.
pub(in crate::store::sqlite) fn as_writer<T>(take: impl FnOnce() -> T) -> T {
    let writes = |writes| WAIT.with_borrow_mut(|wait| wait.as_mut().map(|wait| wait.writes = writes));
    writes(true);
    let result = take();
    writes(false);
    result
}

/// Gives the place in the queue back, which who has the lock needs no more.
pub(in crate::store::sqlite) fn leave_queue() {
    WAIT.with_borrow_mut(|wait| wait.as_mut().map(|wait| wait.place = None));
}

/// SQLite's busy handler: waits a while; `false` when time is up.
pub(in crate::store::sqlite) fn wait_for_lock(_attempt: i32) -> bool {
    WAIT.with_borrow_mut(|wait| {
        let Some(wait) = wait else { return false };
        let left = wait.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || !attend::may_go_on() {
            return false;
        }
        wait.tries += 1;
        if wait.writes && wait.tries > QUICK_TRIES {
            wait.queue_up();
        }
        match &mut wait.place {
            Some(place) if wait.writes => place.nap(left),
            _ => thread::sleep(pause(wait.tries).min(left)),
        }
        true
    })
}

/// Before a write: a process that writes again and again would be quicker each
/// time than those that have to be woken. From its second write on it lets
/// those go first who wait.
pub(in crate::store::sqlite) fn let_others_go_first() {
    let now = Instant::now();
    let Some(last) = LAST_TURN.get() else { return LAST_TURN.set(Some(now)) };
    if now.duration_since(last) < TURNS {
        return;
    }
    let others_wait =
        WAIT.with_borrow(|wait| wait.as_ref().is_some_and(|wait| wait.tries == 0 && wait.others_wait()));
    if others_wait {
        thread::sleep(TURN);
    }
    LAST_TURN.set(Some(Instant::now()));
}

impl Wait {
    fn queue_up(&mut self) {
        if self.place.is_none() && !self.no_queue {
            self.place = Place::take(&self.path);
            self.no_queue = self.place.is_none();
        }
    }

    /// Whether the queue has a waiter.
    fn others_wait(&self) -> bool {
        LOOKOUT.with_borrow_mut(|lookout| {
            if lookout.as_ref().is_none_or(|(path, _)| *path != self.path) {
                *lookout = Descriptor::to_write(&self.path).ok().map(|file| (self.path.clone(), file));
            }
            let Some((_, file)) = lookout else { return false };
            let mut found = ofd_lock::range(libc::F_WRLCK, BYTE, 1);
            fcntl(&**file, FcntlArg::F_OFD_GETLK(&mut found)).is_ok()
                && i32::from(found.l_type) != libc::F_UNLCK
        })
    }
}

enum State {
    /// The helper waits for the byte.
    Queued,
    /// The byte is had through this descriptor.
    Head(Descriptor),
    /// The place was given up.
    Left,
}

type Shared = Arc<(Mutex<State>, Condvar)>;

/// A place in the queue; given back when dropped.
struct Place {
    shared: Shared,
    nap: Duration,
}

fn state(shared: &Shared) -> MutexGuard<'_, State> {
    shared.0.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Place {
    fn take(path: &Path) -> Option<Self> {
        let file = Descriptor::to_write(path).ok()?;
        let lock = ofd_lock::range(libc::F_WRLCK, BYTE, 1);
        let first = match fcntl(&*file, FcntlArg::F_OFD_SETLK(&lock)) {
            Ok(_) => State::Head(file),
            Err(Errno::EAGAIN | Errno::EACCES) => {
                if HELPER.swap(true, Ordering::Relaxed) {
                    return None;
                }
                let place = Self::new(State::Queued);
                let shared = Arc::clone(&place.shared);
                let helper = thread::Builder::new()
                    .name("queue".into())
                    .stack_size(STACK)
                    .spawn(move || wait_in_kernel(&shared, file));
                if helper.is_err() {
                    HELPER.store(false, Ordering::Relaxed);
                    return None;
                }
                return Some(place);
            }
            Err(_) => return None,
        };
        Some(Self::new(first))
    }

    fn new(state: State) -> Self {
        Self { shared: Arc::new((Mutex::new(state), Condvar::new())), nap: FIRST_NAP }
    }

    /// Sleeps until it makes sense to try again, `longest` at most.
    fn nap(&mut self, longest: Duration) {
        if matches!(*state(&self.shared), State::Head(_)) {
            thread::sleep(quick_pause().min(longest));
            return;
        }
        self.wait_for_head(self.nap.min(longest));
        self.nap = (self.nap * 2).min(LONGEST_NAP);
    }

    fn wait_for_head(&self, longest: Duration) {
        let queued = |state: &mut State| matches!(state, State::Queued);
        drop(self.shared.1.wait_timeout_while(state(&self.shared), longest, queued));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let State::Head(file) = std::mem::replace(&mut *state(&self.shared), State::Left) {
            unlock(&file);
        }
    }
}

fn wait_in_kernel(shared: &Shared, file: Descriptor) {
    let lock = ofd_lock::range(libc::F_WRLCK, BYTE, 1);
    let locked = loop {
        match fcntl(&*file, FcntlArg::F_OFD_SETLKW(&lock)) {
            Err(Errno::EINTR) => {}
            other => break other.is_ok(),
        }
    };
    HELPER.store(false, Ordering::Relaxed);
    let mut state = state(shared);
    match *state {
        // Where the kernel cannot, everybody is at the head.
        State::Queued => *state = State::Head(file),
        _ if locked => unlock(&file),
        _ => {}
    }
    shared.1.notify_all();
}

fn unlock(file: &Descriptor) {
    let _ = fcntl(&**file, FcntlArg::F_OFD_SETLK(&ofd_lock::range(libc::F_UNLCK, BYTE, 1)));
}

/// 150 to 450 µs: short enough that a lock is taken soon after it is free,
/// random so that waiters do not march in step.
fn quick_pause() -> Duration {
    Duration::from_micros(150 + u64::from(jitter()) % 300)
}

/// The pause after so many tries of a waiter outside the queue: quick ones for
/// some 20 ms, then growing to 10 to 30 ms.
fn pause(tries: u32) -> Duration {
    quick_pause() * (1 << (tries / 16).saturating_sub(3).min(6))
}

/// A number that differs between processes and moments; quality is no concern.
fn jitter() -> u32 {
    let nanos = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.subsec_nanos());
    (nanos ^ std::process::id().wrapping_mul(0x9e37_79b9)).wrapping_mul(0x85eb_ca6b) >> 8
}
