//! Scanning by another operator's phone application: its server proves itself as a client and
//! signs, for every act, who of its signed-in people does what with which code (Q-05, E-13).

use std::net::IpAddr;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::base::id::PersonId;
use crate::base::secret::{Hashed, sha256};
use crate::domain::acting::Acting;
use crate::domain::mask;
use crate::domain::number::document::DocumentNumber;
use crate::domain::number::name::PersonName;
use crate::domain::refusal::{NoIdentity, Refusal};
use crate::domain::scan::{Claim, Confirmed, Number, Phone, Purpose, Scan, ScanState};
use crate::flows::sign_in::scan::{claim, code, matter};
use crate::flows::sign_in::{new_document, transaction};
use crate::flows::{Ctx, Fault, Stop};
use crate::jose::jwt::verify_foreign;
use crate::realm::client::{Client, Credential};

/// What the operator's server signs, as a JWT.
#[derive(Debug, Serialize, Deserialize)]
pub struct Statement {
    /// The client's id.
    pub iss: String,
    /// The realm's issuer.
    pub aud: String,
    /// The operator's own name for the person.
    pub sub: String,
    pub iat: i64,
    pub exp: i64,
    pub jti: String,
    /// base64url(SHA-256) of the scanned code.
    pub code_hash: String,
    /// `scan`, `state`, `confirm` or `cancel`.
    pub act: String,
    pub name: String,
    pub document_number: String,
    /// The operator has just compared the person's face.
    #[serde(default)]
    pub face: bool,
    /// With `scan`: where the phone is. The server's own address says nothing about it, so without
    /// this the person is always asked for the browser's number.
    #[serde(default)]
    pub phone_ip: Option<IpAddr>,
}

const LONGEST_STATEMENT: i64 = 120;

/// Does what a statement says; the answer is what the phone shows. `typed`: the browser's number, or
/// nothing.
pub async fn act(
    ctx: &Ctx,
    client: &Client,
    code: &str,
    statement: &str,
    typed: &str,
) -> Result<Value, Stop> {
    let Some(said) = believed(ctx, client, code, statement).await? else {
        return Err(Refusal::Credentials.into());
    };
    let Some(found) = code::find(ctx, code).await? else { return Err(Refusal::ScanExpired.into()) };
    if client.scan_app != Some(found.app) {
        return Err(Refusal::State.into());
    }
    let key = Hashed::of(&format!("{}\n{}", client.client_id, said.sub)).to_text();
    match said.act.as_str() {
        "scan" => {
            let phone = Phone { key, name: mask::name(&said.name) };
            let scanned = code::scan(ctx, code, phone, said.phone_ip).await?;
            let holder = Stop::refusal(whose(ctx, &scanned, &said).await)?.ok();
            matter::asked(ctx, &scanned, holder, "zh-CN").await
        }
        "state" if found.is_held_by(&key) => Ok(json!({"state": found.stands(ctx.now())})),
        "confirm" if let Purpose::Claim(claim) = &found.purpose => {
            let is_true = fits(ctx, claim, &said).await?;
            let typed = Some(typed).filter(|typed| !typed.is_empty());
            let typed = typed.map(Number::parse).transpose()?;
            claim::answer(ctx, code, &key, is_true, typed).await?;
            Ok(json!({"state": "confirmed"}))
        }
        "confirm" => match Stop::refusal(person(ctx, &found, &said).await)? {
            Ok(who) => {
                let typed = Some(typed).filter(|typed| !typed.is_empty());
                let typed = typed.map(Number::parse).transpose()?;
                code::confirm(ctx, code, &key, who, typed).await?;
                Ok(json!({"state": "confirmed"}))
            }
            Err(refusal) => {
                Stop::refusal(code::end(ctx, code, &key, ScanState::Failed).await)?.ok();
                Err(refusal.into())
            }
        },
        "cancel" => {
            code::end(ctx, code, &key, ScanState::Cancelled).await?;
            Ok(json!({"state": "cancelled"}))
        }
        _ => Err(Refusal::State.into()),
    }
}

