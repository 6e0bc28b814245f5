//! What stands on both screens while a code is scanned: the number, what is confirmed and for whom,
//! and turning back on either side.

use axum::http::Method;
use hufu::domain::number::phone::Phone;
use hufu::outbound::asked::FaceState;
use serde_json::{Value, json};

use super::scan::{
    act, another, at_second_factor, code, go_on, id, iit, login_page, number, operator, pass_face,
    post, scan, told,
};
use super::scan_stream::{Stream, events};
use crate::account::{WANG, as_person};
use crate::kit::browser::Shown;
use crate::kit::phone::Telephone;
use crate::kit::{Browser, FILING, TestApp, authorize_url, on_each_database};
use crate::protocol::authorize::signed_in;

const HERE: &str = "203.0.113.7";
const ELSEWHERE: &str = "198.51.100.20";

async fn login_page_at(app: &TestApp, address: &str) -> (Browser, Shown) {
    let mut browser = app.browser_at(address);
    let page = browser.get(&authorize_url(&FILING, &[])).await;
    (browser, page)
}

fn at(browser: &Browser, address: &str) -> Browser {
    let mut moved = browser.clone();
    moved.from = address.parse().unwrap();
    moved
}

/// The page once more, as a browser without scripts sees it.
async fn looked_at_again(browser: &mut Browser, page: &Shown) -> Shown {
    let t = page.hidden()["t"].clone();
    browser.get(&format!("/realms/jiangxi/login/credentials?t={t}")).await
}

/// The number in a page's own words.
fn shown_number(page: &Shown) -> String {
    let strong = page.text.split("class=\"number\"").nth(1).unwrap();
    strong.split("<strong>").nth(1).unwrap().split('<').next().unwrap().to_owned()
}

/// What a stream tells first.
async fn first_event(app: &TestApp, browser: &Browser, path: &str) -> Value {
    Stream::open(app, browser, path).await.next().await.unwrap()
}

/// Phone and browser in one place and in two: where the phone asks for a number, the browser shows it
/// from the scan on, in its page, its stream and its polling, and nowhere before.
#[test]
fn the_browser_shows_the_number_that_the_phone_asks_for() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let owner = signed_in(&app).await;
        for (browser_at, phone_at, is_asked) in [
            (HERE, HERE, false),
            (HERE, "203.0.113.8", true),
            (HERE, ELSEWHERE, true),
            (HERE, "::ffff:203.0.113.7", false),
            ("2001:db8:1:1::5", "2001:db8:1:1:ffff::9", false),
            ("2001:db8:1:1::5", "2001:db8:1:2::5", true),
            (HERE, "2001:db8:1:1::5", true),
        ] {
            let what = format!("{browser_at} {phone_at}");
            let mut phone = at(&owner, phone_at);
            let (mut browser, page) = login_page_at(&app, browser_at).await;
            assert_eq!(shown_number(&page), "", "{what}");
            let new = json!({"state": "new", "name": null, "number": null});
            assert_eq!(told(&mut browser, &page).await, new);
            assert_eq!(first_event(&app, &browser, &events(&page)).await, new);
            let asked = scan(&mut phone, &code(&page)).await;
            assert_eq!(asked.text.contains("name=\"number\""), is_asked, "{what} {}", asked.text);
            assert!(!asked.text.contains("type=\"radio\""), "nothing to choose from");
            let scanned = told(&mut browser, &page).await;
            assert_eq!(scanned["state"], "scanned");
            assert_eq!(first_event(&app, &browser, &events(&page)).await, scanned);
            let again = looked_at_again(&mut browser, &page).await;
            assert_eq!(id(&again), id(&page));
            let digits = scanned["number"].as_u64().map(|n| n.to_string()).unwrap_or_default();
            assert_eq!(
                (digits.len(), shown_number(&again)),
                (2 * usize::from(is_asked), digits.clone())
            );
            // What was decided stands, wherever the phone goes.
            let mut phone = at(&phone, "192.0.2.200");
            let typed = [("act", "confirm"), ("number", digits.as_str())];
            let done = phone.submit(&asked, &typed[..=usize::from(is_asked)]).await;
            assert!(done.text.contains("已确认"), "{what} {}", done.text);
            let confirmed = told(&mut browser, &page).await;
            assert_eq!(confirmed, json!({"state": "confirmed", "name": null, "number": null}));
            assert!(go_on(&mut browser, &page).await.answered("code").is_some(), "{what}");
        }
    });
}

