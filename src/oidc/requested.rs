//! The `claims` parameter (OIDC Core §5.5): single claims, asked for by name and by value.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::domain::number::personal_id::PersonalId;
use crate::oidc::claims::scope_of;
use crate::oidc::error::OAuthError;
use crate::oidc::params::Params;
use crate::oidc::scope::Scopes;

/// Claims asked for by name, in the two places they can go. What a client is not registered for, or
/// nobody knows of the person, is left out.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct RequestedClaims {
    #[serde(default, deserialize_with = "members")]
    pub userinfo: BTreeMap<String, ClaimRequest>,
    #[serde(default, deserialize_with = "members")]
    pub id_token: BTreeMap<String, ClaimRequest>,
}

/// How a claim is asked for (OIDC Core §5.5.1).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ClaimRequest {
    pub essential: bool,
    /// The one that it is to have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Any of these; of none of them none will do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<Value>>,
}

impl ClaimRequest {
    fn read(how: &Map<String, Value>) -> Option<Self> {
        let given = |name: &str| how.get(name).filter(|value| !value.is_null());
        Some(Self {
            essential: given("essential").map_or(Some(false), Value::as_bool)?,
            value: given("value").cloned(),
            values: match given("values") {
                Some(values) => Some(values.as_array()?.clone()),
                None => None,
            },
        })
    }

    /// Whether a value of this claim will do. Where one value and a list are given, both must be met.
    pub fn takes(&self, claim: &str, value: &Value) -> bool {
        let is_it = |wanted: &Value| is_same(claim, wanted, value);
        self.value.as_ref().is_none_or(is_it)
            && self.values.as_ref().is_none_or(|wanted| wanted.iter().any(is_it))
    }

    /// The values of this claim that will do; `None`: any.
    fn wanted(&self, claim: &str) -> Option<Vec<&Value>> {
        match (&self.value, &self.values) {
            (None, None) => None,
            (Some(only), _) => {
                Some([only].into_iter().filter(|only| self.takes(claim, only)).collect())
            }
            (None, Some(several)) => Some(several.iter().collect()),
        }
    }
}

/// Names by which a person signs in are the same however they are spelled, as at the door: what admits a
/// person to a request must not be missing from its answer.
fn is_same(claim: &str, one: &Value, other: &Value) -> bool {
    one == other || name_of(claim, one).is_some_and(|name| Some(name) == name_of(claim, other))
}

fn name_of(claim: &str, value: &Value) -> Option<PersonalId> {
    PersonalId::of_claim(claim, value.as_str()?)
}

/// `null` asks for a claim in no particular way; grants of before held names alone.
fn members<'de, D: Deserializer<'de>>(
    value: D,
) -> Result<BTreeMap<String, ClaimRequest>, D::Error> {
    let plain = |name: String| (name, ClaimRequest::default());
    Ok(match Value::deserialize(value)? {
        Value::Object(members) => {
            let read = |(name, asked): (String, Value)| {
                (name, serde_json::from_value(asked).unwrap_or_default())
            };
            members.into_iter().map(read).collect()
        }
        Value::Array(list) => {
            list.iter().filter_map(Value::as_str).map(|name| plain(name.to_owned())).collect()
        }
        _ => BTreeMap::new(),
    })
}

/// What a token says of its sign-in whether it is asked for or not.
const ALWAYS: [&str; 2] = ["acr", "sub"];

/// Claims by which a person signs in, and no two do.
const NAMES: [&str; 3] = ["preferred_username", "email", "phone_number"];

impl RequestedClaims {
    /// Two objects, their members `null` or an object; a member of those that is `null` is absent.
    pub fn parse(params: &Params) -> Result<Self, OAuthError> {
        let malformed = || OAuthError::request("claims is an object of objects");
        let Some(claims) = params.value("claims")? else { return Ok(Self::default()) };
        let places = claims.as_object().ok_or_else(malformed)?;
        let place = |name: &str| place(places.get(name)).ok_or_else(malformed);
        Ok(Self { userinfo: place("userinfo")?, id_token: place("id_token")? })
    }

    /// Only what these scopes would give.
    #[must_use]
    pub fn within(mut self, allowed: &BTreeSet<String>) -> Self {
        let known = |name: &String| {
            ALWAYS.contains(&name.as_str())
                || scope_of(name).is_some_and(|scope| allowed.contains(scope))
        };
        self.userinfo.retain(|name, _| known(name));
        self.id_token.retain(|name, _| known(name));
        self
    }

    /// The scopes that would give them: what the person is asked to agree to.
    pub fn scopes(&self) -> Scopes {
        let names = self.userinfo.keys().chain(self.id_token.keys());
        let scopes: Vec<&str> = names.filter_map(|name| scope_of(name)).collect();
        Scopes::parse(&scopes.join(" "))
    }

    pub fn is_empty(&self) -> bool {
        self.userinfo.is_empty() && self.id_token.is_empty()
    }

    /// Whether nobody else is asked for than the person of this `sub`.
    pub fn may_be(&self, subject: &str) -> bool {
        let subject = Value::from(subject);
        [&self.userinfo, &self.id_token]
            .into_iter()
            .filter_map(|place| place.get("sub"))
            .all(|asked| asked.takes("sub", &subject))
    }

    /// By which names the person is asked for: of each group one is to be theirs. Only what is essential
    /// names somebody; what is not is left out of the answer (OIDC Core §5.5.1).
    pub fn names(&self) -> impl Iterator<Item = Vec<PersonalId>> {
        let places = [&self.userinfo, &self.id_token].into_iter();
        let asked = places
            .flat_map(|place| NAMES.iter().filter_map(|claim| Some((*claim, place.get(*claim)?))));
        let groups = asked.filter(|(_, asked)| asked.essential);
        groups.filter_map(|(claim, asked)| {
            let wanted = asked.wanted(claim)?.into_iter();
            Some(wanted.filter_map(|value| name_of(claim, value)).collect())
        })
    }

    /// The levels of the ID token that will do and whether one of them must be reached, if any are
    /// asked for.
    pub fn acr(&self) -> Option<(bool, Vec<String>)> {
        let asked = self.id_token.get("acr")?;
        let values = asked.wanted("acr")?.into_iter().filter_map(Value::as_str).map(str::to_owned);
        Some((asked.essential, values.collect()))
    }
}

fn place(members: Option<&Value>) -> Option<BTreeMap<String, ClaimRequest>> {
    let members = match members {
        None | Some(Value::Null) => return Some(BTreeMap::new()),
        Some(Value::Object(members)) => members,
        Some(_) => return None,
    };
    let read = |(name, how): (&String, &Value)| {
        let asked = match how {
            Value::Null => ClaimRequest::default(),
            Value::Object(how) => ClaimRequest::read(how)?,
            _ => return None,
        };
        Some((name.clone(), asked))
    };
    members.iter().map(read).collect()
}
