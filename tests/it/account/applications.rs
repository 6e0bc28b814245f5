//! What a manager decides about a person's application: on which terms, or not at all.

use hufu::domain::authorisation::HistoryReason;

use super::{WANG, as_li, as_person, as_wang, at_door, get, held, listed, post, relation};
use crate::kit::{Browser, EXAMPLE, PASSWORD, SAMPLE, TestApp, on_each_database};

const SUN: &str = "13500135000";

async fn state(app: &TestApp, phone: &str) -> String {
    relation(app, phone, "tax_clerk").await.state().name().to_owned()
}

async fn at(app: &TestApp, browser: &mut Browser, act: &str, more: &[(&str, &str)]) -> String {
    let id = relation(app, SUN, "tax_clerk").await.id;
    let fields = [&[("act", act)], more].concat();
    let page = post(app, browser, &format!("/account/handlers/{id}"), &fields).await;
    page.code().unwrap_or_default().to_owned()
}

/// Covers AC-26: the terms come first, and are the manager's, not what was wished for; nothing that
/// does not fit is taken, and nobody else decides.
#[test]
fn an_application_is_confirmed_on_the_managers_terms() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let id = relation(&app, SUN, "tax_clerk").await.id;
        let path = format!("/account/handlers/{id}");
        // What waits is seen as an application, with the two answers to it and none of the others.
        let pending = get(&mut li, "/account/handlers/pending").await;
        let hers = ("孙*".to_owned(), "办税员".to_owned(), "待企业确认".to_owned());
        assert!(listed(&pending).contains(&hers), "{}", pending.text);
        let page = get(&mut li, &path).await;
        for (button, is_there) in [
            ("act-confirm", true),
            ("act-reject", true),
            ("act-withdraw", false),
            ("act-delete", false),
        ] {
            assert_eq!(page.text.contains(button), is_there, "{button}: {}", page.text);
        }
        let (long, query) = (("term", "long"), ("p-TAX_QUERY", "yes"));
        let until = |day: &'static str| [("term", "date"), ("valid_to", day), query];
        let yesterday = until("2026-11-23");
        let no_day = until("2027-02-30");
        for (act, fields, code) in [
            ("confirm-save", &[long][..], "E_FORMAT"),
            ("confirm-save", &[long, ("p-NONSENSE", "yes")], "E_FORMAT"),
            ("confirm-save", &yesterday, "E_FORMAT"),
            ("confirm-save", &no_day, "E_FORMAT"),
            ("confirm-save", &[query], "E_FORMAT"),
            ("confirm-save", &[long, query, ("version", "9")], "E_STATE"),
            ("confirm-save", &[long, query, ("identity_type", "invoicing_clerk")], "E_IMMUTABLE"),
            // Acts upon what the enterprise asked for, or upon an active one.
            ("withdraw", &[], "E_STATE"),
            ("save", &[long, query], "E_STATE"),
            ("renew-save", &[long, query], "E_STATE"),
            ("delete", &[("sure", "yes")], "E_STATE"),
        ] {
            assert_eq!(at(&app, &mut li, act, fields).await, code, "{act} {fields:?}");
            assert_eq!(state(&app, SUN).await, "pending_by_enterprise", "{act} {fields:?}");
        }
        // A clerk of the enterprise, another enterprise's, and the person herself decide nothing.
        let mut clerk = as_wang(&app, "<strong>办税员").await;
        let mut sun = as_person(&app, SUN).await;
        for act in ["confirm-save", "reject"] {
            assert_eq!(at(&app, &mut clerk, act, &[long, query]).await, "E_ROLE", "{act}");
            assert_eq!(at(&app, &mut sun, act, &[long, query]).await, "E_ROLE", "{act}");
        }
        let own = [("act", "reject"), ("id", &*id.to_string())];
        let page = post(&app, &mut sun, "/account/authorisations", &own).await;
        assert_eq!(page.code(), Some("E_STATE"), "{}", page.text);
        assert_eq!(state(&app, SUN).await, "pending_by_enterprise");
        // The choice is shown once more; what is saved then is what she has, and she works with it.
        let chosen = post(&app, &mut li, &path, &[("act", "confirm"), query]).await;
        assert!(chosen.text.contains("尚未保存"), "{}", chosen.text);
        assert_eq!(state(&app, SUN).await, "pending_by_enterprise", "chosen is not confirmed");
        let terms = [("act", "confirm-save"), ("term", "date"), ("valid_to", "2026-12-31")];
        let saved = li.submit(&chosen, &terms).await;
        assert!(saved.text.contains("已确认"), "{}", saved.text);
        let hers = relation(&app, SUN, "tax_clerk").await;
        assert_eq!(hers.state().name(), "active");
        assert_eq!(hers.permissions().iter().collect::<Vec<_>>(), ["TAX_QUERY"]);
        assert_eq!(hers.valid_to().unwrap().to_string(), "2026-12-31");
        assert_eq!(app.events(&hers).await.last().unwrap(), "confirm enterprise");
        assert_eq!(at(&app, &mut li, "confirm-save", &[long, query]).await, "E_STATE", "once");
        assert_eq!(at(&app, &mut li, "reject", &[]).await, "E_STATE");
        drop(at_door(&app, "enterprise", (EXAMPLE, SUN, PASSWORD), "").await);
        let pending = get(&mut li, "/account/handlers/pending").await;
        assert!(!pending.text.contains("孙*"), "{}", pending.text);
    });
}

