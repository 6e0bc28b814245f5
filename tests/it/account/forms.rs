//! Forms of the centre that are refused, fields that are opened, identities that are switched: what their
//! pages say (issue 14).

use hufu::domain::acting::Acting;
use hufu::domain::help::Helper;
use hufu::domain::identity_type::Permissions;
use hufu::domain::number::taxpayer::TaxpayerNumber;
use hufu::flows::Stop;
use hufu::flows::relations::counter;
use hufu::flows::relations::manager::{NewHandler, check};

use super::{LI, WANG, as_li, as_person, as_wang, confirm, get, held, post};
use crate::account::person::invite;
use crate::kit::browser::Shown;
use crate::kit::{Browser, EXAMPLE, TestApp, on_each_database};
use crate::login::level::with_session;
use crate::recovery::CHEN_ID;

/// The fields that the summary links to, and those that are marked with their texts.
fn said(page: &Shown) -> (Vec<String>, Vec<String>) {
    let notice = page.text.split("id=\"notice\"").nth(1).unwrap_or_else(|| panic!("{}", page.text));
    let notice = notice.split("</div>").next().unwrap();
    let until = |part: &str, end: &str| part.split(end).next().unwrap().to_owned();
    let linked = notice.split("href=\"#").skip(1).map(|part| until(part, "\"")).collect();
    let marked = page.text.split("class=\"wrong\" id=\"").skip(1);
    (linked, marked.map(|part| until(part, "-wrong\"")).collect())
}

/// All that is empty is said at once, above with links and at each field; the title says so, the code is
/// small, and the number is the one that the log has. Covers AC-13, AC-14, AC-15.
#[test]
fn every_empty_field_is_said_at_once() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let path = "/account/handlers/add";
        let fields = [("identity_type", "tax_clerk"), ("document_type", "resident_id_card")];
        let term = [("term", "date"), ("valid_to", "2020-01-01")];
        let page = post(&app, &mut li, path, &[&fields[..], &term[..]].concat()).await;
        assert_eq!((page.status.as_u16(), page.code()), (422, Some("E_FORMAT")));
        let wanted = ["name", "document", "permissions", "valid_to"].map(str::to_owned).to_vec();
        assert_eq!(said(&page), (wanted.clone(), wanted), "{}", page.text);
        assert!(page.text.contains("<title>错误："), "{}", page.text);
        assert_eq!(page.text.matches(" autofocus").count(), 1, "{}", page.text);
        let number = page.header("x-request-id").unwrap();
        assert!(page.text.contains(&format!("<code>{number}</code>")), "{number}");
        let right = get(&mut li, path).await;
        assert!(!right.text.contains("错误：") && !right.text.contains("aria-invalid"));
    });
}

/// Whatever a page of one's own refuses, its summary leads to the field. That no link of a summary leads
/// nowhere, every test's browser sees to. Covers AU-02, PC-04, PC-21.
#[test]
fn every_summary_leads_to_its_fields() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_person(&app, WANG).await;
        let apply = "/account/authorisations/apply";
        for (path, fields, field) in [
            (apply, vec![("number", "x"), ("identity_type", "tax_clerk")], "enterprise_number"),
            ("/account/password", vec![("way", "old"), ("act", "save")], "old"),
            ("/account/cancel", vec![("way", "sms")], "cancel_read"),
            ("/account/maintain", vec![("act", "username"), ("username", "1")], "new-username"),
            ("/account/maintain", vec![("act", "send"), ("to", "x")], "new-email"),
            ("/account/maintain", vec![("act", "address"), ("address", "")], "new-address"),
        ] {
            let page = post(&app, &mut wang, path, &fields).await;
            assert_eq!(page.code(), Some("E_FORMAT"), "{path}: {}", page.text);
            assert_eq!(said(&page).0, [field], "{path}");
            let input = page.text.split("<input id=\"").skip(1);
            assert!(
                input.filter(|one| one.starts_with(&format!("{field}\""))).count() == 1,
                "{path}"
            );
        }
    });
}

