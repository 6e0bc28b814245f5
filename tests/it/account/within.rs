//! What somebody changes of their own they change only while their session stands: however long a form has waited
//! for a hash, a gateway or a code, the change asks once more.

use hufu::base::secret::Secret;
use hufu::domain::help::Helper;
use hufu::domain::login::Then;
use hufu::domain::number::phone::Phone;
use hufu::domain::refusal::Refusal;
use hufu::domain::session::Session;
use hufu::flows::centre::{contact, password, phones};
use hufu::flows::sign_in::factor::{device, passkey, totp};
use hufu::flows::sign_in::level;
use hufu::flows::{Ctx, Stop, help};

use super::WANG;
use crate::kit::passkey::Passkey;
use crate::kit::{PASSWORD, TestApp, on_each_database};
use crate::login::authenticator::Phone as Authenticator;
use crate::login::devices::given_cookie;
use crate::login::level::{at_level, person_of, session};
use crate::recovery::{NEW, account_of, reached_by};

const MAIL: &str = "xiaoming@example.com";
const FRESH: &str = "13911112222";
const OTHER: &str = "13911113333";

/// In an order in which none is in another's way.
const ACTS: [&str; 13] = [
    "email",
    "address",
    "username",
    "a new phone",
    "another default",
    "a phone less",
    "a passkey",
    "a passkey less",
    "an authenticator",
    "recovery codes",
    "an authenticator less",
    "a browser less",
    "the password",
];

/// Somebody before each of the changes, with everything that it takes.
struct Ready {
    session: Session,
    mailed: String,
    change: String,
    texted: String,
    made: String,
    passkey: String,
    shown: String,
    device: String,
}

/// A session that has just proved a second factor.
async fn proved(app: &TestApp) -> Session {
    let person = person_of(app, "wangxm").await;
    let person = app.ctx.rows().people().find(person).await.unwrap().unwrap();
    let mut session = session(app, &person).await;
    session.amr = ["pwd", "sms", "mfa"].map(str::to_owned).to_vec();
    let tx = app.ctx.begin().await.unwrap();
    tx.rows().sessions().add(&session).await.unwrap();
    tx.commit().await.unwrap();
    session
}

/// The newest code to a phone, or to an address.
fn code_to(app: &TestApp, to: &str) -> String {
    let messages = app.ctx.services.outbound.inbox.messages();
    let found = messages.into_iter().find(|one| one.to.ends_with(to) && !one.code.is_empty());
    found.expect("no code was sent").code
}

/// The code of an authenticator that waits for its first.
async fn first_code(app: &TestApp, session: &Session) -> String {
    totp::begin(&app.ctx, session).await.unwrap();
    let begun = totp::find(&app.ctx, session).await.unwrap().begun.unwrap();
    Authenticator::with(&begun.typed).code(app)
}

/// What the browser makes for a passkey.
async fn made(ctx: &Ctx, session: &Session) -> String {
    let options = passkey::begin(ctx, session).await.unwrap().unwrap();
    Passkey::make(&options).1
}

async fn ready(app: &TestApp) -> Ready {
    let (ctx, session) = (&app.ctx, proved(app).await);
    reached_by(app, &account_of(app, "wangxm").await, OTHER).await;
    contact::send_to_email(ctx, &session, MAIL).await.unwrap();
    let change = phones::begin(ctx, &session, "").await.unwrap().id;
    phones::send_to_existing(ctx, &session, &change).await.unwrap();
    phones::verify_existing(ctx, &session, &change, &code_to(app, WANG)).await.unwrap();
    phones::send_to_new(ctx, &session, &change, FRESH).await.unwrap();
    passkey::enrol(ctx, &session, "手机", &made(ctx, &session).await).await.unwrap();
    let passkey = passkey::list(ctx, &session).await.unwrap()[0].id.to_string();
    let shown = first_code(app, &session).await;
    totp::confirm(ctx, &session, &shown).await.unwrap();
    given_cookie(app, &mut app.browser(), "natural_person", WANG).await;
    Ready {
        mailed: code_to(app, MAIL),
        texted: code_to(app, FRESH),
        made: made(ctx, &session).await,
        shown: first_code(app, &session).await,
        device: device::list(ctx, &session).await.unwrap()[0].id.to_string(),
        session,
        change,
        passkey,
    }
}

