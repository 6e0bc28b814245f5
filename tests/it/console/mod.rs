//! The officers' console: who enters and how, what each role does there, and that nothing of it is reached
//! from a taxpayer's session, nor the reverse.

mod audit;
mod counter;
mod day;
mod entrance;
mod help;
mod looks;
mod matrix;
mod records;
mod review;
mod walk;

use axum::Router;
use hufu::domain::help::Helper;
use hufu::domain::officer::{Officer, Roles};
use hufu::flows::officer;
use hufu::web::layers::TIME_OUT;
use hufu::web::router::console_within;

use crate::kit::browser::Shown;
use crate::kit::passkey::{Passkey, asked};
use crate::kit::{Browser, PASSWORD, TestApp};

/// Where officers come in.
pub const CONSOLE: &str = "/realms/jiangxi/console";

pub fn router(app: &TestApp) -> Router {
    console_within(&app.app, TIME_OUT)
}

pub fn operator() -> Helper {
    Helper::new("operator/root", "first officers").unwrap()
}

/// An officer of these tests: their browser at the console, and the passkey in it.
#[derive(Clone)]
pub struct AtDesk {
    pub browser: Browser,
    pub passkey: Passkey,
    pub login: &'static str,
}

/// The path of the link that a new officer gets.
pub async fn invited(app: &TestApp, login: &str, roles: &str) -> String {
    let roles = Roles::parse(roles).unwrap();
    let link = officer::invite(&app.ctx, &operator(), (login, "周小北"), roles).await.unwrap();
    path_of(&link)
}

pub fn path_of(link: &str) -> String {
    link.strip_prefix("https://officer.jiangxi.example").unwrap().to_owned()
}

/// What the link's page leads to, with a passkey made for it.
pub async fn enrol(browser: &mut Browser, link: &str, password: &str) -> (Passkey, Shown) {
    let page = browser.get(link).await;
    let (passkey, made) = Passkey::make(&asked(&page).unwrap());
    let values = [("new", password), ("repeated", password), ("made", made.as_str())];
    (passkey, browser.submit(&page, &values).await)
}

impl AtDesk {
    /// Somebody who has used their link and stands before the door.
    pub async fn enrolled(app: &TestApp, login: &'static str, roles: &str) -> Self {
        let mut browser = Browser::new(router(app));
        let link = invited(app, login, roles).await;
        let (passkey, shown) = enrol(&mut browser, &link, PASSWORD).await;
        assert!(shown.url.ends_with("/console/login"), "{} {}", shown.url, shown.text);
        Self { browser, passkey, login }
    }

    /// The same at work.
    pub async fn start(app: &TestApp, login: &'static str, roles: &str) -> Self {
        let mut desk = Self::enrolled(app, login, roles).await;
        let shown = desk.enter(PASSWORD).await;
        assert_eq!((shown.code(), shown.url.as_str()), (None, CONSOLE), "{}", shown.text);
        desk
    }

    /// Both factors at the door.
    pub async fn enter(&mut self, password: &str) -> Shown {
        let page = self.browser.get(&format!("{CONSOLE}/login")).await;
        let made = self.passkey.answer(&asked(&page).unwrap());
        self.browser.submit(&page, &[("password", password), ("made", &made)]).await
    }

    pub async fn get(&mut self, path: &str) -> Shown {
        self.browser.get(&format!("{CONSOLE}{path}")).await
    }

    /// Says why, and is at it from now on.
    pub async fn state(&mut self, reason: &str) {
        let page = self.get("/matter").await;
        let shown = self.browser.submit(&page, &[("reason", reason), ("act", "state")]).await;
        assert_eq!(shown.code(), None, "{}", shown.text);
    }

    /// The form at `path` that holds these values, sent with them.
    pub async fn send(&mut self, path: &str, values: &[(&str, &str)]) -> Shown {
        let page = self.get(path).await;
        self.browser.submit(&page, values).await
    }

    pub async fn is_at_work(&mut self) -> bool {
        self.get("").await.url == CONSOLE
    }

    pub async fn officer(&self, app: &TestApp) -> Officer {
        officer::named(&app.ctx, self.login).await.unwrap()
    }
}

/// The acts of one kind in the audit, with who did them.
pub async fn acts(app: &TestApp, action: &str) -> Vec<(String, String)> {
    let audit = app.audit().await;
    let found = audit.iter().filter(|event| event["action"] == action);
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    found.map(|one| (text(&one["by"]), text(&one["act"]))).collect()
}
