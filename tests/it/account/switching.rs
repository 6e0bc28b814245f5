//! Switching: within an enterprise, to others, to client enterprises, to records, to the person
//! themself; from the header; and everything that is refused.

use serde_json::json;

use super::{
    AGENCY, LI, WANG, as_li, as_person, as_wang, at_door, feed, get, held, post, relation,
};
use crate::kit::browser::Shown;
use crate::kit::{
    Browser, EXAMPLE, FILING, PASSWORD, SAMPLE, TestApp, authorize_url, claims, on_each_database,
};

/// The id behind the choice whose button says this.
pub fn choice(page: &Shown, name: &str, text: &str) -> String {
    let offered = format!("name=\"{name}\" value=\"");
    let found = page
        .text
        .split(&offered)
        .skip(1)
        .find(|one| one.split("</button>").next().unwrap().contains(text));
    let found = found.unwrap_or_else(|| panic!("{text} is not offered: {}", page.text));
    found.split('"').next().unwrap().to_owned()
}

/// The identity of a new token, without a word to the person.
pub async fn token_claims(app: &TestApp, browser: &mut Browser) -> serde_json::Value {
    let done = browser.get(&authorize_url(&FILING, &[("prompt", "none")])).await;
    let code = done.answered("code").unwrap_or_else(|| panic!("{:?}", done.left_to));
    claims(app.redeem(&code).await.1["id_token"].as_str().unwrap())
}

/// Covers AC-08, AC-11, AC-48, AC-55.
#[test]
fn identities_are_switched_within_and_across_enterprises() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_wang(&app, "<strong>办税员").await;
        let before = wang.cookies["__Host-hufu-session-jiangxi"].clone();
        let home = get(&mut wang, "/account").await;
        assert!(home.text.contains("<strong>办税员</strong>"), "the current one is bold");
        assert!(home.text.contains("class=\"grey\">开票员"), "the others are grey: {}", home.text);
        let other = choice(&home, "identity", "企业内身份切换");
        let switched = post(&app, &mut wang, "/account/switch", &[("identity", &other)]).await;
        assert!(switched.text.contains("<strong>开票员</strong>"), "{}", switched.text);
        assert_ne!(wang.cookies["__Host-hufu-session-jiangxi"], before, "the session id rotates");
        assert_eq!(
            token_claims(&app, &mut wang).await["roles"],
            serde_json::json!(["invoicing_clerk"])
        );
        // Who has one identity here is not offered a switch within.
        let mut li = as_li(&app).await;
        let home = get(&mut li, "/account").await;
        assert!(!home.text.contains("企业内身份切换"));
        // Another enterprise, from the module and from the header.
        let page = get(&mut li, "/account/switch").await;
        let sample = choice(&page, "identity", "南昌样板商贸");
        assert!(page.text.contains("class=\"quiet quick\" name=\"identity\""), "the quick switch");
        let done = post(&app, &mut li, "/account/switch", &[("identity", &sample)]).await;
        assert!(done.text.contains("南昌样板商贸"), "{}", done.text);
        let now = token_claims(&app, &mut li).await;
        assert_eq!(now["tax_identity"]["enterprise"]["tin"], SAMPLE);
        let found = get(&mut li, "/account/switch?text=%E4%BA%8B%E5%8A%A1%E6%89%80").await;
        assert!(
            found.text.contains("事务所")
                && !found.text.contains("class=\"enterprise\">南昌示例科技")
        );
        // Several types in one enterprise: one is chosen by its type.
        let several = get(&mut wang, &format!("/account/switch?enterprise={EXAMPLE}")).await;
        choice(&several, "identity", "<strong>办税员");
        // The state is that of this moment: what has ended is no choice any more.
        let gone = held(&app.ctx, LI).await;
        let gone = gone.iter().find(|one| one.identity_type.0 == "tax_clerk").unwrap();
        let mut other = as_li(&app).await;
        let by = hufu::domain::authorisation::By {
            actor: hufu::domain::authorisation::Actor::Manager,
            person: None,
        };
        let delete = hufu::domain::authorisation::Event::Delete;
        hufu::flows::relations::writer::change(&app.ctx, gone, &delete, by).await.unwrap();
        let refused = post(&app, &mut other, "/account/switch", &[("identity", &sample)]).await;
        assert_eq!(refused.code(), Some("E_NO_IDENTITY"));
        assert_eq!(get(&mut other, "/account").await.status.as_u16(), 200, "nothing changed");
        assert!(get(&mut li, "/account").await.url.contains("/login"), "the other session ended");
    });
}

