//! What the hall collects of people: which fields it takes, what stays of each version, where portraits
//! are, and what registration makes of it.

use hufu::base::clock::Day;
use hufu::base::id::RecordVersionId;
use hufu::base::secret::{hex, sha256};
use hufu::domain::acting::Acting;
use hufu::domain::help::Helper;
use hufu::domain::person::DocumentEnd;
use hufu::flows::hall;
use serde_json::{Value, json};

use super::{AtDesk, CONSOLE, acts};
use crate::account::{WANG, as_person, feed, get};
use crate::kit::browser::Shown;
use crate::kit::{TestApp, on_each_database};
use crate::login::level::with_session_of;
use crate::registration::{ANNA, Registrant, XU, levels, person, reached};

pub const JPEG: &[u8] = b"\xff\xd8\xff\xda\0\x02 a portrait of somebody at the counter\xff\xd9";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\0IEND\xae\x42\x60\x82";
const WHY: (&str, &str) = ("reason", "窗口采集，叫号 C001");

pub const ANNAS: [(&str, &str); 7] = [
    ("name", "Anna Schmidt"),
    ("document_type", "foreign_passport"),
    ("document", "C01X00T48"),
    ("sex", "female"),
    ("nationality", "DEU"),
    ("valid_to", "2031-05-31"),
    ("phone", "+4915123456790"),
];

const XUS: [(&str, &str); 4] = [
    ("name", "许佳"),
    ("document_type", "resident_id_card"),
    ("document", "360104198502030023"),
    ("phone", "13911139111"),
];

/// Sends the form at `path` with these values and a portrait.
pub async fn collect(
    desk: &mut AtDesk,
    path: &str,
    values: &[(&str, &str)],
    portrait: &[u8],
) -> Shown {
    let page = desk.get(path).await;
    let hidden = page.hidden_of_form("multipart/form-data");
    let mut fields: Vec<(&str, &str)> =
        hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    fields.extend(values.iter().copied().chain([WHY]));
    let to = format!("{CONSOLE}/records/new");
    desk.browser.send_file(&to, &fields, ("portrait.jpg", portrait)).await
}

fn version(page: &Shown) -> String {
    let rest = page.text.split("data-version=\"").nth(1).unwrap_or_else(|| panic!("{}", page.text));
    rest.split('"').next().unwrap().to_owned()
}

/// Covers X-17, D-03: of the eleven kinds four need mark and portrait, and the mark needs a portrait
/// everywhere; what a field must be is said at the field.
#[test]
fn what_is_collected_is_checked() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut hall = AtDesk::start(&app, "zhou", "hall").await;
        let sight = ("by_sight", "yes");
        let too_large = vec![0xff; 2 * 1024 * 1024 + 1];
        let with = |more: &[(&'static str, &'static str)]| [&ANNAS[..], more].concat();
        for (values, portrait, wrong) in [
            (with(&[]), JPEG, "by_sight-wrong"),
            (with(&[sight]), b"".as_slice(), "file-wrong"),
            (with(&[sight]), b"GIF89a", "file-wrong"),
            (with(&[sight]), b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "file-wrong"),
            (with(&[sight]), b"\xff\xd8\xff<script>alert(1)</script>", "file-wrong"),
            (with(&[sight]), b"%PDF-1.7 no portrait", "file-wrong"),
            (with(&[sight, ("x", "y")]), &too_large, "file-wrong"),
            ([&XUS[..], &[sight]].concat(), b"", "file-wrong"),
        ] {
            let shown = collect(&mut hall, "/records/new", &values, portrait).await;
            assert_eq!(shown.code(), Some("E_FORMAT"), "{wrong}: {}", shown.text);
            assert!(shown.text.contains(&format!("id=\"{wrong}\"")), "{wrong}: {}", shown.text);
        }
        for (field, wrong) in [
            ("name", ""),
            ("document_type", "library_card"),
            ("document", "1"),
            ("sex", ""),
            ("nationality", "CHN"),
            ("nationality", ""),
            ("valid_to", ""),
            ("valid_to", "2026-11-23"),
            ("valid_to", "+10000-01-01"),
            ("phone", "12"),
        ] {
            let mut values = with(&[sight]);
            values.retain(|(name, _)| *name != field);
            values.push((field, wrong));
            let shown = collect(&mut hall, "/records/new", &values, JPEG).await;
            let id = if field == "valid_to" { "document_valid_to" } else { field };
            assert_eq!(shown.code(), Some("E_FORMAT"), "{field}: {}", shown.text);
            assert!(shown.text.contains(&format!("id=\"{id}-wrong\"")), "{field} {}", shown.text);
        }
        assert!(app.said("SELECT 'x' AS said FROM hall_portrait").await.is_empty());
    });
}

