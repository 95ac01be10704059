//! The description of the API, made from the same types that the operations work with.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::operation::{Method, Operation};
use super::operations::operations;
use super::shape::{Field, Shape};

/// The OpenAPI 3.1 document of all operations. The same at every call.
pub fn openapi() -> Value {
    let mut schemas = BTreeMap::from([("Error".to_owned(), error_schema())]);
    let mut paths = Map::new();
    for operation in operations() {
        let (response, inner) = (operation.response_schema)();
        schemas.extend(inner);
        schemas.insert(part_of(operation, "Answer"), with_ok(&response));
        if operation.methods.iter().any(|method| takes_a_body(*method)) {
            schemas.insert(part_of(operation, "Request"), operation.request_schema.clone());
        }
        let methods = operation.methods.iter();
        let described = methods.map(|method| (method.name().to_lowercase(), describe(operation, *method)));
        paths.insert(format!("/{}", operation.name), Value::Object(described.collect()));
    }
    paths.insert("/backup".to_owned(), json!({"post": backup()}));
    paths.insert("/events/stream".to_owned(), json!({"get": event_stream()}));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Keyway",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A door lock hub's operations. The same names, bodies and answers serve over MQTT.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": REFUSALS.iter().map(|refusal| (refusal.name.to_owned(), refusal.describe())).collect::<Map<_, _>>(),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer",
                "description": "An API key: keyway keys create"}},
        },
    })
}

/// What else than 200 may be answered.
struct Refusal {
    status: &'static str,
    /// In the description.
    name: &'static str,
    why: &'static str,
    /// What is refused before it is read as a request has none.
    has_body: bool,
}

const fn refusal(status: &'static str, name: &'static str, why: &'static str) -> Refusal {
    Refusal { status, name, why, has_body: true }
}

const REFUSALS: &[Refusal] = &[
    refusal("400", "Refused", "A parameter is wrong, or what is asked for can't be done: the message says why."),
    refusal("401", "Unauthorized", "The key is missing or not known."),
    refusal("403", "Forbidden", "The key's role does not allow this."),
    refusal("404", "NotFound", "There is no such resource."),
    refusal("408", "TooSlow", "The request did not come in whole in time."),
    refusal("409", "Conflict", "It can't be done while something else is, or is not, under way."),
    refusal("413", "TooLarge", "The body is larger than a request may be."),
    Refusal {
        has_body: false,
        ..refusal("431", "TooLong", "The query and the headers are longer than a request may be. There is no body.")
    },
    refusal("500", "Failed", "The hub failed: its log says why."),
];

impl Refusal {
    fn describe(&self) -> Value {
        let mut described = json!({"description": self.why});
        if self.has_body {
            described["content"] = json_of("Error");
        }
        described
    }
}

fn describe(operation: &Operation, method: Method) -> Value {
    let (resource, _) = operation.name.split_once('/').unwrap_or((operation.name, ""));
    let answer = json!({"description": "Carried out.", "content": json_of(&part_of(operation, "Answer"))});
    let mut described = json!({
        "operationId": format!("{}_{}", operation.name.replace('/', "_"), method.name().to_lowercase()),
        "summary": operation.summary,
        "tags": [resource],
        "responses": responses(answer),
    });
    if takes_a_body(method) {
        let required = operation.fields().iter().any(|field| field.required);
        let content = json_of(&part_of(operation, "Request"));
        described["requestBody"] = json!({"required": required, "content": content});
    } else {
        described["parameters"] = operation.fields().iter().map(query_parameter).collect();
    }
    described
}

