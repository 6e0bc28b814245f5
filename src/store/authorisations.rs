//! Authorisations between persons and enterprises, the events that led to their state, and their
//! end in the histories. How the two sides read them is `store::relations`.

use std::collections::HashSet;
use std::sync::LazyLock;

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    TryInsertResult, Value,
};
use uuid::Uuid;

use super::columns::columns;
use super::entity::{authorisation, authorisation_event, authorisation_history};
use super::found::{Found, Page, Place};
use super::{Rows, StoreError, Writing, evened};
use crate::base::clock::{Day, Timestamp};
use crate::base::id::{AuthorisationId, EnterpriseId, PersonId};
use crate::domain::authorisation::{
    Authorisation, AuthorisationRow, Changed, HistoryEntry, Origin, State, Terms,
};
use crate::domain::identity_type::{IdentityTypeName, Permissions};
use crate::domain::number::name::PersonName;

pub struct Authorisations<'c, A>(Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn authorisations(self) -> Authorisations<'c, A> {
        Authorisations(self)
    }
}

const ORIGINS: [(Origin, &str); 4] = [
    (Origin::ByEnterprise, "by_enterprise"),
    (Origin::ByPerson, "by_person"),
    (Origin::Hall, "hall"),
    (Origin::Registry, "registry"),
];

impl<A> Authorisations<'_, A> {
    pub async fn find(&self, id: AuthorisationId) -> Result<Option<Authorisation>, StoreError> {
        let row = self
            .0
            .find::<authorisation::Entity>()
            .filter(authorisation::Column::Id.eq(id.0))
            .one(&self.0.db())
            .await?;
        row.map(read).transpose()
    }

    /// All of a person in one enterprise, oldest first.
    pub async fn list(
        &self,
        person: PersonId,
        enterprise: EnterpriseId,
    ) -> Result<Vec<Authorisation>, StoreError> {
        let rows = self
            .0
            .find::<authorisation::Entity>()
            .filter(authorisation::Column::PersonId.eq(person.0))
            .filter(authorisation::Column::EnterpriseId.eq(enterprise.0))
            .order_by_asc(authorisation::Column::Id)
            .all(&self.0.db())
            .await?;
        rows.into_iter().map(read).collect()
    }

    /// Those in an enterprise that are not over, oldest first.
    pub async fn of_enterprise(
        &self,
        enterprise: EnterpriseId,
    ) -> Result<Vec<Authorisation>, StoreError> {
        let rows = self.not_over(enterprise).all(&self.0.db()).await?;
        rows.into_iter().map(read).collect()
    }

    /// Those of some identity types alone.
    pub async fn held_as(
        &self,
        enterprise: EnterpriseId,
        types: &[IdentityTypeName],
    ) -> Result<Vec<Authorisation>, StoreError> {
        self.held_in(&[enterprise], types).await
    }

    /// Those of some identity types in many enterprises that are not over.
    pub async fn held_in(
        &self,
        enterprises: &[EnterpriseId],
        types: &[IdentityTypeName],
    ) -> Result<Vec<Authorisation>, StoreError> {
        let types = types.iter().map(|name| name.0.as_str());
        let of_types = authorisation::Column::IdentityType.is_in(types);
        let rows = self.not_over_in(enterprises).filter(of_types).all(&self.0.db()).await?;
        rows.into_iter().map(read).collect()
    }

    /// The pairs of some people and some enterprises between whom there is or was a relation.
    pub async fn pairs(
        &self,
        people: &[PersonId],
        enterprises: &[EnterpriseId],
    ) -> Result<HashSet<(PersonId, EnterpriseId)>, StoreError> {
        let people = evened(people.iter().map(|id| id.0).collect());
        let enterprises = evened(enterprises.iter().map(|id| id.0).collect());
        let known: Vec<(Uuid, Uuid)> = self
            .0
            .find::<authorisation::Entity>()
            .select_only()
            .columns([authorisation::Column::PersonId, authorisation::Column::EnterpriseId])
            .filter(authorisation::Column::PersonId.is_in(people))
            .filter(authorisation::Column::EnterpriseId.is_in(enterprises))
            .into_tuple()
            .all(&self.0.db())
            .await?;
        let pair = |(person, enterprise)| (PersonId(person), EnterpriseId(enterprise));
        Ok(known.into_iter().map(pair).collect())
    }

    fn not_over(&self, enterprise: EnterpriseId) -> Select<authorisation::Entity> {
        self.not_over_in(&[enterprise])
    }

    fn not_over_in(&self, enterprises: &[EnterpriseId]) -> Select<authorisation::Entity> {
        let over = State::ALL.into_iter().filter(|state| state.is_terminal());
        let enterprises = evened(enterprises.iter().map(|id| id.0).collect());
        self.0
            .find::<authorisation::Entity>()
            .filter(authorisation::Column::EnterpriseId.is_in(enterprises))
            .filter(authorisation::Column::State.is_not_in(over.map(State::name)))
            .order_by_asc(authorisation::Column::Id)
    }

    /// Those that time has ended, what is over longest first.
    pub async fn overdue(
        &self,
        over: Over,
        after: Option<Place>,
    ) -> Result<Page<Authorisation>, StoreError> {
        let (sql, before, first): (&str, Value, Place) = match over {
            Over::Term(today) => (PAST_TERM.as_str(), today.to_string().into(), Place::first("")),
            Over::Answer(before) => (UNANSWERED.as_str(), before.0.into(), Place::first(i64::MIN)),
        };
        let after = after.unwrap_or(first);
        let rows = self.0.all(sql, [before, after.at, after.id.into()]).await?;
        let found = rows.iter().map(|row| {
            let at: Value = match over {
                Over::Term(_) => row.try_get::<String>("h_", "valid_to")?.into(),
                Over::Answer(_) => row.try_get::<i64>("h_", "updated_at")?.into(),
            };
            let found = Found::of(row, "h_", read)?;
            Ok::<_, StoreError>((Place { at, id: found.id }, found))
        });
        Ok(Page::of(found.collect::<Result<_, _>>()?, OVERDUE_AT_ONCE))
    }

    /// Active ones that end on one of these days, and whose holder was not yet told so with this
    /// warning ([`expiring`]).
    pub async fn ending(
        &self,
        from: Day,
        to: Day,
        warning: u64,
    ) -> Result<Vec<Found<Authorisation>>, StoreError> {
        let values =
            [from.to_string().into(), to.to_string().into(), expiring_prefix(warning).into()];
        let rows = self.0.all(&ENDING, values).await?;
        rows.iter().map(|row| Found::of(row, "h_", read)).collect()
    }
}

