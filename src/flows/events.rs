//! Delivers what `flows::telling` has queued for applications: signed webhooks about relations and
//! pushed security events, with patience, and a list of what could not be delivered.

use serde_json::{Value, json};

use super::logout::BACK_OFF;
use super::second_factor::gateway;
use super::{Ctx, Fault};
use crate::ephemeral::Kind;
use crate::jose::jwt::sign;
use crate::outbound::sms::{Gateway, Message};
use crate::realm::file::GatewayKind;
use crate::store::events::{Channel, EventDelivery};

/// Further notices of the day wait in the account centre alone; nobody's phone is flooded by
/// somebody who adds and withdraws them all day.
const TEXTS_PER_PERSON_AND_DAY: u32 = 10;

/// Delivers what is due in this realm; a job calls it again and again. Returns how many it tried.
pub async fn deliver_due(ctx: &Ctx) -> Result<usize, Fault> {
    let due = ctx.services.store.rows().events().due(&ctx.realm.id, ctx.now()).await?;
    let mut tried = 0;
    for delivery in due {
        let n_tries = usize::try_from(delivery.n_tries).unwrap_or(usize::MAX);
        let wait = BACK_OFF.get(n_tries).copied();
        let again_at = ctx.now().plus(wait.unwrap_or(86_400));
        let tx = ctx.services.store.begin().await?;
        let claimed = tx.rows().events().claim(&delivery, again_at).await?;
        tx.commit().await?;
        if !claimed {
            continue;
        }
        tried += 1;
        let (state, error) = match (deliver(ctx, &delivery).await?, wait) {
            (Ok(()), _) => ("done", None),
            (Err(error), Some(_)) => ("waiting", Some(error)),
            (Err(error), None) => ("dead", Some(error)),
        };
        let tx = ctx.services.store.begin().await?;
        tx.rows().events().settle(delivery.id, state, error).await?;
        tx.commit().await?;
    }
    Ok(tried)
}

async fn deliver(ctx: &Ctx, delivery: &EventDelivery) -> Result<Result<(), String>, Fault> {
    if delivery.channel == Channel::Sms {
        return deliver_sms(ctx, delivery).await;
    }
    let Some(client) = ctx.realm.clients.get(&delivery.client_id) else { return Ok(Ok(())) };
    let outbound = &ctx.services.outbound;
    let sent = match delivery.channel {
        Channel::Relation => {
            let Some((url, secret)) = &client.relation_events else { return Ok(Ok(())) };
            let handed_in = (&ctx.services.clock, ctx.random());
            outbound.post_signed(url, secret, delivery.body.clone(), handed_in).await
        }
        Channel::Push => {
            let Some(url) = &client.event_endpoint else { return Ok(Ok(())) };
            let stream = super::streams::find(ctx, &delivery.client_id).await?;
            if stream.is_some_and(|stream| stream.status == "paused") {
                return Ok(Err("the stream is paused".to_owned()));
            }
            outbound.push_event(url, set(ctx, delivery)?).await
        }
        Channel::Poll | Channel::Sms => return Ok(Ok(())),
    };
    Ok(sent.map_err(|error| error.to_string()))
}

/// To the person's default phone as it is now.
async fn deliver_sms(ctx: &Ctx, delivery: &EventDelivery) -> Result<Result<(), String>, Fault> {
    let rows = ctx.services.store.rows();
    let Ok(person) = delivery.about.parse() else { return Ok(Ok(())) };
    let Some(account) = rows.accounts().find_by_person(person).await? else { return Ok(Ok(())) };
    let phones = rows.accounts().phones(account.id).await?;
    let Some(binding) = phones.into_iter().find(|binding| binding.is_default) else {
        return Ok(Ok(()));
    };
    let body: Value =
        serde_json::from_str(&delivery.body).map_err(|error| Fault::Internal(error.to_string()))?;
    let text = |name: &str| body[name].as_str().unwrap_or_default();
    let message = Message::Notice { event: text("event"), enterprise: text("enterprise") };
    let known = ctx
        .realm
        .sms
        .gateways
        .iter()
        .filter(|one| one.kind == GatewayKind::Webhook || !one.notice_template.is_empty());
    let gateways: Vec<Gateway<'_>> = known.map(|one| gateway(one, &one.notice_template)).collect();
    if gateways.is_empty() && !ctx.realm.sms.gateways.is_empty() {
        return Ok(Ok(()));
    }
    let handed_in = (&ctx.services.clock, ctx.random());
    let rate = format!("notice/{person}");
    let (count, _) = ctx.services.ephemeral.count(Kind::Rate, &rate, 86_400).await?;
    if count > TEXTS_PER_PERSON_AND_DAY {
        return Ok(Ok(()));
    }
    let sent = ctx.services.outbound.send_sms(&gateways, &binding.phone, &message, handed_in).await;
    if sent.is_err() {
        ctx.services.ephemeral.uncount(Kind::Rate, &rate).await?;
    }
    Ok(sent.map_err(|error| error.to_string()))
}

/// A security event token (RFC 8417), signed as it leaves.
pub fn set(ctx: &Ctx, delivery: &EventDelivery) -> Result<String, Fault> {
    let mut claims: Value =
        serde_json::from_str(&delivery.body).map_err(|error| Fault::Internal(error.to_string()))?;
    claims["iss"] = json!(ctx.realm.issuer);
    claims["aud"] = json!(delivery.client_id);
    claims["iat"] = json!(delivery.created_at.0);
    claims["jti"] = json!(delivery.id.to_string());
    let algorithm = ctx.realm.clients.get(&delivery.client_id).map(|client| client.id_token_alg);
    let published = ctx.services.keys.of(&ctx.realm)?;
    let algorithm = algorithm.unwrap_or(crate::jose::Algorithm::ES256);
    Ok(sign(published.keys.current(algorithm)?, "secevent+jwt", &claims)?)
}
