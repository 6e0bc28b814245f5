//! What is said at the fields of a sign-in form that are empty or malformed (E-02).

use std::collections::BTreeMap;
use std::time::Duration;

use hufu::telemetry::recorder;

use super::costs::hashed;
use super::doors::DOORS;
use super::room::app_text;
use crate::kit::browser::{Shown, unescape};
use crate::kit::{
    EXAMPLE, FILING, PASSWORD, TestApp, authorize_url, on_each_database, on_one_database,
};

/// The field's own element.
fn element<'p>(page: &'p Shown, name: &str) -> &'p str {
    let of_group = format!("name=\"{name}\"");
    let inputs =
        page.text.split('<').filter(|one| one.starts_with("input") && one.contains(&of_group));
    let mut inputs = inputs.filter(|one| !one.contains("type=\"hidden\""));
    inputs.next().unwrap_or_else(|| panic!("no {name}: {}", page.text))
}

/// What the form asks for, in its order; the choices of one field once.
fn asked(page: &Shown) -> Vec<&str> {
    let form = page.text.split("id=\"login-form\"").nth(1).expect("the form");
    let inputs = form.split("</form>").next().unwrap().split("<input ").skip(1);
    let inputs = inputs.map(|one| one.split('>').next().unwrap());
    let typed = inputs.filter(|one| !one.contains("type=\"hidden\""));
    let mut names: Vec<&str> =
        typed.map(|one| one.split("name=\"").nth(1).unwrap().split('"').next().unwrap()).collect();
    names.dedup();
    names
}

/// The element that bears the mark: a choice is marked as a whole.
fn marked<'p>(page: &'p Shown, name: &str) -> &'p str {
    match name {
        "record_kind" => {
            let group = page.text.split("<fieldset").nth(1).expect("a choice");
            group.split('>').next().unwrap()
        }
        name => element(page, name),
    }
}

/// Which fields are marked, each with its text by `aria-describedby`.
fn wrong(page: &Shown) -> BTreeMap<&'static str, String> {
    let all = ["record_kind", "enterprise_number", "personal_id", "password"];
    let there = all.into_iter().filter(|name| page.text.contains(&format!("name=\"{name}\"")));
    let mut found = BTreeMap::new();
    for name in there.filter(|name| marked(page, name).contains("aria-invalid=\"true\"")) {
        let described = marked(page, name).split("aria-describedby=\"").nth(1).expect("a text");
        let id = described.split(['"', ' ']).next().unwrap();
        let text = page.text.split(&format!("id=\"{id}\">")).nth(1).expect("the text is there");
        found.insert(name, text.split('<').next().unwrap().to_owned());
    }
    found
}

/// Where the page begins.
fn focused(page: &Shown) -> Vec<&'static str> {
    let all = ["record_kind", "enterprise_number", "personal_id", "password"];
    let there = all.into_iter().filter(|name| page.text.contains(&format!("name=\"{name}\"")));
    there.filter(|name| element(page, name).contains("autofocus")).collect()
}

fn value(page: &Shown, name: &str) -> String {
    let value = element(page, name).split("value=\"").nth(1).unwrap_or("\"");
    unescape(value.split('"').next().unwrap())
}

fn is_kept(shown: &Shown, field: &str, sent: &str) -> bool {
    match field {
        "record_kind" => {
            let checked = format!("value=\"{sent}\" checked");
            sent != "inspection" || shown.text.contains(&checked)
        }
        field => value(shown, field) == sent,
    }
}

/// What this door says at a field.
fn own_text(door: &str, field: &str) -> String {
    app_text(match (field, door) {
        ("enterprise_number", "social_insurance_unit") => "refusal-format-unit-number",
        ("enterprise_number", _) => "refusal-format-enterprise-number",
        ("personal_id", _) => "refusal-format-personal-id",
        ("record_kind", _) => "refusal-format-record-kind",
        _ => "refusal-format-password",
    })
}

