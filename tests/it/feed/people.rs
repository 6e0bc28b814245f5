//! What a routine line about a person leaves alone, and what it takes away.

use std::time::Duration;

use hufu::base::clock::Day;
use hufu::base::id::PersonId;
use hufu::domain::help::Helper;
use hufu::domain::new_document::NewDocument;
use hufu::domain::notice::NoticeKind;
use hufu::domain::number::document::{DocumentNumber, DocumentType};
use hufu::domain::number::email::EmailAddress;
use hufu::domain::number::name::PersonName;
use hufu::domain::number::taxpayer::TaxpayerNumber;
use hufu::domain::person::{DocumentEnd, PersonKind};
use hufu::flows::feed::{Format, Report};
use hufu::flows::{hall, help, people};
use serde_json::{Value, json};

use super::tell;
use crate::account::AGENCY;
use crate::kit::{EXAMPLE, TestApp, on_each_database, on_one_database};

const CARD: &str = "110101199003074514";

fn person(version: i64, more: &Value) -> Value {
    let mut line = json!({"feed": "person", "source_key": "routine", "version": version,
        "name": "孙多", "document": CARD});
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    line
}

async fn taken(app: &TestApp, version: i64, more: &Value) -> Report {
    let line = person(version, more).to_string();
    let report = tell(app, &line, Format::JsonLines, None).await;
    assert_eq!((report.applied, report.failed.len()), (1, 0), "{line} {report:?}");
    report
}

/// The fields that were remarked on.
fn remarked(report: &Report) -> Vec<&str> {
    report.remarks.iter().map(|one| one.why.field.as_deref().unwrap()).collect()
}

fn number(app: &TestApp, kind: DocumentType, number: &str) -> DocumentNumber {
    DocumentNumber::parse(kind, number, app.ctx.now().day()).unwrap()
}

async fn holder(app: &TestApp, kind: DocumentType, text: &str) -> Option<PersonId> {
    app.ctx.rows().people().find_by_document(&number(app, kind, text)).await.unwrap()
}

/// What somebody adds in the account centre once their face was compared.
async fn prove(app: &TestApp, person: PersonId, (kind, text): (DocumentType, &str), end: &str) {
    let new = NewDocument {
        name: PersonName::parse("孙多").unwrap(),
        number: number(app, kind, text),
        valid_from: Day::parse("2026-01-01").unwrap(),
        valid_to: DocumentEnd::On(Day::parse(end).unwrap()),
    };
    let tx = app.ctx.begin().await.unwrap();
    assert!(people::add_document(&app.ctx, &tx, person, &new).await.unwrap());
    tx.commit().await.unwrap();
}

async fn ends(app: &TestApp, person: PersonId, kind: DocumentType) -> Option<String> {
    let held = app.ctx.rows().people().documents(person).await.unwrap();
    let one = held.into_iter().find(|one| one.kind == kind).unwrap();
    one.valid_to.map(|day| day.to_string())
}

/// Covers D-08, D-09: what the registry repeats does not take the place of a document that was proved since; a
/// number that it had not told before does, and so does its own older one of its own newer.
#[test]
fn a_line_that_repeats_itself_undoes_no_proved_document() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let passport = DocumentType::ChinesePassport;
        let told = |text: &str| json!({"document_type": "chinese_passport", "document": text});
        taken(&app, 1, &told("E12345671")).await;
        let id = holder(&app, passport, "E12345671").await.unwrap();
        prove(&app, id, (passport, "E12345672"), "2036-01-01").await;
        assert_eq!(holder(&app, passport, "E12345671").await, None);
        let mut line = told("E12345671");
        line["phone"] = json!("13700990099");
        line["document_valid_to"] = json!("2027-01-01");
        assert_eq!(remarked(&taken(&app, 2, &line).await), ["document"]);
        assert_eq!(holder(&app, passport, "E12345672").await, Some(id));
        assert_eq!(holder(&app, passport, "E12345671").await, None);
        assert_eq!(ends(&app, id, passport).await.as_deref(), Some("2036-01-01"));
        for (version, text) in [(3, "E12345673"), (4, "E12345674"), (5, "E12345673")] {
            assert!(taken(&app, version, &told(text)).await.remarks.is_empty());
            assert_eq!(holder(&app, passport, text).await, Some(id));
            assert_eq!(holder(&app, passport, "E12345672").await, None);
        }
    });
}

