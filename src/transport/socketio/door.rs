//! Where clients of Socket.IO connect, and what they say goes to their inbox.
//!
//! Promises: the handshake's `auth` is the client's `hello`; one connection for each Engine.IO session; a client's
//! messages are kept in the order in which they came.
//! Must never: look into a message.

use std::fmt::Display;
use std::pin::Pin;
use std::sync::Arc;

use socketioxide::adapter::LocalAdapter;
use socketioxide::handler::{ConnectHandler, MessageHandler, Value};
use socketioxide::socket::Socket;
use tokio_util::task::TaskTracker;

use super::inbox::{Flooded, Said};
use super::task;
use super::way::{Stage, Way};
use super::wire::Wire;
use crate::hub::Hub;
use crate::hub::connection::Connection;
use crate::protocol::message::reply::Callback;

type Client = Arc<Socket<LocalAdapter>>;

/// Says of a handler that it is ours; socketioxide asks for a type.
pub struct Ours;

/// The one namespace.
#[derive(Clone)]
pub struct Door {
    /// Whom clients speak to.
    pub hub: Arc<Hub>,
    /// Knows the connections' tasks.
    pub tracker: TaskTracker,
}

/// Takes whatever a client says.
struct Listener(Arc<Way>);

impl ConnectHandler<LocalAdapter, Ours> for Door {
    /// The client has been told that it is connected.
    fn call(&self, socket: Client, auth: Option<Value>) {
        let begun = way(&socket).and_then(|way| Some((way.begin()?, way)));
        let Some((arrival, way)) = begun else { return };
        let connection = Connection::new(Arc::clone(&self.hub), arrival);
        let wire = Wire::new(socket, Arc::clone(&connection.outbox), way);
        let limits = self.hub.limits;
        self.tracker.spawn(async move {
            let hello = auth.as_ref().and_then(Value::as_str).map_or("{}", |auth| auth.as_str());
            task::run(connection, &wire, hello, &limits).await;
        });
    }

    /// Before it is told: it may say something as soon as it is.
    fn call_middleware<'a>(
        &'a self,
        socket: Client,
        _auth: &'a Option<Value>,
    ) -> Pin<Box<dyn Future<Output = Result<(), Box<dyn Display + Send>>> + Send + 'a>> {
        Box::pin(async move {
            let Some(way) = way(&socket).filter(|way| way.may_begin()) else {
                return Err(Box::new("A transport serves one connection.") as Box<dyn Display + Send>);
            };
            socket.on_fallback(Listener(Arc::clone(&way)));
            socket.on_disconnect(move || {
                way.advance(Stage::Over);
                std::future::ready(())
            });
            Ok(())
        })
    }
}

impl MessageHandler<LocalAdapter, Ours> for Listener {
    fn call(&self, socket: Client, value: Value, ack: Option<i64>) {
        if let Err(Flooded) = self.0.inbox.put(Said { value, callback: ack.map(Callback) }) {
            tracing::debug!("a client said too much at once");
            // Nothing of what it says further is taken, whether it can be told or not.
            self.0.advance(Stage::Over);
            let _ = socket.disconnect();
        }
    }
}

/// What was given to the Engine.IO session when it was let in.
fn way(socket: &Client) -> Option<Arc<Way>> {
    socket.req_parts().extensions.get::<Arc<Way>>().cloned()
}
