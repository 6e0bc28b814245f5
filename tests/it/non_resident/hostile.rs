//! What somebody sends who wants to break it.

use hufu::domain::non_resident::{LARGEST, MOST};

use super::*;
use crate::kit::on_each_database;

/// Covers N-07: files are what their first bytes say, not too large, not too many, and nobody else's form
/// brings one; what a file is called is text and nothing else.
#[test]
fn only_such_files_are_taken() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut chan = overseas(&app, CHAN).await;
        let form = chan.get(FORM).await;
        let page = chan.submit(&form, &GOOD).await;
        let page_of_html: &[u8] = b"<!doctype html><script>alert(1)</script>";
        for (name, content) in [
            ("certificate.pdf", page_of_html),
            ("certificate.png", b"GIF89a"),
            ("certificate.jpeg", b" %PDF-1.7"),
            ("run.exe", b"MZ\x90\x00"),
            ("empty.pdf", b""),
        ] {
            let refused = add_file(&mut chan, &page, name, content).await;
            assert_eq!(refused.code(), Some("E_FORMAT"), "{name}");
            assert!(refused.text.contains("file-wrong"), "{}", refused.text);
        }
        let mut large = PDF.to_vec();
        for size in [LARGEST + 1, LARGEST + 100_000] {
            large.resize(size, b' ');
            let refused = add_file(&mut chan, &page, "large.pdf", &large).await;
            assert_eq!(refused.code(), Some("E_FORMAT"), "{size}");
            assert!(refused.text.contains("at most 4 MB"), "{}", refused.text);
        }
        let stored = "SELECT name AS said FROM (SELECT 'x' AS name FROM nr_file) files";
        assert!(app.said(stored).await.is_empty());
        large.resize(LARGEST, b' ');
        let taken = add_file(&mut chan, &page, "large.pdf", &large).await;
        assert_eq!(taken.code(), None, "{}", taken.text);
        let control = add_file(&mut chan, &page, "a\u{7}.pdf", PDF).await;
        assert_eq!(control.status.as_u16(), 400);
        let hostile = "../..\\<b>\u{202e}fdp.pdf";
        let taken = add_file(&mut chan, &page, hostile, PDF).await;
        assert_eq!(taken.code(), None, "{}", taken.text);
        assert!(taken.text.contains("&lt;b&gt;fdp.pdf"), "{}", taken.text);
        // Another's form, or none.
        let hidden = page.hidden_of_form("multipart/form-data");
        for fields in [
            vec![("application", &*hidden["application"])],
            vec![("csrf", "x"), ("application", &*hidden["application"])],
        ] {
            let forged = chan.send_file(FILE, &fields, ("a.pdf", PDF)).await;
            assert_eq!(forged.status.as_u16(), 403);
        }
        let twice = [("csrf", &*hidden["csrf"]), ("csrf", &*hidden["csrf"])];
        assert_eq!(chan.send_file(FILE, &twice, ("a.pdf", PDF)).await.status.as_u16(), 400);
        let bare = chan.once("POST", FILE, Some("csrf=x&file=y".to_owned())).await;
        assert_eq!(bare.status.as_u16(), 400);
        for n in 2..MOST {
            let taken = add_file(&mut chan, &page, &format!("{n}.png"), PNG).await;
            assert_eq!(taken.code(), None, "{n}");
        }
        let many = add_file(&mut chan, &page, "more.png", PNG).await;
        assert_eq!(many.code(), Some("E_FORMAT"), "{}", many.text);
        assert_eq!(app.said(stored).await.len(), MOST);
        // Nothing of it can be read in the database.
        for row in &app.rows_of("jiangxi").await["nr_file"] {
            for clear in ["large.pdf", "%PDF", "255044462d"] {
                assert!(!row.to_lowercase().contains(clear), "{clear}");
            }
        }
    });
}

/// Covers N-07: texts that are none are refused at their field, and what is kept is kept sealed.
#[test]
fn only_such_texts_are_taken() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut chan = overseas(&app, CHAN).await;
        let form = chan.get(FORM).await;
        let (long, endless) = ("公".repeat(201), "a".repeat(60_000));
        for (field, wrong) in [
            ("name_zh", "Latin Ltd."),
            ("name_zh", &*long),
            ("name_zh", "公"),
            ("name_foreign", "123 456"),
            ("name_foreign", &*endless),
            ("residence", "CHN"),
            ("residence", "XXX"),
            ("number_kind", "other"),
            ("home_number", "<script>"),
            ("home_number", "-"),
            ("address_abroad", &*long),
            ("contact_name", "1"),
            ("contact_email", "amy@"),
            ("contact_phone", "555"),
            ("declared", "owner"),
            ("former_code", "91360100MA35ABCD43"),
        ] {
            let refused = chan.submit(&form, &but(&[(field, wrong)])).await;
            assert_eq!(refused.code(), Some("E_FORMAT"), "{field}");
            assert!(refused.text.contains(&format!("{field}-wrong")), "{field}");
        }
        let control = chan.submit(&form, &but(&[("address_abroad", "a\nb")])).await;
        assert_eq!(control.status.as_u16(), 400);
        let megabyte = "a".repeat(1 << 20);
        let refused = chan.submit(&form, &but(&[("name_foreign", &megabyte)])).await;
        assert_eq!(refused.status.as_u16(), 413);
        assert!(app.said("SELECT state AS said FROM nr_application").await.is_empty());

        let marked = but(&[("name_foreign", "<b>Tai\u{202e} Man</b>"), ("contact_phone", "")]);
        let page = chan.submit(&form, &marked).await;
        assert_eq!(page.code(), None, "{}", page.text);
        assert!(page.text.contains("&lt;b&gt;Tai Man&lt;") && !page.text.contains("<b>Tai"));
        for row in &app.rows_of("jiangxi").await["nr_application"] {
            for clear in ["Tai Man", "22-334", "amy@", "泰文"] {
                assert!(!row.contains(clear), "{clear}");
            }
        }
    });
}
