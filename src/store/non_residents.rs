//! Applications for the identity code of a non-resident enterprise, and their files. What the form says
//! and what became of it is sealed as one; numbers and names are found by their keyed hashes.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QueryResult, QuerySelect,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::enterprises::name_hash;
use super::entity::{nr_application as row, nr_file as file};
use super::{Rows, StoreError, Writing};
use crate::base::clock::Timestamp;
use crate::base::id::{ApplicationId, EnterpriseId, PersonId, UploadId};
use crate::domain::non_resident::{Application, FileKind, Form, State, Upload};
use crate::domain::number::enterprise_name::compared;

pub struct NonResidents<'c, A>(Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn non_residents(self) -> NonResidents<'c, A> {
        NonResidents(self)
    }
}

/// As it is sealed.
#[derive(Serialize, Deserialize)]
pub(super) struct Content {
    pub(super) form: Form,
    state: State,
}

/// An enterprise that a new one is compared with.
#[derive(Clone)]
pub struct Known {
    pub id: EnterpriseId,
    pub name: String,
    pub tin: String,
}

const NAMED: &str = "SELECT id, name, tin FROM enterprise \
     WHERE realm = $1 AND kind = 'non_resident' AND name_hash IN ($2, $3)";

/// Those that were kept before names had hashes, until a job has given them theirs: they are compared each.
const WITHOUT_HASH: &str = "SELECT id, name, tin FROM enterprise \
     WHERE realm = $1 AND kind = 'non_resident' AND name_hash IS NULL";

/// As it was read: whoever renames it meanwhile gives it a hash themselves.
const HASH: &str = "UPDATE enterprise SET name_hash = $2 \
     WHERE realm = $1 AND id = $3 AND name = $4 AND kind = 'non_resident' AND name_hash IS NULL";

const NEXT_NUMBER: &str = "INSERT INTO nr_sequence (realm, place, last) VALUES ($1, $2, 1) \
     ON CONFLICT (realm, place) DO UPDATE SET last = nr_sequence.last + 1 RETURNING last AS last";

fn place(id: Uuid) -> String {
    format!("nr_application.content.{id}")
}

fn file_place(column: &str, id: Uuid) -> String {
    format!("nr_file.{column}.{id}")
}

