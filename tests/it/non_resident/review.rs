//! Officers: who may decide, duplicates and four eyes, two at once, and codes that are each issued once.

use hufu::domain::non_resident::Declared;
use hufu::domain::number::taxpayer::non_resident_code;
use hufu::domain::refusal::Refusal;
use hufu::flows::feed::{Format, import};
use hufu::flows::non_resident as flow;
use hufu::jobs::hash_names;
use serde_json::json;

use super::*;
use crate::kit::on_each_database;
use crate::recovery::notices;

const IN_CHARGE: Declared = Declared::PersonInCharge;

/// Covers N-11, N-08: whoever handed it in for the applicant decides nothing of it, however they write
/// themself; another officer does, and nobody decides twice.
#[test]
fn nobody_reviews_what_they_have_handed_in() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut chan = overseas(&app, CHAN).await;
        let id = id_of(&drafted(&mut chan, &GOOD).await);
        flow::hand_in(&app.ctx, &officer("Officer/Zhang"), id).await.unwrap();
        for name in ["Officer/Zhang", "officer/zhang"] {
            let zhang = officer(name);
            let role = Refusal::Role;
            assert_eq!(refused(flow::approve(&app.ctx, &zhang, id, IN_CHARGE).await), role);
            assert_eq!(refused(flow::reject(&app.ctx, &zhang, id).await), role);
            assert_eq!(refused(flow::return_for_correction(&app.ctx, &zhang, id).await), role);
        }
        flow::reject(&app.ctx, &officer("wu"), id).await.unwrap();
        let page = chan.get(PAGE).await;
        assert_eq!(state_of(&page), "rejected");
        assert!(page.text.contains("the certificate shows it"), "{}", page.text);
        for name in ["wu", "officer/zhang"] {
            let state = Refusal::State;
            let who = officer(name);
            assert_eq!(refused(flow::approve(&app.ctx, &who, id, IN_CHARGE).await), state);
            assert_eq!(refused(flow::hand_in(&app.ctx, &who, id).await), state);
        }
        // What was rejected is over, and another one may be begun.
        let other = applied(&mut chan, &GOOD).await;
        assert!(approved(&app, "officer/zhang", other).await.is_some());
        assert_eq!(
            reviews(&app).await.iter().map(|(act, by)| format!("{act} {by}")).collect::<Vec<_>>(),
            ["submit Officer/Zhang", "reject wu", "approve officer/zhang"]
        );
    });
}

