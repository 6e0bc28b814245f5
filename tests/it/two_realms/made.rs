//! Everything that a realm gives out, made by real journeys: what lasts, what is on its way, and
//! whether each of it still works afterwards, once.

use std::collections::BTreeMap;

use hufu::cli::demo::phone_app::tax::Phone;
use hufu::flows::feed::{Format, import};
use hufu::jose::Algorithm;
use hufu::jose::jwt::sign;
use hufu::jose::keys::SigningKey;
use serde_json::{Value, json};

use super::side::{Comer, HOST, Side, comer};
use crate::kit::browser::Shown;
use crate::kit::passkey::{Passkey, asked};
use crate::kit::{Browser, EXAMPLE, FILING, INVOICE, SAMPLE, TAX_APP, VERIFIER};
use crate::login::authenticator::Phone as Authenticator;
use crate::login::scan::{code, id, number, scan};

const AGENCY: &str = "52360100MA3AGENT12";
const BUILDER: &str = "91330100MA2BUJ786T";
pub const LI: Comer = Comer {
    door: "enterprise",
    enterprise: EXAMPLE,
    phone: "13900139000",
    password: crate::kit::PASSWORD,
};
pub const WANG: &str = "13800138000";
const THREE: &str = "urn:hufu:realname:3";

/// What lasts: who is signed in, and what they have enrolled.
pub struct Lasting {
    pub li: Browser,
    pub wang: Browser,
    pub zhou: Browser,
    pub passkey: Passkey,
    pub authenticator: Authenticator,
    pub recovery: Vec<String>,
}

/// An invitation for 王小明; in the first realm also an enterprise that no other knows.
async fn invite(side: Side<'_>) {
    let mut lines = vec![json!({"feed": "authorisation", "source_key": "a-8", "version": 1,
        "enterprise": SAMPLE, "person": "360102199003071236",
        "identity_type": "invoicing_clerk", "permissions": "INVOICE",
        "valid_from": "2026-01-01", "state": "pending_by_person",
        "invited_by": "360121198802290026"})];
    if side.realm == super::A {
        lines.push(json!({"feed": "enterprise", "source_key": "e-9", "version": 1,
            "registration_no": "10113301000000000099", "uscc": super::OWN_NUMBER,
            "name": "杭州远方贸易有限公司", "status": "03", "tax_authority": "13301060000"}));
        lines.push(json!({"feed": "person", "source_key": "p-9", "version": 1,
            "name": "甲域独", "document_type": "foreign_passport", "document": "L898902C4",
            "nationality": "USA", "phone": super::OWN_PHONE}));
    }
    let text: Vec<String> = lines.iter().map(Value::to_string).collect();
    let text = text.join("\n");
    let report = import(&side.ctx(), "test", text.as_bytes(), Format::JsonLines, None).await;
    let report = report.unwrap();
    assert!(report.failed.is_empty(), "{:?}", report.failed);
    assert_eq!(report.unchanged, 0, "{}: the other realm's lines have the same keys", side.realm);
}