/// Who applies is told what is the matter with the number, and that nothing need be applied for twice.
/// Covers AU-02, AU-03.
#[test]
fn an_application_says_why_it_is_none() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_person(&app, WANG).await;
        let mut apply = async |number: &str| {
            let fields = [("number", number), ("identity_type", "tax_clerk"), ("sure", "yes")];
            post(&app, &mut wang, "/account/authorisations/apply", &fields).await
        };
        let unknown = apply("360100000000001").await;
        assert_eq!(unknown.code(), Some("E_FORMAT"));
        assert!(unknown.text.contains("没有查到该企业"), "{}", unknown.text);
        let there = apply(EXAMPLE).await;
        assert_eq!(there.code(), Some("E_STATE"));
        assert!(there.text.contains("无需再次申请"), "{}", there.text);
    });
}

/// A step within a session says what it is for, and leads back; it is no sign-in.
/// Covers AU-08, PC-21.
#[test]
fn a_step_within_a_session_says_what_it_does() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_person(&app, WANG).await;
        let fields = [("read", "yes"), ("way", "sms")];
        let cancel = post(&app, &mut wang, "/account/cancel", &fields).await;
        assert!(cancel.url.contains("/login/second_factor"), "{}", cancel.url);
        for said in ["<h1>确认注销账号</h1>", "立即注销", "id=\"errand-back\""] {
            assert!(cancel.text.contains(said), "{said}: {}", cancel.text);
        }
        assert!(!cancel.text.contains("正在登录") && !cancel.text.contains("再完成一次验证"));
        let ids = invite(&app).await;
        let confirming = confirm(&app, &mut wang, &ids).await;
        assert!(confirming.url.contains("/login/second_factor"), "{}", confirming.url);
        for said in ["<h1>确认授权</h1>", "杭州远方", "立即生效", "id=\"errand-back\""]
        {
            assert!(confirming.text.contains(said), "{said}: {}", confirming.text);
        }
    });
}

/// Each refusal in the words of its page: who is a handler already, and whose name is another.
/// Covers AC-17, AC-23.
#[test]
fn a_refusal_says_what_it_is_about() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let mut add = async |name: &str| {
            let fields = [
                ("identity_type", "tax_clerk"),
                ("document_type", "resident_id_card"),
                ("name", name),
                ("document", "360102199003071236"),
                ("p-TAX_FILING", "yes"),
                ("term", "long"),
                ("risk", "yes"),
            ];
            post(&app, &mut li, "/account/handlers/add", &fields).await
        };
        let there = add("王小明").await;
        assert_eq!(there.code(), Some("E_STATE"));
        assert!(there.text.contains("该人员在本企业已有这种身份的授权"), "{}", there.text);
        let other = add("王大明").await;
        assert_eq!(other.code(), Some("E_FORMAT"));
        assert!(other.text.contains("姓名与证件号码不符"), "{}", other.text);
        assert_eq!(said(&other).0, ["name"]);
    });
}

/// A handler to be, with this name.
fn named(name: &str) -> NewHandler {
    NewHandler {
        name: name.to_owned(),
        document_type: "resident_id_card".to_owned(),
        document: CHEN_ID.to_owned(),
        identity_type: "tax_clerk".to_owned(),
        permissions: Permissions::from(["TAX_FILING".to_owned()]),
        valid_to: None,
    }
}

