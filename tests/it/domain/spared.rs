//! A known browser spares the second factor for the person themself, and for no other identity.

use hufu::base::id::{AssignmentId, AuthorisationId, RecordId};
use hufu::domain::acting::Acting;
use hufu::domain::entrance::{EnterpriseNumber, Entrance, Step, Subject};
use hufu::domain::factor::{Factor, ScanApp, Way};
use hufu::domain::invitation::Invitation;
use hufu::domain::login::{Facts, Next, Proved, Second};
use uuid::Uuid;

use super::proofs::{begun, door, proved};

const STEPS: [Step; 6] = [
    Step::Credentials,
    Step::SecondFactor,
    Step::ConfirmPendingAuthorisation,
    Step::ChooseIdentity,
    Step::ChooseClientEnterprise,
    Step::ChooseRecord,
];

/// Every kind of door × way × state of the second factor × identity: nothing but the person is opened
/// with a spared one, and nothing at all while it is due.
#[test]
fn no_identity_but_the_person_is_opened_by_a_known_browser() {
    let id = AuthorisationId(Uuid::from_u128(1));
    let kinds = [
        (Subject::Personal, EnterpriseNumber::Any, Acting::Personal),
        (Subject::Enterprise, EnterpriseNumber::None, Acting::Personal),
        (Subject::Enterprise, EnterpriseNumber::None, Acting::Enterprise(id)),
        (Subject::Enterprise, EnterpriseNumber::Any, Acting::Enterprise(id)),
        (Subject::Enterprise, EnterpriseNumber::NonResidentCode, Acting::Enterprise(id)),
        (Subject::Agent, EnterpriseNumber::Any, Acting::Agent(AssignmentId(Uuid::from_u128(2)))),
        (
            Subject::SpecificEntity,
            EnterpriseNumber::Any,
            Acting::Record(RecordId(Uuid::from_u128(3))),
        ),
    ];
    let ways = [Way::Password, Way::Passkey, Way::Scan(ScanApp::TaxApp)];
    for (subject, enterprise_number, acting) in kinds {
        let entrance = Entrance { subject, enterprise_number, ..door(&STEPS, &[Factor::Sms]) };
        let facts = Facts {
            may_be_personal: enterprise_number == EnterpriseNumber::None,
            usable: vec![id],
            is_agency_staff: true,
            is_chosen_usable: true,
            ..Facts::default()
        };
        for way in ways {
            let next = |second| {
                let proved = Proved { way, second, ..proved(1) };
                begun().about(proved, Some(acting)).unwrap().next(&entrance, &facts)
            };
            let case = format!("{subject:?} {enterprise_number:?} {acting:?} {way:?}");
            let is_own = acting == Acting::Personal;
            let spared = if is_own { Next::SignIn(acting) } else { Next::Step(Step::SecondFactor) };
            assert_eq!(next(Second::Spared), spared, "{case}");
            assert_eq!(next(Second::Due), Next::Step(Step::SecondFactor), "{case}");
            for second in [Second::NotAsked, Second::Passed(Factor::Sms)] {
                assert_eq!(next(second), Next::SignIn(acting), "{case}");
            }
        }
    }
    // A phone that has confirmed is enough where no step asks for more; a password never is.
    let entrance = door(&[Step::Scan, Step::Agreements], &[Factor::Sms]);
    for (way, expected) in [
        (Way::Scan(ScanApp::IitApp), Next::SignIn(Acting::Personal)),
        (Way::Password, Next::Step(Step::SecondFactor)),
    ] {
        let proved = Proved { way, ..proved(1) };
        let next = begun().about(proved, None).unwrap().next(&entrance, &Facts::default());
        assert_eq!(next, expected, "{way:?}");
    }
    // A pending authorisation is not confirmed before it either.
    let entrance = Entrance {
        subject: Subject::Enterprise,
        enterprise_number: EnterpriseNumber::Any,
        ..door(&STEPS, &[Factor::Sms])
    };
    let facts =
        Facts { pending_by_person: vec![Invitation { id, version: 1 }], ..Facts::default() };
    let at = |second| {
        let proved = Proved { second, ..proved(1) };
        begun().about(proved, None).unwrap().next(&entrance, &facts)
    };
    assert_eq!(at(Second::Spared), Next::Step(Step::SecondFactor));
    let passed = at(Second::Passed(Factor::Sms));
    assert_eq!(passed, Next::Step(Step::ConfirmPendingAuthorisation));
}
