//! Scanning: a code for a sign-in on its way, what the phone does with it, and the outcome that
//! only the browser which shows it can fetch.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::base::id::PersonId;
use crate::base::secret::{Hashed, same};
use crate::domain::acting::{Acting, ActingIdentity};
use crate::domain::factor::{ScanApp, Way};
use crate::domain::login::{LoginTransaction, Proved, Second};
use crate::domain::refusal::Refusal;
use crate::domain::scan::{
    Confirmed, Number, Phone, Purpose, SCANNED_SECONDS, Scan, ScanFault, ScanState, Told,
    UNSCANNED_SECONDS,
};
use crate::domain::session::Session;
use crate::ephemeral::{Share, Slot};
use crate::flows::identity::load;
use crate::flows::sign_in::factor::tries;
use crate::flows::sign_in::log::{record_claim, record_scan};
use crate::flows::sign_in::{factor, session, transaction};
use crate::flows::{Ctx, Fault, Stop};
use crate::store::standing::StandingSession;

/// A minute longer than a code can live, so that whoever comes late is told why; no longer, because
/// strangers' codes fill the room of everybody's.
const KEPT_SECONDS: i64 = UNSCANNED_SECONDS + SCANNED_SECONDS + 60;

/// By what it is for: whoever has proved something keeps their code where strangers take no room.
const SIGN_IN: Slot<Scan> = Slot::of(Share::Anybody, "scan");
const VERIFY: Slot<Scan> = Slot::new("scan-verify");

/// Sealed: what a page has shown already.
const SIGN_IN_SHOWN: Slot<String> = Slot::of(Share::Anybody, "scan-shown");
const VERIFY_SHOWN: Slot<String> = Slot::new("scan-verify-shown");

fn slots(purpose: &Purpose) -> (&'static Slot<Scan>, &'static Slot<String>) {
    match purpose {
        Purpose::SignIn | Purpose::Claim(_) => (&SIGN_IN, &SIGN_IN_SHOWN),
        Purpose::Verify(_) => (&VERIFY, &VERIFY_SHOWN),
    }
}

/// What the page shows and holds.
#[derive(Clone, Serialize, Deserialize)]
pub struct Shown {
    /// In the code: 256 random bits.
    pub id: String,
    /// In the page alone.
    pub verifier: String,
}

/// A code as its page shows it, and how it stands.
pub struct Current {
    pub shown: Shown,
    pub told: Told,
}

/// What shows a code, and may fetch its outcome.
pub struct Shower<'a> {
    /// The sign-in's id, or the key of what was begun without one.
    pub transaction: &'a str,
    /// The application that waits for it.
    pub client: Option<&'a str>,
}

impl<'a> Shower<'a> {
    pub fn sign_in(tx: &'a LoginTransaction) -> Self {
        let client = tx.request().and_then(|asked| asked.get("client_id"));
        Self { transaction: &tx.id, client: client.map(String::as_str) }
    }
}

/// The code of this sign-in for an app and purpose: the one that is live, or a new one; of a claim that has
/// changed always another. Looking at a
/// page is no try: a code cannot be guessed, and a hall of people shares one address.
pub async fn show(
    ctx: &Ctx,
    by: &Shower<'_>,
    app: ScanApp,
    purpose: Purpose,
) -> Result<Current, Fault> {
    let name = match &purpose {
        Purpose::SignIn => format!("{}/sign-in/{}", by.transaction, app.name()),
        Purpose::Verify(question) => question.key(),
        Purpose::Claim(_) => format!("{}/claim/{}", by.transaction, app.name()),
    };
    let (scans, codes) = slots(&purpose);
    let sealed = ctx.ephemeral().get(codes, &name).await?;
    let cipher = &ctx.services.secrets.cookie;
    let held = sealed.and_then(|sealed| cipher.open_sealed_text(&ctx.realm.id, &sealed).ok());
    if let Some(shown) = held.and_then(|text| serde_json::from_str::<Shown>(&text).ok())
        && let Some(scan) = find(ctx, &shown.id).await?
        && scan.purpose == purpose
    {
        let told = scan.told(ctx.now());
        if matches!(told.state, "new" | "scanned" | "confirmed") {
            return Ok(Current { shown, told });
        }
    }
    let shown = Shown {
        id: ctx.random().token().expose().to_owned(),
        verifier: ctx.random().token().expose().to_owned(),
    };
    let now = ctx.now();
    let client = by.client.filter(|id| ctx.realm.clients.contains_key(*id));
    let scan = Scan {
        transaction: by.transaction.to_owned(),
        client: client.map(str::to_owned),
        verifier: Hashed::of(&shown.verifier).to_text(),
        app,
        purpose,
        browser_ip: ctx.ip,
        browser: ctx.device.clone(),
        created_at: now,
        expires_at: now.plus(UNSCANNED_SECONDS),
        phone: None,
        state: ScanState::New,
    };
    let text = serde_json::to_string(&shown).map_err(|error| Fault::Internal(error.to_string()))?;
    let sealed = cipher.seal_text(ctx.random(), &ctx.realm.id, &text);
    let ephemeral = ctx.ephemeral();
    ephemeral.put(scans, &key(&shown.id), &scan, KEPT_SECONDS).await?;
    ephemeral.put(codes, &name, &sealed, UNSCANNED_SECONDS + SCANNED_SECONDS).await?;
    ctx.services.outbound.sandbox.note_code(&ctx.realm.url(&format!("/q/{}", shown.id)));
    Ok(Current { shown, told: scan.told(now) })
}

