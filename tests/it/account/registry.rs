//! What the registry does to relations is done by the same table as everybody else's acts: it
//! stands in both histories, is told to both sides, to applications and to the audit.

use std::sync::Arc;

use hufu::domain::authorisation::{Actor, Authorisation, By, Event, Terms};
use hufu::domain::notice::NoticeKind;
use hufu::domain::refusal::Refusal;
use hufu::flows::feed::{Format, Report, import};
use hufu::flows::relations::writer::change;
use hufu::flows::{Ctx, Stop};
use serde_json::{Value, json};

use super::contract::start;
use super::{LI, WANG, as_li, as_person, begin, get, held, post};
use crate::kit::listener::Listener;
use crate::kit::{EXAMPLE, TestApp, changed_realm, on_each_database, on_one_database};

const ZHANG: &str = "13700137000";
const ZHAO: &str = "13600136000";
const SUN: &str = "13500135000";

/// The document numbers of the people above.
fn document(phone: &str) -> &'static str {
    match phone {
        LI => "360121198802290026",
        WANG => "360102199003071236",
        ZHANG => "360402198511014512",
        ZHAO => "34052419800101001X",
        SUN => "440308199901101512",
        _ => unreachable!(),
    }
}

async fn tell(app: &TestApp, line: &Value) -> Report {
    let text = line.to_string();
    import(&app.ctx, "test", text.as_bytes(), Format::JsonLines, None).await.unwrap()
}

async fn told(app: &TestApp, line: &Value) {
    // Ids and messages are in the order of time.
    app.clock.advance(1);
    let report = tell(app, line).await;
    assert_eq!((report.applied, report.failed.len()), (1, 0), "{line} {report:?}");
}

/// A line about somebody's relation with the example enterprise.
fn relation(phone: &str, identity_type: &str, version: i64, more: Value) -> Value {
    let mut line = json!({"feed": "authorisation", "source_key": format!("{phone}-{identity_type}"),
        "version": version, "enterprise": EXAMPLE, "person": document(phone),
        "identity_type": identity_type, "valid_from": "2026-01-01"});
    let Value::Object(more) = more else { unreachable!() };
    line.as_object_mut().unwrap().extend(more);
    line
}

fn closing(status: &str) -> Value {
    json!({"feed": "enterprise", "source_key": "closing", "version": 1,
        "registration_no": "10113601000000000001", "uscc": EXAMPLE, "name": "南昌示例科技有限公司",
        "status": status, "tax_authority": "13601000000", "former_numbers": ["360102708461136"]})
}

/// Somebody's newest relation of a type with the example enterprise.
async fn newest(ctx: &Ctx, phone: &str, identity_type: &str) -> Authorisation {
    let number = hufu::domain::number::taxpayer::TaxpayerNumber::asked(EXAMPLE);
    let enterprise = ctx.rows().enterprises().find_by_number(&number).await.unwrap().unwrap().id;
    let mut all = held(ctx, phone).await;
    all.retain(|one| one.identity_type.0 == identity_type && one.enterprise == enterprise);
    all.sort_by_key(|one| one.id);
    all.pop().unwrap()
}

/// What a person was told of this relation, oldest first.
async fn messages(ctx: &Ctx, phone: &str, about: &Authorisation) -> Vec<NoticeKind> {
    let person = held(ctx, phone).await[0].person;
    let mut all = ctx.rows().notices().list(person, 100).await.unwrap();
    all.retain(|one| one.relation.as_ref().is_some_and(|of| of.authorisation == about.id));
    all.reverse();
    all.into_iter().map(|one| one.kind).collect()
}

/// Events that came for this relation since they were last taken.
async fn heard(app: &TestApp, listener: &Listener, about: &Authorisation) -> Vec<String> {
    app.deliver().await;
    let events = listener.take("/relations").into_iter();
    let events = events.map(|one| serde_json::from_str::<Value>(&one.body).unwrap());
    let about = about.id.to_string();
    let of_it = events.filter(|event| event["authorisation_id"] == about.as_str());
    of_it.map(|event| event["event"].as_str().unwrap().to_owned()).collect()
}

