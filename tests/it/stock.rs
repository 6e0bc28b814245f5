//! The stock that a bureau begins with: many lines at once, files that break off, and files that nobody
//! could hold in memory.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};

use hufu::domain::number::document::{DocumentNumber, DocumentType};
use hufu::domain::number::phone::Phone;
use hufu::flows::Fault;
use hufu::flows::feed::{Format, Heard, Report, Source, Totals, import, import_file};
use serde_json::{Value, json};

use crate::kit::{EXAMPLE, On, TestApp, on_each_database};

const NUMBERS: [&str; 4] =
    ["91360100MA3700004T", "91360100MA3700005R", "91360100MA3700006P", "360102708461999"];
/// The last is a child.
const PEOPLE: [&str; 7] = [
    "360102196001010006",
    "360102196001020001",
    "360102196001030007",
    "360102196001040002",
    "360102196001050008",
    "360102196001060003",
    "360102201801010016",
];
const PHONES: [&str; 3] = ["13000000001", "13000000002", "13000000003"];

async fn tell(app: &TestApp, text: &str) -> Report {
    import(&app.ctx, "test", text.as_bytes(), Format::JsonLines, None).await.unwrap()
}

fn one<'t>(of: &[&'t str], drawn: usize) -> &'t str {
    of[drawn % of.len()]
}

/// Lines that meet each other in every way: the same key, document, phone, number, place.
fn drawn(seed: u64, n_lines: usize) -> Vec<Value> {
    let mut state = seed;
    let mut below = |n: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % n
    };
    let mut line = || match below(10) {
        0..4 => {
            json!({"feed": "person", "source_key": format!("p{}", below(9)), "version": below(5),
            "name": one(&["测试", "张三"], below(60)), "document": one(&PEOPLE, below(60)),
            "phone": one(&["13000000001", "13000000002", "13000000003", "", "12"], below(60)),
            "phone_used_at": one(&["", "2025-01-01", "2026-01-01"], below(60)),
            "real_name_level": 1 + below(3),
            "document_valid_to": one(&["", "2030-01-01", "long_term"], below(60)),
            "document_void": one(&["", "", "true", "false"], below(60))})
        }
        4 => json!({"feed": "enterprise", "source_key": format!("e{}", below(5)),
            "version": below(5), "registration_no": format!("2000000000000000000{}", below(4)),
            "tin": one(&NUMBERS, below(60)), "name": "企业", "status": one(&["03", "03", "03", "07"], below(60)),
            "unit_number": one(&["", "", "36010012", "36010013"], below(60)), "tax_authority": "1"}),
        5 => json!({"feed": "hall_record", "source_key": format!("h{}", below(6)),
            "version": below(5), "name": "测试", "document": one(&PEOPLE, below(60)),
            "sex": one(&["", "male"], below(60)), "collected_on": one(&["2026-01-01", "3026-01-01"], below(60)),
            "collected_by": "A"}),
        _ => json!({"feed": "authorisation", "source_key": format!("a{}", below(12)),
            "version": below(5), "enterprise": one(&NUMBERS, below(60)), "valid_from": "2026-01-01",
            "person": one(&PEOPLE, below(60)), "permissions": one(&["", "TAX_FILING"], below(60)),
            "identity_type": one(&["legal_representative", "tax_clerk", "finance_supervisor"], below(60)),
            "state": one(&["active", "active", "pending_by_person", "ended"], below(60))}),
    };
    let mut lines: Vec<Value> = (0..n_lines).map(|_| line()).collect();
    // Long runs of one kind in one half, everything mixed in the other.
    lines[..n_lines / 2].sort_by_key(|line| {
        ["person", "enterprise", "authorisation"].iter().position(|kind| line["feed"] == *kind)
    });
    lines
}

