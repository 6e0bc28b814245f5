//! Phones in the account centre: the default, and the two steps of a change, in order, by one browser,
//! within ten minutes, once.

use hufu::domain::notice::NoticeKind;
use hufu::domain::number::phone::Phone;
use hufu::domain::person::PhoneBinding;
use hufu::flows::{help, people};
use serde_json::json;

use super::take_over::{bind, owner, phones, told};
use super::{LI, WANG, as_li, as_person, at_door, get, post, typed};
use crate::kit::browser::Shown;
use crate::kit::{Browser, PASSWORD, TestApp, on_each_database};
use crate::login::scan::pass_face;
use crate::recovery::{notices, reached_by, sign_in};
use hufu::outbound::asked::FaceState;

pub const PATH: &str = "/account/phones";
const NEW: &str = "13712341234";

pub fn code_to(app: &TestApp, national: &str) -> String {
    let to = format!("+86{national}");
    let messages = app.ctx.services.outbound.inbox.messages();
    let found = messages.into_iter().find(|message| message.to == to && !message.code.is_empty());
    found.expect("no code was sent").code
}

fn another(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

pub async fn act(app: &TestApp, browser: &mut Browser, act: &str, more: &[(&str, &str)]) -> Shown {
    app.clock.advance(if act.starts_with("send") { 61 } else { 0 });
    post(app, browser, PATH, &[&[("act", act)], more].concat()).await
}

/// What the page calls the change that is on its way.
fn change(page: &Shown) -> String {
    let rest = page.text.split("name=\"change\" value=\"").nth(1);
    rest.unwrap_or_else(|| panic!("{}", page.text)).split('"').next().unwrap().to_owned()
}

/// What the page calls this phone, masked.
fn handle(page: &Shown, masked: &str) -> String {
    let rest = page.text.split(&format!("<strong>{masked}</strong>")).last().unwrap();
    let rest = rest.split("name=\"phone\" value=\"").nth(1).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

/// As far as the new number's code: the change's name.
pub async fn proved(app: &TestApp, browser: &mut Browser, phone: &str, own: &str) -> String {
    let page = act(app, browser, "begin", &[("phone", phone)]).await;
    let id = change(&page);
    let sent = act(app, browser, "send-existing", &[("change", &id)]).await;
    assert!(sent.text.contains("验证码已发送"), "{}", sent.text);
    let code = code_to(app, own);
    let next = act(app, browser, "verify-existing", &[("change", &id), ("code", &code)]).await;
    assert!(next.text.contains("id=\"new-phone\""), "{}", next.text);
    id
}

/// Covers PC-09, PC-12, PC-13, PC-19, PC-14, R-14: added, set as default, changed, deleted; another's
/// number is taken over, and each step is told and shown at once.
#[test]
fn phones_are_added_changed_and_deleted() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_person(&app, WANG).await;
        let account = owner(&app, WANG).await.unwrap();
        // Turned back, and nothing is left of it.
        let page = act(&app, &mut wang, "begin", &[("phone", "")]).await;
        let page = act(&app, &mut wang, "cancel", &[("change", &change(&page))]).await;
        assert!(!page.text.contains("id=\"change\""), "{}", page.text);
        assert!(page.text.contains("138****8000") && !page.text.contains(WANG));
        // The only one is the default: no way to delete it, by form neither.
        assert!(!page.text.contains("value=\"remove\""), "{}", page.text);
        let own = handle(&page, "138****8000");
        let kept = act(&app, &mut wang, "remove", &[("phone", &own)]).await;
        assert_eq!(kept.code(), Some("E_PROTECTED"), "{}", kept.text);
        // Added: the code goes to the new number, which somebody else has.
        let id = proved(&app, &mut wang, "", WANG).await;
        let sent = act(&app, &mut wang, "send-new", &[("change", &id), ("to", LI)]).await;
        assert!(sent.text.contains("验证码已发送"), "{}", sent.text);
        assert!(owner(&app, LI).await.unwrap().id != account.id, "not before the code");
        let code = code_to(&app, LI);
        let done = act(&app, &mut wang, "verify-new", &[("change", &id), ("code", &code)]).await;
        assert!(done.text.contains("手机号码修改或添加成功"), "{}", done.text);
        assert!(done.text.contains("139****9000"), "{}", done.text);
        assert_eq!(owner(&app, LI).await.unwrap().id, account.id);
        let again = act(&app, &mut wang, "verify-new", &[("change", &id), ("code", &code)]).await;
        assert_eq!(again.code(), Some("E_STATE"), "once");
        // Another is the default from now on, the first can go.
        let page = get(&mut wang, PATH).await;
        let (first, second) = (handle(&page, "138****8000"), handle(&page, "139****9000"));
        let done = act(&app, &mut wang, "default", &[("phone", &second)]).await;
        assert!(done.text.contains("默认手机号码设置成功"), "{}", done.text);
        let all = phones(&app, &account).await;
        assert_eq!(all, [(LI.to_owned(), true), (WANG.to_owned(), false)]);
        let kept = act(&app, &mut wang, "remove", &[("phone", &second)]).await;
        assert_eq!(kept.code(), Some("E_PROTECTED"));
        let done = act(&app, &mut wang, "remove", &[("phone", &first)]).await;
        assert!(done.text.contains("手机号码已删除"), "{}", done.text);
        let gone = act(&app, &mut wang, "remove", &[("phone", &first)]).await;
        assert_eq!(gone.code(), Some("E_STATE"));
        assert!(owner(&app, WANG).await.is_none(), "free for others");
        // Changed: the new number takes the place of the default one.
        let id = proved(&app, &mut wang, &second, LI).await;
        act(&app, &mut wang, "send-new", &[("change", &id), ("to", NEW)]).await;
        let code = code_to(&app, NEW);
        let done = act(&app, &mut wang, "verify-new", &[("change", &id), ("code", &code)]).await;
        assert!(done.text.contains("137****1234"), "{}", done.text);
        assert_eq!(phones(&app, &account).await, [(NEW.to_owned(), true)]);
        let own = get(&mut wang, "/account/person").await;
        assert!(own.text.contains("137****1234") && !own.text.contains("138****8000"));
        let all = told(&app, &account).await;
        let n = |kind| all.iter().filter(|one| **one == kind).count();
        assert_eq!(
            (n(NoticeKind::ContactChanged), n(NoticeKind::PhoneChanged), all.len()),
            (2, 2, 4),
            "{all:?}"
        );
        // It is a way in, and codes go there.
        drop(at_door(&app, "natural_person", ("", NEW, PASSWORD), "").await);
    });
}

