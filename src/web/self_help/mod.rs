//! The pages of people who are not signed in and help themselves. A browser proves by a cookie that it
//! began what it goes on with: another one's address or form leads nowhere. The steps of each journey
//! are its own file's.

pub mod forgotten;
pub mod lost_phone;
pub mod part;
pub mod register;

use axum::Router;
use axum::extract::{FromRequest, FromRequestParts, Request as Incoming};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::flows::self_help::progress::Begun;
use crate::oidc::params::Params;
use crate::views::Page;
use crate::views::page::MessagePage;
use crate::web::answer::{Answer, Failure, with_cookie};
use crate::web::app::App;
use crate::web::cookies;
use crate::web::form::Form;
use crate::web::request::Request;

/// Seconds for which a browser keeps its secret after a page: longer than any step lasts.
const BROWSER_SECONDS: i64 = 7200;

/// A page or a form of a browser that helps itself: what was asked, genuine where it is a form, and the
/// journey that `t` names; an empty one where the first page is looked at.
pub struct Helping {
    pub request: Request,
    /// The query of a page, or the fields of a form.
    pub form: Params,
    pub begun: Begun,
    /// What this browser proves itself with.
    browser: String,
}

impl FromRequest<App> for Helping {
    type Rejection = Response;

    async fn from_request(incoming: Incoming, app: &App) -> Result<Self, Response> {
        if incoming.method() == Method::POST {
            let form = Form::from_request(incoming, app).await?;
            return Self::of_form(form).map_err(IntoResponse::into_response);
        }
        let (mut parts, _) = incoming.into_parts();
        let request = Request::from_request_parts(&mut parts, app).await?;
        let form = request.query().unwrap_or_default();
        let made = || request.ctx.random().token().expose().to_owned();
        let browser = held(&request).unwrap_or_else(made);
        let begun = Begun::of(&browser, form.get("t").unwrap_or_default());
        Ok(Self { request, form, begun, browser })
    }
}

fn held(request: &Request) -> Option<String> {
    request.cookies.get(&cookies::help_name(&request.ctx.realm)).cloned()
}

impl Helping {
    fn of_form(form: Form) -> Result<Self, Failure> {
        let Some(browser) = held(&form.request) else {
            return Err(Failure::instead(form.request.forbidden()?));
        };
        let begun = Begun::of(&browser, form.fields.get("t").unwrap_or_default());
        let (request, form) = form.genuine(begun.key())?;
        Ok(Self { request, form, begun, browser })
    }

    /// A journey that begins with this form.
    pub fn new_journey(&self) -> Begun {
        Begun::new(&self.request.ctx, &self.browser)
    }

    /// A page whose forms are of this browser and journey.
    pub fn page<P: Page>(&self, status: StatusCode, page: &P) -> Answer {
        let shown = self.request.page(status, self.begun.key(), page)?;
        Ok(self.remembered(shown))
    }

    /// The browser keeps its secret for as long as a step may take.
    #[must_use]
    pub fn remembered(&self, response: Response) -> Response {
        let realm = &self.request.ctx.realm;
        let (name, value) = (cookies::help_name(realm), self.browser.clone());
        with_cookie(response, cookies::set(realm, name, value, Some(BROWSER_SECONDS)))
    }

    /// Of what this browser has begun nothing is known any more, or another one began it. `again`: where
    /// it begins.
    pub fn expired(&self, again: &str) -> Answer {
        let request = &self.request;
        let page = MessagePage {
            title: request.text("help-expired-title"),
            text: request.text("help-expired-text"),
            code: None,
            link: Some((format!("{}{again}", request.base()), request.text("start-again"))),
        };
        request.page(StatusCode::GONE, "", &page)
    }
}

pub fn routes() -> Router<App> {
    Router::new()
        .route("/forgot-password", get(forgotten::get).post(forgotten::post))
        .route("/forgot-password/prove", get(forgotten::get_prove).post(forgotten::post_prove))
        .route("/forgot-password/scan", post(forgotten::post_scan))
        .route("/forgot-password/new", get(forgotten::get_new).post(forgotten::post_new))
        .route("/recover-phone", get(lost_phone::get).post(lost_phone::post))
        .route("/recover-phone/face", get(lost_phone::get_face).post(lost_phone::post_face))
        .route("/recover-phone/scan", post(lost_phone::post_scan))
        .route("/recover-phone/stop", get(lost_phone::get_stop).post(lost_phone::post_stop))
        .route("/help/scan/state", get(part::state))
        .route("/help/scan/events", get(part::events))
}