pub async fn lasting(side: Side<'_>) -> Lasting {
    side.app.clock.advance(61);
    invite(side).await;
    // Known by her browser at her own door, at work by the enterprise's.
    let (mut own, page) = side.typed(Comer { enterprise: "", door: "natural_person", ..LI }).await;
    let sent = own.submit(&page, &[("act", "send")]).await;
    let typed = [("act", "verify"), ("code", &side.app.sms(LI.phone)), ("remember", "yes")];
    let done = own.submit(&sent, &typed).await;
    assert!(done.answered("code").is_some(), "{}", done.text);
    side.app.clock.advance(61);
    let (mut li, done) = side.passed(LI).await;
    assert!(done.answered("code").is_some(), "{}", done.text);
    let device = format!("__Host-hufu-device-{}", side.realm);
    li.cookies.insert(device.clone(), own.cookies[&device].clone());
    let page = li.get(&side.path("/account/authenticator")).await;
    let page = li.submit(&page, &[("act", "begin")]).await;
    let authenticator = Authenticator::enrolled(&page);
    let typed = authenticator.code(side.app);
    let done = li.submit(&page, &[("act", "confirm"), ("code", &typed)]).await;
    let codes = done.text.split("<li><code>").skip(1);
    let recovery = codes.map(|rest| rest.split('<').next().unwrap().to_owned()).collect();
    let page = li.get(&side.path("/account/passkeys")).await;
    let (passkey, made) = Passkey::make(&asked(&page).expect("options"));
    li.submit(&page, &[("name", "phone"), ("made", &made)]).await;
    let (wang, _) = side.passed(comer("natural_person", "", WANG)).await;
    let (mut zhou, page) = side.passed(comer("agency", AGENCY, "13300133000")).await;
    let client = first(&page, "client");
    zhou.submit(&page, &[("client", &client)]).await;
    Lasting { li, wang, zhou, passkey, authenticator, recovery }
}

pub fn first(page: &Shown, name: &str) -> String {
    let rest = page.text.split(&format!("name=\"{name}\" value=\"")).nth(1);
    rest.unwrap_or_else(|| panic!("no {name}: {}", page.text)).split('"').next().unwrap().to_owned()
}

/// All of it: by name, with the cookies and pages that belong to it.
pub struct Made {
    pub values: BTreeMap<String, String>,
    /// Of sign-ins on their way, of phones, of known browsers.
    pub cookies: BTreeMap<String, String>,
    pub people: BTreeMap<&'static str, Browser>,
    pub pages: BTreeMap<&'static str, (Browser, Shown)>,
    pub lasting: Lasting,
    pub phone: Phone,
    /// Comes back to where the provider of the face sends it.
    pub face: (Browser, String, String),
}

/// No clock moves: what lives for a minute lives until the walk is over.
pub async fn on_its_way(side: Side<'_>, lasting: Lasting) -> Made {
    let (li, wang, zhou) = (lasting.li.clone(), lasting.wang.clone(), lasting.zhou.clone());
    let people = BTreeMap::from([("li", li), ("wang", wang), ("zhou", zhou)]);
    let (values, cookies, pages) = Default::default();
    let phone = Phone::new().unwrap();
    let face = (side.app.browser(), String::new(), String::new());
    let mut made = Made { values, cookies, people, pages, lasting, phone, face };
    made.sign_ins(side).await;
    made.scans(side).await;
    made.tokens(side).await;
    made.name(side).await;
    made
}

impl Made {
    fn put(&mut self, name: &str, value: &str) {
        assert!(!value.is_empty(), "no {name}");
        self.values.insert(name.to_owned(), value.to_owned());
    }

    fn keep(&mut self, name: &'static str, (browser, page): (Browser, Shown)) {
        let t = page.hidden().get("t").cloned();
        let t = t.unwrap_or_else(|| panic!("{name}: {} {}", page.url, page.text));
        self.put(&format!("t.{name}"), &t);
        self.pages.insert(name, (browser, page));
    }

    /// One sign-in at each step.
    async fn sign_ins(&mut self, side: Side<'_>) {
        let page = side.at("natural_person").await;
        let (_, fields) = page.1.filled(&[("personal_id", "")]);
        self.put("slider", &fields["slider_id"]);
        self.keep("slider", page);
        let page = side.at("natural_person").await;
        let options = asked(&page.1).unwrap();
        let answer = self.lasting.passkey.answer(&options);
        self.put("made.passkey", &answer);
        self.put("asked.passkey", &page.1.filled(&[("made", "")]).1["challenge"]);
        self.keep("passkey", page);
        let (mut wu, page) = side.typed(comer("specific_entity", BUILDER, "13200132000")).await;
        let page = wu.submit(&page, &[("act", "send")]).await;
        self.put("sms", &side.app.sms("13200132000"));
        self.keep("second", (wu, page));
        self.keep("choose", side.passed(comer("enterprise", EXAMPLE, WANG)).await);
        self.keep("pending", side.passed(comer("enterprise", EXAMPLE, "13600136000")).await);
        let zhang = Comer { password: "014512", ..comer("enterprise", EXAMPLE, "13700137000") };
        self.keep("password", side.passed(zhang).await);
        self.keep("client", side.passed(comer("agency", AGENCY, "13300133000")).await);
        let he = comer("specific_entity", BUILDER, "13100131000");
        self.keep("record", side.passed(he).await);
        self.help(side).await;
        self.register(side).await;
    }

