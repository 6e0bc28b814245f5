//! Roles, and the one table of what each of them does at the console: menus, handlers and tests read it from
//! here. Administration is kept in three hands (GB/T 22239, level 3): whoever has one of the administrative
//! roles has no other.

use std::collections::BTreeSet;

use crate::domain::refusal::Refusal;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Role {
    /// 系统管理员: who the officers are.
    System,
    /// 安全管理员: accounts of people that are in danger, and officers that are.
    Security,
    /// 审计管理员: what everybody did, officers first.
    Audit,
    /// 办税服务厅: people at the counter.
    Hall,
    /// 审核岗: applications of non-resident enterprises.
    Reviewer,
}

impl Role {
    pub const ALL: [Self; 5] =
        [Self::System, Self::Security, Self::Audit, Self::Hall, Self::Reviewer];

    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Security => "security",
            Self::Audit => "audit",
            Self::Hall => "hall",
            Self::Reviewer => "reviewer",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// One of the three that nobody has together with another.
    pub fn is_administrative(self) -> bool {
        matches!(self, Self::System | Self::Security | Self::Audit)
    }
}

/// One administrative role alone, or any of the others.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Roles(BTreeSet<Role>);

impl Roles {
    /// `E_FORMAT` at `role`: none, or an administrative one beside another.
    pub fn new(roles: impl IntoIterator<Item = Role>) -> Result<Self, Refusal> {
        let roles: BTreeSet<Role> = roles.into_iter().collect();
        let is_apart = roles.len() == 1 || !roles.iter().any(|role| role.is_administrative());
        match is_apart && !roles.is_empty() {
            true => Ok(Self(roles)),
            false => Err(Refusal::format("role")),
        }
    }

    /// Names with a blank between, as [`Roles::text`] writes them.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let roles: Option<Vec<Role>> = text.split_whitespace().map(Role::parse).collect();
        Self::new(roles.ok_or_else(|| Refusal::format("role"))?)
    }

    pub fn text(&self) -> String {
        self.iter().map(Role::name).collect::<Vec<_>>().join(" ")
    }

    pub fn iter(&self) -> impl Iterator<Item = Role> {
        self.0.iter().copied()
    }

    pub fn may(&self, duty: Duty) -> bool {
        self.iter().any(|role| duty.is_of(role))
    }
}

/// What is done at the console.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Duty {
    /// Who the officers are, and how they stand.
    ListOfficers,
    /// Lock one, or let one in again.
    LockOfficer,
    /// Find a person and see them, masked.
    FindPerson,
    /// End what wrong passwords or the bureau have locked.
    Unlock,
    EndSessions,
    ExpirePassword,
    /// Close an account until it is unlocked.
    Lock,
    /// Take a second factor away: whoever can talk an officer into it has half an account.
    RemoveFactor,
    /// Collect and correct real-name records.
    HallRecords,
    /// Handlers that the hall adds, edits, withdraws, ends.
    Handlers,
    /// Everything that ever stood between people and an enterprise (X-19, AC-40).
    History,
    Audit,
    /// Applications of non-resident enterprises (N-08).
    Review,
}

impl Duty {
    pub const ALL: [Self; 13] = [
        Self::ListOfficers,
        Self::LockOfficer,
        Self::FindPerson,
        Self::Unlock,
        Self::EndSessions,
        Self::ExpirePassword,
        Self::Lock,
        Self::RemoveFactor,
        Self::HallRecords,
        Self::Handlers,
        Self::History,
        Self::Audit,
        Self::Review,
    ];

    pub fn is_of(self, role: Role) -> bool {
        let columns = match self {
            //                     system, security, audit, hall, reviewer
            Self::ListOfficers => [true, true, true, false, false],
            Self::LockOfficer => [true, true, false, false, false],
            Self::FindPerson | Self::Unlock | Self::EndSessions | Self::ExpirePassword => {
                [false, true, false, true, false]
            }
            Self::Lock | Self::RemoveFactor => [false, true, false, false, false],
            Self::HallRecords | Self::Handlers => [false, false, false, true, false],
            Self::History => [false, false, true, true, false],
            Self::Audit => [false, false, true, false, false],
            Self::Review => [false, false, false, false, true],
        };
        columns[role as usize]
    }
}