/// A number of another form may be typed again, two wrong digits end the code: on the phone's page, in
/// the Tax app, and by the other operator.
#[test]
fn a_wrong_number_ends_the_code_and_no_number_does_not() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut owner = signed_in(&app).await;
        let mut phone = at(&owner, ELSEWHERE);
        let (mut browser, page) = login_page_at(&app, HERE).await;
        let asked = scan(&mut phone, &code(&page)).await;
        let right = number(&app.ctx, &page).await;
        for typed in ["", "7", "007", "1234", "-1", "4x", "四二", "09", "+42"] {
            let again = phone.submit(&asked, &[("act", "confirm"), ("number", typed)]).await;
            assert_eq!((again.status.as_u16(), again.code()), (422, Some("E_FORMAT")), "{typed}");
        }
        let again = phone.submit(&asked, &[("act", "confirm")]).await;
        assert_eq!(again.code(), Some("E_FORMAT"), "the field was left out");
        assert_eq!(told(&mut browser, &page).await["state"], "scanned");
        let fields = [("act", "confirm"), ("number", another(&right))];
        let refused = phone.submit(&asked, &fields).await;
        assert_eq!(refused.code(), Some("E_STEPUP_FAILED"));
        assert_eq!(told(&mut browser, &page).await["state"], "failed");
        let late = phone.submit(&asked, &[("act", "confirm"), ("number", &right)]).await;
        assert_eq!(late.code(), Some("E_STATE"));
        assert!(go_on(&mut browser, &page).await.answered("code").is_none());
        // The person's own log tells of it, with the browser's address.
        let log = owner.get("/realms/jiangxi/account/log").await;
        for word in ["税务 APP 扫码", "203.0.113"] {
            assert!(log.text.contains(word), "{word}: {}", log.text);
        }
        let li = Phone::parse("13900139000").unwrap();
        let account = app.ctx.rows().accounts().find_by_phone(&li).await.unwrap().unwrap();
        let since = app.ctx.now().plus(-60);
        let log = app.ctx.rows().records().attempts(account.person, since).await.unwrap();
        let failed: Vec<_> = log.iter().filter(|one| one.outcome == "E_STEPUP_FAILED").collect();
        assert_eq!((failed.len(), failed[0].way.as_str()), (1, "tax_app_scan"));
        // As some keyboards write digits.
        let (mut browser, page) = login_page_at(&app, HERE).await;
        let asked = scan(&mut phone, &code(&page)).await;
        let wide: String = number(&app.ctx, &page).await.chars().map(wide).collect();
        phone.submit(&asked, &[("act", "confirm"), ("number", &wide)]).await;
        assert_eq!(told(&mut browser, &page).await["state"], "confirmed");

        let app_phone = Telephone::signed_in(&app, &mut owner).await;
        let (_, page) = login_page_at(&app, HERE).await;
        let (_, asked) = app_phone.act(&app, (&id(&page), "scan"), json!({})).await;
        assert_eq!((&asked["needs_number"], &asked["number"]), (&json!(true), &json!(null)));
        for typed in [json!(null), json!(7), json!(100), json!(255)] {
            let typed = json!({"number": typed});
            let (_, again) = app_phone.act(&app, (&id(&page), "confirm"), typed.clone()).await;
            assert_eq!(again["error"], "E_FORMAT", "{typed}");
        }
        let right = number(&app.ctx, &page).await;
        let wrong = json!({"number": another(&right).parse::<u8>().unwrap()});
        let (_, refused) = app_phone.act(&app, (&id(&page), "confirm"), wrong).await;
        assert_eq!(refused["error"], "E_STEPUP_FAILED");
        let (_, stands) = app_phone.act(&app, (&id(&page), "state"), json!({})).await;
        assert_eq!(stands["state"], "failed");
    });
}

fn wide(digit: char) -> char {
    char::from_u32(u32::from(digit) - u32::from('0') + u32::from('０')).unwrap()
}

async fn iit_page(app: &TestApp, address: &str) -> (Browser, Shown) {
    let (mut browser, page) = login_page_at(app, address).await;
    let t = page.hidden()["t"].clone();
    let page = browser.get(&format!("/realms/jiangxi/login/credentials?t={t}&app=iit_app")).await;
    (browser, page)
}

