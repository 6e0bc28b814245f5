//! What the other side of an authorisation is told: each act once, nobody what they did themself, and
//! each end thirty and seven days before.

use serde_json::json;

use hufu::base::clock::Day;
use hufu::domain::authorisation::{Actor, Authorisation, By, Event, Terms};
use hufu::domain::notice::NoticeKind;
use hufu::flows::relations::expiry;
use hufu::flows::relations::writer::change;

use super::enterprise::add;
use super::{LI, WANG, as_li, as_person, feed, get, held, id_of, post, relation};
use crate::kit::{
    Browser, EXAMPLE, Setup, TestApp, changed_realm, on_each_database, on_one_database,
};

const ZHANG: &str = "13700137000";
const SUN: &str = "13500135000";
const ZHAO: &str = "13600136000";
const OWN: &str = "/account/authorisations";
const MANAGER: By = By { actor: Actor::Manager, person: None };

/// What somebody was told of a relation, oldest first.
async fn told(app: &TestApp, phone: &str, about: &str) -> Vec<NoticeKind> {
    let person = held(&app.ctx, phone).await[0].person;
    let mut all = app.ctx.rows().notices().list(person, 100).await.unwrap();
    all.retain(|one| one.relation.as_ref().is_some_and(|of| of.authorisation.to_string() == about));
    all.reverse();
    all.into_iter().map(|one| one.kind).collect()
}

/// The same of the holder, and of both managers.
async fn all_told(app: &TestApp, holder: &str, about: &str) -> [Vec<NoticeKind>; 3] {
    [told(app, holder, about).await, told(app, LI, about).await, told(app, ZHANG, about).await]
}

/// Covers X-16: created, confirmed, rejected, withdrawn, deleted, by either side and through its
/// pages: the other side is told, the own side is not.
#[test]
fn each_act_is_told_to_the_other_side_alone() {
    use NoticeKind::{Applied, Changed, Confirmed, Deleted, Invited, Rejected, Withdrawn};
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (mut li, mut sun) = (as_li(&app).await, as_person(&app, SUN).await);
        let mut zhao = as_person(&app, ZHAO).await;
        let by_sun = async |sun: &mut Browser, act: &str, id: &str| {
            app.clock.advance(1);
            let fields = [("act", act), ("id", id), ("sure", "yes")];
            let done = post(&app, sun, OWN, &fields).await;
            assert_eq!(done.code(), None, "{act}: {}", done.text);
        };
        let by_li = async |li: &mut Browser, act: &str, id: &str| {
            app.clock.advance(1);
            let fields = [("act", act), ("sure", "yes"), ("term", "long"), ("p-TAX_QUERY", "yes")];
            let done = post(&app, li, &format!("/account/handlers/{id}"), &fields).await;
            assert_eq!(done.code(), None, "{act}: {}", done.text);
        };
        let none = Vec::new;
        // The enterprise asks, changes its mind.
        let asked = [
            ("name", "孙丽"),
            ("document", "440308199901101512"),
            ("identity_type", "invoicing_clerk"),
            ("p-TAX_FILING", ""),
            ("p-TAX_QUERY", ""),
            ("p-INVOICE", "yes"),
            ("risk", "yes"),
        ];
        let id = id_of(&add(&app, &mut li, &asked).await.url);
        assert_eq!(all_told(&app, SUN, &id).await, [vec![Invited], none(), none()]);
        by_li(&mut li, "withdraw", &id).await;
        assert_eq!(all_told(&app, SUN, &id).await, [vec![Invited, Withdrawn], none(), none()]);
        // Asked again, she refuses.
        let id = id_of(&add(&app, &mut li, &asked).await.url);
        by_sun(&mut sun, "reject", &id).await;
        let managers = vec![Rejected];
        assert_eq!(all_told(&app, SUN, &id).await, [vec![Invited], managers.clone(), managers]);
        // She takes her application back, applies again, is refused.
        let id = relation(&app, SUN, "tax_clerk").await.id.to_string();
        by_sun(&mut sun, "withdraw", &id).await;
        let managers = vec![Withdrawn];
        assert_eq!(all_told(&app, SUN, &id).await, [none(), managers.clone(), managers]);
        let apply = [("number", EXAMPLE), ("identity_type", "tax_clerk"), ("sure", "yes")];
        post(&app, &mut sun, &format!("{OWN}/apply"), &apply).await;
        let id = relation(&app, SUN, "tax_clerk").await.id.to_string();
        by_li(&mut li, "reject", &id).await;
        let managers = vec![Applied];
        assert_eq!(all_told(&app, SUN, &id).await, [vec![Rejected], managers.clone(), managers]);
        // Applied again, confirmed, changed; then she leaves.
        post(&app, &mut sun, &format!("{OWN}/apply"), &apply).await;
        let id = relation(&app, SUN, "tax_clerk").await.id.to_string();
        by_li(&mut li, "confirm-save", &id).await;
        let done = [("act", "save"), ("term", "long"), ("p-TAX_FILING", "yes")];
        app.clock.advance(1);
        post(&app, &mut li, &format!("/account/handlers/{id}"), &done).await;
        by_sun(&mut sun, "delete", &id).await;
        let managers = vec![Applied, Deleted];
        let hers = vec![Confirmed, Changed];
        assert_eq!(all_told(&app, SUN, &id).await, [hers, managers.clone(), managers]);
        // Asked, confirmed by the person, deleted by the enterprise.
        let his = relation(&app, ZHAO, "tax_clerk").await;
        app.clock.advance(1);
        change(&app.ctx, &his, &Event::Confirm, By::holder(his.person)).await.unwrap();
        let id = his.id.to_string();
        by_li(&mut li, "delete", &id).await;
        let managers = vec![Confirmed];
        assert_eq!(all_told(&app, ZHAO, &id).await, [vec![Deleted], managers.clone(), managers]);
        // The message names whom and what, to others masked; somebody else is told nothing.
        let page = get(&mut zhao, "/account/messages").await;
        assert!(
            page.text.contains("南昌示例科技有限公司 · 您 · 办税员：授权已删除"),
            "{}",
            page.text
        );
        let page = get(&mut li, "/account/messages").await;
        assert!(page.text.contains("赵* · 办税员：授权已确认") && !page.text.contains("赵强"));
        assert_eq!(told(&app, WANG, &id).await, none());
        // Nothing goes out by text message where the realm does not say so.
        app.deliver().await;
        let messages = app.ctx.services.outbound.inbox.messages();
        let is_code = messages.iter().all(|message| message.template == "login_code");
        assert!(is_code, "codes alone: {messages:?}");
    });
}