/// Signed by the client's own key, for this realm, this code, this moment, once.
async fn believed(
    ctx: &Ctx,
    client: &Client,
    code: &str,
    statement: &str,
) -> Result<Option<Statement>, Fault> {
    let Credential::PrivateKeyJwt(keys) = &client.credential else { return Ok(None) };
    let Ok(said) = verify_foreign::<Statement>(keys, statement) else { return Ok(None) };
    let now = ctx.now().0;
    let hash = BASE64_URL_SAFE_NO_PAD.encode(sha256(code.as_bytes()));
    let fits = said.iss == client.client_id
        && said.aud == ctx.realm.issuer
        && said.code_hash == hash
        && said.exp > now
        && said.exp <= now + LONGEST_STATEMENT
        && (1..=256).contains(&said.jti.len());
    if !fits {
        return Ok(None);
    }
    let key = Hashed::of(&format!("{}\n{}", client.client_id, said.jti)).to_text();
    let key = format!("statement/{key}");
    let kept = ctx.ephemeral().by_client(&client.client_id);
    let is_first = kept.mark(&key, LONGEST_STATEMENT).await?;
    Ok(is_first.then_some(said))
}

/// Name and number must both be the person's; a verification also needs the face.
async fn person(ctx: &Ctx, found: &Scan, said: &Statement) -> Result<Confirmed, Stop> {
    let is_verification = found.purpose != Purpose::SignIn;
    let refused = match is_verification {
        true => Refusal::StepUpFailed,
        false => Refusal::NoIdentity(NoIdentity::None),
    };
    if is_verification && !said.face {
        return Err(refused.into());
    }
    let id = Stop::refusal(whose(ctx, found, said).await)?.map_err(|_| refused.clone())?;
    let account = ctx.rows().accounts().find_by_person(id).await?.ok_or(refused)?;
    Ok(Confirmed {
        person: id,
        account: account.id,
        acting: Acting::Personal,
        era: account.era,
        session: None,
    })
}

/// Whether the operator says that its person has the claimed name and number, and just now that face.
async fn fits(ctx: &Ctx, claim: &Claim, said: &Statement) -> Result<bool, Fault> {
    let claimed = claim::whose(ctx, claim).await?;
    let (Some(name), Some(number)) = (claimed.name, claimed.number) else { return Ok(false) };
    Ok(said.face && says(ctx, said, &name, &number))
}

/// Whether the operator says that its person has this name and this very number.
fn says(ctx: &Ctx, said: &Statement, name: &PersonName, number: &DocumentNumber) -> bool {
    let numbers = DocumentNumber::candidates(&said.document_number, ctx.now().day());
    PersonName::parse(&said.name).is_ok_and(|said| said == *name) && numbers.contains(number)
}

/// Whose phone it is. The operator has compared the face with its own record of its person: a document that is
/// added, and of which no authority has said whose it is, has to be the one in that record (D-07).
async fn whose(ctx: &Ctx, found: &Scan, said: &Statement) -> Result<PersonId, Stop> {
    if let Purpose::Verify(question) = &found.purpose
        && let Some(transaction) = transaction::find(ctx, &found.transaction).await?
        && let Some(new) = new_document::unnamed(ctx, &transaction)
    {
        return match says(ctx, said, &new.name, &new.number) {
            true => Ok(question.person),
            false => Err(Refusal::StepUpFailed.into()),
        };
    }
    named(ctx, said).await
}

/// The one person of this name and number; `E_NO_IDENTITY` where there is none.
async fn named(ctx: &Ctx, said: &Statement) -> Result<PersonId, Stop> {
    let nobody = Refusal::NoIdentity(NoIdentity::None);
    let Ok(name) = PersonName::parse(&said.name) else { return Err(nobody.into()) };
    let rows = ctx.rows();
    let numbers = DocumentNumber::candidates(&said.document_number, ctx.now().day());
    let mut found = Vec::new();
    for id in rows.people().find_by_documents(&numbers).await? {
        let person = rows.people().find(id).await?;
        found.extend(person.filter(|person| person.name == name).map(|_| id));
    }
    // Equal digits of two people of one name: nobody can say which.
    let [id] = found[..] else { return Err(nobody.into()) };
    Ok(id)
}
