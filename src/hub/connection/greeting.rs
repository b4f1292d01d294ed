//! How a connection begins: a valid `hello`, or the door ([CN4]–[CN7]).
//!
//! Promises: nobody is welcomed whom the authenticator does not know, and nobody during a drain.
//! Must never: tell whose a session is that was named and is not theirs.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Connection, Open, State, Warned};
use crate::domain::access::Principal;
use crate::domain::ids::{RequestId, SessionId};
use crate::domain::quota::Resource;
use crate::hub::clock::now;
use crate::hub::context::Via;
use crate::protocol::code::{CloseCode, ErrorCode};
use crate::protocol::message::client::{ClientMessage, Envelope, NamedUser};
use crate::protocol::message::encode::encode;
use crate::protocol::message::reply::{Receipt, Refusal};
use crate::protocol::message::server::ServerMessage;
use crate::session::Session;

impl Connection {
    pub(super) async fn greet(&mut self, envelope: Option<Envelope>, request: RequestId) {
        let (id, hello) = match envelope {
            Some(Envelope { id, message: ClientMessage::Hello { token, session, user } }) => {
                (id, (token, session, user))
            }
            other => {
                let id = other.and_then(|envelope| envelope.id);
                return self.turn_away(Receipt { id, request, callback: None }, &say_hello());
            }
        };
        let receipt = Receipt { id, request, callback: None };
        if let Some(retry_after_ms) = self.hub.roll.draining() {
            let refusal = Refusal::new(ErrorCode::Draining, "This hub is about to restart; connect again.");
            self.error(receipt, &Refusal { retry_after_ms: Some(retry_after_ms), ..refusal });
            return self.close(CloseCode::Restart, "draining");
        }
        self.welcome(receipt, hello).await;
    }

    async fn welcome(&mut self, receipt: Receipt, hello: (Option<String>, Option<SessionId>, Option<NamedUser>)) {
        let State::Greeting { arrival, .. } = &mut self.state else { return };
        let (token, address) = (hello.0.or(arrival.token.take()), arrival.address);
        let principal = match self.hub.authenticator.authenticate(token.as_deref(), hello.2, now()) {
            Ok(principal) => principal,
            Err(refusal) => return self.turn_away(receipt, &refusal),
        };
        if let Err(spent) = self.hub.spend_connection(&principal).await {
            self.hold_back(receipt, Resource::Connection, spent);
            return self.close(CloseCode::Flooded, "too many connections");
        }
        let session = self.session(hello.1, &principal).await;
        let welcome = ServerMessage::Welcome {
            receipt,
            connection: self.id,
            session,
            hub: &self.hub.id,
            principal: &principal,
            limits: &self.hub.limits,
        };
        self.outbox.reply(encode(&welcome));
        let via = Via::Socket { connection: self.id, session, address };
        self.state = State::Open(Box::new(Open { principal, via, warned: Warned::No, seats: HashMap::new() }));
    }

    /// The session that was named, if it is this user's; else a new one, silently.
    async fn session(&self, wanted: Option<SessionId>, principal: &Principal) -> SessionId {
        if let Some(id) = wanted {
            match self.hub.sessions.touch(id, principal.user(), now()).await {
                Ok(Some(session)) => return session.id,
                Ok(None) => metrics::counter!("blockhub_sessions_not_resumed_total").increment(1),
                Err(error) => {
                    tracing::warn!(%error, "a session could not be looked up; a new one ends with the connection");
                    return SessionId(Uuid::new_v4());
                }
            }
        }
        let fresh = Session::new(SessionId(Uuid::new_v4()), principal.user().clone(), serde_json::Map::new(), now());
        let id = fresh.id;
        if let Err(error) = self.hub.sessions.create(fresh).await {
            tracing::warn!(%error, "a session could not be kept; it ends with the connection");
        }
        id
    }
}

pub(super) fn say_hello() -> Refusal {
    Refusal::new(ErrorCode::Unauthenticated, "The first message must be a valid hello.")
}