async fn links(ctx: &Ctx) -> i64 {
    let report = ctx.rows().records().verify_audit(&[]).await.unwrap();
    let (links, wrong) = (report.last.sequence, report.fault);
    assert_eq!(wrong, None);
    links
}

/// Covers AC-36, AC-37, AU-16, X-09, X-16: a successor, a line of its own, an enterprise that
/// closes.
#[test]
fn what_the_registry_ends_is_seen_on_both_sides() {
    on_each_database(|on| async move {
        let successor = relation(ZHAO, "finance_supervisor", 1, json!({}));
        let ended = relation(ZHANG, "finance_supervisor", 1, json!({"state": "ended"}));
        let cases =
            [("a successor", successor), ("a line", ended), ("a closed enterprise", closing("07"))];
        for (what, line) in cases {
            let (url, listener) = Listener::start().await;
            let app = start(on, &url).await;
            let mut li = as_li(&app).await;
            let before = newest(&app.ctx, ZHANG, "finance_supervisor").await;
            let links_before = links(&app.ctx).await;
            told(&app, &line).await;
            let after = newest(&app.ctx, ZHANG, "finance_supervisor").await;
            assert_eq!((after.id, after.state().name()), (before.id, "ended"), "{what}");
            let events = app.events(&after).await;
            assert_eq!(events, ["registry registry", "registry_end registry"], "{what}");
            // One link for the upload, one at least for the relation.
            assert!(links(&app.ctx).await >= links_before + 2, "{what}");
            assert_eq!(heard(&app, &listener, &after).await, ["relation.deleted"], "{what}");
            assert_eq!(messages(&app.ctx, ZHANG, &after).await, [NoticeKind::Deleted], "{what}");
            let mut zhang = super::at_door(&app, "natural_person", ("", ZHANG, "014512"), "").await;
            let own = get(&mut zhang, "/account/authorisations/history?reason=deleted").await;
            assert!(own.text.contains("税务登记 ·"), "{what}: {}", own.text);
            if what == "a closed enterprise" {
                // Nobody is left to look at it, everybody heard of their own.
                let his = newest(&app.ctx, LI, "legal_representative").await;
                assert_eq!(messages(&app.ctx, LI, &his).await, [NoticeKind::Deleted]);
                continue;
            }
            assert_eq!(messages(&app.ctx, LI, &after).await, [NoticeKind::Deleted], "{what}");
            let theirs = get(&mut li, "/account/handlers/history?reason=deleted").await;
            assert!(theirs.text.contains("税务登记 ·"), "{what}: {}", theirs.text);
        }
    });
}

/// An enterprise that closes ends whoever works for it and whoever was asked to; what is told of it
/// again ends nothing twice, and an enterprise that lives again begins anew.
#[test]
fn a_closed_enterprise_keeps_nobody() {
    on_each_database(|on| async move {
        let (url, listener) = Listener::start().await;
        let app = start(on, &url).await;
        let clerk = newest(&app.ctx, WANG, "tax_clerk").await;
        let asked = newest(&app.ctx, ZHAO, "tax_clerk").await;
        let elsewhere =
            held(&app.ctx, LI).await.into_iter().filter(|one| one.enterprise != clerk.enterprise);
        let elsewhere: Vec<_> = elsewhere.map(|one| (one.id, one.state().name())).collect();
        told(&app, &closing("07")).await;
        let after = newest(&app.ctx, WANG, "tax_clerk").await;
        assert_eq!((after.id, after.state().name()), (clerk.id, "ended"));
        let unanswered = newest(&app.ctx, ZHAO, "tax_clerk").await;
        assert_eq!((unanswered.id, unanswered.state().name()), (asked.id, "withdrawn"));
        assert_eq!(messages(&app.ctx, ZHAO, &unanswered).await, [NoticeKind::Withdrawn]);
        assert_eq!(heard(&app, &listener, &after).await, ["relation.deleted"]);
        let still =
            held(&app.ctx, LI).await.into_iter().filter(|one| one.enterprise != clerk.enterprise);
        assert_eq!(still.map(|one| (one.id, one.state().name())).collect::<Vec<_>>(), elsewhere);
        let mut again = closing("08");
        again["version"] = json!(2);
        told(&app, &again).await;
        assert_eq!(newest(&app.ctx, WANG, "tax_clerk").await.version(), after.version());
        let mut alive = closing("03");
        alive["version"] = json!(3);
        told(&app, &alive).await;
        assert_eq!(newest(&app.ctx, WANG, "tax_clerk").await.state().name(), "ended");
        let line = relation(WANG, "tax_clerk", 1, json!({"permissions": ["TAX_FILING"]}));
        told(&app, &line).await;
        let new = newest(&app.ctx, WANG, "tax_clerk").await;
        assert!(new.id != clerk.id && new.state().name() == "active");
    });
}

