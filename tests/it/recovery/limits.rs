//! What strangers can do to somebody by this way: next to nothing. They are refused by what they
//! multiply themselves; the person's sign-in stays open and their phone quiet.

use hufu::domain::notice::NoticeKind;
use hufu::domain::number::document::DocumentType;
use hufu::domain::place::Place;
use hufu::ephemeral::Share;
use hufu::flows::self_help::document::{Document, count_start};
use hufu::flows::{Ctx, Stop};
use hufu::outbound::asked::FaceState;

use super::{
    NOBODY_ID, WANG, WANG_ID, answer, ask, begin, begin_as, by, logged, look, proved, sent,
    settled, sign_in, told, until_sent,
};
use crate::kit::{PASSWORD, TestApp, on_each_database};
use crate::login::scan::{go_on, id, number, scan};

/// Covers F-07: five starts an hour for one number from one place, whoever has it.
#[test]
fn starts_are_counted_for_number_and_place() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for document in [WANG_ID, NOBODY_ID] {
            for n in 0..7 {
                let mut browser = app.browser_at("203.0.113.5");
                let page = begin(&mut browser, "resident_id_card", document).await;
                let expected = (n >= 5).then_some("E_OTP_RATE");
                assert_eq!(page.code(), expected, "{document} {n}");
                assert_eq!(page.status.as_u16(), if n >= 5 { 429 } else { 200 });
                assert_eq!(page.header("retry-after").is_some(), n >= 5);
            }
            // Elsewhere the same number is nobody's concern.
            let mut owner = app.browser_at("198.51.100.7");
            begin_as(&mut owner, document).await;
        }
        app.clock.advance(3601);
        let mut browser = app.browser_at("203.0.113.5");
        begin_as(&mut browser, WANG_ID).await;
    });
}

/// Five wrong codes and the code is void; the number is locked here with the same doubling as
/// elsewhere, the third is told, each stands in the log. Neither the person's sign-in nor their own
/// place is touched. Covers E-11, E-24.
#[test]
fn wrong_codes_are_counted_and_lock_nobody_out() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser_at("203.0.113.5");
        let page = begin_as(&mut browser, WANG_ID).await;
        let page = ask(&mut browser, &page, WANG).await;
        until_sent(&app, WANG, 1).await;
        for n in 1..=5 {
            let refused = answer(&mut browser, &page, "000000").await;
            assert_eq!(refused.code(), Some("E_OTP"), "{n}");
            settled().await;
            assert_eq!(told(&app, "wangxm", NoticeKind::RecoveryFailed).await, usize::from(n >= 3));
        }
        // The right one comes too late, and says no more than that.
        assert_eq!(answer(&mut browser, &page, &app.sms(WANG)).await.code(), Some("E_OTP_EXPIRED"));
        for malformed in ["", "12345", "abcdef"] {
            let refused = answer(&mut browser, &page, malformed).await;
            assert_eq!(refused.code(), Some("E_FORMAT"), "no guess: {malformed}");
        }
        app.clock.advance(61);
        let again = ask(&mut browser, &page, WANG).await;
        assert_eq!(again.code(), None, "{}", again.text);
        let locked = answer(&mut browser, &again, "000000").await;
        assert_eq!((locked.code(), locked.status.as_u16()), (Some("E_OTP_RATE"), 429));
        settled().await;
        let wrong = vec!["E_OTP"; 5];
        assert_eq!(logged(&app, "wangxm", "forgot_password").await, wrong);
        // The way by a face stays open, and so does the sign-in, from anywhere.
        let scan = by(&mut browser, &again, "tax_app").await;
        assert!(scan.text.contains("class=\"qr\""), "{}", scan.text);
        app.clock.advance(61);
        let (mut own, page) = sign_in(&app, "203.0.113.5", WANG, PASSWORD).await;
        let page = own.pass_second_factor(&app, &page, WANG).await;
        assert!(page.text.contains("name=\"identity\""), "{}", page.text);
        // So does recovering the password from another place.
        let mut owner = app.browser_at("198.51.100.7");
        let page = begin_as(&mut owner, WANG_ID).await;
        let page = ask(&mut owner, &page, WANG).await;
        assert_eq!(answer(&mut owner, &page, "000000").await.code(), Some("E_OTP"));
    });
}

