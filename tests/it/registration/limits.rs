//! What may be done how often, and that none of it is a weapon against somebody else.

use hufu::base::secret::Hashed;
use hufu::domain::login::Then;
use hufu::domain::registration::Way;
use hufu::ephemeral::Share;
use hufu::flows::self_help::progress::Begun;
use hufu::flows::self_help::register;
use hufu::flows::{Ctx, Stop};
use hufu::outbound::asked::FaceState;

use super::*;
use crate::kit::{FILING, Setup, authorize_url, changed_realm, on_each_database};

/// Covers R-08: five faces a day for one number, wherever it begins anew; a provider that is away costs none.
#[test]
fn five_faces_a_day() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (mut browser, mut page) = at_face(&app, FANG).await;
        app.ctx.services.outbound.sandbox.set_down(true);
        let away = show_face(&app, &page, FaceState::Passed).await;
        assert_eq!(away.code(), Some("E_FACE_UNAVAILABLE"), "{}", away.text);
        app.ctx.services.outbound.sandbox.set_down(false);
        app.clock.advance(200);
        let t = page.hidden()["t"].clone();
        page = browser.get(&url(&format!("/verify?t={t}"))).await;
        for at in 0..5 {
            let told = show_face(&app, &page, FaceState::Failed).await;
            assert_eq!(told.code(), Some("E_STEPUP_FAILED"), "{at}");
            page = go_on(&mut browser, &page).await;
            assert_eq!(page.code(), Some("E_STEPUP_FAILED"), "{at}: {}", page.text);
            assert!(page.text.contains("data-scan"), "it may be tried again");
        }
        let told = show_face(&app, &page, FaceState::Passed).await;
        assert_eq!(told.code(), Some("E_OTP_RATE"), "{}", told.text);
        let (_, page) = at_face(&app, Registrant { contact: "13966669666", ..FANG }).await;
        let told = show_face(&app, &page, FaceState::Passed).await;
        assert_eq!(told.code(), Some("E_OTP_RATE"), "{}", told.text);
        assert!(person(&app, FANG).await.is_none());
        app.clock.advance(86_401);
        registered(&app, FANG).await;
    });
}

/// Whoever begins registrations without end fills nothing: three hundred an hour from one address, more than
/// a hall registers; elsewhere nobody notices.
#[test]
fn an_address_begins_three_hundred_an_hour() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let ticked: Vec<(String, String)> = register::first_agreements(&app.ctx)
            .map(|one| (one.id.clone(), one.version.clone()))
            .collect();
        let begin = async |ctx: &Ctx| {
            let begun = Begun::new(ctx, "a browser");
            let way = Way::chosen("domestic");
            let begun = register::begin(ctx, &begun, way, Then::Nowhere, &ticked).await;
            Stop::refusal(begun).unwrap().map_err(|refusal| refusal.code()).err()
        };
        for n in 0..300 {
            assert_eq!(begin(&app.ctx).await, None, "{n}");
        }
        let kept = app.ctx.services.ephemeral.size(Share::Anybody);
        for _ in 0..20 {
            assert_eq!(begin(&app.ctx).await, Some("E_OTP_RATE"));
        }
        assert_eq!(app.ctx.services.ephemeral.size(Share::Anybody), kept);
        let mut browser = app.browser();
        let page = agreed(&mut browser, "domestic").await;
        assert_eq!((page.status.as_u16(), page.code()), (429, Some("E_OTP_RATE")));
        // Nothing else at this address is full: a sign-in still has its code to scan.
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        assert!(page.text.contains("class=\"qr\""), "{}", page.text);
        let elsewhere = Ctx { ip: "203.0.113.9".parse().unwrap(), ..app.ctx.clone() };
        assert_eq!(begin(&elsewhere).await, None);
        app.clock.advance(3601);
        assert_eq!(begin(&app.ctx).await, None);
    });
}

/// Strangers who register with somebody's phone leave enough codes to sign in by.
#[test]
fn registrations_do_not_use_up_a_phone() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for at in 0..5 {
            let (mut browser, page) = named(&app, FANG).await;
            let page = send(&mut browser, &page, "13800138000").await;
            let refused = (at >= 2).then_some("E_OTP_RATE");
            assert_eq!(page.code(), refused, "{at}: {}", page.text);
            assert!(page.status.as_u16() != 429 || page.header("retry-after").is_some());
            app.clock.advance(61);
        }
        let wang = Registrant {
            name: "王小明",
            number: "360102199003071236",
            contact: "13800138000",
            ..XU
        };
        let arrived = signs_in(&app, wang, crate::kit::PASSWORD).await;
        assert!(arrived.url.ends_with("/signed-in"), "{} {}", arrived.url, arrived.text);
    });
}