/// Covers X-16, AC-17, AU-04: whoever is named is told, and applications hear of what is active.
#[test]
fn what_the_registry_makes_and_changes_is_told() {
    on_each_database(|on| async move {
        let (url, listener) = Listener::start().await;
        let app = start(on, &url).await;
        let (one, two) = (json!(["INVOICE"]), json!(["INVOICE", "INVOICE_ISSUE"]));
        let asked = |permissions: &Value| {
            let (state, by) = ("pending_by_person", document(LI));
            json!({"state": state, "permissions": permissions, "invited_by": by})
        };
        let active = |permissions: &Value, valid_to: Value| json!({"permissions": permissions, "valid_to": valid_to});
        let (created, updated) = (Some("relation.created"), Some("relation.updated"));
        let (deleted, both) = (Some("relation.deleted"), true);
        let story = [
            (asked(&one), NoticeKind::Invited, !both, None),
            (asked(&two), NoticeKind::Changed, both, None),
            (active(&two, json!(null)), NoticeKind::Confirmed, both, created),
            (active(&one, json!(null)), NoticeKind::Changed, both, updated),
            (active(&one, json!("2027-12-31")), NoticeKind::Changed, both, updated),
            (active(&two, json!(null)), NoticeKind::Changed, both, updated),
            (json!({"state": "deleted"}), NoticeKind::Deleted, both, deleted),
            // Whoever is named again begins anew.
            (active(&one, json!(null)), NoticeKind::Confirmed, both, created),
            (json!({"state": "ended"}), NoticeKind::Deleted, both, deleted),
        ];
        let (mut of_sun, mut of_li, mut ids) = (Vec::new(), Vec::new(), Vec::new());
        for (version, (more, kind, managers_too, event)) in (1..).zip(story) {
            let line = relation(SUN, "invoicing_clerk", version, more);
            let links_before = links(&app.ctx).await;
            told(&app, &line).await;
            let now = newest(&app.ctx, SUN, "invoicing_clerk").await;
            if ids.last() != Some(&now.id) {
                ids.push(now.id);
                of_sun.clear();
                of_li.clear();
            }
            of_sun.push(kind);
            of_li.extend(managers_too.then_some(kind));
            assert_eq!(messages(&app.ctx, SUN, &now).await, of_sun, "{line}");
            assert_eq!(messages(&app.ctx, LI, &now).await, of_li, "{line}");
            assert_eq!(heard(&app, &listener, &now).await, event.as_slice(), "{line}");
            assert_eq!(links(&app.ctx).await, links_before + 2, "its own, and the upload's");
            // The same line, and the same words under a newer version, are no news.
            assert_eq!(tell(&app, &line).await.unchanged, 1);
            told(
                &app,
                &relation(
                    SUN,
                    "other",
                    version,
                    json!({"identity_type": "tax_clerk",
                "state": "pending_by_enterprise", "permissions": ["TAX_FILING"]}),
                ),
            )
            .await;
            assert_eq!(messages(&app.ctx, SUN, &now).await, of_sun, "{line}");
            assert!(heard(&app, &listener, &now).await.is_empty());
        }
        assert_eq!(ids.len(), 2, "one until it was deleted, one after");
    });
}