/// Covers: each of the eleven kinds is collected once, by whatever its number leaves open.
#[test]
fn all_eleven_kinds_are_collected() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut hall = AtDesk::start(&app, "zhou", "hall").await;
        let kinds = [
            ("resident_id_card", "360104198502030023", false),
            ("taiwan_residence_permit", "830000199201300022", false),
            ("hk_macao_residence_permit", "810000199408230021", false),
            ("taiwan_travel_permit", "12345678", false),
            ("hk_macao_travel_permit", "H12345678", false),
            ("chinese_passport", "E12345678", false),
            ("foreign_permanent_resident_id", "936840199203150033", false),
            ("foreign_passport", "C01X00T48", true),
            ("foreign_work_permit_a", "WPA1234567", true),
            ("foreign_work_permit_b", "WPB1234567", true),
            ("foreign_work_permit_c", "WPC1234567", true),
        ];
        let mut kept = 0;
        for (kind, number, needs_sight) in kinds {
            let (by_sight, portrait) =
                if needs_sight { (Some(("by_sight", "yes")), JPEG) } else { (None, &b""[..]) };
            let both = ["", "CHN", "DEU"]
                .into_iter()
                .flat_map(|nationality| ["", "female", "male"].map(|sex| (nationality, sex)));
            for (nationality, sex) in both {
                let mut values = vec![
                    ("name", "Anna Schmidt"),
                    ("document_type", kind),
                    ("document", number),
                    ("sex", sex),
                    ("nationality", nationality),
                    ("valid_to", "2031-05-31"),
                ];
                values.extend(by_sight);
                let shown = collect(&mut hall, "/records/new", &values, portrait).await;
                let is_new = shown.text.contains("data-current");
                kept += usize::from(is_new);
                let is_refused = matches!(shown.code(), Some("E_STATE" | "E_FORMAT"));
                assert!(is_new || is_refused, "{}", shown.text);
            }
        }
        assert_eq!(kept, 11, "one record of each kind, whatever was chosen first");
    });
}

/// Covers X-17: a correction is a new version, nothing is overwritten, two at once do not meet unseen; portraits
/// are sealed and shown for themselves, each look with its reason.
#[test]
fn a_correction_is_a_new_version() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut hall = AtDesk::start(&app, "zhou", "hall").await;
        let page = hall
            .send(
                "/records",
                &[("document_type", "foreign_passport"), ("document", "C01X00T48"), WHY],
            )
            .await;
        assert!(page.text.contains("id=\"none\""), "{}", page.text);
        let sight = [&ANNAS[..], &[("by_sight", "yes")]].concat();
        let page = collect(&mut hall, "/records/new", &sight, JPEG).await;
        assert!(page.text.contains("已保存"), "{}", page.text);
        let first = version(&page);
        let portrait = format!("{CONSOLE}/records/{first}/portrait");
        let shown = hall.browser.get(&portrait).await;
        assert_eq!(shown.status.as_u16(), 200);
        assert_eq!(shown.header("content-type").as_deref(), Some("image/jpeg"));
        assert_eq!(shown.header("x-content-type-options").as_deref(), Some("nosniff"));
        let policy = shown.header("content-security-policy").unwrap();
        assert!(policy.contains("sandbox"), "{policy}");
        assert_eq!(shown.header("cache-control").as_deref(), Some("no-store"));
        // Nothing of it stands in the database as it is.
        let sealed = app.said("SELECT COUNT(*) || '' AS said FROM hall_portrait").await;
        assert_eq!(sealed, ["1"]);
        let rows = app.bytes("SELECT content AS said FROM hall_portrait").await;
        assert!(rows.iter().all(|row| !row.windows(8).any(|part| part == &JPEG[4..12])));
        let rows = app.bytes("SELECT name AS said FROM hall_record").await;
        assert!(rows.iter().all(|row| !row.windows(4).any(|part| part == b"Anna")));

        let correct = format!("/records/{first}/correct");
        let fixed: Vec<(&str, &str)> = sight
            .iter()
            .map(|(name, value)| match *name {
                "name" => (*name, "Anna Schmitt"),
                _ => (*name, *value),
            })
            .collect();
        let mut other = hall.clone();
        let stale = other.get(&correct).await;
        let page = collect(&mut hall, &correct, &fixed, b"").await;
        assert!(page.text.contains("Anna Schmitt") && page.text.contains("Anna Schmidt"));
        let second = version(&page);
        assert_ne!(first, second);
        // Without another portrait the one of before is kept.
        let kept = hall.browser.get(&format!("{CONSOLE}/records/{second}/portrait")).await;
        assert_eq!(kept.status.as_u16(), 200);
        // Who had the former version before them is told, and writes nothing over it.
        let hidden = stale.hidden_of_form("multipart/form-data");
        let mut fields: Vec<(&str, &str)> =
            hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        fields.extend(sight.iter().copied().chain([WHY]));
        let to = format!("{CONSOLE}/records/new");
        let shown = other.browser.send_file(&to, &fields, ("p.png", PNG)).await;
        assert_eq!(shown.code(), Some("E_STATE"), "{}", shown.text);
        let shown = collect(&mut hall, "/records/new", &sight, PNG).await;
        assert_eq!(shown.code(), Some("E_STATE"), "collected already: {}", shown.text);
        // A correction is of the same document.
        let mut elsewhere = fixed.clone();
        elsewhere.retain(|(name, _)| *name != "document");
        elsewhere.push(("document", "C01X00T49"));
        let current = format!("/records/{second}/correct");
        let shown = collect(&mut hall, &current, &elsewhere, b"").await;
        assert_eq!(shown.code(), Some("E_FORMAT"), "{}", shown.text);
        assert_eq!(
            app.said("SELECT 'x' AS said FROM hall_record WHERE portrait_id IS NOT NULL")
                .await
                .len(),
            2
        );

        let mut fresh = AtDesk::start(&app, "fresh", "hall").await;
        let shown = fresh.browser.get(&portrait).await;
        assert!(shown.url.contains("/console/matter"), "no look without a reason");
        let looks = acts(&app, "officer_acted").await;
        let n = |what: &str| looks.iter().filter(|(_, act)| act == what).count();
        assert_eq!((n("look-at-portrait"), n("collect-hall-record")), (2, 1), "{looks:?}");
        assert_eq!(n("correct-hall-record"), 1);
    });
}

