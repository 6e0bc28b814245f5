//! The table of authorisations: each of its cells, each guard, and what holds for every sequence of
//! acts.

use hufu::base::clock::{Clock, Day, Timestamp};
use hufu::base::id::{AuthorisationId, EnterpriseId, PersonId};
use hufu::base::random::Random;
use hufu::domain::authorisation::{
    Actor, Authorisation, AuthorisationRow, By, Changed, Event, HistoryReason, New, Origin, State,
    Terms,
};
use hufu::domain::identity_type::{
    Capability, IdentityType, IdentityTypeName, PermissionPolicy, Permissions,
};
use hufu::domain::notice::{Audience, NoticeKind, told};
use hufu::domain::refusal::Refusal;
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

fn terms(codes: &[&str]) -> Terms {
    Terms { permissions: permissions(codes), valid_to: None }
}

fn new(of: &IdentityType) -> New<'_> {
    let (clock, random) = (Clock::fixed(NOW), Random::seeded(1));
    New {
        id: AuthorisationId::new(&clock, &random),
        enterprise: EnterpriseId::new(&clock, &random),
        person: PersonId::new(&clock, &random),
        identity_type: of,
        valid_from: NOW.day(),
        invited_by: None,
    }
}

fn row(state: State, origin: Origin) -> AuthorisationRow {
    let of = tax_clerk();
    let New { id, enterprise, person, valid_from, invited_by, .. } = new(&of);
    AuthorisationRow {
        id,
        enterprise,
        person,
        identity_type: of.name.clone(),
        valid_from,
        origin,
        invited_by,
        state,
        terms: terms(&["TAX_FILING"]),
        confirmed_at: (!state.is_pending()).then_some(NOW),
        updated_at: NOW,
        version: 1,
    }
}

fn authorisation(state: State, origin: Origin) -> Authorisation {
    row(state, origin).into()
}

fn by(actor: Actor) -> By {
    By { actor, person: None }
}

fn edit(codes: &[&str]) -> Event {
    Event::Edit(terms(codes))
}

fn by_registry(state: State, terms: Terms) -> Event {
    Event::Registry { state, valid_from: NOW.day(), terms }
}

fn registry(state: State) -> Event {
    by_registry(state, terms(&["TAX_QUERY"]))
}

fn outcome(from: &Authorisation, event: &Event, actor: Actor, of: &IdentityType) -> String {
    match from.apply(event, by(actor), of, NOW) {
        Ok(changed) => changed.after().state().name().to_owned(),
        Err(refusal) => refusal.code().to_owned(),
    }
}

/// Every kind of event, each with terms that fit.
fn events() -> Vec<Event> {
    let mut all = vec![
        Event::Add(terms(&["TAX_QUERY"])),
        Event::Apply(terms(&["TAX_QUERY"])),
        Event::Confirm,
        Event::Accept(terms(&["TAX_QUERY"])),
        Event::Reject,
        Event::Withdraw,
        edit(&["TAX_QUERY"]),
        Event::Delete,
        Event::Expire,
        Event::Renew(terms(&["TAX_FILING"])),
    ];
    all.extend(State::ALL.map(registry));
    all.extend(State::ALL.map(Event::RegistryEnd));
    all
}

/// What leads anywhere, for a tax clerk whom a manager asked. Every other cell is refused.
fn steps() -> Vec<(State, Event, Actor, State)> {
    use Actor::{Clock, Holder, Manager, Officer, Registry};
    use State::{
        Active, Deleted, Ended, Expired, PendingByEnterprise, PendingByPerson, Rejected, Withdrawn,
    };
    let mut steps = vec![
        (PendingByPerson, Event::Confirm, Holder, Active),
        (PendingByPerson, Event::Reject, Holder, Rejected),
        (PendingByPerson, Event::Withdraw, Manager, Withdrawn),
        (PendingByPerson, Event::Withdraw, Officer, Withdrawn),
        (PendingByPerson, Event::Expire, Clock, Expired),
        (PendingByEnterprise, Event::Accept(terms(&["TAX_QUERY"])), Manager, Active),
        (PendingByEnterprise, Event::Reject, Manager, Rejected),
        (PendingByEnterprise, Event::Withdraw, Holder, Withdrawn),
        (PendingByEnterprise, Event::Expire, Clock, Expired),
        (Active, edit(&["TAX_QUERY"]), Manager, Active),
        (Active, edit(&["TAX_QUERY"]), Officer, Active),
        (Active, Event::Delete, Manager, Deleted),
        (Active, Event::Delete, Holder, Deleted),
        (Active, Event::Delete, Officer, Deleted),
        (Active, Event::Expire, Clock, Expired),
        (Expired, Event::Renew(terms(&["TAX_FILING"])), Manager, Active),
        (PendingByPerson, registry(PendingByPerson), Registry, PendingByPerson),
        (PendingByEnterprise, registry(PendingByEnterprise), Registry, PendingByEnterprise),
    ];
    for from in [PendingByPerson, PendingByEnterprise, Active, Expired] {
        steps.push((from, registry(Active), Registry, Active));
        let ends = [Deleted, Ended, Withdrawn, Rejected];
        let may = if from.is_pending() { &ends[..] } else { &ends[..2] };
        steps.extend(may.iter().map(|end| (from, Event::RegistryEnd(*end), Registry, *end)));
    }
    steps
}