/// The other operator's server has an address of its own, which is nobody's: the phone's is compared
/// if it is handed over, and whoever does not know it has the number typed.
#[test]
fn another_operators_server_says_where_its_phone_is() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for (browser_at, phone_ip, is_asked) in [
            // The browser is where the server is.
            ("127.0.0.1", None, true),
            (HERE, None, true),
            (HERE, Some(HERE), false),
            (HERE, Some(ELSEWHERE), true),
            (HERE, Some("127.0.0.1"), true),
            ("2001:db8:1:1::5", Some("2001:db8:1:1::77"), false),
        ] {
            let what = format!("{browser_at} {phone_ip:?}");
            let mut li = iit("李芳", "360121198802290026");
            li.phone_ip = phone_ip.map(|ip| ip.parse().unwrap());
            let (mut browser, page) = iit_page(&app, browser_at).await;
            let asked = act(&app, &page, "scan", (&li, false), None).await;
            assert_eq!(asked["needs_number"], is_asked, "{what} {asked}");
            let told = told_of(&mut browser, &page).await;
            assert_eq!(told["number"].is_u64(), is_asked, "{what} {told}");
            // Another address in a later statement changes nothing.
            li.phone_ip = Some(browser_at.parse().unwrap());
            if is_asked {
                let refused = act(&app, &page, "confirm", (&li, false), None).await;
                assert_eq!(refused["error"], "E_FORMAT", "{what} {refused}");
            }
            let typed = told["number"].as_u64().map(|n| u8::try_from(n).unwrap());
            let done = act(&app, &page, "confirm", (&li, false), typed).await;
            assert_eq!(done["state"], "confirmed", "{what} {done}");
            assert!(go_on(&mut browser, &page).await.answered("code").is_some());
        }
        let mut li = iit("李芳", "360121198802290026");
        li.phone_ip = None;
        let (mut browser, page) = iit_page(&app, HERE).await;
        act(&app, &page, "scan", (&li, false), None).await;
        let wrong = another(&number(&app.ctx, &page).await).parse().ok();
        let refused = act(&app, &page, "confirm", (&li, false), wrong).await;
        assert_eq!(refused["error"], "E_STEPUP_FAILED");
        assert_eq!(told_of(&mut browser, &page).await["state"], "failed");
        let mut form = operator(&app).form(&id(&page), "confirm", (&li, false), None).unwrap();
        form.last_mut().unwrap().1 = "４２".to_owned();
        assert_eq!(post(&app, form).await["error"], "E_STATE", "over is over");
    });
}

async fn told_of(browser: &mut Browser, page: &Shown) -> Value {
    let (_, fields) = page.filled(&[("app", "iit_app")]);
    let query = format!("t={}&q={}&v={}", fields["t"], fields["q"], fields["v"]);
    let shown = browser.get(&format!("/realms/jiangxi/login/scan/state?{query}")).await;
    serde_json::from_str(&shown.text).unwrap()
}

/// A look, by whatever method and whoever, scans nothing and tells nothing of the sign-in.
#[test]
fn looking_at_a_code_scans_nothing() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let phone = signed_in(&app).await;
        let (mut login, sign_in) = login_page(&app).await;
        let (mut factor, verify) = at_second_factor(&app, "tax_app").await;
        for mut looker in [app.browser(), phone] {
            for page in [&sign_in, &verify] {
                for method in [Method::HEAD, Method::OPTIONS, Method::GET, Method::GET] {
                    let looked = looker.once(method.as_str(), &code(page), None).await;
                    let secrets = ["王", "李", "南昌", "申报", "?/", "127.0"];
                    let is_told = secrets.iter().any(|word| looked.text.contains(word));
                    assert!(!is_told, "{}", looked.text);
                }
                // A form that nobody's page has made.
                let forged = Some("act=scan&csrf=x".to_owned());
                looker.once("POST", &code(page), forged).await;
            }
        }
        assert_eq!(told(&mut login, &sign_in).await["state"], "new");
        assert_eq!(told(&mut factor, &verify).await["state"], "new");
        // The face provider's way back is an address, too: looking at it finishes nothing.
        let mut phone = app.browser();
        let asked = scan(&mut phone, &code(&verify)).await;
        let typed = number(&app.ctx, &verify).await;
        let left = phone.submit(&asked, &[("act", "confirm"), ("number", &typed)]).await;
        let handle = left.left_to.unwrap().rsplit('/').next().unwrap().to_owned();
        let back = app.ctx.services.outbound.sandbox.decide(&handle, FaceState::Passed).unwrap();
        let back = back.strip_prefix("https://sso.jiangxi.example").unwrap();
        for method in ["HEAD", "GET"] {
            phone.once(method, back, None).await;
            assert_eq!(told(&mut factor, &verify).await["state"], "scanned", "{method}");
        }
        let page = phone.get(back).await;
        phone.submit(&page, &[("order", &page.hidden()["order"])]).await;
        assert_eq!(told(&mut factor, &verify).await["state"], "confirmed");
    });
}

