//! Who is known already: nothing tells before a code has come back; then an account stops the registration, a
//! phone is taken over, and whoever comes back finds their relations as they were.

use hufu::domain::mask::{self, Viewer};
use hufu::domain::notice::NoticeKind;
use hufu::domain::number::name::PersonName;
use hufu::domain::number::phone::Phone;
use hufu::domain::person::{DocumentStatus, Person, PersonKind};
use hufu::flows::feed::{Format, import};
use hufu::flows::people;
use hufu::outbound::asked::FaceState;
use serde_json::json;

use crate::kit::browser::without_number;

use super::*;
use crate::kit::{
    EXAMPLE, FILING, PASSWORD, authorize_url, claims, on_each_database, on_one_database,
};
use crate::recovery::{notices, reached_by};

const LI: Registrant =
    Registrant { name: "李芳", number: "360121198802290026", contact: "13944449444", ..XU };
const WANG: Registrant =
    Registrant { name: "王小明", number: "360102199003071236", contact: "13800138000", ..XU };
const ZHANG: Registrant =
    Registrant { name: "张伟", number: "360402198511014512", contact: "13700137000", ..XU };
/// From overseas; the address is his, too.
const MILLER: Registrant = Registrant {
    way: "overseas",
    name: "John Miller",
    kind: "foreign_passport",
    number: "L898902C3",
    sex: "male",
    nationality: "USA",
    contact: "john.miller@example.com",
};

/// A page with all that is this registrant's or this browser's own taken out of it.
fn bare(shown: &Shown, who: Registrant) -> String {
    let masked = mask::document(who.number, Viewer::Own);
    let mut text = without_number(&shown.text);
    for (own, mark) in [
        (who.name, "NAME"),
        (who.number, "NUMBER"),
        (masked.as_str(), "MASKED"),
        (who.contact, "CONTACT"),
    ] {
        text = text.replace(own, mark);
    }
    for (name, value) in shown.hidden().into_iter().filter(|(_, value)| !value.is_empty()) {
        text = text.replace(&value, &name);
    }
    let headers = shown.headers.iter().map(|(name, value)| {
        let value = value.to_str().unwrap();
        let value = match name.as_str() {
            "set-cookie" => {
                let (pair, rest) = value.split_once(';').unwrap();
                let (name, secret) = pair.split_once('=').unwrap();
                format!("{name}={};{rest}", secret.len())
            }
            "location" => value.split("?t=").next().unwrap().to_owned(),
            "content-length" => String::new(),
            _ => value.to_owned(),
        };
        format!("{name}: {value}")
    });
    let mut headers: Vec<String> = headers.collect();
    // Each answer is named for its log.
    headers.retain(|line| !line.starts_with("x-request-id"));
    headers.sort();
    format!("{}\n{}\n{text}", shown.status, headers.join("\n"))
}

/// What a form is answered, and the page that it leads to.
async fn both(browser: &mut Browser, page: &Shown, typed: &[(&str, &str)]) -> [Shown; 2] {
    let (action, fields) = page.filled(typed);
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let first = browser.once("POST", &action, Some(body)).await;
    let next = match first.left_to.clone() {
        Some(to) => browser.get(&to).await,
        None => first.clone(),
    };
    [first, next]
}

/// Every answer on the way to a wrong code.
async fn walk(app: &TestApp, who: Registrant) -> (Browser, Shown, Vec<String>) {
    let mut browser = app.browser();
    let mut page = browser.get(&url(&format!("?way={}", who.way))).await;
    let mut seen = vec![bare(&page, who)];
    let mut named = vec![
        ("name", who.name),
        ("document_type", who.kind),
        ("document", who.number),
        ("sex", who.sex),
    ];
    if who.way == "overseas" {
        named.push(("nationality", who.nationality));
    }
    let reach = |contact| {
        let password = [("password", NEW_PASSWORD), ("repeated", NEW_PASSWORD)];
        [&password[..], &[("contact", contact), ("act", "send")]].concat()
    };
    for typed in [
        vec![("accept-user-agreement", "yes")],
        named,
        reach("1"),
        reach(who.contact),
        vec![("act", "verify"), ("code", "000000")],
    ] {
        for shown in both(&mut browser, &page, &typed).await {
            seen.push(bare(&shown, who));
            page = shown;
        }
    }
    assert_eq!(page.code(), Some("E_OTP"), "{}", page.text);
    (browser, page, seen)
}

