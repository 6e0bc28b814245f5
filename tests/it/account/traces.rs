//! What every change leaves in the audit: of relations, credentials, phones, documents, levels and
//! agreements, whoever made it.

use serde_json::{Value, json};

use super::enterprise::add;
use hufu::domain::number::phone::Phone;

use super::{WANG, as_li, as_person, at_door, feed, get, id_of, post, relation};
use crate::kit::{EXAMPLE, FILING, TestApp, authorize_url, on_each_database};
use crate::login::authenticator::enrol_at;
use crate::login::passkeys::enrol;

/// The events since there were `n`, as action and what tells two of them apart.
async fn since(app: &TestApp, n: usize) -> Vec<String> {
    let all = app.audit().await;
    let said = |event: &Value| {
        let detail = ["event", "kind", "level", "document", "field"];
        let detail = detail.into_iter().find_map(|name| event.get(name));
        let detail = detail.map(|value| value.as_str().map_or(value.to_string(), str::to_owned));
        let action = event["action"].as_str().unwrap();
        detail.map_or(action.to_owned(), |detail| format!("{action} {detail}"))
    };
    all[n..].iter().map(said).collect()
}

fn person(version: i64, more: Value) -> Value {
    let mut line = json!({"feed": "person", "source_key": "p-new", "version": version,
        "name": "钱多", "document": "110101199003074514"});
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    line
}

/// Covers X-09: what the registry tells of a person, change by change; the same again is no change.
#[test]
fn what_the_registry_changes_of_a_person_is_audited() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let phone = json!({"phone": "13911139111"});
        let (held, opened) = ("document_held resident_id_card", "account_opened");
        let email = json!({"email": "qian@example.com"});
        let mut version = 0;
        for (what, more, wanted) in [
            ("new", phone, vec!["real_name_raised 3", held, opened, "phone_bound"]),
            ("the same again", json!({}), vec![]),
            ("an address", email.clone(), vec!["email_changed"]),
            ("the same address", email, vec![]),
            ("a level", json!({"real_name_level": 4}), vec!["real_name_raised 4"]),
            ("no less", json!({"real_name_level": 3}), vec![]),
            ("a name", json!({"name": "钱多多"}), vec!["name_changed"]),
            ("the name of before", json!({}), vec!["name_changed"]),
            (
                "its last day",
                json!({"document_valid_to": "2030-01-01"}),
                vec!["document_dated resident_id_card"],
            ),
            ("the same day", json!({"document_valid_to": "2030-01-01"}), vec![]),
            (
                "no end",
                json!({"document_valid_to": "long_term"}),
                vec!["document_dated resident_id_card"],
            ),
            (
                "another document",
                json!({"document": "E12345678", "document_type": "chinese_passport"}),
                vec!["document_held chinese_passport"],
            ),
            (
                "a newer one",
                json!({"document": "E87654321", "document_type": "chinese_passport"}),
                vec!["document_held chinese_passport"],
            ),
            (
                "the older again",
                json!({"document": "E12345678", "document_type": "chinese_passport"}),
                vec!["document_held chinese_passport"],
            ),
        ] {
            version += 1;
            let n = app.audit().await.len();
            feed(&app, &[person(version, more)]).await;
            let wanted = [wanted, vec!["feed_imported"]].concat();
            assert_eq!(since(&app, n).await, wanted, "{what}");
        }
        // A line that is refused leaves nothing but its upload.
        let n = app.audit().await.len();
        let wrong = json!({"feed": "person", "source_key": "p-other", "version": 1,
            "name": "孙多", "document": "110101199003074514", "phone": "13811138111"});
        let text = wrong.to_string();
        let format = hufu::flows::feed::Format::JsonLines;
        let report = hufu::flows::feed::import(&app.ctx, "test", text.as_bytes(), format, None);
        assert_eq!(report.await.unwrap().failed.len(), 1);
        assert_eq!(since(&app, n).await, ["feed_imported"]);
        let chain = app.ctx.rows().records().verify_audit(&[]).await.unwrap();
        assert_eq!(chain.fault, None);
    });
}

