//! Extensions: each at most once, and none that is critical and not understood (RFC 5280 §4.2).

use std::collections::BTreeSet;

use der::Decode;
use der::oid::{AssociatedOid, ObjectIdentifier};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectKeyIdentifier,
};

const CERTIFICATE_POLICIES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.32");
const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
const NAME_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.30");

pub const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
pub const OCSP_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.9");
pub const ANY_USE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

/// Critical ones that are acted on, or that need no act: alternative names are not used, and no
/// policy is asked for, so that any will do.
const UNDERSTOOD: [ObjectIdentifier; 5] = [
    BasicConstraints::OID,
    KeyUsage::OID,
    ExtendedKeyUsage::OID,
    CERTIFICATE_POLICIES,
    SUBJECT_ALT_NAME,
];

/// What the rules ask of a certificate's extensions, read once.
#[derive(Clone, Debug, Default)]
pub struct Extensions {
    pub authority: Option<bool>,
    pub path_len: Option<u8>,
    pub key_usage: Option<KeyUsage>,
    pub uses: Option<Vec<ObjectIdentifier>>,
    pub subject_key: Option<Vec<u8>>,
    pub authority_key: Option<Vec<u8>>,
    /// Critical ones that nothing here understands.
    pub unknown: Vec<ObjectIdentifier>,
}

impl Extensions {
    /// Err where one stands twice or cannot be read.
    pub fn read(list: &[Extension]) -> Result<Self, &'static str> {
        let mut seen = BTreeSet::new();
        let mut read = Self::default();
        for extension in list {
            if !seen.insert(extension.extn_id) {
                return Err("an extension stands twice");
            }
            read.take(extension).map_err(|_| "an extension cannot be read")?;
        }
        Ok(read)
    }

    fn take(&mut self, extension: &Extension) -> der::Result<()> {
        let value = extension.extn_value.as_bytes();
        match extension.extn_id {
            BasicConstraints::OID => {
                let constraints = BasicConstraints::from_der(value)?;
                self.authority = Some(constraints.ca);
                self.path_len = constraints.path_len_constraint;
            }
            KeyUsage::OID => self.key_usage = Some(KeyUsage::from_der(value)?),
            ExtendedKeyUsage::OID => self.uses = Some(ExtendedKeyUsage::from_der(value)?.0),
            SubjectKeyIdentifier::OID => {
                let key = SubjectKeyIdentifier::from_der(value)?;
                self.subject_key = Some(key.0.as_bytes().to_vec());
            }
            AuthorityKeyIdentifier::OID => {
                let key = AuthorityKeyIdentifier::from_der(value)?.key_identifier;
                self.authority_key = key.map(|key| key.as_bytes().to_vec());
            }
            _ => {}
        }
        // Name constraints bind whether or not they are marked, and are not evaluated.
        let binds = extension.critical || extension.extn_id == NAME_CONSTRAINTS;
        if binds && !UNDERSTOOD.contains(&extension.extn_id) {
            self.unknown.push(extension.extn_id);
        }
        Ok(())
    }

    /// Whether the certificate may be used for this, where it limits its uses.
    pub fn allow(&self, wanted: ObjectIdentifier) -> bool {
        self.uses.as_ref().is_none_or(|uses| uses.contains(&wanted) || uses.contains(&ANY_USE))
    }
}
