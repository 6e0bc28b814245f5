//! Who comes in with which identity, and what the others hear: E-08, E-16, E-23, P-07.

use std::collections::BTreeMap;

use hufu::domain::invitation::Invitation;

use super::doors::{DOORS, Door};
use crate::account::{LI, feed, get, held};
use crate::kit::browser::{Shown, without_number};
use crate::kit::{
    Browser, EXAMPLE, FILING, PASSWORD, SAMPLE, Setup, TestApp, authorize_url, changed_realm,
    claims, on_each_database, on_one_database,
};

/// Status, headers that say something, and the page without what is new in every page.
fn comparable(page: &Shown, typed: &[&str]) -> (u16, Vec<(String, String)>, String) {
    let mut headers: Vec<(String, String)> = page
        .headers
        .iter()
        .filter(|(name, _)| {
            *name != "set-cookie" && *name != "x-request-id" && *name != "content-length"
        })
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    let mut text = without_number(&page.text);
    let forms = ["login-submit", "scan-continue"].map(|form| page.hidden_of_form(form));
    for field in forms.iter().flat_map(|fields| fields.values()) {
        if field.len() > 12 {
            text = text.replace(field.as_str(), "…");
        }
    }
    for word in typed.iter().filter(|word| !word.is_empty()) {
        text = text.replace(word, "…");
    }
    // The picture and address of the code, the language links.
    let pieces = text.split("<svg").map(|piece| piece.split("</svg>").last().unwrap_or_default());
    let text: String = pieces.collect();
    let kept = text.lines().filter(|line| !line.contains("qr") && !line.contains("data-scan="));
    let kept = kept.filter(|line| !line.contains("data-passkey=") && !line.contains("&amp;back="));
    (page.status.as_u16(), headers, kept.collect::<Vec<_>>().join("\n"))
}

/// Unknown enterprise, unknown person, no relation, a cancelled account (by each of its names), a wrong
/// password: one answer in status, headers and page, again and again until the same lock, and one line each
/// in the log. Covers E-08.
#[test]
fn every_wrong_sign_in_is_answered_alike() {
    on_one_database(|on| async move {
        let few = [("realm.toml", "max_failures = 5", "max_failures = 3")];
        let app = Setup::of(on, vec![changed_realm(&few)]).start().await;
        // 孙丽's account is cancelled: she keeps her relations and has her password.
        let sun = held(&app.ctx, "13500135000").await.remove(0).person;
        app.sql(&format!(
            "UPDATE account SET status = 'cancelled' WHERE person_id = {}",
            app.literal(sun.0)
        ))
        .await;
        let cases = [
            ("wrong password", EXAMPLE, "wangxm", "Wrong2026!"),
            ("unknown enterprise", "91110108551385082Q", LI, PASSWORD),
            ("unknown person", EXAMPLE, "nobody.here", PASSWORD),
            ("unknown phone", EXAMPLE, "13811112222", PASSWORD),
            ("unknown document", EXAMPLE, "11010519491231002X", PASSWORD),
            ("no relation", EXAMPLE, "chenjing", PASSWORD),
            ("cancelled, by phone", EXAMPLE, "13500135000", PASSWORD),
            ("cancelled, by document", EXAMPLE, "440308199901101512", PASSWORD),
            ("everything wrong", "91110108551385082Q", "nobody.else", "Wrong2026!"),
        ];
        let mut answers = Vec::new();
        for (at, (case, enterprise, who, password)) in cases.into_iter().enumerate() {
            let mut own = Vec::new();
            for _ in 0..5 {
                let mut browser = app.browser_at(&format!("203.0.113.{at}"));
                let page = browser.get(&authorize_url(&FILING, &[])).await;
                let refused = browser.type_credentials(&page, (enterprise, who, password)).await;
                own.push((
                    refused.code().map(str::to_owned),
                    comparable(&refused, &[enterprise, who]),
                ));
            }
            let codes: Vec<&str> = own.iter().map(|(code, _)| code.as_deref().unwrap()).collect();
            let expected = [["E_CREDENTIALS"; 3].as_slice(), &["E_LOCKED"; 2]].concat();
            assert_eq!(codes, expected, "{case}");
            answers.push((case, own));
        }
        for (case, own) in &answers[1..] {
            assert_eq!(own, &answers[0].1, "{case} and {}", answers[0].0);
        }
        let log = app.said("SELECT outcome AS said FROM login_log").await;
        assert_eq!(log.len(), 5 * cases.len(), "one line for each");
    });
}

