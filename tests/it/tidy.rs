//! What ARCHITECTURE.md promises of the source: who imports whom, and one library, one folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Each layer and the layers it may import besides itself.
const MAY_USE: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("certificate", &["base"]),
    ("domain", &["base"]),
    ("jose", &["base"]),
    ("oidc", &["base", "domain", "jose"]),
    ("realm", &["base", "certificate", "domain", "jose"]),
    ("store", &["base", "domain"]),
    ("ephemeral", &["base", "domain"]),
    ("outbound", &["base", "domain"]),
    (
        "flows",
        &[
            "base",
            "certificate",
            "domain",
            "jose",
            "oidc",
            "realm",
            "store",
            "ephemeral",
            "outbound",
        ],
    ),
    ("views", &["base", "domain", "realm"]),
    ("web", &["base", "domain", "oidc", "realm", "outbound", "flows", "views"]),
    ("jobs", &["base", "domain", "realm", "store", "flows", "web"]),
    // What starts all of them.
    (
        "cli",
        &[
            "base",
            "config",
            "domain",
            "ephemeral",
            "flows",
            "jobs",
            "jose",
            "outbound",
            "realm",
            "store",
            "telemetry",
            "views",
            "web",
        ],
    ),
];

/// Each library and the only folders that may name it.
const OWNERS: &[(&str, &[&str])] = &[
    ("rand::", &["base"]),
    ("sha2::", &["base"]),
    ("aes_gcm::", &["base"]),
    ("x509_cert::", &["certificate"]),
    ("der::", &["certificate"]),
    ("sm2::", &["base"]),
    ("sm3::", &["base"]),
    ("sm4::", &["base"]),
    ("openssl::", &["certificate"]),
    ("regex::", &["certificate"]),
    ("argon2::", &["domain"]),
    ("totp_rs::", &["domain"]),
    ("webauthn_rs::", &["domain"]),
    ("josekit::", &["jose"]),
    ("oxide_auth::", &["oidc"]),
    ("sea_orm::", &["store"]),
    ("redis::", &["ephemeral"]),
    ("reqwest::", &["outbound"]),
    ("lettre::", &["outbound"]),
    ("csv::", &["flows"]),
    ("tera::", &["views"]),
    ("axum::", &["web"]),
    ("clap::", &["cli"]),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

fn each_source(mut check: impl FnMut(&str, &Path, &str)) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    for path in files {
        let inside = path.strip_prefix(&root).unwrap();
        let layer = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        check(layer, inside, &std::fs::read_to_string(&path).unwrap());
    }
}