/// What a correction does not touch stays: an end that nobody has collected, and a day that was over when it was
/// told; no other day that is over is taken.
#[test]
fn a_correction_leaves_the_end_as_it_was() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let line = |number: &str, more: Value| {
            let mut line = json!({"feed": "hall_record", "source_key": number, "version": 1,
                "name": "许加", "document": number, "collected_on": "2026-10-08",
                "collected_by": "0101"});
            line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            line
        };
        let (open, over) = (XU.number, "360102199912318881");
        let ended = json!({"document_valid_to": "2026-11-01"});
        feed(&app, &[line(open, json!({})), line(over, ended)]).await;
        let mut hall = AtDesk::start(&app, "zhou", "hall").await;
        for (number, shown, expected) in [
            (open, "", None),
            (over, "2026-11-01", Some(DocumentEnd::On(Day::parse("2026-11-01").unwrap()))),
        ] {
            let document = [("document_type", "resident_id_card"), ("document", number), WHY];
            let found = hall.send("/records", &document).await;
            let correct = format!("/records/{}/correct", version(&found));
            let mut values = vec![("name", "许佳"), document[0], document[1]];
            values.push(("valid_to", "2026-11-02"));
            let refused = collect(&mut hall, &correct, &values, b"").await;
            assert_eq!(refused.code(), Some("E_FORMAT"), "{number}");
            assert!(refused.text.contains("id=\"document_valid_to-wrong\""), "{}", refused.text);
            values.pop();
            values.push(("valid_to", shown));
            let page = collect(&mut hall, &correct, &values, b"").await;
            let id: RecordVersionId = version(&page).parse().unwrap();
            let records = app.ctx.rows().hall_records();
            let kept = records.versions_of(id).await.unwrap().remove(0).record;
            assert_eq!((kept.name.as_str(), kept.document_ends), ("许佳", expected), "{number}");
        }
    });
}

/// A camera says where it was, and with what: nobody who looks at the portrait learns of it, nor the database.
#[test]
fn a_portrait_does_not_say_where_it_was_taken() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut hall = AtDesk::start(&app, "zhou", "hall").await;
        let place = b"\xff\xe1\0\x18Exif\0\0GPS 28.68 115.86";
        let sent = [&JPEG[..2], place, &JPEG[2..], b"and another picture"].concat();
        let values = [&ANNAS[..], &[("by_sight", "yes")]].concat();
        let page = collect(&mut hall, "/records/new", &values, &sent).await;
        let id: RecordVersionId = version(&page).parse().unwrap();
        let helper = Helper::new("officer/zhou", WHY.1).unwrap();
        let (portrait, content) = hall::portrait(&app.ctx, &helper, id).await.unwrap();
        assert_eq!((portrait.size, content.as_slice()), (JPEG.len(), JPEG));
        let records = app.ctx.rows().hall_records();
        assert_eq!(records.portrait(id).await.unwrap().unwrap().1, JPEG, "nor is it kept");
        let kept = records.versions_of(id).await.unwrap().remove(0).record;
        assert_eq!(kept.portrait, Some(hex(&sha256(JPEG))));
    });
}

