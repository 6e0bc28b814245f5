//! Somebody in an account centre: signed in, their identity as it is at this moment, and what the
//! one table lets them do. Every page of the centres begins here.

use axum::http::StatusCode;
use axum::response::Response;

use crate::domain::acting::{Acting, ActingIdentity};
use crate::domain::function::{Function, Reach, Role};
use crate::domain::mask;
use crate::domain::person::PersonKind;
use crate::domain::refusal::Refusal;
use crate::domain::session::Session;
use crate::flows::Stop;
use crate::flows::centre::known;
use crate::flows::centre::messages::unread;
use crate::flows::identity::load;
use crate::flows::identity::switch::choices;
use crate::flows::relations::manager::Manager;
use crate::flows::sign_in::factor::change::begin_proof;
use crate::oidc::params::Params;
use crate::views::account::TextPage;
use crate::views::page::{MessagePage, Notice};
use crate::views::{MenuItem, Page, QuickItem, Who};
use crate::web::account::paths::{NON_RESIDENT, PERSON, PERSONAL};
use crate::web::answer::{Answer, Failure, see_other, status_of};
use crate::web::form::Form;
use crate::web::page::view;
use crate::web::request::Request;
use crate::web::transaction::to_second_factor;

/// Where a refusal leads on: a path and the key of its words.
type Way = (&'static str, &'static str);

const TO_LOGIN: Way = ("/login", "back-to-login");
const TO_CENTRE: Way = ("/account", "back-to-account");
const TO_SIGNED_IN: Way = ("/signed-in", "go-back");

/// More than these are found on the switching page.
const MOST_QUICK: usize = 6;

pub struct Visit {
    pub request: Request,
    pub session: Session,
    pub identity: ActingIdentity,
    pub role: Role,
    pub reach: Reach,
}

/// Signs in and comes back to this page of one's own.
pub fn to_sign_in(request: &Request, path: &str) -> Response {
    let base = request.base();
    let back: String =
        form_urlencoded::byte_serialize(format!("{base}{path}").as_bytes()).collect();
    see_other(&format!("{base}/login?return_to={back}"))
}

impl Visit {
    /// Whoever is signed in, whatever they may: for pages outside the centres.
    pub async fn signed_in(mut request: Request) -> Result<Self, Failure> {
        let found = request.standing_session().await?;
        let found = found.filter(|one| one.standing.is_account_open);
        let Some(found) = found else {
            let path = request.uri.path();
            let path = path.strip_prefix(&request.base()).unwrap_or_default();
            return Err(Failure::instead(to_sign_in(&request, path)));
        };
        let session = found.session;
        let held = found.standing.held;
        let identity = load::of(&request.ctx, session.person, session.acting, held);
        let identity = match identity {
            Ok(identity) => identity,
            Err(why) => {
                let refusal = Refusal::NoIdentity(why);
                let page = told(&request, &refusal, "no-identity-title", TO_LOGIN)?;
                return Err(Failure::instead(page));
            }
        };
        let role = Role::of(&identity);
        // What strangers have filled is in nobody's way who is signed in.
        request.ctx.is_known = true;
        Ok(Self { request, session, identity, role, reach: Reach::No })
    }

    /// `function`: what the page is for. Whoever may not is told `E_ROLE`, a specific entity that
    /// it has no account centre (S-10).
    pub async fn enter(request: Request, function: Function) -> Result<Self, Failure> {
        let visit = Self::signed_in(request).await?;
        let reach = visit.reach(function);
        if reach == Reach::No {
            let request = &visit.request;
            let refused = match (visit.role, function) {
                (Role::SpecificEntity, _) => {
                    let refusal = Refusal::NoAccountCentre;
                    told(request, &refusal, "no-account-centre-title", visit.back())?
                }
                (Role::Person, Function::SwitchEnterprise | Function::SwitchCrossRegion) => {
                    told(request, &Refusal::OneWay, "switch-title", TO_LOGIN)?
                }
                _ => told(request, &Refusal::Role, "role-title", visit.back())?,
            };
            return Err(Failure::instead(refused));
        }
        if visit.session.proves_no_person() && function.asks_for_person() {
            return Err(Failure::instead(visit.to_prove_the_person().await?));
        }
        Ok(Self { reach, ..visit })
    }