/// All that lines leave behind, without ids.
async fn left_by(app: &TestApp) -> Vec<Vec<String>> {
    let mut left = Vec::new();
    for sql in [
        "SELECT kind || coalesce(sex, '') || real_name_level || count(*) AS said FROM person GROUP BY kind, sex, real_name_level ORDER BY 1",
        "SELECT kind || status || coalesce(valid_to, '') || count(*) AS said FROM identity_document GROUP BY kind, status, valid_to ORDER BY 1",
        "SELECT registration_no || tin || status || coalesce(unit_number, '') AS said FROM enterprise ORDER BY 1",
        "SELECT number AS said FROM enterprise_number ORDER BY 1",
        "SELECT status || origin || count(*) AS said FROM account GROUP BY status, origin ORDER BY 1",
        "SELECT CASE WHEN is_default THEN 'd' ELSE '' END || CASE WHEN is_told THEN 't' ELSE '' END \
         || verified_at || count(*) AS said FROM phone_binding GROUP BY is_default, is_told, verified_at ORDER BY 1",
        "SELECT used_at || 'x' || count(*) AS said FROM contested_phone GROUP BY used_at ORDER BY 1",
        "SELECT kind || coalesce(sex, '') || collected_on || count(*) AS said FROM hall_record GROUP BY kind, sex, collected_on ORDER BY 1",
        "SELECT kind || source_key || version AS said FROM feed_entry ORDER BY 1",
        "SELECT e.tin || a.identity_type || a.permissions || a.state || a.version || count(*) AS said \
         FROM authorisation a JOIN enterprise e ON e.id = a.enterprise_id \
         GROUP BY e.tin, a.identity_type, a.permissions, a.state, a.version ORDER BY 1",
        "SELECT event || side || count(*) AS said FROM authorisation_event GROUP BY event, side ORDER BY 1",
        "SELECT reason || side || count(*) AS said FROM authorisation_history GROUP BY reason, side ORDER BY 1",
        "SELECT coalesce(e.tin, '') || n.kind || coalesce(n.identity_type, '') || count(*) AS said FROM notice n \
         LEFT JOIN enterprise e ON e.id = n.enterprise_id GROUP BY e.tin, n.kind, n.identity_type ORDER BY 1",
        "SELECT client_id || channel || count(*) AS said FROM delivery GROUP BY client_id, channel ORDER BY 1",
    ] {
        left.push(app.said(sql).await);
    }
    left.push(audited(app).await);
    left.push(known(app).await);
    left
}

/// How often which act stands in the audit, with what it says beyond ids.
async fn audited(app: &TestApp) -> Vec<String> {
    let mut counted: BTreeMap<String, usize> = BTreeMap::new();
    for event in app.said("SELECT event AS said FROM audit ORDER BY sequence").await {
        let mut event: Value = serde_json::from_str(&event).unwrap();
        if event["action"] == "feed_imported" {
            continue;
        }
        for id in ["person", "account", "by", "authorisation", "enterprise", "record", "session"] {
            if let Some(value) = event.get_mut(id) {
                *value = json!(value.is_null());
            }
        }
        *counted.entry(event.to_string()).or_default() += 1;
    }
    counted.into_iter().map(|(event, count)| format!("{event} {count}")).collect()
}

/// Who holds which document and phone.
async fn known(app: &TestApp) -> Vec<String> {
    let (rows, today) = (app.ctx.rows(), app.ctx.now().day());
    let mut found = Vec::new();
    for number in PEOPLE {
        let number = DocumentNumber::parse(DocumentType::ResidentIdCard, number, today).unwrap();
        let Some(id) = rows.people().find_by_document(&number).await.unwrap() else { continue };
        let person = rows.people().find(id).await.unwrap().unwrap();
        let account = rows.accounts().find_by_person(id).await.unwrap().unwrap();
        let phones = rows.accounts().phones(account.id).await.unwrap();
        let phones: Vec<&str> = phones.iter().map(|one| one.phone.as_str()).collect();
        let (name, level) = (person.name.as_str(), person.real_name_level);
        found.push(format!("{} {name} {level} {phones:?}", number.as_str()));
    }
    for phone in PHONES {
        let phone = Phone::parse(phone).unwrap();
        let contested = rows.accounts().phone_contested(&phone).await.unwrap();
        found.push(format!("{} {contested:?}", phone.as_str()));
    }
    found
}

