//! A client that speaks the contract, as light as can be.
//!
//! Promises: an error, a conflict or an end is never passed over silently.
//! Must never: understand what comes in masses: who loads looks into messages with `socket::scan`.

use serde_json::{Value, json};

use crate::LoadError;
use crate::socket::{Form, Inflater, Message, Socket, scan};

/// Where the hub takes WebSockets.
const PATH: &str = "/ws";

/// A socket to the hub that has said hello.
pub struct Client {
    socket: Socket,
}

impl Client {
    /// Connects and says hello.
    pub async fn connect(address: &str, user: &str) -> Result<Self, LoadError> {
        Self::connect_for(address, user, Form::Plain).await
    }

    /// The same; with `Form::Deflated` messages to us may be so.
    pub async fn connect_for(address: &str, user: &str, form: Form) -> Result<Self, LoadError> {
        Self::greet(Socket::connect(address, PATH, form).await?, user, form).await
    }

    /// The same; the network brings little while nobody reads.
    pub async fn connect_narrow(address: &str, user: &str, form: Form) -> Result<Self, LoadError> {
        Self::greet(Socket::connect_narrow(address, PATH, form).await?, user, form).await
    }

    async fn greet(socket: Socket, user: &str, form: Form) -> Result<Self, LoadError> {
        if socket.form() != form {
            return Err(LoadError::Wrong(format!("{form:?} was not agreed to")));
        }
        let mut client = Self { socket };
        client.send(&json!({"type": "hello", "id": "hello", "user": {"id": user}})).await?;
        client.expect("welcome").await?;
        Ok(client)
    }

    /// The socket alone.
    pub fn into_socket(self) -> Socket {
        self.socket
    }

    /// Sends one message.
    pub async fn send(&mut self, message: &Value) -> Result<(), LoadError> {
        self.socket.send_text(message.to_string().as_bytes()).await
    }

    /// The next message; an error or a conflict is an error.
    pub async fn hear(&mut self) -> Result<Message<'_>, LoadError> {
        let message = self.socket.next().await?;
        if message.form == Form::Plain {
            refuse(message.payload)?;
        }
        Ok(message)
    }

    /// The next message of a type; others are passed over, an error is an error.
    pub async fn expect(&mut self, kind: &str) -> Result<Value, LoadError> {
        let mut inflater = Inflater::default();
        loop {
            let text = self.socket.next().await?.read(&mut inflater)?;
            refuse(text)?;
            if scan::kind(text) == kind.as_bytes() {
                return serde_json::from_slice(text).map_err(|error| LoadError::Wrong(error.to_string()));
            }
        }
    }
}

/// An error if it says that something went wrong.
pub fn refuse(message: &[u8]) -> Result<(), LoadError> {
    match scan::kind(message) {
        b"error" | b"conflict" | b"" => Err(wrong(message)),
        _ => Ok(()),
    }
}

/// What the hub said, as an error.
pub fn wrong(message: &[u8]) -> LoadError {
    LoadError::Wrong(String::from_utf8_lossy(message).into_owned())
}