async fn states_of(app: &TestApp, phone: &str) -> Vec<String> {
    let held = held(&app.ctx, phone).await;
    let told = held.iter().map(|one| format!("{} {}", one.identity_type.0, one.state().name()));
    let mut states: Vec<String> = told.collect();
    states.sort();
    states
}

const ZHAO: Door =
    Door { name: "赵强", document: "34052419800101001X", phone: "13600136000", ..OWN };

/// Who has an active relation with the enterprise comes in by it, and what waits there goes on waiting; once the
/// active one is over, it is offered. Covers E-16, DEC-4.
#[test]
fn what_waits_beside_an_active_relation_is_not_prompted() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let line = serde_json::json!({"feed": "authorisation", "source_key": "z-a", "version": 1,
            "enterprise": EXAMPLE, "person": ZHAO.document, "identity_type": "invoicing_clerk",
            "permissions": "INVOICE", "valid_from": "2026-01-01"});
        feed(&app, &[line]).await;
        let both = ["invoicing_clerk active", "tax_clerk pending_by_person"];
        assert_eq!(states_of(&app, ZHAO.phone).await, both);
        let (mut browser, page) = ZHAO.at_second_factor(&app).await;
        let done = browser.pass_second_factor(&app, &page, ZHAO.phone).await;
        let code = done.answered("code").unwrap_or_else(|| panic!("{} {}", done.url, done.text));
        let (_, tokens) = app.redeem(&code).await;
        let id = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(id["tax_identity"]["identity_type"], "invoicing_clerk");
        assert_eq!(states_of(&app, ZHAO.phone).await, both, "it waits still");
        let over =
            "UPDATE authorisation SET state = 'deleted' WHERE identity_type = 'invoicing_clerk'";
        app.sql(over).await;
        app.clock.advance(61);
        let (mut browser, page) = ZHAO.at_second_factor(&app).await;
        let page = browser.pass_second_factor(&app, &page, ZHAO.phone).await;
        assert!(page.url.contains("/login/confirm_pending_authorisation"), "{}", page.url);
        assert_eq!(cards(&page).len(), 1, "{}", page.text);
    });
}

/// What each invitation says, by the name of its identity type.
fn cards(page: &Shown) -> BTreeMap<&str, &str> {
    let cards = page.text.split("<div class=\"identity still\">").skip(1);
    let cards = cards.map(|card| card.split("</div>").next().unwrap());
    cards
        .map(|card| {
            let kind = card.split("<strong>").nth(1).expect("as what");
            (kind.split("</strong>").next().unwrap(), card)
        })
        .collect()
}

/// The pills of a card: what one may do.
fn pills(card: &str) -> Vec<&str> {
    let pills = card.split("class=\"pill\">").skip(1);
    pills.map(|pill| pill.split('<').next().unwrap()).collect()
}

