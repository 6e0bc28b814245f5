//! Enterprises and all the numbers they answer to.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, LockType, OnConflict};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

use crate::base::id::EnterpriseId;
use crate::base::secret::sha256;
use crate::domain::enterprise::{Enterprise, EnterpriseKind, RegistryStatus};
use crate::domain::number::enterprise_name::compared;
use crate::domain::number::taxpayer::TaxpayerNumber;
use crate::domain::number::unit::UnitNumber;
use crate::store::columns::columns;
use crate::store::entity::{enterprise, enterprise_number};
use crate::store::{AT_ONCE, Rows, StoreError, Writing, evened};

pub struct Enterprises<'c, A>(Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn enterprises(self) -> Enterprises<'c, A> {
        Enterprises(self)
    }
}

static BY_NUMBER: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {} FROM enterprise_number n JOIN enterprise e ON e.id = n.enterprise_id \
         WHERE n.realm = $1 AND n.number = $2",
        columns::<enterprise::Entity>("e")
    )
});

const KINDS: [(EnterpriseKind, &str); 5] = [
    (EnterpriseKind::Ordinary, "ordinary"),
    (EnterpriseKind::Agency, "agency"),
    (EnterpriseKind::NonResident, "non_resident"),
    (EnterpriseKind::SelfEmployed, "self_employed"),
    (EnterpriseKind::SocialInsuranceUnit, "social_insurance_unit"),
];

impl<A> Enterprises<'_, A> {
    pub async fn find(&self, id: EnterpriseId) -> Result<Option<Enterprise>, StoreError> {
        let row = self
            .0
            .find::<enterprise::Entity>()
            .filter(enterprise::Column::Id.eq(id.0))
            .one(&self.0.db())
            .await?;
        row.map(read).transpose()
    }

    /// The enterprise that answers to a number: credit code or taxpayer number, present or former (E-03).
    pub async fn find_by_number(
        &self,
        number: &TaxpayerNumber,
    ) -> Result<Option<Enterprise>, StoreError> {
        let Some(row) = self.0.one(&BY_NUMBER, [number.as_str().into()]).await? else {
            return Ok(None);
        };
        Ok(Some(read(enterprise::Model::from_query_result(&row, "e_")?)?))
    }

    /// The unit that pays social insurance under a number (I-02).
    pub async fn find_by_unit_number(
        &self,
        number: &UnitNumber,
    ) -> Result<Option<Enterprise>, StoreError> {
        let row = self
            .0
            .find::<enterprise::Entity>()
            .filter(enterprise::Column::UnitNumber.eq(number.as_str()))
            .one(&self.0.db())
            .await?;
        row.map(read).transpose()
    }

    /// The enterprises that many numbers lead to; numbers of nobody are left out.
    pub async fn find_by_numbers(
        &self,
        numbers: &[TaxpayerNumber],
    ) -> Result<HashMap<TaxpayerNumber, Enterprise>, StoreError> {
        let mut found = HashMap::new();
        for some in numbers.chunks(AT_ONCE) {
            let asked = some.iter().map(TaxpayerNumber::as_str).collect();
            let known = self
                .0
                .find::<enterprise_number::Entity>()
                .filter(enterprise_number::Column::Number.is_in(evened(asked)))
                .all(&self.0.db())
                .await?;
            let ids: BTreeSet<Uuid> = known.iter().map(|row| row.enterprise_id).collect();
            let rows = self
                .0
                .find::<enterprise::Entity>()
                .filter(enterprise::Column::Id.is_in(evened(ids.into_iter().collect())))
                .all(&self.0.db())
                .await?;
            let rows = rows.into_iter().map(|row| Ok((row.id, read(row)?)));
            let rows = rows.collect::<Result<HashMap<Uuid, Enterprise>, StoreError>>()?;
            found.extend(known.iter().filter_map(|row| {
                let enterprise = rows.get(&row.enterprise_id)?.clone();
                Some((TaxpayerNumber::asked(&row.number), enterprise))
            }));
        }
        Ok(found)
    }

    /// Which of many of the core's serial numbers are known.
    pub async fn known(&self, registration_nos: &[&str]) -> Result<HashSet<String>, StoreError> {
        let mut found = HashSet::new();
        for some in registration_nos.chunks(AT_ONCE) {
            let known: Vec<String> = self
                .0
                .find::<enterprise::Entity>()
                .select_only()
                .column(enterprise::Column::RegistrationNo)
                .filter(enterprise::Column::RegistrationNo.is_in(evened(some.to_vec())))
                .into_tuple()
                .all(&self.0.db())
                .await?;
            found.extend(known);
        }
        Ok(found)
    }

    /// Which of many numbers of units pay social insurance here.
    pub async fn known_units(&self, numbers: &[UnitNumber]) -> Result<HashSet<String>, StoreError> {
        let mut found = HashSet::new();
        for some in numbers.chunks(AT_ONCE) {
            let asked = some.iter().map(UnitNumber::as_str).collect();
            let known: Vec<Option<String>> = self
                .0
                .find::<enterprise::Entity>()
                .select_only()
                .column(enterprise::Column::UnitNumber)
                .filter(enterprise::Column::UnitNumber.is_in(evened(asked)))
                .into_tuple()
                .all(&self.0.db())
                .await?;
            found.extend(known.into_iter().flatten());
        }
        Ok(found)
    }

    /// By the core's serial number, the true key: taxpayer numbers can change.
    pub async fn find_by_registration_no(
        &self,
        registration_no: &str,
    ) -> Result<Option<Enterprise>, StoreError> {
        let row = self
            .0
            .find::<enterprise::Entity>()
            .filter(enterprise::Column::RegistrationNo.eq(registration_no))
            .one(&self.0.db())
            .await?;
        row.map(read).transpose()
    }
}

