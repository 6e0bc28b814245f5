//! Identifiers: UUID version 7 (RFC 9562 §5.7), one type for each kind of thing, never mixed up.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::clock::{Clock, Timestamp};
use crate::base::random::Random;

/// A new UUIDv7 from our clock and our chance. Those of one process are in the order in which they were made; of
/// several the millisecond decides, and then chance.
pub fn new_uuid(clock: &Clock, random: &Random) -> Uuid {
    let (millis, nth) = clock.next_moment();
    let mut below: [u8; 10] = random.bytes();
    [below[0], below[1]] = nth.to_be_bytes();
    uuid::Builder::from_unix_timestamp_millis(millis, &below).into_uuid()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            pub fn new(clock: &Clock, random: &Random) -> Self {
                Self(new_uuid(clock, random))
            }

            /// When it was made; `None` of one that is not ours.
            pub fn made_at(self) -> Option<Timestamp> {
                let (seconds, _) = self.0.get_timestamp()?.to_unix();
                i64::try_from(seconds).ok().map(Timestamp)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }
    )*};
}

ids! {
    /// A human being, for ever; accounts come and go.
    PersonId;
    /// One registration of a person: credentials, phones, agreements.
    AccountId;
    /// An enterprise of the registry.
    EnterpriseId;
    /// One relation person–enterprise of one identity type.
    AuthorisationId;
    /// An agency may act for a client enterprise.
    EngagementId;
    /// A member of an agency's staff for one engagement.
    AssignmentId;
    /// Somebody asks for a non-resident enterprise's identity code.
    ApplicationId;
    /// A file that came with an application.
    UploadId;
    /// A cross-region inspection or tax-source registration.
    RecordId;
    /// Somebody of the bureau who works at the console; no person of the registry.
    OfficerId;
    /// One version of what a hall has collected of a document.
    RecordVersionId;
    /// A browser signed in at the provider. Survives the rotation of its cookie.
    SessionId;
    /// What one authorization request led to: its code, its refresh family.
    GrantId;
}
