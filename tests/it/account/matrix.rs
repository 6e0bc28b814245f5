//! The role matrix through the interface: each function for each role, against a copy written by
//! hand from the requirements (1.18).

use std::collections::BTreeSet;

use hufu::domain::function::{Function, Reach, Role};
use serde_json::json;

use super::{
    AGENCY, LI, WANG, as_li, as_person, as_wang, at_door, csrf, feed, get, held, post, relation,
};
use crate::kit::browser::Shown;
use crate::kit::{Browser, EXAMPLE, On, PASSWORD, TestApp, on_each_database, on_one_database};

/// LR, FS, TC, IC, AG in client, ALR, HM in specific entity, P.
const ROLES: [Role; 8] = [
    Role::Manager,
    Role::Manager,
    Role::Handler,
    Role::Handler,
    Role::Agent,
    Role::AgencyManager,
    Role::SpecificEntity,
    Role::Person,
];

const NAMES: [&str; 8] = ["LR", "FS", "TC", "IC", "AG", "ALR", "HM", "P"];

/// `y` yes, `o` own only, `-` no; written by hand, column by column as above.
const MATRIX: [(Function, &str); 24] = [
    (Function::EnterpriseBasics, "yyyyyy--"),
    (Function::KeyPersons, "yyyyyy--"),
    (Function::TaxAndInvestors, "yy---y--"),
    (Function::Reveal, "yyyyyy-o"),
    (Function::ListHandlers, "yyoooy--"),
    (Function::AddHandler, "yy---y--"),
    (Function::WithdrawPending, "yy---y--"),
    (Function::DecideApplication, "yy---y--"),
    (Function::EditHandler, "yy---y--"),
    (Function::DeleteHandler, "yy---y--"),
    (Function::ClearHistory, "yy---y-o"),
    (Function::OwnAgencies, "yy------"),
    (Function::AgencyClients, "-----y--"),
    (Function::PersonalInformation, "oooo-o-o"),
    (Function::OwnSecurity, "oooooo-o"),
    (Function::SwitchEnterprise, "yyyyyyy-"),
    (Function::SwitchCrossRegion, "yyyy-y--"),
    (Function::SwitchPersonal, "yyyyyy--"),
    (Function::OwnAuthorisations, "-------y"),
    (Function::NonResidentCode, "-------y"),
    (Function::LoginLog, "oooo-o-o"),
    (Function::EnterpriseLog, "yy---y--"),
    (Function::CancelAccount, "-------o"),
    (Function::OwnCertificates, "yyyy-y--"),
];

fn reach(letter: char) -> Reach {
    match letter {
        'y' => Reach::Yes,
        'o' => Reach::Own,
        _ => Reach::No,
    }
}

async fn everybody(app: &TestApp) -> Vec<Browser> {
    let clerk = as_wang(app, "<strong>办税员").await;
    let invoicing = as_wang(app, "<strong>开票员").await;
    vec![
        as_li(app).await,
        at_door(app, "enterprise", (EXAMPLE, "13700137000", "014512"), "").await,
        clerk,
        invoicing,
        at_door(app, "agency", (AGENCY, "13300133000", PASSWORD), "南昌示例科技").await,
        at_door(app, "enterprise", (AGENCY, LI, PASSWORD), "").await,
        at_door(app, "specific_entity", ("91330100MA2BUJ786T", "13100131000", PASSWORD), "101号")
            .await,
        as_person(app, WANG).await,
    ]
}

