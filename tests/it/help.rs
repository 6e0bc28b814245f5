//! Help by the bureau for people who cannot help themselves: who is found and what of them is seen, what
//! each act ends and leaves, and that nothing happens without who and why.

use hufu::base::id::{AccountId, PersonId};
use hufu::domain::help::{Helper, Removable};
use hufu::domain::notice::NoticeKind;
use hufu::domain::refusal::Refusal;
use hufu::flows::Stop;
use hufu::flows::help;

use crate::account::{as_person, as_wang, get};
use crate::kit::{
    FILING, PASSWORD, Setup, TestApp, authorize_url, changed_realm, on_each_database,
    on_one_database,
};
use crate::login::authenticator::enrol_at;
use crate::recovery::{NEW, WANG, WANG_ID, account_of, logged, set, sign_in, told};

fn helper() -> Helper {
    Helper::new("officer/zhang", "asked at the counter, ticket 17").unwrap()
}

fn refused<T>(outcome: Result<T, Stop>) -> Refusal {
    match outcome {
        Err(Stop::Refused(refusal)) => refusal,
        _ => panic!("it was not refused"),
    }
}

/// What the audit has of help, as (act, by, reason).
async fn helped(app: &TestApp) -> Vec<(String, String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let audit = app.audit().await;
    let given = audit.iter().filter(|event| event["action"] == "help_given");
    given.map(|one| (text(&one["act"]), text(&one["by"]), text(&one["reason"]))).collect()
}

/// Covers X-19: who and why are one line each, and there is none without.
#[test]
fn nobody_helps_without_saying_who_and_why() {
    let long = "x".repeat(201);
    for (name, reason, wrong) in [
        ("", "asked by phone", vec!["by"]),
        ("  ", "x", vec!["by", "reason"]),
        ("zhang", "", vec!["reason"]),
        ("zhang", " a ", vec!["reason"]),
        ("zhang", "two\nlines", vec!["reason"]),
        ("zh\u{7}ng", "asked by phone", vec!["by"]),
        ("zhang", &long, vec!["reason"]),
    ] {
        assert_eq!(Helper::new(name, reason), Err(Refusal::Format { fields: wrong }), "{reason}");
    }
    let taken = Helper::new(" zhang ", " 本人申请 ").unwrap();
    assert_eq!((taken.name(), taken.reason()), ("zhang", "本人申请"));
}

/// Covers, DEC-3: by every name a person has, masked as another's, each look in the audit, also
/// one that finds nobody; the person sees that somebody looked, not who and why.
#[test]
fn somebody_is_found_and_seen_masked() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let account = account_of(&app, "wangxm").await;
        let ids = [account.id.to_string(), account.person.to_string()];
        for name in [WANG_ID, WANG, "+8613800138000", "wangxm", "WangXM", &ids[0], &ids[1]] {
            let found = help::find(&app.ctx, &helper(), name).await.unwrap();
            let [one] = &found[..] else { panic!("{name} leads to {}", found.len()) };
            assert_eq!((one.person, one.name.as_str()), (account.person, "王*明"), "{name}");
        }
        let one = help::look(&app.ctx, &helper(), account.person).await.unwrap();
        assert_eq!(one.documents[0].number, "3****************6");
        let profile = one.account.unwrap();
        assert_eq!(profile.phones, ["138******00"]);
        assert_eq!(profile.username.as_deref(), Some("w****m"));
        assert!(profile.sessions.is_empty() && !profile.has_initial_password);
        for nobody in ["13800138999", "nobody", "360102199003071252"] {
            assert!(help::find(&app.ctx, &helper(), nobody).await.unwrap().is_empty());
        }
        for wrong in ["", "王小明", "1", &"1".repeat(65)] {
            let format = Refusal::format("person");
            assert_eq!(refused(help::find(&app.ctx, &helper(), wrong).await), format, "{wrong}");
        }
        let nobody = PersonId(uuid::Uuid::nil());
        assert_eq!(refused(help::look(&app.ctx, &helper(), nobody).await), Refusal::State);
        let looks = helped(&app).await;
        assert_eq!(looks.len(), 7 + 1 + 3, "{looks:?}");
        assert!(looks.iter().all(|(act, by, _)| act == "look" && by == "officer/zhang"));

        let mut wang = as_person(&app, WANG).await;
        let page = get(&mut wang, "/account/security").await;
        assert!(page.text.contains("税务机关查看或处理了您的账号"), "{}", page.text);
        for hidden in ["zhang", "ticket 17"] {
            assert!(!page.text.contains(hidden), "{hidden}");
        }
    });
}

