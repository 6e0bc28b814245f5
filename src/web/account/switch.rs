//! 【身份切换】: to another enterprise or client enterprise, to a cross-region record, to the person
//! themself, one way (AC-48 to AC-57, G-14 to G-16, S-11).

use crate::domain::acting::Acting;
use crate::domain::cross_region::{CrossRegionRecord, RecordKind};
use crate::domain::function::Function;
use crate::domain::number::record::RecordNumber;
use crate::domain::refusal::{NoIdentity, Refusal};
use crate::flows::Stop;
use crate::flows::identity::records::{Narrowed, all_records};
use crate::flows::identity::switch::{MOST_CLIENTS, choice, choices, offers_personal, switch};
use crate::oidc::params::Params;
use crate::views::account::{OptionView, RecordRow, SwitchChoice, SwitchPage, SwitchRecordsPage};
use crate::views::page::IdentityView;
use crate::web::account::second_proof::to_second_factor;
use crate::web::account::show::{href, tabs};
use crate::web::account::visit::Visit;
use crate::web::answer::{Answer, Failure, see_other, with_cookie};
use crate::web::cookies;
use crate::web::form::Form;
use crate::web::page::view::{self, authority};
use crate::web::request::Request;

pub async fn get(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::SwitchEnterprise).await?;
    let params = visit.request.query().unwrap_or_default();
    let of = params.get("enterprise").filter(|number| !number.is_empty());
    show(&visit, of, None).await
}

/// `of`: the number of the enterprise that was picked.
async fn show(visit: &Visit, of: Option<&str>, refusal: Option<&Refusal>) -> Answer {
    let request = &visit.request;
    let params = request.query().unwrap_or_default();
    let text = params.get("text").unwrap_or_default().trim().to_owned();
    let (mut choices, cut) = by_enterprise(visit, &text).await?;
    if let Some(of) = of {
        choices.retain(|one| one.number == of);
    }
    let page = SwitchPage {
        choices,
        asks_type: of.is_some(),
        text,
        cut,
        offers_records: visit.role.may(Function::SwitchCrossRegion),
        offers_personal: visit.role.may(Function::SwitchPersonal)
            && offers_personal(&request.ctx, &visit.session),
        notice: refusal.map(|refusal| request.notice(refusal)),
    };
    visit.page(refusal, &page).await
}

/// What fits the text, enterprise by enterprise; each client enterprise of an agent by itself, and how many
/// these were cut to.
async fn by_enterprise(
    visit: &Visit,
    text: &str,
) -> Result<(Vec<SwitchChoice>, Option<String>), Failure> {
    let (request, acting) = (&visit.request, Some(visit.session.acting));
    let (identities, mut clients) = choices(&request.ctx, &visit.session, text, usize::MAX).await?;
    let cut = usize::try_from(MOST_CLIENTS).ok().filter(|most| clients.len() > *most);
    clients.truncate(cut.unwrap_or(clients.len()));
    let mut choices: Vec<SwitchChoice> = Vec::new();
    let fits = |one: &IdentityView| text.is_empty() || view::holds(one, text);
    for one in view::identities(request, &identities, acting).into_iter().filter(fits) {
        match choices.last_mut().filter(|last| last.number == one.number) {
            Some(same) => same.identities.push(one),
            None => choices.push(SwitchChoice {
                name: one.enterprise.clone(),
                number: one.number.clone(),
                identities: vec![one],
            }),
        }
    }
    let client = |one: IdentityView| SwitchChoice {
        name: one.enterprise.clone(),
        number: one.number.clone(),
        identities: vec![one],
    };
    choices.extend(view::clients(request, &clients, acting).into_iter().filter(fits).map(client));
    Ok((choices, cut.map(|most| most.to_string())))
}