/// Whether the interface lets somebody do it; `id` is an authorisation of the example enterprise.
async fn tries(app: &TestApp, browser: &mut Browser, function: Function, id: &str) -> bool {
    let handler = format!("/account/handlers/{id}");
    let shows = |page: &Shown, path: &str| {
        page.status.as_u16() == 200 && page.url.contains(path) && page.code().is_none()
    };
    let not_refused =
        |page: &Shown| !matches!(page.code(), Some("E_ROLE" | "E_NO_ACCOUNT_CENTRE" | "E_ONE_WAY"));
    let acts = [("act", ""), ("sure", "no")];
    let act = |name: &'static str| [("act", name), acts[1]];
    match function {
        Function::EnterpriseBasics | Function::KeyPersons | Function::TaxAndInvestors => {
            let page = get(browser, "/account").await;
            let block = match function {
                Function::EnterpriseBasics => "纳税人名称",
                Function::KeyPersons => "主要人员信息",
                _ => "投资方信息",
            };
            page.url.ends_with("/account") && page.text.contains(block)
        }
        Function::Reveal => {
            let page = post(app, browser, "/account/reveal", &[("field", "name")]).await;
            let own = post(app, browser, "/account/person", &[("field", "person-name-0")]).await;
            shows(&page, "/account/reveal")
                || (own.text.contains("王小明") && page.code().is_some())
        }
        Function::ListHandlers => shows(&get(browser, "/account/handlers").await, "handlers"),
        Function::AddHandler => shows(&get(browser, "/account/handlers/add").await, "add"),
        Function::WithdrawPending => {
            not_refused(&post(app, browser, &handler, &act("withdraw")).await)
        }
        Function::DecideApplication => {
            not_refused(&post(app, browser, &handler, &act("reject")).await)
        }
        Function::EditHandler => not_refused(&post(app, browser, &handler, &act("edit")).await),
        Function::DeleteHandler => not_refused(&post(app, browser, &handler, &act("delete")).await),
        Function::ClearHistory => {
            let path = match get(browser, "/account/authorisations").await.code() {
                None => "/account/authorisations/history",
                Some(_) => "/account/handlers/history",
            };
            not_refused(&post(app, browser, path, &[("reason", "deleted")]).await)
        }
        Function::OwnAgencies => shows(&get(browser, "/account/agencies").await, "agencies"),
        Function::AgencyClients => {
            shows(&get(browser, "/account/clients").await, "clients")
                && shows(&get(browser, "/account/clients/staff").await, "staff")
        }
        Function::PersonalInformation => shows(&get(browser, "/account/person").await, "person"),
        Function::OwnSecurity => shows(&get(browser, "/account/devices").await, "devices"),
        Function::SwitchEnterprise => shows(&get(browser, "/account/switch").await, "switch"),
        Function::SwitchCrossRegion => {
            shows(&get(browser, "/account/switch/records").await, "records")
        }
        Function::SwitchPersonal => {
            get(browser, "/account/switch").await.text.contains("id=\"to-personal\"")
        }
        Function::OwnAuthorisations => {
            shows(&get(browser, "/account/authorisations").await, "authorisations")
        }
        // Only an overseas person may go on; whoever is none is told that, and not that it is another's.
        Function::NonResidentCode => not_refused(&get(browser, "/account/non-resident").await),
        Function::LoginLog => shows(&get(browser, "/account/log").await, "log"),
        Function::CancelAccount => shows(&get(browser, "/account/cancel").await, "cancel"),
        Function::OwnCertificates => {
            let acted = [("act", "changed")];
            let changed = post(app, browser, "/account/certificates", &acted).await;
            let listed = post(app, browser, "/account/certificates/list", &[("ders", "")]).await;
            let shown = shows(&get(browser, "/account/certificates").await, "certificates");
            assert_eq!([not_refused(&changed), not_refused(&listed)], [shown; 2]);
            shown
        }
        Function::EnterpriseLog => shows(&get(browser, "/account/log?of=enterprise").await, "log"),
    }
}

/// Covers X-08, AC-02, AC-09, AC-10, AC-12, AC-20, AC-31, AC-47, G-12, G-13.
#[test]
fn each_cell_of_the_role_matrix_holds_through_the_interface() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let app = TestApp::start(On::Sqlite).await;
        let mut browsers = everybody(&app).await;
        let clerk = held(&app.ctx, WANG).await;
        let clerk = clerk.iter().find(|one| one.identity_type.0 == "tax_clerk").unwrap();
        let id = clerk.id.to_string();
        for (function, columns) in MATRIX {
            for (at, letter) in columns.chars().enumerate() {
                let who = NAMES[at];
                assert_eq!(function.reach(ROLES[at]), reach(letter), "{function:?} {who}");
                let may = tries(&app, &mut browsers[at], function, &id).await;
                assert_eq!(may, letter != '-', "{function:?} {who} through the interface");
            }
        }
    });
}

/// Every phone and document number of the demo's people, as they are typed and without a country's code.
fn numbers_of_people() -> BTreeSet<&'static str> {
    let people = include_str!("../../../realms/jiangxi/fixtures.toml");
    let mut numbers = BTreeSet::new();
    for field in ["document = \"", "phone = \""] {
        let found = people.split(field).skip(1).map(|rest| rest.split('"').next().unwrap());
        numbers.extend(found.map(|one| one.strip_prefix("+1").unwrap_or(one)));
    }
    assert!(numbers.len() > 20 && numbers.contains(WANG), "{numbers:?}");
    numbers
}