/// Of this door only: the answer is a file.
fn backup() -> Value {
    let passphrase = json!({"type": "string", "minLength": 8, "description": "What the file is encrypted under."});
    let request = json!({"type": "object", "properties": {"passphrase": passphrase}, "required": ["passphrase"],
        "additionalProperties": false});
    let file = json!({"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}});
    let answer = json!({"description": "The file. It is whole only if the answer ends as it should; backup.made tells so.",
        "content": file});
    json!({
        "operationId": "backup_post",
        "summary": "Makes a backup of all that the hub has, in one encrypted file: database, keys, and the memory of each stick. \
                    Admins only.",
        "tags": ["backup"],
        "requestBody": {"required": true, "content": {"application/json": {"schema": request}}},
        "responses": responses(answer),
    })
}

/// Of this door only: the answer has no end.
fn event_stream() -> Value {
    let since = json!({"name": "since", "in": "query", "required": false, "schema": {"type": "string", "format": "date-time"},
        "description": "From when on; without it, from now on."});
    let last = json!({"name": "Last-Event-ID", "in": "header", "required": false,
        "schema": {"type": "string", "format": "uuid"},
        "description": "The last event that was received: the stream goes on behind it, and since is passed over."});
    let answer = json!({
        "description": "Server-sent events without an end: the data of each is an event as events/get tells it, its id the \
                        event's.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    });
    let full = json!({"description": "As many streams are open as may be.", "content": json_of("Error")});
    let mut described = responses(answer);
    described.insert("429".to_owned(), full);
    json!({
        "operationId": "events_stream_get",
        "summary": "Tells the events of the hub as they happen.",
        "tags": ["events"],
        "parameters": [since, last],
        "responses": described,
    })
}

/// What may be answered: this, or a refusal.
fn responses(carried_out: Value) -> Map<String, Value> {
    let refusals = REFUSALS.iter().map(|refusal| {
        (refusal.status.to_owned(), json!({"$ref": format!("#/components/responses/{}", refusal.name)}))
    });
    refusals.chain([("200".to_owned(), carried_out)]).collect()
}

fn takes_a_body(method: Method) -> bool {
    match method {
        Method::Get | Method::Delete => false,
        Method::Post | Method::Put | Method::Patch => true,
    }
}

/// The name of an operation's request or answer: `AccessGrantsCreateRequest`.
fn part_of(operation: &Operation, part: &str) -> String {
    let capital = |word: &str| {
        let (first, rest) = (word.chars().take(1), word.chars().skip(1));
        first.flat_map(char::to_uppercase).chain(rest).collect::<String>()
    };
    operation.name.split(['/', '_']).map(capital).chain([part.to_owned()]).collect()
}

fn json_of(schema: &str) -> Value {
    json!({"application/json": {"schema": {"$ref": format!("#/components/schemas/{schema}")}}})
}

fn query_parameter(field: &Field) -> Value {
    let mut described = json!({
        "name": field.name,
        "in": "query",
        "required": field.required,
        "description": field.doc,
        "schema": in_a_query(field),
    });
    match field.shape {
        Shape::List(_) => {
            described["style"] = json!("form");
            described["explode"] = json!(true);
        }
        Shape::Object(_) | Shape::Map => described["style"] = json!("deepObject"),
        Shape::Text | Shape::Number | Shape::Boolean => {}
    }
    described
}

/// A query string has no null but the empty text: a parameter that may be left out may also be given as `name=`.
fn in_a_query(field: &Field) -> Value {
    let mut schema = field.schema().clone();
    if let Some(kinds) = schema.get("type").and_then(Value::as_array) {
        schema["type"] = kinds.first().cloned().unwrap_or_default();
        if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
            words.retain(|word| !word.is_null());
        }
    }
    let plain = matches!(field.shape, Shape::Text | Shape::Number | Shape::Boolean);
    if field.required || !plain { schema } else { json!({"anyOf": [schema, {"type": "string", "maxLength": 0}]}) }
}

fn with_ok(response: &Value) -> Value {
    let ok = json!({"type": "object", "properties": {"ok": {"type": "boolean", "enum": [true]}}, "required": ["ok"]});
    json!({"allOf": [response, ok]})
}

fn error_schema() -> Value {
    json!({
        "type": "object",
        "required": ["ok", "error"],
        "properties": {
            "ok": {"type": "boolean", "enum": [false]},
            "error": {
                "type": "object",
                "required": ["type", "message"],
                "properties": {
                    "type": {"type": "string", "description": "For programs: invalid_input, device_not_found, …"},
                    "message": {"type": "string", "description": "For people: what is wrong and what to do."},
                    "validation_errors": {"type": "object", "description": "By parameter, what is wrong with it.",
                        "properties": {"_errors": {"type": "array", "items": {"type": "string"}}},
                        "additionalProperties": {}},
                    "data": {"type": "object"},
                },
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_in_the_description_leads_somewhere() {
        let document = openapi();
        let text = document.to_string();
        for kind in ["schemas", "responses"] {
            let mark = format!("\"#/components/{kind}/");
            for name in text.split(&mark).skip(1).filter_map(|rest| rest.split('"').next()) {
                assert!(document["components"][kind].get(name).is_some(), "{name}");
            }
        }
        // And the two that only HTTP has.
        assert_eq!(document["paths"].as_object().unwrap().len(), operations().len() + 2);
    }
}
