//! Help for a person: found by what they know of themselves, seen masked, helped by what the officer's roles
//! allow. What they type is posted, so that no number stands in an address.

use axum::extract::Path;

use crate::base::clock::Timestamp;
use crate::base::id::{AccountId, PersonId, SessionId};
use crate::domain::help::{Helper, Removable};
use crate::domain::officer::Duty;
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::help::{
    AccountProfile, Profile, SignedIn, end_session, end_sessions, expire_password, find, lock,
    look, remove_factor, unlock,
};
use crate::oidc::params::Params;
use crate::views::console::{AccountView, HelpView, PeoplePage, PersonView, SignedInView};
use crate::web::answer::Answer;
use crate::web::console::on_duty::OnDuty;
use crate::web::console::paths::PEOPLE;
use crate::web::form::Form;
use crate::web::request::Request;

/// What stands behind `?done=`.
const DONE: [&str; 7] =
    ["unlock", "lock", "end-sessions", "end-session", "expire-password", "remove", "nobody"];

pub async fn get(request: Request) -> Answer {
    let on_duty = OnDuty::enter(request, Duty::FindPerson).await?;
    show(&on_duty, Vec::new(), Shown::default())
}

#[derive(Default)]
struct Shown<'r> {
    is_nobody: bool,
    typed: String,
    done: Option<String>,
    refusal: Option<&'r Refusal>,
    /// The element of the reason, where another form than the search was sent.
    reason_at: Option<String>,
}

fn show(on_duty: &OnDuty, found: Vec<Profile>, shown: Shown<'_>) -> Answer {
    let request = &on_duty.request;
    let page = PeoplePage {
        people: found.iter().map(|one| person(on_duty, one)).collect(),
        is_nobody: shown.is_nobody,
        typed: shown.typed,
        reason: on_duty.matter.clone().unwrap_or_default(),
        done: shown.done,
        notice: shown.refusal.map(|refusal| {
            let notice = request.notice(refusal);
            match &shown.reason_at {
                Some(id) => notice.with_field("reason", id),
                None => notice,
            }
        }),
    };
    on_duty.page(shown.refusal, &page)
}

pub async fn post(form: Form) -> Answer {
    let (mut on_duty, form) = OnDuty::enter_with(form, Duty::FindPerson).await?;
    let typed = form.get("person").unwrap_or_default().to_owned();
    let found = async {
        let helper = on_duty.because(&form).await?;
        find(&on_duty.request.ctx, &helper, &typed).await
    };
    match Stop::refusal(found.await)? {
        Ok(found) => {
            let is_nobody = found.is_empty();
            show(&on_duty, found, Shown { is_nobody, typed, ..Shown::default() })
        }
        Err(refusal) => {
            let shown = Shown { typed, refusal: Some(&refusal), ..Shown::default() };
            show(&on_duty, Vec::new(), shown)
        }
    }
}

fn id(text: &str) -> Result<PersonId, Refusal> {
    text.parse().map_err(|_| Refusal::State)
}

pub async fn get_one(request: Request, Path((_, id)): Path<(String, String)>) -> Answer {
    let on_duty = OnDuty::enter(request, Duty::FindPerson).await?;
    let params = on_duty.request.query().unwrap_or_default();
    let done = params.get("done").filter(|done| DONE.contains(done));
    let done = done.map(|done| on_duty.request.text(&format!("help-done-{done}")));
    again(&on_duty, &id, done, None).await
}

async fn again(
    on_duty: &OnDuty,
    text: &str,
    done: Option<String>,
    refusal: Option<&Refusal>,
) -> Answer {
    let helper = on_duty.helper()?;
    let found = async { look(&on_duty.request.ctx, &helper, id(text)?).await };
    let found = on_duty.or_refused(found.await)?;
    let reason_at = found.account.as_ref().map(|_| format!("reason-{}", found.person));
    show(on_duty, vec![found], Shown { done, refusal, reason_at, ..Shown::default() })
}

/// Whose duty an act is; `None`: there is no such act.
fn duty_of(act: &str) -> Option<Duty> {
    Some(match act {
        "unlock" => Duty::Unlock,
        "lock" => Duty::Lock,
        "end-sessions" | "end-session" => Duty::EndSessions,
        "expire-password" => Duty::ExpirePassword,
        "remove" => Duty::RemoveFactor,
        _ => return None,
    })
}

