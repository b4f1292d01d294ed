//! S8: somebody claims to be somebody else: as sender, in presence and signals, with sessions, edit ids, tokens.
//!
//! Promises: every shape is tried over each transport that has it; what came of it is asked of the one who would suffer.
//! Must never: take an answer for the effect: what was said to be refused must not have happened.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;
use uuid::Uuid;

use crate::LoadError;
use crate::bar::Bar;
use crate::faults::Run;
use crate::faults::gate::{Gate, join, overwrite};
use crate::faults::report::Findings;
use crate::http::Http;
use crate::isolation::desk::Desk;
use crate::isolation::person::text;
use crate::line::{Ear, Line, Push, Tongue, hello};
use crate::token::Signer;
use crate::way::Way;

/// For something to be shown.
const PATIENCE: Duration = Duration::from_secs(5);
/// `{"alg":"none","typ":"JWT"}`
const UNSIGNED: &str = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";

/// Who is robbed, and what of.
struct Case<'a> {
    gate: &'a Gate,
    /// Where the attacker goes.
    hub: usize,
    /// Names.
    victim: String,
    attacker: String,
    victims: String,
    attackers: String,
    /// The victim's calls, at the other hub.
    desk: Desk,
    /// Both are editors here.
    shared: String,
    block: String,
    /// Only the victim is a member here.
    private: String,
    session: String,
    /// The victim's last edit.
    edit: Value,
    /// The victim, looking on.
    watcher: Line,
    shown: UnboundedReceiver<Push>,
    tries: u64,
    through: Vec<String>,
}

/// Rounds of all shapes.
pub async fn run(run: &Run) -> Result<Findings, LoadError> {
    let (gate, rounds, mut findings) = (Gate::open(run).await?, run.times(100, 2), Findings::default());
    let (mut tries, mut through) = (0, Vec::new());
    for round in 0..rounds {
        let mut case = Case::begin(run, &gate, round).await?;
        for tongue in Tongue::ALL {
            case.over_line(tongue).await?;
            case.tokens(tongue).await?;
        }
        case.over_http().await?;
        tries += case.tries;
        through.append(&mut case.through);
    }
    findings.bars.push(Bar::count_at_least("forgeries", tries, 30 * rounds as u64));
    findings.bars.push(Bar::count_at_most("forgeries that had an effect", through.len() as u64, 0));
    through.sort();
    through.dedup();
    findings.remarks.extend(through.into_iter().take(20));
    Ok(findings)
}

impl<'a> Case<'a> {
    async fn begin(run: &Run, gate: &'a Gate, round: usize) -> Result<Self, LoadError> {
        let (victim, attacker, hub) = (format!("victim-{round}"), format!("attacker-{round}"), round % 2);
        let victims = gate.token(&victim)?;
        // Planted: a hub that takes the attacker for the victim.
        let attackers = gate.token(if run.planted { &victim } else { &attacker })?;
        let mut desk = gate.desk(1 - hub, &victims);
        let (private, _) = gate.project(&mut desk, 1, &[]).await?;
        let mut owner = gate.desk(0, &gate.token("owner")?);
        let (shared, blocks) = gate.project(&mut owner, 1, &[&victim, &attacker]).await?;
        let session = desk.must("POST", "/api/sessions", &json!({"metadata": {"kept": "safe"}})).await?;
        let (block, session) = (blocks[0].clone(), text(&session, "/id")?);
        let edit = overwrite(&shared, &block, "the victim's");
        desk.must("POST", &format!("/api/projects/{shared}/edits"), &edit).await?;
        let (push, shown) = unbounded_channel();
        let mut watcher = gate.line(1 - hub, Tongue::WebSocket, &victims, Some(push)).await?;
        join(&mut watcher, &shared).await?;
        let (tries, through) = (0, Vec::new());
        Ok(Self {
            gate,
            hub,
            victim,
            attacker,
            victims,
            attackers,
            desk,
            shared,
            block,
            private,
            session,
            edit,
            watcher,
            shown,
            tries,
            through,
        })
    }

    fn tried(&mut self, shape: &str, transport: &str, is_refused: bool) {
        self.tries += 1;
        if !is_refused {
            self.through.push(format!("had an effect: {shape} over {transport}"));
        }
    }

