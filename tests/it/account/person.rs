//! The person's side: what waits, by scope and filter; several confirmed by one scan; rejecting,
//! ending, synchronising; one's own page.

use hufu::domain::authorisation::{Actor, By, Event, HistoryReason};
use hufu::flows::relations::writer::change;
use hufu::outbound::asked::FaceState;

use super::{LI, WANG, as_li, as_person, get, held, pass_scan, post};
use crate::kit::browser::Shown;
use crate::kit::{Browser, EXAMPLE, TestApp, on_each_database};
use crate::login::scan::{go_on, pass_face};

const OWN: &str = "/account/authorisations";

/// Two invitations for 王小明, one of the home province and one of another.
pub async fn invite(app: &TestApp) -> Vec<String> {
    let lines = [
        serde_json::json!({"feed": "enterprise", "source_key": "e-9", "version": 1,
            "registration_no": "10113301000000000099", "uscc": "91330106MA2CFJ7N8C",
            "name": "杭州远方贸易有限公司", "status": "03", "tax_authority": "13301060000",
            "province": "360000"}),
        serde_json::json!({"feed": "authorisation", "source_key": "a-8", "version": 1,
            "enterprise": "91360102MA7XYT127D", "person": "360102199003071236",
            "identity_type": "invoicing_clerk", "permissions": "INVOICE",
            "valid_from": "2026-01-01", "state": "pending_by_person",
            "invited_by": "360121198802290026"}),
        serde_json::json!({"feed": "authorisation", "source_key": "a-9", "version": 1,
            "enterprise": "91330106MA2CFJ7N8C", "person": "360102199003071236",
            "identity_type": "tax_clerk", "permissions": "TAX_QUERY",
            "valid_from": "2026-01-01", "state": "pending_by_person",
            "invited_by": "360121198802290026"}),
    ];
    let text = lines.map(|line| line.to_string()).join("\n");
    let format = hufu::flows::feed::Format::JsonLines;
    let report = hufu::flows::feed::import(&app.ctx, "test", text.as_bytes(), format, None);
    let report = report.await.unwrap();
    assert!(report.failed.is_empty(), "{:?}", report.failed);
    let all = held(&app.ctx, WANG).await;
    let waiting = all.iter().filter(|one| one.state().name() == "pending_by_person");
    waiting.map(|one| one.id.to_string()).collect()
}

/// As far as the scan.
pub async fn confirm(app: &TestApp, browser: &mut Browser, ids: &[String]) -> Shown {
    let names: Vec<String> = ids.iter().map(|id| format!("id-{id}")).collect();
    let mut fields: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "yes")).collect();
    fields.push(("act", "confirm"));
    let review = post(app, browser, OWN, &fields).await;
    assert!(review.text.contains("by-tax-app"), "{}", review.text);
    browser.submit(&review, &[("app", "tax_app")]).await
}

