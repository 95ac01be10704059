//! Query strings as Seam's clients write them, and as nobody should.

use form_urlencoded::Serializer;
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn fields() -> Vec<Field> {
    let field = Field::bare;
    let list = |item| Shape::List(Box::new(item));
    vec![
        field("name", Shape::Text),
        field("starts_at", Shape::Text),
        field("limit", Shape::Number),
        field("sync", Shape::Boolean),
        field("access_grant_ids", list(Shape::Text)),
        field("between", list(Shape::Text)),
        field("lengths", list(Shape::Number)),
        field("custom_metadata_has", Shape::Map),
        field("location", Shape::Object(vec![field("name", Shape::Text), field("floors", list(Shape::Number))])),
    ]
}

#[test]
fn what_seams_clients_send_is_read_by_the_shape_of_each_parameter() {
    for (query, expected) in [
        ("", json!({})),
        ("_strict=true", json!({})),
        ("name=a%2Bb%26c&_strict=true", json!({"name": "a+b&c"})),
        ("name=Jan%C3%A9+B", json!({"name": "Jané B"})),
        ("starts_at=2025-01-01T00%3A00%3A00Z", json!({"starts_at": "2025-01-01T00:00:00Z"})),
        ("access_grant_ids=A&access_grant_ids=B", json!({"access_grant_ids": ["A", "B"]})),
        ("access_grant_ids=A", json!({"access_grant_ids": ["A"]})),
        ("access_grant_ids=A%2CB", json!({"access_grant_ids": ["A,B"]})),
        ("access_grant_ids=A,B", json!({"access_grant_ids": ["A,B"]})),
        ("access_grant_ids=", json!({"access_grant_ids": []})),
        ("between=A&between=B", json!({"between": ["A", "B"]})),
        ("lengths=4&lengths=6", json!({"lengths": [4, 6]})),
        ("custom_metadata_has.a=b&custom_metadata_has.c=true", json!({"custom_metadata_has": {"a": "b", "c": "true"}})),
        (
            "custom_metadata_has[a.b]=c&location%5Bname%5D=x",
            json!({"custom_metadata_has": {"a.b": "c"}, "location": {"name": "x"}}),
        ),
        ("custom_metadata_has.a.b=", json!({"custom_metadata_has": {"a.b": ""}})),
        ("location.name=x&location.floors=2", json!({"location": {"name": "x", "floors": [2]}})),
        ("limit=1&sync=true&name=true", json!({"limit": 1, "sync": true, "name": "true"})),
        ("name=1", json!({"name": "1"})),
        ("name=", json!({"name": null})),
        ("name", json!({"name": null})),
        ("custom_metadata_has=", json!({"custom_metadata_has": null})),
        ("location.name=", json!({"location": {"name": null}})),
        ("&&name=x&", json!({"name": "x"})),
    ] {
        assert_eq!(Value::Object(read(Some(query), &fields()).unwrap()), expected, "{query}");
    }
    assert!(read(None, &fields()).unwrap().is_empty());
}

#[test]
fn what_does_not_fit_stays_for_the_operation_to_refuse() {
    for (query, expected) in [
        ("limit=many", json!({"limit": "many"})),
        ("limit=+1", json!({"limit": " 1"})),
        ("limit=01", json!({"limit": "01"})),
        ("limit=1e400", json!({"limit": "1e400"})),
        ("limit=NaN", json!({"limit": "NaN"})),
        ("limit=1.5", json!({"limit": 1.5})),
        ("limit=-1", json!({"limit": -1})),
        ("limit=99999999999999999999", json!({"limit": 99_999_999_999_999_999_999_u128 as f64})),
        ("sync=yes", json!({"sync": "yes"})),
        ("sync=1", json!({"sync": "1"})),
        ("name=a&name=b", json!({"name": ["a", "b"]})),
        ("limit=1&limit=", json!({"limit": [1, ""]})),
        ("lengths=4&lengths=x", json!({"lengths": [4, "x"]})),
        ("access_grant_ids[]=A", json!({"access_grant_ids[]": "A"})),
        ("surprise=", json!({"surprise": ""})),
        ("name.first=a", json!({"name.first": "a"})),
        ("access_grant_ids.0=A", json!({"access_grant_ids.0": "A"})),
        ("custom_metadata_has[a=b", json!({"custom_metadata_has[a": "b"})),
        ("location=x", json!({"location": "x"})),
        ("location=x&location.name=y", json!({"location": ["x", {"name": "y"}]})),
        ("location.what=y", json!({"location": {"what": "y"}})),
        ("=x", json!({"": "x"})),
        (".a=x", json!({".a": "x"})),
    ] {
        assert_eq!(Value::Object(read(Some(query), &fields()).unwrap()), expected, "{query}");
    }
}

#[test]
fn what_can_not_be_decoded_is_refused() {
    for query in ["name=%", "name=%f", "name=%g0", "name=%ff", "%c3=x", "name=%c3&name=%a9", "name=%+1"] {
        assert_eq!(read(Some(query), &fields()).unwrap_err().error_type, "invalid_input", "{query}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_as_seams_clients_do_is_read_back(
        name in ".+",
        ids in prop::collection::vec(".*", 2..5),
        metadata in prop::collection::btree_map("[^.\\[].*", ".*", 1..4),
        limit in any::<i64>(),
        sync in any::<bool>(),
    ) {
        let mut query = Serializer::new(String::new());
        query.append_pair("name", &name);
        query.append_pair("limit", &limit.to_string());
        query.append_pair("sync", &sync.to_string());
        query.extend_pairs(ids.iter().map(|id| ("access_grant_ids", id)));
        query.extend_pairs(metadata.iter().map(|(key, value)| (format!("custom_metadata_has.{key}"), value)));
        query.append_pair(MARK, "true");
        let expected = json!({
            "name": name,
            "limit": limit,
            "sync": sync,
            "access_grant_ids": ids,
            "custom_metadata_has": metadata,
        });
        prop_assert_eq!(Value::Object(read(Some(&query.finish()), &fields()).unwrap()), expected);
    }

    #[test]
    fn anything_at_all_is_read_or_refused(query in ".*") {
        let _ = read(Some(&query), &fields());
    }
}
