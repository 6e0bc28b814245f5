//! How somebody reads, what can be read without signing in, and where an address leads that names nothing.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::views::account::TextPage;
use crate::views::page::{LinkView, RealmsPage};
use crate::web::answer::{Answer, html, see_other, with_cookie};
use crate::web::app::App;
use crate::web::bare::chrome;
use crate::web::cookies;
use crate::web::request::{Request, accepted_language};

/// A year.
const KEPT_SECONDS: i64 = 31_536_000;

/// Remembers how somebody reads, and returns to the page it was chosen on.
pub async fn look(request: Request) -> Answer {
    let params = request.query().unwrap_or_default();
    let is_large = params.get("to") == Some("large");
    let back = params.get("back").filter(|back| back.starts_with(&format!("{}/", request.base())));
    let back = back.map_or_else(|| format!("{}/login", request.base()), str::to_owned);
    let realm = &request.ctx.realm;
    let (value, seconds) = if is_large { ("large", KEPT_SECONDS) } else { ("", 0) };
    let cookie = cookies::set(realm, cookies::look_name(realm), value.to_owned(), Some(seconds));
    Ok(with_cookie(see_other(&back), cookie))
}

/// How the pages can be used by everybody, in the bureau's own words.
pub async fn accessibility(request: Request) -> Answer {
    let Some(statement) = &request.ctx.realm.look.accessibility else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    let text = statement.in_language(request.language());
    let page = TextPage {
        title: request.text("face-accessibility"),
        paragraphs: text.split("\n\n").map(str::to_owned).collect(),
    };
    request.page(StatusCode::OK, "", &page)
}

/// A realm's bare address: its sign-in.
pub async fn to_sign_in(request: Request) -> Answer {
    Ok(see_other(&format!("{}/login", request.base())))
}

/// The host's bare address: the sign-in where there is one, a choice where there are several.
pub async fn root(State(app): State<App>, headers: HeaderMap) -> Response {
    let mut realms = app.realms();
    realms.sort_by(|one, other| one.id.cmp(&other.id));
    if let [only] = realms.as_slice() {
        return see_other(&format!("/realms/{}/login", only.id));
    }
    let language = accepted_language(&headers);
    let link = |realm: &std::sync::Arc<crate::realm::Realm>| LinkView {
        href: format!("/realms/{}/login", realm.id),
        title: realm.name.in_language(&language).to_owned(),
    };
    let page = RealmsPage { realms: realms.iter().map(link).collect() };
    let chrome = chrome(&app, &language, &headers);
    match chrome.and_then(|chrome| app.views().render(&chrome, &page).ok()) {
        Some(text) => html(StatusCode::OK, text),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