/// Covers R-06: until the code has come back every answer to somebody with an account and to nobody is the
/// same, byte for byte with headers and cookies, from home and from overseas, and whoever has the phone or the
/// address; then the one is sent to the sign-in, and whoever does not know the name learns nothing.
#[test]
fn nobody_learns_who_exists() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (_, _, of_nobody) = walk(&app, XU).await;
        let (hers, page, of_li) = walk(&app, LI).await;
        assert_eq!(of_li, of_nobody);
        let with_his_phone = Registrant { contact: WANG.contact, ..XU };
        assert_eq!(walk(&app, with_his_phone).await.2, of_nobody);
        let (his, page_of_miller, of_miller) = walk(&app, MILLER).await;
        let stranger = Registrant {
            name: "Max Muster",
            number: "M87654321",
            contact: "max.muster@example.org",
            ..MILLER
        };
        assert_eq!(walk(&app, stranger).await.2, of_miller);
        for (mut browser, page, who) in [(his, page_of_miller, MILLER), (hers, page, LI)] {
            told_of_the_account(&app, &mut browser, &page, who).await;
        }
        let guess = Registrant { name: "李芬", contact: "13955559555", ..LI };
        let (_, page) = reached(&app, guess).await;
        assert_eq!(page.code(), Some("E_REAL_NAME"), "{}", page.text);
        // Her account is as it was.
        app.clock.advance(61);
        let arrived = signs_in(&app, Registrant { contact: "13900139000", ..LI }, PASSWORD).await;
        assert!(arrived.url.ends_with("/signed-in"), "{}", arrived.text);
    });
}

/// The right code of whoever has an account: the way to sign in, and the end of the registration.
async fn told_of_the_account(app: &TestApp, browser: &mut Browser, page: &Shown, who: Registrant) {
    let t = page.hidden()["t"].clone();
    let typed = [("act", "verify"), ("code", &*sent(app, who.contact))];
    let known = browser.submit(page, &typed).await;
    assert_eq!((known.status.as_u16(), known.code()), (409, Some("E_TAKEN")), "{}", who.name);
    for way in ["/realms/jiangxi/login", "/forgot-password", "/recover-phone"] {
        assert!(known.text.contains(way), "{way}: {}", known.text);
    }
    assert_eq!(browser.get(&url(&format!("/verify?t={t}"))).await.status.as_u16(), 410);
}

async fn holder(app: &TestApp, phone: &str) -> Option<PersonId> {
    let phone = Phone::parse(phone).unwrap();
    let found = app.ctx.rows().accounts().find_by_phone(&phone).await.unwrap();
    found.map(|account| account.person)
}

/// Covers, PH-01: a phone of somebody else's moves when the registration is complete, and not before.
#[test]
fn a_phone_is_taken_over_at_the_end() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let wang = person(&app, WANG).await.unwrap();
        let fang = Registrant { contact: WANG.contact, ..FANG };
        let (mut browser, page) = at_face(&app, fang).await;
        assert_eq!(holder(&app, WANG.contact).await, Some(wang), "not by the code alone");
        show_face(&app, &page, FaceState::Passed).await;
        let done = go_on(&mut browser, &page).await;
        assert!(done.text.contains("注册完成"), "{}", done.text);
        assert_eq!(holder(&app, WANG.contact).await, person(&app, FANG).await);
        let told = app.ctx.rows().notices().list(wang, 10).await.unwrap();
        assert!(told.iter().any(|one| one.kind == NoticeKind::PhoneTaken), "{told:?}");
        // He signs in by his number or his username, and the SMS way is closed.
        app.clock.advance(61);
        for number in [WANG.number, "wangxm"] {
            let page = signs_in_as_far(&app, Registrant { number, ..WANG }, PASSWORD).await;
            assert!(page.url.contains("second_factor"), "{number}: {} {}", page.url, page.text);
            assert!(page.text.contains("E_NO_PHONE"), "{number}: {}", page.text);
        }
    });
}

