//! Events over HTTP, to somebody else's server.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use keyway_test_support::{SOON, World};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::KEYWAY;

/// What somebody else's server was posted.
struct Post {
    head: Vec<String>,
    body: String,
}

impl Post {
    fn header(&self, name: &str) -> &str {
        let value = self.head.iter().find(|line| line.to_ascii_lowercase().starts_with(name));
        value.unwrap_or_else(|| panic!("no {name} in {:?}", self.head)).split_once(": ").unwrap().1
    }

    fn event(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A server that takes everything, after it has refused the first.
fn server() -> (String, Receiver<Post>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hooks/keyway", listener.local_addr().unwrap());
    let (heard, posts) = channel();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let stream = stream.unwrap();
            let mut reader = BufReader::new(&stream);
            let mut head = Vec::new();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                match line.trim_end() {
                    "" => break,
                    line => head.push(line.to_owned()),
                }
            }
            let length =
                head.iter().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            let mut body = vec![0; length.unwrap()];
            reader.read_exact(&mut body).unwrap();
            let status = if number == 0 { "503 Not Now" } else { "200 OK" };
            let answer = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
            (&stream).write_all(answer.as_bytes()).unwrap();
            if heard.send(Post { head, body: String::from_utf8(body).unwrap() }).is_err() {
                return;
            }
        }
    });
    (url, posts)
}

#[test]
fn somebody_elses_server_is_told_of_a_grant_in_order_signed_and_again_after_a_failure_and_a_restart() {
    let mut world = World::new(KEYWAY);
    let (url, posts) = server();
    let order = json!({"url": url, "event_types": ["access_grant.created", "access_code.set_on_device"]});
    let webhook = world.client.ask("webhooks/create", order)["webhook"].clone();
    let grant = world.client.grant(&[&world.devices[0]], -1.0, 600.0);
    let refused = posts.recv_timeout(SOON).unwrap();
    world.hub.kill();
    world.restart_hub();
    let [created, set] = [(); 2].map(|()| posts.recv_timeout(SOON * 2).unwrap());
    for (post, event_type) in [(&created, "access_grant.created"), (&set, "access_code.set_on_device")] {
        let event = post.event();
        assert_eq!(event["event_type"], event_type);
        assert_eq!(event["access_grant_id"], grant.id.as_str());
        assert_eq!(post.header("svix-id"), event["event_id"]);
        assert!(!post.body.contains(&grant.pin), "an event holds no PIN");
        assert_eq!(post.header("svix-signature"), signature(&webhook, post));
    }
    assert_eq!((created.header("svix-id"), &created.body), (refused.header("svix-id"), &refused.body));
    let secret = webhook["secret"].as_str().unwrap();
    let secret = secret.strip_prefix("whsec_").unwrap();
    assert!(world.hub.log().lines().iter().all(|line| !line.contains(secret)), "the secret is in no log");
}

/// As a receiver computes it.
fn signature(webhook: &Value, post: &Post) -> String {
    let secret = webhook["secret"].as_str().unwrap().strip_prefix("whsec_").unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&STANDARD.decode(secret).unwrap()).unwrap();
    mac.update(format!("{}.{}.{}", post.header("svix-id"), post.header("svix-timestamp"), post.body).as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}
