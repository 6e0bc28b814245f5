//! Pictures without what a camera writes beside them.

use hufu::domain::non_resident::FileKind;
use hufu::domain::picture::bare;

const JFIF: &[u8] = b"\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0";
const COLOURS: &[u8] = b"\xff\xe2\0\x10ICC_PROFILE\0..";
const ADOBE: &[u8] = b"\xff\xee\0\x09Adobe..";
/// Tables and a scan with a stuffed byte, a restart and data that looks like anything.
const PICTURE: &[u8] =
    b"\xff\xdb\0\x04qq\xff\xc4\0\x03h\xff\xda\0\x03s data \xff\x00 Exif\0\0 \xff\xd3 more ";

/// EXIF of a camera held this way, with a place behind it.
fn exif(is_little: bool, way: u16) -> Vec<u8> {
    let two = |n: u16| if is_little { n.to_le_bytes() } else { n.to_be_bytes() };
    let four = |n: u32| if is_little { n.to_le_bytes() } else { n.to_be_bytes() };
    let mut tiff = if is_little { b"II".to_vec() } else { b"MM".to_vec() };
    tiff.extend(two(42));
    tiff.extend(four(8));
    tiff.extend(two(2));
    for (tag, value) in [(0x0100, 640), (0x0112, way)] {
        tiff.extend([two(tag), two(3)].concat());
        tiff.extend(four(1));
        tiff.extend([two(value), two(0)].concat());
    }
    tiff.extend(four(0));
    tiff.extend(b"GPS 28.68 115.86");
    segment(0xe1, &[b"Exif\0\0".as_slice(), &tiff].concat())
}

fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
    [&[0xff, marker][..], &length, body].concat()
}

/// As it is written where the camera was turned.
fn turned(way: u8) -> Vec<u8> {
    let before = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0";
    segment(0xe1, &[before.as_slice(), &[way, 0, 0, 0, 0, 0, 0]].concat())
}

fn jpeg(parts: &[&[u8]]) -> Vec<u8> {
    [b"\xff\xd8".as_slice(), &parts.concat(), b"\xff\xd9"].concat()
}

#[test]
fn a_jpeg_keeps_the_picture_alone() {
    let comment = segment(0xfe, b"taken by somebody");
    let several = segment(0xe2, b"MPF\0 where the others are");
    let xmp = segment(0xe1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>");
    let (camera, left, right) = (exif(false, 1), exif(false, 6), exif(true, 8));
    let broken = segment(0xe1, b"Exif\0\0MM\0*\xff\xff\xff\xff");
    let (six, eight) = (turned(6), turned(8));
    for (sent, kept) in [
        (jpeg(&[JFIF, PICTURE]), jpeg(&[JFIF, PICTURE])),
        (jpeg(&[JFIF, COLOURS, ADOBE, PICTURE]), jpeg(&[JFIF, COLOURS, ADOBE, PICTURE])),
        (jpeg(&[&camera, &xmp, &several, &comment, PICTURE]), jpeg(&[PICTURE])),
        (jpeg(&[&left, PICTURE]), jpeg(&[&six, PICTURE])),
        (jpeg(&[JFIF, &right, PICTURE]), jpeg(&[JFIF, &eight, PICTURE])),
        (jpeg(&[&broken, PICTURE]), jpeg(&[PICTURE])),
        (jpeg(&[b"\xff\xff", PICTURE]), jpeg(&[PICTURE])),
        // In several scans, and between them.
        (jpeg(&[PICTURE, &comment, PICTURE]), jpeg(&[PICTURE, PICTURE])),
        // Behind the end, as telephones have it.
        ([jpeg(&[PICTURE]), jpeg(&[&left, PICTURE])].concat(), jpeg(&[PICTURE])),
        // Broken off in the scan.
        ([b"\xff\xd8".as_slice(), PICTURE].concat(), jpeg(&[PICTURE])),
    ] {
        let found = bare(FileKind::Jpeg, &sent);
        assert_eq!(found.as_ref(), Some(&kept), "{}", sent.escape_ascii());
        assert_eq!(bare(FileKind::Jpeg, &kept), Some(kept), "once is enough");
    }
    for wrong in [
        b"".as_slice(),
        b"\xff\xd8",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xdb",
        b"\xff\xd8\xff\xdb\0",
        b"\xff\xd8\xff\xdb\0\x01",
        b"\xff\xd8\xff\xdb\0\x09q",
        b"\xff\xd8 picture \xff\xd9",
        b"\x89PNG\r\n\x1a\n",
    ] {
        assert_eq!(bare(FileKind::Jpeg, wrong), None, "{}", wrong.escape_ascii());
    }
}

#[test]
fn a_png_keeps_the_picture_alone() {
    const BEGINS: &[u8] = b"\x89PNG\r\n\x1a\n";
    let chunk = |kind: &str, data: &str| {
        let length = u32::try_from(data.len()).unwrap().to_be_bytes();
        [&length[..], kind.as_bytes(), data.as_bytes(), b"sum."].concat()
    };
    let png = |parts: &[(&str, &str)]| {
        let parts = parts.iter().map(|(kind, data)| chunk(kind, data));
        BEGINS.iter().copied().chain(parts.flatten()).collect::<Vec<u8>>()
    };
    let picture = [("IHDR", "head"), ("IDAT", "eXIf within"), ("IEND", "")];
    let kept = png(&picture);
    let [head, data, end] = picture;
    let place = ("eXIf", "GPS 28.68 115.86");
    for sent in [
        kept.clone(),
        png(&[head, place, data, end]),
        png(&[head, ("tEXt", "Author"), ("iTXt", "x"), data, ("zTXt", "z"), ("tIME", "t"), end]),
        png(&[head, data, end, place, head]),
        [kept.as_slice(), b"\xff\xd8"].concat(),
    ] {
        assert_eq!(bare(FileKind::Png, &sent).as_ref(), Some(&kept), "{}", sent.escape_ascii());
    }
    for wrong in [png(&[]), png(&[head, data]), kept[..kept.len() - 1].to_vec()] {
        assert_eq!(bare(FileKind::Png, &wrong), None, "{}", wrong.escape_ascii());
    }
    assert_eq!(bare(FileKind::Png, &[BEGINS, b"\xff\xff\xff\xffIDAT"].concat()), None);
    assert_eq!(bare(FileKind::Pdf, b"%PDF-1.7"), None);
}
