//! The code of a scan as pages show it.

use crate::domain::factor::ScanApp;
use crate::domain::login::LoginTransaction;
use crate::domain::scan::{Number, Purpose};
use crate::flows::Fault;
use crate::flows::sign_in::scan::code::show;
use crate::views::page::ScanView;
use crate::views::qr_svg;
use crate::web::request::Request;

/// The code for a page; `entrance`: the door that the page shows, empty at the second factor.
pub async fn view(
    request: &Request,
    tx: &LoginTransaction,
    app: ScanApp,
    purpose: Purpose,
    entrance: &str,
) -> Result<ScanView, Fault> {
    let current = show(&request.ctx, tx, app, purpose).await?;
    let href = request.ctx.realm.url(&format!("/q/{}", current.shown.id));
    Ok(ScanView {
        app: app.name().to_owned(),
        svg: qr_svg(&href),
        href,
        state: current.told.state,
        name: current.told.name,
        number: current.told.number.map(Number::value),
        id: current.shown.id,
        verifier: current.shown.verifier,
        transaction: tx.id.clone(),
        entrance: entrance.to_owned(),
        again: again(request, tx, entrance, app.name()),
    })
}

/// The page that shows a code of this app: the same while it is live, then another.
pub fn again(request: &Request, tx: &LoginTransaction, entrance: &str, app: &str) -> String {
    let (base, t) = (request.base(), &tx.id);
    let pairs = [("t", t.as_str()), ("entrance", entrance), ("app", app)];
    match tx.proved() {
        Some(_) => format!("{base}/login/second_factor?{}", encoded(&[pairs[0], ("way", app)])),
        None => format!("{base}/login/credentials?{}", encoded(&pairs)),
    }
}

fn encoded(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}
