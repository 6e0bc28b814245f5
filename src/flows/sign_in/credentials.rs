//! The way in until the second factor: a transaction, the slider, numbers and password. Before
//! the second factor no answer tells whether the person, the enterprise or the relation exists.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::secret::Secret;
use crate::domain::cross_region::RecordKind;
use crate::domain::entrance::Entrance;
use crate::domain::factor::Way;
use crate::domain::login::{LoginTransaction, Proved, Second};
use crate::domain::person::Account;
use crate::domain::refusal::Refusal;
use crate::ephemeral::Share;
use crate::flows::sign_in::factor::device;
use crate::flows::sign_in::log::{record_judged, record_refused};
use crate::flows::sign_in::personal_id;
use crate::flows::sign_in::throttle::{Attempt, Known, asks_for_more};
use crate::flows::sign_in::transaction::{admitted_door, advance};
use crate::flows::sign_in::typed::{Credentials, Typed, check_format};
use crate::flows::{Ctx, Fault, Stop};

/// A slider proof lives two minutes and works once (DEC-19).
const SLIDER_SECONDS: i64 = 120;

/// How far a slider must be drawn, of 100: whoever lets go a hair before the end has drawn it.
const NEARLY_ALL: RangeInclusive<u32> = 95..=100;

/// What a page's slider is worth, sealed: for one sign-in, from one moment on. Nothing is kept of it
/// before a form brings it back.
#[derive(Serialize, Deserialize)]
struct Slider {
    transaction: String,
    at: Timestamp,
    /// Tells it from every other.
    name: String,
}

/// Sealed for sliders: what is sealed for cookies is none.
fn slider_place(ctx: &Ctx) -> String {
    format!("slider/{}", ctx.realm.id)
}

/// The proof that a page of this sign-in carries.
pub fn new_slider(ctx: &Ctx, transaction: &LoginTransaction) -> String {
    let name = ctx.random().short_token();
    let slider = Slider { transaction: transaction.id.clone(), at: ctx.now(), name };
    let text = serde_json::to_string(&slider).unwrap_or_default();
    ctx.services.secrets.cookie.seal_text(ctx.random(), &slider_place(ctx), &text)
}

/// Checks the form, the slider, the throttles and the password, in this order; nobody is looked for before
/// the slider was drawn. A browser that is known finds room for its person's tries where strangers have
/// filled theirs.
pub async fn verify_credentials(
    ctx: &Ctx,
    transaction: &LoginTransaction,
    form: &Credentials,
) -> Result<LoginTransaction, Stop> {
    let Some(entrance) = admitted_door(ctx, transaction, &form.entrance) else {
        return Err(Refusal::format("entrance").into());
    };
    let password = check_format(entrance, form, ctx.now().day())?;
    let slider = opened_slider(ctx, transaction, form);
    let drawn = is_drawn(ctx, entrance, slider.as_ref(), form).await;
    // The cookie is proof; what a place is known for would tell strangers there who signs in.
    let asks_again = form.device.is_some() && drawn.as_ref().is_err_and(Fault::is_want_of_room);
    if !asks_again && !drawn? {
        return not_drawn(ctx, form).await;
    }
    let found = personal_id::find(ctx, entrance, &form.personal_id).await?;
    let known = Known::of(ctx, form, &found).await?;
    let ctx = &ctx.known(matches!(known, Known::Browser(_)));
    if asks_again && !is_drawn(ctx, entrance, slider.as_ref(), form).await? {
        return not_drawn(ctx, form).await;
    }
    judge(ctx, transaction, &Typing { entrance, form, password, found, known }).await
}

async fn not_drawn(ctx: &Ctx, form: &Credentials) -> Result<LoginTransaction, Stop> {
    record_refused(ctx, form, &Typed::nobody(), Way::Password, &Refusal::Slider).await?;
    Err(Refusal::Slider.into())
}

/// What was typed at a door, and whom it leads to.
struct Typing<'a> {
    entrance: &'a Entrance,
    form: &'a Credentials,
    password: Secret,
    found: Vec<Account>,
    known: Known,
}