    /// Fields that nobody may set for themselves.
    fn claims(&self) -> Value {
        let user = json!({"id": self.victim, "name": "Victim", "tier": "enterprise", "admin": true});
        let connection = &self.watcher.welcome["connection"];
        json!({"actor": user, "user": user, "sub": self.victim, "connection": connection, "session": self.session,
            "from": {"connection": connection, "user": user}, "seq": 1, "at": "2000-01-01T00:00:00.000Z"})
    }

    fn claimed(&self, mut object: Value) -> Value {
        for (key, value) in self.claims().as_object().into_iter().flatten() {
            object[key] = value.clone();
        }
        object
    }

    /// Whose an edit is, says the log; null if it is not there.
    async fn author(&mut self, edit: &Value) -> Result<Value, LoadError> {
        let path = format!("/api/projects/{}/edits/{}", self.shared, edit["editId"].as_str().unwrap_or_default());
        let found = self.desk.call("GET", &path, &Value::Null).await?;
        Ok(found.map(|found| found.body["actor"]["id"].clone()).unwrap_or_default())
    }

    async fn over_line(&mut self, tongue: Tongue) -> Result<(), LoadError> {
        let name = tongue.name();
        let mut greeting = self.claimed(hello(&self.attackers));
        greeting["session"] = json!(self.session);
        let way = Way::to(self.gate.rig.hubs[self.hub].address());
        let ear = Ear { marks: self.gate.marks.clone(), user: 0, pushes: None };
        let greeted = Line::open(&way, tongue, &greeting, ear).await.map(|line| line.welcome.clone());
        let is_oneself = |said: Value| said["session"] != *self.session && said["user"]["id"] == *self.attacker;
        let is_refused = greeted.map_or(true, is_oneself);
        self.tried("another's session and name in hello", name, is_refused);
        let mut line = self.gate.line(self.hub, tongue, &self.attackers, None).await?;
        join(&mut line, &self.shared).await?;
        self.sender(&mut line, "an edit", name).await?;
        let replay = line.ask("edit", self.claimed(self.edit.clone())).await?;
        self.tried("another's edit id in an edit", name, replay["code"] == "forbidden");
        let id = self.edit["editId"].clone();
        let undo = json!({"project": self.shared, "target": id, "editId": id});
        let undone = line.ask("undo", self.claimed(undo)).await?;
        self.tried("another's edit id in an undo", name, undone["code"] == "forbidden");
        let edit = overwrite(&self.private, &self.block, "forged");
        let strange = line.ask("edit", self.claimed(edit)).await?;
        self.tried("an edit of another's project", name, strange["type"] == "error");
        let entered = line.ask("join", self.claimed(json!({"project": self.private}))).await?;
        self.tried("a join of another's project", name, entered["code"] == "not_found");
        self.shows(&line, name).await?;
        let refreshed = line.ask("refresh", json!({"token": self.victims})).await?;
        self.tried("another's token in refresh", name, refreshed["type"] == "error");
        self.sender(&mut line, "an edit after another's token in refresh", name).await
    }

    /// An edit says that it is another's: it is the sender's all the same.
    async fn sender(&mut self, line: &mut Line, shape: &str, name: &str) -> Result<(), LoadError> {
        let edit = overwrite(&self.shared, &self.block, "forged");
        let ack = line.ask("edit", self.claimed(edit.clone())).await?;
        let author = self.author(&edit).await?;
        let is_own = ack["type"] == "ack" && author == *self.attacker;
        self.tried(&format!("another's name in {shape}"), name, is_own);
        Ok(())
    }

    /// What others are shown of the sender is the sender.
    async fn shows(&mut self, line: &Line, name: &str) -> Result<(), LoadError> {
        let (project, tag) = (self.shared.clone(), Uuid::new_v4().to_string());
        line.say("presence", self.claimed(json!({"project": project, "state": {"tag": tag}})));
        let shown = self.shown_with("presence", &tag).await;
        let updates = shown["updates"].as_array().cloned().unwrap_or_default();
        let update = updates.into_iter().find(|update| update["state"]["tag"] == *tag).unwrap_or_default();
        self.tried("another's connection in presence", name, self.is_from(&update, line));
        line.say("signal", self.claimed(json!({"project": project, "event": "forged", "data": {"tag": tag}})));
        let shown = self.shown_with("signal", &tag).await;
        self.tried("another's name in a signal", name, self.is_from(&shown["from"], line));
        Ok(())
    }

    fn is_from(&self, shown: &Value, line: &Line) -> bool {
        shown["connection"] == line.welcome["connection"] && shown["user"]["id"] == *self.attacker
    }