/// Covers AU-04, AU-05, AU-06, AU-07, AU-08, AU-09, AU-15.
#[test]
fn several_are_confirmed_by_one_scan() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let ids = invite(&app).await;
        let mut wang = as_person(&app, WANG).await;
        // The province is the tax authority's, whatever the number and the registry's field say.
        let page = get(&mut wang, OWN).await;
        assert!(page.text.contains("南昌样板") && !page.text.contains("杭州远方"));
        let page = get(&mut wang, &format!("{OWN}?scope=national")).await;
        assert!(page.text.contains("南昌样板") && page.text.contains("杭州远方"));
        for (query, shows) in [
            ("&number=91330106ma2cfj7n8c", true),
            ("&number=91330106MA2CFJ", false),
            (
                "&name=%E6%9D%AD%E5%B7%9E%E8%BF%9C%E6%96%B9%E8%B4%B8%E6%98%93%E6%9C%89%E9%99%90%E5%85%AC%E5%8F%B8",
                true,
            ),
            ("&name=%E6%9D%AD%E5%B7%9E", false),
            ("&identity_type=tax_clerk", true),
            ("&identity_type=invoicing_clerk", false),
        ] {
            let page = get(&mut wang, &format!("{OWN}?scope=national{query}")).await;
            assert_eq!(page.text.contains("杭州远方"), shows, "{query}");
        }
        let held_page = get(&mut wang, &format!("{OWN}/held?scope=national")).await;
        assert!(!held_page.text.contains("杭州远方"), "not yet active");
        // Nothing is confirmed before the scan has passed, nor after it has failed.
        // What has changed since it was shown is shown once more.
        let names: Vec<String> = ids.iter().map(|id| format!("id-{id}")).collect();
        let ticks: Vec<_> = names.iter().map(|name| (name.as_str(), "yes")).collect();
        let review = [&ticks[..], &[("act", "confirm")]].concat();
        let review = post(&app, &mut wang, OWN, &review).await;
        let edited =
            "UPDATE authorisation SET version = version + 1 WHERE state = 'pending_by_person'";
        app.sql(edited).await;
        let again = wang.submit(&review, &[("app", "tax_app")]).await;
        assert_eq!(again.code(), Some("E_STATE"), "{}", again.text);
        let scan = wang.submit(&again, &[("app", "tax_app")]).await;
        assert!(scan.url.contains("/login/second_factor"), "{}", scan.url);
        // And what changes between this page and the phone is not agreed to either.
        app.sql(edited).await;
        let late = pass_scan(&app, &mut wang, &scan).await;
        assert_eq!(late.text.matches("data-code=\"E_STATE\"").count(), 2, "{}", late.text);
        app.clock.advance(61);
        let scan = confirm(&app, &mut wang, &ids).await;
        assert!(scan.url.contains("/login/second_factor"), "{}", scan.url);
        let early = crate::login::scan::go_on(&mut wang, &scan).await;
        assert_eq!(early.code(), Some("E_STATE"));
        let all = held(&app.ctx, WANG).await;
        assert_eq!(all.iter().filter(|one| one.state().name() == "pending_by_person").count(), 2);
        // One was withdrawn meanwhile: told singly, the other goes through.
        let his = all
            .iter()
            .find(|one| {
                one.identity_type.0 == "invoicing_clerk"
                    && one.state().name() == "pending_by_person"
            })
            .unwrap();
        let by = By { actor: Actor::Manager, person: None };
        change(&app.ctx, his, &Event::Withdraw, by).await.unwrap();
        let done = pass_scan(&app, &mut wang, &scan).await;
        assert!(done.text.contains("杭州远方") && done.text.contains("已确认"), "{}", done.text);
        assert!(done.text.contains("class=\"menu\""), "{}", done.text);
        assert!(done.text.contains("E_STATE"), "{}", done.text);
        let held_page = get(&mut wang, &format!("{OWN}/held?scope=national")).await;
        assert!(held_page.text.contains("杭州远方"), "{}", held_page.text);
        // Used once.
        let again = crate::login::scan::go_on(&mut wang, &scan).await;
        assert!(again.url.ends_with("/signed-in") && !again.text.contains("已确认"));
        // Nothing ticked, nothing done.
        let none = post(&app, &mut wang, OWN, &[("act", "confirm")]).await;
        assert_eq!(none.code(), Some("E_FORMAT"));
    });
}