    /// A forgotten password and a lost phone of 王小明, each before its face.
    async fn help(&mut self, side: Side<'_>) {
        let document = [("document_type", "resident_id_card"), ("document", "360102199003071236")];
        let mut browser = side.app.browser();
        let first = browser.get(&side.path("/forgot-password")).await;
        self.put("csrf.help", &first.hidden()["csrf"]);
        let page = browser.submit(&first, &document).await;
        let page = browser.get(&format!("{}&way=tax_app", page.url)).await;
        let (_, fields) = page.filled(&[("app", "tax_app")]);
        for (name, field) in [("q.help", "q"), ("v.help", "v"), ("csrf.forgot", "csrf")] {
            self.put(name, &fields[field]);
        }
        self.keep("forgot", (browser.clone(), page));
        let first = browser.get(&side.path("/recover-phone")).await;
        let (phone, password) = ("13911110000", crate::kit::PASSWORD);
        let typed = [("phone", phone), ("password", password), ("act", "begin")];
        let page = browser.submit(&first, &[&document[..], &typed[..]].concat()).await;
        let code = [("code", &*side.app.sms(phone)), ("act", "verify")];
        let page = browser.submit(&page, &code).await;
        let (_, fields) = page.filled(&[("app", "tax_app")]);
        for (name, field) in [("q.lost", "q"), ("v.lost", "v"), ("csrf.lost", "csrf")] {
            self.put(name, &fields[field]);
        }
        self.keep("lost", (browser, page));
    }

    /// A registration before its face.
    async fn register(&mut self, side: Side<'_>) {
        let mut browser = side.app.browser();
        let page = browser.get(&side.path("/register")).await;
        self.put("csrf.begin", &page.hidden()["csrf"]);
        let page = browser.submit(&page, &[("accept-user-agreement", "yes")]).await;
        let who = [
            ("name", "方宇"),
            ("document_type", "resident_id_card"),
            ("document", "360102199505180037"),
        ];
        let page = browser.submit(&page, &who).await;
        let phone = "13922239222";
        let typed = [
            ("password", "Spring2026!"),
            ("repeated", "Spring2026!"),
            ("contact", phone),
            ("act", "send"),
        ];
        let page = browser.submit(&page, &typed).await;
        let code = [("act", "verify"), ("code", &*side.app.sms(phone))];
        let page = browser.submit(&page, &code).await;
        let ticks = [
            ("accept-personal-information", "yes"),
            ("accept-face-service", "yes"),
            ("act", "accept"),
        ];
        let page = browser.submit(&page, &ticks).await;
        let (_, fields) = page.filled(&[("app", "tax_app")]);
        for (name, field) in [("q.register", "q"), ("v.register", "v"), ("csrf.register", "csrf")] {
            self.put(name, &fields[field]);
        }
        self.keep("register", (browser, page));
    }