/// Covers: what an officer collects is what spares the face, or is the only way in.
#[test]
fn registration_takes_what_the_console_collects() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut hall = AtDesk::start(&app, "zhou", "hall").await;
        let anna = Registrant { number: "C01X00T48", contact: "+4915123456790", ..ANNA };
        let (_, page) = reached(&app, anna).await;
        assert_eq!(page.code(), Some("E_OFFLINE_ONLY"), "{}", page.text);
        let sight = [&ANNAS[..], &[("by_sight", "yes")]].concat();
        collect(&mut hall, "/records/new", &sight, JPEG).await;
        collect(&mut hall, "/records/new", &XUS, b"").await;

        // another phone than the one that was collected.
        let moved = Registrant { contact: "13933339333", ..XU };
        let (_, page) = reached(&app, moved).await;
        assert!(!page.text.contains("id=\"register-hall\""), "{}", page.text);
        for (who, expected) in [(anna, (4, "hall")), (XU, (3, "hall"))] {
            app.clock.advance(61);
            let (mut browser, page) = reached(&app, who).await;
            assert!(page.text.contains("id=\"register-hall\""), "{}", page.text);
            let values = [("accept-personal-information", "yes"), ("act", "accept")];
            let done = browser.submit(&page, &values).await;
            assert!(done.text.contains("id=\"register-done\""), "{}", done.text);
            assert!(person(&app, who).await.is_some());
            let last = levels(&app, who).await.pop().unwrap();
            assert_eq!((last.0, last.1.as_str()), expected, "{}", who.name);
        }
    });
}

/// What officers did at the console, and whose the audit says it was.
async fn whose(app: &TestApp) -> Vec<(String, Value)> {
    let all = app.audit().await;
    let all = all.iter().filter(|one| one["action"] == "officer_acted");
    all.map(|one| (one["act"].as_str().unwrap().to_owned(), one["person"].clone())).collect()
}

/// Covers: a look at a record is nobody's as long as nobody has registered with its document; from then
/// on it is that person's, who sees that the bureau looked, and neither who nor why.
#[test]
fn a_person_sees_that_their_record_was_looked_at() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut hall = AtDesk::start(&app, "zhou", "hall").await;
        let sight = [&XUS[..], &[("by_sight", "yes")]].concat();
        let page = collect(&mut hall, "/records/new", &sight, JPEG).await;
        let record = version(&page);
        let portrait = format!("/records/{record}/portrait");
        let document = [("document_type", "resident_id_card"), ("document", XU.number), WHY];
        hall.send("/records", &document).await;
        assert_eq!(hall.get(&portrait).await.status.as_u16(), 200);
        let looks = ["find-hall-record", "look-at-hall-record", "look-at-portrait"];
        let before = whose(&app).await;
        assert!(looks.iter().all(|look| before.iter().any(|(act, _)| act == look)), "{before:?}");
        assert!(before.iter().all(|(_, whose)| whose.is_null()), "{before:?}");

        let (mut browser, page) = reached(&app, XU).await;
        let values = [("accept-personal-information", "yes"), ("act", "accept")];
        let done = browser.submit(&page, &values).await;
        assert!(done.text.contains("id=\"register-done\""), "{}", done.text);
        let xu = person(&app, XU).await.unwrap();
        let found = hall.send("/records", &document).await;
        assert_eq!(version(&found), record);
        assert_eq!(hall.get(&portrait).await.status.as_u16(), 200);
        let after = whose(&app).await.split_off(before.len());
        assert_eq!(after, looks.map(|look| (look.to_owned(), json!(xu))));

        let said = "税务机关查看或办理了与您有关的事项";
        let mut own = with_session_of(&app, xu, Acting::Personal, &["pwd", "sms", "mfa"]).await;
        let page = get(&mut own, "/account/security").await;
        assert_eq!(page.text.matches(said).count(), looks.len(), "{}", page.text);
        for hidden in ["zhou", "周小北", WHY.1, record.as_str()] {
            assert!(!page.text.contains(hidden), "{hidden}: {}", page.text);
        }
        let mut other = as_person(&app, WANG).await;
        assert!(!get(&mut other, "/account/security").await.text.contains(said));
    });
}
