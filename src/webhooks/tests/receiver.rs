//! An HTTP server that does as it is told, on threads of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What it does with a request.
#[derive(Clone)]
pub(super) enum Reply {
    Status(u16),
    /// Takes it and never answers.
    Silence,
    /// Closes the connection.
    Close,
    /// These bytes, then closes.
    Bytes(Vec<u8>),
    /// 200, and a body without end.
    Endless,
}

/// A request that came.
pub(super) struct Post {
    pub(super) line: String,
    headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Post {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// The server.
pub(super) struct Receiver {
    port: u16,
    posts: UnboundedReceiver<Post>,
}

impl Receiver {
    /// Answers each request by its number, from 0.
    pub(super) fn new(reply: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (heard, posts) = unbounded_channel();
        let (reply, count) = (Arc::new(reply), Arc::new(AtomicUsize::new(0)));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (heard, reply, count) = (heard.clone(), Arc::clone(&reply), Arc::clone(&count));
                std::thread::spawn(move || serve(&stream.unwrap(), &heard, &*reply, &count));
            }
        });
        Self { port, posts }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The next request.
    pub(super) async fn next(&mut self) -> Post {
        self.posts.recv().await.unwrap()
    }

    /// Whether no other has come.
    pub(super) fn is_quiet(&self) -> bool {
        self.posts.is_empty()
    }
}

/// A URL behind which nobody listens.
pub(super) fn nobodys_url(path: &str) -> String {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    format!("http://127.0.0.1:{port}{path}")
}

/// Answers one connection's requests for as long as it is kept.
fn serve(stream: &TcpStream, heard: &UnboundedSender<Post>, reply: &dyn Fn(usize) -> Reply, count: &AtomicUsize) {
    let (mut reader, mut writer) = (BufReader::new(stream), stream);
    while let Some(post) = read(&mut reader) {
        let reply = reply(count.fetch_add(1, Ordering::SeqCst));
        let _ = heard.send(post);
        match reply {
            Reply::Status(status) => {
                let answer = format!("HTTP/1.1 {status} Said\r\ncontent-length: 2\r\n\r\n{{}}");
                let answer = if status == 204 { answer.replace("content-length: 2\r\n\r\n{}", "\r\n") } else { answer };
                if writer.write_all(answer.as_bytes()).is_err() {
                    return;
                }
            }
            Reply::Silence => {
                // Until the other side has enough of it.
                let _ = reader.read(&mut [0; 1]);
                return;
            }
            Reply::Close => return,
            Reply::Bytes(bytes) => {
                let _ = writer.write_all(&bytes);
                return;
            }
            Reply::Endless => {
                let _ = writer.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
                while writer.write_all(b"4\r\nblah\r\n").is_ok() {}
                return;
            }
        }
    }
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Post> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut lines = lines.into_iter();
    let line = lines.next()?;
    let header =
        |line: String| line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    let headers: Vec<(String, String)> = lines.filter_map(header).collect();
    let length = headers.iter().find(|(name, _)| name == "content-length")?.1.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Post { line, headers, body: String::from_utf8(body).ok()? })
}
