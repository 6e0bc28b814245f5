//! From domain values to what pages show: names in the reader's language, masked where another
//! person's.

use crate::domain::acting::{Acting, ActingIdentity, EnterpriseIdentity};
use crate::domain::engagement::AgentIdentity;
use crate::domain::identity_type::{IdentityTypeName, Permissions};
use crate::domain::invitation::Invitation;
use crate::domain::login::Proved;
use crate::domain::number::document::DocumentType;
use crate::domain::number::normalise;
use crate::flows::Fault;
use crate::flows::centre::known;
use crate::flows::identity::choices::pending_in;
use crate::oidc::params::Params;
use crate::realm::Agreement;
use crate::views::page::{AgreementView, IdentityView, SearchView};
use crate::web::request::Request;

pub fn type_name(request: &Request, name: &IdentityTypeName) -> String {
    let known = request.ctx.realm.identity_types.get(name);
    known.map_or_else(
        || name.0.clone(),
        |(_, texts)| texts.in_language(request.language()).to_owned(),
    )
}

/// What a kind of document is called.
pub fn document(request: &Request, kind: DocumentType) -> String {
    request.text(&format!("document-{}", kind.name().replace('_', "-")))
}

/// A text to be read before it is accepted.
pub fn agreement(request: &Request, one: &Agreement) -> AgreementView {
    let language = request.language();
    AgreementView {
        id: one.id.clone(),
        title: one.title.in_language(language).to_owned(),
        version: one.version.clone(),
        paragraphs: one.text.in_language(language).split("\n\n").map(str::to_owned).collect(),
    }
}

pub fn permission_names(request: &Request, codes: &Permissions) -> Vec<String> {
    let known = |code: &String| request.ctx.realm.permissions.get(code);
    let names = codes.iter().filter_map(known);
    names.map(|texts| texts.in_language(request.language()).to_owned()).collect()
}

/// A tax authority by its name where the realm knows it, and by its code where it does not.
pub fn authority(request: &Request, code: &str) -> String {
    let known = request.ctx.realm.tax_authorities.get(code);
    known.map_or_else(|| code.to_owned(), |name| name.in_language(request.language()).to_owned())
}

/// The realm's rule for a new password.
pub fn password_rule(request: &Request) -> String {
    let rules = &request.ctx.realm.password;
    let lengths = format!("{}–{}", rules.min_length, rules.max_length);
    let key = if rules.letters_merged { "password-rule-merged" } else { "password-rule" };
    let length = request.text_with("password-rule-length", &lengths);
    format!("{length}{}", request.text_with(key, &rules.min_classes.to_string()))
}

/// Enterprise and identity type in one line.
pub fn title(request: &Request, one: &EnterpriseIdentity) -> String {
    format!("{} · {}", one.enterprise.name, type_name(request, &one.identity_type.name))
}

/// As whom somebody works, in one line.
pub fn acting_title(request: &Request, identity: &ActingIdentity) -> String {
    match identity {
        ActingIdentity::Enterprise(one) => title(request, one),
        ActingIdentity::Agent(one) => {
            format!("{} · {}", one.client_enterprise.name, agent_of(request, one))
        }
        ActingIdentity::Record(one) => {
            format!("{} · {}", one.enterprise.name, one.record.record_no.as_str())
        }
        ActingIdentity::Personal => request.text("acting-personal"),
    }
}

/// Agency staff, and of which agency.
fn agent_of(request: &Request, one: &AgentIdentity) -> String {
    request.text_with("acting-agent-of", &one.agency.name)
}

/// The client enterprises of an agent.
pub fn clients(
    request: &Request,
    found: &[AgentIdentity],
    current: Option<Acting>,
) -> Vec<IdentityView> {
    let view = |one: &AgentIdentity| IdentityView {
        id: one.assignment.id.to_string(),
        enterprise: one.client_enterprise.name.clone(),
        number: one.client_enterprise.tin.clone().into(),
        identity_type: agent_of(request, one),
        permissions: permission_names(request, &one.assignment.permissions),
        valid_from: None,
        valid_to: one.engagement.valid_to.map(|day| day.to_string()),
        invited_by: None,
        is_client: true,
        is_current: current == Some(Acting::Agent(one.assignment.id)),
        is_abnormal: one.client_enterprise.status.is_abnormal(),
    };
    found.iter().map(view).collect()
}

pub fn identities(
    request: &Request,
    identities: &[EnterpriseIdentity],
    current: Option<Acting>,
) -> Vec<IdentityView> {
    let view = |one: &EnterpriseIdentity| IdentityView {
        id: one.authorisation.id.to_string(),
        enterprise: one.enterprise.name.clone(),
        number: one.enterprise.tin.clone().into(),
        identity_type: type_name(request, &one.identity_type.name),
        permissions: permission_names(request, &one.permissions),
        valid_from: None,
        valid_to: one.authorisation.valid_to().map(|day| day.to_string()),
        invited_by: None,
        is_client: false,
        is_current: current == Some(Acting::Enterprise(one.authorisation.id)),
        is_abnormal: one.enterprise.status.is_abnormal(),
    };
    identities.iter().map(view).collect()
}

/// More choices than these are searched.
const READABLE: usize = 8;
/// And no more than these are shown at once.
const SHOWN: usize = 50;

/// Narrows many choices to those that fit, and says where to search.
pub fn searched(
    all: Vec<IdentityView>,
    action: String,
    params: &Params,
) -> (Vec<IdentityView>, Option<SearchView>) {
    let text = params.get("find").unwrap_or_default().trim().to_owned();
    // Where a search has left few, there is another.
    if all.len() <= READABLE && text.is_empty() {
        return (all, None);
    }
    let fits = |one: &IdentityView| text.is_empty() || holds(one, &text);
    let mut found: Vec<IdentityView> = all.into_iter().filter(fits).collect();
    let is_cut = found.len() > SHOWN;
    found.truncate(SHOWN);
    let hidden = params.iter().filter(|(name, _)| *name != "find");
    let hidden = hidden.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    (found, Some(SearchView { action, hidden, text, is_cut }))
}

/// Whether a text that somebody searches for stands in one of them.
pub fn holds(one: &IdentityView, text: &str) -> bool {
    one.enterprise.contains(text)
        || one.identity_type.contains(text)
        || one.number.contains(&normalise(text))
}

/// What waits for this person's confirmation, with who asked (E-16).
pub async fn pending(request: &Request, proved: &Proved) -> Result<Vec<IdentityView>, Fault> {
    let Some(id) = proved.enterprise else { return Ok(Vec::new()) };
    let ctx = &request.ctx;
    let Some(enterprise) = known::enterprise(ctx, id).await? else { return Ok(Vec::new()) };
    let mut views = Vec::new();
    for one in pending_in(ctx, proved.person, id).await? {
        let invited_by = match one.invited_by {
            Some(id) => Some(known::masked_name(ctx, id).await?),
            None => None,
        };
        views.push(IdentityView {
            id: Invitation::of(&one).to_string(),
            enterprise: enterprise.name.clone(),
            number: enterprise.tin.clone().into(),
            identity_type: type_name(request, &one.identity_type),
            permissions: permission_names(request, one.permissions()),
            valid_from: Some(one.valid_from.to_string()),
            valid_to: one.valid_to().map(|day| day.to_string()),
            invited_by,
            is_client: false,
            is_current: false,
            is_abnormal: enterprise.status.is_abnormal(),
        });
    }
    Ok(views)
}
