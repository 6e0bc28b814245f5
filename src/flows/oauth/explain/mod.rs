//! Why somebody would get the token that they would get: the entrance, the factors, what is agreed to,
//! and every claim with what causes it. It walks through the same functions as a sign-in, `/authorize`
//! and `/token`, and keeps nothing. Who asks and why is `flows::help`'s.

mod causes;
mod question;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::base::id::SessionId;
use crate::base::secret::sha256;
use crate::domain::acting::{Acting, ActingIdentity};
use crate::domain::enterprise::EnterpriseKind;
use crate::domain::entrance::{EnterpriseNumber, Entrance, Step, Subject};
use crate::domain::factor::{Factor, Way, acr, amr};
use crate::domain::session::Session;
use crate::flows::identity::load;
use crate::flows::oauth::authorize;
use crate::flows::oauth::token;
use crate::flows::sign_in::session::admits;
use crate::flows::{Ctx, Fault, Stop};
use crate::oidc::error::OAuthError;
use crate::oidc::needs::{Act, Decision};
use crate::oidc::params::Params;
use crate::realm::RealmEntrance;
use crate::store::standing::{Held, Standing, StandingSession};
use causes::Causes;

pub use causes::Cause;
pub use question::Question;

#[derive(Clone, Debug)]
pub struct Line {
    /// `entrance`, `second_factor`, `id_token.acr`
    pub about: String,
    pub value: String,
    pub causes: Vec<Cause>,
}

/// As far as it goes.
pub struct Explanation {
    pub lines: Vec<Line>,
    /// Why there is no token; it is the last line, too.
    pub refused: Option<String>,
    /// Claims of the two tokens.
    pub id_token: Map<String, Value>,
    pub access_token: Map<String, Value>,
}

impl Explanation {
    fn say(&mut self, about: &str, value: impl Into<String>, causes: Vec<Cause>) {
        self.lines.push(Line { about: about.to_owned(), value: value.into(), causes });
    }

    fn refuse(mut self, why: &str, causes: Vec<Cause>) -> Self {
        self.say("refused", why, causes);
        self.refused = Some(why.to_owned());
        self
    }
}

pub async fn explain(ctx: &Ctx, question: &Question<'_>) -> Result<Explanation, Stop> {
    let (person, acting) = (question.person, question.acting);
    let mut told = Explanation {
        lines: Vec::new(),
        refused: None,
        id_token: Map::new(),
        access_token: Map::new(),
    };
    let of_account = || vec![Cause::Row(format!("account {}", question.account))];
    if let Err(refusal) = Stop::refusal(admits(ctx, question.account).await)? {
        return Ok(told.refuse(refusal.code(), of_account()));
    }
    let of_identity = || vec![Cause::Row(acting.to_text())];
    let identity = match load::look(ctx, ctx.rows(), person, acting).await? {
        Ok(identity) => identity,
        Err(why) => return Ok(told.refuse(&format!("E_NO_IDENTITY {}", why.key()), of_identity())),
    };
    told.say("identity", acting.kind(), of_identity());
    let causes = Causes::of(ctx, question, &identity);
    let Some(door) = door(ctx, question, &identity, &mut told) else {
        return Ok(told.refuse("no entrance leads to this identity for this application", vec![]));
    };
    agreements(ctx, question, &mut told).await?;
    let session = session(ctx, question, &door).await?;
    let verifier = ctx.random().token();
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(sha256(verifier.expose().as_bytes()));
    let params = request(question, challenge);
    let standing = Standing { is_account_open: true, era: 0, held: held(ctx, question).await? };
    let found = StandingSession { session, standing };
    let preview = match authorize::preview(ctx, params, found).await {
        Err(Stop::Client(error)) => {
            return Ok(told.refuse(&said(&error), vec![causes.client("client_id")]));
        }
        other => other?,
    };
    consent(question, &preview, &causes, &mut told);
    match &preview.decision {
        Decision::Issue | Decision::Do(Act::Consent) => {}
        Decision::Do(act) => told.say("needed_first", format!("{act:?}"), vec![Cause::SignIn]),
        Decision::Refuse(error) => return Ok(told.refuse(&said(error), vec![Cause::SignIn])),
    }
    let Some((grant, identity)) = preview.grant else { return Ok(told) };
    let redeemed = Params::from_map(
        [
            ("grant_type", "authorization_code"),
            ("code", "explained"),
            ("redirect_uri", grant.redirect_uri.as_str()),
            ("code_verifier", verifier.expose()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect(),
    );
    let tokens = token::preview(ctx, question.client, &redeemed, (&grant, &identity)).await?;
    told.id_token = members(&tokens.id_token)?;
    told.access_token = members(&tokens.access_token)?;
    told.say("access_token.format", format!("{:?}", tokens.format), vec![causes.format()]);
    for (token, claims) in
        [("id_token", told.id_token.clone()), ("access_token", told.access_token.clone())]
    {
        for (name, value) in &claims {
            told.say(&format!("{token}.{name}"), value.to_string(), causes.claim(token, name));
        }
    }
    Ok(told)
}

fn said(error: &OAuthError) -> String {
    format!("{} {}", error.code.name(), error.reason)
}

fn members(claims: &impl serde::Serialize) -> Result<Map<String, Value>, Fault> {
    match serde_json::to_value(claims) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Ok(Map::new()),
        Err(error) => Err(Fault::Internal(error.to_string())),
    }
}

/// The entrance that is taken, and what a sign-in there goes by.
struct Door<'c> {
    entrance: &'c Entrance,
    way: Way,
    factor: Option<Factor>,
}