impl<A> NonResidents<'_, A> {
    pub async fn find(&self, id: ApplicationId) -> Result<Option<Application>, StoreError> {
        let found = self.0.find::<row::Entity>().filter(row::Column::Id.eq(id.0));
        found.one(&self.0.db()).await?.map(|row| self.read(row)).transpose()
    }

    /// A person's own, the newest first.
    pub async fn of_person(
        &self,
        person: PersonId,
        most: u64,
    ) -> Result<Vec<Application>, StoreError> {
        let found = self
            .0
            .find::<row::Entity>()
            .filter(row::Column::PersonId.eq(person.0))
            .order_by_desc(row::Column::Id)
            .limit(most);
        self.read_all(found.all(&self.0.db()).await?)
    }

    /// Those that wait for the bureau, the oldest first.
    pub async fn waiting(&self, most: u64) -> Result<Vec<Application>, StoreError> {
        let found = self
            .0
            .find::<row::Entity>()
            .filter(row::Column::State.eq("submitted"))
            .order_by_asc(row::Column::WaitsSince)
            .order_by_asc(row::Column::Id)
            .limit(most);
        self.read_all(found.all(&self.0.db()).await?)
    }

    /// Others that were submitted and not given up, with the same number at home or one of the names.
    pub async fn alike(&self, one: &Application) -> Result<Vec<Application>, StoreError> {
        let mut found: Vec<row::Model> = Vec::new();
        for (column, kind, value) in [
            (row::Column::NumberIndex, "home_number", one.form.comparable_number()),
            (row::Column::NameIndex, "enterprise_name", one.form.name_zh.comparable()),
            (row::Column::ForeignNameIndex, "enterprise_name", one.form.name_foreign.comparable()),
        ] {
            let some = self
                .0
                .find::<row::Entity>()
                .filter(column.is_in(self.0.indexes(kind, &value)))
                .filter(row::Column::State.is_in(["submitted", "returned", "approved"]))
                .filter(row::Column::Id.ne(one.id.0))
                .order_by_asc(row::Column::Id)
                .limit(MOST_ALIKE);
            for row in some.all(&self.0.db()).await? {
                if found.iter().all(|known| known.id != row.id) {
                    found.push(row);
                }
            }
        }
        self.read_all(found)
    }

    /// Those that no hash finds, for [`NonResidents::named`]; read once for a whole list.
    pub async fn without_hash(&self) -> Result<Vec<Known>, StoreError> {
        self.0.all(WITHOUT_HASH, []).await?.iter().map(known).collect()
    }

    /// Non-resident enterprises with one of two names, given in the form in which they are compared.
    pub async fn named(
        &self,
        names: &[String; 2],
        without_hash: &[Known],
    ) -> Result<Vec<Known>, StoreError> {
        let values = names.each_ref().map(|name| name_hash(name).into());
        let rows = self.0.all(NAMED, values).await?;
        let mut found = rows.iter().map(known).collect::<Result<Vec<_>, _>>()?;
        found.extend_from_slice(without_hash);
        found.retain(|one| names.contains(&compared(&one.name)));
        Ok(found)
    }

    pub async fn files(&self, of: ApplicationId) -> Result<Vec<Upload>, StoreError> {
        let found: Vec<(Uuid, Vec<u8>, String, i64, i64)> = self
            .0
            .find::<file::Entity>()
            .filter(file::Column::ApplicationId.eq(of.0))
            .order_by_asc(file::Column::Id)
            .select_only()
            .column(file::Column::Id)
            .column(file::Column::Name)
            .column(file::Column::Kind)
            .column(file::Column::Size)
            .column(file::Column::AddedAt)
            .into_tuple()
            .all(&self.0.db())
            .await?;
        let files = found.into_iter().map(|(id, name, kind, size, at)| {
            let kind = FileKind::parse(&kind);
            Ok(Upload {
                id: UploadId(id),
                name: self.0.unseal(&file_place("name", id), &name)?,
                kind: kind.ok_or_else(|| StoreError::inconsistent("nr_file", "kind", id))?,
                size: usize::try_from(size).unwrap_or_default(),
                added_at: Timestamp(at),
            })
        });
        files.collect()
    }

    pub async fn n_files(&self, of: ApplicationId) -> Result<u64, StoreError> {
        let found = self.0.find::<file::Entity>().filter(file::Column::ApplicationId.eq(of.0));
        Ok(found.count(&self.0.db()).await?)
    }

    /// What is in a file of this application.
    pub async fn content(
        &self,
        of: ApplicationId,
        id: UploadId,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self
            .0
            .find::<file::Entity>()
            .filter(file::Column::Id.eq(id.0))
            .filter(file::Column::ApplicationId.eq(of.0))
            .one(&self.0.db())
            .await?;
        let open =
            |row: file::Model| self.0.unseal_bytes(&file_place("content", row.id), &row.content);
        found.map(open).transpose()
    }

    fn read_all(&self, rows: Vec<row::Model>) -> Result<Vec<Application>, StoreError> {
        rows.into_iter().map(|row| self.read(row)).collect()
    }

    fn read(&self, row: row::Model) -> Result<Application, StoreError> {
        let text = self.0.unseal(&place(row.id), &row.content)?;
        let content: Content = serde_json::from_str(&text)
            .map_err(|_| StoreError::inconsistent("nr_application", "content", row.id))?;
        Ok(Application {
            id: ApplicationId(row.id),
            person: PersonId(row.person_id),
            form: content.form,
            state: content.state,
            first_submitted_at: row.first_submitted_at.map(Timestamp),
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
            version: row.version,
        })
    }

    fn number_index(&self, form: &Form) -> Vec<u8> {
        self.0.index("home_number", &form.comparable_number())
    }

    fn name_index(&self, comparable: String) -> Vec<u8> {
        self.0.index("enterprise_name", &comparable)
    }
}

fn known(row: &QueryResult) -> Result<Known, StoreError> {
    Ok(Known {
        id: EnterpriseId(row.try_get("", "id")?),
        name: row.try_get("", "name")?,
        tin: row.try_get("", "tin")?,
    })
}

/// Nobody reads more to see that there is one.
const MOST_ALIKE: u64 = 20;

