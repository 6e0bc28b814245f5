//! The two password rules of the guide, and hashing.

use hufu::base::secret::Secret;
use hufu::domain::password::{HashCost, PasswordFault, PasswordRules, dummy_hash, hash, verify};
use serde_json::Value;

fn rules(min_classes: usize, letters_merged: bool) -> PasswordRules {
    PasswordRules {
        min_length: 8,
        max_length: 16,
        min_classes,
        letters_merged,
        denied: vec!["passw0rd!".to_owned()],
    }
}

fn check(rules: &PasswordRules, text: &str) -> Result<(), PasswordFault> {
    rules.check(&Secret::new(text.to_owned()), &["071236".to_owned()])
}

#[test]
fn both_rules_hold_their_vectors() {
    let all: Value = serde_json::from_str(include_str!("../../data/vectors.json")).unwrap();
    for (name, rules) in [("password_strict", rules(3, false)), ("password_l223", rules(2, true))] {
        for text in all[name]["accept"].as_array().unwrap() {
            assert_eq!(check(&rules, text.as_str().unwrap()), Ok(()), "{name} {text}");
        }
        for text in all[name]["refuse"].as_array().unwrap() {
            assert!(check(&rules, text.as_str().unwrap()).is_err(), "{name} {text}");
        }
    }
}

#[test]
fn personal_and_common_passwords_are_refused() {
    assert_eq!(check(&rules(3, false), "Ab071236!"), Err(PasswordFault::Personal));
    assert_eq!(check(&rules(3, false), "Passw0rd!"), Err(PasswordFault::Common));
}

#[test]
fn a_hash_fits_its_password_alone() {
    let password = Secret::new("Abcdef12".to_owned());
    let stored = hash(&password, [7; 16], HashCost::default(), &mut Vec::new()).unwrap();
    let mut memory = Vec::new();
    assert!(verify(&password, &stored, &mut memory).unwrap());
    assert!(!verify(&Secret::new("Abcdef13".to_owned()), &stored, &mut memory).unwrap());
    assert!(!verify(&password, dummy_hash(), &mut memory).unwrap());
}