/// Covers AC-31 to AC-35, AC-18, AC-25, AC-26, AU-11, AU-14.
#[test]
fn each_cell_of_the_table() {
    let steps = steps();
    let mut reached = 0;
    for state in State::ALL {
        let from = authorisation(state, Origin::ByEnterprise);
        for event in events() {
            for actor in Actor::ALL {
                let of_step = |one: &&(State, Event, Actor, State)| {
                    (one.0, &one.1, one.2) == (state, &event, actor)
                };
                let step = steps.iter().find(of_step);
                let is = outcome(&from, &event, actor, &tax_clerk());
                let cell = format!("{state:?} {event:?} {actor:?}: {is}");
                match step {
                    Some(step) => assert_eq!(is, step.3.name(), "{cell}"),
                    None => assert!(["E_STATE", "E_ROLE"].contains(&is.as_str()), "{cell}"),
                }
                reached += usize::from(step.is_some());
            }
        }
    }
    assert_eq!(reached, steps.len(), "every step is a cell");
}

/// What a refusal is called: the state, the role, the hall, the form.
#[test]
fn each_refusal_has_its_code() {
    use Actor::{Holder, Manager, Registry};
    use State::{Active, Expired, PendingByEnterprise, PendingByPerson};
    let hall = Origin::Hall;
    let own = Origin::ByEnterprise;
    let past = Terms { valid_to: Day::from_ymd(2020, 1, 1), ..terms(&["TAX_QUERY"]) };
    let rows = [
        (PendingByPerson, own, Event::Confirm, Manager, "E_STATE"),
        (PendingByPerson, own, edit(&["TAX_QUERY"]), Manager, "E_STATE"),
        (PendingByPerson, hall, edit(&["TAX_QUERY"]), Manager, "E_OFFLINE_ONLY"),
        (PendingByPerson, hall, Event::Withdraw, Manager, "E_OFFLINE_ONLY"),
        (PendingByPerson, hall, Event::Withdraw, Actor::Officer, "withdrawn"),
        (PendingByPerson, hall, edit(&["TAX_QUERY"]), Actor::Officer, "pending_by_person"),
        (PendingByEnterprise, own, Event::Accept(terms(&[])), Manager, "E_FORMAT"),
        (PendingByEnterprise, own, Event::Accept(terms(&["X"])), Manager, "E_FORMAT"),
        (PendingByEnterprise, own, Event::Accept(past.clone()), Manager, "E_FORMAT"),
        (PendingByEnterprise, own, Event::Accept(terms(&["TAX_QUERY"])), Holder, "E_ROLE"),
        (Active, own, edit(&["INVOICE"]), Manager, "E_FORMAT"),
        (Active, own, edit(&[]), Manager, "E_FORMAT"),
        (Active, own, edit(&["TAX_QUERY"]), Holder, "E_ROLE"),
        (Active, own, Event::Confirm, Holder, "E_STATE"),
        (Active, own, Event::RegistryEnd(State::Ended), Manager, "E_ROLE"),
        (Active, own, Event::Delete, Registry, "E_ROLE"),
        (Expired, own, Event::Renew(past.clone()), Manager, "E_FORMAT"),
        (
            Expired,
            own,
            Event::Renew(terms(&["TAX_FILING", "TAX_QUERY"])),
            Manager,
            "pending_by_person",
        ),
        (Expired, own, by_registry(Active, past.clone()), Registry, "E_FORMAT"),
        (Active, own, by_registry(Active, past), Registry, "active"),
        (Active, own, by_registry(Active, terms(&["X"])), Registry, "E_FORMAT"),
    ];
    for (state, origin, event, actor, expected) in rows {
        let from = authorisation(state, origin);
        let is = outcome(&from, &event, actor, &tax_clerk());
        assert_eq!(is, expected, "{state:?} {event:?} {actor:?}");
    }
}

