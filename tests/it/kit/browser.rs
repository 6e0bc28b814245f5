//! A browser without JavaScript: cookies, forms, redirects within the provider.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::Response;
use tower::ServiceExt;

/// What the person sees, or where the provider sent them.
#[derive(Clone)]
pub struct Shown {
    pub status: StatusCode,
    pub text: String,
    /// The address after redirects within the provider.
    pub url: String,
    /// The address outside the provider, not followed.
    pub left_to: Option<String>,
    pub headers: HeaderMap,
}

impl Shown {
    pub fn header(&self, name: &str) -> Option<String> {
        Some(self.headers.get(name)?.to_str().unwrap().to_owned())
    }

    /// The refusal code of the page.
    pub fn code(&self) -> Option<&str> {
        self.text.split("data-code=\"").nth(1)?.split('"').next()
    }

    /// The form that holds these fields; the first one where none does.
    fn form(&self, values: &[(&str, &str)]) -> &str {
        let mut forms = self.text.split("<form ").skip(1);
        let mut forms_again = forms.clone();
        let holds = |form: &&str| {
            let form = form.split("</form>").next().unwrap();
            values.iter().all(|(name, value)| {
                let named = format!("name=\"{name}\"");
                let pressed = format!("name=\"{name}\" value=\"{value}\"");
                form.contains(if *name == "act" { &pressed } else { &named })
            })
        };
        let found = forms.find(holds).or_else(|| forms_again.next());
        found.unwrap_or_else(|| panic!("no form at {}: {} {}", self.url, self.status, self.text))
    }

    /// Where the form that holds these fields goes, and everything in it.
    pub fn filled(&self, values: &[(&str, &str)]) -> (String, BTreeMap<String, String>) {
        let form = self.form(values);
        let mut fields = Self::hidden_of(form);
        fields.extend(values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let action = form.split("action=\"").nth(1).and_then(|rest| rest.split('"').next());
        (unescape(action.unwrap()), fields)
    }

    pub fn action(&self) -> String {
        self.filled(&[]).0
    }

    pub fn hidden(&self) -> BTreeMap<String, String> {
        Self::hidden_of(&self.text)
    }

    /// What the form that holds a text carries.
    pub fn hidden_of_form(&self, text: &str) -> BTreeMap<String, String> {
        let forms = self.text.split("<form ").skip(1);
        let mut forms = forms.map(|form| form.split("</form>").next().unwrap());
        Self::hidden_of(forms.find(|form| form.contains(text)).expect("a form"))
    }

    fn hidden_of(part: &str) -> BTreeMap<String, String> {
        let mut fields = BTreeMap::new();
        let part = part.split("</form>").next().unwrap();
        for input in part.split("<input ").skip(1) {
            let input = input.split('>').next().unwrap();
            if !input.contains("type=\"hidden\"") {
                continue;
            }
            let attribute = |name: &str| {
                let rest = input.split(&format!("{name}=\"")).nth(1)?;
                Some(unescape(rest.split('"').next()?))
            };
            if let (Some(name), Some(value)) = (attribute("name"), attribute("value")) {
                fields.entry(name).or_insert(value);
            }
        }
        fields
    }

    /// A parameter of the address that the provider sent the browser to.
    pub fn answered(&self, name: &str) -> Option<String> {
        let left_to = self.left_to.as_ref()?;
        let query = left_to.split_once('?')?.1;
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

/// A page without the number of its request and the tries that are left, which are others each time.
pub fn without_number(text: &str) -> String {
    let line = |line: &str| match line.contains("<p class=\"code\">") {
        true => line.rsplit_once(" · ").map_or(line, |(before, _)| before).to_owned(),
        false => line.to_owned(),
    };
    let lines = text.split('\n').filter(|line| !line.contains("id=\"tries-left\""));
    lines.map(line).collect::<Vec<_>>().join("\n")
}

/// Links within a page to what it does not have: a summary of errors that leads nowhere.
pub fn dead_links(text: &str) -> Vec<&str> {
    let links = text.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next());
    links.filter(|id| !text.contains(&format!(" id=\"{id}\""))).collect()
}

pub fn unescape(text: &str) -> String {
    let named = text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">");
    named.replace("&#x27;", "'").replace("&#x2F;", "/").replace("&amp;", "&")
}

#[derive(Clone)]
pub struct Browser {
    provider: Provider,
    pub cookies: BTreeMap<String, String>,
    /// The address that the router sees; over HTTP it is what it is.
    pub from: IpAddr,
    /// What it sends besides with every request.
    pub headers: HeaderMap,
}

/// In the test's own process, or somewhere else.
#[derive(Clone)]
enum Provider {
    Router(Router),
    Http(String, reqwest::Client),
}

impl Provider {
    async fn answer(&self, request: Request<Body>) -> Response {
        match self {
            Self::Router(router) => router.clone().oneshot(request).await.unwrap(),
            Self::Http(base, client) => {
                let (parts, body) = request.into_parts();
                let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
                let sent = client
                    .request(parts.method, format!("{base}{}", parts.uri))
                    .headers(parts.headers)
                    .body(bytes);
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::BAD_GATEWAY;
                // What a proxy would say of a server that is away.
                let Ok(answer) = sent.send().await else { return response };
                let (status, headers) = (answer.status(), answer.headers().clone());
                let Ok(bytes) = answer.bytes().await else { return response };
                *response.body_mut() = Body::from(bytes);
                *response.status_mut() = status;
                *response.headers_mut() = headers;
                response
            }
        }
    }
}

impl Browser {
    pub fn new(router: Router) -> Self {
        Self::of(Provider::Router(router))
    }

