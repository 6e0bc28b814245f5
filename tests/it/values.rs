//! Values are parsed once: what is written in one way and typed in another is the same name, number,
//! code or address, wherever it is compared; and what only looks alike is not.

use hufu::base::secret::Secret;
use hufu::domain::feed::PersonLine;
use hufu::domain::number::phone::Phone;
use hufu::domain::person::PasswordState;
use hufu::flows::feed::{Format, Report, add_person, import};
use serde_json::{Value, json};

use crate::account::{NEW, WANG, as_li, as_wang, get, post};
use crate::kit::browser::Shown;
use crate::kit::{
    Browser, EXAMPLE, FILING, PASSWORD, SAMPLE, TestApp, authorize_url, on_each_database,
};

async fn tell(app: &TestApp, lines: &[Value]) -> Report {
    let text: Vec<String> = lines.iter().map(Value::to_string).collect();
    let text = text.join("\n");
    import(&app.ctx, "test", text.as_bytes(), Format::JsonLines, None).await.unwrap()
}

fn person(key: &str, version: i64, name: &str, document: (&str, &str)) -> Value {
    json!({"feed": "person", "source_key": key, "version": version, "name": name,
        "document_type": document.0, "document": document.1})
}

fn with(mut line: Value, more: &Value) -> Value {
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    line
}

fn failed_fields(report: &Report) -> Vec<&str> {
    report.failed.iter().map(|one| one.why.field.as_deref().unwrap_or("-")).collect()
}

/// Somebody with a password of their own.
async fn add(app: &TestApp, name: &str, document: (&str, &str), phone: &str, password: &str) {
    let password = Secret::new(password.to_owned());
    let hash = app.ctx.services.hashing.hash(&password, app.ctx.random());
    let hash = hash.await.unwrap().unwrap();
    let line = PersonLine {
        name: name.to_owned(),
        document_type: document.0.to_owned(),
        document: document.1.to_owned(),
        nationality: None,
        phone: Some(phone.to_owned()),
        phone_used_at: None,
        email: None,
        real_name_level: Some(3),
        document_valid_to: None,
        document_void: None,
    };
    let tx = app.ctx.begin().await.unwrap();
    let password = PasswordState::Set(hash);
    let added = add_person(&app.ctx, &tx, &line, None, password).await;
    assert!(added.is_ok(), "{name} is added");
    tx.commit().await.unwrap();
}

async fn at_personal_door(app: &TestApp, personal_id: &str, password: &str) -> (Browser, Shown) {
    let mut browser = app.browser();
    let page = browser.at_entrance(&authorize_url(&FILING, &[]), "natural_person").await;
    let page = browser.type_credentials(&page, ("", personal_id, password)).await;
    (browser, page)
}

/// The masked phone of the one whom number and password lead to, or the refusal.
async fn who(app: &TestApp, personal_id: &str, password: &str) -> String {
    let (_, page) = at_personal_door(app, personal_id, password).await;
    let phones = page.text.split_whitespace().chain(page.text.split(['<', '>', ' ', '"']));
    let masked = phones
        .filter(|word| word.contains("****"))
        .map(|word| word.chars().filter(|c| c.is_ascii_digit() || *c == '*').collect::<String>());
    match page.code() {
        Some(code) => code.to_owned(),
        None => masked.into_iter().find(|word| word.len() == 11).unwrap_or_default(),
    }
}

async fn name_by_phone(app: &TestApp, phone: &str) -> String {
    let rows = app.ctx.rows();
    let phone = Phone::parse(phone).unwrap();
    let account = rows.accounts().find_by_phone(&phone).await.unwrap().unwrap();
    rows.people().find(account.person).await.unwrap().unwrap().name.as_str().to_owned()
}

