//! Realm files: planted mistakes, each complaint at its line.

use std::path::Path;

use hufu::realm::check::{Surroundings, load};

use crate::kit::copy;

/// (file, what stands there, the mistake, part of the complaint)
const PLANTED: [(&str, &str, &str, &str); 12] = [
    (
        "realm.toml",
        "issuer = \"https://sso.jiangxi.example/realms/jiangxi\"",
        "issuer = \"https://sso.jiangxi.example/realms/jiangxi/\"",
        "no trailing slash",
    ),
    (
        "realm.toml",
        "portals = [\"https://portal.jiangxi.example/\"]",
        "portals = [\"https://portal.jiangxi.example\"]",
        "ends with a slash",
    ),
    ("realm.toml", "home_province = \"360000\"", "home_province = \"99\"", "six digits"),
    (
        "realm.toml",
        "origin = \"https://officer.jiangxi.example\"",
        "origin = \"https://officer.jiangxi.example/\"",
        "without a slash",
    ),
    ("realm.toml", "min_length = 8", "min_length = 80", "longer than max_length"),
    (
        "entrances.toml",
        "subject = \"personal\"",
        "subject = \"persnal\"",
        "did you mean `personal`?",
    ),
    ("factors.toml", "lifetime = 300", "lifetme = 300", "did you mean `lifetime`?"),
    ("roles.toml", "code = \"09\"", "code = \"03\"", "has this code"),
    (
        "roles.toml",
        "permissions = [\"TAX_AFFAIRS\", \"TAX_FILING\"",
        "permissions = [\"TAX_AFFAIRS\", \"TAX_FLING\"",
        "did you mean `TAX_FILING`?",
    ),
    ("clients/tax-filing.toml", "\"phone\"", "\"phon\"", "did you mean `phone`?"),
    (
        "clients/invoice.toml",
        "redirect_uris = [\"https:",
        "redirect_uris = [\"http:",
        "https is needed",
    ),
    (
        "clients/desktop.toml",
        "token_endpoint_auth_method = \"none\"",
        "token_endpoint_auth_method = \"private_key_jwt\"",
        "needs `jwks`",
    ),
];

/// What is right by itself and could not work: planted alone, complained of nowhere else. The mistake's line is that
/// of its first word; none: of the file.
const ALONE: [(&str, &str, &str, &str, &str); 15] = [
    (
        "realm.toml",
        "id = \"personal-information\"",
        "id = \"user-agreement\"#",
        "\"#",
        "has this id",
    ),
    (
        "realm.toml",
        "min_classes = 3",
        "min_classes = 4\nletters_merged = true",
        "min_classes",
        "no password would do",
    ),
    (
        "realm.toml",
        "[lockout]",
        "[lockout]\nmax_failures_per_address = 0",
        "max_failures_per_address",
        "less than the minimum",
    ),
    (
        "realm.toml",
        "[lockout]",
        "[lockout]\nmax_failures_per_enterprise = 0",
        "max_failures_per_enterprise",
        "less than the minimum",
    ),
    (
        "realm.toml",
        "session = 28800",
        "session = 9223372036854775807",
        "session = 9",
        "greater than the maximum",
    ),
    (
        "realm.toml",
        "zh = \"agreements/user-agreement.zh.md\"",
        "zh = \"agreements/../realm.toml\"",
        "agreements/..",
        "realm's own folder",
    ),
    (
        "certificates.toml",
        "anchors = [\"certificates/demo-rsa-root.pem\"]",
        "anchors = [\"/etc/hufu/demo-rsa-root.pem\"]",
        "/etc",
        "realm's own folder",
    ),
    (
        "entrances.toml",
        "personal_id = [\"document\", \"phone\", \"username\"]",
        "personal_id = []",
        "personal_id",
        "who they are",
    ),
    (
        "entrances.toml",
        "subject = \"as_confirmed\"\nsteps = [\"scan\", \"choose_client_enterprise\", \"agreements\"]",
        "subject = \"step_up\"\nsecond_factors = [\"iit_app_scan\"]\nsteps = [\"second_factor\"]",
        "scan = [",
        "begins with `scan`",
    ),
    (
        "entrances.toml",
        "\"new_password\", \"choose_client_enterprise\", \"agreements\"",
        "\"new_password\",\"agreements\"",
        "\"new_password\",\"agreements\"",
        "chosen at `choose_client_enterprise`",
    ),
    (
        "entrances.toml",
        "\"confirm_pending_authorisation\", \"choose_identity\", \"agreements\"",
        "\"confirm_pending_authorisation\", \"agreements\"",
        "\"confirm_pending_authorisation\", \"agreements\"",
        "chosen at `choose_identity`",
    ),
    (
        "entrances.toml",
        "subject = \"agent\"",
        "subject = \"agent\"\nenterprise_number = \"none\"",
        "enterprise_number",
        "found by a number",
    ),
    (
        "entrances.toml",
        "\"choose_identity\", \"agreements\"",
        "\"choose_identity\", \"choose_record\", \"agreements\"",
        "\"choose_identity\", \"choose_record\"",
        "a `specific_entity`",
    ),
    (
        "entrances.toml",
        "subject = \"step_up\"\nsecond_factors = [\"tax_app_scan\", \"iit_app_scan\"]\nsteps = [\"second_factor\"]",
        "subject = \"as_confirmed\"\nsteps = [\"scan\", \"agreements\"]",
        "",
        "`step_up` is needed",
    ),
    (
        "factors.toml",
        "[sms]\n",
        "[email]\nurl = \"smtp://127.0.0.1:2525\"\nfrom = \"Tax bureau no-reply@tax.example\"\n[sms]\n",
        "from = \"Tax",
        "no mailbox",
    ),
];

