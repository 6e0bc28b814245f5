//! What the registry tells: by file and through the administrator's interface.

mod hall;
mod people;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use hufu::domain::cross_region::RecordKind;
use hufu::domain::number::document::{DocumentNumber, DocumentType};
use hufu::domain::number::record::RecordNumber;
use hufu::domain::number::taxpayer::TaxpayerNumber;
use hufu::flows::feed::{Format, Report, import};
use serde_json::Value;
use tower::ServiceExt;

use crate::kit::{EXAMPLE, Setup, TestApp, changed_realm, on_each_database};

async fn tell(app: &TestApp, text: &str, format: Format, kind: Option<&str>) -> Report {
    import(&app.ctx, "test", text.as_bytes(), format, kind).await.unwrap()
}

/// Good lines are kept, wrong ones told by line and field, and the same file again changes nothing.
/// Covers N-09, S-12: codes, relations and handlers arrive by feed alone.
#[test]
fn a_feed_is_taken_line_by_line_and_once() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let lines = format!(
            r#"{{"feed":"enterprise","source_key":"e1","version":1,"registration_no":"10113601000000000777","tin":"FJ3601003440000024","name":"Second Ltd.","kind":"non_resident","status":"03","tax_authority":"13601000000"}}
{{"feed":"person","source_key":"p1","version":1,"name":"Ann Lee","document_type":"foreign_passport","document":"C01X00T47","nationality":"DEU","email":"ann@example.com"}}
{{"feed":"authorisation","source_key":"a1","version":"7","enterprise":"FJ3601003440000024","person":"C01X00T47","identity_type":"legal_representative","valid_from":"2026-01-01"}}
not json
{{"feed":"record","source_key":"r1","version":1,"enterprise":"{EXAMPLE}","record_kind":"inspection","record_no":"赣[2026]1号","project_name":"桥","division":"360100","tax_authority":"1","valid_from":"2026-01-01","handlers":["360102199003071236","999"]}}
{{"feed":"person","source_key":"p2","version":1,"name":"X","document":"123"}}
{{"feed":"person","source_key":"p3","version":1,"name":"X","dokument":"123"}}
{{"feed":"authorisation","source_key":"a2","version":1,"enterprise":"{EXAMPLE}","person":"C01X00T47","identity_type":"invoicing_clerk","permissions":"TAX_FILING","valid_from":"2026-01-01"}}
{{"feed":"planet","source_key":"x","version":1}}
"#
        );
        let report = tell(&app, &lines, Format::JsonLines, None).await;
        assert_eq!((report.applied, report.unchanged), (3, 0), "{report:?}");
        let failed: Vec<(u64, Option<&str>)> =
            report.failed.iter().map(|one| (one.line, one.why.field.as_deref())).collect();
        let expected = [
            (4, None),
            (5, Some("handlers")),
            (6, Some("document")),
            (7, None),
            (8, Some("permissions")),
            (9, Some("feed")),
        ];
        assert_eq!(failed, expected);
        let told = serde_json::to_string(&report).unwrap();
        assert!(!told.contains("360102199003071236"), "no numbers of people in a report");
        let report = tell(&app, &lines, Format::JsonLines, None).await;
        assert_eq!((report.applied, report.unchanged), (0, 3));
    });
}

