//! The enterprise's side: added and confirmed by two, changed in two steps, ended at once, history.

use std::sync::Arc;

use hufu::domain::authorisation::{Actor, By, Event, Origin};
use hufu::flows::Stop;
use hufu::flows::relations::writer::change;

use super::{LI, NEW, WANG, as_li, as_person, as_wang, begin, get, held, id_of, post};
use crate::kit::browser::Shown;
use crate::kit::{Browser, EXAMPLE, FILING, PASSWORD, TestApp, authorize_url, on_each_database};

pub async fn add(app: &TestApp, li: &mut Browser, more: &[(&str, &str)]) -> Shown {
    let mut fields: Vec<(&str, &str)> = NEW.to_vec();
    for (name, value) in more {
        fields.retain(|(known, _)| known != name);
        fields.push((name, value));
    }
    fields.retain(|(_, value)| !value.is_empty());
    post(app, li, "/account/handlers/add", &fields).await
}

/// Covers AC-13, AC-14, AC-15, AC-16, AC-17, AC-18, AC-21, AC-23, AC-24, AC-25.
#[test]
fn a_handler_is_added_after_the_risk_is_acknowledged() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        // What does not fit the type cannot be ticked, and is refused when it is sent all the same.
        let page = get(&mut li, "/account/handlers/add?identity_type=invoicing_clerk").await;
        let tick = page.text.split("name=\"p-TAX_FILING\"").nth(1).unwrap();
        assert!(tick.split('>').next().unwrap().contains("disabled"));
        for (wrong, code) in [
            (vec![("identity_type", "invoicing_clerk")], "E_FORMAT"),
            (vec![("identity_type", "legal_representative")], "E_FORMAT"),
            (vec![("identity_type", "finance_supervisor")], "E_FORMAT"),
            (vec![("p-TAX_FILING", ""), ("p-TAX_QUERY", "")], "E_FORMAT"),
            (vec![("term", "date"), ("valid_to", "2026-11-23")], "E_FORMAT"),
            (vec![("term", "date"), ("valid_to", "")], "E_FORMAT"),
            (vec![("document", "360102199912318882")], "E_FORMAT"),
            (vec![("name", " ")], "E_FORMAT"),
        ] {
            let refused = add(&app, &mut li, &wrong).await;
            assert_eq!(refused.code(), Some(code), "{wrong:?}");
        }
        // Nothing happens before the risk is acknowledged, or when it is turned down.
        let asked = add(&app, &mut li, &[]).await;
        assert!(asked.text.contains("风险提示"), "{}", asked.text);
        add(&app, &mut li, &[("act", "back")]).await;
        let pending = get(&mut li, "/account/handlers/pending").await;
        assert!(!pending.text.contains("陈*"), "nothing was added");
        // Another's name, oneself, a double.
        let named = add(&app, &mut li, &[("name", "陈静静"), ("risk", "yes")]).await;
        assert_eq!(named.code(), Some("E_FORMAT"));
        assert!(!named.text.contains("value=\"陈静\""), "the right name is not told");
        let own = [("name", "李芳"), ("document", "360121198802290026"), ("risk", "yes")];
        assert_eq!(add(&app, &mut li, &own).await.code(), Some("E_STATE"));
        let added = li.submit(&asked, &[("risk", "yes")]).await;
        assert!(added.text.contains("添加成功"), "{}", added.text);
        assert_eq!(add(&app, &mut li, &[("risk", "yes")]).await.code(), Some("E_STATE"));
        let pending = get(&mut li, "/account/handlers/pending").await;
        assert!(pending.text.contains("陈*") && pending.text.contains("企业发起"));
        // Both origins stand there, each with its own acts.
        assert!(pending.text.contains("个人发起"), "孙丽 has applied");
        // Withdrawn: gone from both pending lists, in both histories.
        let id = id_of(&added.url);
        let detail = get(&mut li, &format!("/account/handlers/{id}")).await;
        assert!(detail.text.contains("纳税申报"), "the permissions are shown");
        let path = format!("/account/handlers/{id}");
        let done = post(&app, &mut li, &path, &[("act", "withdraw")]).await;
        assert!(done.text.contains("已撤回"));
        let history = get(&mut li, "/account/handlers/history?reason=withdrawn").await;
        assert!(history.text.contains("陈*"), "{}", history.text);
        let again =
            post(&app, &mut li, &format!("/account/handlers/{id}"), &[("act", "withdraw")]).await;
        assert_eq!(again.code(), Some("E_STATE"));
    });
}

