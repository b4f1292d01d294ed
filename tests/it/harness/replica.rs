//! A client's own copy of a project: a snapshot, and the events since. It shares no code with the hub.
//!
//! Promises: an event out of its place, or one that does not fit the copy, fails the test here ([JN5]).
//! Must never: know more than what a client is told.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// The blocks of a project after an event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replica {
    /// The last event that is in it.
    pub seq: u64,
    /// By id, as they stand in a snapshot.
    pub blocks: BTreeMap<String, Value>,
}

impl Replica {
    /// What `joined`, `reset`, or a snapshot over HTTP says.
    pub fn of(snapshot: &Value) -> Self {
        let blocks = snapshot["blocks"].as_array().unwrap();
        let blocks: BTreeMap<_, _> = blocks.iter().map(|block| (text(&block["id"]), block.clone())).collect();
        Self { seq: snapshot["seq"].as_u64().unwrap(), blocks }
    }

    /// Takes in the next event.
    pub fn apply(&mut self, event: &Value) {
        assert_eq!(event["seq"], self.seq + 1, "an event out of its place: {event}");
        self.seq += 1;
        for op in event["ops"].as_array().unwrap() {
            self.apply_op(op);
        }
    }

    /// The ids of the blocks under a parent, in order.
    pub fn under(&self, parent: &Value) -> Vec<&str> {
        let mut blocks: Vec<_> = self.blocks.values().filter(|block| block["parent"] == *parent).collect();
        blocks.sort_by_key(|block| block["position"].as_str().unwrap());
        blocks.into_iter().map(|block| block["id"].as_str().unwrap()).collect()
    }

    /// The blocks without their versions.
    pub fn shape(&self) -> BTreeMap<String, Value> {
        let mut blocks = self.blocks.clone();
        blocks.values_mut().for_each(|block| block["version"] = Value::Null);
        blocks
    }

    fn apply_op(&mut self, op: &Value) {
        match op["op"].as_str().unwrap() {
            "insert" => self.insert(&op["block"]),
            "delete" => op["blocks"].as_array().unwrap().iter().for_each(|id| self.remove(id)),
            "update" => {
                let block = self.touch(op);
                merge_patch(&mut block["content"], &op["patch"]);
            }
            "text" => {
                let string = self.touch(op)["content"].pointer_mut(op["path"].as_str().unwrap()).unwrap();
                *string = json!(spliced(string.as_str().unwrap(), &op["changes"]));
            }
            "move" => {
                let block = self.touch(op);
                block["parent"] = op["parent"].clone();
                block["position"] = op["position"].clone();
            }
            _ => panic!("no op of the contract: {op}"),
        }
    }

    fn insert(&mut self, block: &Value) {
        let parent = block["parent"].as_str();
        assert!(parent.is_none_or(|parent| self.blocks.contains_key(parent)), "inserted under nothing: {block}");
        let before = self.blocks.insert(text(&block["id"]), block.clone());
        assert_eq!(before, None, "inserted twice: {block}");
    }

    fn remove(&mut self, id: &Value) {
        assert!(self.blocks.remove(id.as_str().unwrap()).is_some(), "deleted what is not there: {id}");
    }

    /// The block of an op, with its version one up, unless an op of the same event did that before ([ED3]).
    fn touch(&mut self, op: &Value) -> &mut Value {
        let block = self.blocks.get_mut(op["block"].as_str().unwrap()).unwrap_or_else(|| panic!("no block for {op}"));
        let [had, has] = [&block["version"], &op["version"]].map(|version| version.as_u64().unwrap());
        assert!(has == had || has == had + 1, "a version left out: {op} on {block}");
        block["version"] = json!(has);
        block
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// RFC 7396.
fn merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else { return *target = patch.clone() };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let target = target.as_object_mut().unwrap();
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            merge_patch(target.entry(key).or_insert(Value::Null), value);
        }
    }
}

fn spliced(text: &str, changes: &Value) -> String {
    let mut units: Vec<u16> = text.encode_utf16().collect();
    for change in changes.as_array().unwrap().iter().rev() {
        let [at, delete] = ["at", "delete"].map(|key| usize::try_from(change[key].as_u64().unwrap()).unwrap());
        units.splice(at..at + delete, change["insert"].as_str().unwrap().encode_utf16());
    }
    String::from_utf16(&units).unwrap()
}