pub async fn post(form: Form) -> Answer {
    let (visit, form) = Visit::enter_with(form, Function::SwitchEnterprise).await?;
    let ctx = &visit.request.ctx;
    let may = |function| visit.role.may(function);
    // Several types there: one is chosen before anything moves (AC-49).
    if let Some(number) = form.get("enterprise") {
        let (choices, _) = by_enterprise(&visit, "").await?;
        let is_there = choices.iter().any(|one| one.number == number);
        let gone = Refusal::NoIdentity(NoIdentity::None);
        return match is_there {
            true => show(&visit, Some(number), None).await,
            false => show(&visit, None, Some(&gone)).await,
        };
    }
    let picked = match (form.get("identity").unwrap_or_default(), form.get("record")) {
        ("personal", _) if may(Function::SwitchPersonal) => Ok(Acting::Personal),
        ("personal", _) => Err(Refusal::Role),
        (_, Some(record)) if may(Function::SwitchCrossRegion) => {
            record.parse().map(Acting::Record).map_err(|_| Refusal::State)
        }
        (_, Some(_)) => Err(Refusal::Role),
        (id, None) => {
            Stop::refusal(choice(ctx, &visit.session, id).await)?.map(|one| one.reference())
        }
    };
    let to = match picked {
        Ok(to) if visit.is_acting(to) => return visit.go("/account"),
        Ok(to) => to,
        Err(refusal) => return show(&visit, None, Some(&refusal)).await,
    };
    match Stop::refusal(switch(ctx, &visit.session, to).await)? {
        Ok((_, cookie)) => {
            let realm = &ctx.realm;
            let name = cookies::session_name(realm);
            let cookie = cookies::set(realm, name, cookie.expose().to_owned(), None);
            let to = match to {
                Acting::Record(_) => visit.path("/account/switch"),
                _ => visit.path("/account"),
            };
            Ok(with_cookie(see_other(&to), cookie))
        }
        Err(Refusal::StepUpRequired) => to_second_factor(&visit, "/account/switch").await,
        Err(refusal) => show(&visit, None, Some(&refusal)).await,
    }
}

/// Province, city and district of a division of six digits; each list depends on the one before.
struct Place<'a> {
    province: &'a str,
    city: &'a str,
    district: &'a str,
    authority: &'a str,
}

impl<'a> Place<'a> {
    /// What was chosen: of another province, city or district it is dropped.
    fn chosen(params: &'a Params, among: &[(CrossRegionRecord, String)]) -> Self {
        let text = |name: &str| params.get(name).unwrap_or_default().trim();
        let within = |part: &'a str, whole: &str| if part.starts_with(whole) { part } else { "" };
        let province = text("province");
        let city = within(text("city"), province);
        let mut place = Self { province, city, district: "", authority: "" };
        place.district = within(text("district"), place.above_district());
        let authority = text("authority");
        let is_there = among.iter().any(|(one, _)| {
            one.division.starts_with(place.longest()) && one.tax_authority == authority
        });
        place.authority = if is_there { authority } else { "" };
        place
    }

    /// What is chosen above the districts, as far as it is.
    fn above_district(&self) -> &str {
        if self.city.is_empty() { self.province } else { self.city }
    }

    fn longest(&self) -> &str {
        if self.district.is_empty() { self.above_district() } else { self.district }
    }

    fn fits(&self, one: &CrossRegionRecord) -> bool {
        one.division.starts_with(self.province)
            && one.division.starts_with(self.city)
            && one.division.starts_with(self.district)
            && (self.authority.is_empty() || one.tax_authority == self.authority)
    }
}

/// The distinct values of `part` among the records, with an empty one for all.
fn options(
    request: &Request,
    records: &[&(CrossRegionRecord, String)],
    chosen: &str,
    part: impl Fn(&CrossRegionRecord) -> String,
) -> Vec<OptionView> {
    let mut values: Vec<String> = records.iter().map(|(one, _)| part(one)).collect();
    values.sort();
    values.dedup();
    let all = OptionView {
        value: String::new(),
        title: request.text("all"),
        is_chosen: chosen.is_empty(),
    };
    let option = |value: String| OptionView {
        title: match value.len() {
            ..=6 => request.division(&value),
            _ => authority(request, &value),
        },
        is_chosen: value == chosen,
        value,
    };
    std::iter::once(all).chain(values.into_iter().map(option)).collect()
}