/// E-23: since when one counts is the registry's word alone, and another day is news.
#[test]
fn the_registry_alone_says_since_when() {
    let (of, later) = (tax_clerk(), NOW.day().plus_days(30));
    let from = authorisation(State::Active, Origin::Registry);
    let told = |valid_from| {
        let terms = from.terms().clone();
        Event::Registry { state: State::Active, valid_from, terms }
    };
    assert!(from.is_as_told(&told(from.valid_from), NOW));
    assert!(!from.is_as_told(&told(later), NOW));
    let changed = from.apply(&told(later), by(Actor::Registry), &of, NOW).unwrap();
    assert_eq!(changed.after().valid_from, later);
    let edited = from.apply(&edit(&["TAX_QUERY"]), by(Actor::Manager), &of, NOW).unwrap();
    assert_eq!(edited.after().valid_from, from.valid_from);
}

/// E-23: of what has run out another first day is no news.
#[test]
fn what_ran_out_has_no_first_day_any_more() {
    let mut expired = row(State::Expired, Origin::Registry);
    expired.terms.valid_to = Day::from_ymd(2020, 1, 1);
    let ran_out = Authorisation::from(expired);
    let told = |valid_to| {
        let terms = Terms { valid_to, ..ran_out.terms().clone() };
        let valid_from = ran_out.valid_from.plus_days(30);
        Event::Registry { state: State::Active, valid_from, terms }
    };
    assert!(ran_out.is_as_told(&told(Day::from_ymd(2020, 1, 1)), NOW));
    assert!(!ran_out.is_as_told(&told(None), NOW), "it is revived");
}

/// Invariant 6, AC-23, AC-35: who may begin one, and as what.
#[test]
fn each_way_to_begin_one() {
    let someone = PersonId::new(&Clock::fixed(NOW), &Random::seeded(2));
    let add = Event::Add(terms(&["TAX_QUERY"]));
    let apply = Event::Apply(terms(&["TAX_QUERY"]));
    let clerk = tax_clerk();
    let representative = legal_representative();
    let invited = New { invited_by: Some(someone), ..new(&clerk) };
    let own = By { actor: Actor::Manager, person: Some(new(&clerk).person) };
    let told = by(Actor::Registry);
    let rows = [
        (new(&clerk), &add, by(Actor::Manager), Ok(("pending_by_person", Origin::ByEnterprise))),
        (new(&clerk), &add, by(Actor::Officer), Ok(("pending_by_person", Origin::Hall))),
        (new(&clerk), &apply, by(Actor::Holder), Ok(("pending_by_enterprise", Origin::ByPerson))),
        (new(&clerk), &registry(State::Active), told, Ok(("active", Origin::Registry))),
        (
            invited,
            &registry(State::PendingByPerson),
            told,
            Ok(("pending_by_person", Origin::ByEnterprise)),
        ),
        (
            new(&clerk),
            &registry(State::PendingByEnterprise),
            told,
            Ok(("pending_by_enterprise", Origin::ByPerson)),
        ),
        (new(&representative), &registry(State::Active), told, Ok(("active", Origin::Registry))),
        (new(&clerk), &registry(State::Expired), told, Err("E_STATE")),
        (new(&clerk), &registry(State::Deleted), told, Err("E_STATE")),
        (new(&clerk), &Event::RegistryEnd(State::Ended), told, Err("E_STATE")),
        (new(&clerk), &Event::Confirm, by(Actor::Holder), Err("E_STATE")),
        (new(&clerk), &add, own, Err("E_STATE")),
        (new(&clerk), &add, by(Actor::Holder), Err("E_ROLE")),
        (new(&clerk), &add, told, Err("E_ROLE")),
        (new(&clerk), &apply, by(Actor::Manager), Err("E_ROLE")),
        (new(&clerk), &registry(State::Active), by(Actor::Officer), Err("E_ROLE")),
        (new(&representative), &add, by(Actor::Manager), Err("E_PROTECTED")),
        (new(&representative), &apply, by(Actor::Holder), Err("E_PROTECTED")),
        (new(&clerk), &Event::Add(terms(&[])), by(Actor::Manager), Err("E_FORMAT")),
        (new(&clerk), &Event::Add(terms(&["X"])), by(Actor::Manager), Err("E_FORMAT")),
    ];
    for (new, event, by, expected) in rows {
        let begun = Authorisation::begin(new, event, by, NOW);
        let is = begun.as_ref().map(|changed| {
            assert!(changed.before().is_none() && changed.after().version() == 1);
            (changed.after().state().name(), changed.after().origin)
        });
        assert_eq!(is.map_err(Refusal::code), expected, "{event:?} {by:?}");
    }
}