/// Covers R-14: whoever loses their phone to a registration is told once it is complete, by the other phone and by
/// the e-mail address as far as they have them; the next phone is the default.
#[test]
fn who_loses_a_phone_is_told_by_what_is_left() {
    on_each_database(|on| async move {
        let (phone, mail) = ("13712345555", "wang@example.com");
        let by_phone = format!("+86{phone} phone-taken");
        let by_mail = format!("{mail} phone-taken");
        for (left, told) in [
            (vec![phone, mail], vec![by_phone.as_str(), by_mail.as_str()]),
            (vec![phone], vec![by_phone.as_str()]),
            (vec![mail], vec![by_mail.as_str()]),
            (vec![], vec![]),
        ] {
            let app = TestApp::start(on).await;
            let former = account(&app, WANG).await.unwrap();
            for to in &left {
                reached_by(&app, &former, to).await;
            }
            let fang = Registrant { contact: WANG.contact, ..FANG };
            let (mut browser, page) = at_face(&app, fang).await;
            show_face(&app, &page, FaceState::Passed).await;
            app.deliver().await;
            assert_eq!(notices(&app), [""; 0], "nothing is taken by a code and a face");
            assert_eq!(holder(&app, WANG.contact).await, Some(former.person));
            let done = go_on(&mut browser, &page).await;
            assert!(done.text.contains("注册完成"), "{}", done.text);
            assert_eq!(taken(&app).await, told, "{left:?}");
            assert_eq!(holder(&app, WANG.contact).await, person(&app, FANG).await);
            let phones = app.ctx.rows().accounts().phones(former.id).await.unwrap();
            let phones: Vec<(&str, bool)> =
                phones.iter().map(|one| (one.phone.national(), one.is_default)).collect();
            let kept = left.iter().filter(|to| !to.contains('@')).map(|to| (*to, true));
            assert_eq!(phones, kept.collect::<Vec<_>>(), "{left:?}");
            let centre = app.ctx.rows().notices().list(former.person, 10).await.unwrap();
            let n = centre.iter().filter(|one| one.kind == NoticeKind::PhoneTaken).count();
            assert_eq!(n, 1, "in the message centre in any case");
        }
    });
}

/// To whom it has gone out that a phone was taken.
async fn taken(app: &TestApp) -> Vec<String> {
    app.deliver().await;
    let mut out = notices(app);
    out.retain(|one| one.ends_with(" phone-taken"));
    out
}

/// Covers: the same where the hall's record spares the face; whoever declines takes nothing.
#[test]
fn the_halls_phone_may_be_taken_over_too() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let former = account(&app, WANG).await.unwrap();
        reached_by(&app, &former, LIN.contact).await;
        let (mut browser, page) = reached(&app, LIN).await;
        browser.submit(&page, &[("act", "decline")]).await;
        assert_eq!(holder(&app, LIN.contact).await, Some(former.person), "nothing came of it");
        app.clock.advance(61);
        let (mut browser, page) = reached(&app, LIN).await;
        assert!(page.text.contains("id=\"register-hall\""), "{}", page.text);
        assert_eq!(holder(&app, LIN.contact).await, Some(former.person), "not by the code");
        let ticked = [("accept-personal-information", "yes"), ("act", "accept")];
        let done = browser.submit(&page, &ticked).await;
        assert!(done.text.contains("注册完成"), "{}", done.text);
        assert_eq!(holder(&app, LIN.contact).await, person(&app, LIN).await);
        assert_eq!(taken(&app).await, [format!("+86{} phone-taken", WANG.contact)]);
    });
}

async fn signs_in_as_far(app: &TestApp, who: Registrant, password: &str) -> Shown {
    let mut browser = app.browser();
    let page = browser.at_entrance("/realms/jiangxi/login", "natural_person").await;
    let typed = [("personal_id", who.number), ("password", password), ("slider", "100")];
    browser.submit(&page, &typed).await
}

/// Past the pages of a cancellation: the account is over, and with it its phone.
async fn cancelled(app: &TestApp, who: Registrant) {
    let account = account(app, who).await.unwrap();
    let id = app.literal(account.id.0);
    app.sql(&format!(
        "DELETE FROM phone_binding WHERE account_id = {id}; \
         UPDATE account SET status = 'cancelled', username = NULL, username_folded = NULL, \
         password_hash = NULL WHERE id = {id}"
    ))
    .await;
}

