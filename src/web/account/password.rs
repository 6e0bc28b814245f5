//! 【个人密码修改】: by the old password, by a code to the default phone, by a face (PC-03 to PC-08).

use crate::base::secret::Secret;
use crate::domain::function::Function;
use crate::domain::login::LoginTransaction;
use crate::domain::password::PasswordFault;
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::centre::password::{
    Wanted, begin_face, by_code, by_old, code_goes_to, face_passed, is_sent, looks_at_faces,
    send_code,
};
use crate::oidc::params::Params;
use crate::views::page::{Notice, Tab};
use crate::views::personal::PasswordPage;
use crate::web::account::paths::PASSWORD as PATH;
use crate::web::account::personal::{done, said, tabs};
use crate::web::account::visit::Visit;
use crate::web::answer::{Answer, see_other};
use crate::web::cookies;
use crate::web::form::Form;
use crate::web::page::view::password_rule;
use crate::web::request::Request;
use crate::web::transaction::to_second_factor;

/// What proves that it is them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Old,
    Sms,
    Face,
}

impl By {
    const ALL: [Self; 3] = [Self::Old, Self::Sms, Self::Face];

    fn name(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::Sms => "sms",
            Self::Face => "face",
        }
    }

    fn parse(name: Option<&str>) -> Self {
        Self::ALL.into_iter().find(|by| Some(by.name()) == name).unwrap_or(Self::Old)
    }
}

pub async fn get(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::PersonalInformation).await?;
    let query = visit.request.query().unwrap_or_default();
    show(&visit, By::parse(query.get("way")), None).await
}

pub async fn post(form: Form) -> Answer {
    let (visit, form) = Visit::enter_with(form, Function::PersonalInformation).await?;
    let (ctx, session) = (&visit.request.ctx, &visit.session);
    let by = By::parse(form.get("way"));
    if form.get("act") == Some("send") {
        return match Stop::refusal(send_code(ctx, session).await)? {
            Ok(()) => visit.go(&format!("{PATH}?way=sms&done=sent")),
            Err(refusal) => show(&visit, By::Sms, Some(&refusal)).await,
        };
    }
    let wanted = Wanted { new: secret(&form, "new"), repeated: secret(&form, "repeated") };
    let changed = match by {
        By::Old => by_old(ctx, session, &secret(&form, "old"), device(&visit), &wanted).await,
        By::Sms => by_code(ctx, session, form.get("code").unwrap_or_default(), &wanted).await,
        By::Face => {
            let back = visit.path(&format!("{PATH}?way=face"));
            match Stop::refusal(begin_face(ctx, session, &wanted, &back).await)? {
                Ok(begun) => return Ok(to_second_factor(&visit.request, &begun)),
                Err(refusal) => Err(refusal.into()),
            }
        }
    };
    match Stop::refusal(changed)? {
        Ok(()) => visit.go(&format!("{PATH}?done=password")),
        Err(refusal) => show(&visit, by, Some(&refusal)).await,
    }
}

fn secret(form: &Params, name: &str) -> Secret {
    Secret::new(form.get(name).unwrap_or_default().to_owned())
}

/// What this browser is remembered by.
fn device(visit: &Visit) -> Option<Secret> {
    let name = cookies::device_name(&visit.request.ctx.realm);
    visit.request.cookies.get(&name).map(|value| Secret::new(value.clone()))
}

/// The face was theirs.
pub async fn passed(request: &Request, transaction: &LoginTransaction) -> Answer {
    let base = request.base();
    match Stop::refusal(face_passed(&request.ctx, transaction).await)? {
        Ok(()) => Ok(see_other(&format!("{base}{PATH}?done=password"))),
        // The first of two clicks has done it, or the session has ended: then the sign-in is asked for.
        Err(refusal) => {
            let visit = Visit::enter(request.clone(), Function::PersonalInformation).await?;
            show(&visit, By::Face, Some(&refusal)).await
        }
    }
}

/// The field that a refusal is about.
fn wrong(by: By, refusal: &Refusal) -> Option<&'static str> {
    Some(match refusal {
        Refusal::Credentials => "old",
        Refusal::Format { fields } if fields.contains(&"old_password") => "old",
        Refusal::PasswordPolicy(PasswordFault::NotEqual) => "repeated",
        Refusal::PasswordPolicy(_) => "new",
        Refusal::Otp | Refusal::OtpExpired | Refusal::Format { .. } if by == By::Sms => "code",
        _ => return None,
    })
}

fn told(request: &Request, refusal: &Refusal) -> Notice {
    match refusal {
        Refusal::Credentials => said(request, refusal, request.text("own-password-wrong")),
        Refusal::State => said(request, refusal, request.text("own-password-not-changed")),
        refusal => request.notice(refusal),
    }
}

async fn show(visit: &Visit, by: By, refusal: Option<&Refusal>) -> Answer {
    let (request, session) = (&visit.request, &visit.session);
    let ctx = &request.ctx;
    let sent_to = code_goes_to(ctx, session).await?;
    let is_closed = |one: By| match one {
        By::Old => false,
        By::Sms => sent_to.is_none(),
        By::Face => !looks_at_faces(ctx),
    };
    let way = |one: By| Tab {
        id: one.name().to_owned(),
        title: request.text(&format!("own-password-by-{}", one.name())),
        href: visit.path(&format!("{PATH}?way={}", one.name())),
        is_current: one == by,
        is_closed: is_closed(one),
    };
    let rules = &ctx.realm.password;
    let page = PasswordPage {
        tabs: tabs(visit, PATH),
        ways: By::ALL.into_iter().map(way).collect(),
        way: by.name(),
        min_length: rules.min_length,
        max_length: rules.max_length,
        rule: password_rule(request),
        is_sent: by == By::Sms && is_sent(ctx, session).await?,
        sent_to,
        wrong: refusal.and_then(|refusal| wrong(by, refusal)),
        done: done(request, &["password", "sent"]),
        notice: refusal.map(|refusal| told(request, refusal)),
    };
    visit.page(refusal, &page).await
}