/// A table with several values in a cell; a newer version replaces, an older one does not.
#[test]
fn a_table_replaces_by_version() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let table = |version: i64, handlers: &str, closed: bool| {
            format!(
                "source_key,version,enterprise,record_kind,record_no,project_name,division,\
                 tax_authority,handlers,permissions,valid_from,valid_to,is_closed\n\
                 r9,{version},{EXAMPLE},tax_source,T-9,仓库,360100,13601000000,{handlers},\
                 TAX_FILING TAX_QUERY,2026-01-01,,{closed}\n"
            )
        };
        let two = "360102199003071236 360121198802290026";
        let report = tell(&app, &table(2, two, false), Format::Csv, Some("record")).await;
        assert_eq!(report.applied, 1, "{report:?}");
        let rows = app.ctx.rows();
        let kind = RecordKind::TaxSource;
        let number = RecordNumber::parse("T-9").unwrap();
        let id = rows.cross_region().find_by_number(kind, &number).await.unwrap().unwrap();
        let wang = DocumentNumber::parse(
            DocumentType::ResidentIdCard,
            "360102199003071236",
            app.ctx.now().day(),
        );
        let wang = rows.people().find_by_document(&wang.unwrap()).await.unwrap();
        let held = rows.cross_region().held(id, wang.unwrap()).await.unwrap().unwrap();
        assert!(held.is_handler && held.record.is_open);
        assert_eq!(held.record.permissions.len(), 2);
        let older = tell(&app, &table(1, two, true), Format::Csv, Some("record")).await;
        assert_eq!((older.applied, older.unchanged), (0, 1));
        let li = "360121198802290026";
        assert_eq!(tell(&app, &table(3, li, true), Format::Csv, Some("record")).await.applied, 1);
        let held = rows.cross_region().held(id, wang.unwrap()).await.unwrap().unwrap();
        assert!(!held.is_handler && !held.record.is_open, "the newer document names one only");
    });
}

/// A record whose newer line is of the other kind is of that kind, unless another has its number there. Covers S-12.
#[test]
fn a_record_is_of_the_kind_that_its_newest_line_says() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let line = |key: &str, version: i64, kind: &str| {
            format!(
                r#"{{"feed":"record","source_key":"{key}","version":{version},"enterprise":"{EXAMPLE}","record_kind":"{kind}","record_no":"T-9","project_name":"仓库","division":"360100","tax_authority":"1","valid_from":"2026-01-01"}}"#
            )
        };
        let rows = app.ctx.rows();
        let number = RecordNumber::parse("T-9").unwrap();
        let find = async |kind| rows.cross_region().find_by_number(kind, &number).await.unwrap();
        for (version, told, other) in [
            (1, RecordKind::TaxSource, RecordKind::Inspection),
            (2, RecordKind::Inspection, RecordKind::TaxSource),
        ] {
            let report =
                tell(&app, &line("k1", version, told.name()), Format::JsonLines, None).await;
            assert_eq!(report.applied, 1, "{report:?}");
            assert!(find(told).await.is_some() && find(other).await.is_none(), "{version}");
        }
        let taken = format!("{}\n{}", line("k2", 1, "tax_source"), line("k1", 3, "tax_source"));
        let report = tell(&app, &taken, Format::JsonLines, None).await;
        assert_eq!(report.failed[0].why.field.as_deref(), Some("record_no"), "{report:?}");
        assert_ne!(find(RecordKind::TaxSource).await, find(RecordKind::Inspection).await);
    });
}

/// Covers D-08: a number that is somebody else's is not taken over by a newer line of the registry's; of one kind
/// the newer number stands, and the older leads to nobody.
#[test]
fn a_document_is_one_persons() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let line = |key: &str, version: i64, document: &str| {
            format!(
                r#"{{"feed":"person","source_key":"{key}","version":{version},"name":"测试","document_type":"chinese_passport","document":"{document}"}}"#
            )
        };
        let holder = async |document: &str| {
            let (kind, today) = (DocumentType::ChinesePassport, app.ctx.now().day());
            let number = DocumentNumber::parse(kind, document, today).unwrap();
            app.ctx.rows().people().find_by_document(&number).await.unwrap()
        };
        let both = format!("{}\n{}", line("d1", 1, "E12345671"), line("d2", 1, "E12345672"));
        assert_eq!(tell(&app, &both, Format::JsonLines, None).await.applied, 2);
        let (one, two) = (holder("E12345671").await, holder("E12345672").await);
        assert!(one.is_some() && two.is_some() && one != two);
        let taken = tell(&app, &line("d1", 2, "E12345672"), Format::JsonLines, None).await;
        assert_eq!(taken.failed[0].why.field.as_deref(), Some("document"), "{taken:?}");
        assert_eq!((holder("E12345671").await, holder("E12345672").await), (one, two));
        let newer = tell(&app, &line("d1", 2, "E12345673"), Format::JsonLines, None).await;
        assert_eq!(newer.applied, 1, "{newer:?}");
        assert_eq!((holder("E12345673").await, holder("E12345671").await), (one, None));
    });
}