/// What is over without anybody's doing.
#[derive(Clone, Copy, Debug)]
pub enum Over {
    /// Live, with a term that ended before this day.
    Term(Day),
    /// Waiting since before then for an answer.
    Answer(Timestamp),
}

const OVERDUE_AT_ONCE: usize = 100;

/// States and order are those of the two indexes (migration 52): what time ends is a few rows of a table
/// whose other rows have ended long ago.
static PAST_TERM: LazyLock<String> = LazyLock::new(|| {
    overdue("h.state IN ('pending_by_person', 'pending_by_enterprise', 'active')", "h.valid_to")
});

static UNANSWERED: LazyLock<String> = LazyLock::new(|| {
    overdue("h.state IN ('pending_by_person', 'pending_by_enterprise')", "h.updated_at")
});

fn overdue(states: &str, by: &str) -> String {
    format!(
        "SELECT {} FROM authorisation h WHERE h.realm = $1 AND {states} AND {by} < $2 \
         AND ({by}, h.id) > ($3, $4) ORDER BY {by}, h.id LIMIT {OVERDUE_AT_ONCE}",
        columns::<authorisation::Entity>("h"),
    )
}

static ENDING: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {} FROM authorisation h WHERE h.realm = $1 AND h.state = 'active' \
         AND h.valid_to BETWEEN $2 AND $3 AND NOT EXISTS (SELECT 1 FROM notice n \
         WHERE n.realm = $1 AND n.person_id = h.person_id AND n.authorisation_id = h.id \
         AND n.once = $4 || h.valid_to)",
        columns::<authorisation::Entity>("h"),
    )
});

