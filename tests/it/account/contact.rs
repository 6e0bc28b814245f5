//! What makes one's information complete: each missing thing leads to where it is filled in, an e-mail
//! address by a code that went there; and the username, once a year.

use serde_json::json;

use super::{LI, WANG, as_li, as_person, get, held, pass_scan, post};
use crate::kit::browser::{Shown, unescape};
use crate::kit::{Browser, TestApp, on_each_database};

const PATH: &str = "/account/maintain";
const EMAIL: &str = "wang@example.com";

/// Of each item: whether it is done, and the address and section that it leads to.
fn completeness(page: &Shown) -> Vec<(String, bool, String)> {
    let block =
        page.text.split("信息完整度</h2>").nth(1).unwrap_or_else(|| panic!("{}", page.text));
    let block = block.split("</section>").next().unwrap();
    let item = |item: &str| {
        let title = item.split('<').next().unwrap().to_owned();
        let href = item.split("href=\"").nth(1).unwrap().split('"').next().unwrap();
        (title, item.contains("已完善"), href.to_owned())
    };
    block.split("<dt>").skip(1).map(item).collect()
}

fn code_to(app: &TestApp, to: &str) -> String {
    let messages = app.ctx.services.outbound.inbox.messages();
    messages.into_iter().find(|message| message.to == to).expect("no code was sent").code
}

async fn send(app: &TestApp, browser: &mut Browser, to: &str) -> Shown {
    app.clock.advance(61);
    post(app, browser, PATH, &[("act", "send"), ("to", to)]).await
}

async fn verify(app: &TestApp, browser: &mut Browser, code: &str) -> Shown {
    post(app, browser, PATH, &[("act", "verify"), ("code", code)]).await
}

/// Covers AC-42: phone, e-mail and address, done or missing, each with a link to the section that
/// fills it; and what was filled in is there at once, masked.
#[test]
fn what_is_missing_leads_to_where_it_is_filled_in() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        // From the personal centre and from the enterprise's alike.
        let mut wang = as_person(&app, WANG).await;
        let mut li = as_li(&app).await;
        for browser in [&mut wang, &mut li] {
            let items = completeness(&get(browser, "/account/person").await);
            let done: Vec<_> =
                items.iter().map(|(title, done, _)| (title.as_str(), *done)).collect();
            assert_eq!(done, [("手机号码", true), ("邮箱", false), ("个人住址", false)]);
            for ((_, _, href), (page, section)) in items.iter().zip([
                ("phones", "phone"),
                ("maintain", "email"),
                ("maintain", "address"),
            ]) {
                let (path, fragment) = href.split_once('#').expect("a section");
                assert_eq!(fragment, section);
                assert_eq!(path, format!("/realms/jiangxi/account/{page}"));
                let page = browser.get(path).await;
                let part = page.text.split(&format!("id=\"{section}\"")).nth(1).unwrap();
                let part = part.split("</section>").next().unwrap();
                assert!(part.contains("method=\"post\""), "{part}");
                assert!(section == "phone" || part.contains("<input id=\"new-"), "{part}");
            }
        }
        let n = app.audit().await.len();
        let address = "江西省南昌市东湖区阳明路1号2栋301室";
        let saved = post(&app, &mut wang, PATH, &[("act", "address"), ("address", address)]).await;
        assert!(saved.text.contains("修改或添加成功"), "{}", saved.text);
        let sent = send(&app, &mut wang, EMAIL).await;
        assert!(sent.text.contains("验证码已发送"), "{}", sent.text);
        let page = get(&mut wang, "/account/person").await;
        assert!(!completeness(&page)[1].1, "not before the code");
        let done = verify(&app, &mut wang, &code_to(&app, EMAIL)).await;
        assert!(done.text.contains("修改或添加成功"), "{}", done.text);
        let page = get(&mut wang, "/account/person").await;
        assert!(completeness(&page).iter().all(|(_, done, _)| *done), "{}", page.text);
        for shown in ["江西省南昌市东湖区****", "wa***"] {
            assert!(page.text.contains(shown), "{shown}: {}", page.text);
        }
        for hidden in ["阳明路", EMAIL] {
            assert!(!page.text.contains(hidden), "{hidden}");
        }
        let actions: Vec<_> =
            app.audit().await[n..].iter().map(|one| one["action"].clone()).collect();
        assert_eq!(actions, [json!("address_changed"), json!("email_changed")]);
        let told = get(&mut wang, "/account/messages").await;
        assert_eq!(told.text.matches("新增了手机号码或更换了邮箱").count(), 1, "{}", told.text);
    });
}

