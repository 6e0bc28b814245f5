//! Specific entities choose the record they work on (S-04 to S-09).

use crate::domain::cross_region::CrossRegionRecord;
use crate::domain::login::LoginTransaction;
use crate::domain::number::record::RecordNumber;
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::centre::known;
use crate::flows::identity::records::{Records, records};
use crate::flows::sign_in::steps::choose_record;
use crate::oidc::params::Params;
use crate::views::page::{ChooseRecordPage, LinkView, RecordView};
use crate::web::answer::{Answer, status_of};
use crate::web::page::step::{AtStep, go_on, unless_gone_on};
use crate::web::page::view::authority;
use crate::web::request::Request;
use crate::web::transaction::anew;

pub async fn get(AtStep { request, form: params, transaction, .. }: AtStep) -> Answer {
    show(&request, &transaction, &params, None).await
}

pub async fn post(AtStep { request, form, transaction, .. }: AtStep) -> Answer {
    let id = form.get("record").unwrap_or_default();
    match Stop::refusal(choose_record(&request.ctx, &transaction, id).await)? {
        Ok(next) => go_on(&request, &next).await,
        Err(refusal) => {
            let none = Params::default();
            let shown = show(&request, &transaction, &none, Some(&refusal));
            unless_gone_on(&request, &transaction, shown).await
        }
    }
}

async fn show(
    request: &Request,
    transaction: &LoginTransaction,
    params: &Params,
    refusal: Option<&Refusal>,
) -> Answer {
    let proved = transaction.proved();
    let known = proved.and_then(|one| Some((one.person, one.enterprise?, one.record_kind?)));
    let Some((person, enterprise, kind)) = known else {
        return go_on(request, transaction).await;
    };
    let no = params.get("no").unwrap_or_default().trim();
    let found = match RecordNumber::parse(no) {
        _ if no.is_empty() => records(&request.ctx, person, enterprise, kind, None).await?,
        Ok(no) => records(&request.ctx, person, enterprise, kind, Some(&no)).await?,
        Err(_) => Records::none(),
    };
    let enterprise = known::enterprise(&request.ctx, enterprise).await?;
    let language = request.language();
    let entrance = proved.and_then(|one| request.ctx.realm.entrance(&one.entrance));
    let links = entrance.map(|entrance| entrance.links.as_slice()).unwrap_or_default();
    let view = |one: &CrossRegionRecord| RecordView {
        id: one.id.to_string(),
        no: one.record_no.as_str().to_owned(),
        project: one.project_name.clone(),
        tax_authority: authority(request, &one.tax_authority),
        valid_to: one.valid_to.map(|day| day.to_string()),
    };
    let notice = refusal.map(|refusal| request.notice(refusal));
    let status = status_of(notice.as_ref());
    let page = ChooseRecordPage {
        transaction: transaction.id.clone(),
        enterprise: enterprise.map(|enterprise| enterprise.name).unwrap_or_default(),
        kind: kind.name(),
        no: no.to_owned(),
        records: found.shown.iter().map(view).collect(),
        cut: found.cut.map(|n| n.to_string()),
        anew: anew(request, transaction),
        links: links
            .iter()
            .map(|link| LinkView {
                href: link.url.clone(),
                title: link.title.in_language(language).to_owned(),
            })
            .collect(),
        notice,
    };
    request.page(status, &transaction.id, &page)
}