/// Equal digits on documents of two kinds are two people, who both sign in by their number; a
/// relation names the kind where the digits alone would be either's. Covers E-04, R-17, D-09.
#[test]
fn two_kinds_of_documents_with_equal_digits_are_two_people() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (one, other) = ("Lin-2026+a", "Doe-2026+b");
        add(&app, "林一", ("taiwan_travel_permit", "12345678"), "13911110001", one).await;
        add(&app, "John Doe", ("foreign_passport", "12345678"), "13911110002", other).await;
        add(&app, "陈大文", ("hk_macao_travel_permit", "H12345678"), "13911110003", one).await;
        add(&app, "Ann Poe", ("chinese_passport", "H12345678"), "13911110004", other).await;
        for (number, password, found) in [
            ("12345678", one, "139****0001"),
            ("12345678", other, "139****0002"),
            ("1234567801", one, "139****0001"),
            ("１２３４ 5678", other, "139****0002"),
            ("h12345678", one, "139****0003"),
            ("H12345678", other, "139****0004"),
            ("H1234567802", one, "139****0003"),
            ("12345678", "Nobody-2026+", "E_CREDENTIALS"),
            ("13911110002", other, "139****0002"),
        ] {
            assert_eq!(who(&app, number, password).await, found, "{number}");
        }
        assert_eq!(name_by_phone(&app, "13911110001").await, "林一", "nobody renamed the first");
        let relation = |key: &str, person: &str| {
            json!({"feed": "authorisation", "source_key": key, "version": 1, "enterprise": EXAMPLE,
                "person": person, "identity_type": "tax_clerk", "permissions": ["TAX_FILING"],
                "valid_from": "2026-01-01"})
        };
        let lines = [
            relation("r1", "12345678"),
            relation("r2", "taiwan_travel_permit:12345678"),
            relation("r3", "foreign_passport:12345678"),
        ];
        let report = tell(&app, &lines).await;
        assert_eq!((report.applied, failed_fields(&report)), (2, vec!["person"]), "{report:?}");
        for phone in ["13911110001", "13911110002"] {
            assert_eq!(crate::account::held(&app.ctx, phone).await.len(), 1, "{phone}");
        }
    });
}

/// Guesses at a number that two people share are counted, too. Covers E-09.
#[test]
fn a_shared_number_is_not_guessed_at_for_ever() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        add(&app, "林一", ("taiwan_travel_permit", "12345678"), "13911110001", "Lin-2026+a").await;
        add(&app, "杜二", ("foreign_passport", "12345678"), "13911110002", "Doe-2026+b").await;
        let mut answers = Vec::new();
        for _ in 0..=app.ctx.realm.limits.max_failures {
            answers.push(who(&app, "12345678", "Nobody-2026+").await);
        }
        assert_eq!(answers.last().unwrap(), "E_LOCKED", "{answers:?}");
        assert_eq!(who(&app, "12345678", "Lin-2026+a").await, "E_LOCKED");
        assert_eq!(who(&app, "13911110001", "Lin-2026+a").await, "139****0001", "their own way");
    });
}

/// The number as the card prints it, whatever its renewal count; the next version of the line is the
/// same person's, with a new card. Covers E-04, D-02, D-08.
#[test]
fn a_renewed_permit_is_the_same_persons() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let hk = |version, name, number| {
            let line = person("hk", version, name, ("hk_macao_travel_permit", number));
            with(line, &json!({"phone": "13911110001"}))
        };
        let tw = |version, number| {
            let line = person("tw", version, "林一", ("taiwan_travel_permit", number));
            with(line, &json!({"phone": "13911110002"}))
        };
        let report = tell(&app, &[hk(1, "陈大文", "H1234567801"), tw(1, "1234567802(A)")]).await;
        assert_eq!(report.applied, 2, "{report:?}");
        assert_eq!(who(&app, "H1234567801", "567801").await, "139****0001");
        assert_eq!(who(&app, "1234567802", "567802").await, "139****0002");
        assert_eq!(who(&app, "1234567802（a）", "567802").await, "139****0002");
        let report = tell(&app, &[hk(2, "陈大明", "H1234567802"), tw(2, "1234567803")]).await;
        assert_eq!((report.applied, report.failed.len()), (2, 0), "{report:?}");
        assert_eq!(name_by_phone(&app, "13911110001").await, "陈大明");
        for number in ["H1234567801", "H1234567802", "H12345678", "h12345678-02"] {
            assert_eq!(who(&app, number, "567802").await, "139****0001", "{number}");
        }
        // A first-generation number finds whom it became.
        let old = with(
            person("old", 1, "赵六", ("resident_id_card", "610104196209276908")),
            &json!({"phone": "13911110003"}),
        );
        assert_eq!(tell(&app, &[old]).await.applied, 1);
        assert_eq!(who(&app, "610104620927690", "276908").await, "139****0003");
        let first = person("new", 1, "赵七", ("resident_id_card", "610104620927690"));
        assert_eq!(failed_fields(&tell(&app, &[first]).await), ["document"], "never to add");
    });
}

