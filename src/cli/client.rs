//! `hufu client`: what a registered application may do, and what waits for it. Reads the realm's files
//! without a secret of them, and the database.

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::place::{Opened, Place};
use crate::cli::result::{CliResult, Failure, say};
use crate::cli::start::Wanted;
use crate::config::Settings;
use crate::flows::Ctx;
use crate::realm::client::{Client, Credential};

#[derive(Subcommand)]
pub enum ClientAct {
    Show {
        realm: String,
        client: String,
        /// JSON, one object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Place,
    },
}

pub async fn run(act: ClientAct, settings: Settings) -> CliResult {
    let ClientAct::Show { realm, client, json, place } = act;
    let wanted = Wanted::of(&place.over(settings))?;
    let ctx = Opened::at(&wanted).await?.ctx(&wanted, &realm).await?;
    let shape = shape(&ctx, known(&ctx, &client)?).await?;
    if json {
        say(shape)?;
        return Ok(());
    }
    for (name, value) in shape.as_object().into_iter().flatten() {
        match value {
            Value::Null => {}
            Value::String(text) => say(format_args!("{name}: {text}"))?,
            Value::Array(items) => {
                let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                say(format_args!("{name}: {}", items.join(" ")))?;
            }
            other => say(format_args!("{name}: {other}"))?,
        }
    }
    Ok(())
}

pub fn known<'c>(ctx: &'c Ctx, client: &str) -> Result<&'c Client, Failure> {
    let clients = &ctx.realm.clients;
    let unknown = || {
        let known: Vec<&str> = clients.keys().map(String::as_str).collect();
        format!("{} has no client `{client}`; known are: {}", ctx.realm.id, known.join(", "))
    };
    Ok(clients.get(client).map(AsRef::as_ref).ok_or_else(unknown)?)
}

/// As `docs/operations.md` has it.
async fn shape(ctx: &Ctx, client: &Client) -> Result<Value, Failure> {
    let deliveries = ctx.rows().deliveries();
    let unsettled = deliveries.count_unsettled(Some(&client.client_id)).await?;
    let grants = client.grant_types.iter().map(serde_json::to_value);
    Ok(json!({
        "client_id": client.client_id,
        "name": client.name.zh,
        "credential": match client.credential {
            Credential::Secret(_) => "secret",
            Credential::PrivateKeyJwt(_) => "private_key_jwt",
            Credential::Public => "none",
        },
        "redirect_uris": client.redirect_uris,
        "grant_types": grants.collect::<Result<Vec<_>, _>>()?,
        "scopes": client.scopes,
        "permissions": client.permissions,
        "asks_consent": client.consent,
        "id_token_alg": client.id_token_alg.name(),
        "is_pairwise": client.pairwise,
        "needs_dpop": client.dpop,
        "backchannel_logout_uri": client.backchannel_logout_uri,
        "deliveries_waiting": unsettled.waiting,
        "deliveries_given_up": unsettled.dead,
    }))
}
