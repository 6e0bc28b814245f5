//! What the next step of a sign-in depends on.

use crate::base::id::{EnterpriseId, PersonId};
use crate::domain::acting::{Acting, ActingIdentity, EnterpriseIdentity};
use crate::domain::authorisation::State;
use crate::domain::enterprise::EnterpriseKind;
use crate::domain::entrance::{Audience, EnterpriseNumber, Entrance, Subject};
use crate::domain::invitation::Invitation;
use crate::domain::login::{Facts, Proved};
use crate::domain::refusal::NoIdentity;
use crate::flows::identity::choices::{first_usable, usable_in};
use crate::flows::identity::load::look;
use crate::flows::{Ctx, Fault};

/// What the next step of a sign-in depends on.
pub async fn facts(
    ctx: &Ctx,
    entrance: &Entrance,
    proved: &Proved,
    chosen: Option<Acting>,
) -> Result<Facts, Fault> {
    let rows = ctx.rows();
    let account = rows.accounts().find(proved.account).await?;
    let wanted = ctx.realm.agreements_to_sign_in();
    let versions: Vec<(String, String)> =
        wanted.map(|one| (one.id.clone(), one.version.clone())).collect();
    let mut facts = Facts {
        is_locked: account.as_ref().is_some_and(|one| one.help.locked_at.is_some()),
        needs_new_password: account.is_some_and(|one| one.needs_new_password()),
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
            (_, State::PendingByPerson) if alive && authorisation.may_be_confirmed(ctx.now()) => {
                let (id, version) = (authorisation.id, authorisation.version());
                facts.pending_by_person.push(Invitation { id, version });
                // Told where no step of the door confirms it.
                facts.why_none = facts.why_none.or(Some(NoIdentity::Pending));
            }
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
