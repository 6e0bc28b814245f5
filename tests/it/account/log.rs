//! The sign-in log: what each line says, a month of it, and whose names an enterprise reads.

use hufu::base::clock::{Day, Timestamp};
use hufu::domain::authorisation::{Actor, By, Event};
use hufu::flows::relations::writer::change;
use serde_json::json;

use super::{AGENCY, LI, WANG, as_li, as_person, at_door, feed, get, relation, rows, typed};
use crate::kit::{EXAMPLE, FILING, PASSWORD, TestApp, authorize_url, on_each_database};

const ZHAO: &str = "13600136000";
const HE: &str = "13100131000";
const WU: &str = "13200132000";
const BUILDER: &str = "91330100MA2BUJ786T";
const OF_ENTERPRISE: &str = "/account/log?of=enterprise&from=2026-11-01";

/// Covers AC-58, PC-27: time, way, entrance, identity, address, device and result of each, the newest
/// first.
#[test]
fn each_line_says_when_how_where_as_whom_and_what_came_of_it() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        // 吴刚, named on a record; then as himself, then with a wrong password and a wrong code.
        let door = (BUILDER, WU, PASSWORD);
        drop(at_door(&app, "specific_entity", door, "101号").await);
        drop(as_person(&app, WU).await);
        app.clock.advance(61);
        typed(&app, "natural_person", ("", WU, "Wrong2026!")).await;
        app.clock.advance(1);
        let (mut browser, page) = typed(&app, "natural_person", ("", WU, PASSWORD)).await;
        let sent = browser.submit(&page, &[("act", "send")]).await;
        let code = if app.sms(WU) == "000000" { "000001" } else { "000000" };
        browser.submit(&sent, &[("act", "verify"), ("code", code)]).await;
        let mut wu = as_person(&app, WU).await;
        let page = get(&mut wu, "/account/log").await;
        let ok = |identity: &str, entrance: &str| {
            let ways = ["密码", entrance, identity, "127.0.0.*", "? / ?", "成功"];
            ways.map(str::to_owned).to_vec()
        };
        let with_code = |mut row: Vec<String>| {
            row[0] = format!("{} + 短信验证", row[0]);
            row
        };
        let myself = with_code(ok("个人（自然人业务）", "自然人业务"));
        let record = with_code(ok("经办人（子身份） · 杭州示例建设有限公司", "特定主体登录"));
        let failed = |way: &str, code: &str| {
            let said = [way, "自然人业务", "", "127.0.0.*", "? / ?", code];
            said.map(str::to_owned).to_vec()
        };
        let found = rows(&page);
        let said: Vec<Vec<String>> = found.iter().map(|row| row[1..].to_vec()).collect();
        let wanted = [
            myself.clone(),
            failed("短信验证", "未成功：验证码不正确"),
            failed("密码", "未成功：企业、个人信息或密码不正确"),
            myself,
            record,
        ];
        assert_eq!(said, wanted, "{}", page.text);
        let times: Vec<&str> = found.iter().map(|row| row[0].as_str()).collect();
        assert!(times.windows(2).all(|two| two[0] >= two[1]), "{times:?}");
        assert!(times[0].starts_with("2026-11-24 1"), "in Shanghai: {times:?}");
        // The same as a table for other programs.
        let table = get(&mut wu, "/account/log.csv").await;
        assert_eq!(table.text.lines().count(), 6, "{}", table.text);
        assert!(table.text.contains("\"未成功：验证码不正确\""));
        // A member of an agency's staff reads it in the personal centre alone.
        let door = (AGENCY, "13300133000", PASSWORD);
        let mut zhou = at_door(&app, "agency", door, "南昌示例科技").await;
        assert_eq!(get(&mut zhou, "/account/log").await.code(), Some("E_ROLE"));
        let mut zhou = as_person(&app, "13300133000").await;
        let found = rows(&get(&mut zhou, "/account/log").await);
        assert_eq!(found[1][3], "代理人员 · 南昌示例税务师事务所", "{found:?}");
        // Nobody's but their own.
        let mut li = as_li(&app).await;
        assert_eq!(rows(&get(&mut li, "/account/log").await).len(), 1);
    });
}

