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
        let methods = operation.methods.iter();
        let described = methods.map(|method| (method.name().to_lowercase(), describe(operation, *method, &response)));
        paths.insert(format!("/{}", operation.name), Value::Object(described.collect()));
    }
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
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer",
                "description": "An API key: keyway keys create"}},
        },
    })
}

fn describe(operation: &Operation, method: Method, response: &Value) -> Value {
    let (resource, _) = operation.name.split_once('/').unwrap_or((operation.name, ""));
    let mut described = json!({
        "operationId": format!("{}_{}", operation.name.replace('/', "_"), method.name().to_lowercase()),
        "summary": operation.summary,
        "tags": [resource],
        "responses": {
            "200": {"description": "Carried out.", "content": {"application/json": {"schema": with_ok(response)}}},
            "400": error("A parameter is wrong, or what is asked for can't be done: the message says why."),
            "401": error("The key is missing or not known."),
            "403": error("The key's role does not allow this."),
            "404": error("There is no such resource."),
            "408": error("The request did not come in whole in time."),
            "409": error("It can't be done while something else is, or is not, under way."),
            "413": error("The body is larger than a request may be."),
            "431": {"description": "The query and the headers are longer than a request may be. There is no body."},
            "500": error("The hub failed: its log says why."),
        },
    });
    match method {
        Method::Get | Method::Delete => {
            described["parameters"] = operation.fields().iter().map(query_parameter).collect();
        }
        Method::Post | Method::Put | Method::Patch => {
            let required = operation.fields().iter().any(|field| field.required);
            described["requestBody"] =
                json!({"required": required, "content": {"application/json": {"schema": operation.request_schema}}});
        }
    }
    described
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

fn error(description: &str) -> Value {
    let schema = json!({"$ref": "#/components/schemas/Error"});
    json!({"description": description, "content": {"application/json": {"schema": schema}}})
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
        let names = text.split("\"#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next());
        for name in names {
            assert!(document["components"]["schemas"].get(name).is_some(), "{name}");
        }
        assert_eq!(document["paths"].as_object().unwrap().len(), operations().len());
    }
}
