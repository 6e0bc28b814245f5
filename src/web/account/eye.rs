//! Which fields of a page stand open: what was opened before stays so, for whoever can prove that it was,
//! so that no field is seen in full without its trace.

use crate::base::secret::same;
use crate::oidc::params::Params;
use crate::views::account::OpenView;
use crate::web::request::Request;

/// The keys of the fields that are shown in full.
#[derive(Clone, Debug, Default)]
pub struct Opened(Vec<String>);

/// Good for one field of one page, and one cookie of a session.
fn proof(request: &Request, page: &str, key: &str) -> String {
    request.csrf(&format!("{}/open/{page}/{key}", request.session_binding()))
}

impl Opened {
    /// Those that a form of this page proves to be open.
    pub fn of(request: &Request, page: &str, form: &Params) -> Self {
        let named =
            form.iter().filter_map(|(name, sent)| Some((name.strip_prefix("open-")?, sent)));
        let proved =
            named.filter(|(key, sent)| same(sent.as_bytes(), proof(request, page, key).as_bytes()));
        Self(proved.map(|(key, _)| key.to_owned()).collect())
    }

    #[must_use]
    pub fn with(mut self, key: &str) -> Self {
        self.0.push(key.to_owned());
        self
    }

    pub fn holds(&self, key: &str) -> bool {
        self.0.iter().any(|open| open == key)
    }

    /// What the page carries on.
    pub fn views(&self, request: &Request, page: &str) -> Vec<OpenView> {
        let view = |key: &String| OpenView {
            name: format!("open-{key}"),
            proof: proof(request, page, key),
        };
        self.0.iter().map(view).collect()
    }
}
