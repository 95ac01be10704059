//! The log in systemd's journal: one entry an event, with its level, its place, and each of its fields as a field of the
//! entry (`KEYWAY_DEVICE=…`). The message has the fields behind it too, so that `journalctl -u keyway` can be read as it is.

use std::fmt::{Debug, Write};
use std::io;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

/// Where the journal takes entries in its own protocol.
const SOCKET: &str = "/run/systemd/journal/socket";
/// A journal that does not read must not hold up the locks: what it has no room for by then is not told.
const PATIENCE: Duration = Duration::from_millis(100);

/// A way to the journal.
pub(super) struct Journal {
    socket: UnixDatagram,
}

impl Journal {
    /// # Errors
    /// When no journal listens there.
    pub(super) fn open() -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.connect(SOCKET)?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { socket })
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Journal {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(of_span) = span.extensions().get::<Fields>() {
                fields.others.extend(of_span.others.iter().cloned());
            }
        }
        let metadata = event.metadata();
        let mut entry = Entry::default();
        entry.put("PRIORITY", priority(*metadata.level()));
        entry.put("SYSLOG_IDENTIFIER", "keyway");
        entry.put("TARGET", metadata.target());
        if let (Some(file), Some(line)) = (metadata.file(), metadata.line()) {
            entry.put("CODE_FILE", file);
            entry.put("CODE_LINE", &line.to_string());
        }
        for (name, value) in &fields.others {
            entry.put(&format!("KEYWAY_{}", name.to_ascii_uppercase().replace('.', "_")), value);
        }
        entry.put("MESSAGE", &fields.line());
        // There is nobody left to tell.
        let _ = self.socket.send(&entry.0);
    }
}

/// Syslog's numbers.
fn priority(level: Level) -> &'static str {
    match level {
        Level::ERROR => "3",
        Level::WARN => "4",
        Level::INFO => "6",
        Level::DEBUG | Level::TRACE => "7",
    }
}

/// What an event or a span says, as text.
#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, String)>,
}

impl Fields {
    /// As a person reads it.
    fn line(&self) -> String {
        let mut line = self.message.clone();
        for (name, value) in &self.others {
            let plain = !value.is_empty() && !value.contains(|c: char| c.is_whitespace() || c == '"');
            // Writing to a string can't fail.
            let _ = if plain { write!(line, " {name}={value}") } else { write!(line, " {name}={value:?}") };
        }
        line
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.others.push((field.name(), value.to_owned()));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

/// Fields in the journal's own protocol: name, line feed, length of the value in eight bytes, the least first, value, line
/// feed (systemd's "Native Journal Protocol"). So a value may hold anything.
#[derive(Default)]
struct Entry(Vec<u8>);

impl Entry {
    fn put(&mut self, name: &str, value: &str) {
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(b'\n');
        self.0.extend_from_slice(&(value.len() as u64).to_le_bytes());
        self.0.extend_from_slice(value.as_bytes());
        self.0.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::Registry;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[test]
    fn an_entry_has_each_field_by_itself_and_a_message_that_can_be_read() {
        let (ours, journals) = UnixDatagram::pair().unwrap();
        tracing::subscriber::with_default(Registry::default().with(Journal { socket: ours }), || {
            let span = tracing::info_span!("http", id = 7);
            span.in_scope(|| tracing::warn!(device = "Front door", codes.used = 3, reason = "a\nb", "it is full"));
        });
        let mut entry = vec![0; 4096];
        let length = journals.recv(&mut entry).unwrap();
        let text = String::from_utf8_lossy(&entry[..length]).into_owned();
        for field in
            ["PRIORITY\n\u{1}\0\0\0\0\0\0\x004\n", "KEYWAY_DEVICE\n\n\0\0\0\0\0\0\0Front door\n", "KEYWAY_CODES_USED\n"]
        {
            assert!(text.contains(field), "{text:?}");
        }
        assert!(text.contains("it is full device=\"Front door\" codes.used=3 reason=\"a\\nb\" id=7\n"), "{text:?}");
    }
}
