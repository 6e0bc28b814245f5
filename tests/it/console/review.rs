//! Review at the console: what waits, four eyes, files as they came, and who may not.

use super::{AtDesk, CONSOLE};
use crate::kit::{TestApp, on_each_database};
use crate::non_resident::{
    CHAN, GOOD, MILLER, PAGE, PDF, add_file, applied, but, drafted, id_of, overseas, reviews,
    state_of,
};

const WHY: (&str, &str) = ("reason", "the certificate shows it");

/// Covers N-08, N-10, N-11: listed by due with its flags, two officers where it looks like another one, the
/// same officer never twice, and the code once.
#[test]
fn what_looks_like_another_is_approved_by_two() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut zhang = AtDesk::start(&app, "zhang", "hall reviewer").await;
        let mut wu = AtDesk::start(&app, "wuli", "reviewer").await;
        zhang.state(WHY.1).await;
        let page = zhang.get("/applications").await;
        assert!(page.text.contains("没有待审核的申请"), "{}", page.text);
        let mut chan = overseas(&app, CHAN).await;
        let mut miller = overseas(&app, MILLER).await;
        let first = applied(&mut chan, &GOOD).await;
        let other =
            applied(&mut miller, &but(&[("home_number", "99-1"), ("residence", "USA")])).await;
        for desk in [&mut zhang, &mut wu] {
            desk.browser.cookies.remove("__Host-hufu-officer-jiangxi");
            assert_eq!(desk.enter(crate::kit::PASSWORD).await.code(), None);
            desk.state(WHY.1).await;
        }
        let page = zhang.get("/applications").await;
        assert_eq!(page.text.matches("疑似重复").count(), 2, "{}", page.text);
        let at = |id| format!("/applications/{id}");
        let page = zhang.get(&at(first)).await;
        assert!(page.text.contains("id=\"alike\"") && page.text.contains("CHAN Tai Man"));
        let shown = zhang.browser.submit(&page, &[("act", "approve"), ("reason", "")]).await;
        assert_eq!(shown.code(), Some("E_FORMAT"), "{}", shown.text);
        let approve = [("act", "approve"), ("declared", "person_in_charge"), WHY];
        let shown = zhang.browser.submit(&page, &approve).await;
        assert!(shown.text.contains("还须另一名"), "{}", shown.text);
        let shown = zhang.browser.submit(&page, &approve).await;
        assert_eq!(shown.code(), Some("E_ROLE"), "{}", shown.text);
        let page = wu.get(&at(first)).await;
        assert!(page.text.contains("officer/zhang"), "{}", page.text);
        let shown = wu.browser.submit(&page, &approve).await;
        assert!(shown.text.contains("已通过"), "{}", shown.text);
        let shown = wu.browser.submit(&page, &approve).await;
        assert_eq!(shown.code(), Some("E_STATE"), "{}", shown.text);
        let page = chan.get(PAGE).await;
        assert!(page.text.contains("data-nr-code"), "{}", page.text);

        // Late from the end of the next working day on, and returned with the officer's words.
        app.clock.advance(2 * 86_400);
        wu.browser.cookies.remove("__Host-hufu-officer-jiangxi");
        assert_eq!(wu.enter(crate::kit::PASSWORD).await.code(), None);
        wu.state(WHY.1).await;
        let page = wu.get("/applications").await;
        assert!(page.text.contains("已逾期"), "{}", page.text);
        let page = wu.get(&at(other)).await;
        let back = [("act", "return"), ("reason", "The address is another one.")];
        let shown = wu.browser.submit(&page, &back).await;
        assert!(shown.text.contains("已退回"), "{}", shown.text);
        let mut miller = crate::non_resident::signed_in(&app, MILLER).await;
        let page = miller.get(PAGE).await;
        assert_eq!(state_of(&page), "returned");
        assert!(
            page.text.contains("The address is another one.")
                && !page.text.contains("officer/wuli")
        );
        let done = reviews(&app).await;
        let done: Vec<String> = done
            .iter()
            .filter(|(act, _)| !act.starts_with("look"))
            .map(|(act, by)| format!("{act} {by}"))
            .collect();
        assert_eq!(
            done,
            ["approve-first officer/zhang", "approve officer/wuli", "return officer/wuli"]
        );
    });
}

