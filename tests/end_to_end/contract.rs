//! One contract by every door: whatever is asked, over MQTT and by each HTTP method, the answer is the same JSON, the same
//! errors; and the answers are those that are frozen in `tests/golden`.

mod script;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use keyway::hub::{Method, Shape, operations};
use keyway_test_support::{Http, World, assert_golden};
use serde_json::{Map, Value, json};

use crate::{FRONT_DOOR, GARDEN_GATE, KEYWAY};
use script::{Names, steps};

/// An id that nothing has.
const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

#[test]
fn what_is_wrong_is_told_in_the_same_words_by_every_door() {
    let world = World::new(KEYWAY);
    let http = world.hub.http();
    for operation in operations() {
        let fields = operation.fields();
        let any = |shape: &Shape| match shape {
            Shape::Text => json!(NOBODY),
            Shape::Number => json!(1),
            Shape::Boolean => json!(true),
            Shape::List(_) => json!([NOBODY]),
            Shape::Object(_) | Shape::Map => json!({}),
        };
        let mistyped = |shape: &Shape| if matches!(shape, Shape::Text) { json!(4711) } else { json!("nonsense") };
        let object = |members: Vec<(&str, Value)>| {
            Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
        };
        let required = || fields.iter().filter(|field| field.required);
        let unknown = object(required().map(|field| (field.name, any(&field.shape))).collect());
        let mut surprised = unknown.clone();
        surprised["surprise"] = json!("what is this?");
        let wrong = object(fields.iter().map(|field| (field.name, mistyped(&field.shape))).collect());
        let null = object(fields.iter().map(|field| (field.name, Value::Null)).collect());
        let cases = [("an unknown field", surprised), ("every field mistyped", wrong)];
        // Where nothing must be given, these are no mistakes, and would be carried out.
        let needs_something = required().next().is_some();
        let missing = needs_something.then(|| ("nothing", json!({})));
        let ids = needs_something.then_some(("ids of nothing", unknown));
        let null = (needs_something || !operation.changes_something()).then_some(("every field null", null));
        for (what, body) in cases.into_iter().chain(missing).chain(ids).chain(null) {
            if body == json!({}) && what != "nothing" {
                continue;
            }
            let over_mqtt = world.client.request(operation.name, body.clone());
            if over_mqtt["ok"] == true {
                let may_be_right = ["every field null", "ids of nothing"].contains(&what);
                assert!(may_be_right, "{}, {what}: {over_mqtt}", operation.name);
                // It was carried out, and would be again.
                if operation.changes_something() {
                    continue;
                }
            }
            for method in operation.methods {
                let in_query = matches!(method, Method::Get | Method::Delete);
                // A query has only text: a mistyped number in it is another mistake, and null is the empty text.
                if in_query && what.starts_with("every") {
                    continue;
                }
                let (status, over_http) = ask(&http, *method, operation.name, &body);
                assert_eq!(over_http, over_mqtt, "{} {}, {what}", method.name(), operation.name);
                assert_eq!(status == 200, over_mqtt["ok"] == true, "{} {}: {status}", method.name(), operation.name);
            }
        }
    }
}

#[test]
fn what_is_right_is_answered_with_the_same_json_by_both_doors_and_as_it_is_frozen() {
    let covered: BTreeSet<&str> = steps().iter().map(|step| step.operation).collect();
    let all: BTreeSet<&str> = operations().iter().map(|operation| operation.name).collect();
    let missing: Vec<_> = all.difference(&covered).collect();
    assert!(missing.is_empty(), "operations without a step in contract/script.rs: {missing:?}");

    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let over_mqtt = play(|world, operation, body| (0, world.client.request(operation, body.clone())));
    let over_http = play(|world, operation, body| ask(&world.hub.http(), usual(operation), operation, body));
    for ((operation, mqtt), (_, http)) in over_mqtt.iter().zip(&over_http) {
        let answers = |exchanges: &[Exchange]| exchanges.iter().map(|each| each.answer.clone()).collect::<Vec<_>>();
        assert_eq!(answers(mqtt), answers(http), "{operation}");
        let name = operation.replace('/', ".");
        let frozen = |exchange: &Exchange| json!({"request": exchange.request, "answer": exchange.answer});
        assert_golden(&golden.join(format!("mqtt/{name}.json")), &mqtt.iter().map(frozen).collect());
        let method = usual(operation);
        let frozen = |exchange: &Exchange| {
            let (target, body) = target(method, operation, &exchange.request);
            let request = json!({"method": method.name(), "target": target, "body": body});
            json!({"request": request, "status": exchange.status, "answer": exchange.answer})
        };
        assert_golden(&golden.join(format!("http/{name}.json")), &http.iter().map(frozen).collect());
    }
}

/// A request and its answer, ids and times replaced by names.
struct Exchange {
    request: Value,
    status: u16,
    answer: Value,
}

/// Plays all steps in a world of their own; the exchanges by operation.
fn play(ask: impl Fn(&World, &str, &Value) -> (u16, Value)) -> BTreeMap<&'static str, Vec<Exchange>> {
    let world = World::new(KEYWAY);
    // Until all is known that the locks have to tell.
    for node in [FRONT_DOOR, GARDEN_GATE] {
        world.stick.wait_until_quiet(node);
    }
    // The list of keys tells that this one was used, by whichever door it is read.
    world.hub.http().ask("workspaces/get", json!({}));
    let mut names = Names::default();
    names.know("front", &world.devices[0]);
    names.know("gate", &world.devices[1]);
    let mut exchanges = BTreeMap::<_, Vec<_>>::new();
    for step in steps() {
        let body = names.fill_in(&step.body);
        let (status, answer) = step.until(|| ask(&world, step.operation, &body));
        if let Some((name, place)) = step.keeps {
            let id = answer.pointer(place).and_then(Value::as_str).unwrap_or_else(|| panic!("{place} in {answer}"));
            names.know(name, id);
        }
        let exchange = Exchange { request: step.body, status, answer: names.replace(answer) };
        exchanges.entry(step.operation).or_default().push(exchange);
    }
    exchanges
}

/// The method by which today's clients ask for it; POST for what the hub does not have.
fn usual(operation: &str) -> Method {
    operations().iter().find(|known| known.name == operation).map_or(Method::Post, |known| known.methods[0])
}

fn ask(http: &Http, method: Method, operation: &str, body: &Value) -> (u16, Value) {
    let (target, body) = target(method, operation, body);
    http.send(method.name(), &target, &body)
}

/// The parameters in the query where the method wants them there, else in the body.
fn target(method: Method, operation: &str, body: &Value) -> (String, Value) {
    let empty = Map::new();
    let parameters = body.as_object().unwrap_or(&empty);
    if parameters.is_empty() || !matches!(method, Method::Get | Method::Delete) {
        return (format!("/{operation}"), if parameters.is_empty() { Value::Null } else { body.clone() });
    }
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (name, value) in parameters {
        match value {
            Value::Array(items) if items.is_empty() => pairs.push((name.clone(), String::new())),
            Value::Array(items) => pairs.extend(items.iter().map(|item| (name.clone(), text(item)))),
            Value::Object(members) => {
                pairs.extend(members.iter().map(|(key, value)| (format!("{name}.{key}"), text(value))));
            }
            plain => pairs.push((name.clone(), text(plain))),
        }
    }
    pairs.push(("_strict".to_owned(), "true".to_owned()));
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    (format!("/{operation}?{query}"), Value::Null)
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, str::to_owned)
}
