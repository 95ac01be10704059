use std::time::Instant;

use tokio::net::TcpListener;

use super::tasks::Tasks;
use super::*;

/// A port behind which somebody takes every connection and says nothing.
async fn silent() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            kept.push(stream);
        }
    });
    port
}

fn config(data_dir: &std::path::Path, broker: u16, stick: u16) -> Config {
    let text = format!(
        r#"
        [hub]
        data_dir = {data_dir:?}
        [http]
        listen = "127.0.0.1:0"
        [mqtt]
        url = "mqtt://127.0.0.1:{broker}"
        [[zwave]]
        port = "tcp://127.0.0.1:{stick}"
        keys.s2_access_control = "11111111111111111111111111111101"
        locks = [{{ node = 2, security = ["s2_access_control"] }}]
        "#
    );
    Config::parse("test", &text).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "measures the time that stopping takes")]
async fn stopped_after(config: Config, works_for: Duration) -> (Duration, Result<(), DaemonError>) {
    let (stop, stopped) = watch::channel(false);
    let daemon = tokio::spawn(run(config, stopped));
    tokio::time::sleep(works_for).await;
    let asked = Instant::now();
    stop.send_replace(true);
    let outcome = daemon.await.unwrap();
    (asked.elapsed(), outcome)
}

#[tokio::test]
async fn a_hub_whose_stick_and_broker_take_everything_and_answer_nothing_stops_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), silent().await, silent().await);
    let (took, outcome) = stopped_after(config, Duration::from_millis(500)).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test]
async fn a_hub_stops_also_while_it_is_starting() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), silent().await, silent().await);
    let (took, outcome) = stopped_after(config, Duration::ZERO).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test]
async fn a_second_hub_on_the_same_data_is_refused_and_the_first_works_on() {
    let folder = tempfile::tempdir().unwrap();
    let (broker, stick) = (silent().await, silent().await);
    let (stop, stopped) = watch::channel(false);
    let first = tokio::spawn(run(config(folder.path(), broker, stick), stopped.clone()));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let second = run(config(folder.path(), broker, stick), stopped).await;
    assert!(matches!(second, Err(DaemonError::Store(_))), "{second:?}");
    assert!(!first.is_finished());
    stop.send_replace(true);
    assert!(first.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_door_that_fails_is_opened_again_and_not_waited_for_at_the_end() {
    let (stop, stopped) = watch::channel(false);
    let (opened, mut openings) = tokio::sync::mpsc::unbounded_channel();
    let door = move || {
        let opened = opened.clone();
        async move {
            opened.send(()).unwrap();
            panic!("on purpose");
        }
    };
    let kept = tokio::spawn(keep_open("broken", door, stopped));
    for _ in 0..2 {
        openings.recv().await.unwrap();
    }
    stop.send_replace(true);
    tokio::time::timeout(DOOR_REOPENS_AFTER / 2, kept).await.expect("it ends at once").unwrap();
}

#[tokio::test]
async fn a_task_that_ends_by_itself_is_named() {
    let (_stop, stopped) = watch::channel(false);
    let mut tasks = Tasks::new(stopped);
    tasks.start_helper("the sleeper", std::future::pending());
    tasks.start("the broken one", async { panic!("on purpose") });
    assert_eq!(tasks.next().await, "the broken one");
    tasks.end().await;
}