/// Covers AC-58: the last part of an address is hidden, of both families.
#[test]
fn an_address_is_shown_without_its_last_part() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for (from, shown) in
            [("203.0.113.77", "203.0.113.*"), ("2001:db8:7:1:2:3:4:5", "2001:db8:7:*")]
        {
            let mut browser = app.browser_at(from);
            let page = browser.get(&authorize_url(&FILING, &[])).await;
            browser.type_credentials(&page, (EXAMPLE, WANG, "Wrong2026!")).await;
            app.clock.advance(1);
            let mut wang = as_person(&app, WANG).await;
            let page = get(&mut wang, "/account/log").await;
            assert_eq!(rows(&page)[1][4], shown, "{}", page.text);
            assert!(!page.text.contains(from));
            app.clock.advance(1);
        }
    });
}

/// Covers AC-58, PC-27: from the same day of the month before to now, in Shanghai's days; other ranges
/// may be chosen, and what is no range is told.
#[test]
fn a_month_is_shown_where_nothing_else_is_asked_for() {
    let day = |text: &str| Day::parse(text).unwrap();
    for (today, from) in [
        ("2026-11-24", "2026-10-24"),
        ("2026-01-15", "2025-12-15"),
        ("2026-03-31", "2026-02-28"),
        ("2028-03-30", "2028-02-29"),
        ("2026-07-31", "2026-06-30"),
        ("2026-12-31", "2026-11-30"),
    ] {
        assert_eq!(day(today).month_before(), day(from), "{today}");
    }
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        // One at the last second of 24 November in Shanghai, one at the first of the 25th.
        let Timestamp(now) = app.ctx.now();
        let Timestamp(midnight) = day("2026-11-25").start();
        app.clock.advance(midnight - 1 - now);
        typed(&app, "natural_person", ("", WANG, "Wrong2026!")).await;
        app.clock.advance(1);
        typed(&app, "natural_person", ("", WANG, "Wrong2026!")).await;
        let until = day("2026-12-25").start();
        app.clock.advance(until.0 - app.ctx.now().0);
        let mut browser = as_person(&app, WANG).await;
        for (query, failed) in [
            ("", 1),
            ("?from=2026-11-24", 2),
            ("?from=2026-11-25", 1),
            ("?from=2026-11-24&to=2026-11-24", 1),
            ("?from=2026-11-25&to=2026-11-25", 1),
            ("?from=2026-11-01&to=2026-11-23", 0),
            ("?from=&to=", 1),
            ("?from=2026-12-26&to=2027-01-01", 0),
        ] {
            let page = get(&mut browser, &format!("/account/log{query}")).await;
            let n = rows(&page).iter().filter(|row| row[6].contains("密码不正确")).count();
            assert_eq!(n, failed, "{query}: {}", page.text);
            assert_eq!(page.code(), None, "{query}");
        }
        let page = get(&mut browser, "/account/log").await;
        assert!(page.text.contains("name=\"from\" value=\"2026-11-25\""), "{}", page.text);
        for wrong in ["from=yesterday", "to=2026-13-01", "from=2026-12-02&to=2026-12-01"] {
            for path in ["log", "log.csv"] {
                let page = get(&mut browser, &format!("/account/{path}?{wrong}")).await;
                assert_eq!(page.code(), Some("E_FORMAT"), "{path} {wrong}");
            }
        }
    });
}

