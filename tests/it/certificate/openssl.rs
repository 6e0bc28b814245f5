//! Against OpenSSL, both ways: what its command line makes is accepted here, what the kit makes and
//! this verifier accepts, it accepts.

use std::path::Path as FilePath;
use std::process::Command;

use hufu::certificate::{Certificate, Crl, Distrust, Path, Trust};

use super::Authorities;
use crate::kit::START;
use crate::kit::pki::Sort;

fn openssl(folder: &FilePath, arguments: &str) -> String {
    let output = Command::new("openssl")
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments}\n{said}");
    said + &String::from_utf8_lossy(&output.stdout)
}

const CONFIG: &str = "
[ca]
default_ca = own
[own]
database = index
new_certs_dir = .
serial = serial
crlnumber = crlnumber
unique_subject = no
policy = any
rand_serial = yes
[any]
countryName = optional
organizationName = optional
commonName = supplied
[authority]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[enterprise]
basicConstraints = CA:false
keyUsage = critical, digitalSignature, nonRepudiation
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
1.2.156.10260.4.1.5 = ASN1:UTF8String:91360100MA35ABCD43
";

/// A root, an authority below it, two enterprises of which the second is revoked, and its list.
struct Made {
    folder: tempfile::TempDir,
}

impl Made {
    /// `key` and `digest` as the command line names them.
    fn new(key: &str, digest: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        std::fs::write(at.join("config"), CONFIG).unwrap();
        std::fs::write(at.join("index"), "").unwrap();
        std::fs::write(at.join("crlnumber"), "01\n").unwrap();
        let sign = if digest == "sm3" { "-sigopt distid:1234567812345678" } else { "" };
        let verify = if digest == "sm3" { "-vfyopt distid:1234567812345678" } else { "" };
        let dates = "-startdate 20251101000000Z -enddate 20361101000000Z";
        let ca = format!("ca -batch -config config -notext -md {digest} {dates} {sign}");
        for name in ["root", "below", "good", "bad"] {
            openssl(at, &format!("genpkey {key} -out {name}.key"));
            openssl(
                at,
                &format!(
                    "req -new -{digest} -key {name}.key -subj /C=CN/O=Test/CN={name} -out {name}.csr {sign}"
                ),
            );
        }
        openssl(
            at,
            &format!(
                "{ca} -selfsign -keyfile root.key -extensions authority -in root.csr -out root.pem {verify}"
            ),
        );
        for (name, by, kind) in [
            ("below", "root", "authority"),
            ("good", "below", "enterprise"),
            ("bad", "below", "enterprise"),
        ] {
            openssl(
                at,
                &format!(
                    "{ca} -cert {by}.pem -keyfile {by}.key -extensions {kind} -in {name}.csr -out {name}.pem {verify}"
                ),
            );
        }
        openssl(
            at,
            &format!(
                "ca -batch -config config -cert below.pem -keyfile below.key -md {digest} -revoke bad.pem {sign}"
            ),
        );
        openssl(
            at,
            &format!(
                "ca -batch -config config -cert below.pem -keyfile below.key -md {digest} -gencrl -crl_lastupdate 20261101000000Z -crl_nextupdate 20261201000000Z -out below.crl {sign}"
            ),
        );
        Self { folder }
    }

    fn certificate(&self, name: &str) -> Certificate {
        let text = std::fs::read_to_string(self.folder.path().join(format!("{name}.pem"))).unwrap();
        let mut read = Certificate::parse_pem(&text).unwrap();
        assert_eq!(read.len(), 1);
        read.remove(0)
    }
}

/// Covers C-06: three levels, as OpenSSL writes them, for national algorithms and others.
#[test]
fn what_openssl_makes_is_accepted() {
    for (key, digest) in [
        ("-algorithm EC -pkeyopt ec_paramgen_curve:SM2", "sm3"),
        ("-algorithm RSA -pkeyopt rsa_keygen_bits:2048", "sha256"),
        (
            "-algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:named_curve",
            "sha256",
        ),
        (
            "-algorithm EC -pkeyopt ec_paramgen_curve:P-384 -pkeyopt ec_param_enc:named_curve",
            "sha384",
        ),
    ] {
        let made = Made::new(key, digest);
        let anchors = [made.certificate("root")];
        let between = [made.certificate("below")];
        let trust = Trust { anchors: &anchors, between: &between, understood: &[] };
        let list = std::fs::read(made.folder.path().join("below.crl")).unwrap();
        let list = Crl::parse(&list).unwrap();
        for (name, is_good) in [("good", true), ("bad", false)] {
            let path = Path::find(&made.certificate(name), &[], trust, START).unwrap();
            let judged = path.leaf_by_lists(&[&list], START);
            assert_eq!(judged.is_ok(), is_good, "{digest} {judged:?}");
            assert!(is_good || matches!(judged, Err(Distrust::Revoked { .. })));
        }
    }
}

/// What is accepted here, OpenSSL accepts. With national algorithms it does so for two levels (its
/// issue 23471), so the authority below is named as trusted there.
#[test]
fn what_is_accepted_here_openssl_accepts() {
    for sort in super::SORTS {
        let authorities = Authorities::new(sort);
        let leaf = authorities.enterprise();
        authorities.find(&leaf).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        std::fs::write(at.join("leaf.pem"), leaf.pem()).unwrap();
        std::fs::write(at.join("below.pem"), authorities.below.pem()).unwrap();
        std::fs::write(at.join("root.pem"), authorities.root.pem()).unwrap();
        let time = format!("-attime {}", START.0);
        let arguments = match sort {
            Sort::Sm2 => format!(
                "verify {time} -vfyopt distid:1234567812345678 -partial_chain -trusted below.pem leaf.pem"
            ),
            _ => format!("verify {time} -CAfile root.pem -untrusted below.pem leaf.pem"),
        };
        let said = openssl(at, &arguments);
        assert!(said.contains("leaf.pem: OK"), "{said}");
        let list = authorities.below.list(&[leaf.serial]);
        let pem = der::pem::encode_string("X509 CRL", der::pem::LineEnding::LF, &list).unwrap();
        std::fs::write(at.join("list.pem"), pem).unwrap();
        let said = openssl(at, "crl -noout -text -in list.pem");
        assert!(said.contains(&leaf.parsed().serial_shown()), "{said}");
    }
}