/// The entrances that lead to the identity, and the factors of the one that is taken.
fn door<'c>(
    ctx: &'c Ctx,
    question: &Question<'_>,
    identity: &ActingIdentity,
    told: &mut Explanation,
) -> Option<Door<'c>> {
    let at = |index: usize, key: &str| {
        vec![Cause::Setting(format!("entrances.toml: entrance[{index}].{key}"))]
    };
    let serves = question.client.serves;
    let fits = |known: &RealmEntrance| {
        known.entrance.audience == serves
            && leads_to(&known.entrance, identity)
            && way(ctx, &known.entrance, identity).is_some()
    };
    let all = ctx.realm.entrances.iter().enumerate();
    let fitting: Vec<(usize, &RealmEntrance)> = all.filter(|(_, known)| fits(known)).collect();
    for (index, known) in &fitting {
        told.say("entrance", &known.entrance.id, at(*index, "id"));
    }
    let is_meant =
        |known: &RealmEntrance| question.entrance.is_none_or(|asked| asked == known.entrance.id);
    let (index, known) = fitting.into_iter().find(|(_, known)| is_meant(known))?;
    let entrance = &known.entrance;
    let way = way(ctx, entrance, identity)?;
    if !entrance.asks_second_factor() {
        told.say("second_factor", "none is asked for", at(index, "steps"));
        return Some(Door { entrance, way, factor: None });
    }
    for (place, factor) in entrance.second_factors.iter().enumerate() {
        told.say("second_factor", factor.name(), at(index, &format!("second_factors[{place}]")));
    }
    let usual = entrance.second_factors.first().copied();
    let factor = question.factor.or(usual).filter(|factor| entrance.takes(*factor))?;
    Some(Door { entrance, way, factor: Some(factor) })
}

/// What a door begins with; `None`: a certificate, which the enterprise does not have from any authority that is
/// trusted here. Of several authorities' the first.
fn way(ctx: &Ctx, entrance: &Entrance, identity: &ActingIdentity) -> Option<Way> {
    if entrance.steps.first() != Some(&Step::Certificate) {
        return Some(Way::Password);
    }
    let ActingIdentity::Enterprise(one) = identity else { return None };
    let mut authorities = one.enterprise.certificate_authorities.iter();
    let keys = authorities.find_map(|id| ctx.realm.certificates.authority(id)).map(|one| one.keys);
    keys.map(Way::Certificate)
}

