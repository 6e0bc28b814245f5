//! In whose name: which identities a person has, as they stand now, and what a sign-in needs to know of
//! them. Moving a session from one to another is `flows::identity::switch`.

use crate::base::id::{EnterpriseId, PersonId};
use crate::domain::acting::{Acting, ActingIdentity, EnterpriseIdentity};
use crate::domain::authorisation::{Authorisation, State};
use crate::domain::cross_region::{CrossRegionRecord, HeldRecord, RecordIdentity, RecordKind};
use crate::domain::engagement::AgentIdentity;
use crate::domain::enterprise::{Enterprise, EnterpriseKind};
use crate::domain::entrance::{Audience, EnterpriseNumber, Entrance, Subject};
use crate::domain::identity_type::{Capability, IdentityType};
use crate::domain::login::{Facts, Proved};
use crate::domain::number::record::RecordNumber;
use crate::domain::person::PasswordState;
use crate::domain::refusal::NoIdentity;
use crate::flows::{Ctx, Fault, Stop};
use crate::store::Rows;
use crate::store::cross_region::RecordQuery;
use crate::store::engagements::ClientQuery;
use crate::store::standing::Held;

/// The identity as it stands now; refused with the reason when it cannot be used.
pub async fn load(ctx: &Ctx, person: PersonId, acting: Acting) -> Result<ActingIdentity, Stop> {
    Ok(look(ctx, ctx.rows(), person, acting).await??)
}

/// What an identity is worth now, or why nothing.
pub type Worth = Result<ActingIdentity, NoIdentity>;

/// The same for those who go on either way; `rows`: as a transaction sees it.
pub async fn look(
    ctx: &Ctx,
    rows: Rows<'_>,
    person: PersonId,
    acting: Acting,
) -> Result<Worth, Fault> {
    let held = match acting {
        Acting::Personal => Held::Nothing,
        Acting::Enterprise(id) => {
            let held = rows.standings().held_by(id).await?;
            held.map_or(Held::Nothing, |held| Held::Authorisation(Box::new(held)))
        }
        Acting::Record(id) => {
            let found = rows.cross_region().held(id, person).await?;
            found.map_or(Held::Nothing, |found| Held::Record(Box::new(found)))
        }
        Acting::Agent(id) => {
            let found = rows.engagements().find(id).await?;
            found.map_or(Held::Nothing, |found| Held::Assignment(Box::new(found)))
        }
    };
    Ok(of(ctx, person, acting, held))
}

/// The same from rows that were read already.
pub fn of(ctx: &Ctx, person: PersonId, acting: Acting, held: Held) -> Worth {
    match (acting, held) {
        (Acting::Personal, _) => Ok(ActingIdentity::Personal),
        (Acting::Enterprise(id), Held::Authorisation(held))
            if held.0.id == id && held.0.person == person =>
        {
            Ok(ActingIdentity::Enterprise(Box::new(of_held(ctx, *held)?)))
        }
        (Acting::Agent(id), Held::Assignment(found))
            if found.assignment.id == id && found.assignment.person == person =>
        {
            found.usable(ctx.now())?;
            Ok(ActingIdentity::Agent(found))
        }
        (Acting::Record(id), Held::Record(held)) if held.record.id == id => {
            Ok(ActingIdentity::Record(Box::new(of_record(ctx, person, *held)?)))
        }
        _ => Err(NoIdentity::None),
    }
}

/// By a relation that sees every record of the enterprise (S-07), or because the document names
/// the person (S-08).
fn of_record(ctx: &Ctx, person: PersonId, held: HeldRecord) -> Result<RecordIdentity, NoIdentity> {
    held.usable(ctx.now())?;
    let sees_all = sees_all_records(ctx, &held.enterprise, &held.authorisations);
    let (identity_type, permissions) = match sees_all {
        Some((authorisation, identity_type)) => {
            let granted = authorisation.permissions();
            let permissions = identity_type.effective(granted, &ctx.realm.catalogue());
            (Some(identity_type.clone()), permissions)
        }
        None if held.is_handler => (None, held.record.permissions.clone()),
        None => return Err(NoIdentity::None),
    };
    let HeldRecord { record, enterprise, .. } = held;
    Ok(RecordIdentity { person, record, enterprise, identity_type, permissions })
}

fn sees_all_records<'a>(
    ctx: &'a Ctx,
    enterprise: &Enterprise,
    authorisations: &'a [Authorisation],
) -> Option<(&'a Authorisation, &'a IdentityType)> {
    let usable = authorisations.iter().filter(|one| one.usable(enterprise, ctx.now()).is_ok());
    let typed = usable.filter_map(|one| Some((one, ctx.realm.identity_type(&one.identity_type)?)));
    typed.into_iter().find(|(_, known)| known.can(Capability::SeeAllRecords))
}

