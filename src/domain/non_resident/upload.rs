//! Files that prove what the form says. They are kept as they came and never opened or shown here: what
//! they are is read from their first bytes, whatever name or type came with them.

use crate::base::clock::Timestamp;
use crate::base::id::UploadId;
use crate::domain::number::is_invisible;
use crate::domain::refusal::Refusal;

/// Bytes of one file.
pub const LARGEST: usize = 4 * 1024 * 1024;
/// Files of one application.
pub const MOST: usize = 6;
/// Characters of a name.
const LONGEST_NAME: usize = 100;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileKind {
    Pdf,
    Jpeg,
    Png,
}

impl FileKind {
    pub const ALL: [Self; 3] = [Self::Pdf, Self::Jpeg, Self::Png];

    /// As it is kept, and what a file's name ends with.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Jpeg => "jpeg",
            Self::Png => "png",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }

    /// ISO 32000 §7.5.2, ISO/IEC 10918-1 B.2.1, PNG 3 §5.2.
    pub fn of(content: &[u8]) -> Option<Self> {
        let begins: [(&[u8], Self); 3] = [
            (b"%PDF-", Self::Pdf),
            (b"\xff\xd8\xff", Self::Jpeg),
            (b"\x89PNG\r\n\x1a\n", Self::Png),
        ];
        begins.into_iter().find(|(magic, _)| content.starts_with(magic)).map(|(_, kind)| kind)
    }
}

/// What is known of a file without opening it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Upload {
    pub id: UploadId,
    /// As its owner called it.
    pub name: String,
    pub kind: FileKind,
    /// Bytes.
    pub size: usize,
    pub added_at: Timestamp,
}

impl Upload {
    /// `E_FORMAT` at `upload`: none was chosen; `upload_size`; `upload_kind`: none of the three.
    pub fn of(
        id: UploadId,
        name: &str,
        content: &[u8],
        added_at: Timestamp,
    ) -> Result<Self, Refusal> {
        if content.is_empty() {
            return Err(Refusal::format("upload"));
        }
        if content.len() > LARGEST {
            return Err(Refusal::format("upload_size"));
        }
        let kind = FileKind::of(content).ok_or_else(|| Refusal::format("upload_kind"))?;
        Ok(Self { id, name: shown_name(name, kind), kind, size: content.len(), added_at })
    }
}

/// Without folders and what nobody sees. It is text for people, and no path is made of it.
fn shown_name(name: &str, kind: FileKind) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = name.chars().filter(|c| !c.is_control() && !is_invisible(*c));
    let name: String = name.take(LONGEST_NAME).collect();
    match name.trim() {
        "" => format!("document.{}", kind.name()),
        name => name.to_owned(),
    }
}