/// Covers PC-26: the same person with a new account, their relations usable at once and unchanged, the
/// enterprise told; what the former account had proved is proved anew.
#[test]
fn whoever_comes_back_finds_their_relations() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (before, former) =
            (person(&app, WANG).await.unwrap(), account(&app, WANG).await.unwrap());
        let held = app.ctx.rows().standings().held(before).await.unwrap();
        cancelled(&app, WANG).await;
        assert_eq!(signs_in(&app, WANG, PASSWORD).await.code(), Some("E_CREDENTIALS"));
        registered(&app, WANG).await;
        assert_eq!(person(&app, WANG).await, Some(before));
        let account = account(&app, WANG).await.unwrap();
        assert_ne!(account.id, former.id);
        assert_eq!(app.ctx.rows().standings().held(before).await.unwrap(), held);
        let how = levels(&app, WANG).await;
        let how: Vec<u8> = how.into_iter().map(|(level, _)| level).collect();
        assert_eq!(how, [1, 2, 3, 4]);
        let li = person(&app, LI).await.unwrap();
        let told = app.ctx.rows().notices().list(li, 20).await.unwrap();
        let told: Vec<_> =
            told.iter().filter(|one| one.kind == NoticeKind::HandlerReturned).collect();
        assert_eq!(told.len(), 2, "one for each of his two identities");
        assert!(told.iter().all(|one| one.relation.as_ref().unwrap().holder == before));
        // Without a word of the enterprise he works there again.
        app.clock.advance(61);
        let mut browser = app.browser();
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        let page = browser.type_credentials(&page, (EXAMPLE, WANG.number, NEW_PASSWORD)).await;
        let chooser = browser.pass_second_factor(&app, &page, WANG.contact).await;
        let identity = chooser.text.split("name=\"identity\" value=\"").nth(1).unwrap();
        let identity = identity.split('"').next().unwrap();
        let arrived = browser.submit(&chooser, &[("identity", identity)]).await;
        let (_, tokens) = app.redeem(&arrived.answered("code").unwrap()).await;
        assert!(claims(tokens["id_token"].as_str().unwrap())["tax_identity"].is_object());
    });
}

/// Covers PC-26, R-12 with DEC-24: who represents an enterprise proves a face even where the hall's phone
/// would do, unless an officer has compared it.
#[test]
fn a_managers_powers_want_a_face() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        cancelled(&app, ZHANG).await;
        let line = json!({"feed": "hall_record", "source_key": "h-9", "version": 1,
            "name": ZHANG.name, "document": ZHANG.number, "phone": ZHANG.contact,
            "collected_on": "2026-11-01", "collected_by": "03"});
        let mut seen = line.clone();
        seen["version"] = json!(2);
        seen["verified_by_sight"] = json!(true);
        seen["portrait"] = json!("b".repeat(64));
        for (line, wants_face) in [(line, true), (seen, false)] {
            let text = line.to_string();
            import(&app.ctx, "test", text.as_bytes(), Format::JsonLines, None).await.unwrap();
            let (_, page) = reached(&app, ZHANG).await;
            let asks_face = page.text.contains("accept-face-service");
            assert_eq!(asks_face, wants_face, "{}", page.text);
            assert_eq!(page.text.contains("id=\"register-hall\""), !wants_face);
            app.clock.advance(61);
        }
    });
}

/// Somebody whom only the registry or an invitation knows.
async fn known_only(app: &TestApp, who: Registrant, name: &str, level: u8) -> PersonId {
    let (ctx, now) = (&app.ctx, app.ctx.now());
    let person = Person {
        id: PersonId::new(&app.clock, ctx.random()),
        kind: PersonKind::Domestic,
        name: PersonName::parse(name).unwrap(),
        sex: None,
        nationality: "CHN".to_owned(),
        real_name_level: level,
        email: None,
        email_verified_at: None,
        created_at: now,
        updated_at: now,
    };
    let tx = ctx.begin().await.unwrap();
    people::add(&tx, &person).await.unwrap();
    assert!(people::hold_document(ctx, &tx, person.id, &document(app, who)).await.unwrap());
    tx.commit().await.unwrap();
    person.id
}