async fn judge(
    ctx: &Ctx,
    transaction: &LoginTransaction,
    typing: &Typing<'_>,
) -> Result<LoginTransaction, Stop> {
    let Typing { entrance, form, password, found, known } = typing;
    let typed = Typed::of_several(ctx, entrance, form, found).await?;
    let attempt = match Stop::refusal(Attempt::of(ctx, form, found, known).await)? {
        Ok(attempt) => attempt,
        Err(refusal) => return not_let_in(ctx, form, &typed, refusal).await,
    };
    let judged = personal_id::owner(ctx, found, password, attempt.queue()).await;
    let Ok(Some(owner)) = judged else {
        attempt.not_judged(ctx).await?;
        if let Err(fault) = judged {
            return Err(fault.into());
        }
        return not_let_in(ctx, form, &typed, Refusal::Busy).await;
    };
    let typed = match typed.decided(ctx, entrance, form, owner.clone()).await {
        Ok(typed) => typed,
        Err(fault) => {
            attempt.not_judged(ctx).await?;
            return Err(fault.into());
        }
    };
    let Some(account) = owner.filter(|_| typed.is_plausible(entrance)) else {
        let refusal = attempt.wrong(ctx, &typed).await?;
        return not_let_in(ctx, form, &typed, refusal).await;
    };
    if let Err(refusal) = Stop::refusal(attempt.right(ctx).await)? {
        return not_let_in(ctx, form, &typed, refusal).await;
    }
    // That it is locked hears nobody before the second factor.
    if !account.is_live() {
        return Err(Refusal::Credentials.into());
    }
    let proved = Proved {
        entrance: entrance.id.clone(),
        person: account.person,
        account: account.id,
        enterprise: typed.enterprise,
        record_kind: RecordKind::parse(&form.record_kind),
        way: Way::Password,
        second: second(ctx, entrance, form, &typed, &account).await?,
        era: account.era,
    };
    advance(ctx, transaction, transaction.about(proved, None)?).await
}

/// In the log, of guesses all that budgets have let be judged.
async fn not_let_in(
    ctx: &Ctx,
    form: &Credentials,
    typed: &Typed,
    refusal: Refusal,
) -> Result<LoginTransaction, Stop> {
    match refusal {
        Refusal::Credentials => record_judged(ctx, form, typed, Way::Password, &refusal).await?,
        _ => record_refused(ctx, form, typed, Way::Password, &refusal).await?,
    }
    Err(refusal.into())
}

/// A known browser spares the second factor of a door that may lead to the person themself. A door
/// that has none asks for one all the same while its enterprise's people are being guessed at, and of whom
/// the bureau has taken the password.
async fn second(
    ctx: &Ctx,
    entrance: &Entrance,
    form: &Credentials,
    typed: &Typed,
    account: &Account,
) -> Result<Second, Fault> {
    if !entrance.asks_second_factor() {
        let is_doubted = account.help.password_expired_at.is_some();
        let asks = !entrance.second_factors.is_empty()
            && (is_doubted || asks_for_more(ctx, typed).await?);
        return Ok(if asks { Second::Due } else { Second::NotAsked });
    }
    let is_spared = entrance.leads_to_person()
        && account.help.password_expired_at.is_none()
        && device::is_known(ctx, entrance, account, form.device.as_ref()).await?;
    Ok(if is_spared { Second::Spared } else { Second::Due })
}

/// The slider that was brought back, if it is of this sign-in and not too old. One of another sign-in is no
/// proof here, and stays good there.
fn opened_slider(ctx: &Ctx, transaction: &LoginTransaction, form: &Credentials) -> Option<Slider> {
    let cipher = &ctx.services.secrets.cookie;
    let opened = cipher.open_sealed_text(&slider_place(ctx), &form.slider_id).ok()?;
    let slider: Slider = serde_json::from_str(&opened).ok()?;
    let is_live = ctx.now() < slider.at.plus(SLIDER_SECONDS);
    (slider.transaction == transaction.id && is_live).then_some(slider)
}

/// Used up before it is judged: a proof works once, whatever it was worth. A door without one asks for none.
async fn is_drawn(
    ctx: &Ctx,
    entrance: &Entrance,
    slider: Option<&Slider>,
    form: &Credentials,
) -> Result<bool, Fault> {
    if !entrance.slider {
        return Ok(true);
    }
    let Some(slider) = slider else { return Ok(false) };
    let used = format!("slider/{}", slider.name);
    let is_first = ctx.ephemeral().mark_in(Share::Tries, &used, SLIDER_SECONDS).await?;
    Ok(is_first && form.slider.parse().is_ok_and(|drawn| NEARLY_ALL.contains(&drawn)))
}
