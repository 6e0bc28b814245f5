//! The window of this computer that asks for a PIN, by `pinentry`. It names the site and the token,
//! so that a person sees who asks. One window at a time: a page cannot pile them up.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::Mutex;

use super::Pin;
use super::assuan::{AssuanError, Pinentry};
use crate::config::Language;
use crate::protocol::{Code, Refusal};

/// As long as a challenge lives.
const PATIENCE: Duration = Duration::from_mins(2);

pub struct Window {
    program: Option<PathBuf>,
    language: Language,
    one: Mutex<()>,
}

/// What a window is about.
pub struct Question<'a> {
    pub origin: &'a str,
    pub token: &'a str,
    pub tries_left: Option<u32>,
}

impl Window {
    pub fn new(program: Option<PathBuf>, language: Language) -> Self {
        Self { program, language, one: Mutex::new(()) }
    }

    pub fn program(&self) -> Option<&Path> {
        self.program.as_deref()
    }

    /// The PIN for a signature.
    pub async fn ask(&self, question: &Question<'_>) -> Result<Pin, Refusal> {
        self.open(async |pinentry, words| {
            confirm_last(pinentry, words, question).await?;
            pin(pinentry, &words.about(words.sign, question)).await
        })
        .await?
    }

    /// Old and new PIN; the new one twice.
    pub async fn ask_change(&self, question: &Question<'_>) -> Result<(Pin, Pin), Refusal> {
        self.open(async |pinentry, words| {
            confirm_last(pinentry, words, question).await?;
            let old = pin(pinentry, &words.about(words.old, question)).await?;
            let new = pin(pinentry, &fill(words.new, question)).await?;
            let again = pin(pinentry, &fill(words.again, question)).await?;
            Ok(old.and_then(|old| {
                let (new, again) = (new?, again?);
                let why = "the new PIN was not typed twice alike";
                if new.is_same(&again) {
                    Ok((old, new))
                } else {
                    Err(Refusal::new(Code::UserCancelled).because(why))
                }
            }))
        })
        .await?
    }

    async fn open<T>(
        &self,
        ask: impl AsyncFnOnce(&mut Pinentry, &Words) -> Result<T, AssuanError>,
    ) -> Result<T, Refusal> {
        let backend = |why: &str| Refusal::new(Code::Backend).because(why);
        let program = self.program().ok_or_else(|| backend("there is no program for a window"))?;
        let _one = self.one.try_lock().map_err(|_| backend("another window is open"))?;
        let words = Words::of(self.language);
        let asked = tokio::time::timeout(PATIENCE, async {
            let mut pinentry = Pinentry::start(program).await?;
            pinentry.set("SETTITLE", words.title).await?;
            pinentry.set("SETPROMPT", words.prompt).await?;
            ask(&mut pinentry, words).await
        });
        match asked.await {
            Ok(Ok(answer)) => Ok(answer),
            Err(_) | Ok(Err(AssuanError::Cancelled)) => Err(Code::UserCancelled.into()),
            Ok(Err(error)) => Err(backend(&error.to_string())),
        }
    }
}

async fn pin(
    pinentry: &mut Pinentry,
    description: &str,
) -> Result<Result<Pin, Refusal>, AssuanError> {
    pinentry.set("SETDESC", description).await?;
    Ok(Pin::new(pinentry.ask("GETPIN").await?))
}

async fn confirm_last(
    pinentry: &mut Pinentry,
    words: &Words,
    question: &Question<'_>,
) -> Result<(), AssuanError> {
    if question.tries_left != Some(1) {
        return Ok(());
    }
    pinentry.set("SETDESC", words.last_try).await?;
    pinentry.ask("CONFIRM").await.map(|_| ())
}

struct Words {
    title: &'static str,
    prompt: &'static str,
    sign: &'static str,
    old: &'static str,
    new: &'static str,
    again: &'static str,
    tries_left: &'static str,
    last_try: &'static str,
}

const CHINESE: Words = Words {
    title: "数字证书密码",
    prompt: "证书密码：",
    sign: "网站 {site} 请求使用证书“{token}”登录。请输入证书密码。如果不是您本人在该网站操作，请取消。",
    old: "网站 {site} 请求修改证书“{token}”的密码。请输入当前的证书密码。",
    new: "请输入证书“{token}”的新密码。",
    again: "请再次输入证书“{token}”的新密码。",
    tries_left: "还可尝试 {left} 次。",
    last_try: "只剩最后一次机会：再输错一次，证书将被锁定，须到发证机构解锁。确定继续吗？",
};

const ENGLISH: Words = Words {
    title: "Certificate PIN",
    prompt: "PIN:",
    sign: "The site {site} asks to sign in with the certificate \"{token}\". Type its PIN. Cancel if it was not you who asked for this.",
    old: "The site {site} asks to change the PIN of the certificate \"{token}\". Type the present PIN.",
    new: "Type the new PIN of the certificate \"{token}\".",
    again: "Type the new PIN of the certificate \"{token}\" again.",
    tries_left: "{left} tries are left.",
    last_try: "One try is left: after one more wrong PIN the certificate is locked, and only its issuer can unlock it. Go on?",
};

impl Words {
    fn of(language: Language) -> &'static Self {
        match language {
            Language::Chinese => &CHINESE,
            Language::English => &ENGLISH,
        }
    }

    fn about(&self, text: &str, question: &Question) -> String {
        let mut said = fill(text, question);
        if let Some(left) = question.tries_left {
            said.push('\n');
            said.push_str(&self.tries_left.replace("{left}", &left.to_string()));
        }
        said
    }
}

/// A token's label is its maker's text: it is shortened, and cannot make lines of its own.
fn fill(text: &str, question: &Question) -> String {
    let token: String = question.token.chars().filter(|c| !c.is_control()).take(60).collect();
    text.replace("{site}", question.origin).replace("{token}", &token)
}
