//! What somebody who is signed in may begin and take back: often, and not without end, since each leaves rows for
//! good in others' histories and pushes to applications.

use hufu::flows::relations::spent::Doing;

use super::contract::start;
use super::{LI, NEW, WANG, as_li, as_person, post, relation};
use crate::kit::listener::Listener;
use crate::kit::{SAMPLE, Setup, TestApp, changed_realm, on_each_database, on_one_database};

const OWN: &str = "/account/authorisations";

/// As if somebody had done it as often as they may, but `left` times.
async fn spend(app: &TestApp, doing: Doing, phone: &str, identity_type: &str, left: u32) {
    let person = relation(app, phone, identity_type).await.person;
    let (limit, seconds) = doing.limit(person);
    let counters = app.ctx.ephemeral().by_people();
    while counters.counted(&limit.name).await.unwrap() + left < limit.most {
        counters.count(&limit.name, seconds).await.unwrap();
    }
}

/// 【数据同步】 as often as one likes: nothing waits twice for an application, and there is an end within an hour.
/// Covers AU-13.
#[test]
fn what_waits_is_not_queued_again() {
    on_each_database(|on| async move {
        let (url, listener) = Listener::start().await;
        let app = start(on, &url).await;
        let mut wang = as_person(&app, WANG).await;
        let id = relation(&app, WANG, "tax_clerk").await.id.to_string();
        let sync = [("act", "sync"), ("id", id.as_str())];
        let waiting = "SELECT count(*) FROM delivery WHERE client_id = 'tax-filing' \
                       AND channel = 'relation' AND state = 'waiting'";
        for _ in 0..3 {
            let page = post(&app, &mut wang, OWN, &sync).await;
            assert!(page.text.contains("已提交同步"), "{}", page.text);
            assert_eq!(app.count(waiting).await, 1);
        }
        app.deliver().await;
        assert_eq!(listener.take("/relations").len(), 1);
        spend(&app, Doing::Synchronises, WANG, "tax_clerk", 1).await;
        post(&app, &mut wang, OWN, &sync).await;
        assert_eq!(app.count(waiting).await, 1, "what was taken is told anew");
        app.deliver().await;
        let refused = post(&app, &mut wang, OWN, &sync).await;
        assert_eq!(refused.code(), Some("E_OTP_RATE"), "{}", refused.text);
        assert_eq!(app.count(waiting).await, 0);
        app.clock.advance(3601);
        post(&app, &mut wang, OWN, &sync).await;
        assert_eq!(app.count(waiting).await, 1);
    });
}

/// Where no application has asked for it, the page says so. Covers AU-13.
#[test]
fn without_an_application_nothing_is_synchronised() {
    on_one_database(|on| async move {
        let subscribed = "[relation_events]\nurl = \"https://portal.jiangxi.example/relation-events\"\n\
                          secret = { literal = \"demo-secret-of-data-exchange\" }\n";
        let realm = changed_realm(&[("clients/data-exchange.toml", subscribed, "")]);
        let app = Setup::of(on, vec![realm]).start().await;
        let mut wang = as_person(&app, WANG).await;
        let id = relation(&app, WANG, "tax_clerk").await.id.to_string();
        let page = post(&app, &mut wang, OWN, &[("act", "sync"), ("id", id.as_str())]).await;
        assert!(page.text.contains("目前没有需要同步的应用。"), "{}", page.text);
        assert!(!page.text.contains("已提交同步"), "{}", page.text);
    });
}

/// Applying and withdrawing, adding and withdrawing: each of them leaves something in other people's history, so
/// that a day of it has an end; what was refused costs nothing.
#[test]
fn beginning_and_taking_back_has_an_end_within_a_day() {
    on_one_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_person(&app, WANG).await;
        let apply = [("number", SAMPLE), ("identity_type", "tax_clerk"), ("sure", "yes")];
        let path = format!("{OWN}/apply");
        spend(&app, Doing::Applies, WANG, "tax_clerk", 1).await;
        let wrong =
            [("number", SAMPLE), ("identity_type", "legal_representative"), ("sure", "yes")];
        assert_eq!(post(&app, &mut wang, &path, &wrong).await.code(), Some("E_FORMAT"));
        let done = post(&app, &mut wang, &path, &apply).await;
        assert!(done.text.contains("申请已提交"), "{}", done.text);
        let double = post(&app, &mut wang, &path, &apply).await;
        assert_eq!(double.code(), Some("E_OTP_RATE"), "{}", double.text);

        let mut li = as_li(&app).await;
        let path = "/account/handlers/add";
        let add: Vec<(&str, &str)> = NEW.iter().copied().chain([("risk", "yes")]).collect();
        spend(&app, Doing::Manages, LI, "legal_representative", 1).await;
        let added = post(&app, &mut li, path, &add).await;
        assert!(added.text.contains("添加成功"), "{}", added.text);
        let id = super::id_of(&added.url);
        let handler = format!("/account/handlers/{id}");
        let taken_back = post(&app, &mut li, &handler, &[("act", "withdraw")]).await;
        assert!(taken_back.text.contains("已撤回"), "{}", taken_back.text);
        let again = post(&app, &mut li, path, &add).await;
        assert_eq!(again.code(), Some("E_OTP_RATE"), "{}", again.text);
    });
}
