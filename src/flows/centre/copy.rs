//! A copy of everything that is kept of a person, for themself (PIPL art. 45): as JSON, in full, nothing of
//! other people. Whoever takes it has just proved a second factor, and it is written down.

use serde_json::{Value, json};

use crate::base::clock::Timestamp;
use crate::domain::audit::AuditEvent;
use crate::domain::number::address::PostalAddress;
use crate::domain::number::email::EmailAddress;
use crate::domain::number::username::Username;
use crate::domain::refusal::Refusal;
use crate::domain::session::Session;
use crate::flows::centre::{events, own};
use crate::flows::sign_in::factor::change::check_proved;
use crate::flows::{Ctx, Fault, Stop};
use crate::store::records::{LogQuery, Whose};

/// Lines of the sign-in log that one read gives, and how many reads at most.
const LINES: u64 = 200;
const MOST_READS: u64 = 100;

pub async fn make(ctx: &Ctx, session: &Session) -> Result<Value, Stop> {
    check_proved(ctx, session)?;
    let own = own::find(ctx, session).await?.ok_or(Refusal::State)?;
    let (rows, now) = (ctx.rows(), ctx.now());
    let day = |day: Option<crate::base::clock::Day>| day.map(|day| day.to_string());
    let documents = own.documents.iter().map(|one| {
        json!({
            "kind": one.kind.name(), "number": one.number,
            "valid_from": day(one.valid_from), "valid_to": day(one.valid_to),
        })
    });
    let phones = own.phones.iter().map(|one| {
        json!({
            "phone": one.phone.as_str(), "is_default": one.is_default,
            "verified_at": one.verified_at.rfc3339(),
        })
    });
    let account = own.account.as_ref();
    let username = account.and_then(|one| one.username.as_ref()).map(Username::as_str);
    let mut copy = json!({
        "realm": ctx.realm.id,
        "made_at": now.rfc3339(),
        "person": {
            "id": own.person.id.to_string(),
            "name": own.person.name.as_str(),
            "sex": own.person.sex,
            "nationality": own.person.nationality,
            "real_name_level": own.person.real_name_level,
            "email": own.person.email.as_ref().map(EmailAddress::as_str),
            "address": own.address.as_ref().map(PostalAddress::as_str),
            "documents": documents.collect::<Vec<_>>(),
        },
        "account": {
            "id": session.account.to_string(),
            "username": username,
            "phones": phones.collect::<Vec<_>>(),
        },
    });
    copy["person"]["levels"] = levels(ctx, session).await?;
    copy["account"]["agreements"] = agreements(ctx, session).await?;
    copy["authorisations"] = authorisations(ctx, session).await?;
    copy["non_resident_applications"] = applications(ctx, session).await?;
    copy["consents"] = consents(ctx, session).await?;
    copy["devices"] = devices(ctx, session).await?;
    copy["sign_ins"] = sign_ins(ctx, session).await?;
    let told = events::list(ctx, session).await?;
    let told = told.into_iter().map(|one| json!({"at": one.at.rfc3339(), "event": one.told}));
    copy["events"] = told.collect();
    let notices = rows.notices().list(session.person, LINES).await?;
    let notices =
        notices.iter().map(|one| json!({"at": one.at.rfc3339(), "kind": one.kind.name()}));
    copy["notices"] = notices.collect();
    let tx = ctx.begin().await?;
    tx.note(AuditEvent::DataDownloaded { person: session.person });
    tx.commit().await?;
    Ok(copy)
}

async fn levels(ctx: &Ctx, session: &Session) -> Result<Value, Fault> {
    let steps = ctx.rows().people().level_steps(session.person).await?;
    let step = |(level, how, at): (u8, String, Timestamp)| json!({"level": level, "how": how, "at": at.rfc3339()});
    Ok(steps.into_iter().map(step).collect())
}

