//! A client that speaks the contract, as light as can be.
//!
//! Promises: every answer it returns was read; nothing is passed over silently.
//! Must never: be the bottleneck unnoticed; its processor time is printed beside the hub's.

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::LoadError;

/// A socket to the hub.
pub struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// The parts of a message that the load looks at.
#[derive(Debug, Deserialize)]
pub struct Heard<'a> {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// Which message it answers.
    pub id: Option<&'a str>,
    /// What happened.
    #[serde(default)]
    pub events: Vec<Numbered>,
}

/// An event's number.
#[derive(Debug, Deserialize)]
pub struct Numbered {
    /// Its place in the log.
    pub seq: u64,
}

impl Client {
    /// Connects and says hello.
    pub async fn connect(address: &str, user: &str) -> Result<Self, LoadError> {
        let (socket, _) = tokio_tungstenite::connect_async(format!("ws://{address}/ws")).await?;
        let mut client = Self { socket };
        client.send(&json!({"type": "hello", "id": "hello", "user": {"id": user}})).await?;
        client.expect("welcome").await?;
        Ok(client)
    }

    /// Sends one message.
    pub async fn send(&mut self, message: &Value) -> Result<(), LoadError> {
        Ok(self.socket.send(Message::text(message.to_string())).await?)
    }

    /// The next text message.
    pub async fn hear(&mut self) -> Result<Message, LoadError> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return Ok(Message::Text(text)),
                Some(Ok(Message::Close(frame))) => return Err(LoadError::Wrong(format!("closed: {frame:?}"))),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Err(LoadError::Wrong("the connection ended".into())),
            }
        }
    }

    /// The next message of a type; others are passed over, an error is an error.
    pub async fn expect(&mut self, kind: &str) -> Result<Value, LoadError> {
        loop {
            let message = self.hear().await?;
            let value: Value =
                serde_json::from_str(message.to_text()?).map_err(|error| LoadError::Wrong(error.to_string()))?;
            match value["type"].as_str() {
                Some(found) if found == kind => return Ok(value),
                Some("error" | "conflict") => return Err(LoadError::Wrong(value.to_string())),
                _ => {}
            }
        }
    }
}
