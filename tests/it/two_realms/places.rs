//! What a good request of a realm's own people sends to each route, and where in it a value stands
//! that is looked up: of the protocol, the sign-in and the phone. The account centre's and the event
//! streams' stand in `centre`.

use hufu::oidc::discovery::path;

/// How a request proves whose it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum As {
    /// With the cookies of sign-ins on their way, and nobody's session.
    Nobody,
    /// Of somebody who is signed in: `li` for her enterprise, `wang` as a person, `zhou` as an agent.
    Person(&'static str),
    /// The client's own id and secret.
    Client,
    /// An access token of this name.
    Bearer(&'static str),
    /// The phone's bound token, with a fresh proof.
    Bound,
    /// The other operator's server, with a fresh assertion and statement.
    Operator,
}

/// How the fields travel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum In {
    Query,
    Form,
    Json,
}

/// `sends`: fields as `name=value&…`, where `{…}` is a value of the realm's own and `{name}=` a part
/// of the path. `slots`: the fields that are replaced, one at a time; `bearer`, `dpop` and `cookie:…`
/// stand for headers.
pub struct Walked {
    pub method: &'static str,
    pub route: &'static str,
    pub who: As,
    pub place: In,
    pub sends: &'static str,
    pub slots: &'static str,
}

pub const fn walked(
    method: &'static str,
    route: &'static str,
    who: As,
    place: In,
    sends: &'static str,
    slots: &'static str,
) -> Walked {
    Walked { method, route, who, place, sends, slots }
}

use As::{Bearer, Bound, Client, Nobody, Operator, Person};
use In::{Form, Json, Query};

const LI: As = Person("li");
const WANG: As = Person("wang");

const ASKS: &str = "client_id=tax-filing&redirect_uri=https://filing.jiangxi.example/callback\
    &response_type=code&scope=openid&state=s&nonce=n&code_challenge={challenge}\
    &code_challenge_method=S256&prompt=none";
const CHOOSES: &str = "client_id=tax-filing&redirect_uri=https://filing.jiangxi.example/callback\
    &response_type=code&scope=openid&state=s&nonce=n&code_challenge={challenge}\
    &code_challenge_method=S256&prompt=select_account";
const REDEEMS: &str = "grant_type=authorization_code&code={code}&code_verifier={verifier}\
    &redirect_uri=https://filing.jiangxi.example/callback";
const SIGNED: &str = "grant_type=client_credentials&client_assertion={assertion}\
    &client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const TYPED: &str = "t={t.passkey}&csrf={csrf.passkey}&entrance=natural_person\
    &personal_id=13800138000&password=Hufu2026!&slider_id={slider}&slider=100";
const LEAVES: &str = "client_id=tax-filing&id_token_hint={id_token}\
    &post_logout_redirect_uri=https://filing.jiangxi.example/";

