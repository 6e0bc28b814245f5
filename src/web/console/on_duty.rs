//! An officer at work: signed in at the console, and with the duty that a page is for. Every page behind the
//! door begins here, and every look and act gets its who and why here.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::base::secret::Secret;
use crate::domain::help::Helper;
use crate::domain::officer::{Duty, Officer};
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::officer::{AtWork, at_work, has_console, state_matter};
use crate::oidc::params::Params;
use crate::views::console::OfficerView;
use crate::views::page::MessagePage;
use crate::views::{MenuItem, Page};
use crate::web::answer::{Answer, Failure, see_other, status_of};
use crate::web::console::paths::{
    APPLICATIONS, AUDIT, ENTERPRISES, HANDLERS, HOME, LOGIN, MATTER, OFFICERS, PEOPLE, RECORDS,
    RELATIONS,
};
use crate::web::cookies;
use crate::web::form::Form;
use crate::web::request::Request;

/// The pages of the menu, and what each is for.
const PAGES: [(&str, &str, Duty); 7] = [
    ("console-people", PEOPLE, Duty::FindPerson),
    ("console-records", RECORDS, Duty::HallRecords),
    ("console-enterprises", ENTERPRISES, Duty::History),
    ("console-relations", RELATIONS, Duty::History),
    ("console-applications", APPLICATIONS, Duty::Review),
    ("console-audit", AUDIT, Duty::Audit),
    ("console-officers", OFFICERS, Duty::ListOfficers),
];

pub struct OnDuty {
    pub request: Request,
    pub officer: Officer,
    /// What they have said that they are at.
    pub matter: Option<String>,
    pub ends_at: String,
    cookie: Secret,
}

/// Where no officer works, nothing of the console is there.
pub fn check_console(request: &Request) -> Result<(), Failure> {
    match has_console(&request.ctx) {
        true => Ok(()),
        false => Err(Failure::instead(StatusCode::NOT_FOUND.into_response())),
    }
}

pub fn cookie(request: &Request) -> Option<Secret> {
    let value = request.cookies.get(&cookies::officer_name(&request.ctx.realm))?;
    Some(Secret::new(value.clone()))
}

fn with_back(request: &Request, path: &str) -> Response {
    let here = request.uri.path_and_query().map_or_else(String::new, ToString::to_string);
    let back: String = form_urlencoded::byte_serialize(here.as_bytes()).collect();
    see_other(&format!("{}{path}?back={back}", request.base()))
}

/// A page of this realm's console; anything else is its beginning.
pub fn back(request: &Request, params: &Params) -> String {
    let home = format!("{}{HOME}", request.base());
    let back = params.get("back").filter(|back| {
        back.strip_prefix(&home).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
    });
    back.map_or(home, str::to_owned)
}

impl OnDuty {
    /// Whoever works here, whatever they may.
    pub async fn at_work(request: Request) -> Result<Self, Failure> {
        check_console(&request)?;
        let found = match cookie(&request) {
            Some(cookie) => at_work(&request.ctx, &cookie).await?.map(|found| (cookie, found)),
            None => None,
        };
        let Some((cookie, found)) = found else {
            return Err(Failure::instead(with_back(&request, LOGIN)));
        };
        let AtWork { officer, matter, ends_at } = found;
        Ok(Self { request, officer, matter, ends_at: ends_at.for_people(), cookie })
    }

    /// Whose duty it is; `E_ROLE` for everybody else.
    pub async fn enter(request: Request, duty: Duty) -> Result<Self, Failure> {
        let on_duty = Self::at_work(request).await?;
        on_duty.check(duty)?;
        Ok(on_duty)
    }

    /// One more duty than the page's.
    pub fn check(&self, duty: Duty) -> Result<(), Failure> {
        match self.officer.roles.may(duty) {
            true => Ok(()),
            false => Err(Failure::instead(self.refused(&Refusal::Role)?)),
        }
    }

    /// The same for a form that must be genuine.
    pub async fn enter_with(form: Form, duty: Duty) -> Result<(Self, Params), Failure> {
        let Form { request, fields } = form;
        Self::enter(request, duty).await?.with(fields)
    }

