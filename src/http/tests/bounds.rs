//! What one client can't do to the others, and how it all ends.

use tokio::net::TcpSocket;

use super::*;

const MOMENT: Duration = Duration::from_millis(50);

#[tokio::test]
async fn who_never_ends_his_head_is_cut_off() {
    let world = World::with(Limits { header_within: MOMENT, ..LIMITS }).await;
    let mut stream = world.connect().await;
    stream.write_all(b"GET /health HTTP/1.1\r\nhost: hub\r\n").await.unwrap();
    // Closed, whatever it says at its end.
    Reply::read(stream).await;
}

#[tokio::test]
async fn who_never_ends_his_body_is_told_so() {
    let world = World::with(Limits { body_within: MOMENT, ..LIMITS }).await;
    let key = &world.key;
    let reply = world
        .raw(&format!(
            "POST /devices/list HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer {key}\r\ncontent-length: 9\r\n\r\n{{"
        ))
        .await;
    assert_eq!((reply.status, reply.error().0.as_str()), (408, "request_timeout"));
}

#[tokio::test]
async fn a_flood_of_headers_is_refused() {
    let world = World::new().await;
    let many: String = (0..1000).map(|number| format!("x-{number}: y\r\n")).collect();
    let long = format!("x: {}\r\n", "y".repeat(1024 * 1024));
    for headers in [many, long] {
        let reply = world.ask_with("GET", "/health", &headers, "").await;
        assert!(matches!(reply.status, 400 | 431 | 0), "{}", reply.status);
    }
    assert_eq!(world.ask("GET", "/devices/list", "").await.status, 200);
}

#[tokio::test]
async fn what_is_not_http_harms_nobody() {
    let world = World::new().await;
    for garbage in [
        "\u{16}\u{3}\u{1}",
        "GET\r\n\r\n",
        "GET /health HTTP/9.9\r\n\r\n",
        "\r\n\r\n\r\n",
        "GET http:// HTTP/1.1\r\n\r\n",
    ] {
        let mut stream = world.connect().await;
        stream.write_all(garbage.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let reply = Reply::read(stream).await;
        assert!(reply.status == 0 || (400..500).contains(&reply.status), "{garbage:?}: {}", reply.status);
    }
    assert_eq!(world.ask("GET", "/devices/list", "").await.status, 200);
}

#[tokio::test]
async fn who_comes_when_all_connections_are_taken_is_served_when_one_is_free() {
    let world = World::with(Limits { connections: 2, ..LIMITS }).await;
    let idle = [world.connect().await, world.connect().await];
    // Both are taken once they have spoken.
    let mut stream = world.connect().await;
    let request = "GET /health HTTP/1.1\r\nhost: hub\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut waits = [0; 1];
    assert!(tokio::time::timeout(MOMENT, stream.peek(&mut waits)).await.is_err(), "it waits");
    drop(idle);
    assert_eq!(Reply::read(stream).await.status, 200);
}

#[tokio::test]
async fn who_takes_nothing_of_his_answer_is_cut_off_and_delays_nobody() {
    let world = World::with(Limits { write_within: MOMENT, streams: 1, ..LIMITS }).await;
    // Or else the system takes megabytes for it.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let slow = socket.connect(world.address).await.unwrap();
    let mut slow = world.stream_over(slow, "/events/stream", "").await;
    let text = "x".repeat(1000);
    world
        .write(move |unit| {
            (0..10_000).try_for_each(|_| {
                let details = serde_json::Map::from_iter([("text".to_owned(), text.clone().into())]);
                unit.emit(EventType::DeviceConnected, EventSubject::default(), details)
            })
        })
        .await;
    // The only place for a stream is free once the slow one is given up.
    let free = async {
        while !world.stream("/events/stream", "").await.head.contains(" 200 ") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(SOON, free).await.expect("the slow one is given up");
    let mut seen = 0;
    while let Some(line) = slow.line().await {
        seen += usize::from(line.starts_with("data: "));
    }
    assert!(seen < 10_000, "it was cut off");
}

#[tokio::test]
async fn it_stops_at_once_with_idle_connections_and_soon_with_one_that_does_not_end_its_request() {
    let world = World::with(Limits { stop_within: MOMENT, ..LIMITS }).await;
    let idle = world.connect().await;
    let mut half = world.connect().await;
    let key = &world.key;
    let head =
        format!("POST /devices/list HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer {key}\r\ncontent-length: 9\r\n\r\n");
    half.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(world.ask("GET", "/devices/list", "").await.status, 200);
    let address = world.address;
    world.stops().await;
    assert_eq!(Reply::read(idle).await.status, 0);
    assert_eq!(Reply::read(half).await.status, 0);
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_port_in_use_is_taken_when_it_is_free_and_the_hub_stops_also_while_it_waits() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let config = HttpConfig { listen: address, local_key: folder.path().join("local.key") };
    let (stop, stopped) = watch::channel(false);
    let hub = world.hub.clone();
    let serving = tokio::spawn(async move { serve(&config, [0; 32], hub, stopped).await });
    tokio::time::sleep(MOMENT).await;
    assert!(!serving.is_finished());
    drop(taken);
    let other = World { address, ..world };
    let served = async {
        while TcpStream::connect(address).await.is_err() {
            tokio::time::sleep(MOMENT).await;
        }
    };
    tokio::time::timeout(SOON, served).await.expect("it listens");
    assert_eq!(other.ask_with("GET", "/health", "", "").await.status, 200);
    stop.send_replace(true);
    tokio::time::timeout(SOON, serving).await.unwrap().unwrap();

    let _taken = TcpListener::bind(address).await.unwrap();
    let config = HttpConfig { listen: address, local_key: folder.path().join("local.key") };
    let (stop, stopped) = watch::channel(false);
    let hub = other.hub.clone();
    let waiting = tokio::spawn(async move { serve(&config, [0; 32], hub, stopped).await });
    tokio::time::sleep(MOMENT).await;
    stop.send_replace(true);
    tokio::time::timeout(Duration::from_secs(1), waiting).await.expect("it does not wait for the port").unwrap();
}
