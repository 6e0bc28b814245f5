//! What stands between a request and its code: who may be asked, who may not, and pages that
//! decide nothing by themselves.

use std::collections::BTreeSet;

use hufu::base::id::AuthorisationId;
use hufu::domain::acting::Acting;
use hufu::domain::entrance::Audience;
use hufu::oidc::authorize::{AuthorizeRequest, Registered, check, destination};
use hufu::oidc::error::ErrorCode;
use hufu::oidc::needs::{Act, Decision, Fit, SessionView, View, decide};
use hufu::oidc::params::Params;
use uuid::Uuid;

use super::authorize::signed_in;
use crate::account::post;
use crate::kit::{EXAMPLE, FILING, INVOICE, SAMPLE, TestApp, authorize_url, on_each_database};

const COOKIE: &str = "__Host-hufu-session-jiangxi";

/// Covers X-01: of two tabs one has moved the session; the other's consent page neither signs out
/// nor moves it back, and ends in a code of the identity that the application asked for.
#[test]
fn a_consent_page_neither_signs_out_nor_switches() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let asked = browser.get(&authorize_url(&INVOICE, &[("identity_hint", EXAMPLE)])).await;
        assert!(asked.url.contains("/consent?"), "{}", asked.url);
        let switch = browser.get("/realms/jiangxi/account/switch").await;
        let to = switch.text.split("name=\"identity\" value=\"").skip(1);
        let mut to = to.map(|rest| rest.split('"').next().unwrap().to_owned());
        let to = to.find(|id| id != "personal").unwrap();
        post(&app, &mut browser, "/account/switch", &[("identity", &to)]).await;
        let moved = browser.cookies[COOKIE].clone();
        // The page alone, as a reload sends it; what it answers is not followed.
        let mut tab = browser.clone();
        let answer = tab.once("GET", &asked.url, None).await;
        assert_eq!(tab.cookies[COOKIE], moved, "the session was moved");
        assert!(answer.left_to.is_some_and(|to| to.contains("/authorize?")));
        let silent = browser.get(&authorize_url(&FILING, &[("prompt", "none")])).await;
        assert!(silent.answered("code").is_some(), "signed out: {:?}", silent.left_to);
        // Followed, the browser arrives where the application wants it.
        let again = browser.get(&asked.url).await;
        // It has nothing of this session yet, so the person confirms the way back.
        let id = again.text.split("name=\"identity\" value=\"").nth(1).unwrap();
        let id = id.split('"').next().unwrap().to_owned();
        let again = browser.submit(&again, &[("identity", &id)]).await;
        assert!(again.text.contains("name=\"act\" value=\"allow\""), "{}", again.text);
        let done = browser.submit(&again, &[("act", "allow")]).await;
        assert!(done.answered("code").is_some(), "{:?}", done.left_to);
        // The form of the old page is another session's.
        let late = browser.submit(&asked, &[("act", "allow")]).await;
        assert_eq!(late.status.as_u16(), 403);
    });
}