/// The end of one scan clicked several times at once, and two tabs whose scans have both passed: each relation is
/// confirmed once, with one event and one trace, told once, and nothing fails. Covers AU-08, AU-09, X-15.
#[test]
fn a_batch_that_is_confirmed_twice_at_once_is_confirmed_once() {
    on_each_database(|on| async move {
        for n_scans in [1, 2] {
            let app = TestApp::start(on).await;
            let ids = invite(&app).await;
            let mut wang = as_person(&app, WANG).await;
            let mut scans = Vec::new();
            for _ in 0..n_scans {
                scans.push(confirm(&app, &mut wang, &ids).await);
            }
            for scan in &scans {
                assert_eq!(pass_face(&app, scan, FaceState::Passed).await.code(), None);
            }
            let mut clicks = tokio::task::JoinSet::new();
            for at in 0..6 {
                let (mut browser, scan) = (wang.clone(), scans[at % n_scans].clone());
                clicks.spawn(async move { go_on(&mut browser, &scan).await });
            }
            let answers = clicks.join_all().await;
            for answer in &answers {
                assert!(answer.status.as_u16() < 500, "{} {}", answer.status, answer.text);
            }
            let told: Vec<&Shown> =
                answers.iter().filter(|one| one.text.contains("授权确认结果")).collect();
            assert_eq!(told.len(), n_scans, "each scan ends once");
            let count = |what: &str| -> usize {
                told.iter().map(|page| page.text.matches(what).count()).sum()
            };
            assert_eq!(count("已确认。"), ids.len());
            assert_eq!(count("<li data-code=\"E_STATE\""), (n_scans - 1) * ids.len());
            let mut all = held(&app.ctx, WANG).await;
            all.retain(|one| ids.contains(&one.id.to_string()));
            assert_eq!(all.len(), ids.len());
            let audit = app.audit().await;
            for one in &all {
                assert_eq!(one.state().name(), "active");
                assert_eq!(app.events(one).await, ["registry registry", "confirm person"]);
                let id = one.id.to_string();
                let of_it = audit.iter().filter(|line| line["authorisation"] == id.as_str());
                assert_eq!(of_it.filter(|line| line["event"] == "confirm").count(), 1);
                let pushed = app.ctx.rows().deliveries().about(&id).await.unwrap();
                assert_eq!(pushed.len(), 1, "relation.created, once");
            }
        }
    });
}

/// Covers AU-10, AU-11, AU-14, AU-17.
#[test]
fn a_person_rejects_ends_and_clears_only_their_own_view() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let ids = invite(&app).await;
        let mut wang = as_person(&app, WANG).await;
        let reject = [("act", "reject"), ("id", ids[0].as_str())];
        let done = post(&app, &mut wang, OWN, &reject).await;
        assert!(done.text.contains("已拒绝"), "{}", done.text);
        assert_eq!(post(&app, &mut wang, OWN, &reject).await.code(), Some("E_STATE"));
        let own = get(&mut wang, &format!("{OWN}/history?reason=rejected")).await;
        assert!(own.text.contains("class=\"people\""), "{}", own.text);
        // Ending asks once more.
        let all = held(&app.ctx, WANG).await;
        let clerk = all
            .iter()
            .find(|one| one.identity_type.0 == "tax_clerk" && one.state().name() == "active")
            .unwrap();
        let id = clerk.id.to_string();
        let review = post(&app, &mut wang, OWN, &[("act", "delete"), ("id", &id)]).await;
        assert!(review.text.contains("delete-sure"));
        let ended = wang.submit(&review, &[("sure", "yes")]).await;
        assert!(ended.text.contains("您不能再以该身份办税"), "{}", ended.text);
        let rows = app.ctx.rows();
        let entry = rows.relations().history_entry(clerk.id).await.unwrap().unwrap();
        assert_eq!((entry.reason, entry.by), (HistoryReason::Deleted, Actor::Holder));
        // Cleared here, still there for the enterprise.
        let path = format!("{OWN}/history");
        let asked = post(&app, &mut wang, &path, &[("reason", "deleted")]).await;
        assert!(asked.text.contains("clear-sure"));
        let cleared = wang.submit(&asked, &[("sure", "yes")]).await;
        assert!(cleared.text.contains("已清除 1 条"), "{}", cleared.text);
        let mut li = as_li(&app).await;
        let theirs = get(&mut li, "/account/handlers/history?reason=deleted").await;
        assert!(theirs.text.contains("王*明"), "{}", theirs.text);
        // A legal representative cannot end it, a finance supervisor can (DEC-16).
        let mut li = as_person(&app, LI).await;
        let lr = held(&app.ctx, LI).await;
        let lr = lr.iter().find(|one| one.identity_type.0 == "legal_representative").unwrap();
        let fields = [("act", "delete"), ("id", &lr.id.to_string()), ("sure", "yes")];
        assert_eq!(post(&app, &mut li, OWN, &fields).await.code(), Some("E_PROTECTED"));
        let door = ("", "13700137000", "014512");
        let mut zhang = super::at_door(&app, "natural_person", door, "").await;
        let fs = held(&app.ctx, "13700137000").await[0].id.to_string();
        let fields = [("act", "delete"), ("id", fs.as_str()), ("sure", "yes")];
        assert!(post(&app, &mut zhang, OWN, &fields).await.text.contains("已解除与该企业的关联"));
    });
}

