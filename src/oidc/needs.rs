//! What the person still has to do before an authorization request may be answered with a code: a
//! list in the order in which it is asked. Every need says what it takes, and what a client hears
//! that may ask nothing (`prompt=none`, OIDC Core §3.1.2.6). The facts are loaded and the decision
//! is carried out in `flows::oauth::authorize`.

use crate::domain::acting::Acting;
use crate::domain::entrance::Audience;
use crate::oidc::authorize::{AuthorizeRequest, Prompt};
use crate::oidc::claims::level;
use crate::oidc::error::{ErrorCode, OAuthError};

/// All that the decision looks at, as it is at this moment.
pub struct View<'a> {
    pub request: &'a AuthorizeRequest,
    /// Whose application asks.
    pub audience: Audience,
    /// `None`: nobody is signed in at this browser.
    pub session: Option<SessionView>,
}

/// The session behind the request, and how its person stands.
pub struct SessionView {
    /// Of the door it came through.
    pub audience: Audience,
    /// Account and identity stand (rule 5), and the person is the one of the `id_token_hint`.
    pub stands: bool,
    /// The browser was known and spared the second factor.
    pub lacks_second_factor: bool,
    /// It has shown a password alone, and moves to no other identity.
    pub is_bound_to_its_door: bool,
    pub is_personal: bool,
    /// It has shown an enterprise's certificate, and nothing of the person in whose name it acts (DEC-10).
    pub proves_no_person: bool,
    /// That person's own face can be asked for within the session.
    pub may_show_face: bool,
    pub fit: Fit,
    /// The chooser has something to offer; asked only where it is wanted.
    pub may_choose: bool,
    /// The application has tokens of this session already.
    pub knows_client: bool,
    /// The level proved in this session.
    pub level: u8,
    /// The highest level that a step within the session would prove.
    pub provable: u8,
    /// The highest level that the person could be raised to here before that.
    pub reachable: u8,
    /// Seconds since the person last proved who they are.
    pub age: i64,
    /// A younger proof can be given within the session.
    pub may_renew: bool,
    /// The person has agreed to all that the client would learn, or need not.
    pub agreed: bool,
    /// Account and identity stand, and the person has never agreed to anything of an application that asks.
    pub is_stranger: bool,
}

impl SessionView {
    /// How somebody shows that they are the handler whom a certificate's holder has chosen.
    fn by_face(&self) -> Act {
        if self.may_show_face { Act::Raise } else { Act::SignIn }
    }
}

/// How the identity in use fits what the application wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fit {
    Fits,
    /// It does not; these of the same person do.
    Others(Vec<Acting>),
}

/// What it takes to go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Act {
    SignIn,
    /// To the one identity that fits: nobody need be asked.
    Switch(Acting),
    /// Among several identities.
    Choose,
    /// A higher level of the session (L-11).
    Raise,
    /// A higher level of the person, and then of the session.
    Reach,
    /// The second factor that a known browser spared.
    Second,
    /// A younger proof (`max_age`).
    Renew,
    /// Out of a sign-in that is worth nothing here.
    Leave,
    Consent,
    /// Nothing that the person could do now.
    Nothing,
}

/// One thing that is missing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Need {
    pub act: Act,
    /// What the client hears where the act may not be asked for, or does not exist.
    pub error: OAuthError,
}

/// What becomes of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    Issue,
    /// Never [`Act::Nothing`].
    Do(Act),
    Refuse(OAuthError),
}

