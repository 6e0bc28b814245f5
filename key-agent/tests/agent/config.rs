//! The configuration: what an administrator may write, and what is an error.

use std::os::unix::fs::PermissionsExt;

use key_agent::config::{Config, PinMode};

const GOOD: &str = "origins = [\"https://etax.example.gov.cn\"]\n";

#[test]
fn the_example_and_the_shortest_file_are_good() {
    let example = include_str!("../../packaging/key-agent.toml");
    let config = Config::parse(example).unwrap();
    assert_eq!(config.pin.mode, PinMode::Native);
    let config = Config::parse(GOOD).unwrap();
    assert_eq!(config.ports, [17443, 27443, 37443]);
    assert_eq!(config.pin.mode, PinMode::Native, "the page sees no PIN unless somebody says so");
    assert!(config.pkcs11.libraries.is_empty() && config.soft.is_empty());
}

#[test]
fn origins_are_written_as_browsers_send_them() {
    for origin in [
        "https://etax.example.gov.cn",
        "https://etax.example.gov.cn:8443",
        "http://127.0.0.1:8080",
        "http://localhost:8080",
        "http://sso.localhost:8080",
        "http://[::1]:8080",
    ] {
        assert!(Config::parse(&format!("origins = [\"{origin}\"]")).is_ok(), "{origin}");
    }
    for origin in [
        "*",
        "null",
        "",
        "https://",
        "https://*",
        "https://*.gov.cn",
        "etax.example.gov.cn",
        "https://etax.example.gov.cn/",
        "https://etax.example.gov.cn/login",
        "https://etax.example.gov.cn:443",
        "https://ETAX.example.gov.cn",
        "https://user@etax.example.gov.cn",
        "https://etax.example.gov.cn?x",
        "http://etax.example.gov.cn",
        "http://127.0.0.1.attacker.example",
        "http://localhost:80",
        "http://localhost.attacker.example:8080",
        "file:///",
        "ftp://etax.example.gov.cn",
        "https://电子税务局.example",
    ] {
        assert!(Config::parse(&format!("origins = [\"{origin}\"]")).is_err(), "{origin}");
    }
    assert!(Config::parse("origins = []").is_err());
    assert!(Config::parse("").is_err());
}

#[test]
fn what_nobody_knows_is_an_error() {
    for more in [
        "pni = 1",
        "[pin]\nmode = \"both\"",
        "[pin]\nmodus = \"page\"",
        "[pin]\nlanguage = \"fr\"",
        "[pkcs11]\nlibrary = \"x\"",
        "[skf]\nlibraries = \"x\"",
        "[[soft]]\nkey = \"x\"",
        "ports = []",
        "ports = [99999]",
        "[other]",
    ] {
        assert!(Config::parse(&format!("{GOOD}{more}")).is_err(), "{more}");
    }
}

/// Whoever can write the file decides which pages may ask.
#[test]
fn a_file_that_others_may_write_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key-agent.toml");
    let missing = Config::load(&file).unwrap_err().to_string();
    assert!(missing.contains("key-agent.toml"), "{missing}");
    std::fs::write(&file, GOOD).unwrap();
    for (mode, good) in [(0o644, true), (0o600, true), (0o664, false), (0o646, false)] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(Config::load(&file).is_ok(), good, "{mode:o}");
    }
}