pub async fn post_one(Path((_, person)): Path<(String, String)>, form: Form) -> Answer {
    let (mut on_duty, form) = OnDuty::enter_with(form, Duty::FindPerson).await?;
    let act = form.get("act").unwrap_or_default();
    if let Some(duty) = duty_of(act) {
        on_duty.check(duty)?;
    }
    let done = async {
        let helper = on_duty.because(&form).await?;
        // Who is helped is who was looked at, whatever account the form names.
        let found = look(&on_duty.request.ctx, &helper, id(&person)?).await?;
        let account = found.account.ok_or(Refusal::State)?;
        help(&on_duty, &helper, &account, &form).await
    };
    match Stop::refusal(done.await)? {
        Ok(()) => on_duty.go(&format!("{PEOPLE}/{person}?done={act}")),
        Err(refusal) => again(&on_duty, &person, None, Some(&refusal)).await,
    }
}

async fn help(
    on_duty: &OnDuty,
    helper: &Helper,
    account: &AccountProfile,
    form: &Params,
) -> Result<(), Stop> {
    let (ctx, id): (_, AccountId) = (&on_duty.request.ctx, account.id);
    match form.get("act") {
        Some("unlock") => unlock(ctx, helper, id).await,
        Some("lock") => lock(ctx, helper, id).await,
        Some("end-sessions") => end_sessions(ctx, helper, id).await.map(|_| ()),
        Some("end-session") => {
            let session = form.get("session").and_then(|id| id.parse::<SessionId>().ok());
            let session = session.filter(|id| account.sessions.iter().any(|one| one.id == *id));
            end_session(ctx, helper, session.ok_or(Refusal::State)?).await
        }
        Some("expire-password") => expire_password(ctx, helper, id).await,
        Some("remove") => {
            let what = form.get("factor").and_then(Removable::parse);
            remove_factor(ctx, helper, id, what.ok_or(Refusal::State)?).await
        }
        _ => Err(Refusal::State.into()),
    }
}

fn person(on_duty: &OnDuty, one: &Profile) -> PersonView {
    let request = &on_duty.request;
    let document = |one: &crate::flows::help::Document| {
        let kind = format!("document-{}", one.kind.name().replace('_', "-"));
        format!("{} {}", request.text(&kind), one.number)
    };
    PersonView {
        id: one.person.to_string(),
        name: one.name.clone(),
        documents: one.documents.iter().map(document).collect(),
        level: one.real_name_level.to_string(),
        email: one.email.clone(),
        account: one.account.as_ref().map(|account| account_view(on_duty, account)),
    }
}

fn account_view(on_duty: &OnDuty, one: &AccountProfile) -> AccountView {
    let request = &on_duty.request;
    let may = |duty| on_duty.officer.roles.may(duty);
    let password = match (one.has_initial_password, one.password_expired_at) {
        (true, _) => request.text("help-password-initial"),
        (false, Some(at)) => request.text_with("help-password-expired", &at.for_people()),
        (false, None) => request.text("help-password-set"),
    };
    let mut acts: Vec<&'static str> = Vec::new();
    let mut offer = |duty, is_useful, act| {
        if may(duty) && is_useful {
            acts.push(act);
        }
    };
    offer(Duty::Unlock, true, "unlock");
    offer(Duty::EndSessions, !one.sessions.is_empty(), "end-sessions");
    offer(Duty::ExpirePassword, one.password_expired_at.is_none(), "expire-password");
    offer(Duty::Lock, one.locked_at.is_none(), "lock");
    AccountView {
        username: one.username.clone(),
        phones: one.phones.clone(),
        locked: one.locked_at.map(Timestamp::for_people),
        password,
        factors: factors(request, one, may(Duty::RemoveFactor)),
        sessions: one.sessions.iter().map(|one| signed_in(request, one)).collect(),
        may_end: may(Duty::EndSessions),
        acts,
    }
}

fn factors(request: &Request, one: &AccountProfile, may_remove: bool) -> Vec<HelpView> {
    let known = &one.factors;
    let has = [
        (Removable::Authenticator, u64::from(known.has_authenticator)),
        (Removable::RecoveryCodes, known.n_recovery_codes),
        (Removable::Passkeys, known.n_passkeys as u64),
        (Removable::Browsers, known.n_browsers as u64),
    ];
    let view = |(what, n): (Removable, u64)| HelpView {
        name: what.name(),
        title: request.text_with(&format!("help-factor-{}", what.name()), &n.to_string()),
        is_removable: may_remove && n > 0,
    };
    has.into_iter().map(view).collect()
}

fn signed_in(request: &Request, one: &SignedIn) -> SignedInView {
    SignedInView {
        id: one.id.to_string(),
        about: format!(
            "{} · {} · {}",
            request.text(&format!("help-acting-{}", one.acting.replace('_', "-"))),
            one.device,
            one.address
        ),
        clients: one.clients.join(", "),
        since: one.since.for_people(),
        until: one.until.for_people(),
    }
}
