//! What a certificate is worth here: whose authority's, whose enterprise's, revoked or not.

use crate::certificate::{Certificate, Distrust, Path, Untrusted};
use crate::domain::enterprise::Enterprise;
use crate::domain::number::taxpayer::TaxpayerNumber;
use crate::domain::refusal::{CertificateFault, Refusal};
use crate::flows::certificate::asking::Signer;
use crate::flows::certificate::revocation::{self, Known};
use crate::flows::{Ctx, Fault, Stop};
use crate::realm::certificates::Authority;

/// An authority's certificate, with the enterprise that it was given to.
pub struct Good<'c> {
    pub authority: &'c Authority,
    pub enterprise: Enterprise,
}

/// All that C-07 asks, the cheapest first: nobody else is asked about a certificate that no authority of
/// ours has issued.
pub async fn of<'c>(ctx: &'c Ctx, signer: &Signer) -> Result<Good<'c>, Stop> {
    let (authority, path) = trusted(ctx, &signer.certificate, &signer.beside)?;
    match revocation::look(ctx, authority, &path).await? {
        Known::Good => {}
        Known::Revoked => return Err(fault(CertificateFault::Revoked).into()),
        Known::Nothing => return Err(fault(CertificateFault::Unknown).into()),
    }
    let enterprise = bound(ctx, authority, &signer.certificate).await?;
    let enterprise = enterprise.ok_or(fault(CertificateFault::Unbound))?;
    Ok(Good { authority, enterprise })
}

/// Of a certificate that was refused: whose it is all the same, where an authority of ours has issued it.
pub async fn whose<'c>(ctx: &'c Ctx, signer: &Signer) -> Result<Option<Good<'c>>, Fault> {
    let Ok((authority, _)) = trusted(ctx, &signer.certificate, &signer.beside) else {
        return Ok(None);
    };
    let enterprise = bound(ctx, authority, &signer.certificate).await?;
    Ok(enterprise.map(|enterprise| Good { authority, enterprise }))
}

fn fault(why: CertificateFault) -> Refusal {
    Refusal::Certificate(why)
}

/// The authority that a path leads to; of several the one that stands nearest to the certificate. Of several
/// that refuse it the one that came furthest is heard.
pub fn trusted<'c>(
    ctx: &'c Ctx,
    certificate: &Certificate,
    beside: &[Certificate],
) -> Result<(&'c Authority, Path), Refusal> {
    let mut why = Distrust::Untrusted(Untrusted::NoIssuer);
    let mut found = Vec::new();
    for authority in &ctx.realm.certificates.authorities {
        match authority.rules.path(certificate, beside, ctx.now()) {
            Ok(path) => found.push((authority.rules.steps_to(&path), authority, path)),
            Err(other) if distance(other) > distance(why) => why = other,
            Err(_) => {}
        }
    }
    if let Some(nearest) = nearest(found) {
        return Ok(nearest);
    }
    tracing::info!(?why, issuer = certificate.issuer_shown(), "Refused a certificate");
    Err(fault(match why {
        Distrust::Expired | Distrust::NotYetValid => CertificateFault::Expired,
        Distrust::NotForSigning | Distrust::Malformed(_) => CertificateFault::None,
        Distrust::Revoked { .. } => CertificateFault::Revoked,
        Distrust::Unknown(_) => CertificateFault::Unknown,
        Distrust::Untrusted(_) => CertificateFault::Untrusted,
    }))
}

/// Several authorities stand below one root, and a page may send what stands between: whose a certificate is
/// says the first one above it that the realm knows. Where two are equally near, nobody does.
fn nearest(mut found: Vec<(usize, &Authority, Path)>) -> Option<(&Authority, Path)> {
    found.sort_by_key(|(steps, _, _)| *steps);
    if let [(first, one, _), (second, other, _), ..] = found.as_slice()
        && first == second
    {
        tracing::warn!(
            one = one.id,
            other = other.id,
            "Two authorities know a certificate's issuer"
        );
        return None;
    }
    found.into_iter().next().map(|(_, authority, path)| (authority, path))
}

/// How far somebody came: authorities may share a name, and the one whose key it was knows more.
fn distance(why: Distrust) -> u8 {
    match why {
        Distrust::Untrusted(Untrusted::NoIssuer) => 0,
        Distrust::Untrusted(Untrusted::Signature) => 1,
        Distrust::Untrusted(_) => 2,
        _ => 3,
    }
}

/// The enterprise whose number stands in it, if the registry says that it has this authority's
/// certificates: which of them does not matter (C-09).
pub async fn bound(
    ctx: &Ctx,
    authority: &Authority,
    certificate: &Certificate,
) -> Result<Option<Enterprise>, Fault> {
    let number = authority.rules.number(certificate);
    let Some(number) = number.and_then(|text| TaxpayerNumber::parse(&text).ok()) else {
        return Ok(None);
    };
    let found = ctx.rows().enterprises().find_by_number(&number).await?;
    let has = |one: &Enterprise| one.certificate_authorities.contains(&authority.id);
    Ok(found.filter(has))
}