/// What is known of a number is not told by asking: another enterprise's name for it neither, and of somebody who has
/// given their account up another name is refused and counted as ever. Covers AC-23, AC-37, AC-38.
#[test]
fn another_enterprises_name_for_a_number_is_not_shown() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let number = ("document", "110101199003074514");
        let known = [number, ("name", "钱多"), ("risk", "yes")];
        assert_eq!(add(&app, &mut li, &known).await.code(), None);
        // She manages an agency, too.
        let own = super::relation(&app, LI, "legal_representative").await;
        let mut all = held(&app.ctx, LI).await;
        all.retain(|one| {
            one.identity_type == own.identity_type && one.enterprise != own.enterprise
        });
        let acting = hufu::domain::acting::Acting::Enterprise(all[0].id);
        let amr = ["pwd", "sms", "mfa"];
        let mut other = crate::login::level::with_session(&app, LI, acting, &amr).await;
        let guessed = [number, ("name", "周大福"), ("risk", "yes")];
        let added = add(&app, &mut other, &guessed).await;
        let names = |page: &Shown| -> Vec<String> {
            super::listed(page).into_iter().map(|(name, ..)| name).collect()
        };
        assert!(added.text.contains("周*福") && !added.text.contains("钱*"), "{}", added.text);
        let pending = get(&mut other, "/account/handlers/pending").await;
        assert_eq!(names(&pending), ["周*福"]);
        let path = format!("/account/handlers/{}", id_of(&added.url));
        assert_eq!(post(&app, &mut other, &path, &[("act", "withdraw")]).await.code(), None);
        for (name, n_found) in [("%E9%92%B1", 0), ("%E5%91%A8", 1)] {
            let path = format!("/account/handlers/history?reason=withdrawn&name={name}");
            let page = get(&mut other, &path).await;
            assert_eq!(names(&page).len(), n_found, "{name}: {}", page.text);
        }
        let pending = get(&mut li, "/account/handlers/pending").await;
        assert!(names(&pending).contains(&"钱*".to_owned()), "{}", pending.text);
        // 陈静, who has given her account up.
        app.sql("UPDATE person SET real_name_level = 1").await;
        app.sql("UPDATE account SET status = 'cancelled' WHERE username = 'chenjing'").await;
        let refused = add(&app, &mut li, &[("name", "陈大静"), ("risk", "yes")]).await;
        assert_eq!(refused.code(), Some("E_FORMAT"), "{}", refused.text);
        let audit = app.audit().await;
        assert!(audit.iter().any(|one| one["action"] == "handler_name_refused"));
        assert_eq!(add(&app, &mut li, &[("risk", "yes")]).await.code(), None, "her own name");
    });
}

/// Covers AC-17: somebody whom nobody knows yet waits, too, and finds the authorisation once they
/// have an account.
#[test]
fn an_unknown_person_can_be_invited() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let unknown = [("name", "钱多"), ("document", "110101199003074514"), ("risk", "yes")];
        let added = add(&app, &mut li, &unknown).await;
        assert!(added.text.contains("添加成功"), "{}", added.text);
        let line = serde_json::json!({"feed": "person", "source_key": "p-1", "version": 1,
            "name": "钱多", "document": "110101199003074514", "phone": "13911139111"});
        let text = line.to_string();
        let format = hufu::flows::feed::Format::JsonLines;
        let done = hufu::flows::feed::import(&app.ctx, "test", text.as_bytes(), format, None);
        assert_eq!(done.await.unwrap().failed.len(), 0);
        let pending = held(&app.ctx, "13911139111").await;
        assert_eq!(pending.len(), 1);
        assert_eq!(pending[0].state().name(), "pending_by_person");
    });
}