/// OIDC Core §3.1.2.6: what a client hears that may not ask anything of the person.
#[test]
fn a_silent_request_names_what_is_missing() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut nobody = app.browser();
        let silent = |client, more: &[(&'static str, &'static str)]| {
            let mut all = more.to_vec();
            all.push(("prompt", "none"));
            authorize_url(client, &all)
        };
        let shown = nobody.get(&silent(&FILING, &[])).await;
        assert_eq!(shown.answered("error").as_deref(), Some("login_required"));
        let mut browser = signed_in(&app).await;
        app.clock.advance(100);
        let level = "urn:hufu:realname:3";
        let unmet = "urn:hufu:realname:5";
        let held = ("identity_hint", SAMPLE);
        for (client, more, error) in [
            (&FILING, vec![("max_age", "99")], "login_required"),
            (&FILING, vec![("identity_hint", "92360111MA36K0QR34")], "access_denied"),
            (&FILING, vec![("acr_values", level)], "interaction_required"),
            (&FILING, vec![("acr_values", unmet)], "unmet_authentication_requirements"),
            (&FILING, vec![("id_token_hint", "x.y.z")], "login_required"),
            // Nobody could be asked for it: the session is not moved for nothing.
            (&FILING, vec![held, ("acr_values", unmet)], "unmet_authentication_requirements"),
            (&FILING, vec![held, ("acr_values", level)], "interaction_required"),
            (&FILING, vec![held, ("max_age", "99")], "login_required"),
            (&INVOICE, vec![], "consent_required"),
        ] {
            let cookie = browser.cookies[COOKIE].clone();
            let shown = browser.get(&silent(client, &more)).await;
            assert_eq!(shown.answered("error").as_deref(), Some(error), "{more:?}");
            assert_eq!(browser.cookies[COOKIE], cookie, "{more:?} moved the session");
        }
        let shown = browser.get(&silent(&FILING, &[("identity_hint", SAMPLE)])).await;
        assert!(shown.answered("code").is_some(), "the only one that fits is taken silently");
        // The pages behind a silent request show nothing of themselves either.
        let query = silent(&INVOICE, &[]).split_once('?').unwrap().1.to_owned();
        for page in ["consent", "choose"] {
            let shown = browser.get(&format!("/realms/jiangxi/{page}?{query}")).await;
            assert_eq!(shown.answered("error").as_deref(), Some("consent_required"), "{page}");
        }
    });
}

/// An application that the person has never allowed anything learns silently that they are signed in, and neither
/// who they are nor as whom they could work: whatever it asks, it hears one and the same.
#[test]
fn an_application_that_nobody_has_allowed_learns_nothing_silently() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        app.clock.advance(100);
        let details = |number: &str| {
            serde_json::json!([{"type": "tax_identity", "enterprise": number}]).to_string()
        };
        let (held, others) = (details(SAMPLE), details("92360111MA36K0QR34"));
        for (name, text) in [
            ("login_hint", "13900139000"),
            ("login_hint", "13800138000"),
            ("identity_hint", EXAMPLE),
            ("identity_hint", SAMPLE),
            ("identity_hint", "92360111MA36K0QR34"),
            ("authorization_details", &held),
            ("authorization_details", &others),
            ("acr_values", "urn:hufu:realname:3"),
            ("acr_values", "urn:hufu:realname:5"),
            ("max_age", "99"),
            ("nonce", "n-2"),
        ] {
            let asked = authorize_url(&INVOICE, &[(name, text), ("prompt", "none")]);
            let shown = browser.get(&asked).await;
            let said = ["error", "error_description"].map(|name| shown.answered(name).unwrap());
            let same = ["consent_required", "the person has not agreed yet"];
            assert_eq!(said, same, "{name} {text}");
        }
    });
}

/// A checked request with these parameters beside the usual ones.
fn request(more: &[(&str, &str)]) -> AuthorizeRequest {
    let url = authorize_url(&FILING, more);
    let params = Params::parse(url.split_once('?').unwrap().1.as_bytes()).unwrap();
    let allowed: BTreeSet<String> =
        ["openid", "profile", "tax_identity"].map(str::to_owned).into_iter().collect();
    let registered = Registered { scopes: &allowed, needs_pkce: true, may_ask: &|_| false };
    check(&params, destination(&params, |_| true).unwrap(), &registered).unwrap()
}

/// Somebody of whom nothing is missing.
fn ready() -> SessionView {
    SessionView {
        audience: Audience::Tax,
        stands: true,
        lacks_second_factor: false,
        is_bound_to_its_door: false,
        is_personal: false,
        proves_no_person: false,
        may_show_face: true,
        fit: Fit::Fits,
        may_choose: true,
        knows_client: true,
        level: 2,
        provable: 3,
        reachable: 3,
        age: 100,
        may_renew: true,
        agreed: true,
        is_stranger: false,
    }
}

fn others(n: u128) -> Fit {
    Fit::Others((0..n).map(|n| Acting::Enterprise(AuthorisationId(Uuid::from_u128(n)))).collect())
}

/// What it is, the session, a parameter, what the person is asked, what the client hears.
type Case<'a> = (&'a str, Option<SessionView>, Option<(&'a str, &'a str)>, Act, ErrorCode);