/// Covers PH-01, R-14, R-16: a number of somebody else's is theirs until its code has come back, at an addition and
/// at a change alike; then it is gone from their account, and they are told by what they have left.
#[test]
fn a_number_is_taken_over_by_an_addition_and_by_a_change() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (second, mail) = ("13712345555", "li@example.com");
        let (wang, li) = (owner(&app, WANG).await.unwrap(), owner(&app, LI).await.unwrap());
        for to in [second, mail] {
            reached_by(&app, &li, to).await;
        }
        let mut browser = as_person(&app, WANG).await;
        let by_phone = format!("+86{second} phone-taken");
        let by_mail = format!("{mail} phone-taken");
        for (to, is_change, heard) in [
            (LI, false, vec![&*by_phone, &*by_mail]),
            // In place of his own; of hers no phone is left.
            (second, true, vec![&*by_phone, &*by_mail, &*by_mail]),
        ] {
            let page = get(&mut browser, PATH).await;
            let goes = if is_change { handle(&page, "138****8000") } else { String::new() };
            let id = proved(&app, &mut browser, &goes, WANG).await;
            act(&app, &mut browser, "send-new", &[("change", &id), ("to", to)]).await;
            app.deliver().await;
            assert_eq!(owner(&app, to).await.unwrap().id, li.id, "{to}: not before its code");
            assert_eq!(told(&app, &li).await.len(), usize::from(is_change), "{to}");
            let at = [("change", id.as_str()), ("code", &*code_to(&app, to))];
            let done = act(&app, &mut browser, "verify-new", &at).await;
            assert!(done.text.contains("手机号码修改或添加成功"), "{}", done.text);
            assert_eq!(owner(&app, to).await.unwrap().id, wang.id);
            app.deliver().await;
            let mut out = notices(&app);
            out.retain(|one| one.ends_with(" phone-taken"));
            assert_eq!(out, heard, "{to}");
        }
        let his = [(second.to_owned(), true), (LI.to_owned(), false)];
        assert_eq!(phones(&app, &wang).await, his, "the changed one was the default");
        assert!(phones(&app, &li).await.is_empty());
        assert_eq!(told(&app, &li).await, [NoticeKind::PhoneTaken; 2]);
        let taken = json!({"action": "phone_taken", "account": li.id, "by": wang.id});
        assert_eq!(app.audit().await.iter().filter(|one| **one == taken).count(), 2);
        // She comes in by her document, where no code can go out.
        let (_, page) = typed(&app, "natural_person", ("", "360121198802290026", PASSWORD)).await;
        assert!(page.url.contains("second_factor"), "{} {}", page.url, page.text);
        assert!(page.text.contains("E_NO_PHONE"), "{}", page.text);
    });
}

