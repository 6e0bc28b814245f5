//! Style sheet, scripts and pictures, as they are and packed.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::LazyLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "assets"]
struct Assets;

/// A file for browsers. Pages are not packed: what is typed into them stands beside their secrets, whose
/// letters the length of a packed page would tell (BREACH).
#[derive(Clone, Debug)]
pub struct Asset {
    pub bytes: Vec<u8>,
    /// The same in gzip; `None`: not worth it.
    pub packed: Option<Vec<u8>>,
    pub media_type: &'static str,
}

static ALL: LazyLock<BTreeMap<String, Asset>> = LazyLock::new(|| {
    let known = Assets::iter().filter_map(|name| {
        let bytes = Assets::get(&name)?.data.into_owned();
        Some((name.to_string(), Asset::of(bytes, media_type(&name)?)))
    });
    known.collect()
});

impl Asset {
    pub fn of(bytes: Vec<u8>, media_type: &'static str) -> Self {
        let packed = packed(&bytes).filter(|packed| packed.len() < bytes.len());
        Self { bytes, packed, media_type }
    }
}

fn packed(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

fn media_type(name: &str) -> Option<&'static str> {
    Some(match name.rsplit('.').next()? {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => return None,
    })
}

/// An embedded file by its name.
pub fn asset(name: &str) -> Option<&'static Asset> {
    ALL.get(name)
}