/// Covers AC-50, AC-51, invariant 7.
#[test]
fn to_the_person_leads_one_way() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let own = held(&app.ctx, LI).await;
        let lr = own.iter().find(|one| one.identity_type.0 == "legal_representative").unwrap();
        let done = li.get(&authorize_url(&FILING, &[("prompt", "none")])).await;
        let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        let personal = post(&app, &mut li, "/account/switch", &[("identity", "personal")]).await;
        assert!(personal.url.ends_with("/account/person"), "{}", personal.url);
        assert_eq!(token_claims(&app, &mut li).await["tax_identity"]["kind"], "personal");
        let refresh = app.refresh(tokens["refresh_token"].as_str().unwrap()).await;
        assert_eq!(refresh.1["error"], "invalid_grant", "the enterprise's tokens are over");
        assert_eq!(get(&mut li, "/account/switch").await.code(), Some("E_ONE_WAY"));
        let back = [("identity", &*lr.id.to_string())];
        assert_eq!(post(&app, &mut li, "/account/switch", &back).await.code(), Some("E_ONE_WAY"));
        let hinted = authorize_url(&FILING, &[("identity_hint", EXAMPLE), ("prompt", "none")]);
        assert_eq!(li.get(&hinted).await.answered("error").as_deref(), Some("access_denied"));
        // Somebody who signed in as themself is refused alike.
        let mut wang = as_person(&app, WANG).await;
        assert_eq!(get(&mut wang, "/account/switch").await.code(), Some("E_ONE_WAY"));
    });
}