/// Covers N-07, N-08, N-09: a country that issues no tax number; the first person is in charge unless the
/// officer says otherwise; whoever is rejected reads why.
#[test]
fn the_officer_says_who_is_in_charge() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut zhang = AtDesk::start(&app, "zhang", "reviewer").await;
        zhang.state(WHY.1).await;
        let mut chan = overseas(&app, CHAN).await;
        let registered = [("number_kind", "registration"), ("home_number", "1234567")];
        let clerk =
            applied(&mut chan, &but(&[registered[0], registered[1], ("declared", "tax_clerk")]))
                .await;
        let page = zhang.get(&format!("/applications/{clerk}")).await;
        assert!(page.text.contains("申请人申报：办税员"), "{}", page.text);
        assert!(page.text.contains("1234567"), "{}", page.text);
        assert!(page.text.contains("value=\"person_in_charge\" checked"), "{}", page.text);
        assert!(!page.text.contains("value=\"tax_clerk\" checked"), "{}", page.text);
        let approve = [("act", "approve"), ("declared", "person_in_charge"), WHY];
        let shown = zhang.browser.submit(&page, &approve).await;
        assert!(shown.text.contains("已通过"), "{}", shown.text);
        let given = "SELECT identity_type AS said FROM authorisation a JOIN enterprise e \
            ON e.id = a.enterprise_id WHERE e.kind = 'non_resident' ORDER BY a.updated_at DESC";
        assert_eq!(app.said(given).await[0], "legal_representative");

        let mut miller = overseas(&app, MILLER).await;
        let other = applied(
            &mut miller,
            &but(&[
                ("home_number", "99-1"),
                ("residence", "USA"),
                ("name_zh", "米勒公司"),
                ("name_foreign", "Miller Ltd"),
            ]),
        )
        .await;
        zhang.state(WHY.1).await;
        let page = zhang.get(&format!("/applications/{other}")).await;
        let silent = zhang.browser.submit(&page, &[("act", "reject"), ("reason", "")]).await;
        assert_eq!(silent.code(), Some("E_FORMAT"), "{}", silent.text);
        let no = [("act", "reject"), ("reason", "No such company is registered there.")];
        let shown = zhang.browser.submit(&page, &no).await;
        assert!(shown.text.contains("已作出不予通过的决定"), "{}", shown.text);
        let page = miller.get(PAGE).await;
        assert_eq!(state_of(&page), "rejected");
        assert!(page.text.contains("No such company is registered there."), "{}", page.text);
    });
}

/// Covers N-11, N-08: whoever handed it in at the counter decides nothing of it, by whichever door; a file is
/// handed out as it came, for somebody else's application it is not there, and nothing of it runs in a browser.
#[test]
fn files_are_handed_out_and_never_shown() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut chan = overseas(&app, CHAN).await;
        let page = drafted(&mut chan, &GOOD).await;
        let page = add_file(&mut chan, &page, "证明 A.pdf", PDF).await;
        let id = id_of(&page);
        let helper = hufu::domain::help::Helper::new("operator/zhang", "at the counter").unwrap();
        hufu::flows::non_resident::hand_in(&app.ctx, &helper, id).await.unwrap();
        let mut zhang = AtDesk::start(&app, "zhang", "hall reviewer").await;
        zhang.state(WHY.1).await;
        let path = format!("/applications/{id}");
        let page = zhang.get(&path).await;
        let refuse = [("act", "reject"), WHY];
        let shown = zhang.browser.submit(&page, &refuse).await;
        assert_eq!(shown.code(), Some("E_ROLE"), "{}", shown.text);
        let at = format!("{CONSOLE}{path}/files/");
        let links = page.text.split(at.as_str()).skip(1);
        let files: Vec<&str> = links.map(|rest| rest.split('"').next().unwrap()).collect();
        assert_eq!(files.len(), 2, "{}", page.text);
        let mut both = Vec::new();
        for file in &files {
            both.push(zhang.get(&format!("{path}/files/{file}")).await);
        }
        let file = both.iter().find(|file| file.text.as_bytes() == PDF).expect("as it came");
        assert_eq!(file.status.as_u16(), 200);
        let said = file.header("content-disposition").unwrap();
        assert!(said.starts_with("attachment; filename=\""), "{said}");
        assert!(said.contains("filename*=UTF-8''%E8%AF%81%E6%98%8E%20A.pdf"), "{said}");
        assert_eq!(file.header("x-content-type-options").as_deref(), Some("nosniff"));
        assert!(file.header("content-security-policy").unwrap().contains("sandbox"));
        let other = uuid::Uuid::nil();
        for path in [
            format!("/applications/{other}/files/{}", files[0]),
            format!("{path}/files/{other}"),
            format!("{path}/files/x"),
        ] {
            assert_eq!(zhang.get(&path).await.code(), Some("E_STATE"), "{path}");
        }
        let looks = reviews(&app).await;
        assert!(looks.contains(&("look-at-file".to_owned(), "officer/zhang".to_owned())));
    });
}