/// Covers AC-22, AU-01, AU-02, AU-03: a person applies, a manager sets permissions and
/// confirms; nothing before.
#[test]
fn a_manager_decides_about_an_application() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut chen = as_person(&app, WANG).await;
        let sample = "91360102MA7XYT127D";
        let path = "/account/authorisations/apply";
        for (number, code) in [("91360102MA7XYT1270", "E_FORMAT"), ("nonsense", "E_FORMAT")] {
            let fields = [("number", number), ("identity_type", "tax_clerk")];
            assert_eq!(post(&app, &mut chen, path, &fields).await.code(), Some(code));
        }
        let fields =
            [("number", EXAMPLE), ("identity_type", "legal_representative"), ("sure", "yes")];
        assert_eq!(post(&app, &mut chen, path, &fields).await.code(), Some("E_FORMAT"));
        let fields = [("number", EXAMPLE), ("identity_type", "tax_clerk"), ("sure", "yes")];
        let double = post(&app, &mut chen, path, &fields).await;
        assert_eq!(double.code(), Some("E_STATE"), "he is its clerk already");
        let look = [("number", sample), ("identity_type", "tax_clerk")];
        let look = post(&app, &mut chen, path, &look).await;
        assert!(
            look.text.contains("南昌样板**商贸有限") || look.text.contains("南昌样板"),
            "masked"
        );
        assert!(!look.text.contains("南昌样板商贸有限公司"));
        let applied = chen.submit(&look, &[("sure", "yes")]).await;
        assert!(applied.text.contains("申请已提交"), "{}", applied.text);
        // 孙丽 has applied to 李芳's enterprise.
        let mut li = as_li(&app).await;
        let sun = held(&app.ctx, "13500135000").await;
        let waiting = sun.iter().find(|one| one.state().name() == "pending_by_enterprise").unwrap();
        let path = format!("/account/handlers/{}", waiting.id);
        let none = post(&app, &mut li, &path, &[("act", "confirm-save"), ("term", "long")]).await;
        assert_eq!(none.code(), Some("E_FORMAT"), "permissions come first");
        let grant = [("act", "confirm-save"), ("term", "long"), ("p-TAX_QUERY", "yes")];
        let done = post(&app, &mut li, &path, &grant).await;
        assert!(done.text.contains("已确认"), "{}", done.text);
        let again = post(&app, &mut li, &path, &grant).await;
        assert_eq!(again.code(), Some("E_STATE"));
        let sun = super::at_door(&app, "enterprise", (EXAMPLE, "13500135000", PASSWORD), "").await;
        drop(sun);
        // 赵强 was invited; his own rejection stands in both histories.
        let mut zhao = as_person(&app, "13600136000").await;
        let his = held(&app.ctx, "13600136000").await[0].clone();
        let reject = [("act", "reject"), ("id", &his.id.to_string())];
        let done = post(&app, &mut zhao, "/account/authorisations", &reject).await;
        assert!(done.text.contains("已拒绝"), "{}", done.text);
        let own = get(&mut zhao, "/account/authorisations/history?reason=rejected").await;
        let theirs = get(&mut li, "/account/handlers/history?reason=rejected").await;
        assert!(own.text.contains("南昌示例科技") && theirs.text.contains("赵*"));
    });
}

/// Two managers confirm one application with several clicks at the same moment: it is confirmed once, with one
/// event; all others hear that it has changed. Covers AC-26, X-15.
#[test]
fn an_application_is_confirmed_once_by_many_clicks() {
    on_each_database(|on| async move {
        let app = Arc::new(TestApp::start(on).await);
        let door = (EXAMPLE, "13700137000", "014512");
        let managers = [as_li(&app).await, super::at_door(&app, "enterprise", door, "").await];
        let sun = held(&app.ctx, "13500135000").await;
        let waiting = sun.iter().find(|one| one.state().name() == "pending_by_enterprise").unwrap();
        let path = format!("/account/handlers/{}", waiting.id);
        let mut clicks = tokio::task::JoinSet::new();
        for at in 0..6 {
            let (app, path) = (Arc::clone(&app), path.clone());
            let mut browser = managers[at % 2].clone();
            clicks.spawn(async move {
                let grant = [("act", "confirm-save"), ("term", "long"), ("p-TAX_QUERY", "yes")];
                post(&app, &mut browser, &path, &grant).await
            });
        }
        let answers = clicks.join_all().await;
        let done = answers.iter().filter(|one| one.url.ends_with("?done=confirmed")).count();
        let late = answers.iter().filter(|one| one.code() == Some("E_STATE")).count();
        assert_eq!((done, late), (1, 5));
        let events = app.events(waiting).await;
        let confirmed: Vec<_> = events.iter().filter(|one| one.starts_with("confirm")).collect();
        assert_eq!(confirmed, ["confirm enterprise"]);
        let now = app.ctx.rows().authorisations().find(waiting.id).await.unwrap().unwrap();
        assert_eq!(now.state().name(), "active");
        assert_eq!(now.permissions().iter().collect::<Vec<_>>(), ["TAX_QUERY"]);
    });
}

