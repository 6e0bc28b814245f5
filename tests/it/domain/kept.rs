//! Short-lived values of an earlier release, which are in Redis while nodes are renewed.

use std::fmt::Debug;

use hufu::domain::login::{LoginTransaction, Progress};
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
