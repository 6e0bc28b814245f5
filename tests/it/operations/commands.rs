//! The command line: commands that look need the database alone, make nothing where nothing is,
//! and an unknown realm is an error everywhere.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use hufu::base::clock::Timestamp;

use super::{hufu, serve, served_realm};
use crate::kit::demo::{free_ports, start_anew};

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn error(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A command without any secret of the realms in its environment.
fn bare(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hufu"));
    command.current_dir(folder).args(arguments).env_remove("SECRET_FROM_OUTSIDE");
    command.output().unwrap()
}

const LOOKING: [&[&str]; 21] = [
    &["keys", "list", "jiangxi"],
    &["keys", "rotate", "jiangxi"],
    &["keys", "retire", "jiangxi", "none"],
    &["audit", "jiangxi"],
    &["audit", "verify", "jiangxi"],
    &["audit", "tail", "jiangxi"],
    &["audit", "export", "jiangxi"],
    &["client", "show", "jiangxi", "tax-filing"],
    &["stats", "jiangxi"],
    &["non-resident", "list", "jiangxi"],
    &["officer", "list", "jiangxi"],
    &["person", "show", "jiangxi", "13800138000", "--reason", "asked"],
    &["session", "list", "jiangxi", "13800138000", "--reason", "asked"],
    &["sms", "test", "jiangxi", "13800138000", "--reason", "asked"],
    &["realm", "history", "jiangxi"],
    &["realm", "export", "jiangxi", "exported"],
    &["realm", "rollback", "jiangxi", "1"],
    &["deliveries", "jiangxi"],
    &["deliveries", "jiangxi", "--retry"],
    &["migrate", "status"],
    &["import", "jiangxi", "people.csv"],
];

/// Issue 13, 5: in a wrong folder nothing is made, and the words say that nothing is there.
#[test]
fn in_a_wrong_folder_a_command_that_looks_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in LOOKING {
        let refused = error(&bare(folder.path(), arguments));
        assert!(refused.contains("no database of a server"), "{arguments:?}: {refused}");
        let made = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(made, 0, "{arguments:?} made something");
    }
    // With settings, realm files, and an empty data folder it is the same.
    served_realm(folder.path(), "https://sms.example/send");
    std::fs::create_dir(folder.path().join("hufu-data")).unwrap();
    for arguments in LOOKING {
        error(&bare(folder.path(), arguments));
    }
    assert!(hufu(folder.path(), &["doctor"]).status.success());
    assert!(hufu(folder.path(), &["realm", "plan", "realms/jiangxi"]).status.success());
    assert_eq!(std::fs::read_dir(folder.path().join("hufu-data")).unwrap().count(), 0);
}