/// Covers AC-28, AC-29, AC-30, AC-32, AC-33, AC-34, AC-35, AC-36.
#[test]
fn a_handler_is_changed_in_two_steps_and_ended_at_once() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_wang(&app, "<strong>办税员").await;
        let mut li = as_li(&app).await;
        let list = get(&mut li, "/account/handlers").await;
        for shown in ["王*明", "张*", "法定代表人", "办税员"] {
            assert!(list.text.contains(shown), "{shown}");
        }
        assert!(!list.text.contains("360102199003071236"), "numbers are masked");
        let his = held(&app.ctx, WANG).await;
        let clerk = his.iter().find(|one| one.identity_type.0 == "tax_clerk").unwrap();
        let path = format!("/account/handlers/{}", clerk.id);
        // The first step only chooses.
        let chosen = [("act", "edit"), ("p-TAX_QUERY", "yes")];
        let form = post(&app, &mut li, &path, &chosen).await;
        assert!(form.text.contains("尚未保存"), "{}", form.text);
        let now = held(&app.ctx, WANG).await;
        assert!(now.iter().any(|one| one.permissions().len() == 3), "nothing was saved");
        let typed = post(&app, &mut li, &path, &[("act", "save"), ("identity_type", "x")]).await;
        assert_eq!(typed.code(), Some("E_IMMUTABLE"));
        let saved = li.submit(&form, &[("act", "save"), ("term", "long")]).await;
        assert!(saved.text.contains("已保存"), "{}", saved.text);
        // Registry's people are only looked at.
        let fs = held(&app.ctx, "13700137000").await[0].id.to_string();
        let own = held(&app.ctx, LI).await;
        let lr = own.iter().find(|one| one.enterprise == clerk.enterprise).unwrap().id.to_string();
        for id in [fs, lr] {
            let path = format!("/account/handlers/{id}");
            let page = get(&mut li, &path).await;
            assert!(page.text.contains("只能查看"), "{}", page.text);
            let delete = [("act", "delete"), ("sure", "yes")];
            assert_eq!(post(&app, &mut li, &path, &delete).await.code(), Some("E_PROTECTED"));
            let save = [("act", "save"), ("term", "long"), ("p-TAX_QUERY", "yes")];
            assert_eq!(post(&app, &mut li, &path, &save).await.code(), Some("E_PROTECTED"));
        }
        // Deleting asks once more, then works at once.
        let asked = post(&app, &mut li, &path, &[("act", "delete")]).await;
        assert!(asked.text.contains("delete-sure"));
        assert_eq!(get(&mut wang, "/account").await.status.as_u16(), 200);
        let done = li.submit(&asked, &[("sure", "yes"), ("act", "delete")]).await;
        assert!(done.text.contains("不能再以本企业“办税员”身份办税"), "{}", done.text);
        let gone = get(&mut wang, "/account").await;
        assert!(gone.url.contains("/login"), "his session has ended: {}", gone.url);
        let renew = [("act", "renew-save"), ("term", "long"), ("p-TAX_QUERY", "yes")];
        assert_eq!(post(&app, &mut li, &path, &renew).await.code(), Some("E_STATE"), "no undelete");
        // History: three tabs, a fuzzy search, and a view that clears for one side alone.
        let history = "/account/handlers/history?reason=deleted";
        for (query, is_found) in [
            ("", true),
            ("&name=%E5%B0%8F", true),
            ("&name=%E8%B5%B5", false),
            ("&identity_type=tax_clerk", true),
            ("&identity_type=invoicing_clerk", false),
        ] {
            let page = get(&mut li, &format!("{history}{query}")).await;
            assert_eq!(page.text.contains("王*明"), is_found, "{query}");
        }
        let clear = [("reason", "deleted")];
        let asked = post(&app, &mut li, "/account/handlers/history", &clear).await;
        assert!(asked.text.contains("clear-sure") && asked.text.contains("王*明"));
        let cleared = li.submit(&asked, &[("sure", "yes")]).await;
        assert!(cleared.text.contains("已清除 1 条"), "{}", cleared.text);
        assert!(!get(&mut li, history).await.text.contains("王*明"));
        let mut own = as_person(&app, WANG).await;
        let theirs = get(&mut own, "/account/authorisations/history?reason=deleted").await;
        assert!(theirs.text.contains("南昌示例科技"), "the other side still sees it");
        let rows = app.ctx.rows();
        let entry = rows.relations().history_entry(clerk.id).await.unwrap().unwrap();
        assert!(entry.hidden_for_enterprise_at.is_some() && entry.hidden_for_person_at.is_none());
        // Added again, confirmed again.
        let again = [("name", "王小明"), ("document", "360102199003071236"), ("risk", "yes")];
        assert!(add(&app, &mut li, &again).await.text.contains("添加成功"));
    });
}

