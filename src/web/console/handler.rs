//! One relation at the counter: looked at, changed or withdrawn where the hall has made it, ended (X-18, PC-25).

use axum::extract::Path;

use crate::base::id::AuthorisationId;
use crate::domain::identity_type::Permissions;
use crate::domain::officer::Duty;
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::relations::counter::{Change, acts, edit, end, one, withdraw};
use crate::oidc::params::Params;
use crate::views::console::CounterHandlerPage;
use crate::web::account::handlers::grant_of;
use crate::web::account::show::ticks;
use crate::web::answer::Answer;
use crate::web::console::enterprises::{handler_path, handler_view};
use crate::web::console::on_duty::OnDuty;
use crate::web::console::paths::ENTERPRISES;
use crate::web::form::Form;
use crate::web::request::Request;

/// What the form said that is shown again.
#[derive(Default)]
struct Again {
    permissions: Option<Permissions>,
    /// The term was typed, too; otherwise it is as it was.
    has_term: bool,
    /// `None` is long-term.
    valid_to: Option<String>,
}

fn id(text: &str) -> Result<AuthorisationId, Refusal> {
    text.parse().map_err(|_| Refusal::State)
}

pub async fn get(request: Request, Path((_, id)): Path<(String, String)>) -> Answer {
    let on_duty = OnDuty::enter(request, Duty::Handlers).await?;
    show(&on_duty, &id, Again::default(), None).await
}

async fn show(on_duty: &OnDuty, text: &str, again: Again, refusal: Option<&Refusal>) -> Answer {
    let (helper, request) = (on_duty.helper()?, &on_duty.request);
    let found = async { one(&request.ctx, &helper, id(text)?).await };
    let found = on_duty.or_refused(found.await)?;
    let authorisation = &found.authorisation;
    let known = request.ctx.realm.identity_type(&authorisation.identity_type);
    let permissions = again.permissions.as_ref().unwrap_or_else(|| authorisation.permissions());
    let valid_to = match again.has_term {
        true => again.valid_to,
        false => authorisation.valid_to().map(|day| day.to_string()),
    };
    let params = request.query().unwrap_or_default();
    let is_editable = acts(authorisation).contains(&"edit");
    let page = CounterHandlerPage {
        enterprise: authorisation.enterprise.to_string(),
        handler: handler_view(request, &found),
        version: authorisation.version(),
        ticks: known
            .filter(|_| is_editable)
            .map(|known| ticks(request, known, permissions))
            .unwrap_or_default(),
        is_long_term: valid_to.is_none(),
        valid_to: valid_to.unwrap_or_default(),
        today: request.ctx.now().day().to_string(),
        reason: on_duty.matter.clone().unwrap_or_default(),
        done: (params.get("done") == Some("saved")).then(|| request.text("counter-done-saved")),
        notice: refusal.map(|refusal| match acts(authorisation) {
            // Over meanwhile: there is no form to lead to.
            [] => request.notice(refusal).at_fields([]),
            _ => request.notice(refusal),
        }),
    };
    on_duty.page(refusal, &page)
}

pub async fn post(Path((_, id)): Path<(String, String)>, form: Form) -> Answer {
    let (mut on_duty, form) = OnDuty::enter_with(form, Duty::Handlers).await?;
    match Stop::refusal(act(&mut on_duty, &id, &form).await)? {
        Ok(to) => on_duty.go(&to),
        Err(refusal) => {
            let again = match form.get("act") {
                Some("save") => {
                    let (permissions, valid_to) = grant_of(&form);
                    Again { permissions: Some(permissions), has_term: true, valid_to }
                }
                _ => Again::default(),
            };
            show(&on_duty, &id, again, Some(&refusal)).await
        }
    }
}

/// Where it leads.
async fn act(on_duty: &mut OnDuty, text: &str, form: &Params) -> Result<String, Stop> {
    let helper = on_duty.because(form).await?;
    let (ctx, id) = (&on_duty.request.ctx, id(text)?);
    let enterprise = form.get("enterprise").unwrap_or_default();
    match form.get("act") {
        Some("save") => {
            let (permissions, valid_to) = grant_of(form);
            let version = form.get("version").and_then(|version| version.parse().ok());
            let change = Change {
                id,
                version: version.ok_or(Refusal::State)?,
                permissions: &permissions,
                valid_to: valid_to.as_deref(),
            };
            edit(ctx, &helper, &change).await?;
            Ok(format!("{}?done=saved", handler_path(id)))
        }
        Some("withdraw") => {
            withdraw(ctx, &helper, id).await?;
            Ok(format!("{ENTERPRISES}/{enterprise}?done=withdrawn"))
        }
        Some("end") => {
            end(ctx, &helper, id).await?;
            Ok(format!("{ENTERPRISES}/{enterprise}?done=ended"))
        }
        _ => Err(Refusal::State.into()),
    }
}
