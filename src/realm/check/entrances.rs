//! `entrances.toml`: the doors, each a list of steps.

use super::Builder;
use crate::domain::entrance::{EnterpriseNumber, Entrance, Step, Subject};
use crate::domain::factor::Factor;
use crate::realm::RealmEntrance;
use crate::realm::file::EntrancesFile;
use crate::realm::source::{At, Source};

impl Builder<'_> {
    pub(super) fn entrances(
        &mut self,
        source: &Source,
        file: &EntrancesFile,
        has_passkeys: bool,
    ) -> Vec<RealmEntrance> {
        let mut entrances: Vec<RealmEntrance> = Vec::new();
        for (index, one) in file.entrance.iter().enumerate() {
            let path = |key: &str| [At::from("entrance"), index.into(), key.into()];
            if entrances.iter().any(|known| known.entrance.id == one.id) {
                self.complain(source, &path("id"), "another entrance has this id");
            }
            match one.steps.as_slice() {
                [Step::Credentials, Step::SecondFactor, ..] if !one.second_factors.is_empty() => {}
                [Step::SecondFactor] if one.subject == Subject::StepUp => {}
                // DEC-9: the guide's non-residents have no second factor; a realm may say so.
                [Step::Credentials, rest @ ..]
                    if one.enterprise_number == EnterpriseNumber::NonResidentCode
                        && !rest.contains(&Step::SecondFactor) => {}
                [Step::Scan, rest @ ..] if !rest.contains(&Step::Credentials) => {}
                _ => self.complain(
                    source,
                    &path("steps"),
                    "an entrance begins with `credentials` and `second_factor`, or with `scan`; \
                     a `step_up` is `second_factor` alone",
                ),
            }
            if one.steps.first() == Some(&Step::Scan) && one.subject != Subject::AsConfirmed {
                self.complain(source, &path("subject"), "a scan signs in `as_confirmed`");
            }
            if one.subject == Subject::StepUp && !one.second_factors.iter().any(|f| f.is_face()) {
                let message = "a `step_up` has `tax_app_scan` or `iit_app_scan`: authorisations are \
                               confirmed by a face, and by nothing else";
                self.complain(source, &path("second_factors"), message);
            }
            if !has_passkeys && (one.passkey || one.second_factors.contains(&Factor::Passkey)) {
                let message = "passkeys need an issuer with a host name, not an address";
                self.complain(source, &path("id"), message);
            }
            entrances.push(RealmEntrance {
                title: one.title.clone(),
                is_other: one.is_other,
                links: one.links.clone(),
                entrance: Entrance {
                    id: one.id.clone(),
                    subject: one.subject,
                    audience: one.audience,
                    enterprise_number: one.enterprise_number,
                    personal_ids: one.personal_id.clone(),
                    slider: one.slider,
                    second_factors: one.second_factors.clone(),
                    remember_device_days: one.remember_device_days,
                    scan: one.scan.clone(),
                    passkey: one.passkey,
                    steps: one.steps.clone(),
                },
            });
        }
        entrances
    }
}