/// AC-21, AC-23: no manager gives themself anything, whichever step it takes; what they ask for as a
/// person, and what takes away, is theirs as before.
#[test]
fn no_manager_gives_themself_anything() {
    use State::{Active, Expired, PendingByEnterprise, PendingByPerson};
    let some = || terms(&["TAX_QUERY"]);
    let rows = [
        (PendingByEnterprise, Event::Accept(some()), "E_STATE", "active"),
        (Active, Event::Edit(some()), "E_STATE", "active"),
        (Expired, Event::Renew(terms(&["TAX_FILING"])), "E_STATE", "active"),
        (Expired, Event::Renew(some()), "E_STATE", "pending_by_person"),
        (PendingByEnterprise, Event::Reject, "rejected", "rejected"),
        (PendingByPerson, Event::Withdraw, "withdrawn", "withdrawn"),
        (Active, Event::Delete, "deleted", "deleted"),
    ];
    let other = PersonId::new(&Clock::fixed(NOW), &Random::seeded(2));
    for (state, event, own, of_another) in rows {
        let from = authorisation(state, Origin::ByPerson);
        for (manager, expected) in [(from.person, own), (other, of_another)] {
            let is = from.apply(&event, By::manager(manager), &tax_clerk(), NOW);
            let is =
                is.map_or_else(|refusal| refusal.code(), |changed| changed.after().state().name());
            assert_eq!(is, expected, "{state:?} {event:?}");
        }
    }
    let from = authorisation(PendingByPerson, Origin::ByEnterprise);
    let confirmed = from.apply(&Event::Confirm, By::holder(from.person), &tax_clerk(), NOW);
    assert_eq!(confirmed.unwrap().after().state(), Active);
}

