//! The stream of events.

use super::*;
use EventType::{DeviceConnected, DeviceDisconnected, DeviceTampered};

#[tokio::test]
async fn what_happens_is_told_as_it_happens_and_is_the_same_json_as_in_the_list() {
    let world = World::new().await;
    world.happens(DeviceTampered).await;
    let mut stream = world.stream("/events/stream", "").await;
    assert!(stream.head.contains("content-type: text/event-stream"), "{}", stream.head);
    assert!(stream.head.contains("seam-request-id: "), "{}", stream.head);
    world.happens(DeviceConnected).await;
    let (id, event) = stream.event().await.unwrap();
    assert_eq!(event["event_type"], "device.connected");
    assert_eq!(event["event_id"], id.as_str());
    let listed = world.ask("GET", &format!("/events/get?event_id={id}"), "").await.json();
    assert_eq!(event, listed["event"]);
}

#[tokio::test]
async fn who_comes_back_goes_on_where_he_was() {
    let world = World::new().await;
    let mut stream = world.stream("/events/stream", "").await;
    world.happens(DeviceConnected).await;
    let (id, _) = stream.event().await.unwrap();
    drop(stream);
    world.happens(DeviceDisconnected).await;
    world.happens(DeviceTampered).await;
    // What the client says of itself goes before the address, which it can't change when it comes back.
    let address = "/events/stream?since=2000-01-01T00%3A00%3A00Z";
    let mut stream = world.stream(address, &format!("last-event-id: {id}\r\n")).await;
    assert_eq!(stream.event_type().await.unwrap(), "device.disconnected");
    assert_eq!(stream.event_type().await.unwrap(), "device.tampered");
    let forgotten = "last-event-id: 00000000-0000-7000-8000-000000000000\r\n";
    let mut stream = world.stream("/events/stream", forgotten).await;
    assert_eq!(stream.event_type().await.unwrap(), "device.connected");
}

#[tokio::test]
async fn the_past_is_told_from_the_moment_that_was_asked_for() {
    let world = World::new().await;
    for (seconds, event_type) in [(0, DeviceConnected), (10, DeviceDisconnected), (20, DeviceTampered)] {
        world.set_time(seconds);
        world.happens(event_type).await;
    }
    let since = at(10).to_string().replace(':', "%3A");
    let mut stream = world.stream(&format!("/events/stream?since={since}&_strict=true"), "").await;
    assert_eq!(stream.event_type().await.unwrap(), "device.disconnected");
    assert_eq!(stream.event_type().await.unwrap(), "device.tampered");
    world.happens(DeviceConnected).await;
    assert_eq!(stream.event_type().await.unwrap(), "device.connected");
}

#[tokio::test]
async fn more_events_than_are_read_at_once_come_in_order_and_none_twice() {
    let world = World::new().await;
    world
        .write(|unit| {
            (0..300).try_for_each(|number| {
                let details = serde_json::Map::from_iter([("number".to_owned(), number.into())]);
                unit.emit(DeviceConnected, EventSubject::default(), details)
            })
        })
        .await;
    let mut stream = world.stream("/events/stream?since=2000-01-01T00%3A00%3A00Z", "").await;
    for number in 0..300 {
        assert_eq!(stream.event().await.unwrap().1["number"], number);
    }
}

#[tokio::test]
async fn a_wrong_beginning_is_refused() {
    let world = World::new().await;
    for (target, headers, field) in [
        ("/events/stream", "last-event-id: 7\r\n", "last-event-id"),
        ("/events/stream?since=yesterday", "", "since"),
        ("/events/stream?since=%zz", "", "%"),
        ("/events/stream?surprise=1", "", "surprise"),
        ("/events/stream?since=2000-01-01T00%3A00%3A00Z&since=2000-01-01T00%3A00%3A00Z", "", "since"),
    ] {
        let headers = format!("authorization: Bearer {}\r\n{headers}", world.key);
        let reply = world.ask_with("GET", target, &headers, "").await;
        let (error_type, message) = reply.error();
        assert_eq!((reply.status, error_type.as_str()), (400, "invalid_input"), "{target}");
        assert!(message.contains(field), "{message}");
    }
}

#[tokio::test]
async fn there_are_so_many_streams_and_no_more_and_each_is_given_back() {
    let world = World::with(Limits { streams: 2, ..LIMITS }).await;
    let first = world.stream("/events/stream", "").await;
    let _second = world.stream("/events/stream", "").await;
    let third = world.ask("GET", "/events/stream", "").await;
    assert_eq!((third.status, third.error().0.as_str()), (429, "too_many_streams"));
    drop(first);
    let again = async {
        while !world.stream("/events/stream", "").await.head.contains(" 200 ") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(SOON, again).await.expect("room for another");
}

#[tokio::test]
async fn a_stream_on_which_nothing_happens_shows_that_it_lives() {
    let world = World::with(Limits { keep_alive: Duration::from_millis(20), ..LIMITS }).await;
    let mut stream = world.stream("/events/stream", "").await;
    while stream.line().await.expect("still open") != ":" {}
}

#[tokio::test]
async fn a_key_that_is_taken_away_hears_no_more() {
    let world = World::new().await;
    let mut stream = world.stream("/events/stream", "").await;
    world.happens(DeviceConnected).await;
    assert!(stream.event().await.is_some());
    world.take_keys_away().await;
    world.happens(DeviceTampered).await;
    assert_eq!(stream.event().await, None);
}

#[tokio::test]
async fn streams_end_cleanly_when_the_hub_stops() {
    let world = World::new().await;
    let mut stream = world.stream("/events/stream", "").await;
    world.stops().await;
    let mut last = String::new();
    while let Some(line) = stream.line().await {
        if !line.is_empty() {
            last = line;
        }
    }
    assert_eq!(last, "0", "the last chunk");
}