/// Covers AC-58: an enterprise's managers read the names of who worked there at that moment, and of
/// who came in. Whoever else types its number is nobody to them, and it is nothing to them.
#[test]
fn a_manager_reads_no_strangers_name() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let by = By { actor: Actor::Manager, person: None };
        let wrong = "Wrong2026!";
        let fails = async |who: (&str, &str, &str)| {
            app.clock.advance(61);
            typed(&app, "enterprise", who).await;
        };
        fails((EXAMPLE, WANG, wrong)).await;
        // A stranger with the right password, and with a wrong one.
        fails((EXAMPLE, HE, PASSWORD)).await;
        fails((EXAMPLE, HE, wrong)).await;
        // Asked but not yet of the enterprise; of another enterprise; applied and not confirmed.
        fails((EXAMPLE, ZHAO, wrong)).await;
        fails((EXAMPLE, "13300133000", wrong)).await;
        fails((EXAMPLE, "13500135000", wrong)).await;
        // Deleted: from then on a stranger, and before it none.
        for kind in ["tax_clerk", "invoicing_clerk"] {
            let one = relation(&app, WANG, kind).await;
            app.clock.advance(61);
            change(&app.ctx, &one, &Event::Delete, by).await.unwrap();
        }
        fails((EXAMPLE, WANG, wrong)).await;
        // Confirmed: from then on one of them.
        let his = relation(&app, ZHAO, "tax_clerk").await;
        app.clock.advance(61);
        change(&app.ctx, &his, &Event::Confirm, By::holder(his.person)).await.unwrap();
        fails((EXAMPLE, ZHAO, wrong)).await;
        let mut li = as_li(&app).await;
        let page = get(&mut li, OF_ENTERPRISE).await;
        let mut names: Vec<String> = rows(&page).into_iter().map(|row| row[1].clone()).collect();
        names.reverse();
        assert_eq!(names, ["王*明", "", "", "", "", "", "", "赵*", "李*"], "{}", page.text);
        let table = get(&mut li, &OF_ENTERPRISE.replace("log?", "log.csv?")).await;
        let named = table.text.lines().skip(1).map(|line| line.split("\",\"").nth(1).unwrap());
        let mut named: Vec<&str> = named.collect();
        named.reverse();
        assert_eq!(named, names, "{}", table.text);
        // The stranger's own log does not tell what enterprise the number is of.
        let mut he = as_person(&app, HE).await;
        let own = get(&mut he, "/account/log").await;
        assert_eq!(rows(&own).len(), 3, "{}", own.text);
        assert!(!own.text.contains("南昌示例科技"), "{}", own.text);
        let mut wang = as_person(&app, WANG).await;
        let own = get(&mut wang, "/account/log").await;
        assert_eq!(own.text.matches("南昌示例科技").count(), 1, "while he worked there");
    });
}