async fn act(ctx: &Ctx, ready: &Ready, what: &str) -> Result<(), Stop> {
    let session = &ready.session;
    let handle = |phone: &str| phones::handle(session, &Phone::parse(phone).unwrap());
    match what {
        "email" => contact::change_email(ctx, session, &ready.mailed).await,
        "address" => contact::save_address(ctx, session, "江西省南昌市红谷滩区丰和大道1号").await,
        "username" => contact::change_username(ctx, session, "xiaoming.wang").await,
        "a new phone" => phones::verify_new(ctx, session, &ready.change, &ready.texted).await,
        "another default" => phones::set_default(ctx, session, &handle(OTHER)).await,
        "a phone less" => phones::remove(ctx, session, &handle(WANG)).await,
        "a passkey" => passkey::enrol(ctx, session, "平板", &ready.made).await,
        "a passkey less" => passkey::remove(ctx, session, &ready.passkey).await,
        "an authenticator" => totp::confirm(ctx, session, &ready.shown).await.map(|_| ()),
        "recovery codes" => totp::renew_codes(ctx, session).await.map(|_| ()),
        "an authenticator less" => totp::remove(ctx, session).await,
        "a browser less" => device::forget(ctx, session, &ready.device).await,
        _ => {
            let secret = |text: &str| Secret::new(text.to_owned());
            let wanted = password::Wanted { new: secret(NEW), repeated: secret(NEW) };
            password::by_old(ctx, session, &secret(PASSWORD), None, &wanted).await
        }
    }
}

/// A session that ends, or is over, after it was read changes nothing any more: no way in is added, none is taken
/// away, the password stays. While it stands the same forms do what they say.
#[test]
fn a_session_that_has_ended_changes_nothing() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let ready = ready(&app).await;
        let account = account_of(&app, "wangxm").await;
        let helper = Helper::new("officer/zhang", "asked at the counter").unwrap();
        let expires_at = ready.session.expires_at.0;
        for end in ["", "ended_at = 1", "expires_at = 1"] {
            if end.is_empty() {
                help::end_sessions(&app.ctx, &helper, account.id).await.unwrap();
            } else {
                app.sql(&format!("UPDATE session SET {end}")).await;
            }
            let n = app.audit().await.len();
            for what in ACTS {
                let refused = Stop::refusal(act(&app.ctx, &ready, what).await).unwrap();
                assert_eq!(refused, Err(Refusal::State), "{what} {end}");
            }
            assert_eq!(app.audit().await.len(), n, "{end}");
            app.sql(&format!("UPDATE session SET ended_at = NULL, expires_at = {expires_at}"))
                .await;
        }
        assert_eq!(account_of(&app, "wangxm").await.password, account.password);
        for what in ACTS {
            let done = Stop::refusal(act(&app.ctx, &ready, what).await).unwrap();
            assert_eq!(done, Ok(()), "{what}");
        }
        assert_ne!(account_of(&app, "xiaoming.wang").await.password, account.password);
    });
}

/// Nor is a level reached in it.
#[test]
fn a_session_that_has_ended_raises_nobody() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (person, session) = (person_of(&app, "wangxm").await, proved(&app).await);
        at_level(&app, person, 1).await;
        for (at, expected) in [("1", Err(Refusal::State)), ("NULL", Ok(()))] {
            app.sql(&format!("UPDATE session SET ended_at = {at}")).await;
            let raised = level::raise_next(&app.ctx, &session, "", Then::Nowhere).await;
            assert_eq!(Stop::refusal(raised.map(|_| ())).unwrap(), expected, "{at}");
        }
    });
}