/// Covers PC-17: what is refused is told at the page and changes nothing; an e-mail address is kept by its code
/// alone.
#[test]
fn what_cannot_be_reached_is_not_kept() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_person(&app, WANG).await;
        let long = "路".repeat(201);
        for (fields, code) in [
            (vec![("act", "address"), ("address", "")], "E_FORMAT"),
            (vec![("act", "address"), ("address", "  \u{200b} ")], "E_FORMAT"),
            (vec![("act", "address"), ("address", long.as_str())], "E_FORMAT"),
            (vec![("act", "send"), ("to", "nobody")], "E_FORMAT"),
            (vec![("act", "send"), ("to", "")], "E_FORMAT"),
            (vec![("act", "send"), ("to", "13712341234")], "E_FORMAT"),
            (vec![("act", "username"), ("username", "")], "E_FORMAT"),
            (vec![("act", "username"), ("username", "abc")], "E_FORMAT"),
            (vec![("act", "username"), ("username", "1abcd")], "E_FORMAT"),
            (vec![("act", "username"), ("username", "wang xm")], "E_FORMAT"),
            (vec![("act", "username"), ("username", "E12345678")], "E_FORMAT"),
            (
                vec![("act", "username"), ("username", "abcdefghijabcdefghijabcdefghijk")],
                "E_FORMAT",
            ),
            (vec![("act", "nonsense")], "E_STATE"),
            (vec![("act", "verify"), ("code", "123456")], "E_OTP_EXPIRED"),
            (vec![("act", "verify"), ("code", "12")], "E_FORMAT"),
        ] {
            let page = post(&app, &mut wang, PATH, &fields).await;
            assert_eq!(page.code(), Some(code), "{fields:?}");
        }
        let n = app.audit().await.len();
        // A code is for one session, one destination and five tries.
        send(&app, &mut wang, EMAIL).await;
        let of_email = code_to(&app, EMAIL);
        let mut other = as_person(&app, LI).await;
        assert_eq!(verify(&app, &mut other, &of_email).await.code(), Some("E_OTP_EXPIRED"));
        send(&app, &mut wang, "other@example.com").await;
        if code_to(&app, "other@example.com") != of_email {
            assert_eq!(verify(&app, &mut wang, &of_email).await.code(), Some("E_OTP"));
        }
        let right = code_to(&app, "other@example.com");
        let wrong = if right == "000000" { "000001" } else { "000000" };
        for _ in 0..5 {
            verify(&app, &mut wang, wrong).await;
        }
        let late = verify(&app, &mut wang, &right).await;
        assert_eq!(late.code(), Some("E_OTP_EXPIRED"), "{}", late.text);
        let audit = app.audit().await;
        let changed = audit[n..].iter().filter(|one| one["action"] != "second_factor_passed");
        assert_eq!(changed.count(), 0, "nothing has changed");
        // Whoever has proved nothing for a quarter of an hour is asked first, and led back.
        app.clock.advance(901);
        let asked = send(&app, &mut wang, EMAIL).await;
        assert!(asked.url.contains("/login/second_factor"), "{}", asked.url);
        let back = wang.pass_second_factor(&app, &asked, WANG).await;
        assert!(back.url.ends_with(PATH), "{}", back.url);
        send(&app, &mut wang, EMAIL).await;
        let done = verify(&app, &mut wang, &code_to(&app, EMAIL)).await;
        assert!(done.text.contains("修改或添加成功"), "{}", done.text);
    });
}

async fn rename(app: &TestApp, browser: &mut Browser, name: &str) -> Shown {
    post(app, browser, PATH, &[("act", "username"), ("username", name)]).await
}