/// Many lines at once leave what each alone would: rows, messages, events, audit, and the same report.
/// Covers PC-15, R-14.
#[test]
fn many_lines_are_each_of_them() {
    on_each_database(|on| async move {
        // What lines leave is the same story on both; three draws between them.
        let seeds = match on {
            On::Sqlite => 0..2,
            On::Postgres => 2..3,
        };
        for seed in seeds {
            let lines = drawn(seed, 160);
            let (together, apart) = (TestApp::start(on).await, TestApp::start(on).await);
            let text: Vec<String> = lines.iter().map(Value::to_string).collect();
            let report = tell(&together, &text.join("\n")).await;
            let (mut applied, mut unchanged) = (0, 0);
            let (mut failed, mut remarks) = (Vec::new(), Vec::new());
            for (number, line) in (1..).zip(&text) {
                let one = tell(&apart, line).await;
                (applied, unchanged) = (applied + one.applied, unchanged + one.unchanged);
                failed.extend(one.failed.into_iter().map(|one| (number, one.why)));
                remarks.extend(one.remarks.into_iter().map(|one| (number, one.why)));
            }
            let told: Vec<_> = report.failed.into_iter().map(|one| (one.line, one.why)).collect();
            assert_eq!(told, failed, "seed {seed}");
            let told: Vec<_> = report.remarks.into_iter().map(|one| (one.line, one.why)).collect();
            assert_eq!(told, remarks, "seed {seed}");
            assert_eq!((report.applied, report.unchanged), (applied, unchanged), "seed {seed}");
            assert!(applied > 20 && failed.len() > 10, "{applied} {}", failed.len());
            assert_eq!(left_by(&together).await, left_by(&apart).await, "seed {seed}");
            let fault = together.ctx.rows().records().verify_audit(&[]).await.unwrap().fault;
            assert_eq!(fault, None);
        }
    });
}

/// One wrong line among many, and one that the database meets first, lose nothing else; a newer line
/// that changes document and phone is followed. Covers PC-15, R-14.
#[test]
fn what_meets_something_known_is_looked_at_alone() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let line = |key: usize, version: i64, document: &str, phone: &str, used: &str| {
            json!({"feed": "person", "source_key": key, "version": version, "name": "测试",
                "document": document, "phone": phone, "phone_used_at": used})
            .to_string()
        };
        let lines = [
            line(1, 1, PEOPLE[0], PHONES[0], "2025-01-01"),
            line(2, 1, "360102196001010007", PHONES[1], ""),
            // 王小明's, whom the realm knows by this phone, and by another name.
            line(3, 1, "360102199003071236", PHONES[1], ""),
            line(4, 1, PEOPLE[1], "13800138000", ""),
            line(5, 1, PEOPLE[2], "", ""),
        ];
        let report = tell(&app, &lines.join("\n")).await;
        let failed: Vec<_> =
            report.failed.iter().map(|one| (one.line, one.why.field.as_deref())).collect();
        assert_eq!(failed, [(2, Some("document")), (3, Some("name"))]);
        assert_eq!((report.applied, report.remarks.len()), (3, 1), "{report:?}");
        // The phone of the first goes to whoever used it later, and the first has another document.
        let lines = [
            line(5, 2, PEOPLE[2], PHONES[0], "2026-01-01"),
            line(1, 2, PEOPLE[3], PHONES[2], "2026-01-01"),
        ];
        let report = tell(&app, &lines.join("\n")).await;
        assert_eq!((report.applied, report.failed.len()), (2, 0), "{report:?}");
        // Whoever loses a number by the registry's word hears of it like anybody: 王小明, and the first.
        let told = "SELECT kind AS said FROM notice WHERE kind = 'phone-taken'";
        assert_eq!(app.said(told).await.len(), 2);
        let known = known(&app).await;
        let has = |text: &str| known.iter().any(|one| one.starts_with(text));
        assert!(has(&format!("{} 测试 3 [\"+86{}\"]", PEOPLE[2], PHONES[0])), "{known:?}");
        assert!(has(&format!("{} 测试 3 [\"+86{}\"]", PEOPLE[3], PHONES[2])), "{known:?}");
        assert!(!has(PEOPLE[0]), "{known:?}");
    });
}

/// A file that is gone after some bytes.
struct Breaks<'t> {
    text: &'t [u8],
    left: usize,
}

impl Read for Breaks<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && !self.text.is_empty() {
            return Err(io::Error::other("gone"));
        }
        let n = into.len().min(self.left).min(self.text.len());
        into[..n].copy_from_slice(&self.text[..n]);
        (self.left, self.text) = (self.left - n, &self.text[n..]);
        Ok(n)
    }
}

/// What is heard of a file of which `left` bytes can be read.
async fn run(
    app: &TestApp,
    text: &str,
    left: usize,
    format: Format,
) -> (Result<Totals, Fault>, Vec<String>) {
    let mut heard = Vec::new();
    let source = Source { by: "test", format, kind: Some("hall_record") };
    let open = || Ok(BufReader::new(Breaks { text: text.as_bytes(), left }));
    let done = import_file(&app.ctx, source, "people.csv", open, |one| {
        heard.push(match one {
            Heard::GoesOn(line, _) => format!("goes on after {line}"),
            Heard::Changed => "changed".to_owned(),
            Heard::Failed(line) => format!("failed {}", line.line),
            Heard::Remarked(_) | Heard::Through(_) => return,
        });
    });
    (done.await, heard)
}