fn key(id: &str) -> String {
    Hashed::of(id).to_text()
}

/// The code of this realm behind an id, in whatever state.
pub async fn find(ctx: &Ctx, id: &str) -> Result<Option<Scan>, Fault> {
    match ctx.ephemeral().get(&SIGN_IN, &key(id)).await? {
        Some(found) => Ok(Some(found)),
        None => Ok(ctx.ephemeral().get(&VERIFY, &key(id)).await?),
    }
}

/// The same for the browser that shows it: the sign-in, or what else shows it, and the page's verifier
/// must both fit.
pub async fn find_shown(
    ctx: &Ctx,
    transaction: &str,
    id: &str,
    verifier: &str,
) -> Result<Option<Scan>, Fault> {
    let proves = |scan: &Scan| {
        let hash = Hashed::of(verifier).to_text();
        scan.transaction == transaction && same(hash.as_bytes(), scan.verifier.as_bytes())
    };
    Ok(find(ctx, id).await?.filter(proves))
}

pub(super) async fn save(ctx: &Ctx, id: &str, from: &Scan, to: &Scan) -> Result<(), Stop> {
    let (scans, _) = slots(&from.purpose);
    let swapped = ctx.ephemeral().swap(scans, &key(id), from, to).await?;
    if swapped { Ok(()) } else { Err(Refusal::State.into()) }
}

impl From<ScanFault> for Stop {
    fn from(fault: ScanFault) -> Self {
        Self::Refused(match fault {
            ScanFault::Expired => Refusal::ScanExpired,
            ScanFault::State => Refusal::State,
            ScanFault::NoNumber => Refusal::format("number"),
        })
    }
}

/// A phone has read the code; of two phones the first has it. `phone_ip`: where it is, if that is
/// known. The number is drawn here and stands nowhere before, so that no picture of the code has it.
pub async fn scan(
    ctx: &Ctx,
    id: &str,
    phone: Phone,
    phone_ip: Option<IpAddr>,
) -> Result<Scan, Stop> {
    let Some(found) = find(ctx, id).await? else { return Err(Refusal::ScanExpired.into()) };
    let asks_number = found.asks_number(phone_ip);
    let number = asks_number.then(|| Number::nth(ctx.random().below(Number::COUNT)));
    let scanned = found.scanned(phone, number, ctx.now())?;
    if scanned == found {
        return Ok(found);
    }
    save(ctx, id, &found, &scanned).await?;
    Ok(scanned)
}

/// Whether what a session has proved signs a browser in, too. `E_ROLE`: for other applications than the
/// doors that show codes (I-01).
pub fn may_confirm(ctx: &Ctx, session: &Session) -> Result<(), Refusal> {
    let own = ctx.realm.audience_of(&session.entrance);
    if ctx.realm.scan_entrance().is_none_or(|door| door.audience != own) {
        return Err(Refusal::Role);
    }
    // What spared the second factor here, a known browser or the door, spares nobody's elsewhere.
    if ctx.realm.is_bound_to_its_door(session) {
        return Err(Refusal::StepUpRequired);
    }
    Ok(())
}

/// The identity of a phone's session, as it stands at this moment.
pub fn confirmed_by(ctx: &Ctx, found: StandingSession) -> Result<Confirmed, Refusal> {
    let StandingSession { session, standing } = found;
    if !standing.is_account_open {
        return Err(Refusal::Credentials);
    }
    load::of(ctx, session.person, session.acting, standing.held).map_err(Refusal::NoIdentity)?;
    may_confirm(ctx, &session)?;
    Ok(Confirmed {
        person: session.person,
        account: session.account,
        acting: session.acting,
        era: standing.era,
        session: Some(session.id),
    })
}