/// The prompt says what would be confirmed: enterprise, identity type, permissions, term and who invited;
/// 【确定】 makes it active and signs in with it, without another scan, and it waits no longer. Covers E-16.
#[test]
fn a_pending_authorisation_is_shown_whole_and_confirmed() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        // Two wait in this enterprise (DEC-4), a third in another.
        for (at, (enterprise, kind)) in
            [(EXAMPLE, "invoicing_clerk"), (SAMPLE, "tax_clerk")].into_iter().enumerate()
        {
            let line = serde_json::json!({"feed": "authorisation", "source_key": format!("z-{at}"),
                "version": 1, "enterprise": enterprise, "person": ZHAO.document,
                "identity_type": kind, "permissions": if kind == "tax_clerk" { ["TAX_FILING"] } else { ["INVOICE_QUERY"] },
                "valid_from": "2026-01-01", "valid_to": "2027-03-31",
                "state": "pending_by_person",
                "invited_by": "360121198802290026"});
            let (text, format) = (line.to_string(), hufu::flows::feed::Format::JsonLines);
            let done = hufu::flows::feed::import(&app.ctx, "test", text.as_bytes(), format, None);
            let done = done.await.unwrap();
            assert!(done.failed.is_empty(), "{done:?}");
        }
        let (mut browser, page) = ZHAO.at_second_factor(&app).await;
        let page = browser.pass_second_factor(&app, &page, ZHAO.phone).await;
        assert!(page.url.contains("/login/confirm_pending_authorisation"), "{}", page.url);
        let cards = cards(&page);
        assert_eq!(cards.len(), 2, "both of this enterprise, none of another: {}", page.text);
        assert!(!page.text.contains("南昌样板商贸"), "another enterprise's");
        for (kind, may, from, to) in [
            ("办税员", ["纳税申报", "涉税查询"].as_slice(), "2025-01-01", "长期"),
            ("开票员", ["发票查询查验及海关缴款书采集"].as_slice(), "2026-01-01", "2027-03-31"),
        ] {
            let card = cards.get(kind).unwrap_or_else(|| panic!("no {kind}: {}", page.text));
            assert_eq!(pills(card), may, "{card}");
            for shown in [from, to, "南昌示例科技有限公司", EXAMPLE, "李*"] {
                assert!(card.contains(shown), "{shown}: {card}");
            }
        }
        assert!(ZHAO.is_signed_out(&mut browser.clone()).await);
        for wrong in ["", "x", "00000000-0000-0000-0000-000000000000"] {
            browser.clone().submit(&page, &[("confirm", wrong)]).await;
        }
        let states = || states_of(&app, ZHAO.phone);
        assert!(states().await.iter().all(|one| one.ends_with("pending_by_person")));
        let clerk = || async {
            let held = held(&app.ctx, ZHAO.phone).await;
            held.into_iter().find(|one| one.identity_type.0 == "invoicing_clerk").unwrap()
        };
        // What has changed since it was shown is shown once more before anybody agrees to it.
        let shown = Invitation::of(&clerk().await).to_string();
        assert!(page.text.contains(&shown), "{shown}: {}", page.text);
        let change =
            "UPDATE authorisation SET version = version + 1 WHERE state = 'pending_by_person'";
        app.sql(change).await;
        let again = browser.submit(&page, &[("confirm", &shown)]).await;
        assert!(again.url.contains("/login/confirm_pending_authorisation"), "{}", again.url);
        assert!(states().await.iter().all(|one| one.ends_with("pending_by_person")));
        let shown = Invitation::of(&clerk().await).to_string();
        let clerk = clerk().await.id;
        let done = browser.submit(&again, &[("confirm", &shown)]).await;
        let (_, tokens) = app.redeem(&done.answered("code").expect("no further scan")).await;
        let id = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(id["tax_identity"]["identity_type"], "invoicing_clerk");
        assert_eq!(id["tax_identity"]["enterprise"]["tin"], EXAMPLE);
        assert_eq!(
            states().await,
            [
                "invoicing_clerk active",
                "tax_clerk pending_by_person",
                "tax_clerk pending_by_person"
            ]
        );
        // It has left the person's own pending list, the others wait there still.
        let mut own = crate::account::as_person(&app, ZHAO.phone).await;
        let pending = get(&mut own, "/account/authorisations?scope=national").await;
        assert!(!pending.text.contains(&clerk.to_string()), "{}", pending.text);
        assert_eq!(pending.text.matches("name=\"id-").count(), 2, "{}", pending.text);
        let active = get(&mut own, "/account/authorisations/held?scope=national").await;
        assert!(active.text.contains(&clerk.to_string()), "{}", active.text);
    });
}