/// Wrong codes are counted for a phone and the place that they are typed at, whichever registration they
/// belong to; for another phone the place is as open as before.
#[test]
fn wrong_codes_lock_a_place_for_a_phone() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for (n_wrong, right_is) in [(4, None), (1, Some("E_OTP_RATE"))] {
            let (mut browser, page) = named(&app, FANG).await;
            let page = send(&mut browser, &page, FANG.contact).await;
            let right = sent(&app, FANG.contact);
            let wrong = if right == "000000" { "000001" } else { "000000" };
            for n in 0..n_wrong {
                let refused = browser.submit(&page, &[("act", "verify"), ("code", wrong)]).await;
                assert_eq!(refused.code(), Some("E_OTP"), "{n}: {}", refused.text);
            }
            if right_is.is_some() {
                let locked = browser.submit(&page, &[("act", "verify"), ("code", &right)]).await;
                assert_eq!((locked.status.as_u16(), locked.code()), (429, right_is));
                assert!(locked.text.contains("id=\"code\""), "where it was typed: {}", locked.text);
                assert!(locked.header("retry-after").is_some());
            }
            app.clock.advance(61);
        }
        let (_, page) = reached(&app, Registrant { contact: "13966669666", ..FANG }).await;
        assert!(page.text.contains("第 4 步"), "{} {}", page.url, page.text);
    });
}

/// Whoever types wrong codes for one phone after the other locks nobody out who registers behind the same
/// address.
#[test]
fn wrong_codes_for_many_phones_lock_no_place() {
    on_each_database(|on| async move {
        let few = "max_failures = 5\nmax_failures_per_address = 2";
        let realm = changed_realm(&[("realm.toml", "max_failures = 5", few)]);
        let app = Setup::of(on, vec![realm]).start().await;
        for phone in ["13922239223", "13922239224", "13922239225"] {
            let (mut browser, page) = named(&app, FANG).await;
            let page = send(&mut browser, &page, phone).await;
            let right = sent(&app, phone);
            let wrong = if right == "000000" { "000001" } else { "000000" };
            let refused = browser.submit(&page, &[("act", "verify"), ("code", wrong)]).await;
            assert_eq!(refused.code(), Some("E_OTP"), "{phone}: {}", refused.text);
        }
        let (_, page) = reached(&app, FANG).await;
        assert!(page.text.contains("第 4 步"), "{} {}", page.url, page.text);
    });
}

/// Covers R-06: a phone is no key to a list of numbers.
#[test]
fn a_phone_asks_about_five_people_a_day() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let wrong = Registrant { name: "李芬", number: "360121198802290026", ..FANG };
        let (mut browser, mut page) = reached(&app, wrong).await;
        for name_typed in ["李芯", "李芝", "李芹", "李苗"] {
            assert_eq!(page.code(), Some("E_REAL_NAME"), "{name_typed}");
            page = name(&mut browser, &page, Registrant { name: name_typed, ..wrong }).await;
        }
        assert_eq!(page.code(), Some("E_REAL_NAME"));
        let page = name(&mut browser, &page, Registrant { name: "李芳", ..wrong }).await;
        assert_eq!((page.status.as_u16(), page.code()), (429, Some("E_OTP_RATE")));
        // Whatever the sixth would have been told, and from another browser, too.
        app.clock.advance(61);
        let (_, page) = reached(&app, FANG).await;
        assert_eq!(page.code(), Some("E_OTP_RATE"), "{}", page.text);
    });
}

/// Nor are mail addresses that somebody makes up: questions are counted by the mailbox, by what their domain's
/// owner has registered at this place, too, and by the place, more generously than a hall registers. Whoever has
/// their mail there elsewhere is not refused.
#[test]
fn made_up_addresses_ask_no_list_of_people() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let domain = Hashed::of("example.com").to_text();
        let elsewhere = (format!("register-asked-domain/{domain}/203.0.113.9"), 1000);
        let domain = (format!("register-asked-domain/{domain}/127.0.0.1"), 1000);
        let mailbox = Hashed::of("berta@example.net").to_text();
        let mailbox = (format!("register-asked/{mailbox}"), 5);
        let place = ("register-asked-at/127.0.0.1".to_owned(), 2000);
        let nothing = (String::new(), 0);
        for ((counter, more), contact, refused) in [
            (nothing.clone(), "anna@a.example.com", None),
            (elsewhere, "anna@c.example.com", None),
            (domain, "anna@b.example.com", Some("E_OTP_RATE")),
            (mailbox, "berta+tax@example.net", Some("E_OTP_RATE")),
            (nothing, "anna@example.net", None),
            (place, "anna@example.org", Some("E_OTP_RATE")),
        ] {
            for _ in 0..more {
                app.ctx.ephemeral().count(&counter, 86_400).await.unwrap();
            }
            let (_, page) = reached(&app, Registrant { contact, ..ANNA }).await;
            let code = page.code().filter(|code| *code == "E_OTP_RATE");
            assert_eq!(code, refused, "{contact}: {}", page.text);
            app.clock.advance(61);
        }
    });
}
