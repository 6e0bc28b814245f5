//! On whose word a code goes out: what strangers cause takes nothing of what the holder signs in by.

use hufu::domain::factor::Factor;
use hufu::domain::notice::NoticeKind;
use hufu::domain::number::phone::Phone;
use hufu::domain::place::Place;
use hufu::domain::proof::Question;
use hufu::domain::refusal::Refusal;
use hufu::flows::notify::person::tell_person;
use hufu::flows::sign_in::factor::code::{self, Cause, Destination};
use hufu::flows::{Ctx, Stop};

use crate::account::{LI, WANG, as_person, phones, post};
use crate::kit::browser::Shown;
use crate::kit::{
    Browser, EXAMPLE, FILING, PASSWORD, Setup, TestApp, authorize_url, changed_realm,
    on_each_database,
};
use crate::recovery::{
    CHEN_ID, WANG_ID, account_of, ask, begin_as, holder_of, lost_phone, sent, until_sent,
};
use crate::registration::{FANG, named, send};

const RATE: Option<&str> = Some("E_OTP_RATE");

/// Somebody registers with this phone.
async fn registers(app: &TestApp, phone: &str) -> Option<String> {
    let (mut browser, page) = named(app, FANG).await;
    send(&mut browser, &page, phone).await.code().map(str::to_owned)
}

/// 陈静 says, with her own number and password, that this phone is hers.
async fn loses_a_phone(app: &TestApp, phone: &str) -> Option<String> {
    let mut browser = app.browser();
    let kind = ("resident_id_card", CHEN_ID);
    let page = lost_phone::typed(&mut browser, kind, PASSWORD, phone).await;
    page.code().map(str::to_owned)
}

/// The second factor's page of somebody whose password was right.
async fn at_factor(app: &TestApp, phone: &str) -> (Browser, Shown) {
    let mut browser = app.browser();
    let page = browser.get(&authorize_url(&FILING, &[])).await;
    let page = browser.type_credentials(&page, (EXAMPLE, phone, PASSWORD)).await;
    (browser, page)
}

/// What codes come to that the holder asks for, a minute between two.
async fn own(app: &TestApp, phone: &str, n: usize) -> Vec<Option<String>> {
    let (mut browser, page) = at_factor(app, phone).await;
    let mut found = Vec::new();
    for at in 0..n {
        app.clock.advance(if at == 0 { 0 } else { 61 });
        let shown = browser.submit(&page, &[("act", "send")]).await;
        found.push(shown.code().map(str::to_owned));
    }
    found
}

/// On whatever words, a phone gets two fifths of its hour and of its day; whoever uses that up by one way
/// closes it to none of the others, and its holder has all of both and waits for nobody's pause.
#[test]
fn strangers_spend_no_code_of_the_holders() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_person(&app, LI).await;
        let id = phones::proved(&app, &mut li, "", LI).await;
        for expected in [None, None, RATE] {
            assert_eq!(registers(&app, WANG).await.as_deref(), expected);
            app.clock.advance(61);
        }
        // A forgotten password, a lost phone and a new one, all in the same minute.
        let mut owner = app.browser_at("203.0.113.5");
        let page = begin_as(&mut owner, WANG_ID).await;
        ask(&mut owner, &page, WANG).await;
        until_sent(&app, WANG, 3).await;
        assert_eq!(loses_a_phone(&app, WANG).await, None);
        let to = [("change", id.as_str()), ("to", WANG)];
        let shown = phones::act(&app, &mut li, "send-new", &to).await;
        assert_eq!(shown.code(), None, "{}", shown.text);
        assert_eq!(sent(&app, WANG), 5);
        let mut five: Vec<Option<String>> = vec![None; 5];
        five.push(RATE.map(str::to_owned));
        assert_eq!(own(&app, WANG, 6).await, five);
        // The fourth of the day is the last.
        app.clock.advance(3601);
        assert_eq!(registers(&app, WANG).await, None);
        app.clock.advance(61);
        assert_eq!(registers(&app, WANG).await, None);
        app.clock.advance(3601);
        assert_eq!(registers(&app, WANG).await.as_deref(), RATE);
        assert_eq!(loses_a_phone(&app, WANG).await, None);
        assert_eq!(own(&app, WANG, 1).await, [None::<String>]);
    });
}

