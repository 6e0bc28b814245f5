//! A phone is one person's: whoever proves it last has it, and whoever had it is told. The registry's word
//! is weighed by when a number was used.

use hufu::base::clock::Timestamp;
use hufu::domain::notice::NoticeKind;
use hufu::domain::number::phone::Phone;
use hufu::domain::person::{Account, PhoneBinding};
use hufu::flows::feed::{Format, Report, import};
use hufu::flows::people::bind_phone;
use serde_json::{Value, json};

use super::{LI, WANG};
use crate::kit::{TestApp, on_each_database};

const NEW: &str = "13712341234";
const OTHER: &str = "13712345555";

pub async fn owner(app: &TestApp, phone: &str) -> Option<Account> {
    let phone = Phone::parse(phone).unwrap();
    app.ctx.rows().accounts().find_by_phone(&phone).await.unwrap()
}

/// The numbers of an account, the default first, as they are typed here.
pub async fn phones(app: &TestApp, account: &Account) -> Vec<(String, bool)> {
    let all = app.ctx.rows().accounts().phones(account.id).await.unwrap();
    all.iter().map(|one| (one.phone.national().to_owned(), one.is_default)).collect()
}

pub async fn bind(app: &TestApp, account: &Account, phone: &str, is_default: bool) {
    let binding = PhoneBinding {
        account: account.id,
        phone: Phone::parse(phone).unwrap(),
        is_default,
        verified_at: app.ctx.now(),
    };
    let tx = app.ctx.begin().await.unwrap();
    bind_phone(&app.ctx, &tx, &binding).await.unwrap();
    tx.commit().await.unwrap();
    app.clock.advance(1);
}

pub async fn told(app: &TestApp, account: &Account) -> Vec<NoticeKind> {
    let mut all = app.ctx.rows().notices().list(account.person, 100).await.unwrap();
    all.reverse();
    all.into_iter().map(|one| one.kind).collect()
}

fn has(all: &[(String, bool)], expected: &[(&str, bool)]) {
    let all: Vec<(&str, bool)> = all.iter().map(|(phone, is)| (phone.as_str(), *is)).collect();
    assert_eq!(all, expected);
}

/// Covers, PC-10, PC-11, PC-14, PH-01: the number goes, the one that was verified last among
/// the others becomes the default (DEC-14), and the former holder is told and audited.
#[test]
fn a_number_that_somebody_else_proves_is_theirs() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (wang, li) = (owner(&app, WANG).await.unwrap(), owner(&app, LI).await.unwrap());
        app.clock.advance(1);
        bind(&app, &li, NEW, false).await;
        bind(&app, &li, OTHER, false).await;
        has(&phones(&app, &li).await, &[(LI, true), (OTHER, false), (NEW, false)]);
        let n = app.audit().await.len();
        bind(&app, &wang, LI, false).await;
        has(&phones(&app, &wang).await, &[(WANG, true), (LI, false)]);
        has(&phones(&app, &li).await, &[(OTHER, true), (NEW, false)]);
        assert_eq!(told(&app, &li).await, [NoticeKind::PhoneTaken]);
        assert!(told(&app, &wang).await.is_empty());
        let taken = json!({"action": "phone_taken", "account": li.id, "by": wang.id});
        let bound = json!({"action": "phone_bound", "account": wang.id});
        assert_eq!(app.audit().await[n..], [taken, bound]);
        // Of the other two one after the other: without a phone the account goes on.
        bind(&app, &wang, NEW, true).await;
        has(&phones(&app, &wang).await[..1], &[(NEW, true)]);
        bind(&app, &wang, OTHER, false).await;
        assert!(phones(&app, &li).await.is_empty());
        assert_eq!(told(&app, &li).await, [NoticeKind::PhoneTaken; 3]);
        // One's own number once more changes nothing but when it was verified.
        let n = app.audit().await.len();
        bind(&app, &wang, NEW, false).await;
        assert_eq!(phones(&app, &wang).await.iter().filter(|(_, is)| *is).count(), 1);
        assert_eq!(phones(&app, &wang).await.len(), 4);
        assert_eq!(app.audit().await.len(), n);
        // It comes back the same way.
        bind(&app, &li, LI, false).await;
        has(&phones(&app, &li).await, &[(LI, true)]);
        assert_eq!(told(&app, &wang).await, [NoticeKind::PhoneTaken]);
    });
}