/// Covers N-10, N-09: the same number, or the same name written otherwise, is shown to officers, nothing
/// is merged, and two of them must agree; the identity type is what the officer confirms.
#[test]
#[expect(clippy::too_many_lines, reason = "one story of one table")]
fn what_looks_like_another_needs_two_officers() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut chan = overseas(&app, CHAN).await;
        let mut miller = overseas(&app, MILLER).await;
        let first = applied(&mut chan, &GOOD).await;
        let code = approved(&app, "zhang", first).await.expect("nothing looks like it");
        let alike = but(&[
            ("name_zh", "另一家公司"),
            ("name_foreign", "Another Name Inc"),
            ("home_number", "22334455"),
            ("declared", "tax_clerk"),
        ]);
        let second = applied(&mut miller, &alike).await;
        let case = flow::look(&app.ctx, &officer("zhang"), second).await.unwrap();
        assert_eq!(case.alike.len(), 1);
        assert_eq!(case.alike[0].code.as_deref(), Some(&*code));
        assert_eq!(case.alike[0].likeness.name(), "number");
        assert!(flow::waiting(&app.ctx).await.unwrap()[0].is_flagged);
        assert_eq!(approved(&app, "zhang", second).await, None, "one is not enough");
        for written_otherwise in ["ZHANG", "operator/zhang", "officer/Zhang"] {
            let who = officer(written_otherwise);
            let again = flow::approve(&app.ctx, &who, second, IN_CHARGE).await;
            assert_eq!(refused(again), Refusal::Role, "{written_otherwise}");
        }
        assert_eq!(state_of(&miller.get(PAGE).await), "submitted");
        let clerk = Declared::TaxClerk;
        // Two who confirm different things have not agreed.
        let another = flow::approve(&app.ctx, &officer("wu"), second, clerk).await.unwrap();
        assert_eq!(another, None);
        let other = flow::approve(&app.ctx, &officer("zhang"), second, clerk).await.unwrap();
        let other = String::from(other.expect("two have agreed"));
        assert_ne!(other, code);
        let (_, page) = at_door(&app, "non_resident", &other, MILLER).await;
        assert!(page.url.ends_with("/signed-in"), "{} {}", page.url, page.text);
        let held = "SELECT identity_type AS said FROM authorisation WHERE identity_type = 'tax_clerk' \
                    AND enterprise_id IN (SELECT id FROM enterprise WHERE kind = 'non_resident')";
        assert_eq!(app.said(held).await, ["tax_clerk"]);

        // A name that differs by marks, case and points; an enterprise that the core has told; and a code
        // that is another's.
        let line = json!({"feed": "enterprise", "source_key": "x", "version": 1,
            "registration_no": "10113601000000000998", "tin": "FJ3601003440000024",
            "name": "GLÜCK Maschinen, G.m.b.H.", "kind": "non_resident", "status": "03",
            "tax_authority": "13601000000"});
        let text = line.to_string();
        import(&app.ctx, "t", text.as_bytes(), Format::JsonLines, None).await.unwrap();
        for (changes, likeness) in [
            (vec![("name_foreign", "tai man TRADING ltd")], "name"),
            (vec![("name_foreign", "Gluck Maschinen GmbH"), ("name_zh", "又一家公司")], "name"),
            (
                vec![
                    ("former_code", "FJ3601003440000024"),
                    ("name_zh", "又一家公司"),
                    ("name_foreign", "Quite Another"),
                ],
                "former_code",
            ),
        ] {
            let mut changes = changes;
            changes.push(("home_number", "99999"));
            let third = applied(&mut chan, &but(&changes)).await;
            let case = flow::look(&app.ctx, &officer("zhang"), third).await.unwrap();
            let seen: Vec<&str> = case.alike.iter().map(|one| one.likeness.name()).collect();
            assert!(seen.contains(&likeness), "{changes:?}: {seen:?}");
            flow::reject(&app.ctx, &officer("wu"), third).await.unwrap();
        }
        // One that was kept before names had hashes is found all the same.
        app.sql("UPDATE enterprise SET name_hash = NULL").await;
        let again = [("name_foreign", "Gluck Maschinen GmbH"), ("name_zh", "又一家公司")];
        let again = applied(&mut chan, &but(&again)).await;
        let case = flow::look(&app.ctx, &officer("zhang"), again).await.unwrap();
        let known: Vec<&str> = case.alike.iter().filter_map(|one| one.code.as_deref()).collect();
        assert!(known.contains(&"FJ3601003440000024"), "{known:?}");
        let listed = flow::waiting(&app.ctx).await.unwrap();
        assert!(listed.iter().any(|one| one.application.id == again && one.is_flagged));
        // A job gives it its hash, once, and it is found by that.
        let without = "SELECT COUNT(*) FROM enterprise \
                       WHERE kind = 'non_resident' AND name_hash IS NULL";
        let n = app.count(without).await;
        assert!(n >= 2, "{n}");
        assert_eq!(hash_names(&app.ctx).await.unwrap(), usize::try_from(n).unwrap());
        assert_eq!((app.count(without).await, hash_names(&app.ctx).await.unwrap()), (0, 0));
        let others = "SELECT COUNT(*) FROM enterprise \
                      WHERE kind <> 'non_resident' AND name_hash IS NOT NULL";
        assert_eq!(app.count(others).await, 0, "nobody else is found by a name");
        let case = flow::look(&app.ctx, &officer("zhang"), again).await.unwrap();
        let known: Vec<&str> = case.alike.iter().filter_map(|one| one.code.as_deref()).collect();
        assert!(known.contains(&"FJ3601003440000024"), "{known:?}");
    });
}