impl Enterprises<'_, Writing> {
    /// Whoever holds an enterprise has it alone until their transaction ends: for rules that look at
    /// several of its rows. SQLite's writers are alone anyhow.
    pub async fn hold(&self, id: EnterpriseId) -> Result<(), StoreError> {
        let db = self.0.db();
        if db.get_database_backend() == DbBackend::Postgres {
            let one = self.0.find::<enterprise::Entity>().filter(enterprise::Column::Id.eq(id.0));
            one.lock(LockType::NoKeyUpdate).one(&db).await?;
        }
        Ok(())
    }

    /// The same of many, in the order in which everybody holds several.
    pub async fn hold_all(&self, ids: &[EnterpriseId]) -> Result<(), StoreError> {
        let db = self.0.db();
        if db.get_database_backend() != DbBackend::Postgres {
            return Ok(());
        }
        let all = self
            .0
            .find::<enterprise::Entity>()
            .filter(enterprise::Column::Id.is_in(evened(ids.iter().map(|id| id.0).collect())))
            .order_by_asc(enterprise::Column::Id);
        all.lock(LockType::NoKeyUpdate).all(&db).await?;
        Ok(())
    }

    /// Inserts the enterprise or replaces what it says; numbers once known stay known.
    pub async fn save(
        &self,
        enterprise: &Enterprise,
        numbers: &[TaxpayerNumber],
    ) -> Result<(), StoreError> {
        enterprise::Entity::insert(self.row(enterprise))
            .on_conflict(
                OnConflict::column(enterprise::Column::Id)
                    .update_columns([
                        enterprise::Column::Uscc,
                        enterprise::Column::Tin,
                        enterprise::Column::Name,
                        enterprise::Column::Kind,
                        enterprise::Column::Status,
                        enterprise::Column::Province,
                        enterprise::Column::TaxAuthority,
                        enterprise::Column::PaysSocialInsurance,
                        enterprise::Column::UnitNumber,
                        enterprise::Column::CertificateAuthorities,
                        enterprise::Column::NameHash,
                    ])
                    .to_owned(),
            )
            .exec_without_returning(&self.0.db())
            .await?;
        for number in numbers {
            enterprise_number::Entity::insert(self.number_row(enterprise.id, number))
                .on_conflict_do_nothing_on([
                    enterprise_number::Column::Realm,
                    enterprise_number::Column::Number,
                ])
                .exec_without_returning(&self.0.db())
                .await?;
        }
        Ok(())
    }

    /// The core has told its serial number of one that was registered here.
    pub async fn set_registration_no(
        &self,
        id: EnterpriseId,
        registration_no: &str,
    ) -> Result<(), StoreError> {
        self.0
            .update::<enterprise::Entity>()
            .col_expr(enterprise::Column::RegistrationNo, Expr::value(registration_no))
            .filter(enterprise::Column::Id.eq(id.0))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }

    /// Many that nobody knew, nor any of their numbers.
    pub async fn add_all(&self, new: &[NewEnterprise]) -> Result<(), StoreError> {
        let rows = new.iter().map(|new| self.row(&new.enterprise));
        self.0.insert_all(rows.collect()).await?;
        let numbers = new.iter().flat_map(|new| {
            new.numbers.iter().map(|number| self.number_row(new.enterprise.id, number))
        });
        self.0.insert_all(numbers.collect()).await
    }

    fn row(&self, enterprise: &Enterprise) -> enterprise::ActiveModel {
        let kind = KINDS.iter().find(|(kind, _)| *kind == enterprise.kind);
        let is_compared = enterprise.kind == EnterpriseKind::NonResident;
        enterprise::ActiveModel {
            id: Set(enterprise.id.0),
            realm: Set(self.0.realm.to_owned()),
            registration_no: Set(enterprise.registration_no.clone()),
            uscc: Set(enterprise.uscc.clone().map(String::from)),
            tin: Set(enterprise.tin.clone().into()),
            name: Set(enterprise.name.clone()),
            kind: Set(kind.map_or("ordinary", |(_, name)| name).to_owned()),
            status: Set(enterprise.status.0.clone()),
            province: Set(enterprise.province.clone()),
            tax_authority: Set(enterprise.tax_authority.clone()),
            pays_social_insurance: Set(enterprise.pays_social_insurance),
            unit_number: Set(enterprise.unit_number.as_ref().map(|unit| unit.as_str().to_owned())),
            certificate_authorities: Set(enterprise.certificate_authorities.join(" ")),
            name_hash: Set(is_compared.then(|| name_hash(&compared(&enterprise.name)))),
        }
    }

    fn number_row(
        &self,
        id: EnterpriseId,
        number: &TaxpayerNumber,
    ) -> enterprise_number::ActiveModel {
        enterprise_number::ActiveModel {
            realm: Set(self.0.realm.to_owned()),
            number: Set(number.clone().into()),
            enterprise_id: Set(id.0),
        }
    }
}