/// The records of one kind that a person may enter in an enterprise; `record_no` finds one (S-05).
pub async fn records(
    ctx: &Ctx,
    (person, enterprise): (PersonId, EnterpriseId),
    kind: RecordKind,
    record_no: Option<&RecordNumber>,
) -> Result<Vec<CrossRegionRecord>, Fault> {
    let rows = ctx.rows();
    let Some(known) = rows.enterprises().find(enterprise).await? else { return Ok(Vec::new()) };
    let authorisations = rows.authorisations().list(person, enterprise).await?;
    let sees_all = sees_all_records(ctx, &known, &authorisations).is_some();
    let query = RecordQuery {
        enterprise,
        kind,
        handler: (!sees_all).then_some(person),
        record_no,
        limit: MOST_RECORDS,
    };
    let found = rows.cross_region().list(&query).await?;
    let today = ctx.now().day();
    let in_term = |one: &CrossRegionRecord| {
        one.valid_from <= today && one.valid_to.is_none_or(|end| end >= today)
    };
    Ok(found.into_iter().filter(|one| known.status.is_alive() && in_term(one)).collect())
}

/// Every record of a kind that a person may enter, with whose it is: those of enterprises in which
/// they see all, and those that name them (AC-52).
pub async fn all_records(
    ctx: &Ctx,
    person: PersonId,
    kind: RecordKind,
) -> Result<Vec<(CrossRegionRecord, String)>, Fault> {
    let rows = ctx.rows();
    let mut found: Vec<CrossRegionRecord> = Vec::new();
    let mut enterprises: Vec<EnterpriseId> = Vec::new();
    let today = ctx.now().day();
    for (_, enterprise) in rows.standings().held_now(person, today, (0, i64::MAX)).await? {
        if !enterprises.contains(&enterprise.id) {
            enterprises.push(enterprise.id);
            found.extend(records(ctx, (person, enterprise.id), kind, None).await?);
        }
    }
    for named in rows.cross_region().naming(person, kind).await? {
        if found.iter().all(|one| one.id != named.id) {
            found.push(named);
        }
    }
    let mut shown = Vec::new();
    for one in found {
        let in_term = one.valid_from <= today && one.valid_to.is_none_or(|end| end >= today);
        let enterprise = rows.enterprises().find(one.enterprise).await?;
        if let Some(enterprise) = enterprise.filter(|known| in_term && known.status.is_alive()) {
            shown.push((one, enterprise.name));
        }
    }
    Ok(shown)
}

/// Records in one list; others are found by their number.
const MOST_RECORDS: i64 = 200;

fn of_held(
    ctx: &Ctx,
    (authorisation, enterprise): (Authorisation, Enterprise),
) -> Result<EnterpriseIdentity, NoIdentity> {
    authorisation.usable(&enterprise, ctx.now())?;
    let identity_type =
        ctx.realm.identity_type(&authorisation.identity_type).ok_or(NoIdentity::None)?;
    Ok(EnterpriseIdentity {
        permissions: identity_type.effective(authorisation.permissions(), &ctx.realm.catalogue()),
        identity_type: identity_type.clone(),
        enterprise,
        authorisation,
    })
}

/// All identities a person could act in now: by enterprise, then by the national code, the same
/// list whenever it is shown.
pub async fn usable(ctx: &Ctx, person: PersonId) -> Result<Vec<EnterpriseIdentity>, Fault> {
    first_usable(ctx, person, usize::MAX, |_| true).await
}

/// The first `n` of them that fit: what a person with hundreds of enterprises is shown at a glance
/// costs no more than what one with a single enterprise is shown.
pub async fn first_usable(
    ctx: &Ctx,
    person: PersonId,
    n: usize,
    fits: impl Fn(&EnterpriseIdentity) -> bool,
) -> Result<Vec<EnterpriseIdentity>, Fault> {
    let (standings, today) = (ctx.rows().standings(), ctx.now().day());
    let at_once = i64::try_from(n).unwrap_or(i64::MAX).clamp(8, 1000);
    let (mut found, mut offset) = (Vec::new(), 0);
    loop {
        let held = standings.held_now(person, today, (offset, at_once)).await?;
        let is_last = i64::try_from(held.len()).is_ok_and(|read| read < at_once);
        found.extend(held.into_iter().filter_map(|held| of_held(ctx, held).ok()).filter(&fits));
        if is_last || found.len() >= n {
            found.truncate(n);
            return Ok(in_order(found));
        }
        offset += at_once;
    }
}

fn in_order(mut identities: Vec<EnterpriseIdentity>) -> Vec<EnterpriseIdentity> {
    identities.sort_by(|a, b| {
        let key =
            |one: &EnterpriseIdentity| (one.enterprise.tin.clone(), one.identity_type.code.clone());
        key(a).cmp(&key(b))
    });
    identities
}

/// Those in one enterprise that an entrance's audience admits, for the chooser of a sign-in.
pub async fn usable_in(
    ctx: &Ctx,
    person: PersonId,
    enterprise: EnterpriseId,
    audience: Audience,
) -> Result<Vec<EnterpriseIdentity>, Fault> {
    let held = ctx.rows().standings().held_in(person, enterprise).await?;
    let usable = held.into_iter().filter_map(|held| of_held(ctx, held).ok());
    let admitted = |one: &EnterpriseIdentity| audience.admits(&one.enterprise, &one.identity_type);
    Ok(in_order(usable.filter(admitted).collect()))
}