/// Covers R-11: whom the registry knows gets the account on that person, under that name; what a manager
/// has mistyped in an invitation locks nobody out.
#[test]
fn a_person_without_an_account_gets_it() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let of_registry = known_only(&app, FANG, "方宇", 3).await;
        let other = Registrant { name: "方雨", ..FANG };
        let (mut browser, page) = reached(&app, other).await;
        assert_eq!(page.code(), Some("E_REAL_NAME"), "{}", page.text);
        let page = name(&mut browser, &page, FANG).await;
        let page = agree_to_face(&mut browser, &page).await;
        show_face(&app, &page, FaceState::Passed).await;
        go_on(&mut browser, &page).await;
        assert_eq!(account(&app, FANG).await.unwrap().person, of_registry);
        let invited = known_only(&app, XU, "许嘉", 1).await;
        registered(&app, XU).await;
        assert_eq!(account(&app, XU).await.unwrap().person, invited);
        let known = app.ctx.rows().people().find(invited).await.unwrap().unwrap();
        assert_eq!((known.name.as_str(), known.sex.as_deref()), ("许佳", Some("female")));
        assert!(actions(&app).await.iter().any(|one| one == "name_changed"));
    });
}

/// A void number is answered as one of somebody who has an account, before a face is looked at, whether its person
/// has one or not.
#[test]
fn a_void_number_costs_no_face() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        known_only(&app, FANG, FANG.name, 3).await;
        for who in [LI, FANG] {
            let tx = app.ctx.begin().await.unwrap();
            let number = document(&app, who);
            tx.rows().people().set_standing(&number, DocumentStatus::Void).await.unwrap();
            tx.commit().await.unwrap();
            let (_, page) = reached(&app, who).await;
            assert_eq!(page.code(), Some("E_TAKEN"), "{}: {}", who.name, page.text);
        }
        let guess = Registrant { name: "李芬", contact: "13955559555", ..LI };
        let (_, page) = reached(&app, guess).await;
        assert_eq!(page.code(), Some("E_REAL_NAME"), "{}", page.text);
    });
}

/// A former number is told to be one, before a face is looked at, and to nobody of another name: the present document
/// is the way. Covers R-06, D-08.
#[test]
fn a_former_number_costs_no_face() {
    on_one_database(|on| async move {
        let app = TestApp::start(on).await;
        for (version, number) in [(1, "EF1260892"), (2, "EF1260893")] {
            let line = json!({"feed": "person", "source_key": "renewed", "version": version,
                "name": "钱多", "document_type": "chinese_passport", "document": number,
                "phone": "13911139111"});
            crate::account::feed(&app, &[line]).await;
        }
        let former = Registrant {
            name: "钱多",
            kind: "chinese_passport",
            number: "EF1260892",
            sex: "male",
            ..FANG
        };
        let other = Registrant { name: "钱少", contact: "13955559999", ..former };
        let (_, page) = reached(&app, other).await;
        assert_eq!(page.code(), Some("E_REAL_NAME"), "{}", page.text);
        let (_, page) = reached(&app, former).await;
        assert_eq!(page.code(), Some("E_TAKEN"), "{}", page.text);
        assert!(page.text.contains("已由您的新证件代替"), "{}", page.text);
        assert!(!page.text.contains("accept-face-service"), "no face is asked for");
        let present = Registrant { number: "EF1260893", contact: "13955559998", ..former };
        let (_, page) = reached(&app, present).await;
        assert!(page.text.contains("该证件已有账号"), "{}", page.text);
    });
}

/// A number that is replaced while its person shows their face is told to be one, too, and not as an account's.
/// Covers R-06, D-08.
#[test]
fn a_number_that_is_replaced_meanwhile_is_told_as_former() {
    on_one_database(|on| async move {
        let app = TestApp::start(on).await;
        let former = Registrant {
            name: "钱多",
            kind: "chinese_passport",
            number: "EF1260892",
            sex: "male",
            ..FANG
        };
        let (mut browser, page) = at_face(&app, former).await;
        show_face(&app, &page, FaceState::Passed).await;
        for (version, number) in [(1, "EF1260892"), (2, "EF1260893")] {
            let line = json!({"feed": "person", "source_key": "renewed", "version": version,
                "name": "钱多", "document_type": "chinese_passport", "document": number,
                "phone": "13911139111"});
            crate::account::feed(&app, &[line]).await;
        }
        let told = go_on(&mut browser, &page).await;
        assert_eq!((told.status.as_u16(), told.code()), (409, Some("E_TAKEN")), "{}", told.text);
        assert!(told.text.contains("已由您的新证件代替"), "{}", told.text);
    });
}
