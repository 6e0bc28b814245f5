//! What an application looks like: the same number at home, or the same name, as another application or as an
//! enterprise that is known; and whose a former code is that it says it had. Officers are told, and nothing is
//! put together (N-10).

use crate::base::id::ApplicationId;
use crate::domain::non_resident::{Application, State};
use crate::flows::Fault;
use crate::store::Rows;
use crate::store::non_residents::Known;

/// In what two are the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Likeness {
    /// Country and number there.
    Number,
    Name,
    /// The code that it says it had before is another's.
    FormerCode,
    /// The code that it says it had before is nobody's that is known.
    UnknownCode,
}

impl Likeness {
    pub fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Name => "name",
            Self::FormerCode => "former_code",
            Self::UnknownCode => "unknown_code",
        }
    }
}

/// Something that it looks like.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Alike {
    pub likeness: Likeness,
    /// Its name in Chinese; empty where nobody is known by the code.
    pub name: String,
    /// Of the enterprise, where there is one already.
    pub code: Option<String>,
    pub application: Option<ApplicationId>,
}

pub(super) async fn alike<A>(rows: Rows<'_, A>, one: &Application) -> Result<Vec<Alike>, Fault> {
    let without_hash = rows.non_residents().without_hash().await?;
    alike_among(rows, one, &without_hash).await
}

/// The same of one of a list, for all of which those enterprises were read whose names have no hash.
pub(super) async fn alike_among<A>(
    rows: Rows<'_, A>,
    one: &Application,
    without_hash: &[Known],
) -> Result<Vec<Alike>, Fault> {
    let form = &one.form;
    let names = [form.name_zh.comparable(), form.name_foreign.comparable()];
    let mut found = Vec::new();
    for other in rows.non_residents().alike(one).await? {
        let likeness = match form.has_number_of(&other.form) {
            true => Likeness::Number,
            false => Likeness::Name,
        };
        let code = match &other.state {
            State::Approved { code, .. } => Some(code.as_str().to_owned()),
            _ => None,
        };
        found.push(Alike {
            likeness,
            name: other.form.name_zh.as_str().to_owned(),
            code,
            application: Some(other.id),
        });
    }
    let is_told =
        |found: &[Alike], tin: &str| found.iter().any(|one| one.code.as_deref() == Some(tin));
    for known in rows.non_residents().named(&names, without_hash).await? {
        if !is_told(&found, &known.tin) {
            found.push(Alike {
                likeness: Likeness::Name,
                name: known.name,
                code: Some(known.tin),
                application: None,
            });
        }
    }
    if let Some(former) = &form.former_code {
        let known = rows.enterprises().find_by_number(former).await?;
        let (likeness, name, code) = match known {
            Some(known) => (Likeness::FormerCode, known.name, known.tin),
            None => (Likeness::UnknownCode, String::new(), former.clone()),
        };
        if !is_told(&found, code.as_str()) {
            found.push(Alike { likeness, name, code: Some(code.into()), application: None });
        }
    }
    Ok(found)
}