/// Whoever is named last is the one: also when the registry named them before they agreed.
#[test]
fn a_supervisor_who_confirms_follows_the_one_before() {
    on_each_database(|on| async move {
        let (url, listener) = Listener::start().await;
        let app = start(on, &url).await;
        let asked = json!({"state": "pending_by_person"});
        told(&app, &relation(ZHAO, "finance_supervisor", 1, asked)).await;
        let zhang = newest(&app.ctx, ZHANG, "finance_supervisor").await;
        assert_eq!(zhang.state().name(), "active", "nobody has followed yet");
        let zhao = newest(&app.ctx, ZHAO, "finance_supervisor").await;
        app.clock.advance(1);
        change(&app.ctx, &zhao, &Event::Confirm, By::holder(zhao.person)).await.unwrap();
        let zhang = newest(&app.ctx, ZHANG, "finance_supervisor").await;
        assert_eq!(zhang.state().name(), "ended");
        assert_eq!(messages(&app.ctx, ZHANG, &zhang).await, [NoticeKind::Deleted]);
        assert_eq!(heard(&app, &listener, &zhang).await, ["relation.deleted"]);
        assert_eq!(app.events(&zhang).await, ["registry registry", "registry_end registry"]);
        assert_eq!(app.events(&zhao).await, ["registry registry", "confirm person"]);
    });
}

/// Two lines that name one each in the same instant: neither is there yet for the other to end.
#[test]
fn of_two_supervisors_at_once_one_stays() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        told(&app, &relation(ZHANG, "finance_supervisor", 9, json!({"state": "ended"}))).await;
        for round in 0..10 {
            let barrier = Arc::new(tokio::sync::Barrier::new(2));
            let mut telling = tokio::task::JoinSet::new();
            for phone in [ZHAO, SUN] {
                let line = relation(phone, "finance_supervisor", 2 * round + 1, json!({}));
                let (ctx, barrier) = (app.ctx.clone(), Arc::clone(&barrier));
                telling.spawn(async move {
                    barrier.wait().await;
                    let text = line.to_string();
                    let told = import(&ctx, "test", text.as_bytes(), Format::JsonLines, None);
                    told.await.unwrap()
                });
            }
            for report in telling.join_all().await {
                assert_eq!((report.applied, report.failed.len()), (1, 0), "{report:?}");
            }
            let mut active = 0;
            for phone in [ZHAO, SUN] {
                let one = newest(&app.ctx, phone, "finance_supervisor").await;
                active += u32::from(one.state().name() == "active");
                let ended = json!({"state": "ended"});
                told(&app, &relation(phone, "finance_supervisor", 2 * round + 2, ended)).await;
            }
            assert_eq!(active, 1, "round {round}");
        }
    });
}

/// Of one kind there is one live relation, however the second would come about (invariant 4).
#[test]
fn a_renewal_beside_a_newer_one_is_refused() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let short = json!({"permissions": ["TAX_FILING"], "valid_to": "2026-11-25"});
        told(&app, &relation(WANG, "tax_clerk", 1, short)).await;
        app.clock.advance(3 * 86_400);
        hufu::flows::relations::expiry::run(&app.ctx).await.unwrap();
        let expired = newest(&app.ctx, WANG, "tax_clerk").await;
        assert_eq!(expired.state().name(), "expired");
        let asked = json!({"state": "pending_by_person", "permissions": ["TAX_QUERY"]});
        told(&app, &relation(WANG, "tax_clerk", 2, asked)).await;
        assert_ne!(newest(&app.ctx, WANG, "tax_clerk").await.id, expired.id);
        let by = By { actor: Actor::Manager, person: None };
        let renew = Event::Renew(Terms { valid_to: None, ..expired.terms().clone() });
        let refused = change(&app.ctx, &expired, &renew, by).await.unwrap_err();
        assert!(matches!(refused, Stop::Refused(Refusal::State)), "{refused:?}");
        let ended = json!({"state": "withdrawn"});
        told(&app, &relation(WANG, "tax_clerk", 3, ended)).await;
        change(&app.ctx, &expired, &renew, by).await.unwrap();
    });
}

