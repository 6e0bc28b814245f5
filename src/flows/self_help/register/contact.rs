//! The password, and the code that proves the phone or the address that somebody registers with.
//! Whose they are now is not asked: a phone of somebody else's is taken over at the end alone.

use serde::{Deserialize, Serialize};

use crate::base::secret::{Hashed, Secret, same};
use crate::domain::audit::AuditEvent;
use crate::domain::number::code::OneTimeCode;
use crate::domain::number::document::initial_password;
use crate::domain::password::PasswordFault;
use crate::domain::refusal::Refusal;
use crate::domain::registration::{Access, Candidate, Contact};
use crate::ephemeral::{Share, Slot};
use crate::flows::self_help::progress::Begun;
use crate::flows::self_help::register::judge::{Verdict, judge};
use crate::flows::self_help::register::{Held, keep};
use crate::flows::sign_in::factor::code::{Cause, Destination, send_to};
use crate::flows::sign_in::guesses::{Budget, Lock};
use crate::flows::{Ctx, Fault, Stop};

const MAX_TRIES: u32 = 5;

/// A code on its way, bound to its registration and to where it was sent.
#[derive(Clone, Serialize, Deserialize)]
struct Sent {
    hash: String,
}

const SENT: Slot<Sent> = Slot::of(Share::Tries, "register-code");

/// What the page of step 3 brings.
pub struct Form<'a> {
    pub password: &'a Secret,
    pub repeated: &'a Secret,
    pub contact: &'a str,
}

/// Whether a code waits to be typed.
pub async fn is_sent(ctx: &Ctx, begun: &Begun) -> Result<bool, Fault> {
    Ok(ctx.ephemeral().get(&SENT, begun.key()).await?.is_some())
}

/// Checks the form, sends a code and keeps the password's hash. Two empty passwords leave the one that was
/// chosen before.
pub async fn send(ctx: &Ctx, begun: &Begun, held: &Held, form: &Form<'_>) -> Result<(), Stop> {
    let registration = &held.registration;
    let candidate = registration.candidate.as_ref().ok_or(Refusal::State)?;
    let chosen = registration.access.as_ref().map(|access| access.password.clone());
    let is_empty = form.password.expose().is_empty() && form.repeated.expose().is_empty();
    let chosen = chosen.filter(|_| is_empty);
    let contact = match Contact::parse(registration.way, form.contact) {
        Ok(contact) => contact,
        Err(Refusal::Format { mut fields }) => {
            if is_empty && chosen.is_none() {
                fields.insert(0, "password");
            }
            return Err(Refusal::Format { fields }.into());
        }
        Err(other) => return Err(other.into()),
    };
    if chosen.is_none() {
        check(ctx, candidate, &contact, form)?;
    }
    if chosen.is_none() && ctx.services.hashing.is_full() {
        return Err(Refusal::Busy.into());
    }
    let code = send_to(ctx, Cause::Stranger(None), &destination(&contact)).await?;
    let hash = bind(begun, &contact, code.expose());
    ctx.ephemeral().put(&SENT, begun.key(), &Sent { hash }, ctx.realm.sms.lifetime).await?;
    ctx.ephemeral().reset(&tries(begun)).await?;
    // Only now, when a code was spent: hashing is what strangers could make us do most of.
    let password = if let Some(chosen) = chosen {
        chosen
    } else {
        let hashing = &ctx.services.hashing;
        hashing.hash(form.password, ctx.random()).await?.ok_or(Refusal::Busy)?
    };
    let access = Access { password, contact, proved_at: None };
    keep(ctx, begun, held, registration.reached_by(access)).await?;
    Ok(())
}

/// The rule of R-15 and nothing of the person's in it.
fn check(
    ctx: &Ctx,
    candidate: &Candidate,
    contact: &Contact,
    form: &Form<'_>,
) -> Result<(), Refusal> {
    if form.password.expose().is_empty() {
        return Err(Refusal::format("password"));
    }
    if form.password.expose() != form.repeated.expose() {
        return Err(Refusal::PasswordPolicy(PasswordFault::NotEqual));
    }
    let mut personal = vec![initial_password(candidate.number.as_str()).to_owned()];
    if let Contact::Phone(phone) = contact {
        personal.push(phone.national().to_owned());
    }
    ctx.realm.password.check(form.password, &personal).map_err(Refusal::PasswordPolicy)
}

fn destination(contact: &Contact) -> Destination {
    match contact {
        Contact::Phone(phone) => Destination::Phone(phone.clone()),
        Contact::Email(email) => Destination::Email(email.clone()),
    }
}

fn tries(begun: &Begun) -> String {
    format!("register-tries/{}", begun.key())
}

fn bind(begun: &Begun, contact: &Contact, code: &str) -> String {
    let (kind, to) = (contact.name(), contact.comparable());
    Hashed::of(&format!("{}\n{kind}\n{to}\n{code}", begun.key())).to_text()
}

/// Guesses from one place at the codes of one phone or address. Not of all together: a hall of people shares a
/// place, and whoever goes from phone to phone has as many codes as an address may ask for, and five tries at
/// each.
fn budget(ctx: &Ctx, contact: &Contact) -> Budget {
    let name = Hashed::of(&contact.comparable()).to_text();
    let name = format!("register-wrong/{}/{name}", ctx.place());
    Budget { lock: Lock::Registration, name, policy: ctx.realm.lockout.clone() }
}

/// `E_OTP_RATE` while it is locked.
async fn take(ctx: &Ctx, budget: &Budget) -> Result<(), Stop> {
    match Stop::refusal(budget.take(ctx).await)? {
        Ok(_) => Ok(()),
        Err(Refusal::Locked { retry_after }) => Err(Refusal::OtpRate { retry_after }.into()),
        Err(other) => Err(other.into()),
    }
}

/// Right once; five wrong ones void the code, and lock this place for this phone or address. Only now is
/// it asked what is known of the person.
pub async fn verify(ctx: &Ctx, begun: &Begun, held: &Held, code: &str) -> Result<Verdict, Stop> {
    let access = held.registration.access.as_ref().ok_or(Refusal::State)?;
    let code = OneTimeCode::parse(code).map_err(|_| Refusal::format("code"))?;
    let ephemeral = ctx.ephemeral();
    let Some(sent) = ephemeral.get(&SENT, begun.key()).await? else {
        return Err(Refusal::OtpExpired.into());
    };
    // A code that is void is nothing to guess at.
    if ephemeral.counted(&tries(begun)).await? >= MAX_TRIES {
        ctx.forget(&SENT, begun.key()).await;
        return Err(Refusal::OtpExpired.into());
    }
    let budget = budget(ctx, &access.contact);
    take(ctx, &budget).await?;
    let (n_tries, _) = ephemeral.count(&tries(begun), ctx.realm.sms.lifetime).await?;
    if n_tries > MAX_TRIES {
        budget.give_back(ctx).await?;
        return Err(Refusal::OtpExpired.into());
    }
    let right = bind(begun, &access.contact, code.secret().expose());
    if !same(right.as_bytes(), sent.hash.as_bytes()) {
        budget.has_locked(ctx).await?;
        return Err(Refusal::Otp.into());
    }
    budget.forget(ctx).await?;
    // The step forward uses the code up: of two tabs one takes it.
    let held = keep(ctx, begun, held, held.registration.reached(ctx.now())).await?;
    let tx = ctx.begin().await?;
    tx.note(AuditEvent::RegistrationBegun { way: held.registration.way.name().to_owned() });
    tx.commit().await?;
    ctx.forget(&SENT, begun.key()).await;
    judge(ctx, begun, &held).await
}
