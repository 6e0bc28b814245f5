//! The second factor by SMS (E-10, E-11): a code of six digits for five minutes, five tries, sent
//! to the person's default phone within the carriers' limits.

use serde::{Deserialize, Serialize};

use super::{Ctx, Fault, login};
use crate::base::secret::{Hashed, Secret, same};
use crate::domain::factor::Factor;
use crate::domain::login::LoginTransaction;
use crate::domain::mask::{self, Viewer};
use crate::domain::number::phone::Phone;
use crate::domain::refusal::Refusal;
use crate::ephemeral::Kind;
use crate::outbound::sms::Gateway;
use crate::realm::SmsGateway;
use crate::realm::file::GatewayKind;

const MAX_TRIES: u32 = 5;

/// A code on its way, kept as a hash that also binds transaction and phone.
#[derive(Clone, Serialize, Deserialize)]
struct Sent {
    hash: String,
    phone: String,
}

/// The default phone, masked for its owner; `None` when none is bound.
pub async fn masked_phone(ctx: &Ctx, tx: &LoginTransaction) -> Result<Option<String>, Fault> {
    let phone = default_phone(ctx, tx).await?;
    Ok(phone.map(|phone| mask::phone(phone.national(), Viewer::Own)))
}

async fn default_phone(ctx: &Ctx, tx: &LoginTransaction) -> Result<Option<Phone>, Fault> {
    let Some(proved) = &tx.proved else { return Ok(None) };
    let phones = ctx.services.store.rows().accounts().phones(proved.account).await?;
    Ok(phones.into_iter().find(|binding| binding.is_default).map(|binding| binding.phone))
}

/// Whether a code is on its way for this transaction.
pub async fn is_sent(ctx: &Ctx, tx: &LoginTransaction) -> Result<bool, Fault> {
    let sent: Option<Sent> = ctx.services.ephemeral.get(Kind::Otp, &tx.id).await?;
    Ok(sent.is_some())
}

/// Sends a code. A send that fails burns neither the code before it nor the person's limits.
pub async fn send(ctx: &Ctx, tx: &LoginTransaction) -> Result<Result<(), Refusal>, Fault> {
    let Some(phone) = default_phone(ctx, tx).await? else { return Ok(Err(Refusal::NoPhone)) };
    let ephemeral = &ctx.services.ephemeral;
    let (name, most) = (Hashed::of(phone.as_str()).to_text(), &ctx.realm.sms.limits);
    let pause = format!("sms-pause/{name}");
    let (n_now, retry_after) = ephemeral.count(Kind::Rate, &pause, most.pause).await?;
    if n_now > 1 {
        return Ok(Err(Refusal::OtpRate { retry_after }));
    }
    let limits = [
        (format!("sms-hour/{name}"), most.per_phone_and_hour, 3600),
        (format!("sms-day/{name}"), most.per_phone_and_day, 86_400),
        (format!("sms-address/{}", ctx.ip), most.per_address_and_hour, 3600),
        (format!("sms-realm/{}", ctx.realm.id), most.per_day, 86_400),
    ];
    for (key, most, seconds) in &limits {
        let (count, retry_after) = ephemeral.count(Kind::Rate, key, *seconds).await?;
        if count > *most {
            return Ok(Err(Refusal::OtpRate { retry_after }));
        }
    }
    let code = ctx.random().digits(6);
    let gateways: Vec<Gateway<'_>> = ctx.realm.sms.gateways.iter().map(gateway).collect();
    let handed_in = (&ctx.services.clock, ctx.random());
    if let Err(error) = ctx.services.outbound.send_code(&gateways, &phone, &code, handed_in).await {
        tracing::warn!(%error, "The SMS gateway did not accept a code");
        ephemeral.forget(Kind::Rate, &pause).await?;
        for (key, _, _) in &limits {
            ephemeral.uncount(Kind::Rate, key).await?;
        }
        return Ok(Err(Refusal::OtpUnavailable));
    }
    let sent = Sent { hash: bind(tx, &phone, &code), phone: phone.as_str().to_owned() };
    ephemeral.put(Kind::Otp, &tx.id, &sent, ctx.realm.sms.lifetime).await?;
    ephemeral.forget(Kind::Rate, &format!("otp-tries/{}", tx.id)).await?;
    Ok(Ok(()))
}

fn gateway(known: &SmsGateway) -> Gateway<'_> {
    let SmsGateway { url, secret, key_id, app_id, sign_name, template, .. } = known;
    match known.kind {
        GatewayKind::Webhook => Gateway::Webhook { url, secret },
        GatewayKind::Aliyun => Gateway::Aliyun { url, key_id, secret, sign_name, template },
        GatewayKind::Tencent => {
            Gateway::Tencent { url, key_id, secret, app_id, sign_name, template }
        }
    }
}

/// A code fits one transaction and one phone (security rule 3).
fn bind(tx: &LoginTransaction, phone: &Phone, code: &Secret) -> String {
    Hashed::of(&format!("{}\n{phone}\n{}", tx.id, code.expose())).to_text()
}

/// Right once; five wrong ones void the code.
pub async fn verify(
    ctx: &Ctx,
    tx: &LoginTransaction,
    code: &Secret,
) -> Result<Result<LoginTransaction, Refusal>, Fault> {
    let ephemeral = &ctx.services.ephemeral;
    let Some(sent) = ephemeral.get::<Sent>(Kind::Otp, &tx.id).await? else {
        return Ok(Err(Refusal::OtpExpired));
    };
    let tries = format!("otp-tries/{}", tx.id);
    let (n_tries, _) = ephemeral.count(Kind::Rate, &tries, ctx.realm.sms.lifetime).await?;
    if n_tries > MAX_TRIES {
        let _: Option<Sent> = ephemeral.take(Kind::Otp, &tx.id).await?;
        return Ok(Err(Refusal::OtpExpired));
    }
    let phone = Phone::parse(&sent.phone).map_err(|error| Fault::Internal(error.to_string()))?;
    if !same(bind(tx, &phone, code).as_bytes(), sent.hash.as_bytes()) {
        return Ok(Err(Refusal::Otp));
    }
    if ephemeral.take::<Sent>(Kind::Otp, &tx.id).await?.is_none() {
        return Ok(Err(Refusal::OtpExpired));
    }
    let mut next = tx.clone();
    if let Some(proved) = &mut next.proved {
        proved.second_factor = Some(Factor::Sms);
    }
    login::advance(ctx, tx, next).await
}