/// What the person has refused or left since, or somebody has ended for good, does not come back by renewing an
/// older one: they are asked. An invitation that the manager took back says nothing of them.
/// Covers AC-21, AC-34, AU-11, AU-14.
#[test]
fn what_was_taken_back_is_not_renewed_without_asking() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let confirmed = (Event::Confirm, Actor::Holder);
        let stories = [
            (WANG, "tax_clerk", vec![(Event::Reject, Actor::Holder)], "pending_by_person"),
            (
                WANG,
                "invoicing_clerk",
                vec![confirmed.clone(), (Event::Delete, Actor::Holder)],
                "pending_by_person",
            ),
            (
                SUN,
                "invoicing_clerk",
                vec![confirmed, (Event::Delete, Actor::Officer)],
                "pending_by_person",
            ),
            (ZHAO, "invoicing_clerk", vec![(Event::Withdraw, Actor::Manager)], "active"),
        ];
        let short = json!({"permissions": ["INVOICE"], "valid_to": "2026-11-25"});
        for (phone, identity_type, ..) in &stories {
            told(&app, &relation(phone, identity_type, 1, short.clone())).await;
        }
        app.clock.advance(3 * 86_400);
        hufu::flows::relations::expiry::run(&app.ctx).await.unwrap();
        let mut li = as_li(&app).await;
        for (phone, identity_type, acts, expected) in stories {
            let old = newest(&app.ctx, phone, identity_type).await;
            assert_eq!(old.state().name(), "expired");
            let by = By { actor: Actor::Manager, person: None };
            let mut later = begin(&app, (&old, identity_type), by, &["INVOICE"]).await;
            for (event, actor) in acts {
                let by = By { actor, person: None };
                later = change(&app.ctx, &later, &event, by).await.unwrap();
            }
            let path = format!("/account/handlers/{}", old.id);
            let fields = [("act", "renew-save"), ("p-INVOICE", "yes"), ("term", "long")];
            let page = post(&app, &mut li, &path, &fields).await;
            assert_eq!(page.code(), None, "{}", page.text);
            let now = app.ctx.rows().authorisations().find(old.id).await.unwrap().unwrap();
            assert_eq!(now.state().name(), expected, "{phone} {identity_type}");
        }
    });
}

/// What the registry asks of a new finance supervisor no manager takes back or answers, and no page offers it.
/// Covers AC-35, S-12.
#[test]
fn what_the_registry_asks_is_no_managers_to_withdraw() {
    on_one_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let save = vec![("act", "confirm-save"), ("p-TAX_FILING", "yes"), ("term", "long")];
        let cases = [
            (ZHAO, "pending_by_person", vec![vec![("act", "withdraw")]]),
            (SUN, "pending_by_enterprise", vec![vec![("act", "reject")], save]),
        ];
        for (phone, state, acts) in cases {
            told(&app, &relation(phone, "finance_supervisor", 1, json!({"state": state}))).await;
            let one = newest(&app.ctx, phone, "finance_supervisor").await;
            let path = format!("/account/handlers/{}", one.id);
            let page = get(&mut li, &path).await;
            for act in ["withdraw", "reject", "confirm"] {
                let offered = page.text.contains(&format!("id=\"act-{act}\""));
                assert!(!offered, "{state} {act}: {}", page.text);
            }
            for act in acts {
                let refused = post(&app, &mut li, &path, &act).await;
                assert_eq!(refused.code(), Some("E_PROTECTED"), "{state} {act:?}");
            }
            let now = newest(&app.ctx, phone, "finance_supervisor").await;
            assert_eq!((now.version(), now.state().name()), (one.version(), state));
        }
    });
}

