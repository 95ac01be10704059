//! `keyway call`: any operation of the API, with its own fields.

use clap::builder::{PossibleValue, PossibleValuesParser};
use serde_json::{Map, Value, json};

use crate::hub::{Field, Operation, Shape, operations};

use super::{Session, Task, Trouble};

#[derive(clap::Args)]
#[command(after_help = "keyway call devices/get \"name=Front door\"\n\
                  keyway call access_grants/list limit=10\n\
                  keyway call user_identities/create full_name=\"Jane Doe\" phone_number=\n\
                  keyway call devices/list custom_metadata_has.floor=2 device_ids=… device_ids=…\n\
                  keyway call access_grants/create --json - < grant.json")]
pub(in crate::cli) struct Arguments {
    /// Which operation.
    #[arg(value_name = "OPERATION", value_parser = names())]
    operation: String,
    /// A field of the request. One that takes several is repeated, a member of an object is written object.member=value,
    /// nothing behind the sign is null, and field:=JSON gives any value.
    #[arg(value_name = "FIELD=VALUE", conflicts_with = "json")]
    fields: Vec<String>,
    /// The whole request in JSON; `-`: from stdin.
    #[arg(long, value_name = "JSON")]
    json: Option<String>,
}

fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(operations().iter().map(|known| PossibleValue::new(known.name).help(known.summary)))
}

impl Task for Arguments {
    fn run(self: Box<Self>, session: &mut Session) -> Result<(), Trouble> {
        let known = operations().iter().find(|known| known.name == self.operation);
        let body = match self.json {
            Some(json) => whole(session, &json)?,
            None => Value::Object(request(known.map_or(&[], Operation::fields), &self.fields)?),
        };
        let reply = session.call(&self.operation, &body)?;
        session.console.json(&reply.json)
    }
}

fn whole(session: &mut Session, json: &str) -> Result<Value, Trouble> {
    let wrong = |error| Trouble::usage("--json", format!("not JSON: {error}"));
    if json == "-" {
        return serde_json::from_str(&session.console.read_all()?).map_err(wrong);
    }
    serde_json::from_str(json).map_err(wrong)
}

/// The request that these arguments mean.
fn request(known: &[Field], arguments: &[String]) -> Result<Map<String, Value>, Trouble> {
    let mut body = Map::new();
    for argument in arguments {
        let (name, text) = argument
            .split_once('=')
            .ok_or_else(|| Trouble::Usage(format!("\"{argument}\" is no field and value: write field=value")))?;
        let outcome = match name.strip_suffix(':') {
            Some(name) => match serde_json::from_str(text) {
                Ok(value) => put(&mut body, known, name, Given::Json(value)),
                Err(error) => Err(format!("not JSON: {error}")),
            },
            None => put(&mut body, known, name, Given::Text(text)),
        };
        outcome.map_err(|wrong| Trouble::usage(name, wrong))?;
    }
    Ok(body)
}

/// What stands behind the sign.
enum Given<'a> {
    Text(&'a str),
    Json(Value),
}

/// Puts a value where it belongs. What the table does not know is sent as it is: the hub says what is wrong with it.
fn put(body: &mut Map<String, Value>, known: &[Field], name: &str, given: Given<'_>) -> Result<(), String> {
    let field = |name: &str| known.iter().find(|field| field.name == name).map(|field| &field.shape);
    if let Some((object, member)) = name.split_once('.') {
        let inside = body.entry(object).or_insert_with(|| json!({}));
        let inside = inside.as_object_mut().ok_or_else(|| format!("{object} is given as a whole as well"))?;
        return match field(object) {
            Some(Shape::Object(known)) => put(inside, known, member, given),
            // The names in a map are the host's own, with whatever dots.
            _ => put_value(inside, None, member, given),
        };
    }
    put_value(body, field(name), name, given)
}

fn put_value(body: &mut Map<String, Value>, shape: Option<&Shape>, name: &str, given: Given<'_>) -> Result<(), String> {
    match (shape, given) {
        (Some(Shape::List(_)), Given::Text("")) => {
            body.insert(name.to_owned(), json!([]));
        }
        (Some(Shape::List(item)), Given::Text(text)) => {
            let value = value(Some(item), text)?;
            let list = body.entry(name).or_insert_with(|| json!([]));
            list.as_array_mut().ok_or("is given as a whole as well")?.push(value);
        }
        (_, _) if body.contains_key(name) => return Err("is given twice".to_owned()),
        (shape, Given::Text(text)) => {
            body.insert(name.to_owned(), value(shape, text)?);
        }
        (_, Given::Json(value)) => {
            body.insert(name.to_owned(), value);
        }
    }
    Ok(())
}

/// Reads a text as what the field is.
fn value(shape: Option<&Shape>, text: &str) -> Result<Value, String> {
    match shape {
        _ if text.is_empty() => Ok(Value::Null),
        None | Some(Shape::Text) => Ok(json!(text)),
        Some(Shape::Boolean) => text.parse().map(Value::Bool).map_err(|_| "should be true or false".to_owned()),
        Some(Shape::Number) => text.parse().map(Value::Number).map_err(|_| "should be a number".to_owned()),
        Some(Shape::Object(_) | Shape::Map | Shape::List(_)) => serde_json::from_str(text)
            .map_err(|_| "should be JSON, or given member by member: object.member=value".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(operation: &str, arguments: &[&str]) -> Result<Value, String> {
        let operation = operations().iter().find(|known| known.name == operation).unwrap();
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        request(operation.fields(), &arguments).map(Value::Object).map_err(|error| error.to_string())
    }

    #[test]
    fn a_field_is_read_as_what_the_table_says_it_is() {
        let arguments = ["device_ids=a", "search=12", "limit=3"];
        assert_eq!(of("devices/list", &arguments).unwrap(), json!({"device_ids": ["a"], "search": "12", "limit": 3}));
        let arguments = [
            "user_identity.full_name=0815",
            "device_ids=a",
            "device_ids=b",
            "ends_at=",
            "requested_access_methods={\"mode\":\"code\"}",
        ];
        let body = json!({
            "user_identity": {"full_name": "0815"},
            "device_ids": ["a", "b"],
            "ends_at": null,
            "requested_access_methods": [{"mode": "code"}],
        });
        assert_eq!(of("access_grants/create", &arguments).unwrap(), body);
    }

    #[test]
    fn any_value_can_be_given_as_json_and_what_is_not_known_is_left_to_the_hub() {
        let arguments = ["device_ids:=[\"a\"]", "surprise=1"];
        assert_eq!(of("devices/list", &arguments).unwrap(), json!({"device_ids": ["a"], "surprise": "1"}));
    }

    #[test]
    fn what_can_not_be_meant_is_refused_by_name() {
        for (argument, wrong) in [
            (["limit=many", "search=x"], "limit: should be a number"),
            (["search=x", "search=y"], "search: is given twice"),
            (["search", "limit=1"], "\"search\" is no field and value"),
            (["device_ids:=[", "limit=1"], "not JSON"),
        ] {
            let error = of("devices/list", &argument).unwrap_err();
            assert!(error.contains(wrong), "{error}");
        }
    }
}
