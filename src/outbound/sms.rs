//! Text messages through gateways: our own signed webhook, Aliyun (ACS3) and Tencent (TC3). Tried in
//! the realm's order within three seconds; a gateway that keeps failing is left alone for a while.

use std::time::Duration;

use serde_json::{Value, json};

use crate::base::clock::{Clock, Timestamp};
use crate::base::random::Random;
use crate::base::secret::{Secret, hex, hmac_sha256, sha256};
use crate::domain::number::phone::Phone;
use crate::outbound::client::{Outbound, accepted};
use crate::outbound::error::SendError;
use crate::outbound::inbox::SentMessage;

/// One gateway as a realm names it.
pub enum Gateway<'a> {
    Webhook {
        url: &'a str,
        secret: &'a Secret,
    },
    Aliyun {
        /// `https://dysmsapi.aliyuncs.com`
        url: &'a str,
        key_id: &'a str,
        secret: &'a Secret,
        sign_name: &'a str,
        template: &'a str,
    },
    Tencent {
        /// `https://sms.tencentcloudapi.com`
        url: &'a str,
        key_id: &'a str,
        secret: &'a Secret,
        app_id: &'a str,
        sign_name: &'a str,
        template: &'a str,
    },
}

/// What a text message says; the words are the carrier's registered template.
pub enum Message<'a> {
    /// A code for a sign-in, and for how many minutes it is good.
    Code { code: &'a Secret, minutes: i64 },
    /// What happened to an authorisation, and in which enterprise; the bureau where it is
    /// about the person's own account.
    /// `link`: where it can be stopped; our own webhook alone is told, carriers take no addresses that
    /// they have not seen.
    Notice { event: &'a str, enterprise: &'a str, link: Option<&'a str> },
}

impl Message<'_> {
    fn name(&self) -> &'static str {
        match self {
            Self::Code { .. } => "login_code",
            Self::Notice { .. } => "notice",
        }
    }

    fn first(&self) -> &str {
        match self {
            Self::Code { code, .. } => code.expose(),
            Self::Notice { event, .. } => event,
        }
    }

    /// By name; our own webhook is also told how long a code lives.
    fn named(&self, is_own: bool) -> Value {
        match self {
            Self::Code { code, minutes } if is_own => {
                json!({"code": code.expose(), "ttl_min": minutes.to_string()})
            }
            Self::Code { code, .. } => json!({"code": code.expose()}),
            Self::Notice { event, enterprise, link: Some(link) } if is_own => {
                json!({"event": event, "enterprise": enterprise, "link": link})
            }
            Self::Notice { event, enterprise, .. } => {
                json!({"event": event, "enterprise": enterprise})
            }
        }
    }

    /// By place.
    fn placed(&self) -> Value {
        match self {
            Self::Code { code, minutes } => json!([code.expose(), minutes.to_string()]),
            Self::Notice { event, enterprise, .. } => json!([enterprise, event]),
        }
    }
}

impl Gateway<'_> {
    fn url(&self) -> &str {
        match self {
            Self::Webhook { url, .. } | Self::Aliyun { url, .. } | Self::Tencent { url, .. } => url,
        }
    }

    /// What fails by itself: a key or a text that the carrier refuses leaves others at the same address.
    fn known_by(&self, realm: &str) -> String {
        let account = match self {
            Self::Webhook { .. } => ["", "", ""],
            Self::Aliyun { key_id, template, .. } => [*key_id, "", *template],
            Self::Tencent { key_id, app_id, template, .. } => [*key_id, *app_id, *template],
        };
        format!("{realm} {} {}", self.url(), account.join(" "))
    }
}

fn count(gateway: &Gateway<'_>, sent: &Result<(), SendError>) {
    let outcome = match sent {
        Ok(()) => "sent",
        Err(SendError::Unavailable(_)) => "unavailable",
        Err(SendError::Limited(_)) => "limited",
        Err(SendError::Number(_)) => "number_refused",
    };
    let labels = [("gateway", host(gateway.url()).to_owned()), ("outcome", outcome.to_owned())];
    metrics::counter!("hufu_text_messages_total", &labels).increment(1);
}