/// Covers PC-18, PC-19: once a calendar year in Shanghai (DEC-8), and not somebody else's; the new one is shown at
/// once.
#[test]
fn a_username_is_changed_once_a_year() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_person(&app, WANG).await;
        let n = app.audit().await.len();
        // Somebody else's, in whatever case; nothing is used up by it.
        for taken in ["chenjing", "ChenJing"] {
            let refused = rename(&app, &mut wang, taken).await;
            assert_eq!(refused.code(), Some("E_TAKEN"), "{}", refused.text);
            assert!(refused.text.contains("aria-invalid") && refused.text.contains(taken));
        }
        let done = rename(&app, &mut wang, "xiaoming.wang").await;
        assert!(
            done.text.contains("修改或添加成功") && done.text.contains("xiaoming.wang"),
            "{}",
            done.text
        );
        assert!(done.text.contains("2027-01-01"), "from when on again: {}", done.text);
        // The same once more is nothing; another one is too early.
        assert_eq!(rename(&app, &mut wang, "xiaoming.wang").await.code(), None);
        let refused = rename(&app, &mut wang, "wang.second").await;
        assert_eq!(refused.code(), Some("E_IMMUTABLE"), "{}", refused.text);
        assert!(refused.text.contains("2027-01-01"), "{}", refused.text);
        let own = get(&mut wang, "/account/person").await;
        assert!(own.text.contains("xiaoming.wang"));
        let actions: Vec<_> =
            app.audit().await[n..].iter().map(|one| one["action"].clone()).collect();
        assert_eq!(actions, [json!("username_changed")]);
        // The last second of the year in Shanghai, and the first of the next.
        let new_year = hufu::base::clock::Day::from_ymd(2027, 1, 1).unwrap().start();
        app.clock.advance(new_year.since(app.ctx.now()) - 300);
        let mut wang = as_person(&app, WANG).await;
        app.clock.advance(new_year.since(app.ctx.now()) - 1);
        assert_eq!(rename(&app, &mut wang, "wang.second").await.code(), Some("E_IMMUTABLE"));
        app.clock.advance(1);
        assert_eq!(rename(&app, &mut wang, "wang.second").await.code(), None);
        assert_eq!(rename(&app, &mut wang, "wang.third").await.code(), Some("E_IMMUTABLE"));
    });
}

/// Covers PC-18: the first is no change (DEC-8).
#[test]
fn a_first_username_is_no_change() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        for (name, code) in
            [("li.fang", None), ("li.fang2", None), ("li.fang3", Some("E_IMMUTABLE"))]
        {
            assert_eq!(rename(&app, &mut li, name).await.code(), code, "{name}");
        }
    });
}

/// Covers PC-18: of two who change at once, one does; of two who want one name, one has it.
#[test]
fn a_username_is_changed_by_one_of_two_tabs() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut one = as_person(&app, WANG).await;
        let mut two = one.clone();
        let (first, second) = tokio::join!(
            rename(&app, &mut one, "wang.first"),
            rename(&app, &mut two, "wang.second")
        );
        let codes = [first.code(), second.code()];
        assert!(codes.contains(&None) && codes.contains(&Some("E_IMMUTABLE")), "{codes:?}");
        app.clock.advance(40 * 86_400);
        let mut one = as_person(&app, WANG).await;
        let mut li = as_li(&app).await;
        let (first, second) =
            tokio::join!(rename(&app, &mut one, "same.name"), rename(&app, &mut li, "same.name"));
        let codes = [first.code(), second.code()];
        assert!(codes.contains(&None) && codes.contains(&Some("E_TAKEN")), "{codes:?}");
    });
}

/// What a section of the page holds.
fn section<'p>(page: &'p Shown, name: &str) -> &'p str {
    let part = page.text.split(&format!("<section class=\"block\" id=\"{name}\"")).nth(1);
    part.unwrap_or_else(|| panic!("{name}: {}", page.text)).split("</section>").next().unwrap()
}

async fn email(app: &TestApp) -> Option<String> {
    let person = held(&app.ctx, WANG).await[0].person;
    let person = app.ctx.rows().people().find(person).await.unwrap().unwrap();
    person.email.map(|email| email.as_str().to_owned())
}