/// A line of its own for a document that somebody holds is theirs or a mistake; a newer version goes
/// to whom the older became, with whatever document it names.
#[test]
fn a_line_never_renames_somebody_else() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let card = ("resident_id_card", "360102199003071236");
        let passport = |number: &'static str| ("chinese_passport", number);
        let lines = [
            person("wang", 1, "李鬼", card),
            person("wang", 1, " 王 小 明 ", card),
            person("p", 1, "周一", passport("E12345678")),
            person("q", 1, "吴二", passport("E12345679")),
            person("q", 2, "吴二", passport("E12345678")),
        ];
        let report = tell(&app, &lines).await;
        assert_eq!(report.applied, 3, "{report:?}");
        assert_eq!(failed_fields(&report), ["name", "document"]);
        assert_eq!(name_by_phone(&app, WANG).await, "王小明");
        // A new passport takes the place of the old one, and back.
        for (version, number) in [(2, "E22345678"), (3, "E12345678")] {
            let report = tell(&app, &[person("p", version, "周一", passport(number))]).await;
            assert_eq!(report.applied, 1, "{report:?}");
            let digits = &number[3..];
            assert_eq!(who(&app, number, digits).await, "E_NO_PHONE", "and in all the same");
        }
        assert_eq!(who(&app, "E22345678", "345678").await, "E_CREDENTIALS");
        let german = with(
            person("de", 1, "Ann Lee", ("foreign_passport", "C01X00T47")),
            &json!({"nationality": "deu"}),
        );
        let french = with(
            person("fr", 1, "Ann Lee", ("foreign_passport", "C01X00T47")),
            &json!({"nationality": "FRA"}),
        );
        let report = tell(&app, &[german, french]).await;
        assert_eq!((report.applied, failed_fields(&report)), (1, vec!["nationality"]));
    });
}

