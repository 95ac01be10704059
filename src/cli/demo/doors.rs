//! Hands and eyes at the locks themselves: the control ports of the virtual sticks.

use std::net::SocketAddr;

use anyhow::Context;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// The street in front of a door.
pub(super) struct Door {
    /// What people call it.
    pub(super) name: &'static str,
    /// Its lock's number at the virtual stick.
    node: u16,
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
}

impl Door {
    /// The door whose lock has this number at the stick with this control port.
    pub(super) async fn connect(name: &'static str, node: u16, control: SocketAddr) -> anyhow::Result<Self> {
        let (reader, writer) = TcpStream::connect(control).await?.into_split();
        Ok(Self { name, node, reader: BufReader::new(reader), writer })
    }

    /// Presses the button by which a new lock looks for a network: whether one is open.
    pub(super) async fn press_button(&mut self) -> anyhow::Result<bool> {
        let answer = self.ask(&json!({"node": self.node, "join": true})).await?;
        Ok(answer["ok"] == true)
    }

    /// Types a code at the keypad: whether the bolt opened.
    pub(super) async fn type_code(&mut self, code: &str) -> anyhow::Result<bool> {
        let answer = self.ask(&json!({"node": self.node, "keypad": code})).await?;
        answer["opened"].as_bool().with_context(|| format!("the lock answered {answer}"))
    }

    /// The slot that holds a code, as the lock itself sees it.
    pub(super) async fn slot_with(&mut self, code: &str) -> anyhow::Result<Option<u64>> {
        let state = self.ask(&json!({"get": "state"})).await?;
        let locks = state["locks"].as_array().context("the stick does not tell of its locks")?;
        let lock = locks.iter().find(|lock| lock["node"] == self.node).context("the lock is gone")?;
        let slots = lock["slots"].as_array().context("the lock does not tell of its slots")?;
        Ok(slots.iter().find(|slot| slot["code"] == code).and_then(|slot| slot["slot"].as_u64()))
    }

    async fn ask(&mut self, request: &Value) -> anyhow::Result<Value> {
        self.writer.write_all(format!("{request}\n").as_bytes()).await?;
        let mut line = String::new();
        self.reader.read_line(&mut line).await?;
        serde_json::from_str(&line).context("the stick's control port answered no JSON")
    }
}