fn expiring_prefix(days: u64) -> String {
    format!("expiring-{days}-")
}

/// What keeps a warning from being given twice: so many days before this end.
pub fn expiring(days: u64, end: Day) -> String {
    format!("{}{end}", expiring_prefix(days))
}

impl Authorisations<'_, Writing> {
    /// Saves a step of the table: the relation, the event that led there and, when it is over, its
    /// place in both histories. `false`: another act came first, or a live one of this
    /// person, enterprise and identity type is there already (invariant 4). `event_id`: of the event's row.
    pub async fn save(&self, event_id: Uuid, changed: &Changed) -> Result<bool, StoreError> {
        let is_saved = match changed.before() {
            None => self.add(changed.after()).await?,
            Some(before) => self.update(before, changed.after()).await?,
        };
        if is_saved {
            self.add_event(event_id, changed).await?;
            if let Some(entry) = changed.history() {
                self.add_history(&entry).await?;
            }
        }
        Ok(is_saved)
    }

    /// Many new ones with the events that began them; each `Uuid` is of the event's row. One that is
    /// there already is a conflict.
    pub async fn add_all(&self, new: &[(Uuid, Changed)]) -> Result<(), StoreError> {
        let rows = new.iter().map(|(_, changed)| self.row(changed.after()));
        self.0.insert_all(rows.collect()).await?;
        let events = new.iter().map(|(id, changed)| self.event_row(*id, changed));
        self.0.insert_all(events.collect()).await
    }

    fn row(&self, new: &Authorisation) -> authorisation::ActiveModel {
        authorisation::ActiveModel {
            id: Set(new.id.0),
            realm: Set(self.0.realm.to_owned()),
            enterprise_id: Set(new.enterprise.0),
            person_id: Set(new.person.0),
            identity_type: Set(new.identity_type.0.clone()),
            permissions: Set(join(new.permissions())),
            valid_from: Set(new.valid_from.to_string()),
            valid_to: Set(new.valid_to().map(|day| day.to_string())),
            origin: Set(origin_name(new.origin).to_owned()),
            state: Set(new.state().name().to_owned()),
            invited_by: Set(new.invited_by.map(|person| person.0)),
            confirmed_at: Set(new.confirmed_at().map(|at| at.0)),
            updated_at: Set(new.updated_at().0),
            version: Set(new.version()),
            named: Set(None),
        }
    }

    /// The name that the enterprise typed, where nobody knows whose the number beside it is.
    pub async fn set_named(
        &self,
        id: AuthorisationId,
        name: &PersonName,
    ) -> Result<(), StoreError> {
        let sealed = self.0.seal(&named_place(id.0), name.as_str());
        self.0
            .update::<authorisation::Entity>()
            .col_expr(authorisation::Column::Named, Expr::value(sealed))
            .filter(authorisation::Column::Id.eq(id.0))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }

    async fn add(&self, new: &Authorisation) -> Result<bool, StoreError> {
        let added = authorisation::Entity::insert(self.row(new))
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .try_insert()
            .exec_without_returning(&self.0.db())
            .await?;
        Ok(matches!(added, TryInsertResult::Inserted(1)))
    }

    async fn update(
        &self,
        before: &Authorisation,
        after: &Authorisation,
    ) -> Result<bool, StoreError> {
        let begins = !before.state().is_live() || before.person != after.person;
        if after.state().is_live() && begins && self.has_live(after).await? {
            return Ok(false);
        }
        let valid_to = after.valid_to().map(|day| day.to_string());
        let confirmed_at = after.confirmed_at().map(|at| at.0);
        let mut update = self
            .0
            .update::<authorisation::Entity>()
            .col_expr(authorisation::Column::PersonId, Expr::value(after.person.0))
            .col_expr(authorisation::Column::State, Expr::value(after.state().name()))
            .col_expr(authorisation::Column::Permissions, Expr::value(join(after.permissions())))
            .col_expr(authorisation::Column::ValidFrom, Expr::value(after.valid_from.to_string()))
            .col_expr(authorisation::Column::ValidTo, Expr::value(valid_to))
            .col_expr(authorisation::Column::ConfirmedAt, Expr::value(confirmed_at))
            .col_expr(authorisation::Column::UpdatedAt, Expr::value(after.updated_at().0))
            .col_expr(authorisation::Column::Version, Expr::value(after.version()))
            .filter(authorisation::Column::Id.eq(after.id.0))
            .filter(authorisation::Column::Version.eq(before.version()));
        if after.state() == State::Active {
            // Whoever has agreed is known by their own name from then on, also where they are asked anew.
            update = update.col_expr(authorisation::Column::Named, Expr::value(None::<Vec<u8>>));
        }
        let done = update.exec(&self.0.db()).await?;
        Ok(done.rows_affected == 1)
    }

    /// Whether there is a live one between the same two, of the same identity type.
    pub async fn has_live(&self, of: &Authorisation) -> Result<bool, StoreError> {
        let all = self.list(of.person, of.enterprise).await?;
        Ok(all.iter().any(|one| one.identity_type == of.identity_type && one.state().is_live()))
    }

    async fn add_event(&self, id: Uuid, changed: &Changed) -> Result<(), StoreError> {
        self.0.insert_all(vec![self.event_row(id, changed)]).await
    }

    fn event_row(&self, id: Uuid, changed: &Changed) -> authorisation_event::ActiveModel {
        let (after, by) = (changed.after(), changed.by());
        authorisation_event::ActiveModel {
            realm: Set(self.0.realm.to_owned()),
            id: Set(id),
            authorisation_id: Set(after.id.0),
            event: Set(changed.event().name().to_owned()),
            side: Set(by.actor.side().to_owned()),
            person_id: Set(by.person.map(|person| person.0)),
            at: Set(after.updated_at().0),
        }
    }

    async fn add_history(&self, new: &HistoryEntry) -> Result<(), StoreError> {
        authorisation_history::Entity::insert(authorisation_history::ActiveModel {
            realm: Set(self.0.realm.to_owned()),
            authorisation_id: Set(new.authorisation.0),
            reason: Set(new.reason.name().to_owned()),
            side: Set(new.by.side().to_owned()),
            at: Set(new.at.0),
            hidden_for_enterprise_at: Set(None),
            hidden_for_person_at: Set(None),
        })
        .exec_without_returning(&self.0.db())
        .await?;
        Ok(())
    }
}

