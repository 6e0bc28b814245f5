//! What a newer line or another realm file corrects: whoever the older one named is no longer what it said, at
//! once and told.

use hufu::domain::authorisation::Authorisation;
use hufu::domain::number::taxpayer::TaxpayerNumber;
use hufu::flows::feed::{Format, import};
use serde_json::{Value, json};

use super::contract::{logged_out, start, tokens};
use super::endings::{HANGZHOU, engagement, holds, is_over, record, tell};
use super::{AGENCY, WANG, as_wang, at_door, held};
use crate::kit::listener::Listener;
use crate::kit::{EXAMPLE, PASSWORD, SAMPLE, claims, on_each_database};

const STAFF: (&str, &str, &str) = (AGENCY, "13300133000", PASSWORD);

/// Covers G-06, G-17: an engagement whose newer line names another client or agency is over for whoever acts
/// in it, whatever they may do for the other.
#[test]
fn an_engagement_that_names_others_is_another() {
    on_each_database(|on| async move {
        for more in [
            json!({"client": HANGZHOU, "permissions": ["TAX_AFFAIRS", "TAX_FILING", "TAX_QUERY"]}),
            json!({"agency": HANGZHOU}),
            json!({"client": HANGZHOU, "is_ended": true}),
        ] {
            let (url, listener) = Listener::start().await;
            let app = start(on, &url).await;
            tell(&app, engagement(1, &json!({}))).await;
            let mut staff = at_door(&app, "agency", STAFF, EXAMPLE).await;
            let before = holds(&app, &mut staff).await;
            tell(&app, engagement(2, &more)).await;
            is_over(&app, &listener, &before).await;
            if more["client"] == HANGZHOU && more["is_ended"].is_null() {
                let mut staff = at_door(&app, "agency", STAFF, HANGZHOU).await;
                let id = tokens(&app, &mut staff).await;
                let id = claims(id["id_token"].as_str().unwrap());
                assert_eq!(id["tax_identity"]["enterprise"]["tin"], HANGZHOU);
            }
        }
    });
}

/// 王小明 as a tax clerk, as one key of the registry says it.
fn clerk(version: i64, more: &Value) -> Value {
    let mut line = json!({"feed": "authorisation", "source_key": "r7", "version": version,
        "enterprise": EXAMPLE, "person": "360102199003071236", "identity_type": "tax_clerk",
        "permissions": ["TAX_FILING"], "valid_from": "2025-01-01"});
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    line
}

/// Covers E-23: a relation whose newer line names another person, identity type or enterprise, or a later day, is
/// over or not yet for whom the older one named.
#[test]
fn a_relation_that_names_others_is_another() {
    on_each_database(|on| async move {
        for (more, state) in [
            (json!({"person": "440308199901101512"}), "ended"),
            (json!({"identity_type": "main_handler"}), "ended"),
            (json!({"enterprise": HANGZHOU}), "ended"),
            (json!({"person": "440308199901101512", "state": "ended"}), "ended"),
            (
                json!({"person": "440308199901101512", "identity_type": "main_handler", "state": "ended"}),
                "ended",
            ),
            (json!({"valid_from": "2027-01-01"}), "active"),
        ] {
            let (url, listener) = Listener::start().await;
            let app = start(on, &url).await;
            tell(&app, clerk(1, &json!({}))).await;
            let his = held(&app.ctx, WANG).await;
            let his = his.iter().find(|one| one.identity_type.0 == "tax_clerk").unwrap();
            let mut wang = as_wang(&app, "<strong>办税员").await;
            let before = holds(&app, &mut wang).await;
            app.clock.advance(1);
            tell(&app, clerk(2, &more)).await;
            is_over(&app, &listener, &before).await;
            let now = app.ctx.rows().authorisations().find(his.id).await.unwrap().unwrap();
            assert_eq!(now.state().name(), state, "{more}");
            // What is right begins, or counts later, and the same words again are no news.
            let version = now.version();
            tell(&app, clerk(3, &more)).await;
            let again = app.ctx.rows().authorisations().find(his.id).await.unwrap().unwrap();
            assert_eq!(again.version(), version, "{more}");
            let named = match more["person"].is_null() {
                true => held(&app.ctx, WANG).await,
                false => held(&app.ctx, "13500135000").await,
            };
            let line = clerk(3, &more);
            let is_told = |one: &Authorisation| {
                one.state().name() == "active"
                    && one.identity_type.0 == line["identity_type"]
                    && one.valid_from.to_string() == line["valid_from"]
            };
            assert_eq!(named.iter().any(is_told), more["state"].is_null(), "{more}");
            // From then on the line is about that one: its end ends it.
            if more["state"].is_null() && more["valid_from"].is_null() {
                let mut over = more.clone();
                over["state"] = json!("ended");
                tell(&app, clerk(4, &over)).await;
                let named = match more["person"].is_null() {
                    true => held(&app.ctx, WANG).await,
                    false => held(&app.ctx, "13500135000").await,
                };
                assert!(!named.iter().any(is_told), "{more}");
            }
        }
    });
}