impl NonResidents<'_, Writing> {
    /// Gives its name its hash; `false`: it has one by now, or another name.
    pub async fn hash(&self, one: &Known) -> Result<bool, StoreError> {
        let hash = name_hash(&compared(&one.name));
        let values = [hash.into(), one.id.0.into(), one.name.as_str().into()];
        let done = self.0.db().execute_raw(self.0.statement(HASH, values)).await?;
        Ok(done.rows_affected() > 0)
    }

    /// `false`: the person has an open one.
    pub async fn add(&self, new: &Application) -> Result<bool, StoreError> {
        let model = row::ActiveModel {
            id: Set(new.id.0),
            realm: Set(self.0.realm.to_owned()),
            person_id: Set(new.person.0),
            state: Set(new.state.name().to_owned()),
            content: Set(self.sealed(new)?),
            number_index: Set(self.number_index(&new.form)),
            name_index: Set(self.name_index(new.form.name_zh.comparable())),
            foreign_name_index: Set(self.name_index(new.form.name_foreign.comparable())),
            waits_since: Set(None),
            first_submitted_at: Set(None),
            created_at: Set(new.created_at.0),
            updated_at: Set(new.updated_at.0),
            version: Set(new.version),
        };
        let added =
            row::Entity::insert(model).on_conflict(OnConflict::new().do_nothing().to_owned());
        Ok(added.exec_without_returning(&self.0.db()).await? == 1)
    }

    /// In place of the version before it; `false`: it has changed meanwhile.
    pub async fn save(&self, next: &Application) -> Result<bool, StoreError> {
        let done = self
            .0
            .update::<row::Entity>()
            .col_expr(row::Column::State, Expr::value(next.state.name()))
            .col_expr(row::Column::Content, Expr::value(self.sealed(next)?))
            .col_expr(row::Column::NumberIndex, Expr::value(self.number_index(&next.form)))
            .col_expr(
                row::Column::NameIndex,
                Expr::value(self.name_index(next.form.name_zh.comparable())),
            )
            .col_expr(
                row::Column::ForeignNameIndex,
                Expr::value(self.name_index(next.form.name_foreign.comparable())),
            )
            .col_expr(row::Column::WaitsSince, Expr::value(next.waits_since().map(|at| at.0)))
            .col_expr(
                row::Column::FirstSubmittedAt,
                Expr::value(next.first_submitted_at.map(|at| at.0)),
            )
            .col_expr(row::Column::UpdatedAt, Expr::value(next.updated_at.0))
            .col_expr(row::Column::Version, Expr::value(next.version))
            .filter(row::Column::Id.eq(next.id.0))
            .filter(row::Column::Version.eq(next.version - 1))
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }

    pub async fn add_file(
        &self,
        of: ApplicationId,
        upload: &Upload,
        content: &[u8],
    ) -> Result<(), StoreError> {
        let id = upload.id.0;
        let model = file::ActiveModel {
            id: Set(id),
            realm: Set(self.0.realm.to_owned()),
            application_id: Set(of.0),
            name: Set(self.0.seal(&file_place("name", id), &upload.name)),
            kind: Set(upload.kind.name().to_owned()),
            size: Set(i64::try_from(upload.size).unwrap_or(i64::MAX)),
            content: Set(self.0.seal_bytes(&file_place("content", id), content)),
            added_at: Set(upload.added_at.0),
        };
        file::Entity::insert(model).exec_without_returning(&self.0.db()).await?;
        Ok(())
    }

    /// `false`: there is no such file of this application.
    pub async fn remove_file(&self, of: ApplicationId, id: UploadId) -> Result<bool, StoreError> {
        let one = self.0.delete::<file::Entity>().filter(file::Column::Id.eq(id.0));
        let gone = one.filter(file::Column::ApplicationId.eq(of.0)).exec(&self.0.db()).await?;
        Ok(gone.rows_affected == 1)
    }

    pub async fn remove_files(&self, of: ApplicationId) -> Result<(), StoreError> {
        let all = self.0.delete::<file::Entity>().filter(file::Column::ApplicationId.eq(of.0));
        all.exec(&self.0.db()).await?;
        Ok(())
    }

    /// The next number of a place and country. Nobody else has it before this transaction ends, nor after
    /// it is committed.
    pub async fn next_number(&self, place: &str) -> Result<u32, StoreError> {
        let found = self.0.one(NEXT_NUMBER, [place.into()]).await?;
        let last: i64 = found.map(|row| row.try_get("", "last")).transpose()?.unwrap_or_default();
        u32::try_from(last).map_err(|_| StoreError::inconsistent("nr_sequence", "last", place))
    }

    fn sealed(&self, one: &Application) -> Result<Vec<u8>, StoreError> {
        let content = Content { form: one.form.clone(), state: one.state.clone() };
        let text = serde_json::to_string(&content)
            .map_err(|_| StoreError::inconsistent("nr_application", "content", one.id))?;
        Ok(self.0.seal(&place(one.id.0), &text))
    }
}
