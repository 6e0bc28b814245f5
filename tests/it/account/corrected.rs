//! What a newer line corrects: whoever the older one named is no longer what it said, at once and told.

use serde_json::json;

use super::contract::{start, tokens};
use super::endings::{HANGZHOU, engagement, holds, is_over, tell};
use super::{AGENCY, at_door};
use crate::kit::listener::Listener;
use crate::kit::{EXAMPLE, PASSWORD, claims, on_each_database};

const STAFF: (&str, &str, &str) = (AGENCY, "13300133000", PASSWORD);

/// Covers G-06, G-17: an engagement whose newer line names another client or agency is over for whoever acts
/// in it, whatever they may do for the other.
#[test]
fn an_engagement_that_names_others_is_another() {
    on_each_database(|on| async move {
        for more in [
            json!({"client": HANGZHOU, "permissions": ["TAX_AFFAIRS", "TAX_FILING", "TAX_QUERY"]}),
            json!({"agency": HANGZHOU}),
            json!({"client": HANGZHOU, "is_ended": true}),
        ] {
            let (url, listener) = Listener::start().await;
            let app = start(on, &url).await;
            tell(&app, engagement(1, &json!({}))).await;
            let mut staff = at_door(&app, "agency", STAFF, EXAMPLE).await;
            let before = holds(&app, &mut staff).await;
            tell(&app, engagement(2, &more)).await;
            is_over(&app, &listener, &before).await;
            if more["client"] == HANGZHOU && more["is_ended"].is_null() {
                let mut staff = at_door(&app, "agency", STAFF, HANGZHOU).await;
                let id = tokens(&app, &mut staff).await;
                let id = claims(id["id_token"].as_str().unwrap());
                assert_eq!(id["tax_identity"]["enterprise"]["tin"], HANGZHOU);
            }
        }
    });
}
