//! A signed-in person's authenticator app: enrol, prove, keep the recovery codes, remove.

use crate::base::secret::Secret;
use crate::domain::function::Function;
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::sign_in::factor::change::is_proved;
use crate::flows::sign_in::factor::totp::{begin, confirm, find, is_taken, remove, renew_codes};
use crate::views::page::AuthenticatorPage;
use crate::views::qr_svg;
use crate::web::account::second_proof::to_second_factor;
use crate::web::account::visit::Visit;
use crate::web::answer::Answer;
use crate::web::form::Form;
use crate::web::request::Request;

const PATH: &str = "/account/authenticator";

pub async fn get(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::OwnSecurity).await?;
    match is_proved(&visit.request.ctx, &visit.session) {
        true => show(&visit, Vec::new(), None).await,
        false => to_second_factor(&visit, PATH).await,
    }
}

pub async fn post(form: Form) -> Answer {
    let (visit, form) = Visit::enter_with(form, Function::OwnSecurity).await?;
    let (ctx, session) = (&visit.request.ctx, &visit.session);
    let done = match form.get("act") {
        Some("begin") => Stop::refusal(begin(ctx, session).await)?.map(|()| Vec::new()),
        Some("codes") => Stop::refusal(renew_codes(ctx, session).await)?,
        Some("remove") => Stop::refusal(remove(ctx, session).await)?.map(|()| Vec::new()),
        _ => {
            let code = form.get("code").unwrap_or_default();
            Stop::refusal(confirm(ctx, session, code).await)?
        }
    };
    match done {
        Ok(codes) => show(&visit, codes, None).await,
        Err(Refusal::StepUpRequired) => to_second_factor(&visit, PATH).await,
        Err(refusal) => show(&visit, Vec::new(), Some(&refusal)).await,
    }
}

async fn show(visit: &Visit, codes: Vec<Secret>, refusal: Option<&Refusal>) -> Answer {
    let (request, session) = (&visit.request, &visit.session);
    let mut page = AuthenticatorPage {
        is_taken: is_taken(&request.ctx),
        recovery_codes: codes.iter().map(|code| code.expose().to_owned()).collect(),
        notice: refusal.map(|refusal| request.notice(refusal)),
        ..AuthenticatorPage::default()
    };
    let enrolment = find(&request.ctx, session).await?;
    if let Some(begun) = enrolment.begun {
        page.svg = Some(qr_svg(&begun.url));
        page.typed = begun.typed;
    }
    page.is_confirmed = enrolment.recovery_codes_left.is_some();
    page.recovery_codes_left = enrolment.recovery_codes_left.unwrap_or_default();
    visit.page(refusal, &page).await
}