type Predicate = fn(&View<'_>) -> Option<Need>;

/// In the order in which it is asked; the first that is missing decides.
pub const NEEDS: [Predicate; 10] = [
    session,
    audience,
    acquaintance,
    standing,
    second_factor,
    identity,
    choice,
    assurance,
    youth,
    consent,
];

fn is_silent(request: &AuthorizeRequest) -> bool {
    request.prompt.contains(&Prompt::None)
}

pub fn decide(view: &View<'_>) -> Decision {
    let is_silent = is_silent(view.request);
    let mut missing = NEEDS.iter().filter_map(|need| need(view));
    let first = missing.next().map(|need| need.of_the_person(view.session.as_ref()));
    match first {
        None => Decision::Issue,
        // What ends in a refusal moves nothing.
        Some(Need { act: act @ Act::Switch(_), .. }) => match missing.next() {
            Some(need) if is_silent => Decision::Refuse(need.error),
            _ => Decision::Do(act),
        },
        Some(Need { act: Act::Nothing, error }) => Decision::Refuse(error),
        Some(need) if is_silent => Decision::Refuse(need.error),
        Some(need) => Decision::Do(need.act),
    }
}

impl Need {
    fn new(act: Act, code: ErrorCode, reason: &'static str) -> Self {
        Self { act, error: OAuthError::new(code, reason) }
    }

    /// What is the person's own is asked of nobody who holds the enterprise's certificate: the person shows
    /// first that it is them.
    fn of_the_person(self, session: Option<&SessionView>) -> Self {
        let is_own = matches!(self.act, Act::Choose | Act::Reach | Act::Consent);
        match session {
            Some(session) if is_own && session.proves_no_person => {
                Self { act: session.by_face(), ..self }
            }
            _ => self,
        }
    }

    fn sign_in() -> Self {
        Self::new(Act::SignIn, ErrorCode::LoginRequired, "a sign-in is needed")
    }

    fn consent() -> Self {
        Self::new(Act::Consent, ErrorCode::ConsentRequired, "the person has not agreed yet")
    }
}

fn session(view: &View<'_>) -> Option<Need> {
    let again = view.request.prompt.contains(&Prompt::Login);
    (again || view.session.is_none()).then(Need::sign_in)
}

/// What one audience signed in to is nothing to the other (I-01, I-03).
fn audience(view: &View<'_>) -> Option<Need> {
    match (view.session.as_ref()?.audience, view.audience) {
        (Audience::SocialInsurance, Audience::Tax) => {
            let reason = "signed_in_for_social_insurance";
            Some(Need::new(Act::Leave, ErrorCode::AccessDenied, reason))
        }
        (Audience::Tax, Audience::SocialInsurance) => Some(Need::sign_in()),
        _ => None,
    }
}

/// Whom nobody has told anything of this person hears nothing of them that no page would show: neither who they
/// are, nor as whom they could work.
fn acquaintance(view: &View<'_>) -> Option<Need> {
    let is_missing = is_silent(view.request) && view.session.as_ref()?.is_stranger;
    is_missing.then(Need::consent)
}

fn standing(view: &View<'_>) -> Option<Need> {
    (!view.session.as_ref()?.stands).then(Need::sign_in)
}

/// A known browser opens the person's own session and no other identity, nor does a certificate, which hears
/// of none that its handler has.
fn second_factor(view: &View<'_>) -> Option<Need> {
    let session = view.session.as_ref()?;
    let moves = match &session.fit {
        Fit::Fits => wants_choice(view.request) && !session.is_personal,
        Fit::Others(others) => !others.is_empty() || session.proves_no_person,
    };
    let is_missing = (session.lacks_second_factor && !session.is_personal)
        || (session.is_bound_to_its_door && moves);
    let act = match (session.proves_no_person, session.may_renew) {
        (true, _) => session.by_face(),
        (false, true) => Act::Second,
        (false, false) => Act::SignIn,
    };
    let reason = "a second factor is needed for this identity";
    is_missing.then(|| Need::new(act, ErrorCode::InteractionRequired, reason))
}

/// `authorization_details` (RFC 9396) and `identity_hint`: an identity that fits is kept, several are
/// chosen from. The only one that fits is taken without a question where the application has tokens
/// of this session: moving it signs others out, and any page can send a browser here. One that is
/// not held is refused, never replaced by another.
fn identity(view: &View<'_>) -> Option<Need> {
    let session = view.session.as_ref()?;
    let Fit::Others(others) = &session.fit else { return None };
    let (act, code, reason) = match others.as_slice() {
        [] => (Act::Nothing, ErrorCode::AccessDenied, "identity_not_held"),
        [only] if session.knows_client => {
            (Act::Switch(*only), ErrorCode::AccessDenied, "identity_not_held")
        }
        [_] => (Act::Choose, ErrorCode::InteractionRequired, "another identity is to be confirmed"),
        _ => (Act::Choose, ErrorCode::InteractionRequired, "several identities fit"),
    };
    Some(Need::new(act, code, reason))
}

fn wants_choice(request: &AuthorizeRequest) -> bool {
    request.prompt.contains(&Prompt::SelectAccount)
}

/// Whoever has one identity alone has chosen it.
fn choice(view: &View<'_>) -> Option<Need> {
    let reason = "an identity is to be chosen";
    let is_missing = wants_choice(view.request) && view.session.as_ref()?.may_choose;
    is_missing.then(|| Need::new(Act::Choose, ErrorCode::InteractionRequired, reason))
}

/// `acr_values`: any of these levels will do. Where the person has not reached the lowest of them they
/// are raised first, as far as that can be done here (L-11).
fn assurance(view: &View<'_>) -> Option<Need> {
    let session = view.session.as_ref()?;
    let Some(lowest) = lowest_level(view.request) else {
        let reason = "no level of ours would do";
        let unmet = ErrorCode::UnmetAuthenticationRequirements;
        return view.request.needs_acr.then(|| Need::new(Act::Nothing, unmet, reason));
    };
    if session.level >= lowest {
        return None;
    }
    Some(if session.provable >= lowest {
        Need::new(Act::Raise, ErrorCode::InteractionRequired, "a higher level is to be proved")
    } else if session.reachable >= lowest {
        Need::new(Act::Reach, ErrorCode::InteractionRequired, "a higher level is to be reached")
    } else {
        let reason = "the person has not reached this level";
        Need::new(Act::Nothing, ErrorCode::UnmetAuthenticationRequirements, reason)
    })
}

/// Of the levels that an application would take.
pub fn lowest_level(request: &AuthorizeRequest) -> Option<u8> {
    request.acr_values.iter().filter_map(|acr| level(acr)).min()
}

fn youth(view: &View<'_>) -> Option<Need> {
    let session = view.session.as_ref()?;
    if session.age <= view.request.max_age? {
        return None;
    }
    let act = if session.may_renew { Act::Renew } else { Act::SignIn };
    Some(Need { act, ..Need::sign_in() })
}

fn consent(view: &View<'_>) -> Option<Need> {
    let again = view.request.prompt.contains(&Prompt::Consent);
    let is_missing = again || !view.session.as_ref()?.agreed;
    is_missing.then(Need::consent)
}
