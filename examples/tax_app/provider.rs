//! The provider as this application knows it: everything is learnt from discovery, and an ID token has the claims of
//! scope `tax_identity`.

use std::collections::BTreeSet;
use std::pin::Pin;

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata,
    CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalClaims, AsyncHttpClient, AuthType, ClientId, ClientSecret, EmptyExtraTokenFields,
    HttpRequest, HttpResponse, IdTokenFields, IssuerUrl, RedirectUrl, StandardErrorResponse,
    StandardTokenResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{AppError, TaxApp, failed};

/// What Hufu adds to an ID token.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct TaxClaims {
    #[serde(default)]
    pub(super) tax_identity: Value,
    #[serde(default)]
    pub(super) roles: Vec<String>,
    #[serde(default)]
    pub(super) permissions: BTreeSet<String>,
    #[serde(default)]
    pub(super) sid: String,
}

impl AdditionalClaims for TaxClaims {}

type Fields = IdTokenFields<
    TaxClaims,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
pub(super) type Tokens = StandardTokenResponse<Fields, CoreTokenType>;
pub(super) type Client = openidconnect::Client<
    TaxClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    openidconnect::EndpointSet,
    openidconnect::EndpointNotSet,
    openidconnect::EndpointNotSet,
    openidconnect::EndpointNotSet,
    openidconnect::EndpointMaybeSet,
    openidconnect::EndpointMaybeSet,
>;

/// reqwest, in the shape that openidconnect asks for.
#[derive(Clone)]
pub(super) struct Http(pub(super) reqwest::Client);

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = reqwest::Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, reqwest::Error>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let response = self.0.execute(reqwest::Request::try_from(request)?).await?;
            let status = response.status().as_u16();
            let mut answer = openidconnect::http::Response::builder().status(status);
            for (name, value) in response.headers() {
                answer = answer.header(name.as_str(), value.as_bytes());
            }
            let body = response.bytes().await?.to_vec();
            Ok(answer.body(body).unwrap_or_default())
        })
    }
}

impl TaxApp {
    /// Everything is learnt from discovery.
    pub(super) async fn provider(&self) -> Result<CoreProviderMetadata, AppError> {
        let issuer = IssuerUrl::new(self.settings.issuer.clone()).map_err(failed)?;
        CoreProviderMetadata::discover_async(issuer, &self.http).await.map_err(failed)
    }

    pub(super) async fn client(&self) -> Result<Client, AppError> {
        let provider = self.provider().await?;
        let client = Client::from_provider_metadata(
            provider,
            ClientId::new(self.settings.client_id.clone()),
            Some(ClientSecret::new(self.settings.client_secret.clone())),
        );
        let redirect = format!("{}/callback", self.settings.own_url);
        let method =
            if self.settings.secret_in_body { AuthType::RequestBody } else { AuthType::BasicAuth };
        Ok(client
            .set_auth_type(method)
            .set_redirect_uri(RedirectUrl::new(redirect).map_err(failed)?))
    }
}