fn cases() -> Vec<Case<'static>> {
    let three = ("acr_values", "urn:hufu:realname:3");
    let four = ("acr_values", "urn:hufu:realname:4");
    let old = ("max_age", "99");
    let spared =
        || SessionView { lacks_second_factor: true, is_bound_to_its_door: true, ..ready() };
    vec![
        ("a second factor", Some(spared()), None, Act::Second, ErrorCode::InteractionRequired),
        (
            "a second factor where no step gives it",
            Some(SessionView { may_renew: false, ..spared() }),
            None,
            Act::SignIn,
            ErrorCode::InteractionRequired,
        ),
        (
            "a second factor to leave the person's own session",
            Some(SessionView { is_personal: true, fit: others(1), ..spared() }),
            None,
            Act::Second,
            ErrorCode::InteractionRequired,
        ),
        (
            "a level that the person can reach here",
            Some(SessionView { reachable: 4, ..ready() }),
            Some(four),
            Act::Reach,
            ErrorCode::InteractionRequired,
        ),
        ("nobody", None, None, Act::SignIn, ErrorCode::LoginRequired),
        (
            "an account or identity that ended, another person than hinted",
            Some(SessionView { stands: false, ..ready() }),
            None,
            Act::SignIn,
            ErrorCode::LoginRequired,
        ),
        (
            "several that fit",
            Some(SessionView { fit: others(2), ..ready() }),
            None,
            Act::Choose,
            ErrorCode::InteractionRequired,
        ),
        (
            "another one for an application that is new here",
            Some(SessionView { fit: others(1), knows_client: false, ..ready() }),
            None,
            Act::Choose,
            ErrorCode::InteractionRequired,
        ),
        (
            "a sign-in for something else",
            Some(SessionView { audience: Audience::SocialInsurance, ..ready() }),
            None,
            Act::Leave,
            ErrorCode::AccessDenied,
        ),
        ("a higher level", Some(ready()), Some(three), Act::Raise, ErrorCode::InteractionRequired),
        ("a younger proof", Some(ready()), Some(old), Act::Renew, ErrorCode::LoginRequired),
        (
            "a younger proof where no step gives it",
            Some(SessionView { may_renew: false, ..ready() }),
            Some(old),
            Act::SignIn,
            ErrorCode::LoginRequired,
        ),
        (
            "an agreement",
            Some(SessionView { agreed: false, ..ready() }),
            None,
            Act::Consent,
            ErrorCode::ConsentRequired,
        ),
    ]
}

/// The same of a session that proves no person (DEC-10).
fn by_certificate() -> Vec<Case<'static>> {
    let three = ("acr_values", "urn:hufu:realname:3");
    let certificate = || SessionView {
        proves_no_person: true,
        is_bound_to_its_door: true,
        may_renew: false,
        level: 0,
        ..ready()
    };
    let at_a_door = SessionView { may_show_face: false, ..certificate() };
    vec![
        (
            "another identity in a session by certificate, whether the handler has it or not",
            Some(SessionView { fit: others(0), ..certificate() }),
            None,
            Act::Raise,
            ErrorCode::InteractionRequired,
        ),
        (
            "a level that the handler can reach, in a session by certificate",
            Some(SessionView { provable: 2, reachable: 3, ..certificate() }),
            Some(three),
            Act::Raise,
            ErrorCode::InteractionRequired,
        ),
        (
            "an agreement in a session by certificate",
            Some(SessionView { agreed: false, ..certificate() }),
            None,
            Act::Raise,
            ErrorCode::ConsentRequired,
        ),
        (
            "the same where nobody looks at faces",
            Some(SessionView { agreed: false, ..at_a_door }),
            None,
            Act::SignIn,
            ErrorCode::ConsentRequired,
        ),
    ]
}

