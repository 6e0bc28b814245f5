//! Which of several collections of one document counts.

use hufu::base::id::RecordVersionId;
use hufu::domain::hall::HallRecord;
use hufu::domain::number::document::{DocumentNumber, DocumentType};
use hufu::flows::feed::Format;
use serde_json::json;

use super::tell;
use crate::kit::{TestApp, on_each_database};

const CARD: &str = "110101199003074514";

async fn counts(app: &TestApp) -> HallRecord {
    let number = DocumentNumber::parse(DocumentType::ResidentIdCard, CARD, app.ctx.now().day());
    app.ctx.rows().hall_records().find(&number.unwrap()).await.unwrap().unwrap()
}

/// Of one document the collection of the latest day counts, whatever comes when; the same collection said anew
/// takes its own place, and of one day what an officer made at the console stays. All are kept.
#[test]
fn an_older_collection_takes_no_newer_ones_place() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let take = async |key: &str, version: i64, day: &str, is_former: bool| {
            app.clock.advance(1);
            let line = json!({"feed": "hall_record", "source_key": key, "version": version,
                "name": "孙多", "document": CARD, "phone": "13700990099", "collected_on": day,
                "collected_by": format!("{key}{version}")});
            let report = tell(&app, &line.to_string(), Format::JsonLines, None).await;
            assert_eq!((report.applied, report.failed.len()), (1, 0), "{report:?}");
            let fields = report.remarks.iter().map(|one| one.why.field.as_deref().unwrap());
            let fields: Vec<&str> = fields.collect();
            let expected: &[&str] = if is_former { &["collected_on"] } else { &[] };
            assert_eq!(fields, expected, "{line}");
        };
        for (key, version, day, by) in [
            ("a", 1, "2026-03-01", "a1"),
            ("b", 1, "2026-02-01", "a1"),
            ("b", 2, "2026-02-02", "a1"),
            ("c", 1, "2026-03-01", "c1"),
            ("d", 1, "2026-04-01", "d1"),
            ("d", 2, "2026-01-01", "d2"),
            ("e", 1, "2026-11-24", "e1"),
        ] {
            take(key, version, day, by != format!("{key}{version}")).await;
            assert_eq!(counts(&app).await.collected_by, by, "{key}{version}");
        }
        // An officer corrects it at the console.
        let known = counts(&app).await;
        let corrected = HallRecord { collected_by: "officer".to_owned(), ..known };
        let id = RecordVersionId::new(&app.clock, app.ctx.random());
        let tx = app.ctx.begin().await.unwrap();
        let records = tx.rows().hall_records();
        records.supersede(&corrected.number, app.ctx.now()).await.unwrap();
        records.add(id, &corrected, None).await.unwrap();
        tx.commit().await.unwrap();
        take("f", 1, "2026-11-24", true).await;
        take("e", 2, "2026-11-24", true).await;
        assert_eq!(counts(&app).await.collected_by, "officer");
        app.clock.advance(86_400);
        take("g", 1, "2026-11-25", false).await;
        assert_eq!(counts(&app).await.collected_by, "g1");
        let versions = app.ctx.rows().hall_records().versions(&corrected.number).await.unwrap();
        assert_eq!(versions.len(), 11, "each is kept");
        assert_eq!(versions.iter().filter(|one| one.is_current).count(), 1);
    });
}