/// Authorisations that wait for this person in one enterprise, with what the prompt shows.
pub async fn pending_in(
    ctx: &Ctx,
    person: PersonId,
    enterprise: EnterpriseId,
) -> Result<Vec<Authorisation>, Fault> {
    let all = ctx.rows().authorisations().list(person, enterprise).await?;
    let in_term = |one: &Authorisation| one.valid_to().is_none_or(|end| end >= ctx.now().day());
    Ok(all
        .into_iter()
        .filter(|one| one.state() == State::PendingByPerson && in_term(one))
        .collect())
}

/// What the next step of a sign-in depends on.
pub async fn facts(
    ctx: &Ctx,
    entrance: &Entrance,
    proved: &Proved,
    chosen: Option<Acting>,
) -> Result<Facts, Fault> {
    let rows = ctx.rows();
    let account = rows.accounts().find(proved.account).await?;
    let versions = ctx.realm.agreement_versions();
    let mut facts = Facts {
        needs_new_password: account.is_some_and(|one| one.password == PasswordState::Initial),
        needs_agreements: !rows.accounts().has_accepted(proved.account, &versions).await?,
        ..Facts::default()
    };
    let id = match (entrance.subject, proved.enterprise) {
        (Subject::Agent | Subject::AsConfirmed, Some(agency)) => {
            facts.is_agency_staff = is_agency_staff(ctx, proved.person, agency).await?;
            if let Some(chosen @ Acting::Agent(_)) = chosen {
                match look(ctx, rows, proved.person, chosen).await? {
                    Ok(_) => facts.is_chosen_usable = true,
                    Err(why) => facts.why_none = Some(why),
                }
            }
            return Ok(facts);
        }
        (Subject::SpecificEntity, _) => {
            if let Some(chosen @ Acting::Record(_)) = chosen {
                match look(ctx, rows, proved.person, chosen).await? {
                    Ok(_) => facts.is_chosen_usable = true,
                    Err(why) => facts.why_none = Some(why),
                }
            }
            return Ok(facts);
        }
        (Subject::Enterprise, None) if entrance.enterprise_number == EnterpriseNumber::None => {
            let admitted = |one: &EnterpriseIdentity| {
                entrance.audience.admits(&one.enterprise, &one.identity_type)
            };
            let known = match chosen {
                Some(chosen @ Acting::Enterprise(_)) => {
                    look(ctx, rows, proved.person, chosen).await?.ok()
                }
                _ => None,
            };
            facts.usable = match known {
                Some(ActingIdentity::Enterprise(one)) if admitted(&one) => {
                    vec![one.authorisation.id]
                }
                // That there is one is enough: the chooser reads the list.
                _ => {
                    let first = first_usable(ctx, proved.person, 1, admitted).await?;
                    first.iter().map(|one| one.authorisation.id).collect()
                }
            };
            facts.may_be_personal = true;
            return Ok(facts);
        }
        (Subject::Enterprise, Some(id)) => id,
        _ => return Ok(facts),
    };
    for (authorisation, enterprise) in rows.standings().held_in(proved.person, id).await? {
        let alive = enterprise.status.is_alive();
        let admits = |one| entrance.audience.admits(&enterprise, one);
        if !ctx.realm.identity_type(&authorisation.identity_type).is_some_and(admits) {
            facts.why_none = facts.why_none.or(Some(NoIdentity::None));
            continue;
        }
        match (authorisation.usable(&enterprise, ctx.now()), authorisation.state()) {
            (Ok(()), _) => facts.usable.push(authorisation.id),
            (_, State::PendingByPerson) if alive => facts.pending_by_person.push(authorisation.id),
            (_, State::PendingByEnterprise) if alive => {
                facts.why_none = Some(NoIdentity::PendingByEnterprise);
            }
            (Err(why), _) => facts.why_none = facts.why_none.or(Some(why)),
        }
    }
    Ok(facts)
}

/// Staff of an agency: assigned to a client of it, or authorised in the agency itself (G-02).
async fn is_agency_staff(ctx: &Ctx, person: PersonId, agency: EnterpriseId) -> Result<bool, Fault> {
    let rows = ctx.rows();
    let known = rows.enterprises().find(agency).await?;
    if known.is_none_or(|known| known.kind != EnterpriseKind::Agency) {
        return Ok(false);
    }
    Ok(rows.engagements().is_staff(person, agency).await?
        || !usable_in(ctx, person, agency, Audience::Tax).await?.is_empty())
}

/// A page of the client enterprises that a member of staff may act for now.
pub async fn clients(
    ctx: &Ctx,
    (person, agency): (PersonId, EnterpriseId),
    text: &str,
    (offset, limit): (i64, i64),
) -> Result<Vec<AgentIdentity>, Fault> {
    let query = ClientQuery { person, agency, text, today: ctx.now().day(), offset, limit };
    let found = ctx.rows().engagements().clients(&query).await?;
    Ok(found.into_iter().filter(|one| one.usable(ctx.now()).is_ok()).collect())
}