/// The addresses of the centres, with these ids in them and the lists that ask for more.
fn places(ids: &[String]) -> Vec<String> {
    let source = concat!(
        include_str!("../../../src/web/account/mod.rs"),
        include_str!("../../../src/web/certificate/mod.rs")
    );
    let routes = source.split("\"/account").skip(1).map(|rest| rest.split('"').next().unwrap());
    let mut places = Vec::new();
    for route in routes {
        match route.contains("{id}") {
            true => {
                places.extend(ids.iter().map(|id| format!("/account{route}").replace("{id}", id)));
            }
            false => places.push(format!("/account{route}")),
        }
    }
    for more in ["log?of=enterprise", "log.csv?of=enterprise", "authorisations?scope=national"] {
        places.push(format!("/account/{more}"));
    }
    places
}

/// No page of a centre shows a phone or document number whole, one's own as little as another's, whoever looks: it
/// leaves the server masked.
#[test]
fn no_page_of_a_centre_shows_a_number_whole() {
    on_one_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browsers = everybody(&app).await;
        // Somebody in the history, too.
        let line = json!({"feed": "authorisation", "source_key": "x-06", "version": 1,
            "enterprise": EXAMPLE, "person": "440308199901101512",
            "identity_type": "invoicing_clerk", "permissions": "INVOICE",
            "valid_from": "2026-01-01"});
        feed(&app, &[line]).await;
        let over = relation(&app, "13500135000", "invoicing_clerk").await.id;
        let delete = [("act", "delete"), ("sure", "yes")];
        let path = format!("/account/handlers/{over}");
        let done = post(&app, &mut browsers[0], &path, &delete).await;
        assert_eq!(done.code(), None, "{}", done.text);
        let mut ids = Vec::new();
        for (phone, kind) in
            [(WANG, "tax_clerk"), ("13600136000", "tax_clerk"), (LI, "legal_representative")]
        {
            ids.push(relation(&app, phone, kind).await.id.to_string());
        }
        let (numbers, places) = (numbers_of_people(), places(&ids));
        let mut n_shown = 0;
        for (who, browser) in NAMES.iter().zip(&mut browsers) {
            for path in &places {
                let page = get(browser, path).await;
                assert!(page.status.as_u16() < 500, "{who} {path}: {}", page.status);
                n_shown += usize::from(page.status.as_u16() == 200 && page.text.contains('*'));
                for number in &numbers {
                    assert!(
                        !page.text.contains(number),
                        "{who} {path} shows {number}: {}",
                        page.text
                    );
                }
            }
        }
        assert!(n_shown > 80, "{n_shown} pages with something masked");
    });
}

/// Covers AC-03, G-08, PC-01: the groups of each centre, and the way in from the header.
#[test]
fn each_centre_has_its_own_groups() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let menu = |page: &Shown| -> Vec<String> {
            let menu = page.text.split("class=\"menu\"").nth(1).unwrap();
            let menu = menu.split("</nav>").next().unwrap();
            let titles = menu.split("</a>").filter_map(|item| item.rsplit_once('>'));
            titles.map(|(_, title)| title.trim().to_owned()).filter(|one| !one.is_empty()).collect()
        };
        let mut li = as_li(&app).await;
        let page = get(&mut li, "/account").await;
        let groups = [
            "企业信息管理",
            "人员权限管理",
            "个人信息管理",
            "数字证书管理",
            "我的代理机构",
            "身份切换",
            "日志管理",
        ];
        assert_eq!(menu(&page), groups);
        assert!(page.text.contains("欢迎，李*"), "{}", page.text);
        assert!(!csrf(&app, &li).is_empty());
        let agent = ("agency", (AGENCY, "13300133000", PASSWORD));
        let mut zhou = at_door(&app, agent.0, agent.1, "南昌示例科技").await;
        let page = get(&mut zhou, "/account").await;
        assert_eq!(menu(&page), ["企业信息管理", "人员权限查看", "身份切换"]);
        let mut wang = as_person(&app, WANG).await;
        let page = get(&mut wang, "/account").await;
        let groups = ["个人信息管理", "企业授权管理", "个人实名等级", "个人证件管理", "日志管理"];
        assert_eq!(menu(&page), groups);
    });
}