    /// Codes that a phone has opened: for a sign-in, and for the face of 李芳.
    async fn scans(&mut self, side: Side<'_>) {
        let (browser, page) = side.at("natural_person").await;
        let (_, fields) = page.filled(&[("app", "tax_app")]);
        self.put("q.sign_in", &fields["q"]);
        self.put("v.sign_in", &fields["v"]);
        let mut phone = self.people["li"].clone();
        let shown = scan(&mut phone, &code(&page)).await;
        let key = phone.cookies[&format!("__Host-hufu-phone-{}", side.realm)].clone();
        self.put("cookie.phone", &key);
        self.put("csrf.phone", &side.csrf_of_cookie(&key));
        self.keep("scan", (browser, page));
        self.pages.insert("phone", (phone, shown));

        let mut li = self.people["li"].clone();
        let page = li.get(&side.authorize(&FILING, &[("acr_values", THREE)])).await;
        let (_, fields) = page.filled(&[("app", "tax_app")]);
        self.put("q.face", &fields["q"]);
        self.put("v.face", &fields["v"]);
        // The same phone, but nobody is signed in.
        let mut phone = side.app.browser();
        phone.cookies.insert(format!("__Host-hufu-phone-{}", side.realm), key);
        let shown = scan(&mut phone, &code(&page)).await;
        let typed = number(&side.ctx(), &page).await;
        let fields = [("act", "confirm"), ("number", &*typed), ("agree", "yes")];
        let left = phone.submit(&shown, &fields).await;
        let handle = left.left_to.unwrap_or_else(|| panic!("{}", left.text));
        let handle = handle.rsplit('/').next().unwrap().to_owned();
        let sandbox = &side.app.ctx.services.outbound.sandbox;
        let back = sandbox.check(&handle).unwrap().return_url;
        let back = back.strip_prefix(HOST).unwrap().to_owned();
        let order = back.split("order=").nth(1).unwrap().split('&').next().unwrap().to_owned();
        self.put("order", &order);
        self.face = (phone, back, handle);
        self.keep("step_up", (li, page));

        let mut wang = self.people["wang"].clone();
        let page = wang.get(&side.path("/account/authorisations?scope=national")).await;
        let waiting = page.text.split("name=\"id-").nth(1).expect("an invitation");
        let waiting = waiting.split('"').next().unwrap().to_owned();
        let tick = format!("id-{waiting}");
        self.put("id.invitation", &waiting);
        let form = [("act", "confirm"), (&*tick, "yes")];
        let review = side.submit(&mut wang, "/account/authorisations", &form).await;
        let page = wang.submit(&review, &[("app", "tax_app")]).await;
        self.keep("batch", (wang, page));
        let page = side.at("natural_person").await;
        self.put("q.new", &id(&page.1));
        let t = page.1.hidden()["t"].clone();
        let mut browser = page.0;
        let url = side.path(&format!("/login/credentials?t={t}&app=iit_app"));
        let page = browser.get(&url).await;
        self.put("q.iit", &id(&page));
        self.keep("iit", (browser, page));
    }

    async fn code_of(&self, side: Side<'_>, client: &crate::kit::Application) -> String {
        let scope = if client.id == TAX_APP.id { "openid tax_identity scan" } else { "openid" };
        let mut li = self.people["li"].clone();
        let mut done = li.get(&side.authorize(client, &[("scope", scope)])).await;
        if done.text.contains("value=\"allow\"") {
            done = li.submit(&done, &[("act", "allow")]).await;
        }
        done.answered("code").unwrap_or_else(|| panic!("{:?} {}", done.left_to, done.text))
    }

