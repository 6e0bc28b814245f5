//! `entrances.toml`: the doors, each a list of steps.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Builder;
use crate::domain::entrance::{Audience, EnterpriseNumber, Entrance, Step, Subject};
use crate::domain::factor::{Factor, ScanApp};
use crate::realm::RealmEntrance;
use crate::realm::client::Client;
use crate::realm::file::{EntranceFile, EntrancesFile};
use crate::realm::source::{At, Source};

impl Builder<'_> {
    pub(super) fn entrances(
        &mut self,
        source: &Source,
        file: &EntrancesFile,
        has_passkeys: bool,
    ) -> Vec<RealmEntrance> {
        self.check_other_doors(source, file);
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
                [Step::Certificate, Step::ChooseHandler] => {}
                _ => self.complain(
                    source,
                    &path("steps"),
                    "an entrance begins with `credentials` and `second_factor`, or with `scan`; \
                     a `step_up` is `second_factor` alone, one for certificates `certificate` and \
                     `choose_handler`",
                ),
            }
            self.check_settling_steps(source, index, &one.steps);
            self.check_subject(source, index, one);
            for (at, link) in one.links.iter().enumerate() {
                let path = [&path("links")[..], &[at.into(), "url".into()]].concat();
                self.check_url(source, &path, &link.url);
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
            let entrance = Entrance {
                id: one.id.clone(),
                subject: one.subject,
                audience: one.audience,
                enterprise_number: one.enterprise_number,
                personal_ids: one.personal_id.clone(),
                slider: one.slider,
                second_factors: match one.steps.first() {
                    // The key is what one has, the PIN what one knows.
                    Some(Step::Certificate) => Vec::new(),
                    _ => one.second_factors.clone(),
                },
                remember_device_days: one.remember_device_days,
                scan: one.scan.clone(),
                passkey: one.passkey,
                steps: one.steps.clone(),
            };
            self.check_remembering(source, index, &entrance);
            entrances.push(RealmEntrance {
                title: one.title.clone(),
                is_other: one.is_other,
                links: one.links.clone(),
                entrance,
            });
        }
        entrances
    }

    /// Without these nobody would come to an end behind a door, whatever they typed.
    fn check_subject(&mut self, source: &Source, index: usize, one: &EntranceFile) {
        let path = |key: &str| [At::from("entrance"), index.into(), key.into()];
        if one.steps.contains(&Step::Credentials) && one.personal_id.is_empty() {
            let message = "nobody could say who they are: name what is typed beside the password";
            self.complain(source, &path("personal_id"), message);
        }
        let is_by_certificate = one.steps.first() == Some(&Step::Certificate);
        let chosen_at = match one.subject {
            Subject::Enterprise if !is_by_certificate => {
                Some((Step::ChooseIdentity, "choose_identity"))
            }
            Subject::Agent => Some((Step::ChooseClientEnterprise, "choose_client_enterprise")),
            Subject::SpecificEntity => Some((Step::ChooseRecord, "choose_record")),
            _ => None,
        };
        if let Some((step, name)) = chosen_at
            && !one.steps.contains(&step)
        {
            let message = format!("what this `subject` ends as is chosen at `{name}`");
            self.complain(source, &path("steps"), message);
        }
        let is_by_number = matches!(one.subject, Subject::Agent | Subject::SpecificEntity);
        if is_by_number && one.enterprise_number == EnterpriseNumber::None {
            let message = "this `subject` is found by a number";
            self.complain(source, &path("enterprise_number"), message);
        }
        let has_records = matches!(one.subject, Subject::SpecificEntity | Subject::AsConfirmed);
        if !has_records && one.steps.contains(&Step::ChooseRecord) {
            let message = "records are chosen among where the subject is a `specific_entity`";
            self.complain(source, &path("steps"), message);
        }
    }

    /// What a door needs of others.
    fn check_other_doors(&mut self, source: &Source, file: &EntrancesFile) {
        if !file.entrance.iter().any(|one| one.subject == Subject::StepUp) {
            let message = "a `step_up` is needed: without one nobody proves more later, nor confirms an \
                           authorisation";
            self.complain(source, &["entrance".into()], message);
        }
        let by_scan = file.entrance.iter().find(|one| one.steps.first() == Some(&Step::Scan));
        for (index, one) in file.entrance.iter().enumerate() {
            if one.scan.is_empty() || by_scan.is_some_and(|door| door.audience == one.audience) {
                continue;
            }
            let path = [At::from("entrance"), index.into(), "scan".into()];
            let message = "whom a phone confirms comes in by the first entrance that begins with \
                           `scan`: there is none for this `audience`";
            self.complain(source, &path, message);
        }
    }

    /// A known browser is enough for the person themself alone.
    fn check_remembering(&mut self, source: &Source, index: usize, entrance: &Entrance) {
        if entrance.remember_device_days.is_some() && !entrance.leads_to_person() {
            let path = ["entrance".into(), index.into(), "remember_device_days".into()];
            let message = "nothing is spared here: an enterprise's identity always asks for the second \
                           factor";
            self.remarks.push(source.complain(&path, message));
        }
    }

    /// Where a password opens the door, an initial one must not live on; and by no door, a phone's code
    /// included, does anybody walk past what everybody must have accepted.
    fn check_settling_steps(&mut self, source: &Source, index: usize, steps: &[Step]) {
        let (new_password, agreements) =
            ((Step::NewPassword, "new_password"), (Step::Agreements, "agreements"));
        let (first, wanted) = match steps.first() {
            Some(Step::Scan) => ("scan", vec![agreements]),
            _ if steps.contains(&Step::Credentials) => {
                ("credentials", vec![new_password, agreements])
            }
            _ => return,
        };
        for (step, name) in wanted {
            if !steps.contains(&step) {
                let path = ["entrance".into(), index.into(), "steps".into()];
                let message = format!("an entrance with `{first}` also has `{name}`");
                self.complain(source, &path, message);
            }
        }
    }

    /// A door for certificates leads into an enterprise, and only where some are trusted.
    pub(super) fn check_certificate_doors(
        &mut self,
        source: &Source,
        file: &EntrancesFile,
        are_taken: bool,
    ) {
        for (index, one) in file.entrance.iter().enumerate() {
            if one.steps.first() != Some(&Step::Certificate) {
                continue;
            }
            let path = |key: &str| [At::from("entrance"), index.into(), key.into()];
            if !are_taken {
                let message = "`certificates.toml` names no authority whose certificates are taken";
                self.complain(source, &path("steps"), message);
            }
            if one.subject != Subject::Enterprise || one.audience != Audience::Tax {
                let message = "a certificate is an enterprise's, for tax: `enterprise`";
                self.complain(source, &path("subject"), message);
            }
        }
    }

    /// A code for an app that nobody can open.
    pub(super) fn check_apps(
        &mut self,
        source: &Source,
        file: &EntrancesFile,
        clients: &BTreeMap<String, Arc<Client>>,
    ) {
        let has = |app: ScanApp| clients.values().any(|client| speaks_for(client, app));
        for (index, one) in file.entrance.iter().enumerate() {
            let codes = one.scan.iter().enumerate().map(|(at, app)| ("scan", at, Some(*app)));
            let factors = one.second_factors.iter().enumerate();
            let factors = factors.map(|(at, factor)| ("second_factors", at, factor.scan_app()));
            for (list, at, app) in codes.chain(factors) {
                let Some(app) = app.filter(|app| !has(*app)) else { continue };
                let path = ["entrance".into(), index.into(), list.into(), at.into()];
                let message = format!("no client speaks for `{}`: {}", app.name(), needed(app));
                self.complain(source, &path, message);
            }
        }
    }
}

fn speaks_for(client: &Client, app: ScanApp) -> bool {
    match app {
        ScanApp::TaxApp => client.scan_app.is_none() && client.scopes.contains("scan"),
        ScanApp::IitApp => client.scan_app == Some(app),
    }
}

fn needed(app: ScanApp) -> &'static str {
    match app {
        ScanApp::TaxApp => "the bureau's own app has a client with the scope `scan`",
        ScanApp::IitApp => "its operator has a client with `scan_app = \"iit_app\"`",
    }
}