/// Covers L-12: a day that the registry repeats shortens no term that was proved since; a later one counts, and
/// one that only the registry had told is the registry's.
#[test]
fn a_told_day_shortens_no_proved_term() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let card = DocumentType::ResidentIdCard;
        taken(&app, 1, &json!({"document_valid_to": "2027-01-01"})).await;
        taken(&app, 2, &json!({"document_valid_to": "2026-12-01"})).await;
        let id = holder(&app, card, CARD).await.unwrap();
        assert_eq!(ends(&app, id, card).await.as_deref(), Some("2026-12-01"));
        prove(&app, id, (card, CARD), "2046-01-01").await;
        for (version, told, remarks, end) in [
            (3, "2026-12-01", vec!["document_valid_to"], Some("2046-01-01")),
            (4, "2046-01-01", vec![], Some("2046-01-01")),
            (5, "2046-01-02", vec![], Some("2046-01-02")),
            (6, "long_term", vec![], None),
            (7, "2046-01-02", vec!["document_valid_to"], None),
        ] {
            let report = taken(&app, version, &json!({"document_valid_to": told})).await;
            assert_eq!(remarked(&report), remarks, "{told}");
            assert_eq!(ends(&app, id, card).await.as_deref(), end, "{told}");
        }
    });
}

/// Covers L-12, DEC-20: a document that is reported void leads nowhere, whatever a line says or leaves out, until
/// one says that it is not void; nobody can hold it meanwhile, and no other document goes with it.
#[test]
fn a_void_document_leads_nowhere_until_it_is_good_again() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let card = DocumentType::ResidentIdCard;
        taken(&app, 1, &json!({})).await;
        let id = holder(&app, card, CARD).await.unwrap();
        let level =
            async || app.ctx.rows().people().find(id).await.unwrap().unwrap().real_name_level;
        assert_eq!(level().await, 3);
        for (version, more, remarks, is_held) in [
            (2, json!({"document_void": true, "document_valid_to": "2030-01-01"}), vec![], false),
            (3, json!({}), vec!["document"], false),
            (4, json!({"real_name_level": 4}), vec!["document"], false),
            (5, json!({"document_void": false}), vec![], true),
            (6, json!({"document_void": true}), vec![], false),
        ] {
            let report = taken(&app, version, &more).await;
            assert_eq!(remarked(&report), remarks, "{more}");
            assert_eq!(holder(&app, card, CARD).await.is_some(), is_held, "{more}");
            assert_eq!(level().await, 2, "{more}");
        }
        let tx = app.ctx.begin().await.unwrap();
        let void = number(&app, card, CARD);
        assert!(!people::hold_document(&app.ctx, &tx, id, &void).await.unwrap());
        drop(tx);
        // Another of its kind is held beside it, and stays when the void one is told again.
        let other = "11010119900307803X";
        taken(&app, 7, &json!({"document": other})).await;
        assert_eq!(holder(&app, card, other).await, Some(id));
        taken(&app, 8, &json!({"document_void": true})).await;
        assert_eq!(
            (holder(&app, card, other).await, holder(&app, card, CARD).await),
            (Some(id), None)
        );
        taken(&app, 9, &json!({"real_name_level": 3, "document_void": false})).await;
        assert_eq!(
            (holder(&app, card, other).await, holder(&app, card, CARD).await),
            (None, Some(id))
        );
        assert_eq!(level().await, 3);
        // Each time it leads nowhere the person is told, and each way back leaves its trace.
        let mut notices = app.ctx.rows().notices().list(id, 100).await.unwrap();
        notices.retain(|one| one.kind == NoticeKind::DocumentVoid);
        let audit = app.audit().await;
        let backs = audit.iter().filter(|one| one["action"] == "document_void_over").count();
        assert_eq!((notices.len(), backs), (2, 2));
    });
}