    /// `base`: where the provider listens, whatever its issuer says.
    pub fn over_http(base: &str) -> Self {
        Self::over_http_with(base, reqwest::Client::builder())
    }

    /// The same with what else the connection is to be like.
    pub fn over_http_with(base: &str, client: reqwest::ClientBuilder) -> Self {
        let no_redirects = reqwest::redirect::Policy::none();
        let client = client.no_proxy().redirect(no_redirects).build().unwrap();
        Self::of(Provider::Http(base.to_owned(), client))
    }

    fn of(provider: Provider) -> Self {
        let from = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Self { provider, cookies: BTreeMap::new(), from, headers: HeaderMap::new() }
    }

    /// One request as it is, without cookies.
    pub async fn answer(&self, request: Request<Body>) -> Response {
        self.provider.answer(request).await
    }

    pub async fn get(&mut self, path: &str) -> Shown {
        self.send("GET", path, None).await
    }

    /// The form of a door in the sign-in that begins at an address; the page that would be shown first is
    /// passed over.
    pub async fn at_entrance(&mut self, url: &str, entrance: &str) -> Shown {
        let begun = self.once("GET", url, None).await;
        let to = begun.left_to.unwrap_or_else(|| panic!("{url}: {} {}", begun.status, begun.text));
        let (base, step) = to.split_once("/login/").expect("a sign-in");
        let t = step.split_once("t=").expect("its name").1.split('&').next().unwrap();
        self.get(&format!("{base}/login/credentials?t={t}&entrance={entrance}")).await
    }

    /// Submits the page's form with `values` typed into it.
    pub async fn submit(&mut self, page: &Shown, values: &[(&str, &str)]) -> Shown {
        let (action, fields) = page.filled(values);
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send("POST", &action, Some(body)).await
    }

    pub async fn send(&mut self, method: &str, path: &str, body: Option<String>) -> Shown {
        let mut shown = self.once(method, path, body).await;
        for _ in 0..12 {
            match &shown.left_to {
                Some(to) if to.starts_with("/realms/") => {
                    let to = to.clone();
                    shown = self.once("GET", &to, None).await;
                }
                _ => return shown,
            }
        }
        panic!("redirected in circles at {path}")
    }

    /// One request whose answer is not followed.
    pub async fn once(&mut self, method: &str, path: &str, body: Option<String>) -> Shown {
        let body = body.map(|body| ("application/x-www-form-urlencoded", body.into_bytes()));
        self.exchange(method, path, body).await
    }

    /// A form with a file in it (RFC 7578), as browsers send it; redirects are followed.
    pub async fn send_file(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        (name, content): (&str, &[u8]),
    ) -> Shown {
        let mut body = Vec::new();
        for (field, value) in fields {
            body.extend_from_slice(
                format!("--of-a-form\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n")
                    .as_bytes(),
            );
        }
        body.extend_from_slice(
            format!(
                "--of-a-form\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
                 Content-Type: application/octet-stream\r\n\r\n"
            )
            .as_bytes(),
        );
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n--of-a-form--\r\n");
        let sent = ("multipart/form-data; boundary=of-a-form", body);
        let shown = self.exchange("POST", path, Some(sent)).await;
        match &shown.left_to {
            Some(to) if to.starts_with("/realms/") => self.get(&to.clone()).await,
            _ => shown,
        }
    }

    async fn exchange(&mut self, method: &str, path: &str, body: Option<(&str, Vec<u8>)>) -> Shown {
        let pairs: Vec<String> = self.cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if !pairs.is_empty() {
            request = request.header(header::COOKIE, pairs.join("; "));
        }
        if let Some((media_type, _)) = &body {
            request = request.header(header::CONTENT_TYPE, *media_type);
        }
        let request = request.extension(ConnectInfo(SocketAddr::new(self.from, 4711)));
        let body = body.map_or_else(Body::empty, |(_, body)| Body::from(body));
        let request = request.body(body).unwrap();
        let response = self.provider.answer(request).await;
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let status = response.status();
        let headers = response.headers().clone();
        let location = headers.get(header::LOCATION);
        let left_to = location.map(|value| value.to_str().unwrap().to_owned());
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert_eq!(dead_links(&text), [""; 0], "{path}: {text}");
        Shown { status, text, url: path.to_owned(), left_to, headers }
    }

    /// Numbers, password and slider on the sign-in page.
    pub async fn type_credentials(
        &mut self,
        page: &Shown,
        (enterprise, person, password): (&str, &str, &str),
    ) -> Shown {
        let mut values = vec![
            ("enterprise_number", enterprise),
            ("personal_id", person),
            ("password", password),
            ("slider", "100"),
        ];
        values.retain(|(_, value)| !value.is_empty());
        self.submit(page, &values).await
    }

    /// The second factor with the code that was sent.
    pub async fn pass_second_factor(
        &mut self,
        app: &super::TestApp,
        page: &Shown,
        phone: &str,
    ) -> Shown {
        let sent = self.submit(page, &[("act", "send")]).await;
        assert!(sent.text.contains("name=\"code\""), "{}", sent.text);
        self.submit(&sent, &[("act", "verify"), ("code", &app.sms(phone))]).await
    }
}
