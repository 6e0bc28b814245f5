//! The same of what people do for themselves who are not signed in.

use super::places::As::Nobody;
use super::places::In::{Form, Query};
use super::places::{Walked, walked};

const SCANNED: &str = "t={t.forgot}&q={q.help}&v={v.help}";

pub const HELP: &[Walked] = &[
    walked("GET", "/forgot-password", Nobody, Query, "", "t from"),
    walked(
        "POST",
        "/forgot-password",
        Nobody,
        Form,
        "csrf={csrf.help}&document_type=resident_id_card&document=360102199003071236",
        "csrf",
    ),
    walked("GET", "/forgot-password/prove", Nobody, Query, "t={t.forgot}", "t"),
    walked("GET", "/forgot-password/prove", Nobody, Query, "t={t.forgot}&way=tax_app", "t"),
    walked(
        "POST",
        "/forgot-password/prove",
        Nobody,
        Form,
        "t={t.forgot}&csrf={csrf.forgot}&act=verify&code=000000",
        "t csrf",
    ),
    walked(
        "POST",
        "/forgot-password/scan",
        Nobody,
        Form,
        "t={t.forgot}&csrf={csrf.forgot}&q={q.help}&v={v.help}&app=tax_app",
        "q v t csrf",
    ),
    walked("GET", "/forgot-password/new", Nobody, Query, "t={t.forgot}", "t"),
    walked(
        "POST",
        "/forgot-password/new",
        Nobody,
        Form,
        "t={t.forgot}&csrf={csrf.forgot}&new=x&repeated=x",
        "t csrf",
    ),
    walked("GET", "/help/scan/state", Nobody, Query, SCANNED, "q v t"),
    walked("GET", "/help/scan/events", Nobody, Query, SCANNED, "q v t"),
    walked("GET", "/recover-phone", Nobody, Query, "", "from"),
    walked("GET", "/recover-phone", Nobody, Query, "t={t.lost}", "t"),
    walked(
        "POST",
        "/recover-phone",
        Nobody,
        Form,
        "t={t.lost}&csrf={csrf.lost}&act=verify&code=000000",
        "t csrf",
    ),
    walked("GET", "/recover-phone/face", Nobody, Query, "t={t.lost}", "t"),
    walked(
        "POST",
        "/recover-phone/face",
        Nobody,
        Form,
        "t={t.lost}&csrf={csrf.lost}&act=wait",
        "t csrf",
    ),
    walked(
        "POST",
        "/recover-phone/scan",
        Nobody,
        Form,
        "t={t.lost}&csrf={csrf.lost}&q={q.lost}&v={v.lost}&app=tax_app",
        "q v t csrf",
    ),
    walked("GET", "/recover-phone/stop", Nobody, Query, "c=x", "c"),
    walked("POST", "/recover-phone/stop", Nobody, Form, "c=x&csrf={csrf.help}", "c csrf"),
];