/// A relation, an engagement and a record whose lines name the person by the card, the last two a colleague, too.
fn work(version: i64, is_over: bool) -> [Value; 3] {
    let state = if is_over { "ended" } else { "active" };
    let both = [CARD, "360102199003071236"];
    [
        json!({"feed": "authorisation", "source_key": "wa", "version": version,
            "enterprise": EXAMPLE, "person": CARD, "identity_type": "tax_clerk", "state": state,
            "permissions": ["TAX_FILING"], "valid_from": "2026-01-01"}),
        json!({"feed": "engagement", "source_key": "we", "version": version, "agency": AGENCY,
            "client": EXAMPLE, "staff": both, "permissions": ["TAX_FILING"],
            "valid_from": "2026-01-01", "is_ended": is_over}),
        json!({"feed": "record", "source_key": "wr", "version": version, "enterprise": EXAMPLE,
            "record_kind": "inspection", "record_no": "T-77", "project_name": "桥",
            "division": "360102", "tax_authority": "13601020000", "handlers": both,
            "permissions": ["TAX_FILING"], "valid_from": "2026-01-01", "is_closed": is_over}),
    ]
}

/// A void number lets nobody in, but names its person to the registry: what they do goes on for their colleagues
/// and is ended by it, one line at a time or many.
#[test]
fn a_void_number_still_ends_what_its_person_does() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let card = DocumentType::ResidentIdCard;
        taken(&app, 1, &json!({})).await;
        let id = holder(&app, card, CARD).await.unwrap();
        let number = TaxpayerNumber::asked(EXAMPLE);
        let enterprise = app.ctx.rows().enterprises().find_by_number(&number).await.unwrap();
        let enterprise = enterprise.unwrap().id;
        for (version, is_over, state) in
            [(1, false, "active"), (2, false, "active"), (3, true, "ended")]
        {
            for line in work(version, is_over) {
                let report = tell(&app, &line.to_string(), Format::JsonLines, None).await;
                assert_eq!((report.applied, report.failed.len()), (1, 0), "{line} {report:?}");
            }
            let all = app.ctx.rows().authorisations().list(id, enterprise).await.unwrap();
            let states: Vec<&str> = all.iter().map(|one| one.state().name()).collect();
            assert_eq!(states, [state], "{version}");
            if version == 1 {
                taken(&app, 2, &json!({"document_void": true})).await;
            }
            assert_eq!(holder(&app, card, CARD).await, None);
        }
        // Something new, of which there was nothing before.
        let report = tell(
            &app,
            &json!({"feed": "authorisation", "source_key": "wn", "version": 1,
                "enterprise": AGENCY, "person": CARD, "identity_type": "tax_clerk",
                "permissions": ["TAX_FILING"], "valid_from": "2026-01-01"})
            .to_string(),
            Format::JsonLines,
            None,
        )
        .await;
        assert_eq!((report.applied, report.failed.len()), (1, 0), "{report:?}");
    });
}

/// Covers X-19: by a void number the bureau finds its person, and a look at a hall's record of it is a look at them.
#[test]
fn the_bureau_finds_somebody_by_a_void_number() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        taken(&app, 1, &json!({})).await;
        let card = DocumentType::ResidentIdCard;
        let id = holder(&app, card, CARD).await.unwrap();
        let officer = Helper::new("officer/zhang", "asked at the counter, ticket 17").unwrap();
        for (version, is_void) in [(2, true), (3, false)] {
            taken(&app, version, &json!({"document_void": is_void})).await;
            assert_eq!(help::people(&app.ctx, CARD).await.unwrap(), [id], "{is_void}");
            hall::find(&app.ctx, &officer, (card.name(), CARD)).await.unwrap();
        }
        let audit = app.audit().await;
        let looks = audit.iter().filter(|one| one["act"] == "find-hall-record");
        let about: Vec<&Value> = looks.map(|one| &one["person"]).collect();
        let theirs = json!(id.to_string());
        assert_eq!(about, [&theirs, &theirs]);
    });
}

/// Somebody whose first line says that the document is void: they are known, and it opens nothing.
#[test]
fn a_newcomer_with_a_void_document_has_none() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let more = json!({"document_void": "true"});
        let other = json!({"feed": "person", "source_key": "other", "version": 1, "name": "孙少",
            "document": "11010119900307803X"});
        let lines = format!("{}\n{other}", person(1, &more));
        let report = tell(&app, &lines, Format::JsonLines, None).await;
        assert_eq!(report.applied, 2, "{report:?}");
        assert_eq!(holder(&app, DocumentType::ResidentIdCard, CARD).await, None);
        let said = "SELECT status AS said FROM identity_document WHERE status = 'void'";
        assert_eq!(app.said(said).await, ["void"]);
    });
}

