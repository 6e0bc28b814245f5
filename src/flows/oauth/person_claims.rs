//! Claims of the person, as far as they are known (OIDC Core §5.4), and of the identity by name.

use serde_json::{Map, Value, json};

use crate::base::id::AccountId;
use crate::domain::acting::ActingIdentity;
use crate::domain::claims::TaxClaims;
use crate::domain::factor::proves_no_person;
use crate::domain::number::phone::Phone;
use crate::domain::person::{Person, PersonKind};
use crate::flows::{Ctx, Fault};
use crate::realm::client::Client;
use crate::store::grants::StoredGrant;

/// What an application hears of a handler who was chosen with an enterprise's certificate: in whose name it
/// acts. The rest is that person's own, and nobody has proved to be them (DEC-10).
const IN_WHOSE_NAME: [&str; 6] =
    ["name", "family_name", "given_name", "locale", "zoneinfo", "updated_at"];

/// The phone of which applications hear, if any: the default one.
pub async fn told_phone(ctx: &Ctx, account: AccountId) -> Result<Option<Phone>, Fault> {
    let phones = ctx.rows().accounts().phones(account).await?;
    Ok(phones.into_iter().find(|binding| binding.is_default).map(|binding| binding.phone))
}

/// The claims of the person for which `wants` says yes, as far as they are known (OIDC Core §5.4).
pub async fn person_claims(
    ctx: &Ctx,
    grant: &StoredGrant,
    person: &Person,
    username: Option<String>,
    wants: impl Fn(&str) -> bool,
) -> Result<Map<String, Value>, Fault> {
    let is_proved = !proves_no_person(&grant.amr);
    let wants = |name: &str| wants(name) && (is_proved || IN_WHOSE_NAME.contains(&name));
    let phone = if wants("phone_number") || wants("phone_number_verified") {
        told_phone(ctx, grant.account).await?
    } else {
        None
    };
    let address = match wants("address") {
        true => ctx.rows().people().address(person.id).await?,
        false => None,
    };
    let is_domestic = person.kind == PersonKind::Domestic;
    let parts = person.name.parts().filter(|_| is_domestic);
    let known = [
        ("name", Some(json!(person.name.as_str()))),
        ("family_name", parts.map(|(family, _)| json!(family))),
        ("given_name", parts.map(|(_, given)| json!(given))),
        ("locale", is_domestic.then(|| json!("zh-CN"))),
        ("gender", person.sex.as_deref().map(Value::from)),
        ("zoneinfo", Some(json!("Asia/Shanghai"))),
        ("preferred_username", username.map(Value::from)),
        ("updated_at", Some(json!(person.updated_at.0))),
        ("email", person.email.as_ref().map(|email| json!(email.as_str()))),
        (
            "email_verified",
            person.email.as_ref().map(|_| json!(person.email_verified_at.is_some())),
        ),
        ("phone_number", phone.as_ref().map(|phone| json!(phone.as_str()))),
        ("phone_number_verified", phone.as_ref().map(|_| json!(true))),
        ("address", address.map(|address| json!({"formatted": address.as_str()}))),
    ];
    let wanted = known.into_iter().filter(|(name, _)| wants(name));
    Ok(wanted.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

/// Of the claims that scope `tax_identity` gives, those that are asked for one by one.
pub fn named(
    client: &Client,
    identity: &ActingIdentity,
    wants: impl Fn(&str) -> bool,
) -> Result<Map<String, Value>, Fault> {
    if !["tax_identity", "roles", "permissions"].into_iter().any(&wants) {
        return Ok(Map::new());
    }
    let all = serde_json::to_value(TaxClaims::of(identity, client.permissions.as_ref()));
    match all.map_err(|error| Fault::Internal(error.to_string()))? {
        Value::Object(all) => Ok(all.into_iter().filter(|(name, _)| wants(name)).collect()),
        _ => Ok(Map::new()),
    }
}