/// Each door asks for its numbers, the password and the slider, and nothing else. Every combination of empty,
/// malformed and right fields: each wrong one is marked with its own text, the first of them has the focus,
/// nothing but the password is lost, and nothing is sent to the checker: no password is hashed, no guess is
/// counted, the slider's proof is good once more. Nor is any hashed whose slider was not drawn.
/// Covers E-02, S-02, I-02, G-02, P-02.
#[test]
fn every_wrong_field_is_marked_at_every_door() {
    on_one_database(|on| async move {
        let recorder = recorder(Duration::from_mins(10)).unwrap();
        let (counters, _guard) =
            (recorder.handle(), metrics::set_default_local_recorder(&recorder));
        let app = TestApp::start(on).await;
        for door in &DOORS {
            let has_number = !door.enterprise.is_empty();
            let has_kind = door.id == "specific_entity";
            let mut fields: Vec<(&str, [&str; 3])> = Vec::new();
            if has_kind {
                fields.push(("record_kind", ["inspection", "", "other"]));
            }
            if has_number {
                fields.push(("enterprise_number", [door.enterprise, "", "91360100MA35ABCD4!"]));
            }
            fields.push(("personal_id", [door.phone, " ", "王小明"]));
            let long = "x".repeat(129);
            fields.push(("password", [PASSWORD, "", &long]));
            let (mut browser, page) = door.open(&app).await;
            let all: Vec<&str> = fields.iter().map(|(name, _)| *name).chain(["slider"]).collect();
            assert_eq!(asked(&page), all, "{}", door.id);
            let n_hashed = hashed(&counters);
            let mut shown = page;
            let count = 3_usize.pow(u32::try_from(fields.len()).unwrap());
            for case in 1..count {
                let picked = |at: usize| case / 3_usize.pow(u32::try_from(at).unwrap()) % 3;
                let values: Vec<(&str, &str)> = fields
                    .iter()
                    .enumerate()
                    .map(|(at, (name, values))| (*name, values[picked(at)]))
                    .chain([("slider", "100")])
                    .collect();
                let expected: Vec<&str> = fields
                    .iter()
                    .enumerate()
                    .filter(|(at, _)| picked(*at) > 0)
                    .map(|(_, (name, _))| *name)
                    .collect();
                let slider = shown.filled(&[("slider", "")]).1["slider_id"].clone();
                shown = browser.submit(&shown, &values).await;
                let name = format!("{} {values:?}", door.id);
                assert_eq!(
                    (shown.status.as_u16(), shown.code()),
                    (422, Some("E_FORMAT")),
                    "{name}"
                );
                let texts = wrong(&shown);
                let mut sorted = expected.clone();
                sorted.sort_unstable();
                assert_eq!(texts.keys().copied().collect::<Vec<_>>(), sorted, "{name}");
                for (field, text) in &texts {
                    assert_eq!(*text, own_text(door.id, field), "{field} of {name}");
                }
                assert_eq!(focused(&shown), expected[..1], "{name}");
                // Nothing that was sent is lost, but the password.
                for (field, sent) in values.iter().filter(|(field, _)| *field != "password") {
                    assert!(is_kept(&shown, field, sent), "{field} of {name}");
                }
                assert!(!shown.text.contains(PASSWORD) && !shown.text.contains(&long));
                assert_eq!(shown.filled(&[("slider", "")]).1["slider_id"], slider, "{name}");
                // And the door is still the same one.
                assert_eq!(shown.hidden_of_form("login-submit")["entrance"], door.id);
            }
            // Nobody has guessed, and the form goes on as it stands.
            assert_eq!(hashed(&counters), n_hashed, "{}", door.id);
            let counted = app.ctx.ephemeral().counted("address/127.0.0.1").await.unwrap();
            assert_eq!(counted, 0, "{}", door.id);
            let done = door.type_in(&mut browser, &shown, (door.phone, PASSWORD)).await;
            assert!(done.url.contains("/login/second_factor"), "{}: {}", door.id, done.text);
            assert_eq!(hashed(&counters), n_hashed + 1, "{}", door.id);
            let (mut browser, page) = door.open(&app).await;
            let right = fields.iter().map(|(name, values)| (*name, values[0]));
            let undrawn: Vec<(&str, &str)> = right.chain([("slider", "40")]).collect();
            let refused = browser.submit(&page, &undrawn).await;
            assert_eq!(refused.code(), Some("E_SLIDER"), "{}: {}", door.id, refused.text);
            assert_eq!(hashed(&counters), n_hashed + 1, "{}", door.id);
            app.clock.advance(61);
        }
        let log = app.said("SELECT outcome AS said FROM login_log").await;
        assert_eq!(log, ["E_SLIDER"; DOORS.len()], "nothing was tried but that");
    });
}

/// What is a number or a name in no form is malformed; whatever could be one is for the checker alone.
#[test]
fn only_what_can_be_nothing_is_malformed() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let malformed = [
            ("enterprise_number", "1"),
            ("enterprise_number", "91360100MA35ABCD44"),
            ("enterprise_number", "南昌示例科技有限公司"),
            ("enterprise_number", "91360100MA35ABCD43 91360100MA35ABCD43"),
            ("personal_id", "12"),
            ("personal_id", "wang xiao ming!"),
            ("personal_id", "wang@example.com"),
            ("personal_id", "+0"),
        ];
        let right = [
            ("enterprise_number", " 91360100ma35abcd43 "),
            ("enterprise_number", "９１３６０１００MA35ABCD43"),
            ("enterprise_number", "360102708461136"),
            ("personal_id", "nobody.here"),
            ("personal_id", "３６０１０２１９９００３０７１２３６"),
            ("personal_id", "+86 138-0013-8000"),
            ("personal_id", "+14155550123"),
            ("personal_id", "L898902C3"),
        ];
        for ((field, text), is_malformed) in
            malformed.map(|one| (one, true)).into_iter().chain(right.map(|one| (one, false)))
        {
            let mut browser = app.browser();
            let page = browser.get(&authorize_url(&FILING, &[])).await;
            let mut values = BTreeMap::from([
                ("enterprise_number", EXAMPLE),
                ("personal_id", "wangxm"),
                ("password", "Wrong2026!"),
                ("slider", "100"),
            ]);
            values.insert(field, text);
            let values: Vec<(&str, &str)> = values.into_iter().collect();
            let shown = browser.submit(&page, &values).await;
            let code = if is_malformed { "E_FORMAT" } else { "E_CREDENTIALS" };
            assert_eq!(shown.code(), Some(code), "{field} {text}");
            assert_eq!(wrong(&shown).contains_key(field), is_malformed, "{field} {text}");
            app.clock.advance(901);
        }
    });
}