/// What was broken off goes on from where it was kept, and once only; a file that has changed since is
/// read from its beginning; what has ended is not gone on with.
#[test]
fn an_import_that_was_broken_off_goes_on() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut table = String::from(
            "source_key,version,name,document_type,document,nationality,collected_on,collected_by\n",
        );
        for n in 0..1200 {
            // The day of one in a hundred is none.
            let day = if n % 100 == 7 { "x" } else { "2026-01-01" };
            table += &format!("h{n},1,测试,foreign_passport,C{n:08},DEU,{day},A\n");
        }
        let (broken, heard) = run(&app, &table, table.len() * 3 / 4, Format::Csv).await;
        assert!(matches!(broken, Err(Fault::Internal(_))), "{broken:?}");
        assert_eq!(heard.len(), 6, "{heard:?}");
        let half = app.said("SELECT 'x' || count(*) AS said FROM hall_record").await;
        let (done, heard) = run(&app, &table, table.len(), Format::Csv).await;
        let expected = Totals { applied: 1188, unchanged: 0, failed: 12, remarked: 0 };
        assert_eq!(done.unwrap(), expected);
        // The head of the table is a line.
        assert_eq!((heard.len(), heard[0].as_str()), (7, "goes on after 513"), "{heard:?}");
        let whole = app.said("SELECT 'x' || count(*) AS said FROM hall_record").await;
        assert_ne!(half, whole);
        assert!(app.said("SELECT source AS said FROM feed_mark").await.is_empty());
        let again = Totals { applied: 0, unchanged: 1188, failed: 12, remarked: 0 };
        run(&app, &table, table.len() * 3 / 4, Format::Csv).await.0.unwrap_err();
        let changed = table.replacen("h3,1,", "h3,2,", 1);
        let (done, heard) = run(&app, &changed, changed.len(), Format::Csv).await;
        assert_eq!(done.unwrap(), Totals { applied: 1, unchanged: 1187, ..again });
        assert_eq!((heard.len(), heard[0].as_str()), (13, "changed"));
        let (done, heard) = run(&app, &table, table.len(), Format::Csv).await;
        assert_eq!((done.unwrap(), heard.len()), (again, 12));
        // Shorter than it was.
        run(&app, &table, table.len() * 3 / 4, Format::Csv).await.0.unwrap_err();
        let short = table.lines().take(3).collect::<Vec<_>>().join("\n");
        let (done, heard) = run(&app, &short, short.len(), Format::Csv).await;
        assert_eq!((done.unwrap().unchanged, heard[0].as_str()), (2, "changed"));
    });
}

/// A line that nobody could hold is told and the next is taken; a quote that is left open ends the file
/// with a word; a value of the wrong kind is not shown, since it may be somebody's number.
#[tokio::test(flavor = "multi_thread")]
async fn no_line_fills_the_memory_and_no_value_stands_in_a_report() {
    let app = TestApp::start(On::Sqlite).await;
    let good = json!({"feed": "enterprise", "source_key": "e1", "version": 1, "tax_authority": "1",
        "registration_no": "20000000000000000001", "tin": NUMBERS[0], "name": "企业", "status": "03"});
    let number = json!({"feed": "person", "source_key": "p1", "version": 1, "name": "测试",
        "document": 360_102_199_003_071_236_u64});
    let lines = format!("{}\n\n{number}\n{good}\n", "x".repeat(3 << 20));
    let report = tell(&app, &lines).await;
    assert_eq!(report.applied, 1, "{report:?}");
    let failed: Vec<u64> = report.failed.iter().map(|one| one.line).collect();
    assert_eq!(failed, [1, 3]);
    let told = serde_json::to_string(&report).unwrap();
    assert!(told.contains("1 MiB") && told.contains("a string"), "{told}");
    assert!(!told.contains("3601021990"), "{told}");
    let table =
        format!("source_key,version,name\np1,1,\"{}", format!("{EXAMPLE}\n").repeat(200_000));
    let done = import(&app.ctx, "test", table.as_bytes(), Format::Csv, Some("person")).await;
    assert!(done.unwrap_err().to_string().contains("is a quote left open?"));
}
