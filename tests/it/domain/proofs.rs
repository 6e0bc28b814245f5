//! A second factor counts for the one question that is open, whatever way it came by.

use std::collections::BTreeMap;

use hufu::base::clock::Timestamp;
use hufu::base::id::{AccountId, AuthorisationId, PersonId, SessionId};
use hufu::domain::acting::Acting;
use hufu::domain::entrance::{Audience, EnterpriseNumber, Entrance, Step, Subject};
use hufu::domain::factor::{Factor, ScanApp, Way};
use hufu::domain::invitation::Invitation;
use hufu::domain::login::{Errand, LoginTransaction, Progress, Proved, Purpose, Second, Then};
use hufu::domain::proof::{Question, Verified};
use hufu::domain::refusal::Refusal;
use uuid::Uuid;

const ALL: [Factor; 6] = [
    Factor::Sms,
    Factor::Email,
    Factor::TaxAppScan,
    Factor::IitAppScan,
    Factor::Totp,
    Factor::Passkey,
];

pub fn door(steps: &[Step], second_factors: &[Factor]) -> Entrance {
    Entrance {
        id: "door".to_owned(),
        subject: Subject::Personal,
        audience: Audience::Tax,
        enterprise_number: EnterpriseNumber::None,
        personal_ids: Vec::new(),
        slider: false,
        second_factors: second_factors.to_vec(),
        remember_device_days: None,
        passkey: false,
        scan: vec![ScanApp::TaxApp],
        steps: steps.to_vec(),
    }
}

pub fn proved(n: u128) -> Proved {
    Proved {
        entrance: "door".to_owned(),
        person: PersonId(Uuid::from_u128(n)),
        account: AccountId(Uuid::from_u128(100 + n)),
        enterprise: None,
        record_kind: None,
        way: Way::Password,
        second: Second::Due,
        era: 0,
    }
}

pub fn begun() -> LoginTransaction {
    LoginTransaction {
        id: "t".to_owned(),
        expires_at: Timestamp(600),
        purpose: Purpose::SignIn,
        then: Then::Authorize(BTreeMap::new()),
        turn: 0,
        progress: Progress::Begun,
    }
}

fn step_up(errand: Errand) -> LoginTransaction {
    let session = SessionId(Uuid::from_u128(9));
    LoginTransaction {
        purpose: Purpose::StepUp { session, errand },
        turn: 1,
        progress: Progress::Chosen(proved(1), Acting::Personal),
        ..begun()
    }
}

/// Covers E-10, L-09, L-11, AU-08: entrance × errand × step.
#[test]
fn a_factor_is_offered_where_entrance_errand_and_step_take_it() {
    let steps = [Step::Credentials, Step::SecondFactor];
    let faces = [Factor::TaxAppScan, Factor::IitAppScan];
    let offered = |transaction: &LoginTransaction, entrance: &Entrance| -> Vec<Factor> {
        let open = |factor: &Factor| transaction.question(entrance, *factor).is_some();
        ALL.into_iter().filter(open).collect()
    };
    let sign_in = begun().about(proved(1), None).unwrap();
    let few = [Factor::Sms, Factor::Totp];
    assert_eq!(offered(&sign_in, &door(&steps, &few)), few);
    let with = |second| begun().about(Proved { second, ..proved(1) }, None).unwrap();
    // A known browser spares it; an enterprise's identity asks for it all the same.
    assert_eq!(offered(&with(Second::Spared), &door(&steps, &few)), few);
    // Nobody is known yet, the door asks for none, it was passed already, another door's.
    let elsewhere = Proved { entrance: "other".to_owned(), ..proved(1) };
    for none in [
        begun(),
        with(Second::NotAsked),
        with(Second::Passed(Factor::Sms)),
        begun().about(elsewhere, None).unwrap(),
    ] {
        assert_eq!(offered(&none, &door(&steps, &ALL)), [], "{none:?}");
    }
    let ids = vec![Invitation { id: AuthorisationId(Uuid::from_u128(7)), version: 1 }];
    for (errand, expected) in [
        (Errand::Raise, ALL.to_vec()),
        (Errand::Renew, ALL.to_vec()),
        (Errand::Handler, faces.to_vec()),
        (Errand::Lift, faces.to_vec()),
        (Errand::Phone, vec![Factor::Sms]),
        (Errand::Confirm(ids), faces.to_vec()),
    ] {
        assert_eq!(offered(&step_up(errand), &door(&[Step::SecondFactor], &ALL)), expected);
    }
}

/// Every way in which an answer could be another's: none counts.
#[test]
fn an_answer_counts_for_its_own_question_alone() {
    let entrance = door(&[Step::SecondFactor], &[Factor::Sms, Factor::TaxAppScan]);
    let now = begun().about(proved(1), None).unwrap();
    let question = now.question(&entrance, Factor::Sms).unwrap();
    let right = question.answered_by(question.person);
    let passed = now.accept(&entrance, &right).unwrap();
    assert_eq!(passed.proved().unwrap().second, Second::Passed(Factor::Sms));
    // Used once.
    assert_eq!(passed.accept(&entrance, &right), Err(Refusal::State));
    let (other_person, other_account) = (proved(2).person, proved(2).account);
    let of = |change: fn(&mut Question)| {
        let mut question = question.clone();
        change(&mut question);
        question.answered_by(question.person)
    };
    let wrong: Vec<(&str, Verified)> = vec![
        ("another person answered", question.answered_by(other_person)),
        ("another transaction's", of(|it| "u".clone_into(&mut it.transaction))),
        ("an earlier turn's", of(|it| it.turn -= 1)),
        (
            "another person's",
            Verified {
                person: other_person,
                question: Question { person: other_person, ..question.clone() },
            },
        ),
        (
            "another account's",
            Verified {
                person: question.person,
                question: Question { account: other_account, ..question.clone() },
            },
        ),
        ("a factor that is not offered", of(|it| it.factor = Factor::Totp)),
    ];
    for (what, verified) in wrong {
        assert_eq!(now.accept(&entrance, &verified), Err(Refusal::State), "{what}");
        // Nor is it something to keep under the same name.
        let kept_apart = verified.question.key() != question.key();
        assert!(kept_apart || verified.question.account == question.account, "{what}");
    }
}

/// Whom a transaction is about: changed, it has nothing of what was proved or chosen before, even
/// if the first one comes back; within a session it cannot be changed.
#[test]
fn a_transaction_about_another_begins_anew() {
    let entrance = door(&[Step::SecondFactor], &ALL);
    let first = begun().about(proved(1), Some(Acting::Personal)).unwrap();
    let asked = first.question(&entrance, Factor::TaxAppScan).unwrap();
    let answer = asked.answered_by(asked.person);
    let passed = first.accept(&entrance, &answer).unwrap();
    assert_eq!(passed.chosen(), Some(Acting::Personal));
    let second = passed.about(proved(2), None).unwrap();
    assert_eq!((second.chosen(), second.proved().unwrap().second), (None, Second::Due));
    assert_eq!(second.accept(&entrance, &answer), Err(Refusal::State));
    let back = second.about(proved(1), None).unwrap();
    assert_eq!(back.accept(&entrance, &answer), Err(Refusal::State), "another turn");
    for errand in [Errand::Raise, Errand::Renew, Errand::Lift, Errand::Confirm(Vec::new())] {
        assert_eq!(step_up(errand).about(proved(2), None), Err(Refusal::State));
    }
    assert_eq!(begun().choosing(Acting::Personal), Err(Refusal::State));
}
