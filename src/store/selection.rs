//! Which changes a feed is about.

use crate::model::{Change, ChangeKind, Glob, Scope};

/// A choice of changes, by names as the scope has them.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// This group alone.
    pub group: Option<String>,
    /// Keys that match, and the deletion of their whole group.
    pub keys: Option<Glob>,
    /// Groups that match.
    pub groups: Option<Glob>,
}

impl Selection {
    /// Whether the change is one of the chosen.
    #[must_use]
    pub fn takes(&self, change: &Change, scope: &Scope) -> bool {
        let group = scope.name_of(&change.group);
        scope.holds(&change.group)
            && self.group.as_deref().is_none_or(|wanted| group == wanted)
            && self.groups.as_ref().is_none_or(|glob| glob.matches(&group))
            && match (&self.keys, &change.key) {
                (Some(glob), Some(key)) => glob.matches(key),
                (Some(_), None) => change.kind == ChangeKind::DeleteGroup,
                (None, _) => true,
            }
    }
}