/// Covers AC-21: whoever manages the enterprise and applies to it as a person waits for another manager;
/// what they are given then they do not widen, and may leave.
#[test]
fn a_manager_decides_nothing_about_their_own_application() {
    const ZHANG: &str = "13700137000";
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let mut zhang = at_door(&app, "enterprise", (EXAMPLE, ZHANG, "014512"), "").await;
        let own = ("", ZHANG, "Spring2026+");
        let mut person = at_door(&app, "natural_person", own, "").await;
        let apply = [("number", EXAMPLE), ("identity_type", "tax_clerk"), ("sure", "yes")];
        let applied = post(&app, &mut person, "/account/authorisations/apply", &apply).await;
        assert!(applied.text.contains("申请已提交"), "{}", applied.text);
        let path = format!("/account/handlers/{}", relation(&app, ZHANG, "tax_clerk").await.id);
        let (long, query, filing) =
            (("term", "long"), ("p-TAX_QUERY", "yes"), ("p-TAX_FILING", "yes"));
        let confirm = [("act", "confirm-save"), long, query];
        let refused = post(&app, &mut zhang, &path, &confirm).await;
        assert_eq!(refused.code(), Some("E_STATE"), "{}", refused.text);
        assert_eq!(state(&app, ZHANG).await, "pending_by_enterprise");
        let confirmed = post(&app, &mut li, &path, &confirm).await;
        assert!(confirmed.text.contains("已确认"), "{}", confirmed.text);
        let wider = [("act", "save"), long, query, filing];
        let refused = post(&app, &mut zhang, &path, &wider).await;
        assert_eq!(refused.code(), Some("E_STATE"), "{}", refused.text);
        let his = relation(&app, ZHANG, "tax_clerk").await;
        assert_eq!(his.permissions().iter().collect::<Vec<_>>(), ["TAX_QUERY"]);
        let left = post(&app, &mut zhang, &path, &[("act", "delete"), ("sure", "yes")]).await;
        assert!(left.code().is_none(), "{}", left.text);
    });
}

/// Covers AC-26: what is refused stands in the histories, gives nothing, and can be applied for again.
#[test]
fn an_application_is_rejected() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let id = relation(&app, SUN, "tax_clerk").await.id;
        // Of another enterprise's manager it is nobody's.
        let own = held(&app.ctx, WANG).await;
        assert!(own.iter().all(|one| one.id != id));
        let path = format!("/account/handlers/{id}");
        let done = post(&app, &mut li, &path, &[("act", "reject")]).await;
        assert!(done.code().is_none() && done.text.contains("已拒绝"), "{}", done.text);
        let rows = app.ctx.rows();
        let entry = rows.relations().history_entry(id).await.unwrap().unwrap();
        assert_eq!((entry.reason, entry.by.side()), (HistoryReason::Rejected, "enterprise"));
        let mut sun = as_person(&app, SUN).await;
        for (browser, path) in [
            (&mut li, "/account/handlers/history?reason=rejected"),
            (&mut sun, "/account/authorisations/history?reason=rejected"),
        ] {
            let page = get(browser, path).await;
            assert_eq!(listed(&page).len(), 1, "{}", page.text);
            assert!(page.text.contains("被拒绝") && page.text.contains("企业操作"));
        }
        let pending = get(&mut li, "/account/handlers/pending").await;
        assert!(!pending.text.contains("孙*"));
        let (_, page) = super::typed(&app, "enterprise", (EXAMPLE, SUN, PASSWORD)).await;
        assert!(page.answered("code").is_none());
        let apply = [("number", EXAMPLE), ("identity_type", "tax_clerk"), ("sure", "yes")];
        let again = post(&app, &mut sun, "/account/authorisations/apply", &apply).await;
        assert!(again.text.contains("申请已提交"), "{}", again.text);
        assert_eq!(state(&app, SUN).await, "pending_by_enterprise");
        // 李芳 is a clerk of the other enterprise: its applications are not hers to decide.
        let apply = [("number", SAMPLE), ("identity_type", "invoicing_clerk"), ("sure", "yes")];
        post(&app, &mut sun, "/account/authorisations/apply", &apply).await;
        let all = held(&app.ctx, SUN).await;
        let there = all.iter().find(|one| one.identity_type.0 == "invoicing_clerk").unwrap();
        let path = format!("/account/handlers/{}", there.id);
        let refused = post(&app, &mut li, &path, &[("act", "reject")]).await;
        assert_eq!(refused.code(), Some("E_STATE"));
    });
}
