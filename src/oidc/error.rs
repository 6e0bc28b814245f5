//! What goes wrong between an application and us. The client reads the code and a fixed description;
//! where that must not tell everything, the cause is for the log alone.

/// The codes of RFC 6749, RFC 6750, RFC 8707, RFC 9470 and OpenID Connect Core that we answer with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorCode {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    UnauthorizedClient,
    UnsupportedGrantType,
    UnsupportedResponseType,
    InvalidScope,
    InvalidToken,
    InsufficientScope,
    AccessDenied,
    LoginRequired,
    ConsentRequired,
    InteractionRequired,
    UnmetAuthenticationRequirements,
    InvalidDpopProof,
    InvalidAuthorizationDetails,
    InvalidTarget,
    RequestNotSupported,
    RequestUriNotSupported,
    /// Come again later (RFC 6749 §4.1.2.1).
    TemporarilyUnavailable,
}

impl ErrorCode {
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::AccessDenied => "access_denied",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
            Self::InteractionRequired => "interaction_required",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::InvalidAuthorizationDetails => "invalid_authorization_details",
            Self::InvalidTarget => "invalid_target",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}: {reason}", code.name())]
pub struct OAuthError {
    pub code: ErrorCode,
    /// ASCII, one line, tells nothing that helps an attacker.
    pub reason: &'static str,
    /// What it really was, where the client hears less.
    pub cause: Option<&'static str>,
    /// The client tried the `Authorization` header and is answered there, too (RFC 6749 §5.2).
    pub in_header: bool,
}

impl OAuthError {
    pub fn new(code: ErrorCode, reason: &'static str) -> Self {
        Self { code, reason, cause: None, in_header: false }
    }

    #[must_use]
    pub fn because(self, cause: &'static str) -> Self {
        Self { cause: Some(cause), ..self }
    }

    /// For the log.
    pub fn cause(&self) -> &'static str {
        self.cause.unwrap_or(self.reason)
    }

    pub fn request(reason: &'static str) -> Self {
        Self::new(ErrorCode::InvalidRequest, reason)
    }

    pub fn grant(reason: &'static str) -> Self {
        Self::new(ErrorCode::InvalidGrant, reason)
    }

    pub fn client(reason: &'static str) -> Self {
        Self::new(ErrorCode::InvalidClient, reason)
    }
}