#[test]
fn layers_import_only_downwards() {
    let mut wrong = Vec::new();
    each_source(|layer, path, text| {
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == layer) else { return };
        for (number, line) in text.lines().enumerate() {
            for used in line.split("crate::").skip(1) {
                let name: String =
                    used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if name != layer && !allowed.contains(&name.as_str()) {
                    wrong.push(format!("{}:{} {layer} uses {name}", path.display(), number + 1));
                }
            }
        }
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn each_library_has_one_folder() {
    let mut wrong = Vec::new();
    each_source(|layer, path, text| {
        for (library, owners) in OWNERS {
            let named = text.lines().any(|line| {
                let line = line.trim_start();
                !line.starts_with("//")
                    && (line.starts_with(&format!("use {library}"))
                        || line.contains(&format!(" {library}"))
                        || line.contains(&format!("({library}")))
            });
            if named && !owners.contains(&layer) {
                wrong.push(format!("{} names {library}", path.display()));
            }
        }
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn domain_and_protocol_do_no_io() {
    each_source(|layer, path, text| {
        if ["certificate", "domain", "oidc"].contains(&layer) {
            assert!(!text.contains("async fn") && !text.contains(".await"), "{}", path.display());
        }
    });
}

#[test]
fn no_file_is_two_things() {
    each_source(|_, path, text| {
        let lines = text.lines().count();
        assert!(lines <= 450, "{} has {lines} lines", path.display());
        assert!(text.starts_with("//!"), "{} does not say what it is for", path.display());
        assert!(!text.contains("#[cfg(test)]"), "{}", path.display());
    });
}

/// Where authorisations change: the table, the writer, and the one statement that saves a step.
#[test]
fn authorisations_have_one_writer() {
    let table = ["domain/authorisation.rs", "domain/authorisation/change.rs"];
    let owners: [(&str, &[&str]); 4] = [
        (".apply(", &["flows/relations/writer.rs"]),
        ("Authorisation::begin(", &["flows/relations/writer.rs"]),
        (".authorisations().save(", &["flows/relations/writer.rs"]),
        ("AuthorisationRow", &["store/authorisations.rs"]),
    ];
    let mut wrong = Vec::new();
    each_source(|_, path, text| {
        let path = path.display().to_string();
        // Across line ends, as rustfmt may break a chain.
        let text: String = text.split_whitespace().collect();
        for (act, who) in owners {
            if text.contains(act) && !who.contains(&&*path) && !table.contains(&&*path) {
                wrong.push(format!("{path} has {act}"));
            }
        }
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Where documents, phones and levels change, each with its trace.
#[test]
fn what_is_kept_of_people_has_one_writer() {
    let acts =
        [".date_document(", ".hold_document(", ".add_phone(", ".raise_level(", ".people().update("];
    let more = [
        ".people().add(",
        ".accounts().add(",
        ".set_email(",
        ".set_address(",
        ".set_term(",
        ".set_proved(",
        ".set_standing(",
        ".cancelling().cancel(",
        ".forget_contact(",
        ".drop_phone(",
        ".make_default(",
        ".verify_phone(",
        ".add_documents(",
        ".add_told_phones(",
        ".people().add_all(",
        ".accounts().add_all(",
        ".lock_account(",
        ".unlock_account(",
        ".expire_password(",
    ];
    let mut wrong = Vec::new();
    each_source(|layer, path, text| {
        if layer == "store" || path.starts_with("flows/people") || path.ends_with("flows/people.rs")
        {
            return;
        }
        let text: String = text.split_whitespace().collect();
        let named = acts.iter().chain(&more).filter(|act| text.contains(**act));
        wrong.extend(named.map(|act| format!("{} has {act}", path.display())));
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What `store/mod.rs` gives asks for the realm; whoever goes past it could find another realm's rows.
/// The sweep is of all realms, and so are the keys at rest.
#[test]
fn every_look_up_knows_its_realm() {
    let mut wrong = Vec::new();
    each_source(|layer, path, text| {
        // `connect` asks about connections, not for rows.
        let of_all = ["store/sweep.rs", "store/roots.rs", "store/first_root.rs", "store/reseal.rs"];
        let allowed = [&["store/mod.rs", "store/connect.rs"][..], &of_all].concat();
        let is_allowed = allowed.iter().any(|file| path.ends_with(file));
        if layer != "store" || is_allowed || path.starts_with("store/entity") {
            return;
        }
        let past = [
            "Entity::find",
            "Entity::update",
            "Entity::delete",
            "Statement::from",
            "::update_many",
            "::delete_many",
        ];
        for (number, line) in text.lines().enumerate() {
            if past.iter().any(|name| line.contains(name)) && !line.contains("audit_head") {
                wrong.push(format!("{}:{} {line}", path.display(), number + 1));
            }
        }
        // Written SQL: `$1` is the realm, and whoever has a `WHERE` compares it.
        for clause in text.split("WHERE ").skip(1) {
            let head: String = clause.chars().take(120).collect();
            let is_inner = head.starts_with("h.record_id") || head.starts_with("{of_");
            if !is_inner && !head.contains("realm = $1") {
                wrong.push(format!("{} WHERE {head}", path.display()));
            }
        }
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A handler extracts, calls a flow and answers.
#[test]
fn pages_ask_flows_and_never_the_store() {
    each_source(|layer, path, text| {
        let dense: String = text.split_whitespace().collect();
        let asks = [".rows()", ".begin()", ".begin(&", "store.", "Tx<", "Rows<"];
        let asks = asks.iter().find(|word| dense.contains(**word));
        assert!(layer != "web" || asks.is_none(), "{} has {asks:?}", path.display());
    });
}

/// The key agent is small enough to be read whole, and knows nothing of the provider.
#[test]
fn the_key_agent_stands_by_itself() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("key-agent");
    let mut files = Vec::new();
    for folder in ["src", "tests", "skf-mock/src"] {
        sources(&root.join(folder), &mut files);
    }
    assert!(files.len() > 20);
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let lines = text.lines().count();
        assert!(lines <= 320, "{} has {lines} lines", path.display());
        assert!(text.starts_with("//!"), "{} does not say what it is for", path.display());
        assert!(!text.contains("hufu::"), "{}", path.display());
        let is_mock = path.starts_with(root.join("skf-mock"));
        assert!(is_mock || !text.contains("unsafe"), "{}", path.display());
    }
}

#[test]
fn there_is_one_early_exit() {
    each_source(|_, path, text| {
        let dense: String = text.split_whitespace().collect();
        assert!(!dense.contains("Result<Result<"), "{}", path.display());
    });
}

/// Every file by its module path.
fn modules() -> BTreeMap<Vec<String>, String> {
    let mut found = BTreeMap::new();
    each_source(|_, path, text| {
        let mut module: Vec<String> =
            path.with_extension("").iter().map(|part| part.to_str().unwrap().to_owned()).collect();
        if module.last().is_some_and(|last| last == "mod" || last == "lib") {
            module.pop();
        }
        let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap()).collect();
        found.insert(module, code.join("\n"));
    });
    found
}

/// `a::{b, c::d}` as `a::b` and `a::c::d`.
fn unfold(tree: &str) -> Vec<String> {
    let Some((head, inner)) = tree.split_once('{') else { return vec![tree.trim().to_owned()] };
    let inner = inner.rsplit_once('}').unwrap().0;
    let (mut parts, mut depth, mut part) = (Vec::new(), 0, String::new());
    for c in inner.chars() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if c == ',' && depth == 0 {
            parts.push(std::mem::take(&mut part));
        } else {
            part.push(c);
        }
    }
    parts.push(part);
    let parts = parts.iter().filter(|part| !part.trim().is_empty());
    parts.flat_map(|part| unfold(part)).map(|part| format!("{}{part}", head.trim())).collect()
}

/// The statements that begin with this word, without it, each unfolded.
fn uses(code: &str, word: &str) -> Vec<String> {
    let mut found = Vec::new();
    for statement in format!("\n{code}").split(&format!("\n{word} ")).skip(1) {
        found.extend(unfold(statement.split(';').next().unwrap()));
    }
    found
}

/// The file that a path leads to; what a file only hands on belongs to where it comes from.
fn leads_to(
    path: &str,
    from: &[String],
    modules: &BTreeMap<Vec<String>, String>,
    handed_on: &BTreeMap<(Vec<String>, String), String>,
) -> Option<Vec<String>> {
    let path = path.split(" as ").next().unwrap();
    let mut parts: Vec<&str> = path.split("::").map(str::trim).collect();
    let mut at: Vec<String> = from.to_vec();
    match parts[0] {
        "crate" => at.clear(),
        "self" => {}
        "super" => {
            at.pop();
        }
        child => {
            let mut inside = at.clone();
            inside.push(child.to_owned());
            modules.get(&inside)?;
            at = inside;
        }
    }
    parts.remove(0);
    for part in parts {
        if part == "super" {
            at.pop();
            continue;
        }
        if let Some(origin) = handed_on.get(&(at.clone(), part.to_owned())) {
            return leads_to(origin, &at, modules, handed_on);
        }
        let mut inside = at.clone();
        inside.push(part.to_owned());
        if !modules.contains_key(&inside) {
            break;
        }
        at = inside;
    }
    modules.contains_key(&at).then_some(at)
}

/// Which files each file names, in its imports and where it writes a path out.
fn imports() -> BTreeMap<Vec<String>, BTreeSet<Vec<String>>> {
    let modules = modules();
    let mut handed_on = BTreeMap::new();
    for (module, code) in &modules {
        for path in uses(code, "pub use") {
            let name = path.rsplit("::").next().unwrap().to_owned();
            handed_on.insert((module.clone(), name), path);
        }
    }
    let mut found = BTreeMap::new();
    for (module, code) in &modules {
        let mut named: Vec<String> = uses(code, "use");
        for start in ["crate::", "super::"] {
            for (at, _) in code.match_indices(start) {
                let path =
                    code[at..].split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
                let is_use = code[..at].lines().last().is_some_and(|line| line.contains("use "));
                if !is_use {
                    named.push(path.into_iter().next().unwrap().trim_end_matches(':').to_owned());
                }
            }
        }
        let reached = named.iter().filter_map(|path| leads_to(path, module, &modules, &handed_on));
        let others = reached.filter(|reached| reached != module).collect();
        found.insert(module.clone(), others);
    }
    found
}

/// Takes away what imports nothing that is left; what stays stands in a circle or leads into one.
#[test]
fn files_form_no_circle() {
    let mut left = imports();
    assert!(left[&vec!["flows".to_owned(), "oauth".to_owned(), "token".to_owned()]].len() > 5);
    loop {
        let known: BTreeSet<Vec<String>> = left.keys().cloned().collect();
        let before = left.len();
        left.retain(|_, named| named.iter().any(|one| known.contains(one)));
        if left.len() == before {
            break;
        }
    }
    let names: Vec<String> = left.keys().map(|module| module.join("::")).collect();
    assert!(left.is_empty(), "{names:#?}");
}

/// `println!` panics where nobody reads any more; commands speak by `cli::result::say`.
#[test]
fn nothing_is_printed_past_who_looks_for_a_closed_pipe() {
    let mut wrong = Vec::new();
    each_source(|_, path, text| {
        for name in ["print!(", "println!(", "eprintln!(", "eprint!("] {
            if text.contains(name) {
                wrong.push(format!("{} {name}", path.display()));
            }
        }
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Who looks for something finds one row of each room of `flows`: of a merge none stands twice, and none is left out.
#[test]
fn each_room_of_the_flows_is_described_once() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let (_, rooms) = text.split_once("The rooms of `flows`").expect("the table");
    let rows = rooms.lines().skip_while(|line| !line.starts_with("| `"));
    let rows = rows.take_while(|line| line.starts_with('|'));
    let named = rows.filter_map(|row| row.split('|').nth(1));
    let names = named.flat_map(|cell| cell.split(',')).map(|name| name.trim().trim_matches('`'));
    let mut described: BTreeMap<&str, usize> = BTreeMap::new();
    for name in names {
        *described.entry(name).or_default() += 1;
    }
    assert!(described.values().all(|n| *n == 1), "{described:?}");
    for entry in std::fs::read_dir(root.join("src/flows")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(!path.is_dir() || described.contains_key(name), "{name} is not described");
    }
}