/// Covers Q-11: what is confirmed, for which application, for whom, and where the browser is.
#[test]
fn the_phone_says_what_is_confirmed() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut phone = at(&signed_in(&app).await, ELSEWHERE);
        let shows = |asked: &Shown, words: &[&str]| {
            for word in words {
                assert!(asked.text.contains(word), "{word}: {}", asked.text);
            }
            assert!(!asked.text.contains("王小明") && !asked.text.contains("南昌样板商贸"));
        };
        let (_, page) = login_page_at(&app, HERE).await;
        let asked = scan(&mut phone, &code(&page)).await;
        let own =
            ["确认在电脑上登录", "纳税申报", "李*", "法定代表人", "203.0.113.*", "不在同一网络"];
        shows(&asked, &own);
        let mut plain = app.browser_at(ELSEWHERE);
        let page = plain.get("/realms/jiangxi/login").await;
        let asked = scan(&mut phone, &code(&page)).await;
        shows(&asked, &["确认在电脑上登录", "与本手机在同一网络"]);
        assert!(!asked.text.contains("纳税申报"));
        // Nobody is signed in on these phones.
        let (_, page) = at_second_factor(&app, "tax_app").await;
        let asked = scan(&mut app.browser(), &code(&page)).await;
        shows(&asked, &["确认登录的是您本人", "纳税申报", "王*明", "127.0.0.*"]);
        let mut li = signed_in_again(&app).await;
        let three = [("acr_values", "urn:hufu:realname:3")];
        let page = li.get(&authorize_url(&FILING, &three)).await;
        let asked = scan(&mut app.browser(), &code(&page)).await;
        shows(&asked, &["确认提升本次登录的验证等级", "纳税申报", "李*"]);
        let mut wang = as_person(&app, WANG).await;
        let waiting = crate::account::invite(&app).await;
        let page = crate::account::confirm(&app, &mut wang, &waiting[..1]).await;
        let asked = scan(&mut app.browser(), &code(&page)).await;
        shows(&asked, &["确认授权", "王*明", "南昌样板**有限公司"]);

        // The apps are told the same; another person's phone learns nothing of whom it is about.
        let tax_app = Telephone::signed_in(&app, &mut li).await;
        let (_, page) = login_page(&app).await;
        let (_, asked) = tax_app.act(&app, (&id(&page), "scan"), json!({})).await;
        assert_eq!(
            (&asked["matter"], &asked["application"]),
            (&"sign_in".into(), &"纳税申报".into())
        );
        let (_, page) = at_second_factor(&app, "tax_app").await;
        let (_, asked) = tax_app.act(&app, (&id(&page), "scan"), json!({})).await;
        for hidden in ["matter", "application", "whom"] {
            assert_eq!(asked[hidden], json!(null), "{hidden} {asked}");
        }
        for (who, whom) in [
            (iit("王小明", "360102199003071236"), json!("王*明")),
            (iit("李芳", "360121198802290026"), json!(null)),
        ] {
            let (_, page) = at_second_factor(&app, "iit_app").await;
            let asked = act(&app, &page, "scan", (&who, true), None).await;
            assert_eq!(asked["whom"], whom, "{asked}");
            app.clock.advance(61);
        }
    });
}

async fn signed_in_again(app: &TestApp) -> Browser {
    app.clock.advance(61);
    signed_in(app).await
}