/// Every text of every kind of line; one that cannot be kept takes no other with it.
#[test]
fn no_text_of_a_feed_takes_the_upload_with_it() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let human = || person("x", 1, "周一", ("resident_id_card", "110101199003074514"));
        let firm = || {
            json!({"feed": "enterprise", "source_key": "x", "version": 1,
                "registration_no": "10113601000000000779", "tin": "360102708461138",
                "name": "新企业", "status": "03", "tax_authority": "1"})
        };
        let record = || {
            json!({"feed": "record", "source_key": "x", "version": 1, "enterprise": EXAMPLE,
                "record_kind": "inspection", "record_no": "赣[2026]1号", "project_name": "桥",
                "division": "360100", "tax_authority": "1", "valid_from": "2026-01-01"})
        };
        let relation = || {
            json!({"feed": "authorisation", "source_key": "x", "version": 1, "enterprise": EXAMPLE,
                "person": "360102199003071236", "identity_type": "tax_clerk",
                "permissions": ["TAX_FILING"], "valid_from": "2026-01-01"})
        };
        let engagement = || {
            json!({"feed": "engagement", "source_key": "x", "version": 1, "agency": EXAMPLE,
                "client": SAMPLE, "valid_from": "2026-01-01"})
        };
        let long = "长".repeat(2000);
        let mut lines = Vec::new();
        let mut expected = Vec::new();
        let mut wrong = |line: Value, more: Value, field: &'static str| {
            lines.push(with(line, &more));
            expected.push(field);
        };
        for name in [" ", "周\n一", "周\u{0}一", "周\u{2028}一", "周1", "··", long.as_str()]
        {
            wrong(human(), json!({"name": name}), "name");
        }
        wrong(human(), json!({"source_key": "x\u{0}"}), "source_key");
        wrong(human(), json!({"source_key": long}), "source_key");
        wrong(human(), json!({"nationality": "C\u{0}N"}), "nationality");
        wrong(human(), json!({"phone": "1391111\u{0}0001"}), "phone");
        wrong(human(), json!({"email": "a@b@c"}), "email");
        for field in ["name", "tin", "registration_no", "tax_authority", "status", "province"] {
            wrong(firm(), json!({field: "1\u{0}2"}), field);
            wrong(firm(), json!({field: long}), field);
        }
        wrong(firm(), json!({"former_numbers": ["36\u{0}"]}), "former_numbers[0]");
        wrong(
            firm(),
            json!({"profile": {"registered_address": "一\u{7}"}}),
            "profile.registered_address",
        );
        let key_person = |name: &str, phone: &str| json!({"profile": {"key_persons": [{"role": "法人", "name": name, "phone": phone}]}});
        wrong(firm(), key_person("李\u{0}", "13900139000"), "profile.key_persons[0].name");
        wrong(firm(), key_person("李芳", "12"), "profile.key_persons[0].phone");
        for field in ["record_no", "project_name", "division", "tax_authority"] {
            wrong(record(), json!({field: "1\u{0}2"}), field);
        }
        wrong(record(), json!({"handlers": ["36\u{0}"]}), "handlers[0]");
        wrong(relation(), json!({"person": "36\u{0}"}), "person");
        wrong(relation(), json!({"permissions": ["TAX\u{0}"]}), "permissions[0]");
        wrong(engagement(), json!({"staff": ["\u{0}"]}), "staff[0]");
        wrong(engagement(), json!({"client": "\u{1b}"}), "client");
        let n_wrong = lines.len();
        lines.push(human());
        let report = tell(&app, &lines).await;
        assert_eq!(report.applied, 1, "{report:?}");
        assert_eq!(report.failed.len(), n_wrong);
        assert_eq!(failed_fields(&report), expected);
    });
}

/// A manager types the name in any of its spellings. Covers AC-23.
#[test]
fn a_name_is_the_same_in_every_spelling() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let people = [
            ("买买提·艾力", "110101199003074514", "买买提．艾力", "买买提艾力"),
            ("刘䶮", "110101198808081231", " 刘 \u{e863}", "刘龑"),
            ("John Smith", "110101197505153213", "ＪＯＨＮ  SMITH", "John Smyth"),
            ("José Núñez", "110101196910014562", "JOSE NUNEZ", "Jose"),
        ];
        let mut lines = Vec::new();
        for (name, document, ..) in people {
            lines.push(person(document, 1, name, ("resident_id_card", document)));
        }
        let report = tell(&app, &lines).await;
        assert_eq!(report.applied, 4, "{report:?}");
        let mut li = as_li(&app).await;
        for (_, document, spelling, other) in people {
            for (typed, code) in [(other, Some("E_FORMAT")), (spelling, None)] {
                let own = [("name", typed), ("document", document), ("risk", "yes")];
                let mut fields: Vec<(&str, &str)> = NEW.to_vec();
                fields.retain(|(name, _)| own.iter().all(|(known, _)| known != name));
                fields.extend(own);
                let page = post(&app, &mut li, "/account/handlers/add", &fields).await;
                assert_eq!(page.code(), code, "{typed}");
            }
        }
        let found = get(&mut li, "/account/handlers/pending").await;
        assert!(found.text.contains("买****力"), "as it was given first");
    });
}