fn email(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

/// Whom an address leads to.
async fn reached(app: &TestApp, text: &str) -> Option<PersonId> {
    app.ctx.rows().people().find_by_email(&email(text)).await.unwrap()
}

async fn cancel(app: &TestApp, person: PersonId) {
    let account = app.ctx.rows().accounts().find_by_person(person).await.unwrap().unwrap();
    let tx = app.ctx.begin().await.unwrap();
    assert!(people::cancel_account(&app.ctx, &tx, &account).await.unwrap());
    tx.commit().await.unwrap();
}

/// Covers PC-17, PC-22: a told address takes the place of a told one, and the person hears of it; of one that a
/// code has reached it does not, and a cancelled account gets none.
#[test]
fn a_told_address_takes_no_proved_ones_place() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        taken(&app, 1, &json!({"email": "one@example.com"})).await;
        let id = holder(&app, DocumentType::ResidentIdCard, CARD).await.unwrap();
        let kept = async || {
            let person = app.ctx.rows().people().find(id).await.unwrap().unwrap();
            (person.email.map(|email| email.as_str().to_owned()), person.email_verified_at)
        };
        let told = async || {
            let mut all = app.ctx.rows().notices().list(id, 100).await.unwrap();
            all.retain(|one| one.kind == NoticeKind::ContactChanged);
            all.len()
        };
        for (version, more) in [(2, json!({"email": "two@example.com"})), (3, json!({}))] {
            assert!(taken(&app, version, &more).await.remarks.is_empty());
            assert_eq!(kept().await, (Some("two@example.com".to_owned()), None));
            assert_eq!(told().await, 1);
        }
        let tx = app.ctx.begin().await.unwrap();
        people::change_email(&app.ctx, &tx, id, &email("own@example.com")).await.unwrap();
        tx.commit().await.unwrap();
        let proved = kept().await;
        assert!(proved.1.is_some());
        for (version, text, remarks) in
            [(4, "two@example.com", vec!["email"]), (5, "OWN@example.com", vec![])]
        {
            let report = taken(&app, version, &json!({"email": text})).await;
            assert_eq!(remarked(&report), remarks, "{text}");
            assert_eq!(kept().await, proved, "{text}");
        }
        assert_eq!(told().await, 1);
        cancel(&app, id).await;
        taken(&app, 6, &json!({"email": "two@example.com"})).await;
        assert_eq!(kept().await, (None, None));
    });
}

/// Covers N-03: of several people with one address it leads to the one whom a code has reached there; where it has
/// reached nobody, to the one who is left, and people without an account do not count.
#[test]
fn an_address_leads_to_whom_a_code_has_reached_there() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let card = DocumentType::ResidentIdCard;
        let address = "same@example.com";
        let mut both = Vec::new();
        for (key, document) in [("a", CARD), ("b", "11010119900307803X")] {
            let line = json!({"feed": "person", "source_key": key, "version": 1, "name": "孙多",
                "document": document, "email": address});
            let report = tell(&app, &line.to_string(), Format::JsonLines, None).await;
            assert_eq!(report.applied, 1, "{report:?}");
            both.push(holder(&app, card, document).await.unwrap());
        }
        assert_eq!(reached(&app, address).await, None, "nobody knows whose it is");
        let tx = app.ctx.begin().await.unwrap();
        people::change_email(&app.ctx, &tx, both[0], &email(address)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(reached(&app, "SAME@example.com").await, Some(both[0]));
        // An earlier release has left an address with a cancelled account.
        app.sql(
            "UPDATE account SET status = 'cancelled' WHERE person_id = \
                 (SELECT id FROM person WHERE email_verified_at IS NOT NULL)",
        )
        .await;
        assert_eq!(reached(&app, address).await, Some(both[1]));
    });
}