/// What a non-resident enterprise is found by whose name has this compared form.
pub(super) fn name_hash(compared: &str) -> Vec<u8> {
    sha256(compared.as_bytes()).to_vec()
}

/// An enterprise with all the numbers that it answers to.
pub struct NewEnterprise {
    pub enterprise: Enterprise,
    pub numbers: Vec<TaxpayerNumber>,
}

pub(super) fn read(row: enterprise::Model) -> Result<Enterprise, StoreError> {
    let kind = KINDS.iter().find(|(_, name)| *name == row.kind);
    Ok(Enterprise {
        id: EnterpriseId(row.id),
        registration_no: row.registration_no,
        uscc: row.uscc.as_deref().map(TaxpayerNumber::asked),
        tin: TaxpayerNumber::asked(&row.tin),
        name: row.name,
        kind: kind
            .map(|(kind, _)| *kind)
            .ok_or_else(|| StoreError::inconsistent("enterprise", "kind", row.id))?,
        status: RegistryStatus(row.status),
        province: row.province,
        tax_authority: row.tax_authority,
        pays_social_insurance: row.pays_social_insurance,
        unit_number: row.unit_number.and_then(|text| UnitNumber::parse(&text).ok()),
        certificate_authorities: row
            .certificate_authorities
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
    })
}
