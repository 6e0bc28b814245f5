//! The form beside the code by which a phone proves a registration's face. How the code stands is asked as
//! everywhere (`part`).

use crate::domain::refusal::Refusal;
use crate::domain::scan::ScanState;
use crate::flows::Stop;
use crate::flows::self_help::register::{Verdict, complete};
use crate::flows::sign_in::scan::code::{cancel_shown, find_shown};
use crate::web::answer::{Answer, see_other};
use crate::web::self_help::Helping;
use crate::web::self_help::register::{address, finished, held, is_done_meanwhile};

/// 【继续】 ends the registration, once; 【取消】 ends the code, on the phone, too.
pub async fn post(helping: Helping) -> Answer {
    let held = held(&helping).await?;
    let text = |name| helping.form.get(name).unwrap_or_default();
    let (ctx, id, verifier) = (&helping.request.ctx, text("q"), text("v"));
    if text("act") != "cancel" {
        let done = complete::by_face(ctx, &helping.begun, &held, (id, verifier)).await;
        let done = Stop::refusal(done)?;
        // Of two clicks the second finds the code used up by the first.
        let found = find_shown(ctx, helping.begun.key(), id, verifier).await?;
        let is_used = found.is_some_and(|found| found.state == ScanState::Consumed);
        // Nor is it the second where the phone is to be proved anew.
        let may_be_second = done != Ok(Verdict::GoOn) && done != Err(Refusal::OtpExpired);
        if may_be_second && is_used && is_done_meanwhile(&helping).await? {
            return Ok(see_other(&address(&helping.request, "done", &helping.begun)));
        }
        return finished(&helping, &held, done).await;
    }
    match Stop::refusal(cancel_shown(ctx, helping.begun.key(), id, verifier).await)? {
        Ok(()) => Ok(see_other(&again(&helping))),
        Err(refusal) => finished(&helping, &held, Err(refusal)).await,
    }
}

/// The page that shows a code of this app.
fn again(helping: &Helping) -> String {
    let app = helping.form.get("app").unwrap_or_default();
    let app: String = form_urlencoded::byte_serialize(app.as_bytes()).collect();
    format!("{}&way={app}", address(&helping.request, "verify", &helping.begun))
}
