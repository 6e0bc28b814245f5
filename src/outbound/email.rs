//! Codes and notices by e-mail through the realm's own mail server (SMTP). Answers within three seconds
//! whatever the server does; without a server the demo's inbox gets the message.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::Tls;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use crate::base::clock::Timestamp;
use crate::base::secret::Secret;
use crate::outbound::authorities::Authorities;
use crate::outbound::client::Outbound;
use crate::outbound::error::SendError;
use crate::outbound::inbox::SentMessage;

/// Where a message leaves from.
pub struct Server<'a> {
    /// `smtps://host:port`, or `smtp://host:port`: STARTTLS is then required unless the host is
    /// this machine.
    pub url: &'a str,
    pub from: &'a str,
    pub login: Option<&'a (String, Secret)>,
}

/// What stands around the code.
pub struct Words {
    pub subject: String,
    pub minutes: i64,
}

impl Outbound {
    pub async fn mail_code(
        &self,
        server: Option<Server<'_>>,
        to: &str,
        code: &Secret,
        words: &Words,
        now: Timestamp,
    ) -> Result<(), SendError> {
        let Some(server) = server else {
            return self.played(|| {
                self.inbox.add(SentMessage {
                    to: to.to_owned(),
                    template: "login-code".to_owned(),
                    code: code.expose().to_owned(),
                    at: now.0,
                });
                Ok(())
            });
        };
        let body = format!(
            "验证码：{code}，{minutes} 分钟内有效。请勿告诉他人；如非本人操作，请忽略。\r\n\r\n\
             Your code is {code}, valid for {minutes} minutes. Do not tell it to anybody. \
             If this was not you, ignore this message.\r\n",
            code = code.expose(),
            minutes = words.minutes,
        );
        self.mail(&server, to, &words.subject, body).await
    }

    /// What happened to somebody's account; `event`: for the demo's inbox.
    pub async fn mail_notice(
        &self,
        server: Option<Server<'_>>,
        to: &str,
        (subject, body): (&str, &str),
        event: &str,
        now: Timestamp,
    ) -> Result<(), SendError> {
        let Some(server) = server else {
            return self.played(|| {
                self.inbox.add(SentMessage {
                    to: to.to_owned(),
                    template: "notice".to_owned(),
                    code: event.to_owned(),
                    at: now.0,
                });
                Ok(())
            });
        };
        self.mail(&server, to, subject, body.to_owned()).await
    }

    async fn mail(
        &self,
        server: &Server<'_>,
        to: &str,
        subject: &str,
        body: String,
    ) -> Result<(), SendError> {
        let mailbox = |text: &str| text.parse::<Mailbox>().map_err(SendError::away);
        let message = Message::builder()
            .from(mailbox(server.from)?)
            .to(mailbox(to)?)
            .subject(subject)
            .header(ContentType::TEXT_PLAIN)
            .body(body)
            .map_err(SendError::away)?;
        let transport = transport(server, &self.authorities, self.timeouts.page)?;
        match tokio::time::timeout(self.timeouts.page, transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(SendError::with_causes(error)),
            Err(_) => Err(SendError::away("the mail server did not answer in time")),
        }
    }
}

impl Outbound {
    /// Whether a mail server would take messages of ours; nothing is sent.
    pub async fn reaches_mail(&self, server: &Server<'_>) -> Result<(), SendError> {
        let transport = transport(server, &self.authorities, self.timeouts.page)?;
        match tokio::time::timeout(self.timeouts.page, transport.test_connection()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(SendError::away("the mail server takes no commands")),
            Ok(Err(error)) => Err(SendError::with_causes(error)),
            Err(_) => Err(SendError::away("the mail server did not answer in time")),
        }
    }
}

fn transport(
    server: &Server<'_>,
    authorities: &Authorities,
    longest: Duration,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, SendError> {
    let url = url::Url::parse(server.url).map_err(SendError::away)?;
    let host = url.host_str().unwrap_or_default();
    let is_here = matches!(host, "127.0.0.1" | "localhost" | "[::1]");
    let builder = match url.scheme() {
        "smtps" => AsyncSmtpTransport::<Tokio1Executor>::relay(host)
            .map_err(SendError::with_causes)?
            .tls(Tls::Wrapper(authorities.for_mail(host)?)),
        _ if is_here => AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host),
        _ => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(host)
            .map_err(SendError::with_causes)?
            .tls(Tls::Required(authorities.for_mail(host)?)),
    };
    let builder = match url.port() {
        Some(port) => builder.port(port),
        None => builder,
    };
    let builder = match server.login {
        Some((name, secret)) => {
            builder.credentials(Credentials::new(name.clone(), secret.expose().to_owned()))
        }
        None => builder,
    };
    Ok(builder.timeout(Some(longest)).build())
}