/// A former code that nobody knows stays what the applicant has said: two officers see it, it leads to nobody, and
/// the core's line about its true owner is that one's. N-08, N-10.
#[test]
fn a_former_code_is_given_to_nobody() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut chan = overseas(&app, CHAN).await;
        let former = non_resident_code(360_100, 344, 77).unwrap();
        let id = applied(&mut chan, &but(&[("former_code", &former)])).await;
        let case = flow::look(&app.ctx, &officer("zhang"), id).await.unwrap();
        let alike: Vec<_> =
            case.alike.iter().map(|one| (one.likeness.name(), one.code.as_deref())).collect();
        assert_eq!(alike, [("unknown_code", Some(&*former))]);
        assert_eq!(approved(&app, "zhang", id).await, None, "one is not enough");
        let code = approved(&app, "wu", id).await.expect("two have agreed");
        let (_, page) = at_door(&app, "non_resident", &former, CHAN).await;
        assert!(!page.url.ends_with("/signed-in"), "{}", page.url);
        // One that an earlier release gave away is not the applicant's to keep either.
        let legacy = non_resident_code(360_100, 344, 78).unwrap();
        app.sql(&format!(
            "INSERT INTO enterprise_number (realm, number, enterprise_id) \
             SELECT realm, '{legacy}', enterprise_id FROM enterprise_number WHERE number = '{code}'"
        ))
        .await;
        let told = async |tin: &str, registration_no: &str| {
            let line = json!({"feed": "enterprise", "source_key": registration_no, "version": 1,
                "registration_no": registration_no, "tin": tin, "name": "原主有限公司",
                "kind": "non_resident", "status": "03", "tax_authority": "13601000000"});
            let text = line.to_string();
            import(&app.ctx, "t", text.as_bytes(), Format::JsonLines, None).await.unwrap()
        };
        let report = told(former.as_str(), "10113601000000000997").await;
        assert_eq!((report.applied, report.failed.len()), (1, 0), "{report:?}");
        let report = told(legacy.as_str(), "10113601000000000996").await;
        assert_eq!(report.failed[0].why.field.as_deref(), Some("tin"), "{report:?}");
        for (number, name) in [(&former, "原主有限公司"), (&code, "泰文贸易有限公司")]
        {
            let whose = format!(
                "SELECT e.name AS said FROM enterprise_number n \
                 JOIN enterprise e ON e.id = n.enterprise_id WHERE n.number = '{number}'"
            );
            assert_eq!(app.said(&whose).await, [name], "{number}");
        }
        let own = format!("SELECT registration_no AS said FROM enterprise WHERE tin = '{code}'");
        assert!(app.said(&own).await[0].starts_with("9360000344"), "still the one issued here");
    });
}

/// Covers N-05, N-08: what is not with the bureau is decided by nobody, be it a draft, returned or withdrawn; there
/// is no enterprise and no code before an approval.
#[test]
fn nothing_is_decided_out_of_turn() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut chan = overseas(&app, CHAN).await;
        let page = drafted(&mut chan, &GOOD).await;
        let (id, wu) = (id_of(&page), officer("wu"));
        let is_undecided = async || {
            assert_eq!(refused(flow::approve(&app.ctx, &wu, id, IN_CHARGE).await), Refusal::State);
            assert_eq!(refused(flow::reject(&app.ctx, &wu, id).await), Refusal::State);
            let back = flow::return_for_correction(&app.ctx, &wu, id).await;
            assert_eq!(refused(back), Refusal::State);
            let known = "SELECT tin AS said FROM enterprise WHERE kind = 'non_resident'";
            assert_eq!(app.said(known).await, ["FJ3601008400000011"], "the demo's own");
            assert!(app.said("SELECT last || '' AS said FROM nr_sequence").await.is_empty());
        };
        is_undecided().await;
        let page = chan.submit(&page, &[("act", "submit")]).await;
        assert_eq!(state_of(&page), "submitted", "{}", page.text);
        flow::return_for_correction(&app.ctx, &officer("zhang"), id).await.unwrap();
        is_undecided().await;
        let page = chan.get(&format!("{PAGE}?act=withdraw")).await;
        let page = chan.submit(&page, &[("act", "withdraw")]).await;
        assert_eq!(state_of(&page), "withdrawn", "{}", page.text);
        is_undecided().await;
        assert!(!page.text.contains("data-nr-code"), "{}", page.text);
        let acts: Vec<String> = reviews(&app).await.into_iter().map(|(act, _)| act).collect();
        assert_eq!(acts, ["return"]);
    });
}

