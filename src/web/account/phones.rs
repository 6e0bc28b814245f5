//! 【手机号码修改】: the phones of somebody who is signed in, and the two steps of a change (PC-09 to PC-13).

use crate::domain::function::Function;
use crate::domain::login::LoginTransaction;
use crate::domain::mask::{self, Viewer};
use crate::domain::number::phone::Phone;
use crate::domain::person::PhoneBinding;
use crate::domain::refusal::Refusal;
use crate::flows::centre::own;
use crate::flows::centre::phones::{
    Change, Stage, abandon, begin, begin_face, current, face_passed, handle, is_sent, remove,
    send_to_existing, send_to_new, set_default, verify_existing, verify_new,
};
use crate::flows::self_help::awaited;
use crate::flows::{Fault, Stop};
use crate::oidc::params::Params;
use crate::views::page::Notice;
use crate::views::personal::{AwaitedPhoneView, PhoneChangeView, PhoneView, PhonesPage};
use crate::web::account::paths::PHONES as PATH;
use crate::web::account::personal::{done, said, tabs};
use crate::web::account::second_proof::to_second_factor;
use crate::web::account::visit::Visit;
use crate::web::answer::{Answer, see_other};
use crate::web::form::Form;
use crate::web::request::Request;
use crate::web::transaction;

/// Where the change of a number stands on the page.
const CHANGE: &str = "#change";
const DONE: [&str; 5] = ["sent", "phone", "phone-removed", "phone-stopped", "default-phone"];

pub async fn get(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::PersonalInformation).await?;
    show(&visit, "", None).await
}

pub async fn post(form: Form) -> Answer {
    let (visit, form) = Visit::enter_with(form, Function::PersonalInformation).await?;
    let act = form.get("act").unwrap_or_default();
    if act == "face" {
        return to_face(&visit, &form).await;
    }
    match Stop::refusal(act_on(&visit, act, &form).await)? {
        Ok(then) => visit.go(&format!("{PATH}{then}")),
        Err(Refusal::StepUpRequired) => to_second_factor(&visit, PATH).await,
        Err(refusal) => {
            let typed = form.get("to").unwrap_or_default();
            show(&visit, typed, Some((act, &refusal))).await
        }
    }
}

/// Does it, and says where the page goes on.
async fn act_on(visit: &Visit, act: &str, form: &Params) -> Result<String, Stop> {
    let (ctx, session) = (&visit.request.ctx, &visit.session);
    let text = |name| form.get(name).unwrap_or_default();
    let (id, phone) = (text("change"), text("phone"));
    let then = match act {
        "default" => {
            set_default(ctx, session, phone).await?;
            "?done=default-phone"
        }
        "remove" => {
            remove(ctx, session, phone).await?;
            "?done=phone-removed"
        }
        "begin" => {
            begin(ctx, session, phone).await?;
            CHANGE
        }
        "cancel" => {
            abandon(ctx, session, id).await?;
            ""
        }
        "send-existing" => {
            send_to_existing(ctx, session, id).await?;
            "?done=sent#change"
        }
        "verify-existing" => {
            verify_existing(ctx, session, id, text("code")).await?;
            CHANGE
        }
        "send-new" => {
            send_to_new(ctx, session, id, text("to")).await?;
            "?done=sent#change"
        }
        "verify-new" => {
            verify_new(ctx, session, id, text("code")).await?;
            "?done=phone"
        }
        "stop-awaited" => {
            awaited::stop_own(ctx, session, text("awaited")).await?;
            "?done=phone-stopped"
        }
        _ => return Err(Refusal::State.into()),
    };
    Ok(then.to_owned())
}

/// Somebody without a phone shows their face first.
async fn to_face(visit: &Visit, form: &Params) -> Answer {
    let (ctx, session) = (&visit.request.ctx, &visit.session);
    let change = current(ctx, session).await?;
    let change = change.filter(|change| Some(change.id.as_str()) == form.get("change"));
    let Some(change) = change else { return show(visit, "", Some(("", &Refusal::State))).await };
    match Stop::refusal(begin_face(ctx, session, &change, &visit.path(PATH)).await)? {
        Ok(begun) => Ok(transaction::to_second_factor(&visit.request, &begun)),
        Err(refusal) => show(visit, "", Some(("", &refusal))).await,
    }
}