/// Whoever is wrong about names hears so ten times a day; after twenty of all managers together about one number
/// those who have been wrong about it hear nothing more, a right name included, while another manager is right at
/// once; an officer has tries of their own. Each wrong name leaves its trace. Covers AC-23.
#[test]
fn names_are_not_guessed_for_ever() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let add = async |browser: &mut Browser, name: &str, document: &str| {
            let fields = [
                ("identity_type", "tax_clerk"),
                ("document_type", "resident_id_card"),
                ("name", name),
                ("document", document),
                ("p-TAX_FILING", "yes"),
                ("term", "long"),
                ("risk", "yes"),
            ];
            let shown = post(&app, browser, "/account/handlers/add", &fields).await;
            shown.code().map(str::to_owned)
        };
        let manager = async |phone: &str, kind: &str| {
            let all = held(&app.ctx, phone).await;
            let own = all.iter().find(|one| one.identity_type.0 == kind).unwrap();
            let proof = ["pwd", "sms", "mfa"];
            with_session(&app, phone, Acting::Enterprise(own.id), &proof).await
        };
        // 王小明's own enterprise is alive again.
        app.sql("UPDATE enterprise SET status = '03' WHERE status = '07'").await;
        let mut li = as_li(&app).await;
        let mut wang = manager(WANG, "legal_representative").await;
        let mut zhang = manager("13700137000", "finance_supervisor").await;
        for browser in [&mut li, &mut wang] {
            for n in 0..10 {
                let code = add(browser, "陈大静", CHEN_ID).await;
                assert_eq!(code.as_deref(), Some("E_FORMAT"), "{n}");
            }
        }
        let too_often = Some("E_OTP_RATE".to_owned());
        assert_eq!(add(&mut li, "陈静", CHEN_ID).await, too_often, "the manager");
        let own = add(&mut li, "王小明", "360102199003071236").await;
        assert_eq!(own, too_often, "the manager, of somebody else");
        // Whoever has it right the first time is in nobody's way, however often others were wrong.
        assert_eq!(add(&mut zhang, "陈静", CHEN_ID).await, None, "others' guesses");
        let wrong = add(&mut zhang, "陈大静", CHEN_ID).await;
        assert_eq!(wrong.as_deref(), Some("E_FORMAT"), "once");
        for name in ["陈大静", "陈静"] {
            assert_eq!(add(&mut zhang, name, CHEN_ID).await, too_often, "the number");
        }
        let officer = Helper::new("officer/zhou", "asked at the counter").unwrap();
        let number = TaxpayerNumber::asked(EXAMPLE);
        let example = app.ctx.rows().enterprises().find_by_number(&number).await.unwrap().unwrap();
        for n in 0..11 {
            let new = check(&app.ctx, &named("陈大静")).unwrap();
            let added = counter::add(&app.ctx, &officer, example.id, new).await.map(|_| ());
            let refusal = Stop::refusal(added).unwrap().unwrap_err();
            assert_eq!(refusal.code(), if n < 10 { "E_FORMAT" } else { "E_OTP_RATE" });
        }
        let audit = app.audit().await;
        let traces = |action: &str| audit.iter().filter(|one| one["action"] == action).count();
        assert_eq!(traces("handler_name_refused"), 31);
        app.clock.advance(86_401);
        let mut li = as_li(&app).await;
        let again = add(&mut li, "陈静", CHEN_ID).await;
        assert_eq!(again.as_deref(), Some("E_STATE"), "another day: she is invited already");
    });
}