/// Covers AC-27: what the hall made is changed in the hall.
#[test]
fn what_the_hall_made_is_not_withdrawn_online() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let known = held(&app.ctx, "13600136000").await.remove(0);
        let by = By { actor: Actor::Officer, person: None };
        let one = begin(&app, (&known, "invoicing_clerk"), by, &["INVOICE"]).await;
        assert_eq!(one.origin, Origin::Hall);
        let path = format!("/account/handlers/{}", one.id);
        let page = get(&mut li, &path).await;
        assert!(!page.text.contains("act-withdraw"));
        assert!(page.text.contains("线下添加，无法线上撤回"), "{}", page.text);
        for fields in [
            vec![("act", "withdraw")],
            vec![("act", "save"), ("term", "long"), ("p-INVOICE", "yes")],
        ] {
            let refused = post(&app, &mut li, &path, &fields).await;
            assert_eq!(refused.code(), Some("E_OFFLINE_ONLY"), "{fields:?}");
            assert!(refused.text.contains("办税服务厅"));
        }
    });
}

/// Covers X-16: each act is told to the other side; what runs out is told before, and ends.
#[test]
fn each_act_is_told_to_the_other_side_and_terms_end_by_themselves() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let term = [
            ("term", "date"),
            ("valid_to", "2026-12-01"),
            ("risk", "yes"),
            ("name", "王小明"),
            ("document", "360102199003071236"),
            ("identity_type", "tax_clerk"),
        ];
        assert_eq!(add(&app, &mut li, &term).await.code(), Some("E_STATE"), "he is one already");
        let mut wang = as_person(&app, WANG).await;
        let his = held(&app.ctx, WANG).await;
        let clerk = his.iter().find(|one| one.identity_type.0 == "tax_clerk").unwrap();
        let path = format!("/account/handlers/{}", clerk.id);
        let save =
            [("act", "save"), ("term", "date"), ("valid_to", "2026-12-01"), ("p-TAX_QUERY", "yes")];
        post(&app, &mut li, &path, &save).await;
        let told = get(&mut wang, "/account/messages").await;
        assert!(told.text.contains("权限或有效期已变更"), "{}", told.text);
        // Seven days before, once however often the job runs.
        for _ in 0..3 {
            hufu::flows::relations::expiry::run(&app.ctx).await.unwrap();
        }
        let told = get(&mut wang, "/account/messages").await;
        assert_eq!(told.text.matches("授权即将到期").count(), 1, "{}", told.text);
        // Looking reads nothing; the page's form does.
        let again = get(&mut wang, "/account/messages").await;
        assert!(again.text.contains("data-read") && !again.text.contains("class=\"grey\""));
        let read = wang.submit(&again, &[("act", "read")]).await;
        assert!(!read.text.contains("data-read") && read.text.contains("class=\"grey\""));
        app.clock.advance(8 * 86_400);
        assert!(hufu::flows::relations::expiry::run(&app.ctx).await.unwrap() >= 1);
        let now = held(&app.ctx, WANG).await;
        let clerk = now.iter().find(|one| one.id == clerk.id).unwrap();
        assert_eq!(clerk.state().name(), "expired");
        let mut wang = as_person(&app, WANG).await;
        assert!(get(&mut wang, "/account/messages").await.text.contains("授权已过期"));
        // An invitation that nobody answers for a month is over, too.
        app.clock.advance(31 * 86_400);
        hufu::flows::relations::expiry::run(&app.ctx).await.unwrap();
        assert_eq!(held(&app.ctx, "13600136000").await[0].state().name(), "expired");
        let mut li = as_li(&app).await;
        let renew = [("act", "renew-save"), ("term", "long"), ("p-TAX_QUERY", "yes")];
        let done = post(&app, &mut li, &path, &renew).await;
        assert!(done.text.contains("已保存"), "{}", done.text);
        let now = held(&app.ctx, WANG).await;
        assert!(now.iter().any(|one| one.id == clerk.id && one.state().name() == "active"));
    });
}