/// `hufu realm validate` lets nothing pass that no sign-in could get by.
#[test]
fn what_cannot_work_is_a_complaint() {
    let folder = tempfile::tempdir().unwrap();
    let realm = folder.path().join("jiangxi");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("realms/jiangxi"), &realm);
    let complaints = || {
        let surroundings =
            Surroundings { is_demo: true, replace: Vec::new(), environment: &|_| None };
        let complaints = load(&realm, &surroundings).err().unwrap_or_default();
        complaints.iter().map(ToString::to_string).collect::<Vec<String>>()
    };
    assert_eq!(complaints(), [""; 0]);
    for (file, right, wrong, at, part) in ALONE {
        let path = realm.join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(right), "{file}: {right}");
        let planted = text.replacen(right, wrong, 1);
        std::fs::write(&path, &planted).unwrap();
        let told = complaints();
        assert!(
            !told.is_empty() && told.iter().all(|one| one.contains(part)),
            "{wrong}: {told:#?}"
        );
        let line = planted[..planted.find(at).unwrap()].matches('\n').count() + 1;
        let place = format!("{}:{line}:", path.display());
        assert!(at.is_empty() || told[0].starts_with(&place), "{place} {told:#?}");
        std::fs::write(&path, &text).unwrap();
    }
    // What a name may look like, and what an address may be.
    let path = realm.join("factors.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    for (from, is_right) in [
        ("no-reply@tax.example", true),
        ("hufu@mailhost", true),
        ("税务局 <no-reply@tax.example>", true),
        ("'\"Tax, Jiangxi\" <no-reply@tax.example>'", true),
        ("Tax, Jiangxi <no-reply@tax.example>", false),
        ("no-reply@", false),
        ("no-reply@tax..example", false),
        ("one@tax.example, two@tax.example", false),
        ("<no-reply@tax.example", false),
    ] {
        let quoted = if from.starts_with('\'') { from.to_owned() } else { format!("\"{from}\"") };
        let email = format!("[email]\nurl = \"smtp://127.0.0.1:2525\"\nfrom = {quoted}\n");
        std::fs::write(&path, format!("{text}\n{email}")).unwrap();
        assert_eq!(complaints().is_empty(), is_right, "{from}: {:#?}", complaints());
    }
}

#[test]
fn planted_mistakes_are_complaints_at_the_right_lines() {
    let folder = tempfile::tempdir().unwrap();
    let realm = folder.path().join("jiangxi");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("realms/jiangxi"), &realm);
    let mut expected = Vec::new();
    for (file, right, wrong, _) in PLANTED {
        let path = realm.join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(right), "{file}: {right}");
        let planted = text.replacen(right, wrong, 1);
        let at = planted.find(wrong).unwrap();
        expected.push((path.display().to_string(), planted[..at].matches('\n').count() + 1));
        std::fs::write(&path, planted).unwrap();
    }
    let surroundings = Surroundings { is_demo: true, replace: Vec::new(), environment: &|_| None };
    let Err(complaints) = load(&realm, &surroundings) else { panic!("no mistake was found") };
    let shown: Vec<String> = complaints.iter().map(ToString::to_string).collect();
    assert_eq!(complaints.len(), PLANTED.len(), "{}", shown.join("\n\n"));
    for ((file, line), (_, _, _, part)) in expected.iter().zip(PLANTED) {
        let found = shown
            .iter()
            .any(|one| one.starts_with(&format!("{file}:{line}:")) && one.contains(part));
        assert!(found, "{file}:{line} {part}\n{}", shown.join("\n\n"));
    }
}

