//! Nodes that start at the same moment, as after a power cut.

use super::postgres_programs;
use super::stack::Ground;

/// Kids of a node's JWKS, in order.
async fn kids(port: u16) -> Vec<String> {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://127.0.0.1:{port}/realms/jiangxi/jwks");
    let text = http.get(url).send().await.unwrap().text().await.unwrap();
    let jwks: serde_json::Value = serde_json::from_str(&text).unwrap();
    let keys = jwks["keys"].as_array().unwrap().iter();
    let mut kids: Vec<String> = keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect();
    kids.sort();
    kids
}

/// Issue 13, 4: three processes on an empty database, with one key from the settings or with one
/// data folder in which the first of them makes it. All serve the same keys, which were made once.
#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_start_at_once_on_an_empty_database() {
    if postgres_programs().is_none() || super::program("redis-server").is_none() {
        return;
    }
    for has_shared_folder in [false, true] {
        let ground = Ground::lay(false).await;
        let nodes: Vec<_> = ["one", "two", "three"]
            .iter()
            .map(|name| {
                let at = ground.folder.path();
                let (settings, key) = match has_shared_folder {
                    true => {
                        let shared = format!("data = '{}'", at.join("shared").display());
                        (ground.settings().replace("data = 'data'", &shared), String::new())
                    }
                    false => (ground.settings(), format!("master_key = '{}'\n", "a5".repeat(32))),
                };
                super::node::Node::new(at.join(name), &(settings + &key))
            })
            .collect();
        for node in &nodes {
            node.launch().await;
        }
        for node in &nodes {
            node.ready().await;
        }
        let first = kids(nodes[0].port).await;
        assert_eq!(first.len(), 4);
        for node in &nodes {
            assert_eq!(kids(node.port).await, first);
        }
        let made = ground.postgres.rows("SELECT kid FROM signing_key").await;
        assert_eq!(made.len(), 4);
        let versions = ground.postgres.rows("SELECT generation FROM realm_version").await;
        assert_eq!(versions.len(), 1);
        for node in &nodes {
            node.kill().await;
        }
    }
}
