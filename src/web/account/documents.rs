//! 【个人证件管理】: one's own documents, and 【添加证件】 with the scan behind it (D-04 to D-10).

use std::collections::BTreeMap;

use crate::domain::function::Function;
use crate::domain::login::{LoginTransaction, Then};
use crate::domain::mask::{self, Viewer};
use crate::domain::new_document::TypedDocument;
use crate::domain::number::document::DocumentType;
use crate::domain::person::IdentityDocument;
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::centre::documents::{begin, finish, list};
use crate::flows::centre::known;
use crate::flows::sign_in::lower::counts_until;
use crate::oidc::params::Params;
use crate::views::account::OptionView;
use crate::views::own::{AddDocumentPage, DocumentView, DocumentsPage};
use crate::views::page::Notice;
use crate::web::account::show::href;
use crate::web::account::visit::Visit;
use crate::web::answer::{Answer, busy, see_other};
use crate::web::form::Form;
use crate::web::page::view;
use crate::web::request::Request;
use crate::web::transaction::to_second_factor;

const PATH: &str = "/account/documents";
const ADD: &str = "/account/documents/add";

pub async fn get(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::PersonalInformation).await?;
    show(&visit, None).await
}

async fn show(visit: &Visit, refusal: Option<&Refusal>) -> Answer {
    let (request, session) = (&visit.request, &visit.session);
    let today = request.ctx.now().day();
    let all = list(&request.ctx, session).await?;
    let level = known::person(&request.ctx, session.person).await?;
    let level = level.map_or(1, |person| person.real_name_level);
    // What still counts bears the level, whatever else has ended.
    let rests_on_none = level > 2 && all.iter().all(|one| one.has_ended(today));
    let document = |one: &IdentityDocument| {
        let has_ended = one.has_ended(today);
        let query = [("kind", one.kind.name())];
        DocumentView {
            kind: view::document(request, one.kind),
            number: mask::document(&one.number, Viewer::Own),
            valid_from: one.valid_from.map(|day| day.to_string()),
            valid_to: one.valid_to.map(|day| day.to_string()),
            renew: (has_ended && one.kind.is_online()).then(|| href(request, ADD, &query)),
            counts_until: one
                .valid_to
                .filter(|_| rests_on_none)
                .map(|end| counts_until(end).to_string()),
            has_ended,
        }
    };
    let done = request.query().unwrap_or_default();
    let done = done.get("done").filter(|done| *done == "document");
    let page = DocumentsPage {
        documents: all.iter().map(document).collect(),
        done: done.map(|_| request.text("own-document-added")),
        notice: refusal.map(|refusal| notice(request, refusal)),
    };
    visit.page(refusal, &page).await
}

/// The field of the last day: some kinds must have one, which only this page says.
const END: &str = "valid_to";

fn said_at(request: &Request, field: &str) -> String {
    match field {
        END => request.text("own-document-valid-to"),
        field => request.text(&Refusal::text_key_of(field)),
    }
}

/// Somebody else's number has a way of its own: nobody is merged online (D-08).
fn notice(request: &Request, refusal: &Refusal) -> Notice {
    let notice = request.notice(refusal);
    match refusal {
        Refusal::Format { .. } => {
            let fields = notice.fields.clone().into_iter().map(|one| {
                let text = if one.id == END { said_at(request, END) } else { one.text };
                (one.id, text)
            });
            notice.at_fields(fields)
        }
        Refusal::Taken => Notice { text: request.text("own-document-taken"), ..notice },
        Refusal::OfflineOnly => Notice { text: request.text("own-document-offline"), ..notice },
        _ => notice,
    }
}

fn typed(form: &Params) -> TypedDocument {
    let text = |name: &str| form.get(name).unwrap_or_default().to_owned();
    TypedDocument {
        name: text("name"),
        kind: text("document_type"),
        number: text("document"),
        term: text("term"),
        valid_from: text("valid_from"),
        valid_to: text("valid_to"),
    }
}

pub async fn get_add(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::PersonalInformation).await?;
    let params = visit.request.query().unwrap_or_default();
    let kind = params.get("kind").unwrap_or(DocumentType::ResidentIdCard.name()).to_owned();
    let new = TypedDocument { kind, term: "dates".to_owned(), ..TypedDocument::default() };
    show_add(&visit, &new, None).await
}

/// 【下一步】: to the scan where everything is right.
pub async fn post_add(form: Form) -> Answer {
    let (visit, form) = Visit::enter_with(form, Function::PersonalInformation).await?;
    let (request, new) = (&visit.request, typed(&form));
    let then = Then::Page(visit.path(PATH));
    match Stop::refusal(begin(&request.ctx, &visit.session, &new, then).await)? {
        Ok(transaction) => Ok(to_second_factor(request, &transaction)),
        Err(refusal) => show_add(&visit, &new, Some(&refusal)).await,
    }
}

async fn show_add(visit: &Visit, new: &TypedDocument, refusal: Option<&Refusal>) -> Answer {
    let request = &visit.request;
    let option = |kind: DocumentType| OptionView {
        value: kind.name().to_owned(),
        title: view::document(request, kind),
        is_chosen: kind.name() == new.kind,
    };
    let wrong = match refusal {
        Some(Refusal::Format { fields }) => fields.as_slice(),
        _ => &[],
    };
    let said = |field: &&'static str| (*field, said_at(request, field));
    let wrong: BTreeMap<_, _> = wrong.iter().map(said).collect();
    let online = DocumentType::ALL.into_iter().filter(|kind| kind.is_online());
    let page = AddDocumentPage {
        kinds: online.map(option).collect(),
        name: new.name.clone(),
        document: new.number.clone(),
        is_long_term: new.term == "long",
        valid_from: new.valid_from.clone(),
        valid_to: new.valid_to.clone(),
        today: request.ctx.now().day().to_string(),
        wrong,
        notice: refusal.map(|refusal| notice(request, refusal)),
    };
    visit.page(refusal, &page).await
}

/// The scan was passed (D-07): the document is among the others, or somebody else's.
pub async fn passed(request: &Request, transaction: &LoginTransaction) -> Answer {
    let there = |done: &[(&str, &str)]| Ok(see_other(&href(request, PATH, done)));
    match Stop::refusal(finish(&request.ctx, transaction).await)? {
        Ok(_) => there(&[("done", "document")]),
        // The first of two clicks has done it, or the session has ended: there it stands, or is asked for.
        Err(Refusal::State) => there(&[]),
        // Nothing was done, and the same once more will be.
        Err(Refusal::Busy) => Ok(busy()),
        Err(refusal) => {
            let visit = Visit::enter(request.clone(), Function::PersonalInformation).await?;
            show(&visit, Some(&refusal)).await
        }
    }
}