/// AC-17, AC-21: an invitation whose number is proved or told to be somebody else's waits for them, or is over; nothing
/// that anybody has agreed to changes hands.
#[test]
fn an_invitation_follows_its_number_until_it_is_answered() {
    use State::{Active, Expired, PendingByEnterprise, PendingByPerson, Withdrawn};
    let holder = PersonId::new(&Clock::fixed(NOW), &Random::seeded(2));
    let of = tax_clerk();
    for (state, is_agreed, may_hold, expected) in [
        (PendingByPerson, false, true, Ok((PendingByPerson, true))),
        (PendingByPerson, false, false, Ok((Withdrawn, false))),
        (Expired, false, true, Ok((Withdrawn, false))),
        (Expired, true, true, Err("E_STATE")),
        (Active, true, true, Err("E_STATE")),
        (PendingByEnterprise, false, true, Err("E_STATE")),
    ] {
        let confirmed_at = is_agreed.then_some(NOW);
        let from: Authorisation =
            AuthorisationRow { confirmed_at, ..row(state, Origin::ByEnterprise) }.into();
        let event = Event::Proved { holder, may_hold };
        for by in [By::holder(holder), By::REGISTRY] {
            let is = from.apply(&event, by, &of, NOW).map(|changed| {
                let is_theirs = changed.after().person == holder;
                let audience = if is_theirs { Audience::Holder } else { Audience::Managers };
                assert_eq!(told(&changed).1, audience, "{state:?}");
                (changed.after().state(), is_theirs)
            });
            assert_eq!(is.map_err(|refusal| refusal.code()), expected, "{state:?} {by:?}");
        }
        for actor in [Actor::Manager, Actor::Officer, Actor::Clock] {
            assert!(from.apply(&event, by(actor), &of, NOW).is_err(), "{state:?} {actor:?}");
        }
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
    assert_eq!(outcome(&from, &from.registry_end(), Actor::Registry, &of), "ended");
    // Nor while they wait: neither the person's answer nor the enterprise's is a manager's to give.
    let accept = Event::Accept(terms(&["TAX_QUERY"]));
    for (state, event, actor, expected) in [
        (State::PendingByPerson, Event::Withdraw, Actor::Manager, "E_PROTECTED"),
        (State::PendingByPerson, Event::Withdraw, Actor::Officer, "withdrawn"),
        (State::PendingByPerson, Event::Confirm, Actor::Holder, "active"),
        (State::PendingByPerson, Event::Reject, Actor::Holder, "rejected"),
        (State::PendingByEnterprise, Event::Reject, Actor::Manager, "E_PROTECTED"),
        (State::PendingByEnterprise, accept, Actor::Manager, "E_PROTECTED"),
        (State::PendingByEnterprise, registry(State::Active), Actor::Registry, "active"),
    ] {
        let from = authorisation(state, Origin::Registry);
        assert_eq!(outcome(&from, &event, actor, &of), expected, "{state:?} {event:?} {actor:?}");
    }
}

#[test]
fn an_invitation_past_its_term_cannot_be_confirmed() {
    let mut past = row(State::PendingByPerson, Origin::ByEnterprise);
    past.terms.valid_to = Day::from_ymd(2020, 1, 1);
    assert_eq!(outcome(&past.into(), &Event::Confirm, Actor::Holder, &tax_clerk()), "E_STATE");
}

/// More than was agreed to is asked for again, and again when nobody answered.
#[test]
fn a_wider_renewal_gives_nothing_until_it_is_confirmed() {
    let step = |from: &Authorisation, event: &Event, actor: Actor| {
        from.apply(event, by(actor), &tax_clerk(), NOW).unwrap().after().clone()
    };
    let wider = Event::Renew(terms(&["TAX_FILING", "TAX_QUERY"]));
    let mut now = authorisation(State::Expired, Origin::ByEnterprise);
    for _ in 0..2 {
        now = step(&now, &wider, Actor::Manager);
        assert_eq!((now.state(), now.confirmed_at()), (State::PendingByPerson, None));
        now = step(&now, &Event::Expire, Actor::Clock);
    }
    now = step(&now, &wider, Actor::Manager);
    now = step(&now, &Event::Confirm, Actor::Holder);
    assert_eq!((now.state(), now.confirmed_at()), (State::Active, Some(NOW)));
}

/// Covers X-16, AC-36, AC-37: who is told of a step, as what, and where it stands afterwards.
#[test]
fn each_step_is_told_to_the_other_side() {
    for (state, event, actor, to) in steps() {
        let from = authorisation(state, Origin::ByEnterprise);
        let changed = from.apply(&event, by(actor), &tax_clerk(), NOW).unwrap();
        let (kind, audience) = told(&changed);
        let cell = format!("{state:?} {event:?} {actor:?}: {kind:?} {audience:?}");
        match actor {
            Actor::Manager => assert_eq!(audience, Audience::Holder, "{cell}"),
            Actor::Holder => assert_eq!(audience, Audience::Managers, "{cell}"),
            _ => assert_eq!(audience, Audience::Both, "{cell}"),
        }
        let (expected, tab) = match to {
            State::Rejected => (NoticeKind::Rejected, Some(HistoryReason::Rejected)),
            State::Withdrawn => (NoticeKind::Withdrawn, Some(HistoryReason::Withdrawn)),
            State::Deleted | State::Ended => (NoticeKind::Deleted, Some(HistoryReason::Deleted)),
            State::Expired => (NoticeKind::Expired, None),
            State::Active if state.is_pending() => (NoticeKind::Confirmed, None),
            _ => (NoticeKind::Changed, None),
        };
        assert_eq!(kind, expected, "{cell}");
        let entry = changed.history().map(|entry| (entry.reason, entry.by));
        assert_eq!(entry, tab.map(|tab| (tab, actor)), "{cell}");
    }
    for (event, actor, kind, audience) in [
        (registry(State::PendingByPerson), Actor::Registry, NoticeKind::Invited, Audience::Holder),
        (
            registry(State::PendingByEnterprise),
            Actor::Registry,
            NoticeKind::Applied,
            Audience::Managers,
        ),
        (registry(State::Active), Actor::Registry, NoticeKind::Confirmed, Audience::Both),
        (Event::Add(terms(&["TAX_QUERY"])), Actor::Manager, NoticeKind::Invited, Audience::Holder),
        (Event::Add(terms(&["TAX_QUERY"])), Actor::Officer, NoticeKind::Invited, Audience::Holder),
        (
            Event::Apply(terms(&["TAX_QUERY"])),
            Actor::Holder,
            NoticeKind::Applied,
            Audience::Managers,
        ),
    ] {
        let begun = Authorisation::begin(new(&tax_clerk()), &event, by(actor), NOW).unwrap();
        assert_eq!(told(&begun), (kind, audience), "{event:?} {actor:?}");
    }
}

fn any_terms() -> impl Strategy<Value = Terms> {
    let codes = prop::sample::subsequence(vec!["TAX_FILING", "TAX_QUERY", "INVOICE"], 0..=3);
    let ends =
        prop_oneof![Just(None), Just(Day::from_ymd(2020, 1, 1)), Just(Day::from_ymd(2099, 1, 1))];
    (codes, ends).prop_map(|(codes, valid_to)| Terms { permissions: permissions(&codes), valid_to })
}

fn any_state() -> impl Strategy<Value = State> {
    prop::sample::select(State::ALL.to_vec())
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        any_terms().prop_map(Event::Add),
        any_terms().prop_map(Event::Apply),
        Just(Event::Confirm),
        any_terms().prop_map(Event::Accept),
        Just(Event::Reject),
        Just(Event::Withdraw),
        any_terms().prop_map(Event::Edit),
        Just(Event::Delete),
        Just(Event::Expire),
        any_terms().prop_map(Event::Renew),
        (any_state(), any_terms()).prop_map(|(state, terms)| by_registry(state, terms)),
        any_state().prop_map(Event::RegistryEnd),
    ]
}