/// The same through the network, for a client that may.
#[test]
fn a_client_with_the_scope_tells_and_no_other() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let line = r#"{"feed":"enterprise","source_key":"e1","version":1,"registration_no":"10113601000000000778","tin":"360102708461137","name":"新企业","status":"03","tax_authority":"1"}"#;
        let send = async |token: &str, media_type: &str| {
            let request = Request::post("/realms/jiangxi/admin/import")
                .header("authorization", format!("Bearer {token}"))
                .header("content-type", media_type)
                .body(Body::from(line))
                .unwrap();
            let answer = app.router.clone().oneshot(request).await.unwrap();
            let status = answer.status();
            let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
            (status, serde_json::from_slice::<Value>(&body).unwrap_or_default())
        };
        let form = [("grant_type", "client_credentials"), ("scope", "registry_import")];
        let registry = ("registry", "demo-secret-of-registry");
        let (_, tokens) = app.post("/token", Some(registry), &form).await;
        let token = tokens["access_token"].as_str().unwrap().to_owned();
        let (status, report) = send(&token, "application/jsonl").await;
        assert_eq!((status, report["applied"].as_i64()), (StatusCode::OK, Some(1)), "{report}");
        assert_eq!(send(&token, "text/plain").await.0, StatusCode::BAD_REQUEST);
        let filing = ("tax-filing", "demo-secret-of-tax-filing");
        let form = [("grant_type", "client_credentials"), ("scope", "openid")];
        let (_, tokens) = app.post("/token", Some(filing), &form).await;
        let other = tokens["access_token"].as_str().unwrap().to_owned();
        assert_eq!(send(&other, "application/jsonl").await.0, StatusCode::FORBIDDEN);
        assert_eq!(send("nonsense", "application/jsonl").await.0, StatusCode::UNAUTHORIZED);
        app.post("/revoke", Some(registry), &[("token", &token)]).await;
        assert_eq!(send(&token, "application/jsonl").await.0, StatusCode::UNAUTHORIZED);
    });
}

/// Covers X-07: each enterprise carries its province; the realm's own is what no line names.
#[test]
fn an_enterprise_carries_its_province() {
    on_each_database(|on| async move {
        let own = [("realm.toml", "home_province = \"360000\"", "home_province = \"350000\"")];
        let app = Setup::of(on, vec![changed_realm(&own)]).start().await;
        let rows = app.ctx.rows();
        for (number, province) in [(EXAMPLE, "350000"), ("91330100MA2BUJ786T", "330000")] {
            let number = TaxpayerNumber::asked(number);
            let found = rows.enterprises().find_by_number(&number).await.unwrap();
            assert_eq!(found.unwrap().province, province);
        }
    });
}

/// The serial number is the key: a changed taxpayer number is the same enterprise, which then answers
/// to both; another's number is refused and changes nothing.
#[test]
fn an_enterprise_keeps_its_identity_when_its_number_changes() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let line = |key: &str, version: i64, registration: &str, tin: &str| {
            format!(
                r#"{{"feed":"enterprise","source_key":"{key}","version":{version},"registration_no":"{registration}","tin":"{tin}","name":"新名","status":"03","tax_authority":"1"}}"#
            )
        };
        let rows = app.ctx.rows();
        let find = async |number: &str| {
            let number = TaxpayerNumber::asked(number);
            rows.enterprises().find_by_number(&number).await.unwrap()
        };
        let before = find(EXAMPLE).await.unwrap();
        let moved = line("n1", 1, &before.registration_no, "360102708461199");
        assert_eq!(tell(&app, &moved, Format::JsonLines, None).await.applied, 1);
        for number in [EXAMPLE, "360102708461199"] {
            let now = find(number).await.unwrap();
            assert_eq!((now.id, now.name.as_str()), (before.id, "新名"), "{number}");
        }
        for (wrong, field) in [
            (line("n2", 1, "10113601000000000999", EXAMPLE), "tin"),
            (line("n1", 2, "10113601000000000999", "360102708461188"), "registration_no"),
        ] {
            let report = tell(&app, &wrong, Format::JsonLines, None).await;
            assert_eq!(report.failed[0].why.field.as_deref(), Some(field), "{report:?}");
        }
        assert!(find("360102708461188").await.is_none());
    });
}
