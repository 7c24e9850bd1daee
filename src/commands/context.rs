//! What a command works with: the settings, the time, and the store.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Command;
use serde_json::Value;

use crate::clock::{Clock, Timestamp};
use crate::exit::{Exit, Failure};
use crate::model::{Namespace, Scope};
use crate::output::{Out, print_note, print_record};
use crate::settings::Settings;
use crate::store::{self, Migrated, Store, StoreOptions, is_missing, is_part_of_store, resolve};
use crate::text::quote;

/// What a command works with.
pub struct Context {
    /// Flags and environment, resolved.
    pub settings: Settings,
    /// Makes the whole parser, for what is generated from it.
    pub parser: fn() -> Command,
}

impl Context {
    /// The present.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Clock::System.now()
    }

    /// Refuses a store that is not there: to a nightly job with a wrong HOME it
    /// would look like one that holds nothing.
    pub(super) fn must_exist(&self) -> anyhow::Result<()> {
        if is_missing(&self.settings.path) { Err(self.no_store().into()) } else { Ok(()) }
    }

    fn no_store(&self) -> Failure {
        let path = quote(&self.settings.path.to_string_lossy());
        Failure::new(Exit::Io, format!("there is no store at {path}")).hint("check --db, LARDER_DB and HOME")
    }

    /// The store, created if need be and allowed: one that has gone since the
    /// start must not be made anew where it had to exist.
    fn made(&self, options: &StoreOptions) -> anyhow::Result<Store> {
        if self.settings.must_exist {
            return Ok(Store::open(options)?.ok_or_else(|| self.no_store())?);
        }
        Ok(Store::create(options)?)
    }

    /// Tells a person something besides the result, on standard error; nothing
    /// with --quiet. With --json it is a record of this kind.
    pub(super) fn note(&self, kind: &str, note: &str) {
        if self.settings.quiet {
            return;
        }
        if self.settings.json {
            print_record(&serde_json::json!({ "note": kind, "message": note }));
        } else {
            print_note(note);
        }
    }

    /// Says what opening the store did with go-store's tables: programs that
    /// use those cannot use the file any more.
    pub(super) fn tell_migrated(&self, migrated: Option<Migrated>) {
        if let Some(migrated) = migrated {
            let path = resolve(&self.settings.path).unwrap_or_else(|_| self.settings.path.clone());
            self.note("migrated", &migrated.tell(&path));
        }
    }

    /// A store that was opened, after the notes about that.
    fn opened(&self, store: Store) -> Store {
        self.tell_migrated(store.migrated());
        store
    }

    /// Like [`Context::opened`], and never closed.
    fn left_open(&self, store: Store) -> &'static Store {
        Box::leak(Box::new(self.opened(store)))
    }

    pub(super) fn options(&self) -> StoreOptions {
        StoreOptions {
            path: self.settings.path.clone(),
            scope: self.settings.scope.clone(),
            busy_timeout: self.settings.busy_timeout,
            clock: Clock::System,
            caller: None,
        }
    }

    /// Tells how a command over many entries ended: the record with --json, the
    /// number alone for a dry run, a note to a person, nothing to cron.
    pub(super) fn sum_up(
        &self,
        mut record: Value,
        dry_run: Option<String>,
        note: &str,
    ) -> anyhow::Result<Exit> {
        let mut out = Out::default();
        if self.settings.json {
            if dry_run.is_some() {
                record["dry_run"] = true.into();
            }
            out.json(&record)?;
        } else if let Some(number) = dry_run {
            out.line(&number)?;
        } else if self.settings.terminal && !self.settings.quiet {
            print_note(note);
        }
        out.finish()?;
        Ok(Exit::Success)
    }

    /// The store's absolute path, a symbolic link to it followed.
    pub fn store_path(&self) -> anyhow::Result<PathBuf> {
        Ok(resolve(&self.settings.path)?)
    }

    /// Refuses a file to be read or written that is the store or one of those
    /// that go with it. If it were written, not even a copy would be left; once
    /// it is read and closed, the locks that SQLite has on it are gone.
    pub(super) fn refuse_store(&self, file: &Path) -> anyhow::Result<()> {
        if !is_part_of_store(&self.store_path()?, file) {
            return Ok(());
        }
        Err(Failure::usage(format!("{} is the store itself", quote(&file.to_string_lossy())))
            .hint("name another file; 'larder backup' copies the store")
            .into())
    }

    /// The store, if there is one, for a command that reads it.
    ///
    /// It is never closed: the process is about to end, and the kernel takes
    /// descriptors, locks and memory back at once where SQLite would free its
    /// schema piece by piece, a tenth of what a `get` costs.
    pub fn existing(&self) -> anyhow::Result<Option<&'static Store>> {
        Ok(Store::open_to_read(&self.options())?.map(|store| self.left_open(store)))
    }

    /// The store, if there is one, for a command that only looks up entries;
    /// never closed either.
    pub fn existing_to_get(&self) -> anyhow::Result<Option<&'static Store>> {
        Ok(Store::open_to_get(&self.options())?.map(|store| self.left_open(store)))
    }

    /// The store, if there is one, for a command that changes it; never closed
    /// either.
    pub fn existing_to_write(&self) -> anyhow::Result<Option<&'static Store>> {
        Ok(Store::open(&self.options())?.map(|store| self.left_open(store)))
    }

    /// Refuses a namespace: the command is about the whole file, and a scoped
    /// command must not reach beyond its namespace.
    pub(super) fn whole_store(&self) -> anyhow::Result<()> {
        if self.settings.scope.0.is_none() {
            return Ok(());
        }
        Err(Failure::usage("this command works on the whole store, not on one namespace")
            .hint("omit --namespace, and unset LARDER_NAMESPACE")
            .into())
    }

    /// The store, created if need be; never closed, as above.
    pub fn create(&self) -> anyhow::Result<&'static Store> {
        Ok(self.left_open(self.made(&self.options())?))
    }

    /// The store, created if need be, for a command that outlives its use.
    pub fn open_or_create(&self) -> anyhow::Result<Store> {
        Ok(self.opened(self.made(&self.options())?))
    }

    /// The store, if there is one, for a command that outlives its use: it is
    /// closed when dropped.
    pub fn open(&self) -> anyhow::Result<Option<Store>> {
        Ok(Store::open_to_read(&self.options())?.map(|store| self.opened(store)))
    }

    /// Like [`Context::open`], for a command that has more to do than to wait for
    /// a locked store.
    pub(super) fn open_within(&self, patience: Duration) -> store::Result<Option<Store>> {
        Store::open_to_read(&StoreOptions { busy_timeout: patience, ..self.options() })
    }

    /// The store as [`Context::existing`] has it, confined to the namespace
    /// that an argument names.
    pub fn existing_in(&self, namespace: &Namespace) -> anyhow::Result<Option<&'static Store>> {
        Ok(Store::open_to_read(&self.options_in(namespace)?)?.map(|store| self.left_open(store)))
    }

    /// The store as [`Context::create`] has it, confined to the namespace that
    /// an argument names.
    pub fn create_in(&self, namespace: &Namespace) -> anyhow::Result<&'static Store> {
        Ok(self.left_open(self.made(&self.options_in(namespace)?)?))
    }

    pub(super) fn options_in(&self, namespace: &Namespace) -> Result<StoreOptions, Failure> {
        match &self.settings.scope.0 {
            Some(scope) if scope != namespace => Err(Failure::usage(format!(
                "namespace {} cannot be named from within namespace {}",
                namespace.as_str(),
                scope.as_str()
            ))),
            _ => Ok(StoreOptions { scope: Scope(Some(namespace.clone())), ..self.options() }),
        }
    }
}