impl Outbound {
    /// One message, by the first of the realm's gateways that accepts it. Without any it lies in the inbox.
    pub async fn send_sms(
        &self,
        (realm, gateways): (&str, &[Gateway<'_>]),
        phone: &Phone,
        message: &Message<'_>,
        handed_in: (&Clock, &Random),
    ) -> Result<(), SendError> {
        let now = handed_in.0.now();
        if gateways.is_empty() {
            return self.played(|| {
                self.inbox.add(SentMessage {
                    to: phone.as_str().to_owned(),
                    template: message.name().to_owned(),
                    code: message.first().to_owned(),
                    at: now.0,
                });
                Ok(())
            });
        }
        let in_turn = async {
            let (mut away, mut refused) = (None, None);
            for gateway in gateways {
                let known_by = gateway.known_by(realm);
                if self.breakers.is_open(&known_by, now) {
                    let left_alone = || SendError::away("a gateway is left alone for a while");
                    away.get_or_insert_with(left_alone);
                    continue;
                }
                let sent = self.send_by(gateway, phone, message, handed_in);
                let sent = tokio::time::timeout(self.timeouts.gateway, sent);
                let sent = sent.await.unwrap_or_else(|_| Err(SendError::away("no answer")));
                // A number that one person typed must not take the gateway from everybody.
                let has_failed = sent.as_ref().is_err_and(SendError::is_its_fault);
                self.breakers.note(&known_by, has_failed, now);
                count(gateway, &sent);
                match sent {
                    Ok(()) => return Ok(()),
                    Err(error) => {
                        tracing::warn!(%error, gateway = host(gateway.url()), "A gateway failed");
                        match error {
                            SendError::Number(_) => refused = Some(error),
                            _ => away = Some(error),
                        }
                    }
                }
            }
            // One that is away may reach a number that another cannot, whichever is asked first.
            let why = away.or(refused);
            Err(why.unwrap_or_else(|| SendError::away("no gateway was asked")))
        };
        let all = tokio::time::timeout(self.timeouts.page, in_turn).await;
        all.unwrap_or_else(|_| Err(SendError::away("no gateway answered in time")))
    }

    async fn send_by(
        &self,
        gateway: &Gateway<'_>,
        phone: &Phone,
        message: &Message<'_>,
        (clock, random): (&Clock, &Random),
    ) -> Result<(), SendError> {
        let now = clock.now();
        match gateway {
            Gateway::Webhook { url, secret } => {
                let body = json!({
                    "id": random.short_token(), "phone": phone.as_str(),
                    "template": message.name(), "params": message.named(true),
                })
                .to_string();
                self.post_patiently((url, secret), &body, (clock, random)).await
            }
            Gateway::Aliyun { url, key_id, secret, sign_name, template } => {
                let params = message.named(false).to_string();
                let query = [
                    ("PhoneNumbers", phone.national()),
                    ("SignName", *sign_name),
                    ("TemplateCode", *template),
                    ("TemplateParam", &params),
                ];
                let signed = Acs3 {
                    host: host(url),
                    action: "SendSms",
                    version: "2017-05-25",
                    date: &now.rfc3339(),
                    nonce: &random.short_token(),
                    query: &query,
                };
                let mut request = self.client.post(format!("{url}/?{}", canonical(&query)));
                for (name, value) in signed.headers(key_id, secret) {
                    request = request.header(name, value);
                }
                aliyun_answered(&answered(request).await?)
            }
            Gateway::Tencent { url, key_id, secret, app_id, sign_name, template } => {
                let body = json!({
                    "PhoneNumberSet": [phone.as_str()], "SmsSdkAppId": app_id,
                    "SignName": sign_name, "TemplateId": template,
                    "TemplateParamSet": message.placed(),
                })
                .to_string();
                let authorization = tc3_authorization(key_id, secret, host(url), "sms", now, &body);
                let request = self
                    .client
                    .post(*url)
                    .header("Content-Type", TC3_CONTENT_TYPE)
                    .header("Authorization", authorization)
                    .header("X-TC-Action", "SendSms")
                    .header("X-TC-Version", "2021-01-11")
                    .header("X-TC-Region", "ap-guangzhou")
                    .header("X-TC-Timestamp", now.0.to_string())
                    .body(body);
                tencent_answered(&answered(request).await?)
            }
        }
    }

    /// The webhook may be asked again with the same id: it takes a message once.
    async fn post_patiently(
        &self,
        (url, secret): (&str, &Secret),
        body: &str,
        handed_in: (&Clock, &Random),
    ) -> Result<(), SendError> {
        let mut last = SendError::away("not tried");
        for pause in PAUSES {
            tokio::time::sleep(pause).await;
            match accepted(self.signed_post(url, secret, body.to_owned(), handed_in)).await {
                Ok(()) => return Ok(()),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

/// Before each try at a webhook; all of them lie within what one gateway may take.
const PAUSES: [Duration; 3] =
    [Duration::ZERO, Duration::from_millis(50), Duration::from_millis(200)];

fn aliyun_answered(answer: &Value) -> Result<(), SendError> {
    let code = answer["Code"].as_str().unwrap_or("nothing");
    let told = format!("Aliyun answered {code}");
    Err(match code {
        "OK" => return Ok(()),
        "isv.BUSINESS_LIMIT_CONTROL" | "isv.DAY_LIMIT_CONTROL" => SendError::Limited(told),
        "isv.MOBILE_NUMBER_ILLEGAL" | "isv.BLACK_KEY_CONTROL_LIMIT" => SendError::Number(told),
        _ => SendError::Unavailable(told),
    })
}

fn tencent_answered(answer: &Value) -> Result<(), SendError> {
    let response = &answer["Response"];
    let code = response["SendStatusSet"][0]["Code"].as_str();
    let code = code.or(response["Error"]["Code"].as_str()).unwrap_or("nothing");
    let told = format!("Tencent answered {code}");
    Err(match code {
        "Ok" => return Ok(()),
        _ if code.starts_with("LimitExceeded.PhoneNumber") => SendError::Limited(told),
        "InvalidParameterValue.IncorrectPhoneNumber" | "FailedOperation.PhoneNumberInBlacklist" => {
            SendError::Number(told)
        }
        _ => SendError::Unavailable(told),
    })
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default()
}

async fn answered(request: reqwest::RequestBuilder) -> Result<Value, SendError> {
    let response = request.send().await.map_err(SendError::told)?;
    response.json().await.map_err(SendError::told)
}

/// RFC 3986: everything but unreserved characters is escaped.
fn escaped(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
        out
    })
}

fn canonical(query: &[(&str, &str)]) -> String {
    let mut pairs: Vec<String> =
        query.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
    pairs.sort();
    pairs.join("&")
}

/// A request signed as ACS3-HMAC-SHA256 wants it; the body is empty.
pub struct Acs3<'a> {
    pub host: &'a str,
    pub action: &'a str,
    pub version: &'a str,
    /// `2026-01-02T03:04:05Z`
    pub date: &'a str,
    pub nonce: &'a str,
    pub query: &'a [(&'a str, &'a str)],
}

impl Acs3<'_> {
    fn signed_headers(&self) -> [(&'static str, String); 6] {
        [
            ("host", self.host.to_owned()),
            ("x-acs-action", self.action.to_owned()),
            ("x-acs-content-sha256", hex(&sha256(b""))),
            ("x-acs-date", self.date.to_owned()),
            ("x-acs-signature-nonce", self.nonce.to_owned()),
            ("x-acs-version", self.version.to_owned()),
        ]
    }

    /// Hash of the canonical request, in hexadecimal.
    pub fn request_hash(&self) -> String {
        let headers = self.signed_headers();
        let lines: String =
            headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        let request = format!(
            "POST\n/\n{}\n{lines}\n{}\n{}",
            canonical(self.query),
            names.join(";"),
            hex(&sha256(b""))
        );
        hex(&sha256(request.as_bytes()))
    }

    pub fn signature(&self, secret: &Secret) -> String {
        let text = format!("ACS3-HMAC-SHA256\n{}", self.request_hash());
        hex(&hmac_sha256(secret.expose().as_bytes(), text.as_bytes()))
    }

    fn headers(&self, key_id: &str, secret: &Secret) -> Vec<(&'static str, String)> {
        let mut headers: Vec<(&'static str, String)> = self.signed_headers().into();
        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        let authorization = format!(
            "ACS3-HMAC-SHA256 Credential={key_id},SignedHeaders={},Signature={}",
            names.join(";"),
            self.signature(secret)
        );
        // The client writes `host` itself.
        headers.retain(|(name, _)| *name != "host");
        headers.push(("authorization", authorization));
        headers
    }
}

const TC3_CONTENT_TYPE: &str = "application/json; charset=utf-8";

/// TC3-HMAC-SHA256 over content type and host.
pub fn tc3_signature(
    secret: &Secret,
    host: &str,
    service: &str,
    at: Timestamp,
    body: &str,
) -> String {
    let request = format!(
        "POST\n/\n\ncontent-type:{TC3_CONTENT_TYPE}\nhost:{host}\n\ncontent-type;host\n{}",
        hex(&sha256(body.as_bytes()))
    );
    let day = tc3_day(at);
    let text = format!(
        "TC3-HMAC-SHA256\n{}\n{day}/{service}/tc3_request\n{}",
        at.0,
        hex(&sha256(request.as_bytes()))
    );
    let first = hmac_sha256(format!("TC3{}", secret.expose()).as_bytes(), day.as_bytes());
    let second = hmac_sha256(&first, service.as_bytes());
    let key = hmac_sha256(&second, b"tc3_request");
    hex(&hmac_sha256(&key, text.as_bytes()))
}

/// The day in UTC.
fn tc3_day(at: Timestamp) -> String {
    at.rfc3339().chars().take(10).collect()
}

fn tc3_authorization(
    key_id: &str,
    secret: &Secret,
    host: &str,
    service: &str,
    at: Timestamp,
    body: &str,
) -> String {
    format!(
        "TC3-HMAC-SHA256 Credential={key_id}/{}/{service}/tc3_request, \
         SignedHeaders=content-type;host, Signature={}",
        tc3_day(at),
        tc3_signature(secret, host, service, at, body)
    )
}