    /// Whoever came by certificate proves that they are the handler they chose, and comes back (DEC-10).
    async fn to_prove_the_person(&self) -> Answer {
        let request = &self.request;
        let path = request.uri.path();
        let path = path.strip_prefix(&request.base()).unwrap_or_default();
        let begun = begin_proof(&request.ctx, &self.session, &self.path(path)).await?;
        let Some(transaction) = begun else { return Ok(to_sign_in(request, path)) };
        Ok(to_second_factor(request, &transaction))
    }

    /// A social-insurance session opens no enterprise's centre: its doors ask other things of who
    /// comes in (I-01).
    fn reach(&self, function: Function) -> Reach {
        let audience = self.request.ctx.realm.audience_of(&self.session.entrance);
        match function.is_for(audience, self.role) {
            true => function.reach(self.role),
            false => Reach::No,
        }
    }

    /// Whether it opens from here, too.
    pub fn may(&self, function: Function) -> bool {
        self.reach(function) != Reach::No
    }

    /// Its landing page can be opened.
    fn has_centre(&self) -> bool {
        let landing = match self.role {
            Role::Person => Function::PersonalInformation,
            _ => Function::EnterpriseBasics,
        };
        self.may(landing)
    }

    /// From a refusal: to the centre, or for whoever has none to where the sign-in has ended.
    fn back(&self) -> Way {
        if self.has_centre() { TO_CENTRE } else { TO_SIGNED_IN }
    }

    /// The same for a form that must be genuine.
    pub async fn enter_with(form: Form, function: Function) -> Result<(Self, Params), Failure> {
        let Form { request, fields } = form;
        let visit = Self::enter(request, function).await?;
        let binding = visit.request.session_binding();
        let (_, fields) = Form { request: visit.request.clone(), fields }.genuine(&binding)?;
        Ok((visit, fields))
    }

