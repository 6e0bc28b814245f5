//! What a code is about, for the phone to show before the tap: what is confirmed, for which
//! application, for whom. A stranger may hold the phone, so people and enterprises are masked.

use serde_json::{Value, json};

use crate::base::id::{AuthorisationId, PersonId};
use crate::domain::login::{Errand, LoginTransaction};
use crate::domain::mask::{self, Viewer};
use crate::domain::number::document::DocumentType;
use crate::domain::refusal::Refusal;
use crate::domain::scan::{ClaimedFor, Purpose, Scan};
use crate::flows::centre::known;
use crate::flows::sign_in::{new_document, transaction};
use crate::flows::{Ctx, Fault, Stop};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The browser is signed in as who holds the phone.
    SignIn,
    /// The second factor of a sign-in that somebody has begun by other means.
    SecondFactor,
    /// An application wants more proof in a session that stands.
    Raise,
    /// An application wants a younger proof.
    Renew,
    /// Whoever entered by an enterprise's certificate proves that they are its handler.
    Handler,
    /// The person's real-name level is raised.
    Lift,
    /// Authorisations are confirmed.
    Authorise,
    /// Somebody who is signed in sets another password, or adds a first phone.
    NewPassword,
    NewPhone,
    /// Somebody who is not signed in proves that a document is theirs.
    Claim(ClaimedFor),
    /// A document is added to the person's own.
    Document,
    /// The person's account is cancelled.
    Cancel,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::SecondFactor => "second_factor",
            Self::Raise => "raise",
            Self::Renew => "renew",
            Self::Handler => "handler",
            Self::Lift => "lift",
            Self::Authorise => "authorise",
            Self::NewPassword => ClaimedFor::Password.name(),
            Self::NewPhone => ClaimedFor::Phone.name(),
            Self::Claim(to) => to.name(),
            Self::Document => "document",
            Self::Cancel => "cancel",
        }
    }

    fn of(errand: Option<&Errand>, purpose: &Purpose) -> Self {
        match (errand, purpose) {
            (_, Purpose::SignIn) => Self::SignIn,
            (_, Purpose::Claim(claim)) => Self::Claim(claim.to),
            (None, Purpose::Verify(_)) => Self::SecondFactor,
            (Some(Errand::Raise), _) => Self::Raise,
            (Some(Errand::Renew), _) => Self::Renew,
            (Some(Errand::Handler), _) => Self::Handler,
            (Some(Errand::Lift | Errand::Phone), _) => Self::Lift,
            (Some(Errand::Confirm(_)), _) => Self::Authorise,
            (Some(Errand::Password(_)), _) => Self::NewPassword,
            (Some(Errand::FirstPhone(_)), _) => Self::NewPhone,
            (Some(Errand::Document(_)), _) => Self::Document,
            (Some(Errand::Cancel), _) => Self::Cancel,
        }
    }
}

pub struct Matter {
    pub kind: Kind,
    /// The application that waits, in the reader's language.
    pub application: Option<String>,
    /// The person whom it is about, masked, or the number that was typed; `None`: whoever holds the
    /// phone.
    pub whom: Option<String>,
    /// Enterprise, masked, and identity type of each authorisation that is confirmed.
    pub authorisations: Vec<String>,
    /// Kind and masked number of the document that is added.
    pub document: Option<(DocumentType, String)>,
}

/// `E_SCAN_EXPIRED` where the sign-in that shows the code is over.
pub async fn of(ctx: &Ctx, scan: &Scan, language: &str) -> Result<Matter, Stop> {
    let tx = transaction::find(ctx, &scan.transaction).await?;
    // Of a sign-in in which nobody has proved anything its code is all that is kept.
    let is_over = match (&tx, &scan.purpose) {
        (Some(_), _) => false,
        (None, Purpose::SignIn) => transaction::is_used_up(ctx, &scan.transaction).await?,
        (None, Purpose::Verify(_)) => true,
        (None, Purpose::Claim(_)) => false,
    };
    if is_over {
        return Err(Refusal::ScanExpired.into());
    }
    let errand = tx.as_ref().and_then(LoginTransaction::errand);
    let client = scan.client.as_ref().and_then(|id| ctx.realm.clients.get(id));
    let whom = match &scan.purpose {
        Purpose::SignIn => None,
        Purpose::Verify(question) => Some(known::masked_name(ctx, question.person).await?),
        // What was typed, and nothing that is known.
        Purpose::Claim(claim) => Some(mask::document(&claim.number, Viewer::Other)),
    };
    let mut authorisations = Vec::new();
    if let Some(Errand::Confirm(shown)) = errand {
        for one in shown {
            authorisations.extend(authorisation(ctx, one.id, language).await?);
        }
    }
    Ok(Matter {
        kind: Kind::of(errand, &scan.purpose),
        application: client.map(|client| client.name.in_language(language).to_owned()),
        whom,
        authorisations,
        document: tx.as_ref().and_then(|tx| new_document::shown(ctx, tx)),
    })
}

async fn authorisation(
    ctx: &Ctx,
    id: AuthorisationId,
    language: &str,
) -> Result<Option<String>, Fault> {
    let Some(one) = ctx.rows().authorisations().find(id).await? else { return Ok(None) };
    let Some(enterprise) = known::enterprise(ctx, one.enterprise).await? else { return Ok(None) };
    let kind = ctx.realm.identity_types.get(&one.identity_type);
    let kind = kind.map_or(one.identity_type.0.as_str(), |(_, texts)| texts.in_language(language));
    Ok(Some(format!("{} · {kind}", mask::company(&enterprise.name))))
}

/// The same for a phone application; `holder`: whose phone it is. Another's learns nothing of the
/// one who is expected.
pub async fn asked(
    ctx: &Ctx,
    scan: &Scan,
    holder: Option<PersonId>,
    language: &str,
) -> Result<Value, Stop> {
    let matter = of(ctx, scan, language).await?;
    let is_holder = scan.purpose.person().is_none_or(|person| holder == Some(person));
    let known = Some(matter).filter(|_| is_holder);
    let document = known.as_ref().and_then(|matter| matter.document.as_ref());
    let document = document.map(|(kind, number)| json!({"kind": kind.name(), "number": number}));
    let is_sign_in = scan.purpose == Purpose::SignIn;
    Ok(json!({
        "state": "scanned",
        "site": ctx.realm.name.in_language(language),
        "purpose": if is_sign_in { "sign_in" } else { "verify" },
        "matter": known.as_ref().map(|matter| matter.kind.name()),
        "application": known.as_ref().and_then(|matter| matter.application.clone()),
        "whom": known.as_ref().and_then(|matter| matter.whom.clone()),
        "authorisations": known.map(|matter| matter.authorisations).unwrap_or_default(),
        "document": document,
        "browser": scan.browser,
        "place": mask::address_of_host(scan.browser_ip),
        "at": scan.created_at.0,
        "needs_number": scan.told(ctx.now()).number.is_some(),
    }))
}