/// The same of an e-mail address that somebody else says is theirs.
#[test]
fn strangers_spend_no_mail_of_the_holders() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_person(&app, WANG).await;
        let miller = account_of(&app, "jmiller").await;
        let question = Question {
            transaction: "x".to_owned(),
            turn: 0,
            person: miller.person,
            account: miller.id,
            factor: Factor::Email,
        };
        let to = [("act", "send"), ("to", "john.miller@example.com")];
        for expected in [None, None, RATE] {
            let shown = post(&app, &mut wang, "/account/maintain", &to).await;
            assert_eq!(shown.code(), expected, "{}", shown.text);
            if expected.is_none() {
                app.clock.advance(61);
            }
        }
        for n in 0..6 {
            let done = code::send(&app.ctx, &question).await;
            let is_refused = matches!(done, Err(Stop::Refused(Refusal::OtpRate { .. })));
            assert_eq!(is_refused, n == 5, "{n}: {done:?}");
            app.clock.advance(61);
        }
    });
}

/// Strangers have a quarter of the realm's minute and day; when it is over, whoever knows a password gets
/// a code all the same.
#[test]
fn strangers_spend_a_quarter_of_the_realm() {
    on_each_database(|on| async move {
        let few = "per_minute = 4\nper_day = 8";
        let realm = changed_realm(&[("factors.toml", "per_minute = 6000", few)]);
        let app = Setup::of(on, vec![realm]).start().await;
        let mut pages = Vec::new();
        for phone in [WANG, LI, "13600136000", "13500135000"] {
            pages.push(at_factor(&app, phone).await);
        }
        for (phone, expected) in
            [("13922239222", None), ("13922239223", RATE), ("13922239224", RATE)]
        {
            assert_eq!(registers(&app, phone).await.as_deref(), expected, "{phone}");
        }
        for (browser, page) in &mut pages {
            let shown = browser.submit(page, &[("act", "send")]).await;
            assert_eq!(shown.code(), None, "{}", shown.text);
        }
        // The second of the day, and no third.
        app.clock.advance(61);
        assert_eq!(registers(&app, "13922239225").await, None);
        app.clock.advance(61);
        assert_eq!(registers(&app, "13922239226").await.as_deref(), RATE);
        let (browser, page) = &mut pages[0];
        assert_eq!(browser.submit(page, &[("act", "send")]).await.code(), None);
    });
}

/// What is told of strangers' wrong codes has a quarter of its own, and takes no code of whoever registers.
#[test]
fn notices_spend_no_code_of_those_who_register() {
    on_each_database(|on| async move {
        let few = "per_minute = 4\nper_day = 8";
        let realm = changed_realm(&[("factors.toml", "per_minute = 6000", few)]);
        let app = Setup::of(on, vec![realm]).start().await;
        for phone in [WANG, LI] {
            let person = holder_of(&app, phone).await.unwrap().person;
            let tx = app.ctx.begin().await.unwrap();
            let kind = NoticeKind::RecoveryFailed;
            tell_person(&app.ctx, &tx, person, kind, None).await.unwrap();
            tx.commit().await.unwrap();
        }
        app.deliver().await;
        let messages = app.ctx.services.outbound.inbox.messages();
        let texts =
            messages.iter().filter(|one| one.code == "recovery-failed" && one.to.starts_with('+'));
        assert_eq!(texts.count(), 1, "a quarter of the minute");
        assert_eq!(registers(&app, "13922239223").await, None);
    });
}

/// A subscriber of IPv6 has thousands of /64: what strangers cause there counts for the /56, too, and whoever
/// is refused for it takes no code of the phone's, and makes nobody wait who asks for one elsewhere.
#[test]
fn codes_count_for_what_is_around_a_place() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let site = Place::of("2001:db8:7::1".parse().unwrap()).around().unwrap();
        let most = site.tries(app.ctx.realm.sms.limits.per_address_and_hour);
        for _ in 0..most {
            app.ctx.ephemeral().count(&format!("sms-address/{site}"), 3600).await.unwrap();
        }
        let to = Destination::Phone(Phone::parse("13712341234").unwrap());
        for (from, is_refused) in
            [("2001:db8:7:1::1", true), ("2001:db8:7:2::1", true), ("2001:db8:8:1::1", false)]
        {
            let ctx = Ctx { ip: from.parse().unwrap(), ..app.ctx.clone() };
            let sent = Stop::refusal(code::send_to(&ctx, Cause::Stranger(None), &to).await);
            let refused = sent.unwrap().err();
            let is_of_rate = matches!(refused, Some(Refusal::OtpRate { .. }));
            assert_eq!(is_of_rate, is_refused, "{from} {refused:?}");
        }
    });
}