/// What was opened stays open beside what is opened next, with one trace each; a proof that was made up, of
/// another field or of another page opens nothing. Covers AC-06, X-06.
#[test]
fn opened_fields_stay_open_and_each_leaves_its_trace() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let reveal = "/account/reveal";
        let traces = async || {
            let found = app.audit().await;
            found.iter().filter(|event| event.to_string().contains("field_revealed")).count()
        };
        let first = post(&app, &mut li, reveal, &[("field", "name")]).await;
        assert!(first.text.contains("<span>南昌示例科技有限公司</span>"), "{}", first.text);
        let proof = first.hidden_of_form("open-name")["open-name"].clone();
        let both =
            post(&app, &mut li, reveal, &[("field", "registered_address"), ("open-name", &proof)])
                .await;
        assert!(both.text.contains("<span>南昌示例科技有限公司</span>"), "{}", both.text);
        assert!(both.text.contains("open-registered_address"), "{}", both.text);
        assert_eq!(traces().await, 2);
        for (name, sent) in [
            ("open-name", "made-up"),
            ("open-business_address", proof.as_str()),
            ("open-person-0-name", proof.as_str()),
        ] {
            let page =
                post(&app, &mut li, reveal, &[("field", "registered_address"), (name, sent)]).await;
            assert!(!page.text.contains("<span>南昌示例科技有限公司</span>"), "{name}");
            assert!(!page.text.contains(&format!("name=\"{name}\"")), "{name}");
        }
        // Another page hides them again.
        let page = get(&mut li, "/account").await;
        assert!(!page.text.contains("open-"), "{}", page.text);
        // A tax authority has a name.
        assert!(page.text.contains("国家税务总局南昌市") && !page.text.contains(">13601"));
    });
}

/// The header names the identity on every page; where one switches, the current one is marked and is no
/// button. Covers AC-11.
#[test]
fn the_current_identity_is_seen_and_not_switched_to() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_wang(&app, "<strong>办税员").await;
        for path in ["/account", "/account/switch", "/account/person", "/signed-in"] {
            let page = get(&mut wang, path).await;
            let header = page.text.split("<header").nth(1).unwrap().split("</header>").next();
            let summary = header.unwrap().split("</summary>").next().unwrap();
            assert!(summary.contains("南昌示例科技有限公司 · 办税员"), "{path}: {summary}");
        }
        let page = get(&mut wang, "/account/switch?enterprise=91360100MA35ABCD43").await;
        let current = page.text.split("aria-current=\"true\"").nth(1).expect("it is marked");
        let current = current.split("</div>").next().unwrap();
        assert!(current.contains("当前身份") && current.contains("办税员"), "{current}");
        assert!(page.text.contains("class=\"identity still current\""), "no button: {}", page.text);
    });
}

/// Who was signed out because the enterprise ended the relation is told so; who was signed out otherwise
/// hears that; who has never been here hears nothing.
#[test]
fn who_was_signed_out_hears_why() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_wang(&app, "<strong>办税员").await;
        let clerkships = held(&app.ctx, WANG).await;
        let clerkship = clerkships.iter().find(|one| one.identity_type.0 == "tax_clerk").unwrap();
        let mut li = as_li(&app).await;
        let path = format!("/account/handlers/{}", clerkship.id);
        let done = post(&app, &mut li, &path, &[("act", "delete"), ("sure", "yes")]).await;
        assert!(done.text.contains("id=\"done\""), "{}", done.text);
        let page = get(&mut wang, "/account").await;
        assert!(page.text.contains("您在该企业的授权已结束"), "{}", page.text);
        let mut person = as_person(&app, LI).await;
        app.sql("UPDATE session SET ended_at = 1").await;
        let page = get(&mut person, "/account").await;
        assert!(page.text.contains("您的登录已失效"), "{}", page.text);
        let page = get(&mut app.browser(), "/account").await;
        assert!(!page.text.contains("login-tells"), "{}", page.text);
    });
}

/// What can be done is done in the list: withdrawn there, without another page. Covers AC-25.
#[test]
fn an_invitation_is_withdrawn_in_the_list() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let fields = [
            ("identity_type", "tax_clerk"),
            ("document_type", "resident_id_card"),
            ("name", "吴刚"),
            ("document", "330102199008204020"),
            ("p-TAX_FILING", "yes"),
            ("term", "long"),
            ("risk", "yes"),
        ];
        post(&app, &mut li, "/account/handlers/add", &fields).await;
        let list = get(&mut li, "/account/handlers/pending").await;
        let done = li.submit(&list, &[("act", "withdraw")]).await;
        assert!(done.text.contains("已撤回"), "{}", done.text);
    });
}
