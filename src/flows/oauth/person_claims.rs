//! Claims of the person, as far as they are known (OIDC Core §5.4).

use serde_json::{Map, Value, json};

use crate::base::id::AccountId;
use crate::domain::person::Person;
use crate::flows::{Ctx, Fault};

/// The claims of the person for which `wants` says yes, as far as they are known (OIDC Core §5.4).
pub async fn person_claims(
    ctx: &Ctx,
    account: AccountId,
    person: &Person,
    username: Option<String>,
    wants: impl Fn(&str) -> bool,
) -> Result<Map<String, Value>, Fault> {
    let phone = if wants("phone_number") || wants("phone_number_verified") {
        let phones = ctx.rows().accounts().phones(account).await?;
        phones.into_iter().find(|binding| binding.is_default).map(|binding| binding.phone)
    } else {
        None
    };
    let known = [
        ("name", Some(json!(person.name.as_str()))),
        ("gender", person.sex.as_deref().map(Value::from)),
        ("zoneinfo", Some(json!("Asia/Shanghai"))),
        ("preferred_username", username.map(Value::from)),
        ("updated_at", Some(json!(person.updated_at.0))),
        ("email", person.email.as_ref().map(|email| json!(email.as_str()))),
        ("email_verified", person.email.as_ref().map(|_| json!(false))),
        ("phone_number", phone.as_ref().map(|phone| json!(phone.as_str()))),
        ("phone_number_verified", phone.as_ref().map(|_| json!(true))),
    ];
    let wanted = known.into_iter().filter(|(name, _)| wants(name));
    Ok(wanted.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}
