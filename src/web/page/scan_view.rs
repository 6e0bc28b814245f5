//! The code of a scan as pages show it.

use crate::domain::factor::ScanApp;
use crate::domain::login::LoginTransaction;
use crate::domain::scan::{Number, Purpose};
use crate::flows::Fault;
use crate::flows::sign_in::scan::code::{Current, Shower, show};
use crate::views::qr_svg;
use crate::views::scan::ScanView;
use crate::web::request::Request;

/// The code for a page; `entrance`: the door that the page shows, empty at the second factor.
pub async fn view(
    request: &Request,
    tx: &LoginTransaction,
    app: ScanApp,
    purpose: Purpose,
    entrance: &str,
) -> Result<ScanView, Fault> {
    let current = show(&request.ctx, &Shower::sign_in(tx), app, purpose).await?;
    let of_sign_in = Shows {
        transaction: tx.id.clone(),
        entrance: entrance.to_owned(),
        again: again(request, tx, entrance, app.name()),
        asks: format!("{}/login/scan", request.base()),
        action: format!("{}/login/scan", request.base()),
    };
    Ok(shown(request, app, current, of_sign_in))
}

/// The page around a code: where it asks how the code stands, and where its form goes.
pub struct Shows {
    /// What the page's form is about.
    pub transaction: String,
    pub entrance: String,
    pub again: String,
    /// `…/state` and `…/events` lie below it.
    pub asks: String,
    pub action: String,
}

pub fn shown(request: &Request, app: ScanApp, current: Current, page: Shows) -> ScanView {
    let href = request.ctx.realm.url(&format!("/q/{}", current.shown.id));
    ScanView {
        app: app.name().to_owned(),
        svg: qr_svg(&href),
        href,
        state: current.told.state,
        name: current.told.name,
        number: current.told.number.map(Number::value),
        id: current.shown.id,
        verifier: current.shown.verifier,
        transaction: page.transaction,
        entrance: page.entrance,
        again: page.again,
        asks: page.asks,
        action: page.action,
    }
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
