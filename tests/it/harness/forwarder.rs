//! An address that leads to another one, and may lead elsewhere later: what a failover moves.
//!
//! Promises: connections stay with the server that they were made to, as they do where an address moves.
//! Must never: end a connection by itself while both ends want it.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The address, as long as the test's runtime lives.
pub struct Forwarder {
    port: u16,
    to: Arc<Mutex<u16>>,
    /// Changes when connections fall silent.
    silence: watch::Sender<()>,
}

impl Forwarder {
    /// Leads to this port of 127.0.0.1.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (to, silence) = (Arc::new(Mutex::new(port)), watch::Sender::new(()));
        let forwarder = Self { port: listener.local_addr().unwrap().port(), to: to.clone(), silence: silence.clone() };
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let (port, mut silence) = (*to.lock(), silence.subscribe());
                tokio::spawn(async move {
                    // Whose server is away is hung up on.
                    if let Ok(mut far) = TcpStream::connect(("127.0.0.1", port)).await {
                        tokio::select! {
                            _ = copy_bidirectional(&mut near, &mut far) => {}
                            Ok(()) = silence.changed() => std::future::pending().await,
                        }
                    }
                });
            }
        });
        forwarder
    }

    /// From now on, new connections go there.
    pub fn lead_to(&self, port: u16) {
        *self.to.lock() = port;
    }

    /// From now on the connections there are carry nothing, and do not end: so it looks when a machine is gone. New ones
    /// are as they were.
    pub fn fall_silent(&self) {
        self.silence.send_replace(());
    }

    /// Where it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }
}
