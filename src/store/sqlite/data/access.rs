//! Access: who may do what, by Unix identity.
//!
//! A namespace with a row in `larder_grants` is closed: only its principals,
//! the store's owner and root get in. One without is open. Every operation of
//! [`Transaction`] asks here first, inside its own transaction, so that what
//! was granted and what was done belong to one moment.
//!
//! Without a namespace in scope an operation reaches all of them, so it needs
//! admin access to every closed one.
//!
//! Rows can be written by any SQLite client that can write the file. One that
//! makes no sense grants nothing, and still closes its namespace.

use nix::unistd::{AccessFlags, access, getgid, getgroups, getuid};
use rusqlite::params;

use crate::model::{Error, Glob, Grant, Level, NOBODY, Name, Namespace, Principal, Result};
use crate::store::sqlite::connection::Store;
use crate::store::sqlite::data::columns::name;
use crate::store::sqlite::transaction::{Snapshot, Transaction};
use crate::store::sqlite::vault::is_held;

/// The caller. Neither the environment nor a setgid bit counts: identity is the
/// real user ID and its supplementary groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Real user id.
    pub uid: u32,
    /// Real group id and supplementary groups.
    pub groups: Vec<u32>,
}

impl Caller {
    /// The process's own. The kernel's list of supplementary groups does not
    /// hold the effective group, so a setgid program's group is not in it.
    #[must_use]
    pub fn current() -> Self {
        let mut groups = vec![getgid().as_raw()];
        groups.extend(getgroups().unwrap_or_default().into_iter().map(nix::unistd::Gid::as_raw));
        Self { uid: getuid().as_raw(), groups }
    }
}

/// One grant as it concerns the caller.
#[derive(Debug)]
pub(in crate::store::sqlite) struct Right {
    level: Level,
    everything: bool,
    groups: Glob,
}

impl Grant {
    /// What the grant gives to `caller`: nothing if any part of it makes no
    /// sense.
    fn for_caller(&self, caller: &Caller) -> Option<Right> {
        let is_meant = match Principal::parse(&self.principal)? {
            Principal::User(id) => id == caller.uid,
            Principal::Group(id) => caller.groups.contains(&id),
            Principal::Everyone => true,
        };
        let right = Right {
            level: self.level?,
            everything: self.groups == "*",
            groups: Glob::new(&self.groups).ok()?,
        };
        is_meant.then_some(right)
    }
}

/// What the caller may do in the scope of a transaction.
#[derive(Debug)]
pub(in crate::store::sqlite) enum Rights {
    All,
    Some(Vec<Right>),
}

impl Rights {
    fn hold(&self, test: impl Fn(&Right) -> bool) -> bool {
        match self {
            Self::All => true,
            Self::Some(rights) => rights.iter().any(test),
        }
    }
}

