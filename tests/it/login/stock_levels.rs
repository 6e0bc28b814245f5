//! Real-name levels of people whom the old system knew (存量): what they come with, and how they go on from there.

use hufu::base::id::PersonId;
use hufu::domain::acting::Acting;
use hufu::domain::number::document::{DocumentNumber, DocumentType};
use hufu::flows::feed::{Format, Report, import};
use serde_json::{Value, json};

use super::level::with_session_of;
use crate::account::{get, pass_scan, post};
use crate::kit::browser::Shown;
use crate::kit::{Browser, TestApp, on_each_database};

/// Somebody of the old system.
struct Stock {
    document: &'static str,
    phone: &'static str,
    /// What the line says beside name, document and phone.
    says: &'static str,
    level: u8,
}

const STOCK: [Stock; 6] = [
    Stock {
        document: "360102196001010006",
        phone: "13000000011",
        says: r#"{"real_name_level": 1}"#,
        level: 1,
    },
    Stock {
        document: "360102196001020001",
        phone: "13000000012",
        says: r#"{"real_name_level": 2}"#,
        level: 2,
    },
    Stock {
        document: "360102196001030007",
        phone: "13000000013",
        says: r#"{"real_name_level": 3}"#,
        level: 3,
    },
    Stock {
        document: "360102196001040002",
        phone: "13000000014",
        says: r#"{"real_name_level": 4}"#,
        level: 4,
    },
    Stock {
        document: "360102196001050008",
        phone: "13000000015",
        says: r#"{"real_name_level": 5}"#,
        level: 5,
    },
    // Nothing is said: whoever is in the register was looked at there.
    Stock { document: "360102196001060003", phone: "13000000016", says: "{}", level: 3 },
];

/// What leads from each level to the next, and what the page says of it before.
const STEPS: [(u8, &str, &str); 3] = [
    (2, "phone", "用短信验证码验证您的手机"),
    (3, "real_name", "核验您的姓名和证件号码"),
    (4, "face", "扫码并完成人脸识别"),
];

fn line(one: &Stock, version: i64, more: &str) -> Value {
    let mut line = json!({"feed": "person", "source_key": one.phone, "version": version,
        "name": "测试", "document": one.document, "phone": one.phone});
    let more: Value = serde_json::from_str(more).unwrap();
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    line
}

async fn tell(app: &TestApp, lines: &[Value]) -> Report {
    let text: Vec<String> = lines.iter().map(Value::to_string).collect();
    let text = text.join("\n");
    import(&app.ctx, "test", text.as_bytes(), Format::JsonLines, None).await.unwrap()
}

async fn who(app: &TestApp, one: &Stock) -> PersonId {
    let today = app.ctx.now().day();
    let number = DocumentNumber::parse(DocumentType::ResidentIdCard, one.document, today).unwrap();
    app.ctx.rows().people().find_by_document(&number).await.unwrap().unwrap()
}

/// What is recorded here of the way up.
async fn recorded(app: &TestApp, person: PersonId) -> Vec<(u8, String)> {
    let steps = app.ctx.rows().people().level_steps(person).await.unwrap();
    steps.into_iter().map(|(level, how, _)| (level, how)).collect()
}

/// Level and how, as the audit says it.
async fn audited(app: &TestApp, person: PersonId) -> Vec<(i64, String)> {
    let own = person.to_string();
    let all = app.audit().await;
    let raised = all
        .iter()
        .filter(|one| one["action"] == "real_name_raised" && one["person"] == own.as_str());
    let said = |one: &Value| (one["level"].as_i64(), one["how"].as_str().map(str::to_owned));
    raised.map(said).map(|(level, how)| (level.unwrap(), how.unwrap())).collect()
}

/// The level, how many of the five the bureau vouches for, and how many are still ahead.
fn shown(page: &Shown) -> (String, usize, usize) {
    let level = page
        .text
        .split("id=\"level\" data-level=\"")
        .nth(1)
        .unwrap_or_else(|| panic!("{}", page.text));
    let count = |text: &str| page.text.matches(text).count();
    let level = level.split('"').next().unwrap().to_owned();
    (level, count("由税务机关登记"), count("尚未达到"))
}