/// An invitation that was accepted takes effect with the sign-in and not before: whoever then declines the
/// agreements has changed nothing, and what has changed meanwhile is asked again. Covers E-16, E-20.
#[test]
fn an_accepted_invitation_waits_for_the_agreements() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        app.sql("DELETE FROM agreement_acceptance").await;
        let state = || async {
            let held = held(&app.ctx, ZHAO.phone).await;
            held.iter().map(|one| one.state().name()).collect::<Vec<_>>()
        };
        let at_agreements = async |browser: &mut Browser, page: &Shown| {
            let id = page.text.split("name=\"confirm\" value=\"").nth(1).expect("an invitation");
            let id = id.split('"').next().unwrap().to_owned();
            let page = browser.submit(page, &[("confirm", &id)]).await;
            assert!(page.url.contains("/login/agreements"), "{}: {}", page.url, page.text);
            page
        };
        let all = [
            ("act", "accept"),
            ("accept-user-agreement", "yes"),
            ("accept-personal-information", "yes"),
        ];
        let pending = state().await;
        assert_eq!(pending, ["pending_by_person"]);
        // A form that showed another version agrees to nothing.
        let (mut early, page) = ZHAO.at_second_factor(&app).await;
        let page = early.pass_second_factor(&app, &page, ZHAO.phone).await;
        let page = at_agreements(&mut early, &page).await;
        let former = [&all[..], &[("shown-user-agreement", "0.9")]].concat();
        assert_eq!(early.submit(&page, &former).await.code(), Some("E_AGREEMENT"));
        let kept = "SELECT document AS said FROM agreement_acceptance";
        assert_eq!(app.said(kept).await.len(), 0);
        app.clock.advance(61);
        // Declined.
        let (mut browser, page) = ZHAO.at_second_factor(&app).await;
        let page = browser.pass_second_factor(&app, &page, ZHAO.phone).await;
        let page = at_agreements(&mut browser, &page).await;
        assert_eq!(state().await, pending, "nothing before the sign-in");
        let declined = browser.submit(&page, &[("act", "decline")]).await;
        assert_eq!(declined.code(), Some("E_AGREEMENT"));
        assert!(ZHAO.is_signed_out(&mut browser).await);
        assert_eq!(state().await, pending, "declining changes nothing");
        // Changed while the agreements were read: asked again, as it is now.
        app.clock.advance(61);
        let (mut browser, page) = ZHAO.at_second_factor(&app).await;
        let page = browser.pass_second_factor(&app, &page, ZHAO.phone).await;
        let page = at_agreements(&mut browser, &page).await;
        let change =
            "UPDATE authorisation SET version = version + 1 WHERE state = 'pending_by_person'";
        app.sql(change).await;
        let again = browser.submit(&page, &all).await;
        assert!(again.url.contains("/login/confirm_pending_authorisation"), "{}", again.url);
        assert_eq!(state().await, pending);
        // Withdrawn while it was looked at: refused, without a session.
        app.sql("DELETE FROM agreement_acceptance").await;
        let mut other = browser.clone();
        let page = at_agreements(&mut other, &again).await;
        app.sql("UPDATE authorisation SET version = version + 1, state = 'withdrawn' WHERE state = 'pending_by_person'").await;
        let refused = other.submit(&page, &all).await;
        assert_eq!(refused.code(), Some("E_NO_IDENTITY"), "{}", refused.text);
        assert!(ZHAO.is_signed_out(&mut other).await);
        // Open again, and taken to the end.
        app.sql("UPDATE authorisation SET version = version + 1, state = 'pending_by_person' WHERE state = 'withdrawn'").await;
        app.sql("DELETE FROM agreement_acceptance").await;
        app.clock.advance(61);
        let (mut browser, page) = ZHAO.at_second_factor(&app).await;
        let page = browser.pass_second_factor(&app, &page, ZHAO.phone).await;
        let page = at_agreements(&mut browser, &page).await;
        let done = browser.submit(&page, &all).await;
        assert!(done.answered("code").is_some(), "{}", done.text);
        assert_eq!(state().await, ["active"]);
    });
}

const OWN: Door = Door {
    id: "enterprise",
    application: &FILING,
    enterprise: EXAMPLE,
    name: "李芳",
    document: "360121198802290026",
    phone: LI,
};

const USUAL: [&str; 4] = ["active", "2024-01-01", "", "03"];