/// The realm that tells people by text message, too.
const WITH_TEXTS: (&str, &str, &str) =
    ("factors.toml", "[sms]\nlifetime", "[sms]\nnotices = true\nlifetime");

/// Who has been told what by text message.
fn texted(app: &TestApp) -> Vec<String> {
    let messages = app.ctx.services.outbound.inbox.messages();
    let notices = messages.iter().filter(|one| one.template == "notice");
    let mut all: Vec<String> = notices.map(|one| format!("{} {}", one.to, one.code)).collect();
    all.sort();
    all
}

/// Covers X-16: where the realm says so each kind goes out by text message, too: to the holder, or to
/// both managers, whoever of them has a phone; and the person who acted gets none.
#[test]
fn each_kind_goes_out_by_text_message_to_the_other_side() {
    on_each_database(|on| async move {
        let app = Setup::of(on, vec![changed_realm(&[WITH_TEXTS])]).start().await;
        // What is over already ends first.
        app.clock.advance(3601);
        expiry::run(&app.ctx).await.unwrap();
        app.deliver().await;
        let zhao = relation(&app, ZHAO, "tax_clerk").await;
        let sun = relation(&app, SUN, "tax_clerk").await;
        let wang = relation(&app, WANG, "tax_clerk").await;
        let soon = Some(Day::parse("2026-12-20").unwrap());
        let shorter = Terms { valid_to: soon, ..wang.terms().clone() };
        let (managers, by_holder) = ([ZHANG, LI], |one: &Authorisation| By::holder(one.person));
        for (kind, one, event, by, told) in [
            ("confirmed", &sun, Event::Accept(wang.terms().clone()), MANAGER, &[SUN][..]),
            ("confirmed", &zhao, Event::Confirm, by_holder(&zhao), &managers),
            ("changed", &wang, Event::Edit(shorter), MANAGER, &[WANG]),
        ] {
            let before = texted(&app);
            change(&app.ctx, one, &event, by).await.unwrap();
            app.deliver().await;
            assert_eq!(new_of(&before, texted(&app)), to(told, kind), "{kind}");
        }
        // Not thirty days before a term that was given for fewer; seven days before, and at the end.
        for (kind, days, told) in [
            ("expiring", 0, &[][..]),
            ("expiring", 19, &[WANG, LI, ZHANG]),
            ("expired", 8, &[WANG, LI, ZHANG]),
        ] {
            let before = texted(&app);
            app.clock.advance(days * 86_400);
            for _ in 0..2 {
                app.clock.advance(3601);
                expiry::run(&app.ctx).await.unwrap();
                app.deliver().await;
            }
            assert_eq!(new_of(&before, texted(&app)), to(told, kind), "{kind} {days}");
        }
        for (holder, event, by, told) in [
            (ZHAO, Event::Delete, MANAGER, &[ZHAO][..]),
            (SUN, Event::Delete, by_holder(&sun), &managers),
        ] {
            let one = relation(&app, holder, "tax_clerk").await;
            let before = texted(&app);
            change(&app.ctx, &one, &event, by).await.unwrap();
            app.deliver().await;
            assert_eq!(new_of(&before, texted(&app)), to(told, "deleted"), "{holder}");
        }
        // Asked by the one side and by the other; refused, and taken back.
        let (person, enterprise) = ("pending_by_person", "pending_by_enterprise");
        let (invited, applied) = (to(&[ZHAO], "invited"), to(&managers, "applied"));
        for (at, (state, asked, event, by, told)) in [
            (person, &invited, Event::Reject, by_holder(&zhao), to(&managers, "rejected")),
            (person, &invited, Event::Withdraw, MANAGER, to(&[ZHAO], "withdrawn")),
            (enterprise, &applied, Event::Reject, MANAGER, to(&[ZHAO], "rejected")),
            (enterprise, &applied, Event::Withdraw, by_holder(&zhao), to(&managers, "withdrawn")),
        ]
        .into_iter()
        .enumerate()
        {
            let before = texted(&app);
            let line = json!({"feed": "authorisation", "source_key": format!("n-{at}"),
                "version": 1, "enterprise": EXAMPLE, "person": "34052419800101001X",
                "identity_type": "tax_clerk", "permissions": "TAX_FILING",
                "valid_from": "2026-01-01", "state": state,
                "invited_by": "360121198802290026"});
            feed(&app, &[line]).await;
            app.deliver().await;
            assert_eq!(new_of(&before, texted(&app)), *asked, "{state} asked");
            let before = texted(&app);
            let one = relation(&app, ZHAO, "tax_clerk").await;
            let what = format!("{state} {event:?}");
            change(&app.ctx, &one, &event, by).await.unwrap();
            app.deliver().await;
            assert_eq!(new_of(&before, texted(&app)), told, "{what}");
        }
    });
}