/// Issue 13, 5: no secret, no realm file and no full start are needed to look; nor is the server's
/// own master key made anew when it is away.
#[tokio::test(flavor = "multi_thread")]
async fn looking_needs_the_database_alone_and_a_realm_that_was_served() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    served_realm(at, "https://sms.example/send");
    drop(serve(at, free_ports(), "").await);
    // Its keys were made in an earlier second than the next.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    std::fs::remove_dir_all(at.join("realms")).unwrap();
    let place = ["--data", "data"];
    let run = |arguments: &[&str]| bare(at, &[arguments, &place].concat());

    let list = out(&run(&["keys", "list", "jiangxi"]));
    assert_eq!(list.lines().filter(|line| line.contains(" active: made ")).count(), 4, "{list}");
    let old = list.lines().find(|line| line.contains(" ES256 ")).unwrap().to_owned();
    let old = old.split(' ').next().unwrap();
    let announced = out(&run(&["keys", "rotate", "jiangxi"]));
    assert!(announced.contains(" ES256 announced: "), "{announced}");
    assert!(error(&run(&["keys", "rotate", "jiangxi"])).contains("announced already"));
    // Shorter than what caches keep is refused, unless it is meant.
    for seconds in ["1", "59", "60", "119", "-1", "soon"] {
        let refused = run(&["keys", "rotate", "jiangxi", "RS256", &format!("--after={seconds}")]);
        assert_eq!(refused.status.code(), Some(2), "{seconds}: {refused:?}");
    }
    for overlap in ["0", "1", "299", "419"] {
        let refused = error(&run(&["keys", "rotate", "jiangxi", "RS256", "--overlap", overlap]));
        assert!(refused.contains("has to verify for 420 seconds"), "{overlap}: {refused}");
    }
    let both = run(&["keys", "rotate", "jiangxi", "RS256", "--now", "--after", "120"]);
    assert_eq!(both.status.code(), Some(2), "{both:?}");
    for (algorithm, how, state) in [
        ("RS256", &["--after", "120", "--overlap", "420"][..], " RS256 announced: "),
        ("PS256", &["--now", "--overlap", "0"], " PS256 active: "),
    ] {
        let made = out(&run(&[&["keys", "rotate", "jiangxi", algorithm], how].concat()));
        assert!(made.contains(state), "{made}");
    }
    assert!(error(&run(&["keys", "retire", "jiangxi", old])).contains("only a superseded"));
    let sooner = out(&run(&["keys", "rotate", "jiangxi", "--after", "0"]));
    assert_eq!(sooner.split(' ').next(), announced.split(' ').next());
    assert!(run(&["keys", "retire", "jiangxi", old]).status.success());
    let list = out(&run(&["keys", "list", "jiangxi"]));
    assert!(list.contains(&format!("{old} ES256 retired: ")), "{list}");
    assert!(list.contains(" PS256 retired: "), "with no overlap the old one is gone: {list}");

    let audit = run(&["audit", "jiangxi"]);
    assert!(audit.status.success() && audit.stdout.len() > 32, "{audit:?}");
    let waiting = out(&run(&["deliveries", "jiangxi"]));
    assert!(waiting.ends_with("0 wait, 0 could not be delivered\n"), "{waiting}");

    for arguments in [
        &["keys", "list", "nosuch"][..],
        &["keys", "rotate", "nosuch"],
        &["keys", "retire", "nosuch", "x"],
        &["audit", "nosuch"],
        &["deliveries", "nosuch"],
        &["import", "nosuch", "people.csv"],
    ] {
        let refused = error(&run(arguments));
        assert!(refused.contains("known are: jiangxi"), "{arguments:?}: {refused}");
    }
    std::fs::remove_file(at.join("data/master.key")).unwrap();
    assert!(error(&run(&["keys", "list", "jiangxi"])).contains("master.key is missing"));
    assert!(!at.join("data/master.key").exists());
}

/// The moment that a line about a key names after these words, in seconds.
fn moment(line: &str, after: &str) -> Option<i64> {
    let text = line.split_once(after)?.1.get(..19)?;
    Timestamp::parse(&format!("{}+08:00", text.replace(' ', "T"))).map(|at| at.0)
}

/// The tokens of one API live for a day: an overlap that is shorter than that and an announcement is refused and
/// changes nothing, a longer one is kept, and where nothing is said it is long enough; of a leaked key any is.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_key_verifies_as_long_as_the_tokens_of_any_api() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let realm = served_realm(at, "https://sms.example/send");
    let api = realm.join("resources/filing.toml");
    let text = std::fs::read_to_string(&api).unwrap();
    std::fs::write(&api, format!("{text}access_token_lifetime = 86400\n")).unwrap();
    drop(serve(at, free_ports(), "").await);
    // Its keys were made in an earlier second than the next.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let place = ["--data", "data"];
    let run = |arguments: &[&str]| bare(at, &[arguments, &place].concat());
    let before = out(&run(&["keys", "list", "jiangxi"]));
    for overlap in ["0", "420", "86400", "86519"] {
        let refused = error(&run(&["keys", "rotate", "jiangxi", "RS256", "--overlap", overlap]));
        assert!(refused.contains("has to verify for 86520 seconds"), "{overlap}: {refused}");
        assert_eq!(out(&run(&["keys", "list", "jiangxi"])), before, "{overlap}");
    }
    for (algorithm, how, kept) in [
        ("RS256", &["--overlap", "86520"][..], 86_520),
        ("PS256", &["--overlap", "90000"], 90_000),
        ("ES256", &[], 86_520),
        ("EdDSA", &["--now", "--overlap", "60"], 60),
    ] {
        let made = out(&run(&[&["keys", "rotate", "jiangxi", algorithm], how].concat()));
        let signs = moment(&made, "signs from ").unwrap_or_else(|| panic!("{made}"));
        let list = out(&run(&["keys", "list", "jiangxi"]));
        let mut own = list.lines().filter(|line| line.split(' ').nth(1) == Some(algorithm));
        let ends = own.find_map(|line| moment(line, "verifies until "));
        assert_eq!(ends.map(|at| at - signs), Some(kept), "{algorithm} {list}");
    }
}