/// The step that is next, as its person takes it.
async fn take(app: &TestApp, browser: &mut Browser, to: u8, phone: &str) -> Shown {
    let next = post(app, browser, "/account/level", &[("act", "raise")]).await;
    match to {
        2 => browser.pass_second_factor(app, &next, phone).await,
        4 => pass_scan(app, browser, &next).await,
        _ => next,
    }
}

/// Covers L-01, L-02, L-03, L-04, L-05, L-07, L-08: in one file or line by line, everybody begins where the register
/// has them, by its word and with no evidence of ours, and goes on one step at a time, each recorded.
#[test]
fn the_stock_begins_where_the_register_has_it() {
    on_each_database(|on| async move {
        for is_one_file in [true, false] {
            let app = TestApp::start(on).await;
            let lines: Vec<Value> = STOCK.iter().map(|one| line(one, 1, one.says)).collect();
            let n_at_once = if is_one_file { lines.len() } else { 1 };
            for some in lines.chunks(n_at_once) {
                let report = tell(&app, some).await;
                assert_eq!(report.applied, u64::try_from(some.len()).unwrap(), "{report:?}");
            }
            for one in &STOCK {
                let person = who(&app, one).await;
                let mut browser = with_session_of(&app, person, Acting::Personal, &["pwd"]).await;
                let page = get(&mut browser, "/account/level").await;
                let level = usize::from(one.level);
                let expected = (one.level.to_string(), level, 5 - level);
                assert_eq!(shown(&page), expected, "{} {}", one.says, page.text);
                assert!(recorded(&app, person).await.is_empty(), "{}", one.says);
                let by_register = (i64::from(one.level), "registry".to_owned());
                let mut said: Vec<_> = (one.level > 1).then_some(by_register).into_iter().collect();
                assert_eq!(audited(&app, person).await, said, "{}", one.says);
                let mut steps = Vec::new();
                for (to, how, next) in STEPS.into_iter().filter(|(to, ..)| *to > one.level) {
                    let page = get(&mut browser, "/account/level").await;
                    assert!(page.text.contains(next), "{} to {to}: {}", one.says, page.text);
                    let page = take(&app, &mut browser, to, one.phone).await;
                    let expected = (to.to_string(), level, 5 - usize::from(to));
                    assert_eq!(shown(&page), expected, "{} to {to}: {}", one.says, page.text);
                    steps.push((to, how.to_owned()));
                    said.push((i64::from(to), how.to_owned()));
                    assert_eq!(recorded(&app, person).await, steps, "{}", one.says);
                    assert_eq!(audited(&app, person).await, said, "{}", one.says);
                }
            }
        }
    });
}

/// A newer line adds what the register has found out since, and takes no evidence of ours away; what is no level is
/// told. Covers L-01.
#[test]
fn a_newer_line_leaves_what_was_proved_here() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let one = &STOCK[1];
        tell(&app, &[line(one, 1, one.says)]).await;
        let person = who(&app, one).await;
        let mut browser = with_session_of(&app, person, Acting::Personal, &["pwd"]).await;
        take(&app, &mut browser, 3, one.phone).await;
        let proved = [(3_u8, "real_name".to_owned())];
        for (version, level, expected) in
            [(2, 1, ("3", 2, 2)), (3, 5, ("5", 4, 0)), (4, 2, ("5", 4, 0))]
        {
            let more = json!({"real_name_level": level}).to_string();
            let report = tell(&app, &[line(one, version, &more)]).await;
            assert_eq!(report.applied, 1, "{report:?}");
            let page = get(&mut browser, "/account/level").await;
            let (now, of_register, ahead) = shown(&page);
            assert_eq!((now.as_str(), of_register, ahead), expected, "{level} {}", page.text);
            assert_eq!(recorded(&app, person).await, proved, "{level}");
        }
        for wrong in [0, 6] {
            let more = json!({"real_name_level": wrong}).to_string();
            let report = tell(&app, &[line(one, 9, &more)]).await;
            let field = report.failed.first().and_then(|failed| failed.why.field.clone());
            assert_eq!(field.as_deref(), Some("real_name_level"), "{wrong} {report:?}");
        }
    });
}