/// Covers AU-08: a confirmation wants a face, so a realm must be able to ask for one.
#[test]
fn a_step_up_without_a_face_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let realm = folder.path().join("jiangxi");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("realms/jiangxi"), &realm);
    let path = realm.join("entrances.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let only = "steps = [\"second_factor\"]";
    let (before, _) = text.split_once(only).unwrap();
    let (before, _) = before.rsplit_once("second_factors = ").unwrap();
    for (factors, is_right) in [
        ("[\"sms\"]", false),
        ("[\"totp\", \"passkey\"]", false),
        ("[\"sms\", \"iit_app_scan\"]", true),
    ] {
        std::fs::write(&path, format!("{before}second_factors = {factors}\n{only}\n")).unwrap();
        let surroundings =
            Surroundings { is_demo: true, replace: Vec::new(), environment: &|_| None };
        let complaints = load(&realm, &surroundings).err().unwrap_or_default();
        let told = complaints.iter().any(|one| one.message.contains("confirmed by a face"));
        assert_eq!((complaints.is_empty(), told), (is_right, !is_right), "{factors}");
    }
}

#[test]
fn a_written_secret_is_refused_outside_the_demo() {
    let realm = Path::new(env!("CARGO_MANIFEST_DIR")).join("realms/jiangxi");
    let surroundings = Surroundings { is_demo: false, replace: Vec::new(), environment: &|_| None };
    let Err(complaints) = load(&realm, &surroundings) else { panic!("a literal secret was taken") };
    assert!(complaints.iter().any(|one| one.message.contains("never written")));
}

/// A bad version is left aside, a good one is served from then on.
#[tokio::test]
async fn files_are_read_again_and_the_last_good_version_stays() {
    use hufu::cli::reload::reload;
    use hufu::cli::start::{Wanted, start};
    let folder = tempfile::tempdir().unwrap();
    let realms = folder.path().join("realms");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("realms/jiangxi"), &realms.join("jiangxi"));
    let wanted = Wanted {
        data: folder.path().to_owned(),
        database: hufu::store::connect::DatabaseUrl::Sqlite(folder.path().join("hufu.db")),
        redis_url: None,
        budget: hufu::ephemeral::Budget::DEFAULT,
        realms: realms.clone(),
        master_key: None,
        key_program: None,
        at_rest: hufu::base::suite::Suite::International,
        proxies: hufu::web::client_ip::Proxies::default(),
        outbound_ca: None,
        is_demo: true,
        replace: Vec::new(),
    };
    let started = start(&wanted).await.unwrap();
    let file = realms.join("jiangxi/realm.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let lifetime = || started.app.realm("jiangxi").unwrap().lifetimes.access_token;
    assert_eq!(reload(&started.app, &wanted).await.unwrap(), 0);
    std::fs::write(&file, text.replace("access_token = 300", "access_token = \"long\"")).unwrap();
    assert_eq!(reload(&started.app, &wanted).await.unwrap(), 0);
    assert_eq!(lifetime(), 300);
    std::fs::write(&file, text.replace("access_token = 300", "access_token = 120")).unwrap();
    assert_eq!(reload(&started.app, &wanted).await.unwrap(), 1);
    assert_eq!(lifetime(), 120);
}

/// Covers X-19: cookies and passkeys are of a host, so officers have one of their own outside the demo.
#[test]
fn the_console_has_a_host_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let realm = folder.path().join("jiangxi");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("realms/jiangxi"), &realm);
    let path = realm.join("realm.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let own = "origin = \"https://officer.jiangxi.example\"";
    assert!(text.contains(own));
    for (origin, said) in [
        ("https://officer.jiangxi.example", None),
        ("https://sso.jiangxi.example", Some("a host that is not the issuer's")),
        ("https://sso.jiangxi.example:8443", Some("a host that is not the issuer's")),
        ("http://localhost:8086", Some("is https where the issuer is")),
        ("https://10.20.0.5", Some("a host name, not an address")),
    ] {
        std::fs::write(&path, text.replace(own, &format!("origin = \"{origin}\""))).unwrap();
        let surroundings =
            Surroundings { is_demo: false, replace: Vec::new(), environment: &|_| None };
        let complaints = load(&realm, &surroundings).err().unwrap_or_default();
        let about = complaints.iter().map(ToString::to_string).filter(|one| one.contains("origin"));
        let about: Vec<String> = about.collect();
        match said {
            None => assert!(about.is_empty(), "{origin}: {about:?}"),
            Some(said) => assert!(about.iter().any(|one| one.contains(said)), "{origin} {about:?}"),
        }
    }
}