    pub fn with(self, fields: Params) -> Result<(Self, Params), Failure> {
        match self.request.is_genuine(&fields, &self.binding()) {
            true => Ok((self, fields)),
            false => Err(Failure::instead(self.request.forbidden()?)),
        }
    }

    fn binding(&self) -> String {
        format!("officer/{}", self.cookie.hashed().to_text())
    }

    /// Who looks and why; an officer who has not said why is asked first, and comes back here.
    pub fn helper(&self) -> Result<Helper, Failure> {
        let matter = self.matter.as_deref().unwrap_or_default();
        Helper::new(&self.officer.actor(), matter)
            .map_err(|_| Failure::instead(with_back(&self.request, MATTER)))
    }

    /// Who acts and why, from the form, which is what they are at from now on. `E_FORMAT` at `reason`.
    pub async fn because(&mut self, form: &Params) -> Result<Helper, Stop> {
        let reason = form.get("reason").unwrap_or_default();
        let ctx = &self.request.ctx;
        let helper = state_matter(ctx, &self.cookie, &self.officer, reason).await?;
        self.matter = Some(helper.reason().to_owned());
        Ok(helper)
    }

    pub fn path(&self, path: &str) -> String {
        format!("{}{path}", self.request.base())
    }

    pub fn go(&self, path: &str) -> Answer {
        Ok(see_other(&self.path(path)))
    }

    /// A page of the console, with the menu of these roles.
    pub fn page<P: Page>(&self, refusal: Option<&Refusal>, page: &P) -> Answer {
        let notice = refusal.map(|refusal| self.request.notice(refusal));
        self.request.console_page(status_of(notice.as_ref()), self.view(), page)
    }

    /// A refusal as a page of its own.
    pub fn refused(&self, refusal: &Refusal) -> Answer {
        let notice = match refusal {
            Refusal::Role => self.request.notice_as(refusal, "console-role"),
            refusal => self.request.notice(refusal),
        };
        let page = MessagePage {
            title: self.request.text("console-refused-title"),
            text: notice.text,
            code: Some(notice.code),
            link: Some((self.path(HOME), self.request.text("console-home"))),
        };
        self.request.console_page(StatusCode::FORBIDDEN, self.view(), &page)
    }

    /// For `?`: what a page is made of, or the refusal as a page of its own.
    pub fn or_refused<T>(&self, outcome: Result<T, Stop>) -> Result<T, Failure> {
        match Stop::refusal(outcome)? {
            Ok(found) => Ok(found),
            Err(refusal) => Err(Failure::instead(self.refused(&refusal)?)),
        }
    }

    /// The pages of the menu that are this officer's.
    pub fn pages(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let roles = &self.officer.roles;
        PAGES.into_iter().filter(|(_, _, duty)| roles.may(*duty)).map(|(key, path, _)| (key, path))
    }

    fn view(&self) -> OfficerView {
        let here = self.request.uri.path();
        let is_here = |path: &str| match path {
            HOME => here == self.path(path),
            // A handler is found by way of its enterprise.
            ENTERPRISES if here.starts_with(&self.path(HANDLERS)) => true,
            _ => here.starts_with(&self.path(path)),
        };
        let item = |(key, path): (&str, &str)| MenuItem {
            title: self.request.text(key),
            href: self.path(path),
            is_current: is_here(path),
        };
        let pages = std::iter::once(("console-home", HOME)).chain(self.pages());
        OfficerView {
            name: self.officer.name.as_str().to_owned(),
            login: self.officer.login.to_string(),
            roles: roles(&self.request, &self.officer),
            csrf: self.request.csrf(&self.binding()),
            menu: pages.map(item).collect(),
            matter: self.matter.clone(),
        }
    }
}

/// The names of an officer's roles.
pub fn roles(request: &Request, officer: &Officer) -> Vec<String> {
    officer.roles.iter().map(|role| request.text(&format!("role-{}", role.name()))).collect()
}
