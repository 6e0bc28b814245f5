//! Puts the demo's people into an empty realm. Called by the demo and the tests alone.

use crate::base::secret::Secret;
use crate::domain::audit::AuditEvent;
use crate::domain::feed::{Line, PersonLine, Wrong};
use crate::domain::number::username::Username;
use crate::domain::person::PasswordState;
use crate::flows::feed::not_taken::NotTaken;
use crate::flows::{Ctx, Fault, feed};
use crate::realm::fixtures::{Fixtures, PersonFixture};
use crate::store::Tx;
use crate::store::accounts::Acceptance;

fn wrong(why: NotTaken) -> Fault {
    match why {
        NotTaken::Wrong(why) => Fault::Internal(format!("the fixtures are wrong: {why}")),
        NotTaken::Fault(fault) => fault,
    }
}

/// Loads all, unless somebody is known already.
pub async fn load(ctx: &Ctx, fixtures: &Fixtures) -> Result<bool, Fault> {
    if !ctx.rows().realm_versions().is_empty().await? {
        return Ok(false);
    }
    let mut hashed = Vec::new();
    for person in &fixtures.person {
        hashed.push(password(ctx, person).await?);
    }
    let tx = ctx.begin().await?;
    for (person, password) in fixtures.person.iter().zip(hashed) {
        add_person(ctx, &tx, person, password).await?;
    }
    for line in fixtures.enterprise.iter().cloned().map(Line::Enterprise) {
        feed::save(ctx, &tx, &line, None).await.map_err(wrong)?;
    }
    for line in &fixtures.authorisation {
        feed::put_authorisation(ctx, &tx, line).await.map_err(wrong)?;
    }
    let engagements = fixtures.engagement.iter().cloned().map(Line::Engagement);
    let records = fixtures.record.iter().cloned().map(Line::Record);
    let collected = fixtures.hall_record.iter().cloned().map(Line::HallRecord);
    for line in engagements.chain(records).chain(collected) {
        feed::save(ctx, &tx, &line, None).await.map_err(wrong)?;
    }
    let event = AuditEvent::FixturesLoaded { persons: fixtures.person.len() };
    tx.note(event);
    tx.commit().await?;
    Ok(true)
}

async fn password(ctx: &Ctx, person: &PersonFixture) -> Result<PasswordState, Fault> {
    let Some(text) = &person.password else { return Ok(PasswordState::Initial) };
    let hash = ctx.services.hashing.hash(&Secret::new(text.clone()), ctx.random()).await?;
    hash.map(PasswordState::Set)
        .ok_or_else(|| Fault::Internal("no hashing lane was free".to_owned()))
}

async fn add_person(
    ctx: &Ctx,
    tx: &Tx<'_>,
    fixture: &PersonFixture,
    password: PasswordState,
) -> Result<(), Fault> {
    let line = PersonLine {
        name: fixture.name.clone(),
        document_type: fixture.document_type.clone(),
        document: fixture.document.clone(),
        nationality: fixture.nationality.clone(),
        phone: fixture.phone.clone(),
        phone_used_at: None,
        email: fixture.email.clone(),
        real_name_level: Some(fixture.real_name_level),
        document_valid_to: None,
        document_void: None,
    };
    let today = ctx.now().day();
    let username = fixture.username.as_deref().map(|name| Username::choose(name, today));
    let username = username.transpose().map_err(|error| Wrong::field("username", error));
    let username = username.map_err(|why| wrong(why.into()))?;
    let account = feed::add_person(ctx, tx, &line, username, password).await;
    let (_, account) = account.map_err(wrong)?;
    for agreement in ctx.realm.agreements.iter().filter(|_| fixture.accepted_agreements) {
        let acceptance = Acceptance {
            document: &agreement.id,
            version: &agreement.version,
            text_hash: &agreement.text_hash,
            at: ctx.now(),
            channel: "fixtures",
            ip: ctx.ip,
        };
        tx.rows().accounts().accept_agreement(ctx.new_row_id(), account, &acceptance).await?;
    }
    Ok(())
}