/// Issue 13, 5.
#[tokio::test(flavor = "multi_thread")]
async fn the_demos_data_can_be_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let _demo = start_anew(free_ports(), &data).await;
    for realm in ["jiangxi", "demo-national"] {
        for command in [&["keys", "list"][..], &["audit"], &["deliveries"]] {
            let place = ["--data", data.to_str().unwrap()];
            let seen = bare(folder.path(), &[command, &[realm], &place[..]].concat());
            assert!(seen.status.success() && !seen.stdout.is_empty(), "{command:?} {seen:?}");
        }
    }
}

/// Issue 13, 5: `hufu openapi | head -1` ends as a shell expects.
#[test]
fn a_closed_pipe_is_no_panic() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hufu"))
        .args(["realm", "schema", "client"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(141), ""));
}

/// Issue 13, 5: a folder is known by its name, however it is pointed at; a link by its own.
#[test]
fn a_realm_folder_is_found_by_every_path_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let realm = served_realm(folder.path(), "https://sms.example/send");
    std::fs::create_dir(folder.path().join("versions")).unwrap();
    let version = folder.path().join("versions/v12");
    std::fs::rename(&realm, &version).unwrap();
    std::os::unix::fs::symlink(&version, &realm).unwrap();
    let inner = realm.join("clients");
    for (at, path) in [
        (folder.path(), "realms/jiangxi"),
        (folder.path(), "realms/jiangxi/"),
        (folder.path(), "realms/jiangxi/."),
        (folder.path(), "./realms/../realms/jiangxi"),
    ] {
        let said = hufu(at, &["realm", "validate", path]);
        assert!(said.status.success(), "{path}: {said:?}");
    }
    // From within, where a link is what it leads to.
    std::fs::remove_file(&realm).unwrap();
    std::fs::rename(&version, &realm).unwrap();
    for (at, path) in [(&realm, "."), (&realm, "./"), (&inner, ".."), (&inner, "../.")] {
        let said = hufu(at, &["realm", "validate", path]);
        assert!(said.status.success(), "{path}: {said:?}");
    }
}

/// Issue 13, 5: what the registry tells is taken without one secret of the realm, the demo's published
/// ones and its people included, and nothing but the database is opened.
#[tokio::test(flavor = "multi_thread")]
async fn importing_needs_no_secret_of_the_realm() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let realm = served_realm(at, "https://sms.example/send");
    drop(serve(at, free_ports(), "").await);
    let path = realm.join("clients/tax-filing.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let elsewhere = text.replace("env = \"SECRET_FROM_OUTSIDE\"", "file = \"/nowhere/secret\"");
    std::fs::write(&path, elsewhere).unwrap();
    let table = "source_key,version,name,document,phone\n\
                 p1,1,王小明,360102199003071236,13800138000\n";
    std::fs::write(at.join("people.csv"), table).unwrap();
    // Redis is not asked either.
    let settings = "data = 'data'\nrealms = 'realms'\nredis_url = 'redis://127.0.0.1:1/'\n";
    std::fs::write(at.join("hufu.toml"), settings).unwrap();
    let import = ["--config", "hufu.toml", "import", "jiangxi", "people.csv", "--kind", "person"];
    let done = bare(at, &import);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(out(&done), "1 applied, 0 unchanged, 0 failed\n");
    somebody_is_helped(at);
    officers_are_made(at);
}