/// The face was theirs: the new number is asked.
pub async fn passed(request: &Request, transaction: &LoginTransaction) -> Answer {
    // Where it was not, or the first of two clicks has done it, the page says how the change stands.
    Stop::refusal(face_passed(&request.ctx, transaction).await)?.ok();
    Ok(see_other(&format!("{}{PATH}{CHANGE}", request.base())))
}

fn masked(phone: &Phone) -> String {
    mask::phone(phone.national(), Viewer::Own)
}

/// The field that a refusal is about.
fn wrong(act: &str, refusal: &Refusal) -> Option<&'static str> {
    match refusal {
        Refusal::Otp | Refusal::OtpExpired | Refusal::Format { .. } => match act {
            "verify-existing" | "verify-new" => Some("code"),
            "send-new" => Some("phone"),
            _ => None,
        },
        _ => None,
    }
}

fn told(request: &Request, act: &str, refusal: &Refusal) -> Notice {
    match (act, refusal) {
        ("remove", Refusal::Protected) => {
            said(request, refusal, request.text("own-phone-is-default"))
        }
        ("stop-awaited", Refusal::State) => {
            said(request, refusal, request.text("own-phone-awaited-over"))
        }
        ("begin", Refusal::State) => said(request, refusal, request.text("own-phones-full")),
        (_, Refusal::State) => said(request, refusal, request.text("own-phone-began-anew")),
        (_, refusal) => {
            let notice = request.notice(refusal).with_field("own_phone", "new-phone");
            notice.with_field("phone", "new-phone")
        }
    }
}

async fn change_view(
    visit: &Visit,
    change: Change,
    phones: &[PhoneBinding],
    typed: &str,
) -> Result<PhoneChangeView, Fault> {
    let (ctx, session) = (&visit.request.ctx, &visit.session);
    let default = phones.iter().find(|one| one.is_default);
    let (step, waits) = match &change.stage {
        Stage::Existing if default.is_none() => ("face", String::new()),
        Stage::Existing => ("existing", String::new()),
        Stage::New => ("new", String::new()),
        Stage::Sent(sent) => ("sent", sent.to.clone()),
    };
    Ok(PhoneChangeView {
        replaces: change.replaced().as_ref().map(masked),
        step,
        existing: default.map(|one| masked(&one.phone)).unwrap_or_default(),
        is_sent: step == "existing" && is_sent(ctx, session, &change).await?,
        typed: if typed.is_empty() { waits } else { typed.to_owned() },
        wrong: None,
        id: change.id,
    })
}

async fn show(visit: &Visit, typed: &str, refused: Option<(&str, &Refusal)>) -> Answer {
    let (request, session) = (&visit.request, &visit.session);
    let Some(known) = own::find(&request.ctx, session).await? else { return request.forbidden() };
    let change = match current(&request.ctx, session).await? {
        Some(change) => {
            let view = change_view(visit, change, &known.phones, typed).await?;
            let wrong = refused.and_then(|(act, refusal)| wrong(act, refusal));
            Some(PhoneChangeView { wrong, ..view })
        }
        None => None,
    };
    let awaited = awaited::of(&request.ctx, session).await?.map(|one| AwaitedPhoneView {
        id: one.id.to_string(),
        masked: masked(&one.phone),
        due: one.due_at.for_people(),
    });
    let view = |one: &PhoneBinding| PhoneView {
        handle: handle(session, &one.phone),
        masked: masked(&one.phone),
        is_default: one.is_default,
    };
    let page = PhonesPage {
        tabs: tabs(visit, PATH),
        phones: known.phones.iter().map(view).collect(),
        may_add: known.phones.len() < PhoneBinding::MOST,
        change,
        awaited,
        done: done(request, &DONE),
        notice: refused.map(|(act, refusal)| told(request, act, refusal)),
    };
    visit.page(refused.map(|(_, refusal)| refusal), &page).await
}