/// Each need × each prompt: what the person is asked, and what the client hears instead.
/// Covers L-11, X-01, I-01.
#[test]
fn each_need_has_its_act_and_its_silent_error() {
    let only = Acting::Enterprise(AuthorisationId(Uuid::from_u128(0)));
    let four = ("acr_values", "urn:hufu:realname:4");
    for (what, session, parameter, act, code) in cases().into_iter().chain(by_certificate()) {
        let mut more: Vec<(&str, &str)> = parameter.into_iter().collect();
        let asks = request(&more);
        more.push(("prompt", "none"));
        let silent = request(&more);
        let mut view = View { request: &asks, audience: Audience::Tax, session };
        assert_eq!(decide(&view), Decision::Do(act), "{what}");
        view.request = &silent;
        assert!(matches!(decide(&view), Decision::Refuse(error) if error.code == code), "{what}");
        // Whoever signs in anew proves everything anew.
        let again = request(&[("prompt", "login")]);
        view.request = &again;
        assert_eq!(decide(&view), Decision::Do(Act::SignIn), "{what}");
    }
    // What asks nobody: the same with and without a person to ask.
    let here = |session| Some(session);
    for prompt in ["", "none"] {
        let plain = request(&[("prompt", prompt)]);
        let high = request(&[("prompt", prompt), four]);
        let on = |request, audience, session| decide(&View { request, audience, session });
        assert_eq!(on(&plain, Audience::Tax, here(ready())), Decision::Issue);
        let own = SessionView { lacks_second_factor: true, is_personal: true, ..ready() };
        assert_eq!(on(&plain, Audience::Tax, here(own)), Decision::Issue);
        let one = here(SessionView { fit: others(1), ..ready() });
        assert_eq!(on(&plain, Audience::Tax, one), Decision::Do(Act::Switch(only)));
        let none = here(SessionView { fit: others(0), ..ready() });
        for (request, session, code) in [
            (&plain, none, ErrorCode::AccessDenied),
            (&high, here(ready()), ErrorCode::UnmetAuthenticationRequirements),
        ] {
            let decision = on(request, Audience::Tax, session);
            assert!(matches!(decision, Decision::Refuse(error) if error.code == code));
        }
    }
    let insurance =
        |request, session| decide(&View { request, audience: Audience::SocialInsurance, session });
    let plain = request(&[]);
    assert_eq!(insurance(&plain, here(ready())), Decision::Do(Act::SignIn));
}

/// The order of the list: whatever else is missing, the first is asked first. `prompt` words ask
/// for their own step and for nothing before it.
#[test]
fn the_first_need_decides() {
    let all = [("acr_values", "urn:hufu:realname:3"), ("max_age", "99")];
    let at = |more: &[(&str, &str)], session| {
        let request = request(&[&all[..], more].concat());
        decide(&View { request: &request, audience: Audience::Tax, session: Some(session) })
    };
    let missing = || SessionView { stands: false, fit: others(2), agreed: false, ..ready() };
    assert_eq!(at(&[], missing()), Decision::Do(Act::SignIn));
    let missing = || SessionView { stands: true, lacks_second_factor: true, ..missing() };
    assert_eq!(at(&[], missing()), Decision::Do(Act::Second));
    let missing = || SessionView { lacks_second_factor: false, ..missing() };
    assert_eq!(at(&[], missing()), Decision::Do(Act::Choose));
    let missing = || SessionView { fit: Fit::Fits, ..missing() };
    assert_eq!(at(&[("prompt", "select_account")], missing()), Decision::Do(Act::Choose));
    assert_eq!(at(&[], missing()), Decision::Do(Act::Raise));
    let missing = || SessionView { level: 3, ..missing() };
    assert_eq!(at(&[], missing()), Decision::Do(Act::Renew));
    let missing = || SessionView { age: 99, ..missing() };
    assert_eq!(at(&[], missing()), Decision::Do(Act::Consent));
    let agreed = || SessionView { agreed: true, ..missing() };
    assert_eq!(at(&[], agreed()), Decision::Issue);
    assert_eq!(at(&[("prompt", "consent")], agreed()), Decision::Do(Act::Consent));
    let both = [("prompt", "consent select_account")];
    assert_eq!(at(&both, agreed()), Decision::Do(Act::Choose));
    // Where only a second factor leads to another identity, it is asked for first.
    let bound = SessionView { is_bound_to_its_door: true, ..agreed() };
    assert_eq!(at(&[("prompt", "select_account")], bound), Decision::Do(Act::Second));
    // Who has nothing to choose from has chosen.
    let only = SessionView { may_choose: false, ..agreed() };
    assert_eq!(at(&[("prompt", "select_account")], only), Decision::Issue);
}
