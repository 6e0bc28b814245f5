//! Help for a person at the console: who is found and seen, what each role does for them, and what of it stands
//! in the audit.

use super::{AtDesk, acts};
use crate::account::{as_person, get};
use crate::kit::{TestApp, on_each_database};
use crate::recovery::{WANG, WANG_ID, account_of};

fn person_of(page: &crate::kit::browser::Shown) -> Option<String> {
    let id = page.text.split("data-person=\"").nth(1)?.split('"').next()?;
    Some(id.to_owned())
}

/// Covers: by document, phone and username, masked, with a reason or not at all, each search in the
/// audit, also one that finds nobody; nothing that was typed stands in an address.
#[test]
fn a_person_is_found_masked_and_with_a_reason() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let account = account_of(&app, "wangxm").await;
        let mut hall = AtDesk::start(&app, "zhou", "hall").await;
        for reason in ["", "x", "two\u{7}bells"] {
            let shown = hall.send("/people", &[("person", WANG), ("reason", reason)]).await;
            assert!(person_of(&shown).is_none(), "{reason}: {}", shown.text);
            assert!([422, 400].contains(&shown.status.as_u16()), "{reason}: {}", shown.status);
        }
        for typed in [WANG_ID, WANG, "WangXM", "+8613800138000"] {
            let values = [("person", typed), ("reason", "窗口受理，叫号 A017")];
            let shown = hall.send("/people", &values).await;
            assert_eq!(person_of(&shown), Some(account.person.to_string()), "{}", shown.text);
            assert!(shown.url.ends_with("/console/people"), "{}", shown.url);
            for masked in ["王*明", "3****************6", "138******00", "w****m"] {
                assert!(shown.text.contains(masked), "{masked}: {}", shown.text);
            }
            let middle = shown.text.split("data-person").nth(1).unwrap();
            for hidden in ["王小明", WANG_ID] {
                let block = middle.split("</section>").next().unwrap();
                assert!(!block.contains(hidden), "{hidden}");
            }
        }
        let values = [("person", "13800138999"), ("reason", "窗口受理，叫号 A018")];
        let shown = hall.send("/people", &values).await;
        assert!(shown.text.contains("id=\"nobody\""), "{}", shown.text);
        let values = [("person", "王小明"), ("reason", "窗口受理，叫号 A018")];
        assert_eq!(hall.send("/people", &values).await.code(), Some("E_FORMAT"));
        let looks = acts(&app, "help_given").await;
        assert_eq!(looks.len(), 5, "{looks:?}");
        assert!(looks.iter().all(|(by, act)| by == "officer/zhou" && act == "look"));

        // By an address of its own only with a reason that still stands.
        let path = format!("/people/{}", account.person);
        assert!(person_of(&hall.get(&path).await).is_some());
        let mut fresh = AtDesk::start(&app, "fresh", "hall").await;
        let shown = fresh.get(&path).await;
        assert!(shown.url.contains("/console/matter?back="), "{}", shown.url);
        let values = [("reason", "本人电话核实"), ("act", "state")];
        let shown = fresh.browser.submit(&shown, &values).await;
        assert!(person_of(&shown).is_some(), "it goes on where it was: {}", shown.text);
        let shown = fresh.get("/people/x").await;
        assert_eq!(shown.code(), Some("E_STATE"));
    });
}

/// Covers E-09, X-19: what each role does for a person does what it says, and nothing is done for an account
/// that is not the one that was looked at.
#[test]
fn a_person_is_helped_by_what_the_roles_allow() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let account = account_of(&app, "wangxm").await;
        let path = format!("/people/{}", account.person);
        let mut hall = AtDesk::start(&app, "hall", "hall").await;
        let mut security = AtDesk::start(&app, "safe", "security").await;
        for desk in [&mut hall, &mut security] {
            desk.state("窗口受理，工单 42").await;
        }
        let mut wang = as_person(&app, WANG).await;
        let page = hall.get(&path).await;
        assert!(!page.text.contains("value=\"lock\"") && !page.text.contains("value=\"remove\""));
        let why = ("reason", "本人申请，工单 42");
        for (act, factor) in [("lock", ""), ("remove", "passkeys")] {
            let csrf = page.hidden()["csrf"].clone();
            let body = format!("csrf={csrf}&act={act}&factor={factor}&reason=asked+in+person");
            let path = format!("{}{path}", super::CONSOLE);
            let shown = hall.browser.send("POST", &path, Some(body)).await;
            assert_eq!(shown.code(), Some("E_ROLE"), "{act}");
        }
        let session = page.text.split("name=\"session\" value=\"").nth(1).expect("a session");
        let session = session.split('"').next().unwrap().to_owned();
        // Another person's sign-in is not ended from here.
        let li = account_of(&app, "chenjing").await;
        let other = hall.get(&format!("/people/{}", li.person)).await;
        let csrf = other.hidden()["csrf"].clone();
        let body = format!("csrf={csrf}&act=end-session&session={session}&reason=asked+in+person");
        let theirs = format!("{}/people/{}", super::CONSOLE, li.person);
        let shown = hall.browser.send("POST", &theirs, Some(body)).await;
        assert_eq!(shown.code(), Some("E_STATE"), "{}", shown.text);
        assert!(get(&mut wang, "/account/person").await.url.contains("/account/person"));

        let shown = hall.browser.submit(&page, &[("act", "end-sessions"), why]).await;
        assert!(shown.text.contains("已结束全部登录"), "{}", shown.text);
        assert!(get(&mut wang, "/account/person").await.url.contains("/login"));
        let shown = hall.browser.submit(&page, &[("act", "expire-password"), why]).await;
        assert!(shown.text.contains("密码已失效"), "{}", shown.text);
        let shown = hall.browser.submit(&page, &[("act", "expire-password"), why]).await;
        assert_eq!(shown.code(), Some("E_STATE"), "it is so: {}", shown.text);
        let page = security.get(&path).await;
        let shown = security.browser.submit(&page, &[("act", "lock"), why]).await;
        assert!(shown.text.contains("已锁定，所有登录已结束"), "{}", shown.text);
        let locked = account_of(&app, "wangxm").await;
        assert!(locked.help.locked_at.is_some());
        let shown = security.browser.submit(&page, &[("act", "lock"), ("reason", "")]).await;
        assert_eq!(shown.code(), Some("E_FORMAT"), "{}", shown.text);
        let own = format!("href=\"#reason-{}\"", account.person);
        assert!(shown.text.contains(&own), "not the search's: {}", shown.text);
        let page = hall.get(&path).await;
        let shown = hall.browser.submit(&page, &[("act", "unlock"), why]).await;
        assert!(shown.text.contains("已解除锁定"), "{}", shown.text);
        assert!(account_of(&app, "wangxm").await.help.locked_at.is_none());
        let done: Vec<String> = acts(&app, "help_given")
            .await
            .into_iter()
            .filter(|(_, act)| act != "look")
            .map(|(by, act)| format!("{by} {act}"))
            .collect();
        assert_eq!(
            done,
            [
                "officer/hall end-sessions",
                "officer/hall expire-password",
                "officer/safe lock",
                "officer/hall unlock"
            ]
        );
    });
}
