//! Certificates of software for the demo: those of its first enterprise, national and RSA, and a
//! configuration for the key agent that offers them. Everybody has these keys.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rust_embed::RustEmbed;

/// Made by `scripts/demo_certificates`; their PIN is `123456`.
#[derive(RustEmbed)]
#[folder = "examples/key_agent"]
struct Keys;

/// Into `folder`, unless they are there: a PIN that was changed stays changed. `origin`: of the
/// provider's pages, which alone may ask the agent.
pub fn lay_out(folder: &Path, origin: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for name in Keys::iter() {
        let path = folder.join(name.as_ref());
        if let Some(file) = Keys::get(&name).filter(|_| !path.exists()) {
            write(&path, &file.data)?;
        }
    }
    let folder = folder.canonicalize()?;
    let mut text = format!("origins = [\"{origin}\"]\n\n[pin]\nmode = \"page\"\n");
    for kind in ["sm2", "rsa"] {
        let at = |ending: &str| folder.join(format!("enterprise-{kind}.{ending}"));
        text += &format!(
            "\n[[soft]]\ncertificate = {:?}\nkey = {:?}\n",
            at("pem").display().to_string(),
            at("key").display().to_string()
        );
    }
    write(&folder.join("key-agent.toml"), text.as_bytes())
}

/// The agent takes no configuration that others may write.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
    file?.write_all(bytes)
}