/// Covers AC-58: whoever is assigned or named later, or comes back after a gap, was a stranger before.
#[test]
fn what_came_later_names_nobody_of_before() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let line = json!({"feed": "authorisation", "source_key": "a-b", "version": 1,
            "enterprise": BUILDER, "person": "360121198802290026",
            "identity_type": "finance_supervisor", "valid_from": "2026-01-01"});
        feed(&app, &[line]).await;
        let wrong = "Wrong2026!";
        let fails = async |door: &str, number: &str| {
            app.clock.advance(61);
            typed(&app, door, (number, WANG, wrong)).await;
        };
        fails("agency", AGENCY).await;
        fails("specific_entity", BUILDER).await;
        app.clock.advance(61);
        let staff = json!({"feed": "engagement", "source_key": EXAMPLE, "version": 1,
            "agency": AGENCY, "client": EXAMPLE, "valid_from": "2026-01-01",
            "staff": "360103199208150022 360102199003071236", "permissions": "TAX_FILING"});
        let named = json!({"feed": "record", "source_key": "later", "version": 1,
            "enterprise": BUILDER, "record_kind": "inspection",
            "record_no": "赣南税报验〔2026〕901号", "project_name": "工程", "division": "360100",
            "tax_authority": "13601000000", "valid_from": "2026-01-01",
            "handlers": "360102199003071236"});
        feed(&app, &[staff, named.clone()]).await;
        fails("agency", AGENCY).await;
        fails("specific_entity", BUILDER).await;
        // A newer line of the record keeps who was named before.
        let mut newer = named;
        newer["version"] = 2.into();
        app.clock.advance(61);
        feed(&app, &[newer]).await;
        for number in [AGENCY, BUILDER] {
            let mut li = at_door(&app, "enterprise", (number, LI, PASSWORD), "").await;
            let page = get(&mut li, OF_ENTERPRISE).await;
            let names: Vec<String> = rows(&page).into_iter().map(|row| row[1].clone()).collect();
            assert_eq!(names, ["李*", "王*明", ""], "{number}: {}", page.text);
        }
        // Expired, tried meanwhile, and active once more.
        for kind in ["tax_clerk", "invoicing_clerk"] {
            let one = relation(&app, WANG, kind).await;
            let by = By { actor: Actor::Clock, person: None };
            change(&app.ctx, &one, &Event::Expire, by).await.unwrap();
        }
        fails("enterprise", EXAMPLE).await;
        app.clock.advance(61);
        let again = json!({"feed": "authorisation", "source_key": "w-again", "version": 1,
            "enterprise": EXAMPLE, "person": "360102199003071236", "identity_type": "tax_clerk",
            "permissions": "TAX_FILING", "valid_from": "2026-01-01", "state": "active"});
        feed(&app, &[again]).await;
        fails("enterprise", EXAMPLE).await;
        let mut li = as_li(&app).await;
        let page = get(&mut li, OF_ENTERPRISE).await;
        let names: Vec<String> = rows(&page).into_iter().map(|row| row[1].clone()).collect();
        assert_eq!(names[..3], ["李*", "王*明", ""], "{}", page.text);
    });
}

/// Covers AC-58: an agency's staff and the handlers whom a record names belong to their enterprises
/// within their terms.
#[test]
fn staff_and_named_handlers_are_no_strangers() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let line = json!({"feed": "authorisation", "source_key": "a-b", "version": 1,
            "enterprise": BUILDER, "person": "360121198802290026",
            "identity_type": "finance_supervisor", "valid_from": "2026-01-01"});
        feed(&app, &[line]).await;
        let wrong = "Wrong2026!";
        for (door, number, who) in [
            ("agency", AGENCY, "13300133000"),
            ("agency", AGENCY, WANG),
            ("specific_entity", BUILDER, WU),
            ("specific_entity", BUILDER, WANG),
        ] {
            app.clock.advance(61);
            typed(&app, door, (number, who, wrong)).await;
        }
        for (number, named) in [(AGENCY, "周*"), (BUILDER, "吴*")] {
            let mut li = at_door(&app, "enterprise", (number, LI, PASSWORD), "").await;
            let page = get(&mut li, OF_ENTERPRISE).await;
            let names: Vec<String> = rows(&page).into_iter().map(|row| row[1].clone()).collect();
            assert_eq!(names, ["李*", "", named], "{number}: {}", page.text);
        }
        // The engagement has ended: what its staff does from then on is a stranger's.
        for client in [EXAMPLE, crate::kit::SAMPLE] {
            let line = json!({"feed": "engagement", "source_key": client, "version": 1,
                "agency": AGENCY, "client": client, "valid_from": "2026-01-01",
                "staff": "360103199208150022", "is_ended": true});
            feed(&app, &[line]).await;
        }
        app.clock.advance(61);
        typed(&app, "agency", (AGENCY, "13300133000", wrong)).await;
        let mut li = at_door(&app, "enterprise", (AGENCY, LI, PASSWORD), "").await;
        let page = get(&mut li, OF_ENTERPRISE).await;
        assert_eq!(rows(&page)[1][1], "", "{}", page.text);
    });
}