/// Covers E-08, E-24: a locked account is out everywhere at once, nobody hears of it before the second
/// factor, and unlocking also ends what guesses have locked, on every node.
#[test]
fn an_account_is_locked_and_unlocked() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut at_work = as_wang(&app, "办税员").await;
        let consent = at_work.get(&authorize_url(&FILING, &[])).await;
        let (_, tokens) = app.redeem(&consent.answered("code").unwrap()).await;
        let id = account_of(&app, "wangxm").await.id;
        // As the command line does it: in another process, with a memory of its own.
        let desk = app.second_node().await.ctx;
        help::lock(&desk, &helper(), id).await.unwrap();
        assert_eq!(refused(help::lock(&desk, &helper(), id).await), Refusal::State);

        let refresh = tokens["refresh_token"].as_str().unwrap();
        assert_eq!(app.refresh(refresh).await.1["error"], "invalid_grant");
        assert!(get(&mut at_work, "/account").await.url.contains("/login"));
        let waiting = app.ctx.rows().deliveries().unsettled().await.unwrap();
        assert!(waiting.iter().any(|one| one.delivery.client_id == FILING.id), "it is told");
        assert_eq!(told(&app, "wangxm", NoticeKind::AccountLocked).await, 1);

        app.clock.advance(61);
        let (_, page) = sign_in(&app, "203.0.113.9", WANG, "wrong-password").await;
        assert_eq!(page.code(), Some("E_CREDENTIALS"));
        let (mut browser, page) = sign_in(&app, "203.0.113.9", WANG, PASSWORD).await;
        assert!(page.url.contains("/login/second_factor"), "as if it were open: {}", page.text);
        let page = browser.pass_second_factor(&app, &page, WANG).await;
        assert_eq!(page.code(), Some("E_ACCOUNT_LOCKED"), "{}", page.text);
        assert!(page.text.contains("12366"), "{}", page.text);
        assert!(logged(&app, "wangxm", "password").await.contains(&"E_ACCOUNT_LOCKED".to_owned()));

        for _ in 0..6 {
            sign_in(&app, "203.0.113.9", WANG, "wrong-password").await;
        }
        let (_, page) = sign_in(&app, "203.0.113.9", WANG, PASSWORD).await;
        assert_eq!(page.code(), Some("E_LOCKED"), "{}", page.text);
        help::unlock(&desk, &helper(), id).await.unwrap();
        app.clock.advance(61);
        let (mut browser, page) = sign_in(&app, "203.0.113.9", WANG, PASSWORD).await;
        let page = browser.pass_second_factor(&app, &page, WANG).await;
        assert_eq!(page.code(), None, "{}", page.text);
        assert_eq!(told(&app, "wangxm", NoticeKind::AccountUnlocked).await, 1);
        // What is guessed from now on locks as ever.
        for _ in 0..6 {
            sign_in(&app, "203.0.113.10", WANG, "wrong-password").await;
        }
        let (_, page) = sign_in(&app, "203.0.113.10", WANG, PASSWORD).await;
        assert_eq!(page.code(), Some("E_LOCKED"));
        let acts: Vec<String> = helped(&app).await.into_iter().map(|(act, ..)| act).collect();
        assert_eq!(acts, ["lock", "unlock"]);

        let nobody = AccountId(uuid::Uuid::nil());
        for outcome in [
            help::lock(&desk, &helper(), nobody).await,
            help::unlock(&desk, &helper(), nobody).await,
            help::expire_password(&desk, &helper(), nobody).await,
            help::remove_factor(&desk, &helper(), nobody, Removable::Passkeys).await,
            help::end_sessions(&desk, &helper(), nobody).await.map(|_| ()),
        ] {
            assert_eq!(refused(outcome), Refusal::State);
        }
    });
}