    async fn tokens(&mut self, side: Side<'_>) {
        let code = self.code_of(side, &FILING).await;
        self.put("code", &code);
        let code = self.code_of(side, &FILING).await;
        let (_, tokens) = side.post("/token", Some(&FILING), &redeem(&code)).await;
        for name in ["access_token", "refresh_token", "id_token"] {
            self.put(name, tokens[name].as_str().unwrap_or_default());
        }
        let code = self.code_of(side, &INVOICE).await;
        let mut form = redeem(&code).to_vec();
        form[2].1 = INVOICE.redirect_uri;
        form.extend([("client_id", INVOICE.id), ("client_secret", INVOICE.secret)]);
        let (_, tokens) = side.post("/token", None, &form).await;
        self.put("access_token.opaque", tokens["access_token"].as_str().unwrap_or_default());
        self.put("refresh_token.opaque", tokens["refresh_token"].as_str().unwrap_or_default());
        let code = self.code_of(side, &TAX_APP).await;
        let mut form = redeem(&code).to_vec();
        form[2].1 = TAX_APP.redirect_uri;
        form.push(("client_id", TAX_APP.id));
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let proof = self.proof(side, ("POST", "/token"), None);
        let kind = ("content-type", "application/x-www-form-urlencoded");
        let (_, tokens) = side.call(("POST", "/token"), &[kind, ("dpop", &proof)], &body).await;
        self.put("access_token.bound", tokens["access_token"].as_str().unwrap_or_default());
        for (name, client, scope) in [
            ("access_token.ssf", &FILING, "ssf"),
            ("access_token.registry", &super::REGISTRY, "registry_import history_read"),
        ] {
            let form = [("grant_type", "client_credentials"), ("scope", scope)];
            let (_, tokens) = side.post("/token", Some(client), &form).await;
            self.put(name, tokens["access_token"].as_str().unwrap_or_default());
        }
        let bearer = format!("Bearer {}", self.values["access_token.ssf"]);
        let wanted = json!({"delivery": {"method": "urn:ietf:rfc:8936"}}).to_string();
        let bearer = [("authorization", &*bearer)];
        let (_, stream) = side.call(("POST", "/ssf/stream"), &bearer, &wanted).await;
        self.put("id.stream", stream["stream_id"].as_str().unwrap_or_default());
    }

    /// What is known by other names than a page's.
    async fn name(&mut self, side: Side<'_>) {
        for (who, browser) in self.people.clone() {
            let session = browser.cookies[&side.session_name()].clone();
            self.put(&format!("session.{who}"), &session);
            self.put(&format!("csrf.{who}"), &side.csrf_of_cookie(&session));
        }
        let device = format!("__Host-hufu-device-{}", side.realm);
        self.put("cookie.device", &self.people["li"].cookies[&device].clone());
        let transactions: Vec<(String, String)> = self.values.clone().into_iter().collect();
        for (name, t) in transactions {
            if let Some(step) = name.strip_prefix("t.")
                && !self.values.contains_key(&format!("csrf.{step}"))
            {
                self.put(&format!("csrf.{step}"), &side.csrf(&t));
            }
        }
        self.put("totp", &self.lasting.authenticator.code(side.app));
        self.put("recovery", &self.lasting.recovery[0].clone());
        self.put("assertion", &assertion(side, side.realm, "of-the-first"));
        for (table, ids) in side.app.ids_of(side.realm).await {
            for (at, id) in ids.iter().rev().take(2).enumerate() {
                self.put(&format!("id.{table}.{at}"), id);
            }
        }
        for (browser, _) in self.pages.values() {
            let mut own = browser.cookies.clone();
            own.retain(|name, _| !name.contains("-session-") && !name.contains("-device-"));
            self.cookies.extend(own);
        }
    }

    /// A proof of the bound token's key for a request of this realm.
    pub fn proof(
        &self,
        side: Side<'_>,
        (method, path): (&str, &str),
        token: Option<&str>,
    ) -> String {
        let now = side.app.ctx.now().0;
        self.phone.proof((method, &side.url(path)), token, now).unwrap()
    }
}

pub fn redeem(code: &str) -> [(&str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", FILING.redirect_uri),
        ("code_verifier", VERIFIER),
    ]
}

/// Of the client that signs, for a realm: not used yet, if this name is not.
pub fn assertion(side: Side<'_>, audience: &str, name: &str) -> String {
    let private = include_str!("../../data/data-exchange.private.json");
    let key = SigningKey::new(Algorithm::ES256, private, true).unwrap();
    let audience = format!("{HOST}/realms/{audience}");
    let claims = json!({"iss": "data-exchange", "sub": "data-exchange", "aud": audience,
        "exp": side.app.ctx.now().0 + 300, "jti": name});
    sign(&key, "JWT", &claims).unwrap()
}
