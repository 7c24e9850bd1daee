//! What is said over a connection: one JSON message a frame.

use serde::Deserialize;
use serde_json::Value;

use crate::clock::Timestamp;
use crate::model::{Change, Scope};
use crate::output::json::ChangeRecord;

/// The largest message either side may send, in bytes.
pub const MAX_MESSAGE: usize = 64 * 1024;

/// The channel of every change in scope.
pub const STORE_EVENTS: &str = "store-events";

/// The channel of the figures that the page shows.
pub const STORE_STATS: &str = "store-stats";

/// What the channel of one group begins with.
const GROUP_PREFIX: &str = "group.";

/// The longest name of a channel.
const MAX_CHANNEL: usize = 256;

/// What a client asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    /// Send the changes of this channel from now on.
    Subscribe(String),
    /// Stop sending them.
    Unsubscribe(String),
    /// Send figures of the whole scope from now on, or stop.
    Figures(bool),
    /// Answer.
    Ping,
}

#[derive(Deserialize)]
struct Incoming {
    r#type: String,
    #[serde(default)]
    channel: Value,
    #[serde(default)]
    data: Value,
}

impl Request {
    /// Reads a message; the error is sent to the client.
    pub fn parse(text: &str) -> Result<Self, String> {
        let message: Incoming = serde_json::from_str(text)
            .map_err(|_| "a message must be a JSON object with a \"type\"".to_owned())?;
        match message.r#type.as_str() {
            "ping" => Ok(Self::Ping),
            "subscribe" | "unsubscribe" => {
                let wanted = message.r#type == "subscribe";
                message.channel().map(|channel| match (channel.as_str(), wanted) {
                    (STORE_STATS, _) => Self::Figures(wanted),
                    (_, true) => Self::Subscribe(channel),
                    (_, false) => Self::Unsubscribe(channel),
                })
            }
            _ => Err("the type of a message must be subscribe, unsubscribe or ping".to_owned()),
        }
    }
}

impl Incoming {
    fn channel(self) -> Result<String, String> {
        let name = match (self.channel, self.data) {
            (Value::String(name), _) | (_, Value::String(name)) => name,
            (_, Value::Object(mut data)) if data.get("channel").is_some_and(Value::is_string) => {
                data.remove("channel").and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
            }
            _ => return Err("no channel: name it in \"channel\"".to_owned()),
        };
        if !is_legal(&name) {
            return Err("a channel's name must be 1 to 256 of A-Z a-z 0-9 _ . : -".to_owned());
        }
        if ![STORE_EVENTS, STORE_STATS].contains(&name.as_str()) && !name.starts_with(GROUP_PREFIX) {
            return Err(format!("no such channel: {name}; there are {STORE_EVENTS} and {GROUP_PREFIX}GROUP"));
        }
        Ok(name)
    }
}

fn is_legal(channel: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':' | b'-');
    (1..=MAX_CHANNEL).contains(&channel.len()) && channel.bytes().all(legal)
}

/// A change, ready to be sent on its channels.
#[derive(Debug)]
pub struct Event {
    /// Its position in the log.
    pub seq: i64,
    /// The channel of its group, if the group's name makes a legal one.
    pub group_channel: Option<String>,
    data: String,
    timestamp: String,
}

impl Event {
    /// Renders `change`, announced at `now`. What does not fit into a message
    /// is left out: the value, and names only if they alone are too large.
    #[must_use]
    pub fn new(change: &Change, scope: &Scope, now: Timestamp) -> Self {
        let group = scope.name_of(&change.group);
        // A name that is no text makes no channel: its changes are in store-events.
        let channel = group.as_str().map(|group| format!("{GROUP_PREFIX}{group}"));
        let mut event = Self {
            seq: change.seq,
            group_channel: channel.filter(|channel| is_legal(channel)),
            data: String::new(),
            timestamp: now.to_string(),
        };
        let longest = event.group_channel.as_deref().unwrap_or_default();
        let longest = if longest.len() > STORE_EVENTS.len() { longest } else { STORE_EVENTS };
        let room = MAX_MESSAGE - event.message(longest).len();
        event.data = render(change, scope, room);
        event
    }

    /// The message for one of its channels.
    #[must_use]
    pub fn message(&self, channel: &str) -> String {
        // A channel's name needs no escaping: see `is_legal`.
        format!(
            r#"{{"type":"event","channel":"{channel}","data":{},"timestamp":"{}"}}"#,
            self.data, self.timestamp
        )
    }

    /// Bytes it takes in memory, near enough for a bound.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.data.len() + 256
    }
}

fn render(change: &Change, scope: &Scope, room: usize) -> String {
    let whole = change.value.as_ref().is_none_or(|value| value.len() <= room);
    if whole
        && let Ok(text) = serde_json::to_string(&ChangeRecord::new(change.clone(), scope))
        && text.len() <= room
    {
        return text;
    }
    let mut small = change.clone();
    small.value = None;
    let mut record = serde_json::to_value(ChangeRecord::new(small, scope)).unwrap_or_default();
    if change.value.is_some() {
        record["value_omitted"] = true.into();
        record["bytes"] = change.bytes.into();
    }
    for name in ["key", "group"] {
        if record.to_string().len() > room
            && let Some(record) = record.as_object_mut()
        {
            record.remove(name);
            record.remove(&format!("{name}_b64"));
            record.insert(format!("{name}_omitted"), true.into());
        }
    }
    record.to_string()
}