/// Covers X-19: officers are made at a shell, with who and why; roles that do not go together are refused.
fn officers_are_made(at: &Path) {
    let why = ["--reason", "order 12", "--by", "operator/li", "--json"];
    let named = |act: &str, login: &str, more: &[&str]| {
        let command = [&["officer", act, "jiangxi", login], more, &why[..]].concat();
        shell(at, &command)
    };
    let made = named("invite", "zhou", &["--name", "周敏", "--role", "hall", "--role", "reviewer"]);
    let made: serde_json::Value = serde_json::from_str(&out(&made)).unwrap();
    let link = made["link"].as_str().unwrap();
    assert!(link.starts_with("https://officer.jiangxi.example/realms/jiangxi/console/invitation?"));
    for (act, login, more, said) in [
        ("invite", "zhou", &["--name", "周敏", "--role", "hall"][..], "E_TAKEN"),
        ("invite", "Zhou", &["--name", "周敏", "--role", "hall"], "3 to 30 small letters"),
        ("invite", "feng", &["--name", "冯立", "--role", "audit", "--role", "hall"], "held alone"),
        ("assign", "zhou", &["--role", "hall", "--role", "reviewer"], "E_STATE"),
        ("lock", "nobody", &[], "no officer has this login"),
        ("unlock", "zhou", &[], "E_STATE"),
    ] {
        let refused = error(&named(act, login, more));
        assert!(refused.contains(said), "{act} {login}: {refused}");
    }
    for (act, more) in [("assign", &["--role", "audit"][..]), ("lock", &[]), ("unlock", &[])] {
        assert!(named(act, "zhou", more).status.success(), "{act}");
    }
    let again: serde_json::Value =
        serde_json::from_str(&out(&named("invite-again", "zhou", &[]))).unwrap();
    assert_ne!(again["link"], made["link"]);
    let [one] = &json(at, &["officer", "list", "jiangxi", "--json"])[..] else { panic!("one") };
    assert_eq!((&one["officer"], &one["standing"]), (&"zhou".into(), &"invited".into()));
    assert_eq!(one["roles"], serde_json::json!(["audit"]));
}

/// A command with the settings of the served folder.
fn shell(at: &Path, arguments: &[&str]) -> Output {
    bare(at, &[&["--config", "hufu.toml"], arguments].concat())
}