    /// Waits until the victim is shown a message of a kind, with a tag in it.
    async fn shown_with(&mut self, kind: &str, tag: &str) -> Value {
        let look = async {
            while let Some(push) = self.shown.recv().await {
                if push.message["type"] == kind && push.message.to_string().contains(tag) {
                    return push.message;
                }
            }
            Value::Null
        };
        timeout(PATIENCE, look).await.unwrap_or_default()
    }

    /// Tokens that the hub's key has not signed.
    fn forged_tokens(&self) -> Result<Vec<(&'static str, String)>, LoadError> {
        let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
        let (victims, attackers) = (parts(&self.victims), parts(&self.attackers));
        let [head, claims, _] = &victims[..] else { return Err(LoadError::Start("a token has three parts".into())) };
        // Planted: the signature is the claims' own.
        let signature = attackers.last().cloned().unwrap_or_default();
        Ok(vec![
            ("a token with another's claims", format!("{head}.{claims}.{signature}")),
            ("a token that says it needs no signature", format!("{UNSIGNED}.{claims}.")),
            ("a token without a signature", format!("{head}.{claims}.")),
            ("a token of another key", Signer::default().user(&self.victim, "Victim", crate::token::LONG)?),
        ])
    }

    async fn tokens(&mut self, tongue: Tongue) -> Result<(), LoadError> {
        for (shape, token) in self.forged_tokens()? {
            let opened = self.gate.line(self.hub, tongue, &token, None).await;
            self.tried(shape, tongue.name(), opened.is_err());
        }
        Ok(())
    }

    async fn over_http(&mut self) -> Result<(), LoadError> {
        for (shape, token) in self.forged_tokens()? {
            let got = self.gate.desk(self.hub, &token).call("GET", "/api/projects", &Value::Null).await?;
            self.tried(shape, "HTTP", got.is_some_and(|got| got.status == 401));
        }
        let edit = overwrite(&self.shared, &self.block, "forged");
        let way = Way::to(self.gate.rig.hubs[self.hub].address());
        let mut http = Http::connect_by(&way, &self.attackers).await?;
        let header = format!("X-BlockHub-User: {}\r\n", self.victim);
        let path = format!("/api/projects/{}/edits", self.shared);
        let body = self.claimed(edit.clone()).to_string();
        let status = http.call("POST", &path, &header, body.as_bytes()).await?.status;
        let author = self.author(&edit).await?;
        self.tried("another's name in a header and an edit", "HTTP", status == 200 && author == *self.attacker);
        let mut desk = self.gate.desk(self.hub, &self.attackers);
        for (shape, method, path, body, status) in self.calls() {
            let got = desk.call(method, &path, &body).await?;
            self.tried(shape, "HTTP", got.is_some_and(|got| got.status == status));
        }
        let path = format!("/api/sessions/{}", self.session);
        let session = self.desk.call("GET", &path, &Value::Null).await?;
        let is_whole = session.is_some_and(|got| got.status == 200 && got.body["metadata"]["kept"] == "safe");
        self.tried("all of that, on another's session", "HTTP", is_whole);
        Ok(())
    }

    /// Calls that are refused, each with the status that says so.
    fn calls(&self) -> Vec<(&'static str, &'static str, String, Value, u16)> {
        let Self { shared, private, session, victim, .. } = self;
        let (edit, id) = (&self.edit, &self.edit["editId"]);
        let stolen = self.claimed(json!({"metadata": {"kept": "stolen"}}));
        let forged = self.claimed(overwrite(private, &self.block, "forged"));
        let sessions = format!("/api/sessions/{session}");
        vec![
            ("another's edit id in an edit", "POST", format!("/api/projects/{shared}/edits"), edit.clone(), 403),
            (
                "another's edit id in an undo",
                "POST",
                format!("/api/projects/{shared}/undo"),
                json!({"target": id, "editId": id}),
                403,
            ),
            ("an edit of another's project", "POST", format!("/api/projects/{private}/edits"), forged, 404),
            ("a read of another's project", "GET", format!("/api/projects/{private}/blocks"), Value::Null, 404),
            (
                "another's role",
                "PUT",
                format!("/api/projects/{shared}/members/{victim}"),
                json!({"role": "viewer"}),
                403,
            ),
            ("a read of another's session", "GET", sessions.clone(), Value::Null, 404),
            ("a change of another's session", "PATCH", sessions.clone(), stolen, 404),
            ("an end of another's session", "DELETE", sessions, Value::Null, 404),
        ]
    }
}
