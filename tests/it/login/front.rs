//! Which doors the sign-in page has, and where they stand.

use crate::kit::browser::Shown;
use crate::kit::{TestApp, on_each_database};

/// The doors between two marks: their names and addresses.
fn doors(page: &Shown, from: &str) -> Vec<(String, String)> {
    let part = page.text.split(from).nth(1).unwrap_or_else(|| panic!("{from}: {}", page.text));
    let part = part.split("</nav>").next().unwrap();
    let door = |link: &str| {
        let href = link.split("href=\"").nth(1)?.split('"').next()?;
        let title = link.rsplit('>').next()?;
        Some((title.to_owned(), crate::kit::browser::unescape(href)))
    };
    part.split("</a>").filter_map(door).collect()
}

/// Covers X-05: password and scan on one page, for each kind of person whose door takes both; the
/// others below, each of them one click away and leading to its own fields.
#[test]
fn password_and_scan_share_a_page_and_the_others_stand_below() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser();
        let page = browser.get("/realms/jiangxi/login").await;
        let tabs = doors(&page, "<nav class=\"tabs\" aria-label=\"登录入口\"");
        let titles: Vec<&str> = tabs.iter().map(|(title, _)| title.as_str()).collect();
        assert_eq!(titles, ["企业业务", "自然人业务", "代理业务"], "{}", page.text);
        for (title, href) in &tabs {
            let page = browser.get(href).await;
            for field in ["name=\"password\"", "name=\"slider\"", "name=\"personal_id\""] {
                assert!(page.text.contains(field), "{title}: {field}");
            }
            assert!(
                page.text.contains("class=\"qr\"") && page.text.contains("扫码登录"),
                "{title}"
            );
            for app in ["江西税务 APP", "个人所得税 APP"] {
                assert!(page.text.contains(app), "{title}: {app}");
            }
        }
        let others = doors(&page, "其他登录方式</h2>");
        let titles: Vec<&str> = others.iter().map(|(title, _)| title.as_str()).collect();
        let wanted = [
            "社保费（单位缴费人）",
            "社保费（自然人缴费人）",
            "数字证书登录",
            "特定主体登录",
            "非居民登录",
            "多合一登录",
            "非居民登录（自然人）",
        ];
        for title in wanted {
            assert!(titles.contains(&title), "{title}: {titles:?}");
        }
        assert_eq!(titles.len(), wanted.len(), "{titles:?}");
        for (title, field) in [
            ("社保费（单位缴费人）", "name=\"enterprise_number\""),
            ("社保费（自然人缴费人）", "name=\"personal_id\""),
            ("特定主体登录", "name=\"record_kind\""),
            ("非居民登录", "非居民企业身份码"),
            ("非居民登录（自然人）", "name=\"personal_id\""),
            ("数字证书登录", "读取证书"),
        ] {
            let href = &others.iter().find(|(known, _)| known == title).unwrap().1;
            let page = browser.get(href).await;
            assert!(page.text.contains(field), "{title}: {}", page.text);
            // From there the way back to the ordinary doors is as short.
            if title == "数字证书登录" {
                assert!(page.text.contains("id=\"to-credentials\""), "{}", page.text);
                continue;
            }
            let back = doors(&page, "其他登录方式</h2>");
            assert!(back.iter().any(|(known, _)| known == "企业业务"), "{title}: {back:?}");
        }
    });
}

/// Beside the door of natural persons 【非居民登录】 is the one of non-residents as themselves, who have no code yet.
#[test]
fn non_residents_without_a_code_sign_in_beside_natural_persons() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser();
        let page = browser.at_entrance("/realms/jiangxi/login", "natural_person").await;
        let others = doors(&page, "其他登录方式</h2>");
        let theirs: Vec<_> =
            others.iter().filter(|(title, _)| title.starts_with("非居民登录")).collect();
        let [(title, href)] = theirs.as_slice() else { panic!("{others:?}") };
        assert_eq!(title, "非居民登录");
        let there = browser.get(href).await;
        assert!(!there.text.contains("name=\"enterprise_number\""), "{}", there.text);
    });
}
