//! The words of notices that go out by e-mail: what happened to the account, in both languages, since
//! nobody knows which one its reader wants. Text messages have the carriers' templates, the message
//! centre has `locales/`.

use crate::base::clock::Timestamp;
use crate::domain::notice::NoticeKind;
use crate::flows::Ctx;

/// What happened, in Chinese and English; `None`: it is told in the message centre alone.
fn happened(kind: NoticeKind) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        NoticeKind::PasswordChanged => (
            "密码已修改，其他登录均已退出",
            "the password was changed and every other sign-in has ended",
        ),
        NoticeKind::SecondFactorFailed => (
            "有人使用正确的密码登录，但多次未通过身份验证",
            "somebody who knows the password failed at the second factor several times",
        ),
        NoticeKind::FactorAdded => (
            "新增或更新了一种验证方式",
            "a way in which the account is verified was added or renewed",
        ),
        NoticeKind::FactorRemoved => {
            ("移除了一种验证方式", "a way in which the account is verified was removed")
        }
        NoticeKind::RecoveryFailed => (
            "有人在【忘记密码】中多次输入错误的验证码",
            "somebody typed wrong codes at “Forgotten password” several times",
        ),
        NoticeKind::PhoneAwaited => (
            "有人申请绑定新手机号码，24 小时后生效",
            "somebody asked to bind a new phone number, from 24 hours on",
        ),
        NoticeKind::PhoneRecovered => (
            "已通过【找回手机号码】绑定新的手机号码",
            "a new phone number was bound by “Recover phone number”",
        ),
        NoticeKind::PhoneGivenUp => {
            ("申请绑定的新手机号码没有绑定", "the new phone number that was asked for is not bound")
        }
        NoticeKind::PhoneTaken => (
            "一个手机号码已由他人验证并绑定，已从您的账号移除",
            "a phone number was proved by somebody else and removed from your account",
        ),
        NoticeKind::PhoneChanged => (
            "手机号码已删除，或默认手机号码已变更",
            "a phone number was removed, or another is the default",
        ),
        NoticeKind::ContactChanged => {
            ("新增了手机号码或更换了电子邮箱", "a phone number or another e-mail address was added")
        }
        NoticeKind::UsernameChanged => ("用户名已变更", "the username was changed"),
        NoticeKind::AccountLocked => {
            ("税务机关已锁定您的账号", "the tax authority has locked the account")
        }
        NoticeKind::AccountUnlocked => {
            ("税务机关已解锁您的账号", "the tax authority has unlocked the account")
        }
        NoticeKind::SessionsEnded => {
            ("税务机关已结束您的登录", "the tax authority has ended sign-ins of the account")
        }
        NoticeKind::FactorReset => (
            "税务机关已移除您的一种验证方式",
            "the tax authority has removed a way in which the account is verified",
        ),
        NoticeKind::PasswordExpired => (
            "税务机关已将您的密码设为失效，下次登录须设置新密码",
            "the tax authority has expired the password; the next sign-in asks for a new one",
        ),
        _ => return None,
    })
}

/// What became of an application, which is no matter of the account's safety.
fn decided(kind: NoticeKind) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        NoticeKind::NonResidentReturned => (
            "已退回补正。请登录后在【非居民企业身份信息采集】中查看原因，修改后重新提交。",
            "was returned for correction. Sign in and open “Non-resident enterprise” to read why, correct it \
             and submit it again.",
        ),
        NoticeKind::NonResidentRejected => (
            "未通过审核。请登录后在【非居民企业身份信息采集】中查看原因。",
            "was not approved. Sign in and open “Non-resident enterprise” to read why.",
        ),
        NoticeKind::NonResidentApproved => (
            "已通过审核。请使用下列非居民企业身份码在【非居民登录】登录。",
            "was approved. Sign in at “Non-resident” with the identity code below.",
        ),
        _ => return None,
    })
}

/// Whether it is told by e-mail, too.
pub fn is_mailed(kind: NoticeKind) -> bool {
    happened(kind).is_some() || decided(kind).is_some()
}

/// What a notice says besides its kind.
#[derive(Clone, Copy)]
pub struct Said<'s> {
    pub at: Timestamp,
    /// Where it can be stopped.
    pub link: Option<&'s str>,
    /// A non-resident identity code.
    pub code: Option<&'s str>,
}

/// Subject and text of a notice.
pub fn words(ctx: &Ctx, kind: NoticeKind, said: Said<'_>) -> Option<(String, String)> {
    let name = &ctx.realm.name;
    let at = said.at.for_people();
    if let Some((zh, en)) = decided(kind) {
        let code = said.code.map(|code| format!("\r\n{code}\r\n")).unwrap_or_default();
        let text = format!(
            "您的非居民企业身份码申请{zh}（{at}）\r\n\r\n\
             Your application for a non-resident enterprise identity code {en} ({at})\r\n{code}"
        );
        return Some((format!("{} 非居民企业身份码 · {} identity code", name.zh, name.en), text));
    }
    let (zh, en) = happened(kind)?;
    let link = said.link;
    let stop_zh = link.map(|link| format!("如非本人操作，请打开此地址取消：{link}\r\n"));
    let stop_en = link.map(|link| format!("If this was not you, stop it here: {link}\r\n"));
    let text = format!(
        "您在{}的账号：{zh}。（{at}）\r\n{}如非本人操作，请立即通过【忘记密码】重新设置密码，并到办税服务厅办理。\r\n\r\n\
         Your account at {}: {en} ({at}).\r\n{}If this was not you, set another password at once by \
         “Forgotten password” and come to the tax service hall.\r\n",
        name.zh,
        stop_zh.unwrap_or_default(),
        name.en,
        stop_en.unwrap_or_default(),
    );
    Some((subject(ctx), text))
}

fn subject(ctx: &Ctx) -> String {
    let name = &ctx.realm.name;
    format!("{} 账号安全提醒 · {} account notice", name.zh, name.en)
}

/// Subject and text for the address of an account that is over: nothing of it leads back.
pub fn last_words(ctx: &Ctx, at: Timestamp) -> (String, String) {
    let (name, at) = (&ctx.realm.name, at.for_people());
    let text = format!(
        "您在{}的账号已注销。（{at}）\r\n如非本人操作，请立即携带证件到办税服务厅办理。\r\n\r\n\
         Your account at {} was cancelled ({at}).\r\nIf this was not you, come to the tax service hall \
         with your document at once.\r\n",
        name.zh, name.en,
    );
    (subject(ctx), text)
}
