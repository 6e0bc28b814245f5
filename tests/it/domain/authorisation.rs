//! The state machine of authorisations: each guard, and what holds for every sequence of acts.

use hufu::base::clock::{Clock, Day, Timestamp};
use hufu::base::id::{AuthorisationId, EnterpriseId, PersonId};
use hufu::base::random::Random;
use hufu::domain::authorisation::{Actor, Authorisation, Event, Origin, State};
use hufu::domain::identity_type::{
    Capability, IdentityType, IdentityTypeName, PermissionPolicy, Permissions,
};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp(1_795_000_000);

fn permissions(codes: &[&str]) -> Permissions {
    codes.iter().map(|code| (*code).to_owned()).collect()
}

fn tax_clerk() -> IdentityType {
    IdentityType {
        name: IdentityTypeName("tax_clerk".to_owned()),
        code: "03".to_owned(),
        capabilities: [Capability::GrantedOnline, Capability::EndedByPerson].into(),
        permissions: PermissionPolicy::Among(permissions(&["TAX_FILING", "TAX_QUERY"])),
    }
}

fn legal_representative() -> IdentityType {
    IdentityType {
        name: IdentityTypeName("legal_representative".to_owned()),
        code: "01".to_owned(),
        capabilities: [Capability::ManageHandlers].into(),
        permissions: PermissionPolicy::All,
    }
}

fn authorisation(state: State, origin: Origin) -> Authorisation {
    let (clock, random) = (Clock::fixed(NOW), Random::seeded(1));
    Authorisation {
        id: AuthorisationId::new(&clock, &random),
        enterprise: EnterpriseId::new(&clock, &random),
        person: PersonId::new(&clock, &random),
        identity_type: IdentityTypeName("tax_clerk".to_owned()),
        permissions: permissions(&["TAX_FILING"]),
        valid_from: NOW.day(),
        valid_to: None,
        origin,
        state,
        invited_by: None,
        confirmed_at: (!matches!(state, State::PendingByPerson | State::PendingByEnterprise))
            .then_some(NOW),
        updated_at: NOW,
        version: 1,
    }
}

fn edit(codes: &[&str]) -> Event {
    Event::Edit { permissions: permissions(codes), valid_to: None }
}

fn outcome(from: &Authorisation, event: &Event, actor: Actor, of: &IdentityType) -> String {
    match from.apply(event, actor, of, NOW) {
        Ok(next) => next.state.name().to_owned(),
        Err(refusal) => refusal.code().to_owned(),
    }
}

#[test]
fn each_row_of_the_table() {
    use Actor::{Holder, Manager, Officer, System};
    use State::{Active, Expired, PendingByEnterprise, PendingByPerson};
    let rows = [
        (PendingByPerson, Origin::ByEnterprise, Event::Confirm, Holder, "active"),
        (PendingByPerson, Origin::ByEnterprise, Event::Confirm, Manager, "E_STATE"),
        (PendingByPerson, Origin::ByEnterprise, Event::Reject, Holder, "rejected"),
        (PendingByPerson, Origin::ByEnterprise, Event::Withdraw, Manager, "withdrawn"),
        (PendingByPerson, Origin::Hall, Event::Withdraw, Manager, "E_OFFLINE_ONLY"),
        (PendingByEnterprise, Origin::ByPerson, Event::Confirm, Manager, "active"),
        (PendingByEnterprise, Origin::ByPerson, Event::Reject, Manager, "rejected"),
        (PendingByEnterprise, Origin::ByPerson, Event::Withdraw, Holder, "withdrawn"),
        (Active, Origin::ByEnterprise, edit(&["TAX_QUERY"]), Manager, "active"),
        (Active, Origin::ByEnterprise, edit(&["INVOICE"]), Manager, "E_FORMAT"),
        (Active, Origin::ByEnterprise, edit(&[]), Manager, "E_FORMAT"),
        (Active, Origin::ByEnterprise, edit(&["TAX_QUERY"]), Holder, "E_ROLE"),
        (Active, Origin::ByEnterprise, Event::Delete, Manager, "deleted"),
        (Active, Origin::ByEnterprise, Event::Delete, Holder, "deleted"),
        (Active, Origin::ByEnterprise, Event::Delete, Officer, "deleted"),
        (Active, Origin::ByEnterprise, Event::Expire, System, "expired"),
        (Active, Origin::Registry, Event::RegistryEnd, System, "ended"),
        (Active, Origin::ByEnterprise, Event::Confirm, Holder, "E_STATE"),
        (
            Expired,
            Origin::ByEnterprise,
            Event::Renew { permissions: permissions(&["TAX_FILING"]), valid_to: None },
            Manager,
            "active",
        ),
        (
            Expired,
            Origin::ByEnterprise,
            Event::Renew { permissions: permissions(&["TAX_FILING", "TAX_QUERY"]), valid_to: None },
            Manager,
            "pending_by_person",
        ),
    ];
    for (state, origin, event, actor, expected) in rows {
        let from = authorisation(state, origin);
        assert_eq!(
            outcome(&from, &event, actor, &tax_clerk()),
            expected,
            "{state:?} {event:?} {actor:?}"
        );
    }
}

