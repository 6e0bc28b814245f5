//! The words of notices that go out by e-mail: what happened to the account, in both languages, since
//! nobody knows which one its reader wants. Text messages have the carriers' templates, the message
//! centre has `locales/`.

use crate::base::clock::Timestamp;
use crate::domain::notice::NoticeKind;
use crate::flows::Ctx;

/// What happened, in Chinese and English; `None`: it is told in the message centre alone.
fn happened(kind: NoticeKind) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        NoticeKind::PasswordChanged => {
            ("密码已修改，所有登录均已退出", "the password was changed and every sign-in has ended")
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

/// Whether it is told by e-mail, too.
pub fn is_mailed(kind: NoticeKind) -> bool {
    happened(kind).is_some()
}

/// Subject and text of a notice. `link`: where it can be stopped.
pub fn words(
    ctx: &Ctx,
    kind: NoticeKind,
    at: Timestamp,
    link: Option<&str>,
) -> Option<(String, String)> {
    let (zh, en) = happened(kind)?;
    let name = &ctx.realm.name;
    let at = at.for_people();
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
    Some((format!("{} 账号安全提醒 · {} account notice", name.zh, name.en), text))
}