fn any_actor() -> impl Strategy<Value = Actor> {
    prop::sample::select(Actor::ALL.to_vec())
}

/// Who has agreed so far, and to what.
#[derive(Default)]
struct Agreed {
    enterprise: bool,
    person: bool,
    /// What it gave when it was active last.
    given: Permissions,
}

impl Agreed {
    fn note(&mut self, changed: &Changed) {
        match (changed.event(), changed.by().actor) {
            (Event::Apply(_) | Event::Confirm, _) => self.person = true,
            (Event::Add(_) | Event::Accept(_), _) => self.enterprise = true,
            (Event::Registry { .. }, _) => (self.enterprise, self.person) = (true, true),
            // More than before is asked for again.
            (Event::Renew(_), _) if changed.after().state().is_pending() => self.person = false,
            _ => {}
        }
    }

    fn allows(&mut self, changed: &Changed) -> bool {
        let gives = changed.after().permissions();
        let is_asked = matches!(changed.event(), Event::Renew(_)) && !gives.is_subset(&self.given);
        self.given.clone_from(gives);
        self.enterprise && self.person && !is_asked
    }
}

proptest! {
    /// Invariants 5, 6, 14: no active one without both sides, terminal states end, what a relation
    /// ties together never changes, permissions stay within the type's, and a step says what it
    /// came from.
    #[test]
    fn every_sequence_keeps_the_invariants(
        first in (any_event(), any_actor()),
        acts in prop::collection::vec((any_event(), any_actor()), 1..20),
    ) {
        let of = tax_clerk();
        let Ok(begun) = Authorisation::begin(new(&of), &first.0, by(first.1), NOW) else {
            return Ok(());
        };
        let mut agreed = Agreed::default();
        agreed.note(&begun);
        let mut now = begun.after().clone();
        for (event, actor) in acts {
            let Ok(changed) = now.apply(&event, by(actor), &of, NOW) else { continue };
            prop_assert!(!now.state().is_terminal());
            prop_assert_eq!(changed.before(), Some(&now));
            let next = changed.after();
            prop_assert_eq!(
                (next.id, next.person, next.enterprise, &next.identity_type, next.origin),
                (now.id, now.person, now.enterprise, &now.identity_type, now.origin)
            );
            prop_assert!(of.allows(next.permissions()));
            prop_assert_eq!(next.version(), now.version() + 1);
            prop_assert_eq!(changed.history().is_some(), next.state().is_terminal());
            prop_assert!(!next.state().is_pending() || next.confirmed_at().is_none());
            agreed.note(&changed);
            if next.state() == State::Active {
                prop_assert!(agreed.allows(&changed), "{:?}", changed);
                prop_assert!(next.confirmed_at().is_some());
            }
            now = next.clone();
        }
    }
}