async fn agreements(ctx: &Ctx, session: &Session) -> Result<Value, Fault> {
    let accepted = ctx.rows().accounts().accepted(session.account).await?;
    let one = |(document, version, at): (String, String, Timestamp)| json!({"document": document, "version": version, "at": at.rfc3339()});
    Ok(accepted.into_iter().map(one).collect())
}

async fn authorisations(ctx: &Ctx, session: &Session) -> Result<Value, Fault> {
    let held = ctx.rows().standings().held(session.person).await?;
    let one = |(one, enterprise): &(_, _)| {
        let one: &crate::domain::authorisation::Authorisation = one;
        let enterprise: &crate::domain::enterprise::Enterprise = enterprise;
        json!({
            "enterprise": {"name": enterprise.name, "number": enterprise.tin.as_str()},
            "identity_type": one.identity_type.0,
            "permissions": one.permissions(),
            "state": one.state().name(),
            "valid_from": one.valid_from.to_string(),
            "valid_to": one.valid_to().map(|day| day.to_string()),
        })
    };
    Ok(held.iter().map(one).collect())
}

async fn applications(ctx: &Ctx, session: &Session) -> Result<Value, Fault> {
    let rows = ctx.rows().non_residents();
    let mut all = Vec::new();
    for one in rows.of_person(session.person, LINES).await? {
        let files = rows.files(one.id).await?;
        all.push(json!({
            "form": serde_json::to_value(&one.form).unwrap_or_default(),
            "state": one.state.name(),
            "submitted_at": one.first_submitted_at.map(Timestamp::rfc3339),
            "files": files.iter().map(|file| &file.name).collect::<Vec<_>>(),
        }));
    }
    Ok(Value::Array(all))
}

async fn consents(ctx: &Ctx, session: &Session) -> Result<Value, Fault> {
    let given = ctx.rows().consents().of(session.person).await?;
    let one = given.iter().map(|one| {
        json!({
            "application": one.client_id, "scope": one.scope, "given_at": one.given_at.rfc3339(),
        })
    });
    Ok(one.collect())
}

/// What signs in or spares a step; no secret of any.
async fn devices(ctx: &Ctx, session: &Session) -> Result<Value, Fault> {
    let (rows, account) = (ctx.rows(), session.account);
    let passkeys = rows.passkeys().list(account).await?;
    let passkeys =
        passkeys.iter().map(|one| json!({"name": one.name, "added_at": one.created_at.rfc3339()}));
    let browsers = rows.devices().list(account, ctx.now()).await?;
    let browsers = browsers
        .iter()
        .map(|one| json!({"device": one.device, "remembered_at": one.created_at.rfc3339()}));
    let sessions = rows.sessions().live_of(account, ctx.now()).await?;
    let sessions = sessions.iter().map(|one| {
        json!({
            "device": one.device, "address": one.ip, "entrance": one.entrance,
            "signed_in_at": one.created_at.rfc3339(),
        })
    });
    Ok(json!({
        "passkeys": passkeys.collect::<Vec<_>>(),
        "remembered_browsers": browsers.collect::<Vec<_>>(),
        "sessions": sessions.collect::<Vec<_>>(),
        "has_authenticator": rows.authenticators().find(account).await?.is_some(),
    }))
}

/// As far back as they are kept.
async fn sign_ins(ctx: &Ctx, session: &Session) -> Result<Value, Fault> {
    let mut query = LogQuery {
        whose: Whose::Person(session.person),
        since: Timestamp(0),
        until: None,
        way: String::new(),
        is_ok: None,
        offset: 0,
    };
    let mut lines = Vec::new();
    while query.offset < LINES * MOST_READS {
        let read = ctx.rows().records().log(&query).await?;
        let is_last = u64::try_from(read.len()).unwrap_or_default() < LINES;
        lines.extend(read.into_iter().map(|one| {
            json!({
                "at": one.at.rfc3339(), "way": one.way, "entrance": one.entrance,
                "outcome": one.outcome, "address": one.ip, "device": one.device,
            })
        }));
        if is_last {
            break;
        }
        query.offset += LINES;
    }
    Ok(lines.into())
}