/// Covers AC-52, AC-53, AC-54, AC-56, S-10, S-11, invariant 8.
#[test]
fn records_are_found_by_place_and_number_and_have_no_centre() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let line = serde_json::json!({"feed": "authorisation", "source_key": "a-7", "version": 1,
            "enterprise": "91330100MA2BUJ786T", "person": "360121198802290026",
            "identity_type": "finance_supervisor", "valid_from": "2026-01-01"});
        let (text, format) = (line.to_string(), hufu::flows::feed::Format::JsonLines);
        let done = hufu::flows::feed::import(&app.ctx, "test", text.as_bytes(), format, None);
        assert!(done.await.unwrap().failed.is_empty());
        let mut li = as_li(&app).await;
        let path = "/account/switch/records?kind=inspection";
        let all = get(&mut li, path).await;
        for shown in ["101号", "102号", "江西省南昌市东湖区", ">九江市</option>", "杭州示例建设"]
        {
            assert!(all.text.contains(shown), "{shown}: {}", all.text);
        }
        // Each list depends on the one before.
        let one = get(&mut li, &format!("{path}&province=36&city=3604")).await;
        assert!(one.text.contains("102号") && !one.text.contains("101号"));
        assert!(one.text.contains("value=\"360402\"") && !one.text.contains("value=\"360102\""));
        // What was chosen of another city is forgotten with it.
        let stale = "&province=36&city=3604&district=360102&authority=13601020000";
        let moved = get(&mut li, &format!("{path}{stale}")).await;
        assert!(moved.text.contains("102号") && !moved.text.contains("101号"), "{}", moved.text);
        // A province alone narrows what stands below it, too.
        let elsewhere = get(&mut li, &format!("{path}&province=11")).await;
        assert!(!elsewhere.text.contains("value=\"360402\""), "{}", elsewhere.text);
        let by_number = "&no=%E6%B5%99%E6%9D%AD%E7%A8%8E%E6%8A%A5%E9%AA%8C%5B2026%5D101%E5%8F%B7";
        let found = get(&mut li, &format!("{path}{by_number}")).await;
        assert!(found.text.contains("101号") && !found.text.contains("102号"));
        let authority = get(&mut li, &format!("{path}&authority=13601020000")).await;
        assert!(authority.text.contains("101号") && !authority.text.contains("102号"));
        let nothing = get(&mut li, &format!("{path}&province=11")).await;
        assert!(nothing.text.contains("没有符合条件的项目"), "{}", nothing.text);
        let unknown = get(&mut li, &format!("{path}&no=9999")).await;
        assert!(unknown.text.contains("没有查到这个编号的项目"), "{}", unknown.text);
        let sources = get(&mut li, "/account/switch/records?kind=tax_source").await;
        assert!(sources.text.contains("36040220260007") && !sources.text.contains("name=\"no\""));
        let id = choice(&found, "record", "101号");
        let done = post(&app, &mut li, "/account/switch", &[("record", &id)]).await;
        // The header tells the record; there is no centre behind it, only the way to enterprises.
        assert!(done.text.contains("跨区域报验户"), "{}", done.text);
        assert!(!done.text.contains("to-personal") && !done.text.contains("to-records"));
        assert_eq!(token_claims(&app, &mut li).await["tax_identity"]["kind"], "specific_entity");
        for path in [
            "/account",
            "/account/handlers",
            "/account/person",
            "/account/log",
            "/account/devices",
            "/account/messages",
        ] {
            assert_eq!(get(&mut li, path).await.code(), Some("E_NO_ACCOUNT_CENTRE"), "{path}");
        }
        let personal = post(&app, &mut li, "/account/switch", &[("identity", "personal")]).await;
        assert_eq!(personal.code(), Some("E_ROLE"));
        let back = choice(&done, "identity", "南昌示例科技");
        let done = post(&app, &mut li, "/account/switch", &[("identity", &back)]).await;
        assert!(done.text.contains("南昌示例科技"), "{}", done.text);
    });
}

/// What a page of the centre has beside its menu.
fn content(page: &Shown) -> &str {
    page.text.split("<h1>").nth(1).unwrap().split("</section>").next().unwrap()
}

