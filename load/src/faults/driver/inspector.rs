//! Looks up, apart from the clients, whether what was acked is really there: in Postgres, and over HTTP on any hub.
//!
//! Promises: each look begins after its ack had arrived.
//! Must never: hold a client up; what it has no time for is not asked.

use std::sync::Arc;

use histcheck::fold::Blocks;
use histcheck::history::Record;
use tokio::sync::mpsc;

use super::crew::{Ask, Crew};
use super::database::Database;
use crate::hub;

/// Works until there is nobody left to ask. `client`: as whom it reads.
pub async fn inspect(mut asks: mpsc::Receiver<Ask>, crew: Arc<Crew>, database: Database, client: u32) {
    while let Some(ask) = asks.recv().await {
        let Ask { project, edit, seq, hub } = ask;
        // A database that is being disturbed cannot be asked.
        if let Ok(found) = database.place_of(project, edit).await {
            crew.history.write(&Record::Probe { project, edit, found });
        }
        let path = format!("/api/projects/{project}/blocks?minSeq={seq}");
        let Ok(answer) = hub::get(&crew.addresses[hub], &path).await else { continue };
        let (Some(read), Some(blocks)) = (answer["seq"].as_u64(), answer["blocks"].as_array()) else { continue };
        let blocks = Blocks::of(blocks).ok().map(|blocks| blocks.digest());
        crew.history.write(&Record::Read { client, project, min_seq: seq, seq: read, blocks });
    }
}