/// Covers X-15: of a confirmation and a withdrawal at once exactly one wins, with one entry.
#[test]
fn of_two_acts_at_once_one_wins() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut one = held(&app.ctx, "13600136000").await.remove(0);
        for _ in 0..64 {
            let race = |event: Event, actor: Actor| {
                let (ctx, one) = (app.ctx.clone(), one.clone());
                let by = By { actor, person: None };
                tokio::spawn(
                    async move { Stop::refusal(change(&ctx, &one, &event, by).await).unwrap() },
                )
            };
            let confirming = race(Event::Confirm, Actor::Holder);
            let withdrawing = race(Event::Withdraw, Actor::Manager);
            let (confirmed, withdrawn) = (confirming.await.unwrap(), withdrawing.await.unwrap());
            assert!(confirmed.is_ok() != withdrawn.is_ok(), "exactly one wins");
            let lost = confirmed.clone().and(withdrawn.clone());
            assert_eq!(lost.unwrap_err().code(), "E_STATE");
            let rows = app.ctx.rows();
            let after = rows.authorisations().find(one.id).await.unwrap().unwrap();
            let entry = rows.relations().history_entry(one.id).await.unwrap();
            let state = if confirmed.is_ok() { "active" } else { "withdrawn" };
            assert_eq!((after.state().name(), entry.is_some()), (state, withdrawn.is_ok()));
            // Out of the way of the next round.
            if confirmed.is_ok() {
                let by = By { actor: Actor::Manager, person: None };
                change(&app.ctx, &after, &Event::Delete, by).await.unwrap();
            }
            let by = By { actor: Actor::Manager, person: None };
            one = begin(&app, (&one, "tax_clerk"), by, &["TAX_FILING"]).await;
        }
    });
}

/// Covers AC-07, AC-22: an added handler confirms on the way in and works at once.
#[test]
fn an_added_handler_confirms_and_works() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let sun = [
            ("name", "孙丽"),
            ("document", "440308199901101512"),
            ("risk", "yes"),
            ("identity_type", "invoicing_clerk"),
            ("p-TAX_FILING", ""),
            ("p-TAX_QUERY", ""),
            ("p-INVOICE", "yes"),
        ];
        assert!(add(&app, &mut li, &sun).await.text.contains("添加成功"));
        app.clock.advance(61);
        let mut browser = app.browser();
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        let page = browser.type_credentials(&page, (EXAMPLE, "13500135000", PASSWORD)).await;
        let page = browser.pass_second_factor(&app, &page, "13500135000").await;
        let id = page.text.split("name=\"confirm\" value=\"").nth(1).expect("to be confirmed");
        let id = id.split('"').next().unwrap().to_owned();
        let done = browser.submit(&page, &[("confirm", &id)]).await;
        assert!(done.answered("code").is_some(), "{}", done.text);
        let home = get(&mut browser, "/account").await;
        assert!(home.text.contains("已实名核验") && home.text.contains("/account/level"));
    });
}

/// Covers X-15: of two managers who change the same handler the second is told, and nothing of the
/// first one's is lost.
#[test]
fn of_two_managers_the_slower_is_told() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let door = (EXAMPLE, "13700137000", "014512");
        let mut zhang = super::at_door(&app, "enterprise", door, "").await;
        let his = held(&app.ctx, WANG).await;
        let clerk = his.iter().find(|one| one.identity_type.0 == "tax_clerk").unwrap();
        let path = format!("/account/handlers/{}", clerk.id);
        let of_li = post(&app, &mut li, &path, &[("act", "edit"), ("p-TAX_QUERY", "yes")]).await;
        let of_zhang = post(&app, &mut zhang, &path, &[("act", "edit"), ("p-TAX_FILING", "yes")]);
        let of_zhang = of_zhang.await;
        let saved = li.submit(&of_li, &[("act", "save"), ("term", "long")]).await;
        assert!(saved.text.contains("已保存"));
        let late = zhang.submit(&of_zhang, &[("act", "save"), ("term", "long")]).await;
        assert_eq!(late.code(), Some("E_STATE"));
        let now = held(&app.ctx, WANG).await;
        let clerk = now.iter().find(|one| one.id == clerk.id).unwrap();
        assert_eq!(clerk.permissions().iter().collect::<Vec<_>>(), ["TAX_QUERY"]);
    });
}