/// Covers X-09: what people and managers do, with who did it; never a number, a name or a phone.
#[test]
fn what_people_change_is_audited() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let n = app.audit().await.len();
        // 张伟 comes for the first time: a password of his own, two agreements.
        let door = (EXAMPLE, "13700137000", "014512");
        drop(at_door(&app, "enterprise", door, "").await);
        let accepted = ["user-agreement", "personal-information"];
        let accepted = accepted.map(|id| format!("agreement_accepted {id}"));
        let passed = "second_factor_passed".to_owned();
        let wanted = [vec!["password_set".to_owned()], accepted.to_vec(), vec![passed]].concat();
        assert_eq!(since(&app, n).await, wanted);
        // Somebody whom nobody knew yet is asked: their document and the relation.
        let mut li = as_li(&app).await;
        let n = app.audit().await.len();
        let unknown = [("name", "钱多"), ("document", "110101199003074514"), ("risk", "yes")];
        let path = format!("/account/handlers/{}", id_of(&add(&app, &mut li, &unknown).await.url));
        let added = ["document_held resident_id_card", "authorisation_changed add"];
        assert_eq!(since(&app, n).await, added);
        let n = app.audit().await.len();
        post(&app, &mut li, &path, &[("act", "withdraw")]).await;
        assert_eq!(since(&app, n).await, ["authorisation_changed withdraw"]);
        let last = app.audit().await.pop().unwrap();
        let who = super::held(&app.ctx, super::LI).await[0].person.to_string();
        assert_eq!((&last["side"], &last["by"]), (&json!("enterprise"), &json!(who)));
        // A refused act leaves nothing.
        let n = app.audit().await.len();
        post(&app, &mut li, &path, &[("act", "withdraw")]).await;
        let clerk = relation(&app, WANG, "tax_clerk").await.id;
        let none = [("act", "save"), ("term", "long")];
        post(&app, &mut li, &format!("/account/handlers/{clerk}"), &none).await;
        assert_eq!(since(&app, n).await, Vec::<String>::new());
        // Looking at what is masked, changing, ending; the person ends their own.
        let query = ("p-TAX_QUERY", "yes");
        let path = format!("/account/handlers/{clerk}");
        post(&app, &mut li, "/account/reveal", &[("field", "name")]).await;
        post(&app, &mut li, &path, &[("act", "save"), ("term", "long"), query]).await;
        post(&app, &mut li, &path, &[("act", "delete"), ("sure", "yes")]).await;
        let mut wang = as_person(&app, WANG).await;
        let other = relation(&app, WANG, "invoicing_clerk").await.id.to_string();
        let fields = [("act", "delete"), ("sure", "yes"), ("id", other.as_str())];
        post(&app, &mut wang, "/account/authorisations", &fields).await;
        let wanted = [
            "field_revealed name",
            "authorisation_changed edit",
            "authorisation_changed delete",
            // Wang signs in.
            "second_factor_passed",
            "authorisation_changed delete",
        ];
        assert_eq!(since(&app, n).await, wanted);
        let audit = app.audit().await;
        let sides: Vec<&str> = audit.iter().filter_map(|one| one["side"].as_str()).collect();
        assert_eq!(sides[sides.len() - 2..], ["enterprise", "person"]);
        assert_eq!(get(&mut wang, "/account/person").await.status.as_u16(), 200);
        let text = Value::from(app.audit().await).to_string();
        for value in ["110101199003074514", "13700137000", "钱多", "李芳", "王小明"] {
            assert!(!text.contains(value), "{value}");
        }
        let chain = app.ctx.rows().records().verify_audit(&[]).await.unwrap();
        assert_eq!(chain.fault, None);
    });
}

/// Covers X-09: factors that a person adds and takes away, and texts that they decline; what is refused
/// leaves nothing.
#[test]
fn what_people_change_of_their_factors_is_audited() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let passkeys = "/realms/jiangxi/account/passkeys";
        let apps = "/realms/jiangxi/account/authenticator";
        let n = app.audit().await.len();
        enrol(&mut li).await;
        let page = li.get(passkeys).await;
        let id = page.text.split("name=\"remove\" value=\"").nth(1).unwrap();
        let id = id.split('"').next().unwrap().to_owned();
        li.submit(&page, &[("remove", &id)]).await;
        assert_eq!(li.submit(&page, &[("remove", &id)]).await.code(), Some("E_STATE"));
        assert_eq!(since(&app, n).await, ["passkey_added", "passkey_removed"]);
        // A wrong code enrols nothing; taking away what is not there takes nothing away.
        let n = app.audit().await.len();
        enrol_at(&app, &mut li).await;
        let page = li.get(apps).await;
        assert_eq!(li.submit(&page, &[("act", "remove")]).await.code(), None);
        assert_eq!(li.submit(&page, &[("act", "remove")]).await.code(), Some("E_STATE"));
        assert_eq!(since(&app, n).await, ["authenticator_added", "authenticator_removed"]);
        let last = app.audit().await.pop().unwrap();
        let account = Phone::parse(super::LI).unwrap();
        let account = app.ctx.rows().accounts().find_by_phone(&account).await.unwrap().unwrap();
        assert_eq!(last["account"], json!(account.id.to_string()));
        // 张伟 comes for the first time, sets a password and declines.
        let n = app.audit().await.len();
        let mut zhang = app.browser();
        let page = zhang.get(&authorize_url(&FILING, &[])).await;
        let page = zhang.type_credentials(&page, (EXAMPLE, "13700137000", "014512")).await;
        let page = zhang.pass_second_factor(&app, &page, "13700137000").await;
        let new = [("new", "Spring2026+"), ("repeated", "Spring2026+")];
        let page = zhang.submit(&page, &new).await;
        let declined = zhang.submit(&page, &[("act", "decline")]).await;
        assert_eq!(declined.code(), Some("E_AGREEMENT"));
        assert_eq!(since(&app, n).await, ["password_set", "agreement_declined"]);
    });
}