impl Snapshot<'_> {
    /// Allows what needs `level` on one group, named as in scope.
    ///
    /// # Errors
    /// [`Error::Denied`], the same whether or not the group exists.
    pub fn permit<'n>(&self, level: Level, group: impl Into<Name<'n>>) -> Result<()> {
        let group = group.into();
        if self.may(level, &group)? { Ok(()) } else { Err(self.denied(level, Some(&group))) }
    }

    /// Allows what needs `level` on every group of the scope.
    pub fn permit_scope(&self, level: Level) -> Result<()> {
        let held = self.rights()?.hold(|right| right.level >= level && right.everything);
        if held { Ok(()) } else { Err(self.denied(level, None)) }
    }

    /// Allows what shows or touches only groups that [`Transaction::may`]
    /// lets through: needs `level` on any.
    pub fn permit_some(&self, level: Level) -> Result<()> {
        let held = self.rights()?.hold(|right| right.level >= level);
        if held { Ok(()) } else { Err(self.denied(level, None)) }
    }

    /// Allows what concerns one namespace by name: the scope must reach it, and
    /// the caller have `level` in the scope, above [`Level::Read`] on all of it.
    pub(in crate::store::sqlite) fn permit_namespace(
        &self,
        namespace: &Namespace,
        level: Level,
    ) -> Result<()> {
        if self.scope.0.as_ref().is_some_and(|scope| scope != namespace) {
            return Err(Error::Denied(format!(
                "no {} access to namespace {}",
                level.as_str(),
                namespace.as_str()
            )));
        }
        if level == Level::Read { self.permit_some(level) } else { self.permit_scope(level) }
    }

    /// Allows what needs `level` on one group or, without one, shows or
    /// touches only groups that [`Transaction::may`] lets through.
    pub(in crate::store::sqlite) fn permit_range(&self, level: Level, group: Option<&str>) -> Result<()> {
        match group {
            Some(group) => self.permit(level, group),
            None => self.permit_some(level),
        }
    }

    /// Allows what concerns the whole store, whatever the scope.
    pub fn permit_store(&self) -> Result<()> {
        if self.is_trusted() || matches!(self.rights_without_scope()?, Rights::All) {
            return Ok(());
        }
        Err(denied_store())
    }

    /// Whether the caller has `level` on one group, named as in scope.
    pub fn may(&self, level: Level, group: &Name<'_>) -> Result<bool> {
        Ok(self.rights()?.hold(|right| right.level >= level && right.groups.matches(group)))
    }

    /// Whether the caller sees every group of the scope.
    pub(in crate::store::sqlite) fn sees_all(&self) -> Result<bool> {
        Ok(self.rights()?.hold(|right| right.everything))
    }

    /// Root and the store's owner are never locked out.
    fn is_trusted(&self) -> bool {
        self.uid == 0 || self.uid == self.owner
    }

    fn denied(&self, level: Level, group: Option<&Name<'_>>) -> Error {
        match (&self.scope.0, group) {
            (None, _) => denied_store(),
            (Some(namespace), Some(group)) => Error::Denied(format!(
                "no {} access to group {} in namespace {}",
                level.as_str(),
                group.quoted(),
                namespace.as_str()
            )),
            (Some(namespace), None) => {
                Error::Denied(format!("no {} access to namespace {}", level.as_str(), namespace.as_str()))
            }
        }
    }

    /// What the caller may do in this scope; looked up once a transaction, in
    /// whose snapshot it cannot change.
    fn rights(&self) -> Result<&Rights> {
        if let Some(rights) = self.rights.get() {
            return Ok(rights);
        }
        let rights = match &self.scope.0 {
            _ if self.is_trusted() => Rights::All,
            None => self.rights_without_scope()?,
            Some(namespace) => {
                let grants = self.grants_of(Some(namespace))?;
                if grants.is_empty() {
                    Rights::All
                } else {
                    let caller = self.caller();
                    Rights::Some(grants.iter().filter_map(|grant| grant.for_caller(&caller)).collect())
                }
            }
        };
        Ok(self.rights.get_or_init(|| rights))
    }

    /// All or nothing: admin of every closed namespace, or not.
    fn rights_without_scope(&self) -> Result<Rights> {
        let grants = self.grants_of(None)?;
        let caller = self.caller();
        let is_admin = |namespace: &str| {
            grants.iter().filter(|grant| grant.namespace == namespace).any(|grant| {
                grant.for_caller(&caller).is_some_and(|right| right.level == Level::Admin && right.everything)
            })
        };
        if grants.iter().all(|grant| is_admin(&grant.namespace)) {
            Ok(Rights::All)
        } else {
            Ok(Rights::Some(Vec::new()))
        }
    }

    fn caller(&self) -> Caller {
        self.caller.cloned().unwrap_or_else(Caller::current)
    }

    fn grants_of(&self, namespace: Option<&Namespace>) -> Result<Vec<Grant>> {
        let mut query = match namespace {
            Some(_) => self.conn.prepare_cached(
                "SELECT namespace,principal,level,groups FROM larder_grants WHERE namespace=?1",
            ),
            None => self.conn.prepare_cached(
                "SELECT namespace,principal,level,groups FROM larder_grants WHERE ?1 IS NULL",
            ),
        }?;
        let grants = query.query_map([namespace.map(Namespace::as_str)], |row| {
            Ok(Grant {
                namespace: name(row.get_ref(0)?),
                principal: name(row.get_ref(1)?),
                level: row.get_ref(2)?.as_i64().ok().and_then(Level::from_row),
                groups: name(row.get_ref(3)?),
            })
        })?;
        Ok(grants.collect::<rusqlite::Result<_>>()?)
    }

    /// The grants of the scope, by namespace and principal. Needs admin access.
    pub fn grants(&self) -> Result<Vec<Grant>> {
        self.permit_scope(Level::Admin)?;
        let mut grants = self.grants_of(self.scope.0.as_ref())?;
        let closed_to_all: Vec<Grant> = grants.extract_if(.., |grant| grant.principal == NOBODY).collect();
        // Of a closed namespace without grants it is all there is to show.
        for closed in closed_to_all {
            if grants.iter().all(|grant| grant.namespace != closed.namespace) {
                let at = grants.partition_point(|grant| grant.namespace < closed.namespace);
                grants.insert(at, closed);
            }
        }
        Ok(grants)
    }

    /// Whether anything in scope is closed.
    pub fn is_closed(&self) -> Result<bool> {
        Ok(!self.grants_of(self.scope.0.as_ref())?.is_empty())
    }

    fn namespace_to_manage(&self) -> Result<&Namespace> {
        let Some(namespace) = &self.scope.0 else {
            return Err(Error::Usage("no namespace to manage access to".into()));
        };
        if !self.is_trusted() {
            if self.grants_of(Some(namespace))?.is_empty() {
                return Err(Error::Denied(format!(
                    "namespace {} is open; only the store's owner and root may close it",
                    namespace.as_str()
                )));
            }
            self.permit_scope(Level::Admin)?;
        }
        Ok(namespace)
    }
}