/// State, first and last day, the registry's status; whether it can be used.
fn cases() -> Vec<([&'static str; 4], bool)> {
    let mut cases = vec![
        (USUAL, true),
        (["active", "2026-11-24", "2026-11-24", "03"], true),
        (["active", "2026-11-25", "", "03"], false),
        (["active", "2024-01-01", "2026-11-23", "03"], false),
    ];
    for state in ["pending_by_enterprise", "withdrawn", "rejected", "deleted", "ended", "expired"] {
        cases.push(([state, "2024-01-01", "", "03"], false));
    }
    for (status, is_alive) in [
        ("01", true),
        ("02", true),
        ("04", true),
        ("05", true),
        ("06", true),
        ("09", true),
        ("11", true),
        ("12", true),
        ("07", false),
        ("08", false),
        ("10", false),
        ("13", false),
        ("99", false),
    ] {
        cases.push((["active", "2024-01-01", "", status], is_alive));
    }
    cases
}

/// Each state and term of a relation, each state of the enterprise in the registry: only an active relation
/// in its term with a living enterprise is an identity, at the door, in the choosers, by switching and in
/// the tokens. Covers E-23.
#[test]
fn nothing_but_an_active_relation_in_its_term_is_usable() {
    on_one_database(|on| async move {
        // The day must not pass: as many codes as it takes.
        let few = "per_minute = 6000";
        let many = "per_minute = 6000\nper_phone_and_hour = 1000\nper_phone_and_day = 1000";
        let realm = changed_realm(&[("factors.toml", few, many)]);
        let app = Setup::of(on, vec![realm]).start().await;
        let own = held(&app.ctx, LI).await;
        let rows = app.ctx.rows();
        let mut at_example = None;
        for one in own {
            let enterprise = rows.enterprises().find(one.enterprise).await.unwrap().unwrap();
            if enterprise.tin.as_str() == EXAMPLE {
                at_example = Some((one.id, enterprise.id));
            }
        }
        let (id, enterprise) = at_example.unwrap();
        let row = app.literal(id.0);
        let company = app.literal(enterprise.0);
        for (case, is_usable) in cases() {
            let set = |[state, from, to, status]: [&str; 4]| {
                let to = if to.is_empty() { "NULL".to_owned() } else { format!("'{to}'") };
                let relation = format!(
                    "UPDATE authorisation SET state = '{state}', valid_from = '{from}', valid_to = {to} \
                     WHERE id = {row}"
                );
                let registry =
                    format!("UPDATE enterprise SET status = '{status}' WHERE id = {company}");
                (relation, registry)
            };
            let put = |values| {
                let (app, (relation, registry)) = (&app, set(values));
                async move {
                    app.sql(&relation).await;
                    app.sql(&registry).await;
                }
            };
            // Before it changes she works in it, and in another tab in another identity.
            put(USUAL).await;
            app.clock.advance(61);
            let mut at_work = crate::account::as_li(&app).await;
            let done = at_work.get(&authorize_url(&FILING, &[("prompt", "none")])).await;
            let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
            let mut elsewhere =
                crate::account::at_door(&app, "enterprise", (SAMPLE, LI, PASSWORD), "").await;
            put(case).await;
            let access = tokens["access_token"].as_str().unwrap();
            assert_eq!(app.introspect(access).await["active"], is_usable, "{case:?}");
            let silent = at_work.get(&authorize_url(&FILING, &[("prompt", "none")])).await;
            assert_eq!(silent.answered("code").is_some(), is_usable, "{case:?}");
            let hinted = [("identity_hint", EXAMPLE), ("prompt", "none")];
            let moved = elsewhere.get(&authorize_url(&FILING, &hinted)).await;
            let refused = Some("access_denied");
            assert_eq!(moved.answered("error").as_deref() == refused, !is_usable, "{case:?}");
            app.clock.advance(61);
            let code = (!is_usable).then_some("E_NO_IDENTITY");
            for door in [OWN, Door { id: "all_in_one", enterprise: "", ..OWN }] {
                let (mut browser, page) = door.at_second_factor(&app).await;
                let page = browser.pass_second_factor(&app, &page, LI).await;
                if door.id == "all_in_one" {
                    let offered = page.text.contains("南昌示例科技有限公司");
                    assert_eq!(offered, is_usable, "{case:?}: {}", page.text);
                    let picked = browser.submit(&page, &[("identity", &id.to_string())]).await;
                    assert_eq!(picked.code(), code, "{case:?}");
                } else {
                    assert_eq!(page.code(), code, "{case:?}: {}", page.text);
                    assert_eq!(page.answered("code").is_some(), is_usable, "{case:?}");
                }
                app.clock.advance(61);
            }
        }
    });
}

/// What waits is offered only while it could be worked by at once: not before its first day and not after its
/// last, nor by a form that was filled in while it could. Covers E-16.
#[test]
fn what_has_not_begun_or_is_over_is_not_offered_for_confirmation() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let waiting = held(&app.ctx, ZHAO.phone).await.remove(0);
        let (row, id) = (app.literal(waiting.id.0), waiting.id.to_string());
        let shown = Invitation::of(&waiting).to_string();
        let term = async |from: &str, to: &str| {
            let to = if to.is_empty() { "NULL".to_owned() } else { format!("'{to}'") };
            app.sql(&format!(
                "UPDATE authorisation SET valid_from = '{from}', valid_to = {to} WHERE id = {row}"
            ))
            .await;
        };
        let is_waiting = async || held(&app.ctx, ZHAO.phone).await[0].state().is_pending();
        for (from, to, is_offered) in [
            ("2026-11-24", "2026-11-24", true),
            ("2026-01-01", "", true),
            ("2026-11-25", "", false),
            ("2026-11-25", "2027-03-31", false),
            ("2026-01-01", "2026-11-23", false),
        ] {
            app.clock.advance(1801);
            term("2026-01-01", "").await;
            let (mut browser, page) = ZHAO.at_second_factor(&app).await;
            let open = browser.pass_second_factor(&app, &page, ZHAO.phone).await;
            term(from, to).await;
            let case = format!("{from} to {to:?}");
            if !is_offered {
                // The page is from a day on which it could.
                let late = browser.submit(&open, &[("confirm", &shown)]).await;
                assert!(late.answered("code").is_none(), "{case}");
                assert!(is_waiting().await, "{case}");
            }
            app.clock.advance(1801);
            let (mut browser, page) = ZHAO.at_second_factor(&app).await;
            let page = browser.pass_second_factor(&app, &page, ZHAO.phone).await;
            assert_eq!(page.text.contains(&id), is_offered, "{case}: {}", page.text);
            assert_eq!(page.code(), (!is_offered).then_some("E_NO_IDENTITY"), "{case}");
            assert!(is_waiting().await, "{case}");
        }
    });
}