/// The answer to a ping. Everything up to position `seq` has been sent by now
/// on the channels the client had subscribed to.
#[must_use]
pub fn pong(seq: i64, now: Timestamp) -> String {
    format!(r#"{{"type":"pong","timestamp":"{now}","seq":{seq}}}"#)
}

/// Something the client should know.
#[must_use]
pub fn error(text: &str) -> String {
    format!(r#"{{"type":"error","data":{}}}"#, Value::from(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{ChangeKind, Namespace};

    fn change(group: &str, key: &str, value: Option<Vec<u8>>) -> Change {
        let bytes = i64::try_from(key.len() + value.as_ref().map_or(0, Vec::len)).unwrap();
        Change {
            seq: 7,
            at: Timestamp(0),
            kind: ChangeKind::Set,
            group: group.to_owned().into(),
            key: Some(key.to_owned().into()),
            value,
            expires_at: None,
            bytes,
            by: None,
        }
    }

    fn sent(change: &Change, channel: &str) -> Value {
        let text = Event::new(change, &Scope(None), Timestamp(0)).message(channel);
        assert!(text.len() <= MAX_MESSAGE, "{} bytes", text.len());
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn requests() {
        let parse = Request::parse;
        let group = || "group.a:b_c.d-E9".to_owned();
        assert_eq!(
            parse(r#"{"type":"subscribe","channel":"store-events"}"#),
            Ok(Request::Subscribe(STORE_EVENTS.into()))
        );
        assert_eq!(
            parse(r#"{"type":"subscribe","data":"group.a:b_c.d-E9","more":[]}"#),
            Ok(Request::Subscribe(group()))
        );
        assert_eq!(
            parse(r#"{"type":"unsubscribe","data":{"channel":"group.a:b_c.d-E9"}}"#),
            Ok(Request::Unsubscribe(group()))
        );
        assert_eq!(parse(r#"{"type":"ping"}"#), Ok(Request::Ping));
        assert_eq!(parse(r#"{"type":"subscribe","channel":"store-stats"}"#), Ok(Request::Figures(true)));
        assert_eq!(parse(r#"{"type":"unsubscribe","data":"store-stats"}"#), Ok(Request::Figures(false)));
        let long = format!(r#"{{"type":"subscribe","channel":"group.{}"}}"#, "x".repeat(251));
        for bad in [
            "",
            "[]",
            "ping",
            r#"{"channel":"store-events"}"#,
            r#"{"type":"event"}"#,
            r#"{"type":"subscribe"}"#,
            r#"{"type":"subscribe","channel":""}"#,
            r#"{"type":"subscribe","channel":"other"}"#,
            r#"{"type":"subscribe","channel":"group.a b"}"#,
            r#"{"type":"subscribe","channel":7}"#,
            &long,
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_event_is_the_change_on_its_channel() {
        let event = sent(&change("g", "k", Some(b"v\"".to_vec())), STORE_EVENTS);
        assert_eq!(
            event,
            json!({
                "type": "event", "channel": "store-events", "timestamp": "1970-01-01T00:00:00.000Z",
                "data": { "seq": 7, "at": "1970-01-01T00:00:00.000Z", "type": "set", "group": "g", "key": "k", "value": "v\"" }
            })
        );
    }

    #[test]
    fn the_channel_of_a_group_is_named_as_the_scope_names_it() {
        let scope = Scope(Namespace::new("ns"));
        let named = |group: &str, scope: &Scope| {
            Event::new(&change(group, "k", None), scope, Timestamp(0)).group_channel
        };
        assert_eq!(named("ns:g", &scope), Some("group.g".into()));
        assert_eq!(named("ns:g", &Scope(None)), Some("group.ns:g".into()));
        assert_eq!(named("a b", &Scope(None)), None);
        assert_eq!(named(&"g".repeat(250), &Scope(None)).map(|c| c.len()), Some(256));
        assert_eq!(named(&"g".repeat(251), &Scope(None)), None);
    }

    #[test]
    fn what_is_too_large_is_left_out() {
        // Escaping makes six bytes of one.
        for value in [vec![b'x'; MAX_MESSAGE], vec![1; MAX_MESSAGE / 5], vec![0xff; MAX_MESSAGE - 300]] {
            let event = sent(&change("g", "k", Some(value.clone())), STORE_EVENTS);
            let data = &event["data"];
            assert_eq!(data["value_omitted"], true);
            assert_eq!(data["bytes"], value.len() + 1);
            assert!(data.get("value").is_none() && data.get("value_b64").is_none());
            assert_eq!(data["key"], "k");
        }
        let fits = sent(&change("g", "k", Some(vec![b'x'; MAX_MESSAGE - 300])), "group.g");
        assert!(fits["data"].get("value_omitted").is_none());
        let long_key = sent(&change("g", &"k".repeat(MAX_MESSAGE), Some(b"v".to_vec())), STORE_EVENTS);
        assert_eq!(
            (&long_key["data"]["key_omitted"], &long_key["data"]["group"]),
            (&true.into(), &"g".into())
        );
        let long_group = sent(&change(&"g".repeat(MAX_MESSAGE), "k", None), STORE_EVENTS);
        assert_eq!(long_group["data"]["group_omitted"], true);
    }
}
