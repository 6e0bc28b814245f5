//! How a person is reached, filled in by themself (AC-42): a phone or an e-mail address by a code that
//! is sent to it, a postal address by its text. A phone and an e-mail address get codes from then on, so
//! whoever adds one has just proved a second factor, and hears of it.

use serde::{Deserialize, Serialize};

use crate::base::secret::{Hashed, same};
use crate::domain::notice::NoticeKind;
use crate::domain::number::address::PostalAddress;
use crate::domain::number::code::OneTimeCode;
use crate::domain::number::email::EmailAddress;
use crate::domain::number::phone::Phone;
use crate::domain::person::PhoneBinding;
use crate::domain::refusal::Refusal;
use crate::domain::session::Session;
use crate::ephemeral::Slot;
use crate::flows::sign_in::factor::change::{check_proved, tell};
use crate::flows::sign_in::factor::code::{Destination, send_to};
use crate::flows::{Ctx, Fault, Stop, people};

const MAX_TRIES: u32 = 5;

/// What a code can prove.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Phone,
    Email,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Email => "email",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Phone, Self::Email].into_iter().find(|kind| kind.name() == name)
    }

    fn destination(self, text: &str) -> Result<Destination, Refusal> {
        match self {
            Self::Phone => Phone::parse(text).map(Destination::Phone),
            Self::Email => EmailAddress::parse(text).map(Destination::Email),
        }
        .map_err(|_| Refusal::format(self.name()))
    }
}

/// A code on its way to what is to be added; one at a time for each session.
#[derive(Clone, Serialize, Deserialize)]
struct Asked {
    kind: Kind,
    to: String,
    hash: String,
}

const ASKED: Slot<Asked> = Slot::new("contact");

/// What waits for its code, as it was typed.
pub async fn asked(ctx: &Ctx, session: &Session) -> Result<Option<(Kind, String)>, Fault> {
    let asked = ctx.ephemeral().get(&ASKED, &session.id.to_string()).await?;
    Ok(asked.map(|asked| (asked.kind, asked.to)))
}

/// Sends a code to what is to be added.
pub async fn ask(ctx: &Ctx, session: &Session, kind: Kind, text: &str) -> Result<(), Stop> {
    check_proved(ctx, session)?;
    let to = kind.destination(text)?;
    if kind == Kind::Phone {
        let phones = ctx.rows().accounts().phones(session.account).await?;
        if phones.len() >= PhoneBinding::MOST {
            return Err(Refusal::State.into());
        }
    }
    let code = send_to(ctx, session.person, &to).await?;
    let key = session.id.to_string();
    let text = to.text();
    let asked = Asked { kind, hash: bind(&key, kind, &text, code.expose()), to: text };
    let ephemeral = ctx.ephemeral();
    ephemeral.put(&ASKED, &key, &asked, ctx.realm.sms.lifetime).await?;
    ephemeral.reset(&tries(&key)).await?;
    Ok(())
}

fn tries(key: &str) -> String {
    format!("contact-tries/{key}")
}

/// A code fits one session, one purpose and one destination.
fn bind(key: &str, kind: Kind, to: &str, code: &str) -> String {
    Hashed::of(&format!("{key}\n{}\n{to}\n{code}", kind.name())).to_text()
}

/// Right once; five wrong ones void the code.
pub async fn confirm(ctx: &Ctx, session: &Session, code: &str) -> Result<(), Stop> {
    check_proved(ctx, session)?;
    let code = OneTimeCode::parse(code).map_err(|_| Refusal::format("code"))?;
    let (ephemeral, key) = (ctx.ephemeral(), session.id.to_string());
    let Some(asked) = ephemeral.get(&ASKED, &key).await? else {
        return Err(Refusal::OtpExpired.into());
    };
    let (n_tries, _) = ephemeral.count(&tries(&key), ctx.realm.sms.lifetime).await?;
    if n_tries > MAX_TRIES {
        let _: Option<Asked> = ephemeral.take(&ASKED, &key).await?;
        return Err(Refusal::OtpExpired.into());
    }
    let right = bind(&key, asked.kind, &asked.to, code.secret().expose());
    if !same(right.as_bytes(), asked.hash.as_bytes()) {
        return Err(Refusal::Otp.into());
    }
    let Some(asked): Option<Asked> = ephemeral.take(&ASKED, &key).await? else {
        return Err(Refusal::OtpExpired.into());
    };
    save(ctx, session, &asked).await
}

async fn save(ctx: &Ctx, session: &Session, asked: &Asked) -> Result<(), Stop> {
    let tx = ctx.begin().await?;
    match asked.kind.destination(&asked.to)? {
        Destination::Phone(phone) => {
            let (account, verified_at) = (session.account, ctx.now());
            let binding = PhoneBinding { account, phone, is_default: false, verified_at };
            people::bind_phone(ctx, &tx, &binding).await?;
        }
        Destination::Email(email) => {
            people::change_email(ctx, &tx, session.person, &email).await?;
        }
    }
    tell(ctx, &tx, session, NoticeKind::ContactChanged).await?;
    Ok(tx.commit().await?)
}

/// A postal address is only a text.
pub async fn save_address(ctx: &Ctx, session: &Session, text: &str) -> Result<(), Stop> {
    let address = PostalAddress::parse(text).map_err(|_| Refusal::format("address"))?;
    let tx = ctx.begin().await?;
    people::change_address(&tx, session.person, &address).await?;
    Ok(tx.commit().await?)
}