/// Strangers guess from many places, at codes that were never sent and at those to the person's own phone: who
/// has the code is shut out nowhere else, and the person is told, however few are typed at each place.
#[test]
fn guesses_at_other_phones_shut_nobody_out() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for (place, phone) in ["13900139000", WANG].repeat(10).into_iter().enumerate() {
            let mut browser = app.browser_at(&format!("203.0.113.{place}"));
            let page = begin_as(&mut browser, WANG_ID).await;
            let page = ask(&mut browser, &page, phone).await;
            for n in 0..5 {
                // The first are typed at places of their own.
                if place < 3 && n > 0 {
                    break;
                }
                let refused = answer(&mut browser, &page, "000000").await;
                assert_eq!(refused.code(), Some("E_OTP"), "{place} {n}");
            }
            settled().await;
            let n_told = told(&app, "wangxm", NoticeKind::RecoveryFailed).await;
            assert_eq!(n_told, usize::from(place >= 2), "{place}");
        }
        app.clock.advance(61);
        let mut owner = app.browser_at("198.51.100.7");
        let page = proved(&app, &mut owner).await;
        assert!(page.url.contains("/forgot-password/new?t="), "{} {}", page.url, page.text);
    });
}

/// Faces that do not pass: strangers from everywhere use up what a number has in all, and whoever comes from
/// another place still has a try, and as many as they like that pass.
#[test]
fn faces_that_do_not_pass_close_no_other_place() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for place in 0..4 {
            let mut browser = app.browser_at(&format!("203.0.113.{place}"));
            let mut page = begin_as(&mut browser, WANG_ID).await;
            for n in 0..5 {
                page = by(&mut browser, &page, "tax_app").await;
                let failed = look(&app, &page, FaceState::Failed).await;
                assert_eq!(failed.code(), Some("E_STEPUP_FAILED"), "{place} {n}");
                let t = page.hidden()["t"].clone();
                go_on(&mut browser, &page).await;
                page.url = format!("/realms/jiangxi/forgot-password/prove?t={t}");
            }
        }
        for n in 0..3 {
            let mut owner = app.browser_at("198.51.100.7");
            let page = begin_as(&mut owner, WANG_ID).await;
            let page = by(&mut owner, &page, "tax_app").await;
            look(&app, &page, FaceState::Passed).await;
            let next = go_on(&mut owner, &page).await;
            assert!(next.url.contains("/forgot-password/new"), "{n}: {} {}", next.url, next.text);
        }
    });
}

/// Made-up numbers leave nothing behind once their address has begun as often as it may: of many starts one
/// counter refuses before another is made.
#[test]
fn refused_starts_leave_nothing_behind() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let start = async |ctx: &Ctx, n: usize| {
            let kind = DocumentType::ResidentIdCard;
            let document = Document { kind, number: format!("made-up-{n}") };
            let counted = count_start(ctx, "forgot_password", &document).await;
            Stop::refusal(counted).unwrap().is_ok()
        };
        for n in 0..1000 {
            assert!(start(&app.ctx, n).await, "a hall: {n}");
        }
        let kept = app.ctx.services.ephemeral.size(Share::Tries);
        for n in 1000..1200 {
            assert!(!start(&app.ctx, n).await, "{n}");
        }
        assert_eq!(app.ctx.services.ephemeral.size(Share::Tries), kept);
        let elsewhere = Ctx { ip: "203.0.113.9".parse().unwrap(), ..app.ctx.clone() };
        assert!(start(&elsewhere, 0).await);
        app.clock.advance(3601);
        assert!(start(&app.ctx, 0).await);
    });
}