/// Covers G-08, G-09, G-10, G-11: the client's own blocks, masked, and one field in full; who they are there and
/// how far they are verified; what they may do, to read. Everything else of a centre is refused.
#[test]
fn an_agents_centre_is_the_clients_and_is_read_only() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let door = (AGENCY, "13300133000", PASSWORD);
        let mut zhou = at_door(&app, "agency", door, "南昌示例科技").await;
        let home = get(&mut zhou, "/account").await;
        for shown in [
            "<h2>基本信息</h2>",
            "<h2>主要人员信息</h2>",
            "南昌示例**有限公司",
            EXAMPLE,
            "江西省南昌市红谷滩区****",
            "李*",
            "张*",
            "3****************6",
            "已实名核验",
            "<strong>代理人员</strong>",
        ] {
            assert!(home.text.contains(shown), "{shown}: {}", home.text);
        }
        for hidden in ["示例大道", "360121198802290026", "13900139000", "基本税务", "投资方"]
        {
            assert!(!home.text.contains(hidden), "{hidden}: {}", home.text);
        }
        let eye = [("field", "registered_address")];
        let open = post(&app, &mut zhou, "/account/reveal", &eye).await;
        assert!(open.text.contains("示例大道1号"), "{}", open.text);
        for field in ["taxpayer_kind", "tax_types", "investor-0"] {
            let refused = post(&app, &mut zhou, "/account/reveal", &[("field", field)]).await;
            assert_eq!(refused.code(), Some("E_ROLE"), "{field}");
        }
        let own = get(&mut zhou, "/account/handlers").await;
        assert!(content(&own).contains("纳税申报"), "{}", own.text);
        assert!(!content(&own).contains("<form"), "{}", own.text);
        for page in [
            "handlers/add",
            "agencies",
            "clients",
            "clients/staff",
            "certificates",
            "person",
            "password",
            "phones",
            "maintain",
            "documents",
            "documents/add",
            "log",
            "cancel",
            "authorisations",
            "switch/records",
            "level",
        ] {
            let refused = get(&mut zhou, &format!("/account/{page}")).await;
            assert_eq!(refused.code(), Some("E_ROLE"), "{page}: {}", refused.url);
        }
        // What they sign in by is theirs in whatever identity (and a link leads there); their data is not.
        assert!(home.text.contains("id=\"to-security\""), "{}", home.text);
        assert!(!home.text.contains("/account/level"), "{}", home.text);
        let own = get(&mut zhou, "/account/security").await;
        for shown in ["通行密钥", "验证器", "已记住的浏览器"] {
            assert!(content(&own).contains(shown), "{shown}: {}", own.text);
        }
        for hidden in ["/account/log", "id=\"copy\""] {
            assert!(!own.text.contains(hidden), "{hidden}: {}", own.text);
        }
        for (path, act) in [("/account/security", "copy"), ("/account/level", "raise")] {
            let refused = post(&app, &mut zhou, path, &[("act", act)]).await;
            assert_eq!(refused.code(), Some("E_ROLE"), "{path}: {}", refused.text);
        }
        // Nor does the session lead to an enterprise of their own.
        let line = json!({"feed": "authorisation", "source_key": "zhou", "version": 1,
            "enterprise": EXAMPLE, "person": "360103199208150022", "identity_type": "tax_clerk",
            "permissions": ["TAX_FILING"], "valid_from": "2026-01-01"});
        feed(&app, &[line]).await;
        let id = relation(&app, "13300133000", "tax_clerk").await.id.to_string();
        for path in ["/account", "/account/switch"] {
            let page = get(&mut zhou, path).await;
            assert!(!page.text.contains(&id), "{path}: {}", page.text);
        }
        let refused = post(&app, &mut zhou, "/account/switch", &[("identity", &id)]).await;
        assert_eq!(refused.code(), Some("E_NO_IDENTITY"), "{}", refused.text);
    });
}

/// Covers G-07, G-09, G-10, G-11, G-14, G-15, G-16.
#[test]
fn an_agent_sees_the_client_and_switches_to_another() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let door = (AGENCY, "13300133000", PASSWORD);
        let mut zhou = at_door(&app, "agency", door, "南昌示例科技").await;
        let home = get(&mut zhou, "/account").await;
        assert!(home.text.contains("南昌示例**有限公司") && home.text.contains("主要人员信息"));
        assert!(!home.text.contains("投资方信息") && !home.text.contains("基本税务信息"));
        assert!(!home.text.contains("360121198802290026"), "masked");
        let own = get(&mut zhou, "/account/handlers").await;
        assert!(own.text.contains("纳税申报") && !own.text.contains("王*明"), "{}", own.text);
        let other = choice(&home, "identity", "南昌样板商贸");
        let done = post(&app, &mut zhou, "/account/switch", &[("identity", &other)]).await;
        let now = token_claims(&app, &mut zhou).await;
        assert_eq!(now["tax_identity"]["enterprise"]["tin"], SAMPLE, "{}", done.text);
        assert_eq!(now["tax_identity"]["agency"]["tin"], AGENCY);
        let personal = post(&app, &mut zhou, "/account/switch", &[("identity", "personal")]).await;
        assert!(personal.url.ends_with("/account/person"));
        assert_eq!(get(&mut zhou, "/account/switch").await.code(), Some("E_ONE_WAY"));
    });
}