/// Covers E-06: an expired password leads on to a new one, after a second factor, and is not the new one.
/// Sessions end when they are told to, and what is lost is removed once.
#[test]
fn a_password_expires_sessions_end_and_factors_go() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let id = account_of(&app, "wangxm").await.id;
        let mut wang = as_person(&app, WANG).await;
        enrol_at(&app, &mut wang).await;
        let person = account_of(&app, "wangxm").await.person;
        let profile = help::look(&app.ctx, &helper(), person).await.unwrap().account.unwrap();
        assert!(profile.factors.has_authenticator && profile.factors.n_recovery_codes == 10);
        assert_eq!(profile.sessions.len(), 1);
        assert_eq!(profile.sessions[0].address, "127.0.0.*");
        for (what, is_there) in [
            (Removable::RecoveryCodes, true),
            (Removable::RecoveryCodes, false),
            (Removable::Authenticator, true),
            (Removable::Authenticator, false),
            (Removable::Passkeys, false),
            (Removable::Browsers, false),
        ] {
            let outcome = help::remove_factor(&app.ctx, &helper(), id, what).await;
            match is_there {
                true => outcome.unwrap(),
                false => assert_eq!(refused(outcome), Refusal::State, "{what:?}"),
            }
        }
        assert_eq!(told(&app, "wangxm", NoticeKind::FactorReset).await, 2);

        help::expire_password(&app.ctx, &helper(), id).await.unwrap();
        let again = help::expire_password(&app.ctx, &helper(), id).await;
        assert_eq!(refused(again), Refusal::State);
        assert!(!get(&mut wang, "/account").await.url.contains("/login"), "who is in stays in");
        let session = profile.sessions[0].id;
        help::end_session(&app.ctx, &helper(), session).await.unwrap();
        let again = help::end_session(&app.ctx, &helper(), session).await;
        assert_eq!(refused(again), Refusal::State);
        assert!(get(&mut wang, "/account").await.url.contains("/login"));
        assert_eq!(help::end_sessions(&app.ctx, &helper(), id).await.unwrap(), 0);

        app.clock.advance(61);
        let (mut browser, page) = sign_in(&app, "203.0.113.9", WANG, PASSWORD).await;
        assert!(page.url.contains("/login/second_factor"), "{}", page.url);
        let page = browser.pass_second_factor(&app, &page, WANG).await;
        assert!(page.url.contains("/login/new_password"), "{} {}", page.url, page.text);
        let refused = set(&mut browser, &page, PASSWORD).await;
        assert_eq!(refused.code(), Some("E_PASSWORD_POLICY"), "the old one is no new one");
        let page = set(&mut browser, &refused, NEW).await;
        assert!(!page.url.contains("/login/new_password"), "{}", page.text);
        app.clock.advance(61);
        let (mut browser, page) = sign_in(&app, "203.0.113.9", WANG, NEW).await;
        let page = browser.pass_second_factor(&app, &page, WANG).await;
        assert!(!page.url.contains("/login/new_password"), "once: {}", page.url);
        let acts: Vec<String> = helped(&app).await.into_iter().map(|(act, ..)| act).collect();
        let expected = [
            "look",
            "remove-recovery-codes",
            "remove-authenticator",
            "expire-password",
            "end-session",
            "end-sessions",
        ];
        assert_eq!(acts, expected);
    });
}

/// Whom to ask is the realm's own number, and the authority where it names none.
#[test]
fn what_the_bureau_did_names_the_realms_own_help_desk() {
    on_one_database(|on| async move {
        for (line, said) in
            [("support = \"0791-88886666\"", "请拨打 0791-88886666"), ("", "请联系税务机关")]
        {
            let realm = changed_realm(&[("realm.toml", "support = \"12366\"", line)]);
            let app = Setup::of(on, vec![realm]).start().await;
            let id = account_of(&app, "wangxm").await.id;
            help::lock(&app.ctx, &helper(), id).await.unwrap();
            let (mut browser, page) = sign_in(&app, "203.0.113.9", WANG, PASSWORD).await;
            let page = browser.pass_second_factor(&app, &page, WANG).await;
            assert_eq!(page.code(), Some("E_ACCOUNT_LOCKED"), "{}", page.text);
            assert!(page.text.contains(said) && !page.text.contains("12366"), "{}", page.text);
            help::unlock(&app.ctx, &helper(), id).await.unwrap();
            let mut wang = as_person(&app, WANG).await;
            let page = get(&mut wang, "/account/messages").await;
            assert_eq!(page.text.matches(said).count(), 2, "{}", page.text);
            assert!(!page.text.contains("12366"), "{}", page.text);
        }
    });
}
