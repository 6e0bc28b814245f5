//! 【已授权企业】: what a person holds now, by scope and by exact filters.

use serde_json::json;

use super::person::invite;
use super::{WANG, as_person, feed, get, listed, relation};
use crate::kit::{Browser, EXAMPLE, SAMPLE, TestApp, on_each_database};

const HELD: &str = "/account/authorisations/held";

async fn shown(browser: &mut Browser, query: &[(&str, &str)]) -> Vec<(String, String)> {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    let page = get(browser, &format!("{HELD}?{query}")).await;
    assert_eq!(page.status.as_u16(), 200, "{query}");
    let mut found: Vec<_> = listed(&page).into_iter().map(|(name, kind, _)| (name, kind)).collect();
    found.sort();
    found
}

/// Covers AU-05, AU-06, AU-12, AU-15: active relations of the home province, then of the country, and
/// exact filters by number, name and identity type, also those that the registry made.
#[test]
fn a_person_finds_what_they_hold() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        invite(&app).await;
        let line = |key: &str, enterprise: &str, kind: &str| {
            json!({"feed": "authorisation", "source_key": key, "version": 1,
                "enterprise": enterprise, "person": "360102199003071236", "identity_type": kind,
                "permissions": "TAX_QUERY", "valid_from": "2026-01-01"})
        };
        let mut supervisor = line("b", SAMPLE, "finance_supervisor");
        supervisor.as_object_mut().unwrap().remove("permissions");
        feed(&app, &[line("a", "91330100MA2BUJ786T", "tax_clerk"), supervisor]).await;
        let mut wang = as_person(&app, WANG).await;
        let clerk = ("南昌示例科技有限公司", "办税员");
        let invoicing = ("南昌示例科技有限公司", "开票员");
        let supervisor = ("南昌样板商贸有限公司", "财务负责人");
        let closed = ("南昌青山湖示例小吃店", "法定代表人");
        let away = ("杭州示例建设有限公司", "办税员");
        let home = vec![clerk, invoicing, supervisor, closed];
        let everywhere = [home.clone(), vec![away]].concat();
        let national = ("scope", "national");
        for (query, wanted) in [
            (vec![], home.clone()),
            (vec![("scope", "province")], home.clone()),
            (vec![("scope", "nonsense")], home),
            (vec![national], everywhere.clone()),
            (vec![national, ("number", EXAMPLE)], vec![clerk, invoicing]),
            (vec![national, ("number", " 91360100ma35abcd43 ")], vec![clerk, invoicing]),
            (vec![national, ("number", "３６０１０２７０８４６１１３６")], vec![clerk, invoicing]),
            (vec![national, ("number", "91360100MA35ABCD4")], vec![]),
            (vec![national, ("number", "91360100")], vec![]),
            (vec![national, ("number", "%")], vec![]),
            (vec![("number", "91330100MA2BUJ786T")], vec![]),
            (vec![national, ("number", "91330100MA2BUJ786T")], vec![away]),
            (vec![national, ("name", "杭州示例建设有限公司")], vec![away]),
            (vec![national, ("name", " 杭州示例建设有限公司 ")], vec![away]),
            (vec![national, ("name", "杭州示例建设")], vec![]),
            (vec![national, ("name", "")], everywhere.clone()),
            (vec![national, ("identity_type", "tax_clerk")], vec![clerk, away]),
            (vec![("identity_type", "finance_supervisor")], vec![supervisor]),
            (vec![national, ("identity_type", "legal_representative")], vec![closed]),
            (vec![national, ("identity_type", "clerk")], vec![]),
            (vec![national, ("identity_type", "tax_clerk"), ("number", EXAMPLE)], vec![clerk]),
            (vec![national, ("identity_type", "finance_supervisor"), ("number", EXAMPLE)], vec![]),
        ] {
            let mut wanted: Vec<(String, String)> =
                wanted.into_iter().map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
            wanted.sort();
            assert_eq!(shown(&mut wang, &query).await, wanted, "{query:?}");
        }
        let page = get(&mut wang, HELD).await;
        for name in app.ctx.realm.identity_types.keys() {
            let option = format!("<option value=\"{}\"", name.0);
            assert!(page.text.contains(&option), "{option}");
        }
        // What waits is not among them, whoever has still to answer (AU-15).
        assert!(!page.text.contains("待办税人员确认") && !page.text.contains("待企业确认"));
        // What has ended by its term is not held any more, also before the clock's job has seen it.
        let invoicing = relation(&app, WANG, "invoicing_clerk").await;
        assert_eq!(invoicing.valid_to().unwrap().to_string(), "2027-12-31");
        let after = invoicing.valid_to().unwrap().end().0 + 1;
        app.clock.advance(after - app.ctx.now().0);
        let mut wang = as_person(&app, WANG).await;
        let held = shown(&mut wang, &[("number", EXAMPLE)]).await;
        assert_eq!(held, [("南昌示例科技有限公司".to_owned(), "办税员".to_owned())]);
    });
}