    /// As the enterprise's manager; the flows ask again.
    pub fn manager(&self, function: Function) -> Result<Manager<'_>, Failure> {
        let manager = Manager::of(&self.identity, self.session.person, function);
        manager.or_else(|refusal| Err(Failure::instead(self.refused(&refusal)?)))
    }

    /// For `?`: what a page is made of, or the refusal as a page of its own.
    pub fn or_refused<T>(&self, outcome: Result<T, Stop>) -> Result<T, Failure> {
        match Stop::refusal(outcome)? {
            Ok(found) => Ok(found),
            Err(refusal) => Err(Failure::instead(self.refused(&refusal)?)),
        }
    }

    pub fn path(&self, path: &str) -> String {
        format!("{}{path}", self.request.base())
    }

    pub fn go(&self, path: &str) -> Answer {
        Ok(see_other(&self.path(path)))
    }

    pub fn refused(&self, refusal: &Refusal) -> Answer {
        told(&self.request, refusal, "role-title", self.back())
    }

    /// The same in words that only this page has; both are keys of `locales/`.
    pub fn refused_as(&self, refusal: &Refusal, title: &str, text: &str) -> Answer {
        let notice = self.request.notice_as(refusal, text);
        told_as(&self.request, notice, title, self.back())
    }

    /// A page of the centre, with the menu of this role and the quick switch (AC-55).
    pub async fn page<P: Page>(&self, refusal: Option<&Refusal>, page: &P) -> Answer {
        let who = self.who().await?;
        let notice = refusal.map(|refusal| self.request.notice(refusal));
        let status = status_of(notice.as_ref());
        self.request.account_page(status, who, page)
    }

    /// A page that is read and nothing else, within the centre; both are keys of `locales/`.
    pub async fn told(&self, title: &str, text: &str) -> Answer {
        let page =
            TextPage { title: self.request.text(title), paragraphs: vec![self.request.text(text)] };
        self.page(None, &page).await
    }

    async fn who(&self) -> Result<Who, Failure> {
        let (ctx, request) = (&self.request.ctx, &self.request);
        let (identities, clients) = choices(ctx, &self.session, "", MOST_QUICK + 1).await?;
        let mut quick = view::identities(request, &identities, Some(self.session.acting));
        quick.extend(view::clients(request, &clients, Some(self.session.acting)));
        let has_more = quick.len() > MOST_QUICK;
        let quick = quick.into_iter().filter(|one| !one.is_current).take(MOST_QUICK);
        let quick = quick.map(|one| QuickItem {
            id: one.id,
            title: format!("{} · {}", one.enterprise, one.identity_type),
        });
        let person = known::person(ctx, self.session.person).await?;
        let is_overseas = person.as_ref().is_some_and(|one| one.kind == PersonKind::Overseas);
        Ok(Who {
            name: person.map(|one| mask::name(one.name.as_str())).unwrap_or_default(),
            title: view::acting_title(request, &self.identity),
            detail: self.detail(),
            is_abnormal: self.identity.enterprise().is_some_and(|one| one.status.is_abnormal()),
            csrf: request.csrf(&request.session_binding()),
            menu: self.menu(is_overseas),
            quick: if self.role.may(Function::SwitchEnterprise) {
                quick.collect()
            } else {
                Vec::new()
            },
            has_more,
            unread: unread(ctx, self.session.person).await?,
            has_centre: self.has_centre(),
            needs_switch: !self.has_centre() && self.reach(Function::SwitchEnterprise) != Reach::No,
        })
    }

    /// A main identity shows its number, a record its kind and number (AC-56).
    fn detail(&self) -> String {
        match &self.identity {
            ActingIdentity::Personal => String::new(),
            ActingIdentity::Enterprise(one) => one.enterprise.tin.as_str().to_owned(),
            ActingIdentity::Agent(one) => one.client_enterprise.tin.as_str().to_owned(),
            ActingIdentity::Record(one) => {
                let kind = format!("record-kind-{}", one.record.kind.name().replace('_', "-"));
                format!("{} {}", self.request.text(&kind), one.record.record_no.as_str())
            }
        }
    }

    /// The groups of this role's centre (AC-02, AC-03, G-08, N-07).
    fn menu(&self, is_overseas: bool) -> Vec<MenuItem> {
        let enterprise = ["/account", "/account/handlers", "/account/person"];
        let groups: Vec<(&str, &str)> = match self.role {
            Role::Manager | Role::AgencyManager | Role::Handler => {
                let agencies = match self.role {
                    Role::AgencyManager => Some(("menu-agency-clients", "/account/clients")),
                    Role::Manager => Some(("menu-agencies", "/account/agencies")),
                    _ => None,
                };
                let handlers = match self.role {
                    Role::Handler => "menu-own-permissions",
                    _ => "menu-handlers",
                };
                [
                    ("menu-enterprise", enterprise[0]),
                    (handlers, enterprise[1]),
                    ("menu-person", enterprise[2]),
                    ("menu-certificates", "/account/certificates"),
                ]
                .into_iter()
                .chain(agencies)
                .chain([("menu-switch", "/account/switch"), ("menu-log", "/account/log")])
                .collect()
            }
            Role::Agent => vec![
                ("menu-enterprise", "/account"),
                ("menu-own-permissions", "/account/handlers"),
                ("menu-switch", "/account/switch"),
            ],
            Role::Person => vec![
                ("menu-person", "/account/person"),
                ("menu-authorisations", "/account/authorisations"),
                ("menu-non-resident", NON_RESIDENT),
                ("menu-level", "/account/level"),
                ("menu-documents", "/account/documents"),
                ("menu-log", "/account/log"),
            ],
            // S-10: none; the drop-down leads to the enterprises.
            Role::SpecificEntity => Vec::new(),
        };
        let audience = self.request.ctx.realm.audience_of(&self.session.entrance);
        let is_there = |path: &str| match path {
            "/account/authorisations" => Function::OwnAuthorisations.is_for(audience, self.role),
            NON_RESIDENT => is_overseas && Function::NonResidentCode.is_for(audience, self.role),
            _ => true,
        };
        let here = self.request.uri.path();
        let item = |(key, path): (&str, &str)| MenuItem {
            title: self.request.text(key),
            href: self.path(path),
            is_current: match path {
                "/account" => here == self.path(path),
                PERSON => PERSONAL.iter().any(|one| here == self.path(one)),
                _ => here.starts_with(&self.path(path)),
            },
        };
        groups.into_iter().filter(|(_, path)| is_there(path)).map(item).collect()
    }

    pub fn is_acting(&self, acting: Acting) -> bool {
        self.session.acting == acting
    }
}

/// A refusal as a page of its own, with its stable code.
fn told(request: &Request, refusal: &Refusal, title: &str, way: Way) -> Result<Response, Failure> {
    told_as(request, request.notice(refusal), title, way)
}

fn told_as(
    request: &Request,
    notice: Notice,
    title: &str,
    (path, words): Way,
) -> Result<Response, Failure> {
    let page = MessagePage {
        title: request.text(title),
        text: notice.text,
        code: Some(notice.code),
        link: Some((format!("{}{path}", request.base()), request.text(words))),
    };
    request.page(StatusCode::FORBIDDEN, "", &page)
}