/// Covers N-08, N-10: each decision goes out once, by e-mail to who has an address and by text message to who
/// has a phone, the code with it; it is kept with officer, time and reason. The same number in another country
/// is no duplicate.
#[test]
fn each_decision_is_sent_and_kept() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut chan = overseas(&app, CHAN).await;
        let mut miller = overseas(&app, MILLER).await;
        let first = applied(&mut chan, &GOOD).await;
        let in_macao = but(&[
            ("residence", "MAC"),
            ("name_zh", "另一家公司"),
            ("name_foreign", "Another Name Inc"),
        ]);
        let second = applied(&mut miller, &in_macao).await;
        let waiting = flow::waiting(&app.ctx).await.unwrap();
        assert_eq!(waiting.iter().map(|one| one.is_flagged).collect::<Vec<_>>(), [false, false]);
        flow::return_for_correction(&app.ctx, &officer("zhang"), first).await.unwrap();
        flow::reject(&app.ctx, &officer("zhang"), second).await.unwrap();
        let form = chan.get(FORM).await;
        let page = chan.submit(&form, &GOOD).await;
        let page = chan.submit(&page, &[("act", "submit")]).await;
        assert_eq!(state_of(&page), "submitted", "{}", page.text);
        let third = applied(&mut miller, &in_macao).await;
        let of_chan = approved(&app, "wu", first).await.expect("nothing looks like it");
        assert!(approved(&app, "wu", third).await.is_some(), "of another country");
        app.deliver().await;
        let mut out = notices(&app);
        out.retain(|one| one.contains(" non-resident-"));
        let expected = [
            format!("{} non-resident-approved", MILLER.contact),
            format!("{} non-resident-rejected", MILLER.contact),
            format!("{} non-resident-approved {of_chan}", CHAN.contact),
            format!("{} non-resident-returned", CHAN.contact),
        ];
        assert_eq!(out, expected);
        let kept = "SELECT event || ' ' || at AS said FROM audit \
                    WHERE event LIKE '%non_resident_reviewed%' ORDER BY sequence";
        let (kept, now) = (app.said(kept).await, app.ctx.now().0);
        let decided =
            [(first, "return", "zhang"), (second, "reject", "zhang"), (first, "approve", "wu")];
        for ((application, act, by), line) in decided.into_iter().zip(&kept) {
            let (event, at) = line.rsplit_once(' ').unwrap();
            let event: serde_json::Value = serde_json::from_str(event).unwrap();
            assert_eq!(event["application"], json!(application), "{line}");
            assert_eq!((&event["act"], &event["by"]), (&json!(act), &json!(by)), "{line}");
            assert_eq!(event["reason"], "the certificate shows it", "{line}");
            assert_eq!(at, now.to_string(), "{line}");
        }
    });
}

