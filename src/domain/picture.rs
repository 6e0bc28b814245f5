//! A picture without what a camera writes beside it: where and when it was taken and with what, a smaller copy,
//! another picture behind its end. The picture itself is not opened.

use super::non_resident::FileKind;

/// The same picture, which way up it is included; `None`: it is no whole JPEG or PNG.
pub fn bare(kind: FileKind, content: &[u8]) -> Option<Vec<u8>> {
    match kind {
        FileKind::Jpeg => jpeg(content),
        FileKind::Png => png(content),
        FileKind::Pdf => None,
    }
}

const APP1: u8 = 0xe1;
const SCAN: u8 = 0xda;
const END: u8 = 0xd9;

/// Of the application segments those that say how colours are meant.
const KEPT: [(u8, &[u8]); 3] = [(0xe0, b"JFIF\0"), (0xe2, b"ICC_PROFILE\0"), (0xee, b"Adobe")];

/// ISO/IEC 10918-1 B.1.1: segments, of which scans have data behind them.
fn jpeg(content: &[u8]) -> Option<Vec<u8>> {
    let mut rest = content.strip_prefix(b"\xff\xd8")?;
    let mut kept = b"\xff\xd8".to_vec();
    loop {
        let (marker, after) = marker(rest)?;
        if marker == END {
            break;
        }
        let length = usize::from(u16::from_be_bytes(*after.first_chunk()?));
        let (segment, mut behind) = after.split_at_checked(length)?;
        let body = segment.get(2..)?;
        if stays(marker, body) {
            kept.extend([0xff, marker]);
            kept.extend_from_slice(segment);
        } else if marker == APP1
            && let Some(way) = orientation(body)
        {
            kept.extend(turned(way));
        }
        if marker == SCAN {
            let (scan, beyond) = behind.split_at(scan_length(behind));
            kept.extend_from_slice(scan);
            behind = beyond;
            if behind.is_empty() {
                // Some cameras forget the end.
                break;
            }
        }
        rest = behind;
    }
    kept.extend([0xff, END]);
    Some(kept)
}

/// What comes next; any number of fill bytes may stand before it.
fn marker(rest: &[u8]) -> Option<(u8, &[u8])> {
    let fill = rest.iter().take_while(|byte| **byte == 0xff).count();
    let (marker, after) = rest.get(fill..)?.split_first()?;
    (fill > 0).then_some((*marker, after))
}

fn stays(marker: u8, body: &[u8]) -> bool {
    let is_beside = (0xe0..=0xef).contains(&marker) || marker == 0xfe;
    !is_beside || KEPT.iter().any(|(known, begins)| *known == marker && body.starts_with(begins))
}

/// Bytes up to the next marker that is none of the scan's own.
fn scan_length(rest: &[u8]) -> usize {
    let is_marker = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xd0..=0xd7);
    rest.windows(2).position(is_marker).unwrap_or(rest.len())
}

/// Where the picture is not the right way up (EXIF 2.32 §4.6.5): a camera that was turned.
fn orientation(segment: &[u8]) -> Option<u8> {
    let tiff = segment.strip_prefix(b"Exif\0\0")?;
    let is_little = tiff.starts_with(b"II");
    let number = |at: usize, length: usize| {
        let bytes = tiff.get(at..at.checked_add(length)?)?;
        let digit = |sum: usize, byte: &u8| (sum << 8) | usize::from(*byte);
        Some(match is_little {
            true => bytes.iter().rev().fold(0, digit),
            false => bytes.iter().fold(0, digit),
        })
    };
    let directory = number(4, 4)?;
    let mut entries = (0..number(directory, 2)?).map(|n| directory + 2 + 12 * n);
    let entry = entries.find(|at| number(*at, 2) == Some(0x0112))?;
    let way = u8::try_from(number(entry + 8, 2)?).ok()?;
    (2..=8).contains(&way).then_some(way)
}

/// A segment that says this and nothing else.
fn turned(way: u8) -> Vec<u8> {
    let mut segment =
        b"\xff\xe1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    segment.extend([way, 0, 0, 0, 0, 0, 0]);
    segment
}

const PNG_BEGINS: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Chunks that are no part of the picture.
const BESIDE: [&[u8]; 5] = [b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME"];

/// PNG 3 §5.3: length, kind, data and a sum over both.
fn png(content: &[u8]) -> Option<Vec<u8>> {
    let mut rest = content.strip_prefix(PNG_BEGINS)?;
    let mut kept = PNG_BEGINS.to_vec();
    loop {
        let length = usize::try_from(u32::from_be_bytes(*rest.first_chunk()?)).ok()?;
        let (chunk, behind) = rest.split_at_checked(length.checked_add(12)?)?;
        let kind = chunk.get(4..8)?;
        if !BESIDE.contains(&kind) {
            kept.extend_from_slice(chunk);
        }
        if kind == b"IEND" {
            return Some(kept);
        }
        rest = behind;
    }
}