/// Covers E-11: a code as people copy and type it; what is no code costs no try.
#[test]
fn a_code_is_the_same_in_every_writing() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let wide = |code: &str| -> String {
            code.chars().map(|c| char::from_u32(u32::from(c) + 0xfee0).unwrap()).collect()
        };
        let writings: [&dyn Fn(&str) -> String; 4] = [
            &|code| format!("{} {}", &code[..3], &code[3..]),
            &|code| format!("\u{a0}{}-{} ", &code[..3], &code[3..]),
            &|code| wide(code),
            &|code| format!("\u{200b}{code}\u{feff}"),
        ];
        for writing in writings {
            app.clock.advance(61);
            let (mut browser, page) = at_personal_door(&app, WANG, PASSWORD).await;
            let page = browser.submit(&page, &[("act", "send")]).await;
            for no_code in ["", "12345", "1234567", "12345a", "一二三四五六", "12 34 5"] {
                let refused = browser.submit(&page, &[("act", "verify"), ("code", no_code)]).await;
                assert_eq!(refused.code(), Some("E_FORMAT"), "{no_code}");
            }
            let typed = writing(&app.sms(WANG));
            let done = browser.submit(&page, &[("act", "verify"), ("code", &typed)]).await;
            assert_eq!(done.code(), None, "{typed}");
            assert!(done.answered("code").is_some(), "{typed}");
        }
    });
}

/// Covers E-03, X-01: one enterprise, whichever of its numbers an application writes, in whichever way.
#[test]
fn an_application_names_an_enterprise_by_any_of_its_numbers() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_wang(&app, "<strong>办税员").await;
        let former = "360102708461136";
        for number in [EXAMPLE, "91360100ma35abcd43", "９１３６０１００-MA35ABCD43", former]
        {
            let details = json!([{"type": "tax_identity", "enterprise": number}]).to_string();
            for param in [("authorization_details", details.as_str()), ("identity_hint", number)] {
                let shown = wang.get(&authorize_url(&FILING, &[param, ("prompt", "none")])).await;
                assert!(shown.answered("code").is_some(), "{param:?} {:?}", shown.left_to);
            }
        }
        for number in [SAMPLE, "360102708461999", "nonsense", "1", "号"] {
            let details = json!([{"type": "tax_identity", "enterprise": number}]).to_string();
            for param in [("authorization_details", details.as_str()), ("identity_hint", number)] {
                let shown = wang.get(&authorize_url(&FILING, &[param, ("prompt", "none")])).await;
                let why = shown.answered("error_description");
                assert_eq!(why.as_deref(), Some("identity_not_held"), "{param:?}");
            }
        }
    });
}

/// Covers N-03, E-04: e-mail addresses and usernames are found by the form they are kept under.
#[test]
fn addresses_and_usernames_are_found_in_every_writing() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for typed in ["wangxm", "WangXM", " ｗａｎｇｘｍ "] {
            assert_eq!(who(&app, typed, PASSWORD).await, "138****8000", "{typed}");
        }
        let line = with(
            person("m", 1, "Max Mustermann", ("foreign_passport", "C01X00T48")),
            &json!({"email": "Max.Muster@Bücher.Example", "nationality": "DEU"}),
        );
        assert_eq!(tell(&app, &[line]).await.applied, 1);
        let people = app.ctx.rows();
        for typed in [
            "max.muster@bücher.example",
            "MAX.MUSTER@xn--bcher-kva.example",
            " Max.Muster＠Bücher．Example",
        ] {
            let email = hufu::domain::number::email::EmailAddress::parse(typed).unwrap();
            assert!(people.people().find_by_email(&email).await.unwrap().is_some(), "{typed}");
        }
    });
}