/// Whether a sign-in here can end as this identity.
fn leads_to(entrance: &Entrance, identity: &ActingIdentity) -> bool {
    match (entrance.subject, identity) {
        (_, ActingIdentity::Personal) => entrance.leads_to_person(),
        (Subject::Enterprise, ActingIdentity::Enterprise(one)) => {
            let is_foreign = one.enterprise.kind == EnterpriseKind::NonResident;
            let takes_all = entrance.enterprise_number != EnterpriseNumber::NonResidentCode;
            (takes_all || is_foreign)
                && entrance.audience.admits(&one.enterprise, &one.identity_type)
        }
        (Subject::Agent, ActingIdentity::Agent(_))
        | (Subject::SpecificEntity, ActingIdentity::Record(_)) => true,
        _ => false,
    }
}

async fn agreements(
    ctx: &Ctx,
    question: &Question<'_>,
    told: &mut Explanation,
) -> Result<(), Fault> {
    let accounts = ctx.rows().accounts();
    for one in ctx.realm.agreements_to_sign_in() {
        let version = [(one.id.clone(), one.version.clone())];
        let has_accepted = accounts.has_accepted(question.account, &version).await?;
        let state = if has_accepted { "accepted" } else { "is asked at the next sign-in" };
        let index = ctx.realm.agreements.iter().position(|known| known.id == one.id);
        let setting = format!("realm.toml: agreements[{}].version", index.unwrap_or_default());
        let value = format!("{} {} {state}", one.id, one.version);
        told.say("agreement", value, vec![Cause::Setting(setting)]);
    }
    Ok(())
}

/// As a sign-in of this moment would make it.
async fn session(ctx: &Ctx, question: &Question<'_>, door: &Door<'_>) -> Result<Session, Fault> {
    let Door { entrance, way, factor } = *door;
    let level = match factor {
        Some(factor) if factor.is_face() => {
            let person = ctx.rows().people().find(question.person).await?;
            person.map_or(1, |person| person.real_name_level)
        }
        _ => 1,
    };
    let now = ctx.now();
    Ok(Session {
        id: SessionId::new(&ctx.services.clock, ctx.random()),
        // No browser has it.
        cookie: ctx.random().token().hashed(),
        person: question.person,
        account: question.account,
        acting: question.acting,
        amr: amr(way, factor),
        acr: acr(way, factor, level),
        auth_time: now,
        entrance: entrance.id.clone(),
        one_way_personal: question.acting == Acting::Personal,
        ip: ctx.ip.to_string(),
        device: ctx.device.clone(),
        created_at: now,
        expires_at: now.plus(ctx.realm.lifetimes.session),
    })
}

/// An authorization request of the application.
fn request(question: &Question<'_>, challenge: String) -> Params {
    let client = question.client;
    let usual: Vec<&str> = crate::realm::check::PUBLIC_SCOPES
        .into_iter()
        .filter(|scope| client.scopes.contains(*scope))
        .collect();
    let redirect = client.redirect_uris.first().cloned().unwrap_or_default();
    let mut params = vec![
        ("response_type", "code".to_owned()),
        ("client_id", client.client_id.clone()),
        ("redirect_uri", redirect),
        ("scope", question.scope.map_or_else(|| usual.join(" "), str::to_owned)),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256".to_owned()),
    ];
    if !question.resources.is_empty() {
        params.push(("resource", question.resources.join("\n")));
    }
    let params = params.into_iter().map(|(name, value)| (name.to_owned(), value));
    Params::from_map(params.collect())
}

fn consent(
    question: &Question<'_>,
    preview: &authorize::Preview,
    causes: &Causes,
    told: &mut Explanation,
) {
    let setting = vec![causes.client("consent")];
    let needed = preview.decision == Decision::Do(Act::Consent);
    let value = match &preview.asks_consent {
        None => "is not asked for".to_owned(),
        Some(scopes) if needed => format!("is asked for: {scopes}"),
        Some(_) => "given".to_owned(),
    };
    let given =
        Cause::Row(format!("consent of {} for {}", question.person, question.client.client_id));
    let causes = if value == "given" { [setting, vec![given]].concat() } else { setting };
    told.say("consent", value, causes);
}

async fn held(ctx: &Ctx, question: &Question<'_>) -> Result<Held, Fault> {
    load::held(ctx.rows(), question.person, question.acting).await
}
