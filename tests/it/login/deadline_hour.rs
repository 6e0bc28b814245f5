//! The last hour of a filing period, with the clock handed in: fifty guessers against twenty
//! enterprises and two hundred people, while five hundred honest people sign in.
//!
//! `HUFU_DEADLINE_HOUR=full`: all of them; otherwise a fifth, and a fifth of what one address may try.

use std::collections::BTreeMap;
use std::net::IpAddr;

use hufu::base::clock::Timestamp;
use hufu::base::id::PersonId;
use hufu::base::secret::Secret;
use hufu::domain::audit::LoginAttempt;
use hufu::domain::feed::{AuthorisationLine, EnterpriseLine, Line, PersonLine};
use hufu::domain::login::{LoginTransaction, Then};
use hufu::domain::number::check::mod_11_2;
use hufu::domain::number::uscc::check_character;
use hufu::domain::person::PasswordState;
use hufu::flows::sign_in::credentials::{new_slider, verify_credentials};
use hufu::flows::sign_in::transaction::new;
use hufu::flows::sign_in::typed::Credentials;
use hufu::flows::{Ctx, Stop, feed};
use serde_json::json;

use crate::cutter::variable;
use crate::kit::{On, PASSWORD, Setup, TestApp, changed_realm, on_each_database};

/// How many of each.
#[derive(Clone, Copy)]
struct Size {
    people: usize,
    /// The first of them.
    attacked: usize,
    /// The first of those.
    in_the_hall: usize,
    enterprises: usize,
    guessers: usize,
    /// In five minutes by the guesser in the hall.
    made_up: usize,
    /// What one address may try in a quarter of an hour.
    per_address: usize,
}

impl Size {
    fn of_percent(n: usize) -> Self {
        Self {
            people: 5 * n,
            attacked: 2 * n,
            in_the_hall: n / 2,
            enterprises: n / 5,
            guessers: n / 2,
            made_up: 2 * n / 5,
            per_address: n,
        }
    }

    /// As `HUFU_DEADLINE_HOUR` says.
    fn wanted() -> Self {
        let is_full = variable("HUFU_DEADLINE_HOUR").is_some_and(|wanted| wanted == "full");
        Self::of_percent(if is_full { 100 } else { 20 })
    }

    async fn start(self, on: On) -> TestApp {
        let few = format!("max_failures = 5\nmax_failures_per_address = {}", self.per_address);
        let realm = changed_realm(&[("realm.toml", "max_failures = 5", few.as_str())]);
        Setup::of(on, vec![realm]).start().await
    }

    fn enterprise_of(self, n: usize) -> String {
        uscc(n % self.enterprises)
    }

    /// Where the honest sit: some of the attacked in a tax hall, everybody else at home.
    fn home(self, n: usize) -> String {
        match n < self.in_the_hall {
            true => HALL.to_owned(),
            false => format!("192.0.{}.{}", 2 + n / 200, 1 + n % 200),
        }
    }
}

/// Five minutes each.
const STEPS: usize = 12;
const HALL: &str = "198.51.100.1";
/// Of the demo's non-resident enterprise.
const CODE: &str = "FJ3601008400000011";

/// The sign-in form, filled in.
pub fn form(
    ctx: &Ctx,
    transaction: &LoginTransaction,
    enterprise: &str,
    (who, password): (&str, &str),
) -> Credentials {
    Credentials {
        entrance: "enterprise".to_owned(),
        enterprise_number: enterprise.to_owned(),
        personal_id: who.to_owned(),
        password: Some(Secret::new(password.to_owned())),
        slider_id: new_slider(ctx, transaction),
        slider: "100".to_owned(),
        ..Credentials::default()
    }
}

fn document(n: usize) -> String {
    let body = format!("36010219900101{n:03}");
    let check = mod_11_2(body.as_bytes()).unwrap();
    format!("{body}{check}")
}

fn uscc(n: usize) -> String {
    let body = format!("91360100MA3A{n:04}0");
    let check = check_character(&body).unwrap();
    format!("{body}{check}")
}

fn at(app: &TestApp, address: &str) -> Ctx {
    Ctx { ip: address.parse().unwrap(), ..app.ctx.clone() }
}