/// Covers PC-12, PC-13: no step before the one that comes first, no other session's, no second tab's, none
/// after ten minutes; what is wrong is said at its field and changes nothing.
#[test]
fn no_step_of_a_change_is_skipped() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_person(&app, WANG).await;
        let account = owner(&app, WANG).await.unwrap();
        let (mut li, n) = (as_li(&app).await, app.audit().await.len());
        for (name, code) in [
            ("nonsense", "E_STATE"),
            ("send-existing", "E_STATE"),
            ("verify-existing", "E_STATE"),
            ("send-new", "E_STATE"),
            ("verify-new", "E_STATE"),
            ("default", "E_STATE"),
            ("remove", "E_STATE"),
            ("face", "E_STATE"),
            ("cancel", "E_STATE"),
        ] {
            let refused = act(&app, &mut wang, name, &[("change", "x"), ("phone", "x")]).await;
            assert_eq!(refused.code(), Some(code), "{name}");
        }
        let page = act(&app, &mut wang, "begin", &[("phone", "")]).await;
        let id = change(&page);
        let at = [("change", id.as_str()), ("to", NEW), ("code", "123456")];
        for (name, code) in [
            ("send-new", "E_STATE"),
            ("verify-new", "E_STATE"),
            ("verify-existing", "E_OTP_EXPIRED"),
            // The face stands in for a phone that is not there.
            ("face", "E_STATE"),
        ] {
            assert_eq!(act(&app, &mut wang, name, &at).await.code(), Some(code), "{name}");
        }
        // Another's session, with the same name.
        act(&app, &mut wang, "send-existing", &[("change", &id)]).await;
        let code = code_to(&app, WANG);
        let at = [("change", id.as_str()), ("code", code.as_str())];
        assert_eq!(act(&app, &mut li, "verify-existing", &at).await.code(), Some("E_STATE"));
        for (code, refusal) in [("12", "E_FORMAT"), ("", "E_FORMAT"), (another(&code), "E_OTP")] {
            let at = [("change", id.as_str()), ("code", code)];
            let refused = act(&app, &mut wang, "verify-existing", &at).await;
            assert_eq!(refused.code(), Some(refusal), "{code}");
            assert!(refused.text.contains("id=\"code\"") && refused.text.contains("aria-invalid"));
        }
        act(&app, &mut wang, "verify-existing", &at).await;
        // The code of the first step is none of the second, and one's own number is no new one.
        for (to, refusal) in [("12345", "E_FORMAT"), ("", "E_FORMAT"), (WANG, "E_FORMAT")] {
            let at = [("change", id.as_str()), ("to", to)];
            assert_eq!(act(&app, &mut wang, "send-new", &at).await.code(), Some(refusal), "{to}");
        }
        assert_eq!(act(&app, &mut wang, "verify-new", &at).await.code(), Some("E_OTP_EXPIRED"));
        act(&app, &mut wang, "send-new", &[("change", &id), ("to", NEW)]).await;
        let right = code_to(&app, NEW);
        if right != code {
            assert_eq!(act(&app, &mut wang, "verify-new", &at).await.code(), Some("E_OTP"));
        }
        // Sent elsewhere: the first number's code is worth nothing.
        act(&app, &mut wang, "send-new", &[("change", &id), ("to", "13712349999")]).await;
        let elsewhere = code_to(&app, "13712349999");
        if right != elsewhere {
            let at = [("change", id.as_str()), ("code", right.as_str())];
            assert_eq!(act(&app, &mut wang, "verify-new", &at).await.code(), Some("E_OTP"));
        }
        // Five wrong ones void it.
        for _ in 0..5 {
            let at = [("change", id.as_str()), ("code", another(&elsewhere))];
            act(&app, &mut wang, "verify-new", &at).await;
        }
        let late = [("change", id.as_str()), ("code", elsewhere.as_str())];
        assert_eq!(act(&app, &mut wang, "verify-new", &late).await.code(), Some("E_OTP_EXPIRED"));
        // A second tab begins anew: what the first shows is over.
        let other = proved(&app, &mut wang, "", WANG).await;
        let old = act(&app, &mut wang, "send-new", &[("change", &id), ("to", NEW)]).await;
        assert_eq!(old.code(), Some("E_STATE"));
        act(&app, &mut wang, "send-new", &[("change", &other), ("to", NEW)]).await;
        let right = code_to(&app, NEW);
        app.clock.advance(600);
        let at = [("change", other.as_str()), ("code", right.as_str())];
        assert_eq!(act(&app, &mut wang, "verify-new", &at).await.code(), Some("E_STATE"));
        assert_eq!(phones(&app, &account).await, [(WANG.to_owned(), true)]);
        let audit = app.audit().await;
        let changed = audit[n..]
            .iter()
            .filter(|one| one["action"].as_str().is_some_and(|action| action.contains("phone")));
        assert_eq!(changed.count(), 0, "nothing has changed");
    });
}