/// Covers N-08: of two officers at once one decides and the other hears `E_STATE`; of two people at once each
/// gets a code of their own; of two submissions one counts.
#[test]
fn what_happens_at_once_happens_once() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut chan = overseas(&app, CHAN).await;
        let mut miller = overseas(&app, MILLER).await;
        let one = applied(&mut chan, &GOOD).await;
        let (zhang, wu) = (officer("zhang"), officer("wu"));
        let (yes, no) = tokio::join!(
            flow::approve(&app.ctx, &zhang, one, IN_CHARGE),
            flow::reject(&app.ctx, &wu, one)
        );
        assert!(yes.is_ok() != no.is_ok(), "one of them");
        let lost = if yes.is_ok() { refused(no) } else { refused(yes) };
        assert_eq!(lost, Refusal::State);

        let one = applied(
            &mut chan,
            &but(&[("home_number", "1111"), ("name_zh", "甲公司"), ("name_foreign", "A Co")]),
        )
        .await;
        let two = applied(
            &mut miller,
            &but(&[("home_number", "2222"), ("name_zh", "乙公司"), ("name_foreign", "B Co")]),
        )
        .await;
        let (first, second, again) = tokio::join!(
            flow::approve(&app.ctx, &zhang, one, IN_CHARGE),
            flow::approve(&app.ctx, &zhang, two, IN_CHARGE),
            flow::approve(&app.ctx, &wu, one, IN_CHARGE),
        );
        let (codes, lost): (Vec<_>, Vec<_>) =
            [first, second, again].into_iter().partition(Result::is_ok);
        let codes: std::collections::BTreeSet<String> =
            codes.into_iter().map(|code| code.unwrap().unwrap().into()).collect();
        assert_eq!((codes.len(), lost.len()), (2, 1));
        let held = "SELECT COUNT(*) || '' AS said FROM authorisation WHERE state = 'active' AND enterprise_id IN \
                    (SELECT id FROM enterprise WHERE registration_no LIKE '9360000344%')";
        let n_codes = app.said("SELECT last || '' AS said FROM nr_sequence").await;
        assert_eq!(app.said(held).await, n_codes, "one person for each code");

        let page = drafted(&mut chan, &but(&[("home_number", "3333")])).await;
        let (mut tab, mut other) = (chan.clone(), chan.clone());
        let (one, two) = tokio::join!(
            tab.submit(&page, &[("act", "submit")]),
            other.submit(&page, &[("act", "submit")])
        );
        let refusals: Vec<_> = [one.code(), two.code()].into_iter().flatten().collect();
        assert_eq!(refusals, ["E_STATE"]);
    });
}

/// Covers N-05, N-08: an application of somebody else, or of another realm, is not there; a cancelled
/// account takes its application with it.
#[test]
fn an_application_is_its_own_persons() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut chan = overseas(&app, CHAN).await;
        let mut miller = overseas(&app, MILLER).await;
        let page = drafted(&mut chan, &GOOD).await;
        let id = id_of(&page).to_string();
        let path = "/account/non-resident";
        for act in ["submit", "withdraw", "remove"] {
            let values = [("application", &*id), ("act", act)];
            let page = crate::account::post(&app, &mut miller, path, &values).await;
            assert_eq!(page.code(), Some("E_STATE"), "{act}");
        }
        let mut fields = GOOD.to_vec();
        fields.push(("application", &id));
        let form = "/account/non-resident/form";
        let page = crate::account::post(&app, &mut miller, form, &fields).await;
        assert_eq!(page.code(), Some("E_STATE"));
        let csrf = crate::account::csrf(&app, &miller);
        let fields = [("csrf", &*csrf), ("application", &*id)];
        let page = miller.send_file(FILE, &fields, ("a.pdf", PDF)).await;
        assert_eq!(page.code(), Some("E_STATE"), "{}", page.text);
        // A second open one of the same person is refused.
        let mut second = GOOD.to_vec();
        second.push(("application", ""));
        let page = crate::account::post(&app, &mut chan, form, &second).await;
        assert_eq!(page.code(), Some("E_STATE"));
        assert_eq!(app.said("SELECT state AS said FROM nr_application").await, ["draft"]);

        let page = chan.get(&format!("{PAGE}?act=withdraw")).await;
        assert!(page.text.contains("withdraw-sure"), "{}", page.text);
        let page = chan.submit(&page, &[("act", "withdraw")]).await;
        assert_eq!(state_of(&page), "withdrawn", "{}", page.text);
        assert!(app.said("SELECT kind AS said FROM nr_file").await.is_empty());
    });
}