/// What it says, one object a line.
fn json(at: &Path, arguments: &[&str]) -> Vec<serde_json::Value> {
    let done = shell(at, arguments);
    assert!(done.status.success(), "{arguments:?} {done:?}");
    out(&done).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn fields(value: &serde_json::Value) -> Vec<String> {
    let mut names: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
    names.sort();
    names
}

/// Covers X-19: help at a shell, by the files and the database that a server has left, with shapes that
/// programs can rely on; each act stands in the audit with who and why.
fn somebody_is_helped(at: &Path) {
    let who = ["jiangxi", "13800138000"];
    let why = ["--reason", "本人到厅申请", "--by", "operator/li", "--json"];
    let person =
        |act: &str, more: &[&str]| json(at, &[&["person", act], &who[..], &why, more].concat());

    let [one] = &person("show", &[])[..] else { panic!("one person") };
    let expected = ["account", "documents", "email", "name", "person", "real_name_level"];
    assert_eq!(fields(one), expected);
    let expected = [
        "factors",
        "has_initial_password",
        "id",
        "locked_at",
        "origin",
        "password_expired_at",
        "phones",
        "sessions",
        "unlocked_at",
        "username",
    ];
    assert_eq!(fields(&one["account"]), expected);
    assert_eq!((&one["name"], &one["account"]["locked_at"]), (&"王*明".into(), &().into()));
    let account = one["account"]["id"].as_str().unwrap();

    let done = person("lock", &[]);
    assert_eq!(done[0]["account"], account);
    assert_eq!(fields(&done[0]), ["account", "act", "person"]);
    assert!(person("show", &[])[0]["account"]["locked_at"].is_string());
    let again = error(&shell(at, &[&["person", "lock"], &who[..], &why].concat()));
    assert!(again.contains("it is so already"), "{again}");
    assert_eq!(person("unlock", &[])[0]["act"], "unlock");
    assert_eq!(person("end-sessions", &[])[0]["ended"], 0);
    error(&shell(
        at,
        &[&["person", "reset-factor"], &who[..], &why, &["--factor", "passkeys"]].concat(),
    ));
    error(&shell(at, &[&["person", "expire-password"], &who[..], &why].concat()));
    assert!(json(at, &[&["session", "list"], &who[..], &why].concat()).is_empty());
    let nobody = "00000000-0000-0000-0000-000000000000";
    error(&shell(at, &[&["session", "end", "jiangxi", nobody], &why[..]].concat()));
    wrong_commands_say_so(at);
    what_was_done_can_be_read(at);
}

fn wrong_commands_say_so(at: &Path) {
    for (arguments, code, said) in [
        (&["person", "lock", "jiangxi", "13800138000"][..], 2, "--reason"),
        (&["person", "lock", "jiangxi", "13800138000", "--reason", "x"], 1, "2 to 200 characters"),
        (&["person", "show", "jiangxi", "13800138009", "--reason", "asked"], 1, "knows nobody"),
        (&["person", "show", "jiangxi", "?", "--reason", "asked"], 1, "a document number, a phone"),
        (
            &["person", "show", "nosuch", "13800138000", "--reason", "asked"],
            1,
            "known are: jiangxi",
        ),
        (&["session", "end", "jiangxi", "x", "--reason", "asked"], 2, "invalid"),
        (&["client", "show", "jiangxi", "nosuch"], 1, "known are: "),
        (&["client", "show", "nosuch", "tax-filing"], 1, "known are: jiangxi"),
        (&["stats", "nosuch"], 1, "known are: jiangxi"),
        (&["audit", "tail", "nosuch"], 1, "known are: jiangxi"),
        (&["audit", "export", "jiangxi", "--since", "yesterday"], 2, "a day is needed"),
        (&["sms", "test", "jiangxi", "12", "--reason", "asked"], 2, "a phone number is needed"),
        // The gateway's secret is not here.
        (&["sms", "test", "jiangxi", "13800138000", "--reason", "asked"], 1, "SECRET_FROM_OUTSIDE"),
    ] {
        let refused = shell(at, arguments);
        assert_eq!(refused.status.code(), Some(code), "{arguments:?} {refused:?}");
        let told = String::from_utf8(refused.stderr).unwrap();
        assert!(told.contains(said), "{arguments:?}: {told}");
    }
}

fn what_was_done_can_be_read(at: &Path) {
    let stats = json(at, &["stats", "jiangxi", "--json"]).remove(0);
    assert_eq!((&stats["people"], &stats["accounts"]["active"]), (&1.into(), &1.into()));
    let client = json(at, &["client", "show", "jiangxi", "tax-filing", "--json"]).remove(0);
    assert_eq!(client["credential"], "secret");
    let newest = json(at, &["audit", "tail", "jiangxi", "-n", "400", "--json"]);
    let given: Vec<&serde_json::Value> = newest
        .iter()
        .map(|one| &one["event"])
        .filter(|one| one["action"] == "help_given")
        .collect();
    let acts: Vec<&str> = given.iter().map(|one| one["act"].as_str().unwrap()).collect();
    let acts: Vec<&str> = acts.into_iter().filter(|act| *act != "look").collect();
    assert_eq!(acts, ["lock", "unlock", "end-sessions"]);
    let named = given.iter().filter(|one| one["by"] == "operator/li");
    assert!(
        named.clone().count() >= 10 && named.clone().all(|one| one["reason"] == "本人到厅申请")
    );
    let all = json(at, &["audit", "export", "jiangxi"]);
    assert_eq!(all.len(), newest.len());
    assert_eq!(fields(&all[0]), ["at", "event", "hash", "sequence"]);
    assert!(json(at, &["audit", "export", "jiangxi", "--until", "2020-01-01"]).is_empty());
    let link = json(at, &["audit", "verify", "jiangxi", "--json"]).remove(0);
    assert_eq!(link["hash"], all.last().unwrap()["hash"]);
}