/// Covers AC-33, G-17, invariant 9: what ends by a change of the enterprise's kind or of whose a record is ends at
/// once and is told, as any other end.
#[test]
fn whoever_loses_an_identity_by_another_change_is_told() {
    on_each_database(|on| async move {
        let agency = json!({"feed": "enterprise", "source_key": "kind", "version": 1,
            "registration_no": "10113601000000000004", "uscc": AGENCY, "name": "南昌示例税务师事务所",
            "status": "03", "tax_authority": "13601000000", "kind": "ordinary"});
        let of_another = record(1, &json!({"enterprise": EXAMPLE}));
        for (door, who, what, line) in [
            ("agency", STAFF, EXAMPLE, agency),
            ("specific_entity", (HANGZHOU, "13100131000", PASSWORD), "101号", of_another),
        ] {
            let (url, listener) = Listener::start().await;
            let app = start(on, &url).await;
            let mut browser = at_door(&app, door, who, what).await;
            let before = holds(&app, &mut browser).await;
            tell(&app, line).await;
            is_over(&app, &listener, &before).await;
        }
    });
}

/// Covers X-08: what the realm does not know nobody may do, whichever identity it was granted to; a line that
/// grants it is refused.
#[test]
fn a_permission_that_the_realm_does_not_know_is_none() {
    on_each_database(|on| async move {
        let (url, _listener) = Listener::start().await;
        let app = start(on, &url).await;
        let unknown = json!({"permissions": ["TAX_FILING", "TAX_BYGONE"]});
        for line in [engagement(1, &unknown), record(1, &unknown)] {
            let text = line.to_string();
            let report = import(&app.ctx, "test", text.as_bytes(), Format::JsonLines, None).await;
            let report = report.unwrap();
            assert_eq!((report.applied, report.failed.len()), (0, 1), "{report:?}");
            assert_eq!(report.failed[0].why.field.as_deref(), Some("permissions"), "{report:?}");
        }
        // An earlier file of the realm knew it.
        for table in ["agent_assignment", "cross_region_record"] {
            app.sql(&format!("UPDATE {table} SET permissions = 'TAX_BYGONE TAX_FILING'")).await;
        }
        let named = (HANGZHOU, "13200132000", PASSWORD);
        for (door, who, what) in [("agency", STAFF, EXAMPLE), ("specific_entity", named, "")] {
            let mut browser = at_door(&app, door, who, what).await;
            let (access, _, _) = holds(&app, &mut browser).await;
            assert_eq!(claims(&access)["permissions"], json!(["TAX_FILING"]), "{door}");
        }
    });
}

/// Covers G-17, invariant 9: what the registry ends is over even where the line names somebody whom nobody knows, or
/// a permission that the realm has dropped.
#[test]
fn an_end_is_refused_for_nobody_whom_it_names() {
    on_each_database(|on| async move {
        let unknown = "360102199003078870";
        let dropped = json!(["TAX_FILING", "TAX_BYGONE"]);
        let at_agency = ("agency", STAFF, EXAMPLE);
        let at_record = ("specific_entity", (HANGZHOU, "13200132000", PASSWORD), "");
        for ((door, who, what), line) in [
            (at_agency, engagement(1, &json!({"is_ended": true, "permissions": dropped}))),
            (at_agency, engagement(1, &json!({"is_ended": true, "staff": [unknown]}))),
            (at_record, record(1, &json!({"is_closed": true, "permissions": dropped}))),
            (at_record, record(1, &json!({"is_closed": true, "handlers": [unknown]}))),
            // Nor for a term or a division that is none.
            (at_agency, engagement(1, &json!({"is_ended": true, "valid_to": "2025-12-31"}))),
            (at_record, record(1, &json!({"is_closed": true, "division": "36"}))),
        ] {
            let (url, listener) = Listener::start().await;
            let app = start(on, &url).await;
            let mut browser = at_door(&app, door, who, what).await;
            let before = holds(&app, &mut browser).await;
            tell(&app, line).await;
            is_over(&app, &listener, &before).await;
        }
    });
}

/// Covers E-23: a relation is over whoever asked for it and for however long, and where its person is no longer
/// found by the line's number.
#[test]
fn a_relation_ends_whatever_else_its_line_says() {
    on_each_database(|on| async move {
        let unknown = "360102199003078870";
        for (more, remarks) in [
            (json!({"state": "ended", "invited_by": unknown, "valid_to": "2024-12-31"}), 0),
            (json!({"state": "deleted", "person": unknown}), 1),
        ] {
            let (url, listener) = Listener::start().await;
            let app = start(on, &url).await;
            tell(&app, clerk(1, &json!({}))).await;
            let mut wang = as_wang(&app, "<strong>办税员").await;
            let before = holds(&app, &mut wang).await;
            app.clock.advance(1);
            let text = clerk(2, &more).to_string();
            let report = import(&app.ctx, "test", text.as_bytes(), Format::JsonLines, None).await;
            let report = report.unwrap();
            assert_eq!((report.applied, report.remarks.len()), (1, remarks), "{report:?}");
            is_over(&app, &listener, &before).await;
        }
    });
}