/// Covers PC-13, R-16: whoever has no phone shows their face first; another's face leads nowhere.
#[test]
fn a_first_phone_wants_a_face() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_person(&app, WANG).await;
        let (account, li) = (owner(&app, WANG).await.unwrap(), owner(&app, LI).await.unwrap());
        bind(&app, &li, WANG, false).await;
        assert!(phones(&app, &account).await.is_empty());
        let page = act(&app, &mut wang, "begin", &[("phone", "")]).await;
        assert!(page.text.contains("id=\"change-face\""), "{}", page.text);
        let id = change(&page);
        let none = act(&app, &mut wang, "send-existing", &[("change", &id)]).await;
        assert_eq!(none.code(), Some("E_NO_PHONE"));
        let early = act(&app, &mut wang, "send-new", &[("change", &id), ("to", NEW)]).await;
        assert_eq!(early.code(), Some("E_STATE"));
        for (outcome, opens) in [(FaceState::Failed, false), (FaceState::Passed, true)] {
            let scan = act(&app, &mut wang, "face", &[("change", &id)]).await;
            assert!(scan.url.contains("/login/second_factor"), "{}", scan.url);
            pass_face(&app, &scan, outcome).await;
            let back = crate::login::scan::go_on(&mut wang, &scan).await;
            let page = get(&mut wang, PATH).await;
            assert_eq!(page.text.contains("id=\"new-phone\""), opens, "{} {}", back.url, page.text);
        }
        act(&app, &mut wang, "send-new", &[("change", &id), ("to", NEW)]).await;
        let code = code_to(&app, NEW);
        let done = act(&app, &mut wang, "verify-new", &[("change", &id), ("code", &code)]).await;
        assert!(done.text.contains("手机号码修改或添加成功"), "{}", done.text);
        assert_eq!(phones(&app, &account).await, [(NEW.to_owned(), true)]);
    });
}