/// The tap. A wrong person or number ends the code and is told as `E_STEPUP_FAILED`; who may not
/// sign in by password may not sign in by phone either.
pub async fn confirm(
    ctx: &Ctx,
    id: &str,
    phone_key: &str,
    who: Confirmed,
    typed: Option<Number>,
) -> Result<(), Stop> {
    let Some(found) = find(ctx, id).await? else { return Err(Refusal::ScanExpired.into()) };
    if found.purpose == Purpose::SignIn {
        session::admits(ctx, who.account).await?;
    }
    // Another operator's app knows the person, never an enterprise.
    let who = match found.app {
        ScanApp::TaxApp => who,
        ScanApp::IitApp => Confirmed { acting: Acting::Personal, ..who },
    };
    let person = who.person;
    let confirmed = found.confirmed(phone_key, who, typed, ctx.now())?;
    save(ctx, id, &found, &confirmed).await?;
    match confirmed.state {
        ScanState::Failed => {
            count_failed(ctx, &found, Some(person)).await?;
            Err(Refusal::StepUpFailed.into())
        }
        _ => Ok(()),
    }
}

/// Turned back, or another's face.
pub async fn end(ctx: &Ctx, id: &str, phone_key: &str, state: ScanState) -> Result<(), Stop> {
    let Some(found) = find(ctx, id).await? else { return Err(Refusal::ScanExpired.into()) };
    let is_counted = state == ScanState::Failed || found.purpose == Purpose::SignIn;
    save(ctx, id, &found, &found.ended(phone_key, state, ctx.now())?).await?;
    if is_counted {
        count_failed(ctx, &found, None).await?;
    }
    Ok(())
}

/// The person turned back in the browser that shows the code: it is dead, and the phone hears of it.
pub async fn cancel_shown(
    ctx: &Ctx,
    transaction: &str,
    id: &str,
    verifier: &str,
) -> Result<(), Stop> {
    let Some(found) = find_shown(ctx, transaction, id, verifier).await? else {
        return Err(Refusal::ScanExpired.into());
    };
    save(ctx, id, &found, &found.cancelled(ctx.now())?).await
}

/// A second factor that failed on a phone: a wrong number, another person, another face. A sign-in that
/// did is an attempt like any (E-24); `who`: holds the phone, where that is known. It is the browser's that
/// shows the code, wherever the phone is and whichever server speaks for it.
pub(super) async fn count_failed(
    ctx: &Ctx,
    scan: &Scan,
    who: Option<PersonId>,
) -> Result<(), Fault> {
    let browser = Ctx { ip: scan.browser_ip, device: scan.browser.clone(), ..ctx.clone() };
    let question = match &scan.purpose {
        Purpose::SignIn => {
            return record_scan(&browser, scan, who, &Refusal::StepUpFailed).await;
        }
        Purpose::Verify(question) => question,
        Purpose::Claim(claim) => {
            record_claim(&browser, scan.app, claim, &Refusal::StepUpFailed);
            return Ok(());
        }
    };
    let Some(tx) = transaction::find(ctx, &scan.transaction).await? else { return Ok(()) };
    tries::count_failed(&browser, &tx, question, &Refusal::StepUpFailed).await
}

/// The browser fetches the outcome, once, and its sign-in goes a step forward.
pub async fn consume(
    ctx: &Ctx,
    tx: &LoginTransaction,
    id: &str,
    verifier: &str,
) -> Result<LoginTransaction, Stop> {
    let Some(found) = find_shown(ctx, &tx.id, id, verifier).await? else {
        return Err(Refusal::ScanExpired.into());
    };
    if found.state == ScanState::Failed {
        return Err(Refusal::StepUpFailed.into());
    }
    let (consumed, who) = found.consumed(ctx.now())?;
    save(ctx, id, &found, &consumed).await?;
    match found.purpose {
        Purpose::Verify(question) => {
            factor::accept(ctx, tx, &question.answered_by(who.person)).await
        }
        Purpose::SignIn => sign_in(ctx, tx, found.app, who).await,
        // Its outcome is no sign-in.
        Purpose::Claim(_) => Err(Refusal::State.into()),
    }
}

/// Instead of password and second factor: the sign-in is about the phone's person now.
async fn sign_in(
    ctx: &Ctx,
    tx: &LoginTransaction,
    app: ScanApp,
    who: Confirmed,
) -> Result<LoginTransaction, Stop> {
    let entrance = ctx.realm.scan_entrance().ok_or(Refusal::State)?;
    // A phone that was signed out since has confirmed nothing.
    if let Some(session) = who.session
        && ctx.rows().sessions().find_live(session).await?.is_none()
    {
        return Err(Refusal::ScanExpired.into());
    }
    // Agency staff choose their client at the browser.
    let agency = match load::load(ctx, who.person, who.acting).await? {
        ActingIdentity::Agent(one) => Some(one.agency.id),
        _ => None,
    };
    let proved = Proved {
        entrance: entrance.id.clone(),
        person: who.person,
        account: who.account,
        enterprise: agency,
        record_kind: None,
        way: Way::Scan(app),
        second: Second::Due,
        era: who.era,
    };
    let chosen = agency.is_none().then_some(who.acting);
    transaction::advance(ctx, tx, tx.about(proved, chosen)?).await
}