/// Covers E-23, invariant 9: an enterprise that is deregistered ends everybody's relation, whatever else its line
/// says; what of that is wrong stays as it was, and is remarked on.
#[test]
fn an_enterprise_ends_whatever_else_its_line_says() {
    on_each_database(|on| async move {
        let (url, listener) = Listener::start().await;
        let app = start(on, &url).await;
        let line = |key: &str, more: Value| {
            let mut line = json!({"feed": "enterprise", "source_key": key, "version": 1,
                "tax_authority": "13601000000"});
            line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            line
        };
        let sample = json!({"registration_no": "10113601000000000002", "uscc": SAMPLE,
            "name": "某单位", "status": "03", "unit_number": "36019999"});
        tell(&app, line("sample", sample)).await;
        let mut wang = as_wang(&app, "<strong>办税员").await;
        let before = holds(&app, &mut wang).await;
        let over = json!({"registration_no": "10113601000000000001", "uscc": EXAMPLE,
            "former_numbers": [SAMPLE], "name": "南昌示例科技有限公司", "status": "07",
            "certificate_authorities": ["demo-sm2", "bygone"], "unit_number": "36019999",
            "profile": {"key_persons": [{"role": "董事", "name": "李某", "phone": "123"}]}});
        let text = line("example", over).to_string();
        let report = import(&app.ctx, "test", text.as_bytes(), Format::JsonLines, None).await;
        let report = report.unwrap();
        assert_eq!((report.applied, report.failed.len()), (1, 0), "{report:?}");
        let mut fields: Vec<&str> =
            report.remarks.iter().filter_map(|one| one.why.field.as_deref()).collect();
        fields.sort_unstable();
        assert_eq!(
            fields,
            [
                "certificate_authorities",
                "former_numbers",
                "profile.key_persons[0].phone",
                "unit_number"
            ]
        );
        is_over(&app, &listener, &before).await;
        let number = TaxpayerNumber::asked(EXAMPLE);
        let now = app.ctx.rows().enterprises().find_by_number(&number).await.unwrap().unwrap();
        assert_eq!(now.status.0, "07");
        assert_eq!(now.unit_number.unwrap().as_str(), "36010500218");
        assert_eq!(now.certificate_authorities, ["demo-sm2"]);
    });
}

/// A corrected line that says that it is over ends what it had become, and nothing that another line has told: E-23.
#[test]
fn a_corrected_end_ends_nothing_of_another_line() {
    on_each_database(|on| async move {
        let (url, listener) = Listener::start().await;
        let app = start(on, &url).await;
        let right = json!({"person": "440308199901101512", "source_key": "r8"});
        tell(&app, clerk(1, &json!({}))).await;
        tell(&app, clerk(1, &right)).await;
        let clerk_of = async |phone: &str| {
            let mut all = held(&app.ctx, phone).await;
            all.retain(|one| {
                one.identity_type.0 == "tax_clerk"
                    && one.state().name() == "active"
                    && one.valid_from.to_string() == "2025-01-01"
            });
            all.len()
        };
        assert_eq!((clerk_of(WANG).await, clerk_of("13500135000").await), (1, 1));
        let mut wang = as_wang(&app, "<strong>办税员").await;
        let before = holds(&app, &mut wang).await;
        app.clock.advance(1);
        let over = json!({"person": "440308199901101512", "state": "ended"});
        tell(&app, clerk(2, &over)).await;
        is_over(&app, &listener, &before).await;
        assert_eq!((clerk_of(WANG).await, clerk_of("13500135000").await), (0, 1));
        tell(&app, clerk(3, &over)).await;
        assert_eq!(clerk_of("13500135000").await, 1, "the same words again are no news");
    });
}

/// Covers G-06, G-17: a line that is corrected to what another line has told already ends what it was, and is about
/// the other's engagement from then on; where it says that it is over, the other's goes on.
#[test]
fn an_engagement_may_be_corrected_to_what_another_line_told() {
    on_each_database(|on| async move {
        for is_ended in [false, true] {
            let (url, listener) = Listener::start().await;
            let app = start(on, &url).await;
            let right = json!({"client": HANGZHOU});
            tell(&app, engagement(1, &json!({}))).await;
            tell(&app, engagement(1, &json!({"client": HANGZHOU, "source_key": "g2"}))).await;
            let mut wrong = at_door(&app, "agency", STAFF, EXAMPLE).await;
            let before = holds(&app, &mut wrong).await;
            let mut staff = at_door(&app, "agency", STAFF, HANGZHOU).await;
            let kept = holds(&app, &mut staff).await;
            logged_out(&app, &listener).await;
            tell(&app, engagement(2, &json!({"client": HANGZHOU, "is_ended": is_ended}))).await;
            is_over(&app, &listener, &before).await;
            assert_eq!(app.introspect(&kept.0).await["active"], true, "{is_ended}");
            if !is_ended {
                tell(&app, engagement(3, &right)).await;
                assert!(logged_out(&app, &listener).await.is_empty(), "the same words again");
                tell(&app, engagement(4, &json!({"client": HANGZHOU, "is_ended": true}))).await;
                is_over(&app, &listener, &kept).await;
            }
        }
    });
}
