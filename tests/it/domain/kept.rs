//! Short-lived values of an earlier release, which are in Redis while nodes are renewed.

use std::fmt::Debug;

use hufu::base::clock::Timestamp;
use hufu::domain::login::{LoginTransaction, Progress, Then};
use hufu::domain::number::phone::Phone;
use hufu::domain::registration::{
    Access, Candidate, Contact, Proof, Registration, Step, Typed, Way,
};
use hufu::domain::scan::{Scan, ScanState};
use serde::Serialize;
use serde::de::DeserializeOwned;

const ID: &str = "0192f0c1-2345-7000-8000-0123456789ab";

/// As it goes on: `swap` and `replace` compare texts.
fn read<T: Serialize + DeserializeOwned + Debug>(text: &str) -> T {
    let value: T = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&value).unwrap(), text, "{value:?}");
    value
}

fn transaction(progress: &str) -> String {
    format!(
        r#"{{"id":"a","expires_at":9,"purpose":"sign_in","then":"nowhere","turn":1,"progress":{progress}}}"#
    )
}

fn proved(era: &str) -> String {
    transaction(&format!(
        r#"{{"proved":{{"entrance":"a","person":"{ID}","account":"{ID}","enterprise":null,"record_kind":null,"way":"password","second":"due"{era}}}}}"#
    ))
}

fn scan(state: &str) -> String {
    format!(
        r#"{{"transaction":"a","client":null,"verifier":"v","app":"tax_app","purpose":"sign_in","browser_ip":"127.0.0.1","browser":"b","created_at":1,"expires_at":9,"phone":null,"state":{{"is":{state}}}}}"#
    )
}

fn confirmed(more: &str) -> String {
    scan(&format!(r#""confirmed","person":"{ID}","account":"{ID}","acting":"personal"{more}"#))
}

/// What an earlier release has written goes on as it was written, and what a new one adds is kept.
#[test]
fn a_value_of_an_earlier_release_stays_as_it_was_written() {
    for (more, era) in [("", 0), (r#","era":3"#, 3)] {
        let found: LoginTransaction = read(&proved(more));
        let Progress::Proved(proved) = found.progress else { panic!("{more}") };
        assert_eq!(proved.era, era);
    }
    let certified =
        format!(r#"{{"certified":{{"entrance":"a","enterprise":"{ID}","keys":"software"}}}}"#);
    let found: LoginTransaction = read(&transaction(&certified));
    assert!(matches!(found.progress, Progress::Certified(_)));
    let with_session = format!(r#","era":3,"session":"{ID}""#);
    for (more, era) in [("", 0), (r#","era":3"#, 3), (&with_session, 3)] {
        let found: Scan = read(&confirmed(more));
        let ScanState::Confirmed(who) = found.state else { panic!("{more}") };
        assert_eq!((who.era, who.session.is_some()), (era, more.contains("session")));
    }
    for (more, expected) in [("", None), (r#","era":3"#, Some(3))] {
        let found: Scan = read(&scan(&format!(r#""proved"{more}"#)));
        assert_eq!(found.state, ScanState::Proved { era: expected });
    }
}

/// A registration whose code came back before it was kept when: another code is sent, and it comes to its end.
#[test]
fn a_registration_of_an_earlier_release_proves_its_contact_anew() {
    let now = Timestamp(1_795_485_600);
    let typed = Typed {
        name: "王小明",
        document_type: "resident_id_card",
        document: "360102199003071236",
        ..Typed::default()
    };
    let candidate = Candidate::parse(Way::Domestic, typed, now.day()).unwrap();
    let contact = Contact::Phone(Phone::parse("13800138000").unwrap());
    let access = Access { password: "p".to_owned(), contact, proved_at: None };
    let begun = Registration::begun(Way::Domestic, Then::Nowhere, Vec::new());
    let due = begun.naming(candidate).reached_by(access).reached(now).left_with(Proof::Hall);
    let mut kept = serde_json::to_value(&due).unwrap();
    assert_eq!(due.as_of(now).due(), Step::Verify);
    let access = kept["access"].as_object_mut().unwrap();
    access.remove("proved_at").unwrap();
    access.insert("is_proved".to_owned(), true.into());
    let found: Registration = serde_json::from_value(kept).unwrap();
    let found = found.as_of(now);
    assert_eq!((found.due(), found.proof), (Step::Contact, None));
}
