//! Puts the demo's people into an empty realm. Called by the demo and the tests alone.

use super::{Ctx, Fault};
use crate::base::clock::Day;
use crate::base::id::{
    AccountId, AssignmentId, AuthorisationId, EngagementId, EnterpriseId, PersonId,
};
use crate::base::secret::Secret;
use crate::domain::audit::AuditEvent;
use crate::domain::authorisation::{Authorisation, Origin, State};
use crate::domain::engagement::{Assignment, Engagement};
use crate::domain::enterprise::{Enterprise, EnterpriseKind, RegistryStatus};
use crate::domain::identity_type::IdentityTypeName;
use crate::domain::number::document::{DocumentNumber, DocumentType};
use crate::domain::number::phone::Phone;
use crate::domain::number::resident::Sex;
use crate::domain::person::{
    Account, AccountOrigin, AccountStatus, PasswordState, Person, PersonKind, PhoneBinding,
};
use crate::realm::fixtures::{
    AuthorisationFixture, EngagementFixture, EnterpriseFixture, Fixtures, PersonFixture,
};
use crate::store::Tx;
use crate::store::accounts::Acceptance;

fn wrong(what: &str) -> Fault {
    Fault::Internal(format!("the fixtures are wrong: {what}"))
}

/// Loads all, unless somebody is known already.
pub async fn load(ctx: &Ctx, fixtures: &Fixtures) -> Result<bool, Fault> {
    if !ctx.services.store.rows().realm_versions().is_empty(&ctx.realm.id).await? {
        return Ok(false);
    }
    let mut hashed = Vec::new();
    for person in &fixtures.person {
        hashed.push(password(ctx, person).await?);
    }
    let tx = ctx.services.store.begin().await?;
    for (person, password) in fixtures.person.iter().zip(hashed) {
        add_person(ctx, &tx, person, password).await?;
    }
    for enterprise in &fixtures.enterprise {
        add_enterprise(ctx, &tx, enterprise).await?;
    }
    for authorisation in &fixtures.authorisation {
        add_authorisation(ctx, &tx, authorisation).await?;
    }
    for engagement in &fixtures.engagement {
        add_engagement(ctx, &tx, engagement).await?;
    }
    let event = AuditEvent::FixturesLoaded { persons: fixtures.person.len() };
    tx.rows().records().audit(&ctx.realm.id, ctx.now(), &event).await?;
    tx.commit().await?;
    Ok(true)
}

async fn password(ctx: &Ctx, person: &PersonFixture) -> Result<PasswordState, Fault> {
    let Some(text) = &person.password else { return Ok(PasswordState::Initial) };
    let hash = ctx.services.hashing.hash(&Secret::new(text.clone()), ctx.random()).await?;
    hash.map(PasswordState::Set).ok_or_else(|| wrong("no hashing lane was free"))
}

async fn add_person(
    ctx: &Ctx,
    tx: &Tx<'_>,
    fixture: &PersonFixture,
    password: PasswordState,
) -> Result<(), Fault> {
    let (now, realm) = (ctx.now(), &ctx.realm.id);
    let number = DocumentNumber::parse(DocumentType::ResidentIdCard, &fixture.document, now.day())
        .map_err(|_| wrong(&fixture.document))?;
    let id = PersonId::new(&ctx.services.clock, ctx.random());
    let sex = number.sex.map(|sex| if sex == Sex::Male { "male" } else { "female" });
    let person = Person {
        id,
        kind: PersonKind::Domestic,
        name: fixture.name.clone(),
        sex: sex.map(str::to_owned),
        nationality: "CHN".to_owned(),
        real_name_level: fixture.real_name_level,
        email: fixture.email.clone(),
        created_at: now,
        updated_at: now,
    };
    let account = Account {
        id: AccountId::new(&ctx.services.clock, ctx.random()),
        person: id,
        status: AccountStatus::Active,
        origin: match password {
            PasswordState::Initial => AccountOrigin::Imported,
            PasswordState::Set(_) => AccountOrigin::Registered,
        },
        username: fixture.username.clone(),
        password,
        locked_until: None,
        n_locks: 0,
    };
    let rows = tx.rows();
    rows.people().add(realm, &person).await?;
    rows.people().add_document(realm, ctx.new_row_id(), id, &number, None).await?;
    rows.accounts().add(realm, &account, now).await?;
    if let Some(phone) = &fixture.phone {
        let phone = Phone::parse(phone).map_err(|_| wrong(phone))?;
        let binding =
            PhoneBinding { account: account.id, phone, is_default: true, verified_at: now };
        rows.accounts().add_phone(realm, ctx.new_row_id(), &binding).await?;
    }
    for agreement in ctx.realm.agreements.iter().filter(|_| fixture.accepted_agreements) {
        let acceptance = Acceptance {
            document: &agreement.id,
            version: &agreement.version,
            text_hash: &agreement.text_hash,
            at: now,
            ip: ctx.ip,
        };
        rows.accounts().accept_agreement(ctx.new_row_id(), account.id, &acceptance).await?;
    }
    Ok(())
}

