//! The code of a scan as pages show it.

use crate::domain::factor::ScanApp;
use crate::domain::login::LoginTransaction;
use crate::domain::scan::Purpose;
use crate::flows::Fault;
use crate::flows::sign_in::scan::code::show;
use crate::views::page::ScanView;
use crate::views::qr_svg;
use crate::web::request::Request;

/// The code for a page.
pub async fn view(
    request: &Request,
    tx: &LoginTransaction,
    app: ScanApp,
    purpose: Purpose,
) -> Result<ScanView, Fault> {
    let is_sign_in = purpose == Purpose::SignIn;
    let shown = show(&request.ctx, tx, app, purpose).await?;
    let href = request.ctx.realm.url(&format!("/q/{}", shown.id));
    Ok(ScanView {
        app: app.name().to_owned(),
        svg: qr_svg(&href),
        href,
        number: (!is_sign_in).then_some(shown.number),
        id: shown.id,
        verifier: shown.verifier,
        transaction: tx.id.clone(),
    })
}