/// Covers PC-17, PC-19: username, documents, e-mail and address are what can be edited, and each is shown at once;
/// an e-mail address is kept once the code that went to it has come back, and in no other way.
#[test]
fn four_things_are_kept_by_oneself() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_person(&app, WANG).await;
        let page = get(&mut wang, PATH).await;
        let sections = page.text.split("<section class=\"block\" id=\"").skip(1);
        let sections: Vec<&str> = sections.map(|one| one.split('"').next().unwrap()).collect();
        assert_eq!(sections, ["username", "documents", "email", "address"]);
        let done = rename(&app, &mut wang, "xiaoming.wang").await;
        assert!(section(&done, "username").contains("xiaoming.wang"), "{}", done.text);
        let address = [("act", "address"), ("address", "江西省南昌市东湖区阳明路1号")];
        let done = post(&app, &mut wang, PATH, &address).await;
        assert!(section(&done, "address").contains("江西省南昌市东湖区****"), "{}", done.text);
        // A document by the page that its section leads to, and a face.
        let documents = section(&page, "documents");
        assert!(!documents.contains("EF*****92"), "{documents}");
        let to = documents.split("href=\"").nth(1).unwrap().split('"').next().unwrap();
        let list = wang.get(&unescape(to)).await;
        assert!(unescape(&list.text).contains("/account/documents/add"), "{}", list.text);
        let passport = [
            ("name", "王小明"),
            ("document_type", "chinese_passport"),
            ("document", "EF1260892"),
            ("term", "dates"),
            ("valid_from", "2024-05-01"),
            ("valid_to", "2034-04-30"),
        ];
        let scan = post(&app, &mut wang, "/account/documents/add", &passport).await;
        pass_scan(&app, &mut wang, &scan).await;
        let page = get(&mut wang, PATH).await;
        assert!(section(&page, "documents").contains("EF*****92"), "{}", page.text);
        // Without a code there is no address, whatever the form says.
        for (fields, code) in [
            (vec![("act", "verify"), ("code", "123456"), ("to", EMAIL)], Some("E_OTP_EXPIRED")),
            (vec![("act", "email"), ("to", EMAIL), ("email", EMAIL)], Some("E_STATE")),
            ([&address[..], &[("to", EMAIL), ("email", EMAIL)]].concat(), None),
        ] {
            let page = post(&app, &mut wang, PATH, &fields).await;
            assert_eq!(page.code(), code, "{fields:?}");
            assert_eq!(email(&app).await, None, "{fields:?}");
        }
        let mut before = None;
        for to in [EMAIL, "xiaoming@example.org"] {
            send(&app, &mut wang, to).await;
            let right = code_to(&app, to);
            let wrong = if right == "000000" { "000001" } else { "000000" };
            assert_eq!(verify(&app, &mut wang, wrong).await.code(), Some("E_OTP"), "{to}");
            assert_eq!(email(&app).await.as_deref(), before, "{to}");
            let done = verify(&app, &mut wang, &right).await;
            let masked = format!("{}***", &to[..2]);
            assert!(section(&done, "email").contains(&masked), "{to}: {}", done.text);
            assert_eq!(email(&app).await.as_deref(), Some(to));
            before = Some(to);
        }
    });
}

/// The code that came back is good for one change that is saved: where nothing could be, it is good still.
#[test]
fn a_fault_of_ours_costs_no_code() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_person(&app, WANG).await;
        send(&app, &mut wang, EMAIL).await;
        let code = code_to(&app, EMAIL);
        app.sql("ALTER TABLE notice RENAME TO notice_elsewhere").await;
        assert_eq!(verify(&app, &mut wang, &code).await.status.as_u16(), 500);
        assert_eq!(email(&app).await, None);
        app.sql("ALTER TABLE notice_elsewhere RENAME TO notice").await;
        let done = verify(&app, &mut wang, &code).await;
        assert_eq!(done.code(), None, "{}", done.text);
        assert_eq!(email(&app).await.as_deref(), Some(EMAIL));
        assert_eq!(verify(&app, &mut wang, &code).await.code(), Some("E_OTP_EXPIRED"), "once");
    });
}