pub const SIGN_IN: &[Walked] = &[
    walked(
        "GET",
        path::AUTHORIZE,
        Nobody,
        Query,
        ASKS,
        "id_token_hint identity_hint login_hint dpop_jkt client_id request request_uri authorization_details",
    ),
    walked(
        "GET",
        path::AUTHORIZE,
        LI,
        Query,
        ASKS,
        "id_token_hint identity_hint client_id request request_uri authorization_details",
    ),
    walked(
        "POST",
        path::AUTHORIZE,
        LI,
        Form,
        ASKS,
        "id_token_hint identity_hint client_id request request_uri",
    ),
    walked("POST", path::TOKEN, Client, Form, REDEEMS, "code"),
    walked(
        "POST",
        path::TOKEN,
        Client,
        Form,
        "grant_type=refresh_token&refresh_token={refresh_token}",
        "refresh_token",
    ),
    walked("POST", path::TOKEN, Nobody, Form, SIGNED, "client_assertion"),
    walked("GET", path::USERINFO, Nobody, Query, "", "bearer dpop"),
    walked("POST", path::USERINFO, Nobody, Form, "access_token={access_token}", "access_token"),
    walked("POST", path::INTROSPECT, Client, Form, "token={access_token}", "token"),
    walked("POST", path::REVOKE, Client, Form, "token={access_token}", "token"),
    walked("GET", path::END_SESSION, LI, Query, LEAVES, "id_token_hint"),
    walked("GET", path::END_SESSION, Nobody, Query, LEAVES, "id_token_hint"),
    // A good hint would end its own session.
    walked("GET", path::END_SESSION, Nobody, Query, "", "cookie:session"),
    walked("POST", path::END_SESSION, LI, Form, "act=logout&csrf={csrf.li}", "csrf cookie:session"),
    walked("GET", "/login", Nobody, Query, "return_to=", "return_to"),
    walked(
        "GET",
        "/login/credentials",
        Nobody,
        Query,
        "t={t.passkey}",
        "t entrance app cookie:device",
    ),
    walked("POST", "/login/credentials", Nobody, Form, TYPED, "t csrf slider_id entrance"),
    walked(
        "POST",
        "/login/passkey",
        Nobody,
        Form,
        "t={t.passkey}&csrf={csrf.passkey}&entrance=natural_person&made={made.passkey}\
         &challenge={asked.passkey}",
        "made challenge t csrf",
    ),
    walked("GET", "/login/certificate", Nobody, Query, "t={t.passkey}", "t entrance"),
    walked("GET", "/login/certificate/challenge", Nobody, Query, "t={t.passkey}", "t"),
    walked(
        "POST",
        "/login/certificate",
        Nobody,
        Form,
        "t={t.passkey}&csrf={csrf.passkey}&entrance=certificate&sealed=x&certificate=x\
         &chain=x&signature=x",
        "t csrf sealed certificate entrance",
    ),
    // Whoever has come so far has an enterprise's key: `certificate/door` walks it.
    walked("GET", "/login/choose_handler", Nobody, Query, "t={t.passkey}", "t"),
    walked(
        "POST",
        "/login/choose_handler",
        Nobody,
        Form,
        "t={t.passkey}&csrf={csrf.passkey}&handler=x",
        "t csrf handler",
    ),
    walked("GET", "/certificates/check", Nobody, Query, "", ""),
    walked("GET", "/certificates/check/challenge", Nobody, Query, "", ""),
    walked("POST", "/certificates/check", Nobody, Form, "csrf=x&sealed=x", "csrf sealed"),
    walked("GET", "/login/second_factor", Nobody, Query, "t={t.second}&way=sms", "t way"),
    walked(
        "POST",
        "/login/second_factor",
        Nobody,
        Form,
        "t={t.second}&csrf={csrf.second}&act=verify&way=sms&code=x",
        "code t csrf",
    ),
    walked(
        "POST",
        "/login/second_factor",
        Nobody,
        Form,
        "t={t.second}&csrf={csrf.second}&act=totp&code=x",
        "code",
    ),
    walked(
        "POST",
        "/login/second_factor",
        Nobody,
        Form,
        "t={t.second}&csrf={csrf.second}&act=passkey&made=x",
        "made",
    ),
    walked("GET", "/login/new_password", Nobody, Query, "t={t.password}", "t"),
    walked(
        "POST",
        "/login/new_password",
        Nobody,
        Form,
        "t={t.password}&csrf={csrf.password}&new=Spring2026-&repeated=Spring2026-",
        "t csrf",
    ),
    walked("GET", "/login/agreements", Nobody, Query, "t={t.password}", "t"),
    walked(
        "POST",
        "/login/agreements",
        Nobody,
        Form,
        "t={t.password}&csrf={csrf.password}&act=accept",
        "t csrf",
    ),
    walked("GET", "/login/confirm_pending_authorisation", Nobody, Query, "t={t.pending}", "t"),
    walked(
        "POST",
        "/login/confirm_pending_authorisation",
        Nobody,
        Form,
        "t={t.pending}&csrf={csrf.pending}&confirm=x",
        "confirm t csrf",
    ),
    walked("GET", "/login/choose_identity", Nobody, Query, "t={t.choose}", "t find"),
    walked(
        "POST",
        "/login/choose_identity",
        Nobody,
        Form,
        "t={t.choose}&csrf={csrf.choose}&identity=x",
        "identity t csrf",
    ),
    walked("GET", "/choose", LI, Query, CHOOSES, "identity_hint id_token_hint find cookie:session"),
    walked(
        "POST",
        "/choose",
        LI,
        Form,
        "csrf={csrf.li}&request={asks}&identity=x",
        "identity csrf request cookie:session",
    ),
    walked("GET", "/consent", LI, Query, ASKS, "client_id id_token_hint"),
    walked(
        "POST",
        "/consent",
        LI,
        Form,
        "csrf={csrf.li}&request={asks}&act=allow",
        "csrf request cookie:session",
    ),
    walked("GET", "/leave", LI, Query, ASKS, "client_id id_token_hint"),
    walked(
        "POST",
        "/leave",
        LI,
        Form,
        "csrf={csrf.li}&request={asks}&act=back",
        "csrf request cookie:session",
    ),
    walked("GET", "/raise", LI, Query, ASKS, "client_id id_token_hint"),
    walked(
        "POST",
        "/raise",
        LI,
        Form,
        "csrf={csrf.li}&request={asks}&act=back",
        "csrf request cookie:session",
    ),
    walked("GET", "/login/choose_client_enterprise", Nobody, Query, "t={t.client}", "t text"),
    walked(
        "POST",
        "/login/choose_client_enterprise",
        Nobody,
        Form,
        "t={t.client}&csrf={csrf.client}&client=x",
        "client t csrf",
    ),
    walked("GET", "/login/choose_record", Nobody, Query, "t={t.record}", "t no"),
    walked(
        "POST",
        "/login/choose_record",
        Nobody,
        Form,
        "t={t.record}&csrf={csrf.record}&record=x",
        "record t csrf",
    ),
    walked(
        "POST",
        "/login/scan",
        Nobody,
        Form,
        "t={t.scan}&csrf={csrf.scan}&q={q.sign_in}&v={v.sign_in}&app=tax_app",
        "q v t csrf",
    ),
    walked(
        "POST",
        "/login/scan",
        LI,
        Form,
        "t={t.step_up}&csrf={csrf.step_up}&q={q.face}&v={v.face}&app=tax_app",
        "q v t csrf",
    ),
    walked(
        "POST",
        "/login/scan",
        WANG,
        Form,
        "t={t.batch}&csrf={csrf.batch}&q=x&v=x&app=tax_app",
        "q v",
    ),
    walked(
        "GET",
        "/login/scan/state",
        Nobody,
        Query,
        "t={t.scan}&q={q.sign_in}&v={v.sign_in}",
        "q v t",
    ),
    walked(
        "GET",
        "/login/scan/events",
        Nobody,
        Query,
        "t={t.scan}&q={q.sign_in}&v={v.sign_in}",
        "q v t",
    ),
    walked("GET", "/q/{id}", WANG, Query, "{id}={q.new}", "{id}"),
    walked("GET", "/q/{id}/state", Nobody, Query, "{id}={q.sign_in}", "{id} cookie:phone"),
    walked("GET", "/q/{id}/events", Nobody, Query, "{id}={q.sign_in}", "{id} cookie:phone"),
    walked(
        "POST",
        "/q/{id}",
        LI,
        Form,
        "{id}={q.new}&csrf={csrf.phone}&act=scan",
        "{id} csrf cookie:phone cookie:session",
    ),
    walked(
        "POST",
        "/q/{id}/face",
        Nobody,
        Form,
        "{id}={q.face}&csrf={csrf.phone}&order={order}",
        "{id} csrf order cookie:phone",
    ),
    walked(
        "POST",
        "/app/codes/{code}/{act}",
        Bound,
        Json,
        "{code}={q.sign_in}&{act}=state",
        "{code} bearer dpop",
    ),
    walked(
        "POST",
        "/login/scan",
        Nobody,
        Form,
        "t={t.scan}&csrf={csrf.scan}&q={q.sign_in}&v={v.sign_in}&app=tax_app&act=cancel",
        "q v t csrf",
    ),
    walked("GET", "/q/{id}", Nobody, Query, "{id}={q.sign_in}", "{id} cookie:phone cookie:session"),
    walked(
        "POST",
        "/q/{id}",
        LI,
        Form,
        "{id}={q.sign_in}&csrf={csrf.phone}&act=confirm",
        "{id} csrf cookie:phone cookie:session",
    ),
    walked(
        "GET",
        "/q/{id}/face",
        Nobody,
        Query,
        "{id}={q.face}&order={order}",
        "{id} order cookie:phone",
    ),
    walked("POST", "/app/scan", Operator, Form, "code={q.iit}", "code statement client_assertion"),
    walked(
        "POST",
        "/app/codes/{code}/{act}",
        Bound,
        Json,
        "{code}={q.sign_in}&{act}=scan",
        "{code} bearer dpop",
    ),
    walked(
        "POST",
        "/app/codes/{code}/{act}",
        Bound,
        Json,
        "{code}={q.sign_in}&{act}=confirm",
        "{code} bearer dpop",
    ),
    walked(
        "POST",
        "/app/codes/{code}/{act}",
        Bound,
        Json,
        "{code}={q.face}&{act}=face_result&order={order}",
        "{code} order",
    ),
    walked("POST", "/app/card", Bound, Json, "", "bearer dpop"),
    walked("POST", "/app/card/{order}", Bound, Json, "{order}=x&reading=x", "{order} bearer dpop"),
    walked(
        "POST",
        "/admin/import",
        Bearer("access_token.registry"),
        Json,
        "feed=enterprise",
        "bearer",
    ),
    walked(
        "GET",
        "/admin/history",
        Bearer("access_token.registry"),
        Query,
        "enterprise=91360100MA35ABCD43",
        "bearer",
    ),
    walked(
        "POST",
        "/admin/history",
        Bearer("access_token.registry"),
        Form,
        "person=360102199003071236",
        "person bearer",
    ),
];