/// People and their enterprises; the attacked ones have signed in from where they sit last week.
async fn fill(app: &TestApp, size: Size) {
    let ctx = &app.ctx;
    let password = Secret::new(PASSWORD.to_owned());
    let hash = ctx.services.hashing.hash(&password, ctx.random()).await.unwrap().unwrap();
    let tx = ctx.begin().await.unwrap();
    for n in 0..size.enterprises {
        let line: EnterpriseLine = serde_json::from_value(json!({
            "registration_no": format!("101136010000009{n:05}"), "uscc": uscc(n),
            "name": format!("南昌模拟{n}有限公司"), "status": "03", "tax_authority": "13601000000",
        }))
        .unwrap();
        feed::save(ctx, &tx, &Line::Enterprise(line), None).await.ok().unwrap();
    }
    let mut people: Vec<PersonId> = Vec::new();
    for n in 0..size.people {
        let line: PersonLine = serde_json::from_value(json!({
            "name": "张三", "document_type": "resident_id_card", "document": document(n),
            "real_name_level": 3,
        }))
        .unwrap();
        let set = PasswordState::Set(hash.clone());
        let (person, _) = feed::add_person(ctx, &tx, &line, None, set).await.ok().unwrap();
        people.push(person);
        let line: AuthorisationLine = serde_json::from_value(json!({
            "enterprise": size.enterprise_of(n), "person": document(n),
            "identity_type": "tax_clerk", "permissions": ["TAX_FILING"],
            "valid_from": "2025-01-01", "state": "active",
        }))
        .unwrap();
        feed::put_authorisation(ctx, &tx, &line).await.ok().unwrap();
    }
    for (n, person) in people.into_iter().enumerate().take(size.attacked) {
        let attempt = LoginAttempt {
            at: Timestamp(ctx.now().0 - 7 * 86_400),
            person: Some(person),
            way: "password",
            entrance: "enterprise".to_owned(),
            enterprise: None,
            identity_type: None,
            outcome: "ok".to_owned(),
            ip: size.home(n).parse::<IpAddr>().unwrap(),
            device: "test".to_owned(),
            second: None,
        };
        tx.rows().records().add_attempt(ctx.new_row_id(), &attempt).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// What was typed at the first page, and what came of it: `ok` or a code.
async fn attempt(ctx: &Ctx, enterprise: &str, who: &str, password: &str) -> String {
    let tx = new(ctx, Then::Nowhere);
    let form = form(ctx, &tx, enterprise, (who, password));
    match Stop::refusal(verify_credentials(ctx, &tx, &form).await).unwrap() {
        Ok(_) => "ok".to_owned(),
        Err(refusal) => refusal.code().to_owned(),
    }
}

/// Whom a guesser tries in a step: ten of them agree on a person; the one in the hall makes names up.
fn targets(size: Size, guesser: usize, step: usize) -> Vec<String> {
    let made_up = size.made_up;
    match guesser {
        0 => (0..made_up).map(|n| format!("nobody{:04}", step * made_up + n)).collect(),
        _ => vec![document((guesser / 10 * 37 + step / 2 * 11) % size.attacked); 7],
    }
}

/// From where, who was typed, and what was heard.
type Heard = (String, String, String);

async fn guesses(ctx: &Ctx, size: Size, guesser: usize, step: usize) -> Vec<Heard> {
    let mut heard = Vec::new();
    let from = ctx.ip.to_string();
    for (n, who) in targets(size, guesser, step).into_iter().enumerate() {
        let enterprise = size.enterprise_of(guesser + n);
        let code = attempt(ctx, &enterprise, &who, "Wrong2026!").await;
        heard.push((from.clone(), who, code));
    }
    heard
}

/// Everybody's first own try, and every tenth one's second.
async fn signs_in(ctx: &Ctx, size: Size, n: usize) -> Heard {
    let (enterprise, who) = (size.enterprise_of(n), document(n));
    if n.is_multiple_of(10) {
        attempt(ctx, &enterprise, &who, "Hufu2026?").await;
    }
    let code = attempt(ctx, &enterprise, &who, PASSWORD).await;
    (size.home(n), who, code)
}

/// Covers E-09.
#[test]
fn the_deadline_hour_refuses_no_honest_person() {
    on_each_database(|on| async move {
        let size = Size::wanted();
        let app = size.start(on).await;
        fill(&app, size).await;
        let mut judged: BTreeMap<(String, String), usize> = BTreeMap::new();
        let (mut tried, mut honest, mut refused) = (0, 0, Vec::new());
        for step in 0..STEPS {
            let mut crowd = tokio::task::JoinSet::new();
            for guesser in 0..size.guessers {
                let from = match guesser {
                    0 => HALL.to_owned(),
                    n => format!("203.0.113.{n}"),
                };
                let ctx = at(&app, &from);
                crowd.spawn(async move { (true, guesses(&ctx, size, guesser, step).await) });
            }
            for n in (0..size.people).filter(|n| n % STEPS == step) {
                let ctx = at(&app, &size.home(n));
                crowd.spawn(async move { (false, vec![signs_in(&ctx, size, n).await]) });
            }
            for (is_guesser, heard) in crowd.join_all().await {
                for (from, who, code) in heard {
                    match (is_guesser, code.as_str()) {
                        (true, "E_CREDENTIALS") => *judged.entry((from, who)).or_default() += 1,
                        (true, code) => assert_eq!(code, "E_LOCKED"),
                        (false, "ok") => honest += 1,
                        (false, _) => refused.push((from, who, code)),
                    }
                    tried += usize::from(is_guesser);
                }
            }
            app.clock.advance(300);
        }
        assert_eq!((honest, refused), (size.people, Vec::new()), "every honest person is let in");
        // Of an hour: locked after 0, 15 and 45 minutes for 15, 30 and 60.
        let (limits, rounds) = (&app.ctx.realm.limits, 3);
        let (mut of_name, mut of_address) = (BTreeMap::new(), BTreeMap::new());
        for ((from, who), count) in &judged {
            let most = rounds * usize::try_from(limits.max_failures).unwrap();
            assert!(*count <= most, "{count} from {from} at {who}");
            *of_name.entry(who.clone()).or_insert(0) += count;
            *of_address.entry(from.clone()).or_insert(0) += count;
        }
        let of_name = of_name.into_values().max().unwrap();
        let of_address: usize = of_address.into_values().max().unwrap();
        let all: usize = judged.values().sum();
        assert!(of_name <= rounds * usize::try_from(limits.max_failures_elsewhere).unwrap());
        let windows = 4 * usize::try_from(limits.max_failures_per_address).unwrap();
        assert!(of_address <= windows, "{of_address}");
        eprintln!(
            "{honest} honest of {} let in; {tried} guesses by {}, {all} judged, \
             at most {of_name} at one name and {of_address} from one address",
            size.people, size.guessers
        );
    });
}

/// A hall of newcomers behind one address, each of whom mistypes once: what somebody who was right
/// had mistyped before is no guess of the address. Covers E-09.
#[test]
fn a_hall_of_newcomers_who_mistype_is_let_in() {
    on_each_database(|on| async move {
        let size = Size { attacked: 0, people: 25, ..Size::of_percent(20) };
        let app = size.start(on).await;
        fill(&app, size).await;
        let ctx = at(&app, HALL);
        // More of them than the address may try.
        for n in 0..24 {
            let (enterprise, who) = (size.enterprise_of(n), document(n));
            assert_eq!(attempt(&ctx, &enterprise, &who, "Hufu2026?").await, "E_CREDENTIALS");
            assert_eq!(attempt(&ctx, &enterprise, &who, PASSWORD).await, "ok", "{n}");
        }
        // Names that were never right stay counted.
        for n in 0..size.per_address {
            let code = attempt(&ctx, &uscc(0), &format!("nobody{n:04}"), "Hufu2026?").await;
            assert_eq!(code, "E_CREDENTIALS", "{n}");
        }
        let own = size.enterprise_of(24);
        assert_eq!(attempt(&ctx, &own, &document(24), PASSWORD).await, "E_LOCKED");
    });
}

/// Wrong passwords count under the typed name, so whoever has several can be guessed at under each: so many
/// times as often from one place, and no more, whichever spelling of a name is taken; the place's own limit
/// holds over all of them. Covers E-09.
#[test]
fn a_person_of_several_names_is_guessed_at_under_each() {
    on_each_database(|on| async move {
        let few = [("realm.toml", "max_failures = 5", "max_failures = 3")];
        let app = Setup::of(on, vec![changed_realm(&few)]).start().await;
        let wang = ["360102199003071236", "13800138000", "wangxm"];
        let miller = ["john.miller@example.com", "+14155550123", "jmiller"];
        let spellings = [" 360102199003071236", "+8613800138000", "wangxm "];
        let mut judged: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        // The first two locks are over at the second and the fourth time; at the third it is locked.
        for _ in 0..4 {
            for (from, entrance, names) in [
                ("203.0.113.1", "enterprise", [wang, spellings].concat()),
                ("203.0.113.2", "non_resident", miller.to_vec()),
            ] {
                let ctx = at(&app, from);
                let number = if from.ends_with('1') { uscc(1) } else { CODE.to_owned() };
                for name in names.into_iter().flat_map(|name| [name; 4]) {
                    let tx = new(&ctx, Then::Nowhere);
                    let form = form(&ctx, &tx, &number, (name, "Wrong2026!"));
                    let form = Credentials { entrance: entrance.to_owned(), ..form };
                    let heard = verify_credentials(&ctx, &tx, &form).await;
                    match Stop::refusal(heard).unwrap().unwrap_err().code() {
                        "E_CREDENTIALS" => *judged.entry((from, name)).or_default() += 1,
                        code => assert_eq!(code, "E_LOCKED", "{name}"),
                    }
                }
            }
            app.clock.advance(900);
        }
        // Three locks in an hour, as above; another spelling is the same name.
        let rounds = 3 * usize::try_from(app.ctx.realm.limits.max_failures).unwrap();
        for (from, names) in [("203.0.113.1", wang), ("203.0.113.2", miller)] {
            let of_place: usize =
                judged.iter().filter(|((at, _), _)| *at == from).map(|(_, count)| count).sum();
            assert_eq!(of_place, names.len() * rounds, "{judged:?}");
            for name in names {
                assert_eq!(judged.get(&(from, name)), Some(&rounds), "{judged:?}");
            }
        }
    });
}
