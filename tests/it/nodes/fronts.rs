//! `HAProxy` and nginx with the lines of `docs/proxies.md`, in which only addresses and certificates
//! are the test's.

use std::path::Path;
use std::process::{Command, Stdio};

use super::node::Node;
use super::program;
use crate::kit::demo::{Running, free_ports, wait_for};

pub struct Front {
    pub port: u16,
    _process: Running,
}

impl Front {
    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub async fn haproxy(folder: &Path, nodes: &[Node]) -> Self {
        let port = free_ports();
        let lines = with_nodes(&documented("haproxy"), nodes);
        let bind = format!("bind 127.0.0.1:{port}\n    bind [::1]:{port}");
        Self::haproxy_of(
            folder,
            port,
            &put(&lines, "bind :443 ssl crt /etc/haproxy/sso.pem", &bind),
        )
        .await
    }

    /// TLS goes through it.
    pub async fn haproxy_tcp(folder: &Path, nodes: &[Node]) -> Self {
        let port = free_ports();
        let lines = with_nodes(&documented("haproxy-tcp"), nodes);
        let timeouts = "defaults\n timeout connect 3s\n timeout client 60s\n timeout server 60s\n";
        let lines = put(&lines, "bind :443", &format!("bind 127.0.0.1:{port}"));
        Self::haproxy_of(folder, port, &format!("{timeouts}{lines}")).await
    }

    /// With lines of the test's own.
    pub async fn haproxy_of(folder: &Path, port: u16, lines: &str) -> Self {
        let file = folder.join(format!("haproxy-{port}.cfg"));
        std::fs::write(&file, lines).unwrap();
        let log = std::fs::File::create(file.with_extension("log")).unwrap();
        let mut command = Command::new(program("haproxy").unwrap());
        command.arg("-db").arg("-f").arg(&file);
        let process = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let front = Self { port, _process: Running::of(process) };
        wait_for(port).await;
        front
    }

    pub async fn nginx(folder: &Path, nodes: &[Node]) -> Self {
        let port = free_ports();
        let mut lines = with_nodes(&documented("nginx"), nodes);
        let listen = format!("listen 127.0.0.1:{port}; listen [::1]:{port};");
        lines = put(&lines, "listen 443 ssl;", &listen);
        lines = put(&lines, "ssl_certificate /etc/nginx/sso.pem;", "");
        lines = put(&lines, "ssl_certificate_key /etc/nginx/sso.key;", "");
        let at = folder.join(format!("nginx-{port}"));
        std::fs::create_dir_all(&at).unwrap();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|kind| format!("{kind}_temp_path {}/{kind};\n", at.display()))
            .collect();
        // One process, which takes nobody with it when it is killed.
        let whole = format!(
            "daemon off;\nmaster_process off;\npid {0}/pid;\nerror_log {0}/log;\nevents {{}}\n\
             http {{\naccess_log off;\n{temporary}{lines}\n}}\n",
            at.display()
        );
        let file = at.join("nginx.conf");
        std::fs::write(&file, whole).unwrap();
        let mut command = Command::new(program("nginx").unwrap());
        command.arg("-c").arg(&file).arg("-e").arg(at.join("log")).arg("-p").arg(&at);
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let front = Self { port, _process: Running::of(process) };
        wait_for(port).await;
        front
    }
}

/// What stands in the fenced block of this kind.
pub fn documented(kind: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/proxies.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, rest) = page.split_once(&format!("```{kind}\n")).unwrap();
    rest.split("```").next().unwrap().to_owned()
}

pub fn put(lines: &str, what: &str, by: &str) -> String {
    assert!(lines.contains(what), "there is no {what} in {lines}");
    lines.replace(what, by)
}

/// The n-th node for `10.1.0.1n`, by line.
fn with_nodes(lines: &str, nodes: &[Node]) -> String {
    let of_node = |line: &str| -> String {
        let mut line = line.to_owned();
        for (node, example) in nodes.iter().zip(["10.1.0.11", "10.1.0.12"]) {
            if line.contains(example) {
                line = line.replace("port 9090", &format!("port {}", node.port + 1));
                for port in ["8080", "8443"] {
                    let own = format!("127.0.0.1:{}", node.port);
                    line = line.replace(&format!("{example}:{port}"), &own);
                }
            }
        }
        line + "\n"
    };
    lines.lines().map(of_node).collect()
}