/// Whoever changes what is theirs holds their account before they write the person, and so does the feed: its
/// line waits, and is taken.
#[test]
fn a_line_waits_for_whoever_changes_what_is_theirs() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        taken(&app, 1, &json!({"phone": "13811110001"})).await;
        let id = holder(&app, DocumentType::ResidentIdCard, CARD).await.unwrap();
        let account = app.ctx.rows().accounts().find_by_person(id).await.unwrap().unwrap();
        let new = email("own@example.com");
        let tx = app.ctx.begin().await.unwrap();
        tx.rows().accounts().hold(&[account.id]).await.unwrap();
        let changing = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            people::change_email(&app.ctx, &tx, id, &new).await.unwrap();
            tx.commit().await.unwrap();
        };
        let more = json!({"phone": "13811110002", "document_void": true});
        tokio::join!(changing, taken(&app, 2, &more));
        let person = app.ctx.rows().people().find(id).await.unwrap().unwrap();
        assert_eq!(person.email, Some(new));
        assert!(person.real_name_level <= 2, "{}", person.real_name_level);
    });
}

/// A newer line's nationality is followed, and so is what a number says of nationality and sex; what an invitation
/// knew is what its number says, so that no later line is refused for it. Whoever has registered here is remarked on.
#[test]
fn nationality_is_followed_until_its_person_has_told_it() {
    on_one_database(|on| async move {
        let app = TestApp::start(on).await;
        let known = async |kind: DocumentType, text: &str| {
            let id = holder(&app, kind, text).await.unwrap();
            let one = app.ctx.rows().people().find(id).await.unwrap().unwrap();
            (one.kind, one.nationality, one.sex)
        };
        let (foreign, chinese) = (DocumentType::ForeignPassport, DocumentType::ChinesePassport);
        // Invited by a manager, by passports.
        let mut li = crate::account::as_li(&app).await;
        for (name, kind, document) in [
            ("Ann Lee", "foreign_passport", "C01X00T47"),
            ("Bob Lee", "foreign_passport", "C01X00T48"),
            ("钱多", "chinese_passport", "E12345671"),
        ] {
            let more = [("name", name), ("document_type", kind), ("document", document)];
            let more = [&more[..], &[("risk", "yes")]].concat();
            let added = crate::account::enterprise::add(&app, &mut li, &more).await;
            assert_eq!(added.code(), None, "{}", added.text);
        }
        let own = (PersonKind::Domestic, "CHN".to_owned(), None);
        assert_eq!(known(chinese, "E12345671").await, own);
        // Three keys tell of her; one says nothing of it, and is not refused for what it does not say.
        for (key, version, nationality, known_as) in [
            ("a", 1, Some("USA"), "USA"),
            ("b", 1, Some("USA"), "USA"),
            ("c", 1, None, "USA"),
            ("a", 2, Some("DEU"), "DEU"),
            ("c", 2, None, "DEU"),
        ] {
            let line = json!({"feed": "person", "source_key": key, "version": version,
                "name": "Ann Lee", "document_type": "foreign_passport", "document": "C01X00T47",
                "nationality": nationality})
            .to_string();
            let report = tell(&app, &line, Format::JsonLines, None).await;
            assert_eq!((report.applied, report.failed.len()), (1, 0), "{line} {report:?}");
            let told = (PersonKind::Overseas, known_as.to_owned(), None);
            assert_eq!(known(foreign, "C01X00T47").await, told, "{key} {version}");
        }
        // Of whom nobody says it is known what is known of a newcomer.
        for key in ["d", "e"] {
            let line = json!({"feed": "person", "source_key": key, "version": 1, "name": "Bob Lee",
                "document_type": "foreign_passport", "document": "C01X00T48"})
            .to_string();
            let report = tell(&app, &line, Format::JsonLines, None).await;
            assert_eq!((report.applied, report.failed.len()), (1, 0), "{line} {report:?}");
            let told = (PersonKind::Domestic, "CHN".to_owned(), None);
            assert_eq!(known(foreign, "C01X00T48").await, told, "{key}");
        }
        // 王小明 has registered here.
        let line = json!({"feed": "person", "source_key": "w", "version": 1, "name": "王小明",
            "document": "360102199003071236", "nationality": "USA"})
        .to_string();
        let report = tell(&app, &line, Format::JsonLines, None).await;
        assert_eq!(remarked(&report), ["nationality"]);
        let wang = known(DocumentType::ResidentIdCard, "360102199003071236").await;
        assert_eq!((wang.0, wang.1), (PersonKind::Domestic, "CHN".to_owned()));
    });
}