fn to(phones: &[&str], kind: &str) -> Vec<String> {
    let mut all: Vec<String> = phones.iter().map(|phone| format!("+86{phone} {kind}")).collect();
    all.sort();
    all
}

fn new_of(before: &[String], mut after: Vec<String>) -> Vec<String> {
    for one in before {
        let at = after.iter().position(|other| other == one).unwrap();
        after.remove(at);
    }
    after
}

async fn ends_on(app: &TestApp, one: &Authorisation, end: Day) -> Authorisation {
    let terms = Terms { valid_to: Some(end), ..one.terms().clone() };
    change(&app.ctx, one, &Event::Edit(terms), MANAGER).await.unwrap()
}

/// Covers X-16: where the realm says so both sides hear by text message that thirty days are left, and not the
/// evening before.
#[test]
fn thirty_days_are_told_by_text_message_too() {
    on_one_database(|on| async move {
        let app = Setup::of(on, vec![changed_realm(&[WITH_TEXTS])]).start().await;
        let clerk = relation(&app, WANG, "tax_clerk").await;
        ends_on(&app, &clerk, Day::parse("2027-01-31").unwrap()).await;
        let day = Day::parse("2027-01-01").unwrap();
        app.clock.advance(day.start().0 - 3600 - app.ctx.now().0);
        expiry::run(&app.ctx).await.unwrap();
        app.deliver().await;
        let before = texted(&app);
        app.clock.advance(39_600);
        expiry::run(&app.ctx).await.unwrap();
        app.deliver().await;
        assert_eq!(new_of(&before, texted(&app)), to(&[WANG, LI, ZHANG], "expiring"));
    });
}

async fn warnings(app: &TestApp, phone: &str, about: &str) -> usize {
    let told = told(app, phone, about).await;
    told.iter().filter(|kind| **kind == NoticeKind::Expiring).count()
}

/// Covers X-16: thirty and seven days before, to both sides, each once; also when nobody ran on the
/// very day, and not when the term was given later than that.
#[test]
fn both_sides_are_warned_thirty_and_seven_days_before() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let end = Day::parse("2027-01-31").unwrap();
        let clerk = relation(&app, WANG, "tax_clerk").await;
        let clerk = ends_on(&app, &clerk, end).await;
        let id = clerk.id.to_string();
        let at = async |day: &str, warned: usize| {
            let day = Day::parse(day).unwrap();
            app.clock.advance(day.start().0 + 36_000 - app.ctx.now().0);
            // However often it runs, and whatever has run before.
            for _ in 0..3 {
                app.clock.advance(3601);
                expiry::run(&app.ctx).await.unwrap();
            }
            for phone in [WANG, LI, ZHANG] {
                assert_eq!(warnings(&app, phone, &id).await, warned, "{phone} {day}");
            }
        };
        at("2026-12-31", 0).await;
        at("2027-01-01", 1).await;
        at("2027-01-02", 1).await;
        // Nobody ran from the 3rd to the 26th: the second warning comes late, the first not again.
        at("2027-01-27", 2).await;
        at("2027-01-31", 2).await;
        // A longer term has warnings of its own.
        let later = Day::parse("2027-03-31").unwrap();
        ends_on(&app, &clerk, later).await;
        at("2027-02-01", 2).await;
        at("2027-03-10", 3).await;
        at("2027-03-24", 4).await;
        // Whoever was given twenty days was told so then.
        let short = Day::parse("2027-04-13").unwrap();
        let other = relation(&app, WANG, "invoicing_clerk").await;
        let other = ends_on(&app, &other, short).await;
        let id = other.id.to_string();
        for (day, warned) in [("2027-03-25", 0), ("2027-04-05", 0), ("2027-04-06", 1)] {
            let day = Day::parse(day).unwrap();
            app.clock.advance(day.start().0 + 50_000 - app.ctx.now().0);
            expiry::run(&app.ctx).await.unwrap();
            assert_eq!(warnings(&app, WANG, &id).await, warned, "{day}");
        }
    });
}