/// A realm that no longer has an identity type still ends what is left of it: by the clock, by a line of its own
/// and with the enterprise.
#[test]
fn what_is_left_of_a_type_that_is_gone_still_ends() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let short = json!({"permissions": ["INVOICE"], "valid_to": "2026-11-25"});
        told(&app, &relation(SUN, "invoicing_clerk", 1, short)).await;
        let gone = ("roles.toml", "[identity_types.invoicing_clerk]", "[identity_types.biller]");
        let realm = std::sync::Arc::new(changed_realm(&[gone]));
        let later = Ctx { realm, ..app.ctx.clone() };
        app.clock.advance(3 * 86_400);
        hufu::flows::relations::expiry::run(&later).await.unwrap();
        assert_eq!(newest(&later, SUN, "invoicing_clerk").await.state().name(), "expired");
        let ended = relation(WANG, "invoicing_clerk", 1, json!({"state": "ended"})).to_string();
        let report = import(&later, "test", ended.as_bytes(), Format::JsonLines, None).await;
        assert_eq!(report.unwrap().applied, 1);
        assert_eq!(newest(&later, WANG, "invoicing_clerk").await.state().name(), "ended");
        let (text, format) = (closing("07").to_string(), Format::JsonLines);
        let report = import(&later, "test", text.as_bytes(), format, None).await.unwrap();
        assert_eq!((report.applied, report.failed.len()), (1, 0), "{report:?}");
        for phone in [SUN, WANG] {
            assert_eq!(newest(&later, phone, "invoicing_clerk").await.state().name(), "ended");
        }
    });
}

/// What nobody may do, the registry may not either; the line is reported and changes nothing.
#[test]
fn the_registry_keeps_to_the_table() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let wang = newest(&app.ctx, WANG, "tax_clerk").await;
        let clerk = |more: Value| relation(WANG, "tax_clerk", 1, more);
        let lines = [
            (clerk(json!({"state": "rejected"})), "state"),
            (clerk(json!({"state": "withdrawn"})), "state"),
            (clerk(json!({"state": "expired"})), "state"),
            (clerk(json!({"state": "pending_by_person"})), "state"),
            (clerk(json!({"state": "pending_by_enterprise"})), "state"),
            (clerk(json!({"state": "asleep"})), "state"),
            (clerk(json!({"permissions": ["TAX_NONSENSE"]})), "permissions"),
            (relation(ZHAO, "tax_clerk", 1, json!({"state": "pending_by_enterprise"})), "state"),
            // Nothing to end.
            (relation(SUN, "invoicing_clerk", 1, json!({"state": "deleted"})), "state"),
            (relation(SUN, "invoicing_clerk", 1, json!({"state": "expired"})), "state"),
        ];
        for (line, field) in lines {
            let report = tell(&app, &line).await;
            assert_eq!(report.applied, 0, "{line} {report:?}");
            assert_eq!(report.failed[0].why.field.as_deref(), Some(field), "{line} {report:?}");
        }
        let now = newest(&app.ctx, WANG, "tax_clerk").await;
        assert_eq!((now.version(), now.state().name()), (wang.version(), "active"));
        // What is over already may be said to be over.
        told(&app, &clerk(json!({"state": "deleted"}))).await;
        let over = newest(&app.ctx, WANG, "tax_clerk").await;
        told(&app, &relation(WANG, "tax_clerk", 2, json!({"state": "ended"}))).await;
        let now = newest(&app.ctx, WANG, "tax_clerk").await;
        assert_eq!(
            (now.id, now.version(), now.state().name()),
            (over.id, over.version(), "deleted")
        );
    });
}

/// An enterprise that is 非正常 may be acted for, and whoever does is told on every page of theirs, and where
/// they choose; nobody else is.
#[test]
fn an_abnormal_enterprise_is_marked() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let mark = "id=\"abnormal\"";
        assert!(!get(&mut li, "/account").await.text.contains(mark));
        told(&app, &closing("05")).await;
        for page in ["/account", "/account/handlers", "/account/switch"] {
            assert!(get(&mut li, page).await.text.contains(mark), "{page}");
        }
        assert!(get(&mut li, "/account/switch").await.text.contains("非正常户</span>"));
        let mut alone = as_person(&app, LI).await;
        assert!(!get(&mut alone, "/account").await.text.contains(mark));
        app.clock.advance(1);
        let normal = Value::Object({
            let Value::Object(mut line) = closing("03") else { unreachable!() };
            line.insert("version".to_owned(), json!(2));
            line
        });
        told(&app, &normal).await;
        assert!(!get(&mut li, "/account").await.text.contains(mark));
    });
}