/// A phone that a stranger names gets two codes an hour at most on strangers' words; none of them is one
/// of the person's own five, by which they can still sign in. A phone that is not the person's gets none.
#[test]
fn no_phone_is_flooded() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for n in 0..8 {
            let mut browser = app.browser_at(&format!("203.0.113.{n}"));
            let page = begin_as(&mut browser, WANG_ID).await;
            let page = ask(&mut browser, &page, WANG).await;
            assert!(page.text.contains("id=\"asked\""), "{}", page.text);
            let at_once = ask(&mut browser, &page, WANG).await;
            assert_eq!(at_once.code(), Some("E_OTP_RATE"), "a pause between two");
            until_sent(&app, WANG, 2.min(n + 1)).await;
            app.clock.advance(61);
        }
        assert_eq!(sent(&app, WANG), 2);
        let (mut own, page) = sign_in(&app, "198.51.100.7", WANG, PASSWORD).await;
        let page = own.pass_second_factor(&app, &page, WANG).await;
        assert!(page.text.contains("name=\"identity\""), "{}", page.text);

        let strangers = "13900139000";
        let mut browser = app.browser_at("203.0.113.77");
        let page = begin_as(&mut browser, WANG_ID).await;
        let page = ask(&mut browser, &page, strangers).await;
        assert!(page.text.contains("id=\"asked\""), "the same word: {}", page.text);
        settled().await;
        assert_eq!(sent(&app, strangers), 0);
    });
}

/// Face checks that did not pass count for what is around a place as well, for one document and for all of
/// them, and there is an end to those from everywhere together: places are to be had by the thousand.
#[test]
fn faces_from_many_places_come_to_an_end() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let document = Document { kind: DocumentType::ResidentIdCard, number: WANG_ID.to_owned() };
        let in_all = format!("face-claim/{}", document.counted_as(&app.ctx));
        let site = Place::of("2001:db8:7::1".parse().unwrap()).around().unwrap();
        let cases = [
            (format!("{in_all}/{site}"), 40, "2001:db8:7:9::1", true),
            // Of all documents.
            ("face-claims/203.0.113.77".to_owned(), 1000, "203.0.113.77", true),
            (in_all.clone(), 0, "2001:db8:8:9::1", false),
            (in_all.clone(), 198, "198.51.100.7", false),
            (in_all, 1, "198.51.100.8", true),
        ];
        for (counter, more, from, is_refused) in cases {
            for _ in 0..more {
                app.ctx.ephemeral().count(&counter, 86_400).await.unwrap();
            }
            let mut browser = app.browser_at(from);
            let page = begin_as(&mut browser, WANG_ID).await;
            let page = by(&mut browser, &page, "tax_app").await;
            let mut phone = app.browser();
            let asked = scan(&mut phone, &format!("/realms/jiangxi/q/{}", id(&page))).await;
            let chosen = number(&app.ctx, &page).await;
            let fields = [("act", "confirm"), ("number", chosen.as_str()), ("agree", "yes")];
            let left = phone.submit(&asked, &fields).await;
            assert_eq!(left.left_to.is_none(), is_refused, "{from}: {}", left.text);
            assert_eq!(left.code(), is_refused.then_some("E_OTP_RATE"), "{from}");
        }
    });
}

/// Whoever makes up one phone after the other fills nobody's message centre: the person is told once a day.
#[test]
fn made_up_phones_tell_the_person_once() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for n in 0..3 {
            let mut browser = app.browser_at(&format!("203.0.113.{n}"));
            let page = begin_as(&mut browser, WANG_ID).await;
            let page = ask(&mut browser, &page, &format!("1390013900{n}")).await;
            for _ in 0..3 {
                assert_eq!(answer(&mut browser, &page, "000000").await.code(), Some("E_OTP"));
            }
            settled().await;
            app.clock.advance(61);
        }
        assert_eq!(told(&app, "wangxm", NoticeKind::RecoveryFailed).await, 1);
    });
}

/// Wrong codes for numbers that nobody has leave nothing behind for the day in which a person's own are told.
#[test]
fn wrong_codes_for_nobody_are_forgotten() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let tries = || {
            let kept = &app.ctx.services.ephemeral;
            kept.sweep();
            kept.size(Share::Tries)
        };
        let before = tries();
        for document in [NOBODY_ID, WANG_ID] {
            let mut browser = app.browser_at("203.0.113.5");
            let page = begin_as(&mut browser, document).await;
            let page = ask(&mut browser, &page, "13900139000").await;
            assert_eq!(answer(&mut browser, &page, "000000").await.code(), Some("E_OTP"));
            settled().await;
            app.clock.advance(4 * 3600);
            // Redis does not say.
            let is_forgotten = document == NOBODY_ID || before.is_none();
            assert_eq!(tries() == before, is_forgotten, "{document}");
        }
    });
}