/// Covers AC-04, AC-05, AC-06, X-06: four masked blocks, and one field in full, logged.
#[test]
fn the_eye_shows_one_field_to_who_may_see_it() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let home = get(&mut li, "/account").await;
        for shown in
            ["南昌示例**有限公司", "江西省南昌市红谷滩区****", "基本税务信息", "投资方信息"]
        {
            assert!(home.text.contains(shown), "{shown}: {}", home.text);
        }
        for hidden in ["示例大道", "360121198802290026", "13900139000"] {
            assert!(!home.text.contains(hidden), "{hidden}");
        }
        let before = app.ctx.rows().records().verify_audit(&[]).await.unwrap();
        let eye = [("field", "registered_address")];
        let open = post(&app, &mut li, "/account/reveal", &eye).await;
        assert!(open.text.contains("示例大道1号") && !open.text.contains("2栋301室"));
        let after = app.ctx.rows().records().verify_audit(&[]).await.unwrap();
        assert_eq!(after.last.sequence, before.last.sequence + 1, "the look is logged");
        assert_eq!(after.fault, None);
        assert!(!get(&mut li, "/account").await.text.contains("示例大道1号"), "masked again");
        // A clerk sees no investors, and cannot ask for one.
        let mut wang = as_wang(&app, "<strong>办税员").await;
        for field in ["investor-0", "taxpayer_kind", "nothing"] {
            let refused = post(&app, &mut wang, "/account/reveal", &[("field", field)]).await;
            assert_eq!(refused.code(), Some("E_ROLE"), "{field}");
        }
    });
}

/// Covers AC-47, AC-47b, G-18: agencies, their staff and permissions, masked.
#[test]
fn an_enterprise_sees_its_agencies() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let page = get(&mut li, "/account/agencies").await;
        for shown in ["南昌示例税务师事务所", "周*", "纳税申报", "权限查看"] {
            assert!(page.text.contains(shown), "{shown}: {}", page.text);
        }
        let mut manager = at_door(&app, "enterprise", (AGENCY, LI, PASSWORD), "").await;
        assert!(get(&mut manager, "/account").await.text.contains(">代理信息查看</a>"));
        let clients = get(&mut manager, "/account/clients").await;
        assert!(
            clients.text.contains("被代理信息查看") && clients.text.contains("税务代理人员信息")
        );
        assert!(clients.text.contains("南昌示例科技") && clients.text.contains("南昌样板商贸"));
        // Nothing of it can be changed here: engagements come from the business system.
        for path in ["/account/agencies", "/account/clients", "/account/clients/staff"] {
            let made = post(&app, &mut manager, path, &[("act", "add")]).await;
            assert_eq!(made.status.as_u16(), 405, "{path}");
        }
        let staff = get(&mut manager, "/account/clients/staff").await;
        assert!(staff.text.contains("周*"), "{}", staff.text);
        // Each client has a term of its own; the person has none.
        app.sql(&format!(
            "UPDATE engagement SET state = 'ended' \
             WHERE client_id = (SELECT id FROM enterprise WHERE tin = '{SAMPLE}')"
        ))
        .await;
        let staff = get(&mut manager, "/account/clients/staff").await;
        let person = staff.text.split("<li><div>").nth(1).unwrap();
        let (of_person, of_clients) = person.split_once("<details>").unwrap();
        assert!(!of_person.contains("2026-01-01"), "{of_person}");
        for (client, term) in [
            ("南昌示例科技", "2026-01-01 – 2027-12-31 · 有效"),
            ("南昌样板商贸", "2026-01-01 – 长期有效 · 已终止"),
        ] {
            let mut rows = of_clients.split("<li>");
            let row = rows.find(|row| row.contains(client)).unwrap();
            assert!(row.contains(term), "{row}");
        }
    });
}