/// From the province down to the district; by its code where it has no name.
fn whole(request: &Request, division: &str) -> String {
    let is_known = |code: &str| request.ctx.realm.divisions.contains_key(code);
    if !is_known(division) {
        return request.division(division);
    }
    let parts = [2, 4, 6].into_iter().filter_map(|length| division.get(..length));
    let known = parts.filter(|code| code.len() == 2 || is_known(code));
    let names: Vec<String> = known.map(|code| request.division(code)).collect();
    match request.language() {
        "en" => names.into_iter().rev().collect::<Vec<_>>().join(", "),
        _ => names.concat(),
    }
}

pub async fn records(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::SwitchCrossRegion).await?;
    let request = &visit.request;
    let params = request.query().unwrap_or_default();
    let text = |name: &str| params.get(name).unwrap_or_default().trim();
    let kind = RecordKind::parse(text("kind")).unwrap_or(RecordKind::Inspection);
    let person = visit.session.person;
    let all = all_records(&request.ctx, person, kind, Narrowed::default()).await?;
    let every: Vec<&(CrossRegionRecord, String)> = all.shown.iter().collect();
    let place = Place::chosen(&params, &all.shown);
    let within = |prefix: &str| -> Vec<&(CrossRegionRecord, String)> {
        every.iter().filter(|(one, _)| one.division.starts_with(prefix)).copied().collect()
    };
    let cut = |length: usize| {
        move |one: &CrossRegionRecord| one.division.get(..length).unwrap_or_default().to_owned()
    };
    let asks_number = kind == RecordKind::Inspection;
    let wanted = RecordNumber::parse(text("no")).ok().filter(|_| asks_number);
    // A number, and what is chosen, also find what a long list has left out.
    let narrowed = Narrowed {
        record_no: wanted.as_ref(),
        division: place.longest(),
        authority: place.authority,
    };
    let found = match wanted.is_some() || all.cut.is_some() {
        true => Some(all_records(&request.ctx, person, kind, narrowed).await?),
        false => None,
    };
    let found = found.as_ref().unwrap_or(&all);
    let shown = found.shown.iter().filter(|(one, _)| place.fits(one));
    let row = |(one, enterprise): &(CrossRegionRecord, String)| RecordRow {
        id: one.id.to_string(),
        no: one.record_no.as_str().to_owned(),
        project: one.project_name.clone(),
        enterprise: enterprise.clone(),
        place: format!(
            "{} · {}",
            whole(request, &one.division),
            authority(request, &one.tax_authority)
        ),
        valid_to: one.valid_to.map(|day| day.to_string()),
        is_current: visit.is_acting(Acting::Record(one.id)),
    };
    let path = "/account/switch/records";
    let mut kinds =
        tabs(request, &[("records-inspection", path), ("records-tax-source", path)], "");
    for (tab, one) in kinds.iter_mut().zip(RecordKind::ALL) {
        tab.href = href(request, path, &[("kind", one.name())]);
        tab.is_current = one == kind;
    }
    let page = SwitchRecordsPage {
        tabs: kinds,
        kind: kind.name(),
        provinces: options(request, &every, place.province, cut(2)),
        cities: options(request, &within(place.province), place.city, cut(4)),
        districts: options(request, &within(place.above_district()), place.district, cut(6)),
        authorities: options(request, &within(place.longest()), place.authority, |one| {
            one.tax_authority.clone()
        }),
        no: text("no").to_owned(),
        asks_number,
        cut: found.cut.map(|n| n.to_string()),
        records: shown.map(row).collect(),
        notice: None,
    };
    visit.page(None, &page).await
}