/// Where a typed name is sealed.
pub(super) fn named_place(id: Uuid) -> String {
    format!("authorisation.named.{id}")
}

fn origin_name(origin: Origin) -> &'static str {
    ORIGINS.iter().find(|(known, _)| *known == origin).map_or("hall", |(_, name)| name)
}

/// Permission sets are kept as sorted words.
pub(super) fn join(permissions: &Permissions) -> String {
    permissions.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}

pub(super) fn split(permissions: &str) -> Permissions {
    permissions.split_whitespace().map(str::to_owned).collect()
}

pub(super) fn read(row: authorisation::Model) -> Result<Authorisation, StoreError> {
    let wrong = |column| StoreError::inconsistent("authorisation", column, row.id);
    let origin = ORIGINS.iter().find(|(_, name)| *name == row.origin).map(|(origin, _)| *origin);
    let valid_to = row.valid_to.as_deref().map(|day| Day::parse(day).ok_or(wrong("valid_to")));
    let terms = Terms { permissions: split(&row.permissions), valid_to: valid_to.transpose()? };
    Ok(Authorisation::from(AuthorisationRow {
        id: AuthorisationId(row.id),
        enterprise: EnterpriseId(row.enterprise_id),
        person: PersonId(row.person_id),
        valid_from: Day::parse(&row.valid_from).ok_or_else(|| wrong("valid_from"))?,
        origin: origin.ok_or_else(|| wrong("origin"))?,
        invited_by: row.invited_by.map(PersonId),
        state: State::parse(&row.state).ok_or_else(|| wrong("state"))?,
        terms,
        confirmed_at: row.confirmed_at.map(Timestamp),
        updated_at: Timestamp(row.updated_at),
        version: row.version,
        identity_type: IdentityTypeName(row.identity_type),
    }))
}
