//! What leaves the program.

use hufu::base::clock::Timestamp;
use hufu::base::secret::Secret;
use hufu::outbound::webhook_signature;

#[test]
fn the_sms_webhook_is_signed_as_gateways_expect() {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../data/vectors.json")).unwrap();
    let body = r#"{"phone":"+8613800138000","template":"login_code","params":{"code":"123456","ttl_min":"5"},"id":"01JGP5"}"#;
    let secret = Secret::new("testsecret".to_owned());
    let signature = webhook_signature(&secret, Timestamp(1_767_323_045), "6f1d0d7e", body);
    assert_eq!(signature, vectors["sms_signatures"]["webhook_made"].as_str().unwrap());
}
