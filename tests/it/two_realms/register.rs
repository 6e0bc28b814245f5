//! The same of registration.

use super::places::As::Nobody;
use super::places::In::{Form, Query};
use super::places::{Walked, walked};

pub const REGISTER: &[Walked] = &[
    walked("GET", "/register", Nobody, Query, "way=domestic&from={t.second}", "from t"),
    walked(
        "POST",
        "/register",
        Nobody,
        Form,
        "csrf={csrf.begin}&way=domestic&accept-user-agreement=yes",
        "csrf t from",
    ),
    walked("GET", "/register/identity", Nobody, Query, "t={t.register}", "t"),
    walked(
        "POST",
        "/register/identity",
        Nobody,
        Form,
        "t={t.register}&csrf={csrf.register}&name=x",
        "t csrf",
    ),
    walked("GET", "/register/contact", Nobody, Query, "t={t.register}", "t"),
    walked(
        "POST",
        "/register/contact",
        Nobody,
        Form,
        "t={t.register}&csrf={csrf.register}&act=verify&code=000000",
        "t csrf",
    ),
    walked("GET", "/register/verify", Nobody, Query, "t={t.register}", "t"),
    walked(
        "POST",
        "/register/verify",
        Nobody,
        Form,
        "t={t.register}&csrf={csrf.register}&act=accept",
        "t csrf",
    ),
    walked(
        "POST",
        "/register/scan",
        Nobody,
        Form,
        "t={t.register}&csrf={csrf.register}&q={q.register}&v={v.register}&app=tax_app",
        "q v t csrf",
    ),
    walked("GET", "/register/done", Nobody, Query, "t={t.register}", "t"),
];