/// Covers R-14, PC-14: at the same moment, by many: one has it, each account has one default, and
/// nothing fails but by `E_STATE`, or by `E_BUSY` where the database has ended one for another.
#[test]
fn of_many_who_bind_a_number_at_once_one_has_it() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut accounts = Vec::new();
        for phone in [WANG, LI, "13700137000", "13600136000", "13500135000"] {
            accounts.push(owner(&app, phone).await.unwrap());
        }
        for round in 0..12 {
            // A number that nobody has, then one that somebody has, then each other's.
            let number = |at: usize| match round % 3 {
                0 => format!("1371234{round:04}"),
                1 => WANG.to_owned(),
                _ => [WANG, LI, "13700137000", "13600136000", "13500135000"][(at + 1) % 5].into(),
            };
            let binds = accounts.iter().enumerate().map(|(at, account)| {
                let binding = PhoneBinding {
                    account: account.id,
                    phone: Phone::parse(&number(at)).unwrap(),
                    is_default: at % 2 == 0,
                    verified_at: app.ctx.now(),
                };
                let ctx = app.ctx.clone();
                async move {
                    let tx = ctx.begin().await?;
                    bind_phone(&ctx, &tx, &binding).await?;
                    Ok::<(), hufu::flows::Fault>(tx.commit().await?)
                }
            });
            let done = futures_util::future::join_all(binds).await;
            assert!(done.iter().any(Result::is_ok));
            for fault in done.into_iter().filter_map(Result::err) {
                let code = fault.refusal().map(|refusal| refusal.code());
                assert!(matches!(code, Some("E_STATE" | "E_BUSY")), "{fault}");
            }
            let mut all = Vec::new();
            for account in &accounts {
                let own = phones(&app, account).await;
                let n_default = own.iter().filter(|(_, is_default)| *is_default).count();
                assert_eq!(n_default, usize::from(!own.is_empty()), "{own:?}");
                all.extend(own.into_iter().map(|(phone, _)| phone));
            }
            let n = all.len();
            all.sort();
            all.dedup();
            assert_eq!(all.len(), n, "each is one account's");
            assert!(all.contains(&number(0)));
        }
    });
}

async fn tell(app: &TestApp, line: &Value) -> Report {
    let text = format!("{line}\n");
    import(&app.ctx, "test", text.as_bytes(), Format::JsonLines, None).await.unwrap()
}

const PEOPLE: [&str; 3] = ["周一", "周二", "周三"];

/// One of three people with this phone, used at this moment.
fn line(which: usize, version: i64, phone: Option<&str>, used_at: Option<&str>) -> Value {
    json!({
        "feed": "person", "source_key": format!("told-{which}"), "version": version,
        "name": PEOPLE[which], "document_type": "chinese_passport",
        "document": format!("E9876543{which}"), "phone": phone, "phone_used_at": used_at,
    })
}

