//! A manager's own rows among those of the enterprise: what would give them something is not offered.

use hufu::domain::authorisation::{By, Event};
use hufu::flows::relations::writer::change;
use serde_json::json;

use super::{LI, as_li, feed, get, held, post, relation};
use crate::kit::{Browser, EXAMPLE, TestApp, on_each_database};

const SUN: &str = "13500135000";

/// The acts that the page of one row offers, and whether it says that others decide.
async fn offered(browser: &mut Browser, id: &str) -> (Vec<&'static str>, bool) {
    let page = get(browser, &format!("/account/handlers/{id}")).await;
    assert_eq!(page.status.as_u16(), 200, "{}", page.text);
    let acts = ["edit", "renew", "confirm", "reject", "withdraw", "delete"];
    let is_there = |act: &&str| page.text.contains(&format!("id=\"act-{act}\""));
    (acts.into_iter().filter(is_there).collect(), page.text.contains("须由本企业其他管理人员"))
}

/// Covers AC-21, AC-23: of their own rows a manager confirms, changes and renews none, so no page offers it and no
/// address opens the form; what takes away stays, and so does everything of others.
#[test]
fn a_manager_is_offered_nothing_that_they_would_give_themself() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let told = |version: u8, state: &str| {
            json!({"feed": "authorisation", "source_key": "own", "version": version,
                "enterprise": EXAMPLE, "person": "360121198802290026", "identity_type": "tax_clerk",
                "permissions": "TAX_QUERY", "valid_from": "2026-01-01", "state": state})
        };
        feed(&app, &[told(1, "pending_by_enterprise")]).await;
        let own = relation(&app, LI, "tax_clerk").await.id.to_string();
        let sun = held(&app.ctx, SUN).await;
        let sun = sun.iter().find(|one| one.state().name() == "pending_by_enterprise").unwrap();
        let pending = get(&mut li, "/account/handlers/pending").await;
        assert!(pending.text.contains(&format!("{}?act=confirm", sun.id)), "{}", pending.text);
        assert!(!pending.text.contains(&format!("{own}?act=confirm")), "{}", pending.text);
        assert_eq!(offered(&mut li, &sun.id.to_string()).await, (vec!["confirm", "reject"], false));
        assert_eq!(offered(&mut li, &own).await, (vec!["reject"], true));

        feed(&app, &[told(2, "active")]).await;
        assert_eq!(offered(&mut li, &own).await, (vec!["delete"], true));
        for act in ["edit", "confirm", "renew"] {
            let page = get(&mut li, &format!("/account/handlers/{own}?act={act}")).await;
            assert!(!page.text.contains("choose-permissions"), "{act}: {}", page.text);
        }
        let path = format!("/account/handlers/{own}");
        let save = [("act", "save"), ("term", "long"), ("p-TAX_FILING", "yes")];
        let refused = post(&app, &mut li, &path, &save).await;
        assert_eq!(refused.code(), Some("E_STATE"));
        assert!(!refused.text.contains("save-handler"), "{}", refused.text);

        let clerk = relation(&app, LI, "tax_clerk").await;
        change(&app.ctx, &clerk, &Event::Expire, By::CLOCK).await.unwrap();
        assert_eq!(offered(&mut li, &own).await, (vec![], true));
    });
}
