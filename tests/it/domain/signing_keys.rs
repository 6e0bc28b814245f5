//! What a key is at each moment.

use hufu::base::clock::Timestamp;
use hufu::domain::signing_key::KeyState::{Active, Announced, Retired, Superseded};
use hufu::domain::signing_key::{KeyTimes, active, state_of};

fn key(kid: &str, algorithm: &str, active_at: i64, retires_at: Option<i64>) -> KeyTimes {
    KeyTimes {
        kid: kid.to_owned(),
        algorithm: algorithm.to_owned(),
        created_at: Timestamp(0),
        active_at: Timestamp(active_at),
        retires_at: retires_at.map(Timestamp),
    }
}

/// Issue 13, 4: a key is announced, then active, then superseded, then retired; at each moment one
/// of an algorithm signs.
#[test]
fn a_key_is_announced_then_signs_then_verifies_then_is_gone() {
    let keys = [
        key("old", "ES256", 0, Some(500)),
        key("new", "ES256", 100, None),
        key("rsa", "RS256", 0, None),
        key("twin", "RS256", 0, None),
    ];
    for (now, old, new, signs) in [
        (0, Active, Announced, "old"),
        (99, Active, Announced, "old"),
        (100, Superseded, Active, "new"),
        (499, Superseded, Active, "new"),
        (500, Retired, Active, "new"),
    ] {
        let now = Timestamp(now);
        let states: Vec<_> = keys.iter().map(|key| state_of(key, &keys, now)).collect();
        // Of two that begin together every node takes the same.
        assert_eq!(states, [old, new, Superseded, Active], "at {now:?}");
        assert_eq!(active(&keys, "ES256", now).unwrap().kid, signs, "at {now:?}");
    }
    assert_eq!(active(&keys, "EdDSA", Timestamp(0)), None);
    // The last one of an algorithm, withdrawn: nothing signs rather than something that is gone.
    assert_eq!(active(&[key("gone", "ES256", 0, Some(5))], "ES256", Timestamp(5)), None);
}