/// Covers PC-09, PC-10: five at most; whoever has proved nothing for a quarter of an hour is asked before
/// the default changes or a number goes.
#[test]
fn five_are_all_and_a_default_wants_a_proof() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_person(&app, WANG).await;
        let account = owner(&app, WANG).await.unwrap();
        for at in 0..4 {
            bind(&app, &account, &format!("1390000000{at}"), false).await;
        }
        let page = get(&mut wang, PATH).await;
        assert!(!page.text.contains("id=\"phone-add\"") && page.text.contains("最多绑定 5 个"));
        let full = act(&app, &mut wang, "begin", &[("phone", "")]).await;
        assert_eq!(full.code(), Some("E_STATE"));
        // One in place of another is no sixth.
        let one = handle(&page, "139****0002");
        let id = proved(&app, &mut wang, &one, WANG).await;
        act(&app, &mut wang, "send-new", &[("change", &id), ("to", NEW)]).await;
        let code = code_to(&app, NEW);
        act(&app, &mut wang, "verify-new", &[("change", &id), ("code", &code)]).await;
        let all: Vec<String> =
            phones(&app, &account).await.into_iter().map(|(phone, _)| phone).collect();
        assert_eq!(all.len(), 5);
        assert!(all.contains(&NEW.to_owned()) && !all.contains(&"13900000002".to_owned()));
        app.clock.advance(901);
        for name in ["default", "remove"] {
            let page = get(&mut wang, PATH).await;
            let one = handle(&page, "137****1234");
            let asked = act(&app, &mut wang, name, &[("phone", &one)]).await;
            assert!(asked.url.contains("/login/second_factor"), "{name}: {}", asked.url);
        }
        assert_eq!(phones(&app, &account).await[0], (WANG.to_owned(), true));
        assert!(Phone::parse(NEW).is_ok());
    });
}

/// The same change goes on after a fault of ours, and ends once in two tabs.
#[test]
fn a_fault_of_ours_costs_no_change() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_person(&app, WANG).await;
        let account = owner(&app, WANG).await.unwrap();
        let id = proved(&app, &mut wang, "", WANG).await;
        act(&app, &mut wang, "send-new", &[("change", &id), ("to", NEW)]).await;
        let code = code_to(&app, NEW);
        let at = [("change", id.as_str()), ("code", code.as_str())];
        app.sql("ALTER TABLE notice RENAME TO notice_elsewhere").await;
        let failed = act(&app, &mut wang, "verify-new", &at).await;
        assert_eq!(failed.status.as_u16(), 500, "{}", failed.text);
        app.sql("ALTER TABLE notice_elsewhere RENAME TO notice").await;
        let (mut one, mut two) = (wang.clone(), wang.clone());
        let (first, second) = tokio::join!(
            act(&app, &mut one, "verify-new", &at),
            act(&app, &mut two, "verify-new", &at)
        );
        let codes = [first.code(), second.code()];
        assert!(codes.contains(&None) && codes.contains(&Some("E_STATE")), "{codes:?}");
        let both = [(WANG.to_owned(), true), (NEW.to_owned(), false)];
        assert_eq!(phones(&app, &account).await, both);
    });
}

/// A number that nobody may give any more stays its person's: they are found by it, sign in by it, and put
/// another in its place.
#[test]
fn a_number_of_before_is_found_and_replaced() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let account = owner(&app, WANG).await.unwrap();
        let of_before = PhoneBinding {
            account: account.id,
            phone: Phone::kept("+8614012345678").unwrap(),
            is_default: false,
            verified_at: app.ctx.now(),
        };
        let tx = app.ctx.begin().await.unwrap();
        people::bind_phone(&app.ctx, &tx, &of_before).await.unwrap();
        tx.commit().await.unwrap();
        let found = help::people(&app.ctx, "140 1234 5678").await.unwrap();
        assert_eq!(found, [account.person]);
        let (_, page) = sign_in(&app, "203.0.113.9", "14012345678", PASSWORD).await;
        assert!(page.url.contains("/login/second_factor"), "{}", page.text);
        app.clock.advance(61);
        let mut wang = as_person(&app, WANG).await;
        let page = get(&mut wang, PATH).await;
        let id = proved(&app, &mut wang, &handle(&page, "140****5678"), WANG).await;
        let to = [("change", id.as_str()), ("to", "14012345679")];
        let refused = act(&app, &mut wang, "send-new", &to).await;
        assert_eq!(refused.code(), Some("E_FORMAT"), "nobody may give it: {}", refused.text);
        act(&app, &mut wang, "send-new", &[("change", &id), ("to", NEW)]).await;
        let code = code_to(&app, NEW);
        act(&app, &mut wang, "verify-new", &[("change", &id), ("code", &code)]).await;
        let all = phones(&app, &account).await;
        assert_eq!(all, [(WANG.to_owned(), true), (NEW.to_owned(), false)]);
    });
}