/// With no relation to any enterprise, with one, with several, with one that only waits or is over: at the
/// personal door it is the person, and one's own affairs alone. Covers P-07.
#[test]
fn the_personal_door_gives_a_personal_session_to_everybody() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        // 周敏 acts for clients, has no relation of her own; 赵强 one that waits; 孙丽 one that is over.
        for (phone, relations) in [
            ("13300133000", 0),
            ("13800138000", 3),
            (LI, 3),
            ("13600136000", 1),
            ("13500135000", 2),
        ] {
            app.clock.advance(61);
            assert_eq!(held(&app.ctx, phone).await.len(), relations, "{phone}");
            let door = Door { id: "natural_person", enterprise: "", phone, ..OWN };
            let (mut browser, page) = door.at_second_factor(&app).await;
            let done = browser.pass_second_factor(&app, &page, phone).await;
            let (_, tokens) = app.redeem(&done.answered("code").expect("no chooser")).await;
            let id = claims(tokens["id_token"].as_str().unwrap());
            assert_eq!(id["tax_identity"], serde_json::json!({"kind": "personal"}), "{phone}");
            assert_eq!(
                (&id["roles"], &id["permissions"]),
                (&serde_json::json!([]), &serde_json::json!([]))
            );
            // No enterprise is to be had from here, nor its centre.
            let hinted = authorize_url(&FILING, &[("identity_hint", EXAMPLE)]);
            let refused = browser.get(&hinted).await;
            assert_eq!(refused.answered("error").as_deref(), Some("access_denied"), "{phone}");
            assert_eq!(get(&mut browser, "/account/switch").await.code(), Some("E_ONE_WAY"));
            assert_eq!(get(&mut browser, "/account/handlers").await.code(), Some("E_ROLE"));
            let own = get(&mut browser, "/account/person").await;
            assert_eq!(own.status.as_u16(), 200, "{phone}");
        }
        assert_eq!(DOORS[1].id, "natural_person");
    });
}