async fn add_enterprise(ctx: &Ctx, tx: &Tx<'_>, fixture: &EnterpriseFixture) -> Result<(), Fault> {
    let enterprise = Enterprise {
        id: EnterpriseId::new(&ctx.services.clock, ctx.random()),
        registration_no: fixture.registration_no.clone(),
        uscc: Some(fixture.uscc.clone()),
        tin: fixture.uscc.clone(),
        name: fixture.name.clone(),
        kind: match fixture.is_agency {
            true => EnterpriseKind::Agency,
            false => EnterpriseKind::Ordinary,
        },
        status: RegistryStatus(fixture.status.clone()),
        province: ctx.realm.home_province.clone(),
        tax_authority: fixture.tax_authority.clone(),
        pays_social_insurance: fixture.pays_social_insurance,
    };
    let numbers = [std::slice::from_ref(&fixture.uscc), &fixture.former_numbers].concat();
    Ok(tx.rows().enterprises().add(&ctx.realm.id, &enterprise, &numbers).await?)
}

async fn add_authorisation(
    ctx: &Ctx,
    tx: &Tx<'_>,
    fixture: &AuthorisationFixture,
) -> Result<(), Fault> {
    let (rows, realm) = (tx.rows(), &ctx.realm.id);
    let enterprise = rows.enterprises().find_by_number(realm, &fixture.enterprise).await?;
    let person = rows.people().find_by_document(realm, &fixture.person).await?;
    let invited_by = match &fixture.invited_by {
        Some(number) => rows.people().find_by_document(realm, number).await?,
        None => None,
    };
    let state = State::parse(&fixture.state).ok_or_else(|| wrong(&fixture.state))?;
    let authorisation = Authorisation {
        id: AuthorisationId::new(&ctx.services.clock, ctx.random()),
        enterprise: enterprise.ok_or_else(|| wrong(&fixture.enterprise))?.id,
        person: person.ok_or_else(|| wrong(&fixture.person))?,
        identity_type: IdentityTypeName(fixture.identity_type.clone()),
        permissions: fixture.permissions.iter().cloned().collect(),
        valid_from: Day::parse(&fixture.valid_from).ok_or_else(|| wrong(&fixture.valid_from))?,
        valid_to: fixture.valid_to.as_deref().and_then(Day::parse),
        origin: match state {
            State::PendingByEnterprise => Origin::ByPerson,
            _ if fixture.invited_by.is_some() => Origin::ByEnterprise,
            _ => Origin::Registry,
        },
        state,
        invited_by,
        confirmed_at: (state == State::Active).then(|| ctx.now()),
        updated_at: ctx.now(),
        version: 1,
    };
    Ok(rows.authorisations().add(realm, &authorisation).await?)
}

async fn add_engagement(ctx: &Ctx, tx: &Tx<'_>, fixture: &EngagementFixture) -> Result<(), Fault> {
    let (rows, realm) = (tx.rows(), &ctx.realm.id);
    let agency = rows.enterprises().find_by_number(realm, &fixture.agency).await?;
    let client = rows.enterprises().find_by_number(realm, &fixture.client).await?;
    let engagement = Engagement {
        id: EngagementId::new(&ctx.services.clock, ctx.random()),
        agency: agency.ok_or_else(|| wrong(&fixture.agency))?.id,
        client_enterprise: client.ok_or_else(|| wrong(&fixture.client))?.id,
        valid_from: Day::parse(&fixture.valid_from).ok_or_else(|| wrong(&fixture.valid_from))?,
        valid_to: fixture.valid_to.as_deref().and_then(Day::parse),
        is_active: true,
    };
    rows.engagements().add(realm, &engagement).await?;
    for number in &fixture.staff {
        let person = rows.people().find_by_document(realm, number).await?;
        let assignment = Assignment {
            id: AssignmentId::new(&ctx.services.clock, ctx.random()),
            engagement: engagement.id,
            person: person.ok_or_else(|| wrong(number))?,
            permissions: fixture.permissions.iter().cloned().collect(),
            is_active: true,
        };
        rows.engagements().assign(&assignment).await?;
    }
    Ok(())
}