/// Covers: 【取消】 on the phone is told the browser, 【取消】 in the browser the phone, in
/// whichever state, and the code is dead.
#[test]
fn either_side_turns_back_and_the_other_hears_of_it() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut owner = signed_in(&app).await;
        let tax_app = Telephone::signed_in(&app, &mut owner).await;
        // On the phone.
        let (mut browser, page) = login_page(&app).await;
        let asked = scan(&mut owner, &code(&page)).await;
        owner.submit(&asked, &[("act", "cancel")]).await;
        let over = json!({"state": "cancelled", "name": null, "number": null});
        assert_eq!(told(&mut browser, &page).await, over);
        assert_eq!(first_event(&app, &browser, &events(&page)).await, over);
        // In the browser: before the scan, after it, after the tap.
        for taps in 0..3 {
            let (mut browser, page) = login_page(&app).await;
            let asked = match taps {
                0 => owner.get(&code(&page)).await,
                _ => scan(&mut owner, &code(&page)).await,
            };
            if taps == 2 {
                owner.submit(&asked, &[("act", "confirm")]).await;
            }
            // Somebody else's cancelling, by all that a bystander can know.
            let (mut other, theirs) = login_page(&app).await;
            let (_, mut fields) = theirs.filled(&[("app", "tax_app"), ("act", "cancel")]);
            fields.insert("q".to_owned(), id(&page));
            let body =
                form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
            let refused = other.send("POST", "/realms/jiangxi/login/scan", Some(body)).await;
            assert_eq!(refused.code(), Some("E_SCAN_EXPIRED"));
            let next = browser.submit(&page, &[("app", "tax_app"), ("act", "cancel")]).await;
            assert_eq!((next.status.as_u16(), next.code()), (200, None), "{}", next.text);
            assert_ne!(id(&next), id(&page), "another code is shown");
            assert_eq!(told(&mut browser, &page).await["state"], "cancelled");
            let stream = format!("{}/events", code(&page));
            if taps > 0 {
                let stands = first_event(&app, &owner, &stream).await;
                assert_eq!(stands["state"], "cancelled");
                let polled = owner.get(&format!("{}/state", code(&page))).await;
                assert_eq!(polled.text, "{\"state\":\"cancelled\"}");
                let stranger = app.browser().get(&format!("{}/state", code(&page))).await;
                assert_eq!(stranger.status.as_u16(), 404, "no other phone hears of it");
            }
            assert!(owner.get(&code(&page)).await.text.contains("已取消"));
            for act in ["confirm", "scan", "cancel"] {
                let late = owner.submit(&asked, &[("act", act)]).await;
                assert_eq!(late.code(), Some("E_STATE"), "{act} {taps}");
                assert!(late.text.contains("已取消"), "{}", late.text);
            }
            assert!(go_on(&mut browser, &page).await.answered("code").is_none());
            // The next code works.
            let asked = scan(&mut owner, &code(&next)).await;
            owner.submit(&asked, &[("act", "confirm")]).await;
            assert!(go_on(&mut browser, &next).await.answered("code").is_some());
        }
        // The apps ask how it stands.
        let (mut browser, page) = login_page(&app).await;
        tax_app.act(&app, (&id(&page), "scan"), json!({})).await;
        let (_, stands) = tax_app.act(&app, (&id(&page), "state"), json!({})).await;
        assert_eq!(stands["state"], "scanned");
        browser.submit(&page, &[("app", "tax_app"), ("act", "cancel")]).await;
        let (_, stands) = tax_app.act(&app, (&id(&page), "state"), json!({})).await;
        assert_eq!(stands["state"], "cancelled");
        let second = Telephone::signed_in(&app, &mut owner).await;
        let (_, refused) = second.act(&app, (&id(&page), "state"), json!({})).await;
        assert_eq!(refused["error"], "E_STATE");
        let li = iit("李芳", "360121198802290026");
        let (mut browser, page) = iit_page(&app, "127.0.0.1").await;
        assert_eq!(act(&app, &page, "state", (&li, false), None).await["error"], "E_STATE");
        act(&app, &page, "scan", (&li, false), None).await;
        browser.submit(&page, &[("app", "iit_app"), ("act", "cancel")]).await;
        assert_eq!(act(&app, &page, "state", (&li, false), None).await["state"], "cancelled");
        let late = act(&app, &page, "confirm", (&li, false), None).await;
        assert_eq!(late["error"], "E_STATE");
    });
}

/// At the second factor, too, and while the face is being looked at.
#[test]
fn a_verification_is_turned_back_in_the_browser() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (mut browser, page) = at_second_factor(&app, "tax_app").await;
        let mut phone = app.browser();
        let asked = scan(&mut phone, &code(&page)).await;
        let typed = number(&app.ctx, &page).await;
        let left = phone.submit(&asked, &[("act", "confirm"), ("number", &typed)]).await;
        let handle = left.left_to.unwrap().rsplit('/').next().unwrap().to_owned();
        let back = app.ctx.services.outbound.sandbox.decide(&handle, FaceState::Passed).unwrap();
        let next = browser.submit(&page, &[("app", "tax_app"), ("act", "cancel")]).await;
        assert!(next.url.contains("way=tax_app"), "{}", next.url);
        assert_ne!(id(&next), id(&page));
        let late = super::scan::face_result(&mut phone, &back).await;
        assert_eq!(late.code(), Some("E_STATE"));
        assert!(late.text.contains("已取消"), "{}", late.text);
        assert!(!go_on(&mut browser, &page).await.text.contains("name=\"identity\""));
        // No mark is left on the person: another code passes.
        pass_face(&app, &next, FaceState::Passed).await;
        let chooser = go_on(&mut browser, &next).await;
        assert!(chooser.text.contains("name=\"identity\""), "{}", chooser.text);
    });
}
