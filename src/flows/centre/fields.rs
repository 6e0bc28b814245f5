//! What an account centre's landing page tells of an enterprise: four masked blocks, each shown to
//! who may see it, and one field in full on request, which is logged (AC-04 to AC-11, G-09).

use crate::base::id::{EnterpriseId, PersonId};
use crate::domain::acting::{ActingIdentity, EnterpriseIdentity};
use crate::domain::audit::AuditEvent;
use crate::domain::enterprise::Enterprise;
use crate::domain::function::{Function, Role};
use crate::domain::mask::{self, Viewer};
use crate::domain::number::phone::Phone;
use crate::domain::profile::{Block, EnterpriseProfile};
use crate::domain::refusal::Refusal;
use crate::flows::{Ctx, Fault, Stop};

/// One line of a block. `key` names it in `locales/` and to the eye.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub block: Block,
    pub key: String,
    /// The words beside it: a key of `locales/`, or what the registry calls it.
    pub label: String,
    pub masked: String,
    pub full: String,
}

impl Field {
    fn is_masked(&self) -> bool {
        self.masked != self.full
    }
}

fn may_see(role: Role, block: Block) -> bool {
    role.may(match block {
        Block::Basics => Function::EnterpriseBasics,
        Block::KeyPersons => Function::KeyPersons,
        Block::Tax | Block::Investors => Function::TaxAndInvestors,
    })
}

/// The enterprise an identity works for: its own, or the client enterprise of an agent.
pub fn subject(identity: &ActingIdentity) -> Option<&Enterprise> {
    match identity {
        ActingIdentity::Enterprise(one) => Some(&one.enterprise),
        ActingIdentity::Agent(one) => Some(&one.client_enterprise),
        ActingIdentity::Record(_) | ActingIdentity::Personal => None,
    }
}

/// Everything of the blocks that this identity may see.
pub async fn fields(ctx: &Ctx, identity: &ActingIdentity) -> Result<Vec<Field>, Fault> {
    let Some(enterprise) = subject(identity) else { return Ok(Vec::new()) };
    let profile = ctx.rows().relations().profile(enterprise.id).await?;
    let role = Role::of(identity);
    let all = all_fields(enterprise, &profile);
    Ok(all.into_iter().filter(|field| may_see(role, field.block)).collect())
}

fn all_fields(enterprise: &Enterprise, profile: &EnterpriseProfile) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut add = |block, key: &str, label: &str, masked: String, full: &str| {
        fields.push(Field {
            block,
            key: key.to_owned(),
            label: label.to_owned(),
            masked,
            full: full.to_owned(),
        });
    };
    let plain = |text: &str| text.to_owned();
    let basics = Block::Basics;
    add(basics, "name", "field-name", mask::company(&enterprise.name), &enterprise.name);
    let tin = enterprise.tin.as_str();
    add(basics, "tin", "field-tin", plain(tin), tin);
    let authority = &enterprise.tax_authority;
    add(basics, "tax_authority", "field-tax-authority", plain(authority), authority);
    for (key, label, value) in [
        ("registered_address", "field-registered-address", &profile.registered_address),
        ("business_address", "field-business-address", &profile.business_address),
    ] {
        if let Some(value) = value {
            add(basics, key, label, mask::address(value), value);
        }
    }
    for (key, label, value) in [
        ("industry", "field-industry", &profile.industry),
        ("registered_capital", "field-registered-capital", &profile.registered_capital),
    ] {
        if let Some(value) = value {
            add(basics, key, label, plain(value), value);
        }
    }
    for (at, person) in profile.key_persons.iter().enumerate() {
        let block = Block::KeyPersons;
        add(
            block,
            &format!("person-{at}-name"),
            &person.role,
            mask::name(&person.name),
            &person.name,
        );
        if let Some(document) = &person.document {
            let masked = mask::document(document, Viewer::Other);
            add(block, &format!("person-{at}-document"), "field-document", masked, document);
        }
        if let Some(phone) = &person.phone {
            let national = Phone::parse(phone).map(|phone| phone.national().to_owned());
            let national = national.unwrap_or_else(|_| phone.clone());
            let masked = mask::phone(&national, Viewer::Other);
            add(block, &format!("person-{at}-phone"), "field-phone", masked, &national);
        }
    }
    if let Some(kind) = &profile.taxpayer_kind {
        add(Block::Tax, "taxpayer_kind", "field-taxpayer-kind", plain(kind), kind);
    }
    if !profile.tax_types.is_empty() {
        let types = profile.tax_types.join("、");
        add(Block::Tax, "tax_types", "field-tax-types", plain(&types), &types);
    }
    for (at, investor) in profile.investors.iter().enumerate() {
        let masked = match investor.is_enterprise {
            true => mask::company(&investor.name),
            false => mask::name(&investor.name),
        };
        let share = investor.share.as_deref().map(|share| format!(" {share}")).unwrap_or_default();
        let (masked, full) = (format!("{masked}{share}"), format!("{}{share}", investor.name));
        add(Block::Investors, &format!("investor-{at}"), "field-investor", masked, &full);
    }
    fields
}

/// The eye (AC-06): that one field in full. A block that the viewer may not see has no fields.
pub async fn reveal(
    ctx: &Ctx,
    identity: &ActingIdentity,
    person: PersonId,
    key: &str,
) -> Result<Field, Stop> {
    let found = fields(ctx, identity).await?.into_iter().find(|field| field.key == key);
    let Some(field) = found.filter(Field::is_masked) else { return Err(Refusal::Role.into()) };
    let enterprise = subject(identity).map(|enterprise| enterprise.id);
    revealed(ctx, person, enterprise, key).await?;
    Ok(field)
}

/// The trace that a look in full leaves; `enterprise` absent: one's own data.
pub async fn revealed(
    ctx: &Ctx,
    person: PersonId,
    enterprise: Option<EnterpriseId>,
    field: &str,
) -> Result<(), Fault> {
    let event = AuditEvent::FieldRevealed { person, enterprise, field: field.to_owned() };
    let tx = ctx.begin().await?;
    tx.note(event);
    Ok(tx.commit().await?)
}

/// All identities of a person in the enterprise they are in, for 【企业内身份切换】 (AC-08, AC-11).
pub async fn identities_here(
    ctx: &Ctx,
    person: PersonId,
    identity: &ActingIdentity,
) -> Result<Vec<EnterpriseIdentity>, Fault> {
    let ActingIdentity::Enterprise(one) = identity else { return Ok(Vec::new()) };
    let audience = crate::domain::entrance::Audience::Tax;
    crate::flows::identity::choices::usable_in(ctx, person, one.enterprise.id, audience).await
}