/// Covers AC-41, AC-43, PC-02.
#[test]
fn ones_own_page_is_masked_and_leads_on() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_person(&app, WANG).await;
        let page = get(&mut wang, "/account").await;
        assert!(page.url.ends_with("/account/person"), "{}", page.url);
        for shown in ["王*明", "3601**********1236", "138****8000", "信息完整度", "未完善"]
        {
            assert!(page.text.contains(shown), "{shown}: {}", page.text);
        }
        assert!(!page.text.contains("360102199003071236") && page.text.contains("/account/level"));
        let key = page.text.split("name=\"field\" value=\"field-document").nth(1).unwrap();
        let key = format!("field-document{}", key.split('"').next().unwrap());
        let open = post(&app, &mut wang, "/account/person", &[("field", &key)]).await;
        assert!(open.text.contains("360102199003071236"), "{}", open.text);
        let again = get(&mut wang, "/account/person").await;
        assert!(!again.text.contains("360102199003071236"), "hidden again");
    });
}

/// A month by default, other ranges, own entries; the enterprise's for managers.
#[test]
fn the_log_shows_a_month_of_ones_own_sign_ins() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wrong = app.browser();
        let page = wrong.get(&crate::kit::authorize_url(&crate::kit::FILING, &[])).await;
        wrong.type_credentials(&page, (EXAMPLE, WANG, "Wrong2026!")).await;
        drop(super::as_wang(&app, "<strong>办税员").await);
        app.clock.advance(35 * 86_400);
        let mut wang = super::as_wang(&app, "<strong>办税员").await;
        let page = get(&mut wang, "/account/log").await;
        assert!(page.text.contains("2026-11-29"), "the same day of the month before");
        assert_eq!(page.text.matches("<tr><td>").count(), 1, "{}", page.text);
        assert!(page.text.contains("127.0.0.*") && page.text.contains("企业业务"));
        let all = get(&mut wang, "/account/log?from=2026-11-01&to=2026-12-31").await;
        assert_eq!(all.text.matches("<tr><td>").count(), 3, "{}", all.text);
        assert!(all.text.contains("密码不正确") && !all.text.contains("E_CREDENTIALS"));
        let newest = all.text.find("2026-12-29").unwrap();
        assert!(newest < all.text.find("2026-11-24").unwrap(), "newest first");
        assert!(page.text.contains("办税员 · 南昌示例科技有限公司"), "{}", page.text);
        for (filter, n) in [
            ("outcome=ok", 2),
            ("outcome=refused", 1),
            ("way=password", 3),
            ("way=passkey", 0),
            ("way=nonsense&outcome=x", 3),
            ("offset=18446744073709551615", 0),
        ] {
            let path = format!("/account/log?from=2026-11-01&{filter}");
            let found = get(&mut wang, &path).await;
            assert_eq!(found.text.matches("<tr><td>").count(), n, "{filter}: {}", found.text);
        }
        let refused = get(&mut wang, "/account/log?of=enterprise").await;
        assert_eq!(refused.code(), Some("E_ROLE"));
        let table = get(&mut wang, "/account/log.csv?from=2026-11-01").await;
        assert_eq!(table.header("content-type").as_deref(), Some("text/csv; charset=utf-8"));
        assert_eq!(table.text.lines().count(), 4);
        let mut li = as_li(&app).await;
        let page = get(&mut li, "/account/log?of=enterprise&from=2026-11-01").await;
        assert!(page.text.contains("王*明") && page.text.contains("李*"), "{}", page.text);
        let mut chen = as_person(&app, WANG).await;
        let own = get(&mut chen, "/account/log").await;
        assert!(!own.text.contains("李*"));
    });
}