/// Covers PC-15, R-14: of several people with one number it is that of whoever used it last; in a tie, or
/// where nobody knows, it is nobody's, and each line is remarked on.
#[test]
fn a_number_told_of_several_is_that_of_the_last_who_used_it() {
    let one = Some(NEW);
    // When each of three used it, in the order of the lines, and whose it is then.
    let table: [([Option<&str>; 3], Option<usize>); 9] = [
        ([Some("2026-01-01"), Some("2026-02-01"), Some("2026-03-01")], Some(2)),
        ([Some("2026-03-01"), Some("2026-02-01"), Some("2026-01-01")], Some(0)),
        ([Some("2026-01-01"), Some("2026-03-01T08:00:00+08:00"), Some("2026-02-01")], Some(1)),
        ([Some("2026-01-01"), None, None], Some(0)),
        ([None, Some("2026-01-01"), None], Some(1)),
        ([None, None, None], None),
        ([Some("2026-01-01"), Some("2026-01-01"), Some("2025-01-01")], None),
        ([Some("2026-01-01"), Some("2026-01-01"), Some("2026-01-02")], Some(2)),
        ([None, None, Some("2020-01-01")], Some(2)),
    ];
    on_each_database(|on| async move {
        for (used, holder) in table {
            let app = TestApp::start(on).await;
            let mut n_remarks = 0;
            for (which, used_at) in used.into_iter().enumerate() {
                let report = tell(&app, &line(which, 1, one, used_at)).await;
                assert_eq!((report.applied, report.failed.len()), (1, 0), "{report:?}");
                n_remarks += report.remarks.len();
                for remark in &report.remarks {
                    assert_eq!(remark.why.field.as_deref(), Some("phone"));
                    assert!(!remark.why.reason.contains(NEW));
                }
            }
            let has_it = owner(&app, NEW).await;
            let name = match &has_it {
                None => None,
                Some(account) => {
                    let person = app.ctx.rows().people().find(account.person).await.unwrap();
                    Some(person.unwrap().name.as_str().to_owned())
                }
            };
            assert_eq!(name.as_deref(), holder.map(|which| PEOPLE[which]), "{used:?}");
            assert!(holder.is_some() || n_remarks >= 2, "{used:?}: {n_remarks}");
            // A code that arrives settles it.
            let wang = owner(&app, WANG).await.unwrap();
            bind(&app, &wang, NEW, false).await;
            let late = tell(&app, &line(0, 2, one, None)).await;
            assert_eq!((late.applied, late.remarks.len()), (1, 1), "{used:?}");
            assert_eq!(owner(&app, NEW).await.unwrap().id, wang.id);
        }
    });
}

/// A newer line that says another phone is followed, beside what the person has verified here; what is
/// wrong with a line is said.
/// Covers PC-15, R-14.
#[test]
fn a_newer_line_with_another_phone_is_followed() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        tell(&app, &line(0, 1, Some(NEW), None)).await;
        let account = owner(&app, NEW).await.unwrap();
        tell(&app, &line(0, 2, Some(OTHER), None)).await;
        has(&phones(&app, &account).await, &[(OTHER, true)]);
        assert!(owner(&app, NEW).await.is_none());
        assert_eq!(told(&app, &account).await, [NoticeKind::ContactChanged]);
        // No word of a phone takes none away.
        tell(&app, &line(0, 3, None, None)).await;
        has(&phones(&app, &account).await, &[(OTHER, true)]);
        // Verified here: it stays, and stays the default.
        bind(&app, &account, OTHER, false).await;
        tell(&app, &line(0, 4, Some(NEW), Some("2026-01-01"))).await;
        has(&phones(&app, &account).await, &[(OTHER, true), (NEW, false)]);
        // Somebody else's, who used it later here or by the registry's word.
        let li = owner(&app, LI).await.unwrap();
        bind(&app, &li, LI, true).await;
        let report = tell(&app, &line(0, 5, Some(LI), Some("2026-01-01"))).await;
        assert_eq!((report.applied, report.remarks.len()), (1, 1));
        assert_eq!(owner(&app, LI).await.unwrap().id, li.id);
        let moments = [
            ("2026-11-24", true),
            ("2026-11-24T01:59:59Z", true),
            ("2026-11-25", false),
            ("1969-12-31", false),
            ("yesterday", false),
        ];
        for (version, (used_at, is_right)) in (1..).zip(moments) {
            let line = line(1, version, Some("13812340000"), Some(used_at));
            let report = tell(&app, &line).await;
            let fields = report.failed.iter().map(|one| one.why.field.as_deref());
            let expected = if is_right { vec![] } else { vec![Some("phone_used_at")] };
            assert_eq!(fields.collect::<Vec<_>>(), expected, "{used_at}");
        }
        // Five are all that one may have.
        for at in 0..4 {
            bind(&app, &account, &format!("1390000000{at}"), false).await;
        }
        let report = tell(&app, &line(0, 6, Some("13912340000"), None)).await;
        assert_eq!(report.remarks.len(), 1, "{report:?}");
        assert_eq!(PhoneBinding::NOBODY_KNOWS, Timestamp(0));
    });
}

/// Covers PC-16: who comes for the first time is told by which name to come.
#[test]
fn the_door_says_by_which_name_to_come_first() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let page = app.browser().get("/realms/jiangxi/login").await;
        assert!(page.text.contains("首次使用请优先用证件号码登录"), "{}", page.text);
    });
}