#[test]
fn those_of_the_registry_are_protected() {
    let from = authorisation(State::Active, Origin::Registry);
    let of = legal_representative();
    assert_eq!(outcome(&from, &Event::Delete, Actor::Manager, &of), "E_PROTECTED");
    assert_eq!(outcome(&from, &edit(&["TAX_QUERY"]), Actor::Manager, &of), "E_PROTECTED");
    assert_eq!(outcome(&from, &Event::Delete, Actor::Holder, &of), "E_PROTECTED");
    assert_eq!(outcome(&from, &Event::Delete, Actor::Officer, &of), "deleted");
}

#[test]
fn an_invitation_past_its_term_cannot_be_confirmed() {
    let mut from = authorisation(State::PendingByPerson, Origin::ByEnterprise);
    from.valid_to = Day::from_ymd(2020, 1, 1);
    assert_eq!(outcome(&from, &Event::Confirm, Actor::Holder, &tax_clerk()), "E_STATE");
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Confirm),
        Just(Event::Reject),
        Just(Event::Withdraw),
        Just(edit(&["TAX_QUERY"])),
        Just(Event::Delete),
        Just(Event::Expire),
        Just(Event::Renew { permissions: permissions(&["TAX_QUERY"]), valid_to: None }),
        Just(Event::RegistryEnd),
    ]
}

fn any_actor() -> impl Strategy<Value = Actor> {
    prop_oneof![
        Just(Actor::Manager),
        Just(Actor::Holder),
        Just(Actor::Officer),
        Just(Actor::System)
    ]
}

proptest! {
    /// Invariants 5, 6, 14: no active one without both sides, terminal states end, the identity
    /// type never changes, permissions stay within the type's.
    #[test]
    fn every_sequence_keeps_the_invariants(
        acts in prop::collection::vec((any_event(), any_actor()), 1..12),
        by_person in any::<bool>(),
    ) {
        let (state, origin) = if by_person {
            (State::PendingByEnterprise, Origin::ByPerson)
        } else {
            (State::PendingByPerson, Origin::ByEnterprise)
        };
        let of = tax_clerk();
        let mut now = authorisation(state, origin);
        let mut agreed = vec![if by_person { Actor::Holder } else { Actor::Manager }];
        for (event, actor) in acts {
            let Ok(next) = now.apply(&event, actor, &of, NOW) else { continue };
            prop_assert!(!now.state.is_terminal());
            prop_assert_eq!(&next.identity_type, &now.identity_type);
            prop_assert!(of.allows(&next.permissions));
            prop_assert_eq!(next.version, now.version + 1);
            if matches!(event, Event::Confirm | Event::Renew { .. }) {
                agreed.push(actor);
            }
            if next.state == State::Active {
                prop_assert!(agreed.contains(&Actor::Manager) && agreed.contains(&Actor::Holder));
            }
            now = next;
        }
    }
}