impl Transaction<'_> {
    /// Grants `level` on the groups that match to a principal, in place of
    /// what it had on the same pattern. Closes the scope's namespace if it was
    /// open, which only the store's owner and root may do: anybody else could
    /// take over what everybody uses.
    pub fn grant(&self, principal: Principal, level: Level, groups: &str) -> Result<()> {
        Glob::new(groups).map_err(Error::Usage)?;
        let namespace = self.namespace_to_manage()?;
        self.conn.execute(
            "INSERT INTO larder_grants(namespace,principal,groups,level)VALUES(?1,?2,?3,?4)ON CONFLICT DO UPDATE SET level=excluded.level",
            params![namespace.as_str(), principal.to_string(), groups, level.number()],
        )?;
        self.keep_closed(namespace)
    }

    /// Makes sure that a namespace that is closed stays so, whatever becomes of
    /// its grants.
    fn keep_closed(&self, namespace: &Namespace) -> Result<()> {
        self.conn.execute(
            "INSERT INTO larder_grants(namespace,principal,groups,level)SELECT ?1,?2,'*',0 WHERE EXISTS(SELECT 1 FROM larder_grants WHERE namespace=?1)ON CONFLICT DO NOTHING",
            params![namespace.as_str(), NOBODY],
        )?;
        Ok(())
    }

    /// Opens the scope's namespace to everybody who can open the store: its
    /// grants go. `false` if it was open. Only for the store's owner and root:
    /// an admin holds what somebody else closed.
    pub fn open_to_all(&self) -> Result<bool> {
        let Some(namespace) = &self.scope.0 else {
            return Err(Error::Usage("no namespace to open".into()));
        };
        if !self.is_trusted() {
            return Err(Error::Denied(format!(
                "only the store's owner and root may open namespace {}",
                namespace.as_str()
            )));
        }
        let gone = self.conn.execute("DELETE FROM larder_grants WHERE namespace=?1", [namespace.as_str()])?;
        Ok(gone > 0)
    }

    /// Takes every grant from a principal, named as it is stored; returns how
    /// many there were. One that makes no sense must be removable too. The
    /// namespace stays closed when the last one is gone.
    pub fn revoke(&self, principal: &str) -> Result<usize> {
        let namespace = self.namespace_to_manage()?;
        if principal == NOBODY {
            return Ok(0);
        }
        self.keep_closed(namespace)?;
        Ok(self.conn.execute(
            "DELETE FROM larder_grants WHERE namespace=?1 AND principal=?2",
            params![namespace.as_str(), principal],
        )?)
    }
}

/// How far the grants of a scope bind the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Nothing in scope is closed.
    Open,
    /// The caller could open the file with another program, so the grants are
    /// advisory.
    Advisory,
    /// The file is out of the caller's reach; larder is the only way in.
    Enforced,
}

impl Protection {
    /// The name in every output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Advisory => "advisory",
            Self::Enforced => "enforced",
        }
    }
}

impl Store {
    /// How far grants bind the caller, from what they can open.
    pub fn protection(&self) -> Result<Protection> {
        if !self.read(|tx| tx.is_closed())? {
            return Ok(Protection::Open);
        }
        // access(2) asks for the real user, which is who the caller is.
        let reaches = |how| access(self.path(), how).is_ok();
        let out_of_reach = is_held(self.path()) && !reaches(AccessFlags::R_OK) && !reaches(AccessFlags::W_OK);
        Ok(if out_of_reach { Protection::Enforced } else { Protection::Advisory })
    }
}

fn denied_store() -> Error {
    Error::Denied("some namespaces are closed: commands without -n need admin access to each of them".into())
}
