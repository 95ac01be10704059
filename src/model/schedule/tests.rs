//! Recurring times over the changes of clocks, and against a plain enumeration.

use jiff::civil::{Date, Weekday, date};
use jiff::tz::AmbiguousOffset;
use proptest::prelude::*;

use super::*;

fn schedule(cron: &str, duration: &str, time_zone: &str) -> Schedule {
    Schedule::new(cron, duration, time_zone).unwrap()
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn always(from: &str) -> Window {
    Window { starts_at: at(from), ends_at: None }
}

/// The first occurrences from a moment on, as text.
fn first(schedule: &Schedule, outer: &Window, count: usize) -> Vec<String> {
    let windows = schedule.windows(outer, outer.starts_at).take(count);
    windows.map(|window| format!("{} {}", window.starts_at, window.ends_at.unwrap())).collect()
}

#[test]
fn weekdays_are_meant_by_the_clock_of_the_door_s_zone() {
    // A Friday, so the next is Monday.
    let cleaner = schedule("0 9 * * MON-FRI", "PT2H30M", "America/New_York");
    assert_eq!(
        first(&cleaner, &always("2026-11-27T00:00:00Z"), 2),
        ["2026-11-27T14:00:00.000Z 2026-11-27T16:30:00.000Z", "2026-11-30T14:00:00.000Z 2026-11-30T16:30:00.000Z"]
    );
}

#[test]
fn a_time_that_the_clocks_skip_is_not_skipped_berlin_2027_03_28() {
    // 02:00 becomes 03:00; the window of that day opens at 03:30 and closes at 04:30 on the clock.
    let nightly = schedule("30 2 * * *", "2h", "Europe/Berlin");
    assert_eq!(
        first(&nightly, &always("2027-03-27T00:00:00Z"), 3),
        [
            "2027-03-27T01:30:00.000Z 2027-03-27T03:30:00.000Z",
            "2027-03-28T01:30:00.000Z 2027-03-28T02:30:00.000Z",
            "2027-03-29T00:30:00.000Z 2027-03-29T02:30:00.000Z",
        ]
    );
}

#[test]
fn a_time_that_the_clocks_show_twice_opens_once_berlin_2026_10_25() {
    // 03:00 becomes 02:00 again: the first 02:30 counts, and 03:30 on the clock is two hours later.
    let nightly = schedule("30 2 * * *", "1h", "Europe/Berlin");
    assert_eq!(
        first(&nightly, &always("2026-10-24T12:00:00Z"), 2),
        ["2026-10-25T00:30:00.000Z 2026-10-25T02:30:00.000Z", "2026-10-26T01:30:00.000Z 2026-10-26T02:30:00.000Z"]
    );
}

#[test]
fn a_night_shift_ends_by_the_clock_also_when_that_is_changed_new_york_2026_11_01() {
    let night = schedule("0 22 * * SAT", "8h", "America/New_York");
    // 22:00 is 02:00Z in summer time, 06:00 is 11:00Z in winter time: nine hours.
    let windows = first(&night, &always("2026-10-31T12:00:00Z"), 1);
    assert_eq!(windows, ["2026-11-01T02:00:00.000Z 2026-11-01T11:00:00.000Z"]);
    // And seven when summer time begins, on 2027-03-14.
    let windows = first(&night, &always("2027-03-13T12:00:00Z"), 1);
    assert_eq!(windows, ["2027-03-14T03:00:00.000Z 2027-03-14T10:00:00.000Z"]);
}

#[test]
fn a_zone_that_changes_by_half_an_hour_lord_howe_2026_10_04_and_2027_04_04() {
    let nightly = schedule("15 2 * * *", "1h", "Australia/Lord_Howe");
    // 02:00 becomes 02:30 (10:30 to 11:00 behind UTC): 02:15 is 02:45, and 03:15 is 03:15.
    let windows = first(&nightly, &always("2026-10-03T06:00:00Z"), 1);
    assert_eq!(windows, ["2026-10-03T15:45:00.000Z 2026-10-03T16:15:00.000Z"]);
    // 02:00 becomes 01:30 again: 01:45 is shown twice, and the first counts.
    let nightly = schedule("45 1 * * *", "1h", "Australia/Lord_Howe");
    let windows = first(&nightly, &always("2027-04-03T06:00:00Z"), 1);
    assert_eq!(windows, ["2027-04-03T14:45:00.000Z 2027-04-03T16:15:00.000Z"]);
}

#[test]
fn zones_with_odd_offsets_kathmandu_and_st_john_s() {
    let daily = schedule("0 6 * * *", "45m", "Asia/Kathmandu");
    assert_eq!(
        first(&daily, &always("2026-12-01T00:00:00Z"), 1),
        ["2026-12-01T00:15:00.000Z 2026-12-01T01:00:00.000Z"]
    );
    // 2027-03-14, 02:00 becomes 03:00.
    let daily = schedule("30 2 * * *", "PT1H", "America/St_Johns");
    assert_eq!(
        first(&daily, &always("2027-03-14T00:00:00Z"), 1),
        ["2027-03-14T06:00:00.000Z 2027-03-14T07:00:00.000Z"]
    );
}

#[test]
fn a_window_that_lies_in_a_skipped_hour_keeps_its_length() {
    // 02:45 is 03:45 then, and 03:15 on the clock would be before that.
    let short = schedule("45 2 28 3 *", "30m", "Europe/Berlin");
    assert_eq!(
        first(&short, &always("2027-03-01T00:00:00Z"), 1),
        ["2027-03-28T01:45:00.000Z 2027-03-28T02:15:00.000Z"]
    );
}

#[test]
fn occurrences_are_cut_to_the_grant_s_own_window() {
    let daily = schedule("0 9 * * *", "8h", "UTC");
    let outer = Window { starts_at: at("2026-12-01T12:00:00Z"), ends_at: Some(at("2026-12-02T10:00:00Z")) };
    assert_eq!(
        first(&daily, &outer, 9),
        ["2026-12-01T12:00:00.000Z 2026-12-01T17:00:00.000Z", "2026-12-02T09:00:00.000Z 2026-12-02T10:00:00.000Z"]
    );
    assert_eq!(daily.occurrence(&outer, at("2026-12-02T10:00:00Z")), None);
    assert_eq!(daily.last_end(&outer, at("2027-12-02T10:00:00Z")), outer.ends_at);
    assert_eq!(daily.last_end(&outer, at("2026-12-01T16:59:59Z")), None);
    assert_eq!(daily.last_end(&outer, at("2026-12-01T17:00:00Z")), Some(at("2026-12-01T17:00:00Z")));
}

#[test]
fn occurrences_that_touch_or_overlap_are_one() {
    let shifts = schedule("0 6,14 * * *", "8h", "Europe/Berlin");
    let windows = first(&shifts, &always("2026-12-01T00:00:00Z"), 1);
    assert_eq!(windows, ["2026-12-01T05:00:00.000Z 2026-12-01T21:00:00.000Z"]);
}

#[test]
fn a_date_that_never_comes_has_no_occurrence() {
    let never = schedule("0 9 30 2 *", "8h", "UTC");
    assert_eq!(never.occurrence(&always("2026-12-01T00:00:00Z"), at("2026-12-01T00:00:00Z")), None);
}

#[test]
fn what_is_wrong_is_named_with_what_would_be_right() {
    let wrong = |cron: &str, duration: &str, zone: &str| {
        let wrong = Schedule::new(cron, duration, zone).unwrap_err();
        (wrong.field, wrong.message)
    };
    for (cron, says) in [
        ("0 9 * * 1-5", "name the weekdays"),
        ("0 9 * * MON/2", "name the weekdays"),
        ("0 0 9 * * MON", "five fields"),
        ("@daily", "five fields"),
        ("0 9 13 * FRI", "weekdays, and * for the other"),
        ("0 25 * * *", "no cron expression"),
        ("*/0 9 * * *", "no cron expression"),
        ("* * * * *", "more than 96 times a day"),
    ] {
        let (field, message) = wrong(cron, "8h", "UTC");
        assert!(field == "cron" && message.contains(says), "{cron}: {field}: {message}");
    }
    for (duration, says) in [
        ("8", "such as PT8H"),
        ("-8h", "too short"),
        ("0h", "too short"),
        ("59s", "too short"),
        ("8 days", "too long"),
        ("P1M", "too long"),
        ("PT1H0.5S", "parts of a second"),
        ("9999999999h", ""),
    ] {
        let (field, message) = wrong("0 9 * * *", duration, "UTC");
        assert!(field == "duration" && message.contains(says), "{duration}: {field}: {message}");
    }
    assert_eq!(wrong("0 9 * * *", "8h", "Europe/Atlantis").0, "time_zone");
    assert!(Schedule::new("0 9 ? * MON", "1 week", "utc").is_ok());
}

#[test]
fn a_schedule_is_kept_as_the_three_texts_it_was_given_as() {
    let json = r#"{"cron":"0 9 * * MON-FRI","duration":"8h","time_zone":"Europe/Berlin"}"#;
    let read: Schedule = serde_json::from_str(json).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), json);
    assert_eq!(read, schedule("0 9 * * MON-FRI", "8h", "Europe/Berlin"));
    assert!(serde_json::from_str::<Schedule>(&json.replace("MON-FRI", "1-5")).is_err());
}

const ZONES: [&str; 6] =
    ["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "Africa/Casablanca"];
const NAMES: [(&str, Weekday); 7] = [
    ("MON", Weekday::Monday),
    ("TUE", Weekday::Tuesday),
    ("WED", Weekday::Wednesday),
    ("THU", Weekday::Thursday),
    ("FRI", Weekday::Friday),
    ("SAT", Weekday::Saturday),
    ("SUN", Weekday::Sunday),
];

/// Which days.
#[derive(Debug, Clone)]
enum Days {
    All,
    OfWeek(Vec<usize>),
    OfMonth(Vec<i8>),
}

fn any_days() -> impl Strategy<Value = Days> {
    let of_week =
        prop::collection::btree_set(0..7usize, 1..4).prop_map(|days| Days::OfWeek(days.into_iter().collect()));
    let of_month =
        prop::collection::btree_set(1..=31i8, 1..5).prop_map(|days| Days::OfMonth(days.into_iter().collect()));
    prop_oneof![Just(Days::All), of_week, of_month]
}

fn list<T: ToString>(values: &[T]) -> String {
    values.iter().map(T::to_string).collect::<Vec<_>>().join(",")
}

impl Days {
    fn cron(&self) -> (String, String) {
        match self {
            Self::All => ("*".to_owned(), "*".to_owned()),
            Self::OfWeek(days) => ("*".to_owned(), list(&days.iter().map(|day| NAMES[*day].0).collect::<Vec<_>>())),
            Self::OfMonth(days) => (list(days), "*".to_owned()),
        }
    }

    fn has(&self, day: Date) -> bool {
        match self {
            Self::All => true,
            Self::OfWeek(days) => days.iter().any(|known| NAMES[*known].1 == day.weekday()),
            Self::OfMonth(days) => days.contains(&day.day()),
        }
    }
}

/// Every window around the outer one: each day, each hour, each minute of it. Not merged.
fn enumerate(
    days: &Days,
    hours: &[i8],
    minutes: &[i8],
    length: i64,
    zone: &str,
    from: Date,
) -> Vec<(Timestamp, Timestamp)> {
    let zone = TimeZone::get(zone).unwrap();
    let mut windows = Vec::new();
    let moment = |civil: DateTime| {
        // By the offset before the change: skipped times move on, of those shown twice the first counts.
        let offset = match zone.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Gap { before, .. } | AmbiguousOffset::Fold { before, .. } => before,
        };
        Timestamp::from_microsecond(offset.to_timestamp(civil).unwrap().as_microsecond()).unwrap()
    };
    for offset in -10..30 {
        let day = from.checked_add(offset.days()).unwrap();
        for (hour, minute) in hours.iter().flat_map(|hour| minutes.iter().map(move |minute| (*hour, *minute))) {
            if !days.has(day) {
                continue;
            }
            let opens = day.at(hour, minute, 0, 0);
            let (start, mut end) = (moment(opens), moment(opens.checked_add(length.minutes()).unwrap()));
            if end <= start {
                end = start.after(Duration::from_secs(length.unsigned_abs() * 60));
            }
            windows.push((start, end));
        }
    }
    windows
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_windows_are_those_of_a_plain_enumeration(
        days in any_days(),
        hours in prop::collection::btree_set(0..24i8, 1..4),
        minutes in prop::collection::btree_set(0..60i8, 1..3),
        length in 1..2000i64,
        zone in prop::sample::select(&ZONES[..]),
        // 2011-12-30 was no day in Apia; the others change their clocks in spring, in autumn, and for Ramadan.
        around in prop::sample::select(vec![
            date(2011, 12, 27), date(2026, 10, 20), date(2026, 10, 1), date(2027, 3, 10), date(2027, 3, 25), date(2027, 4, 1), date(2026, 2, 12),
        ]),
        offset in 0..5i64,
        begins in 0..86_400i64,
        lasts in prop::option::of(60..1_500_000i64),
    ) {
        let from = around.checked_add(offset.days()).unwrap();
        let (hours, minutes) = (Vec::from_iter(hours), Vec::from_iter(minutes));
        let (of_month, of_week) = days.cron();
        let cron = format!("{} {} {of_month} * {of_week}", list(&minutes), list(&hours));
        let schedule = schedule(&cron, &format!("{length}m"), zone);
        let midnight = TimeZone::UTC.to_timestamp(from.at(0, 0, 0, 0)).unwrap().as_second();
        let second = |second: i64| Timestamp::from_microsecond(second * 1_000_000).unwrap();
        let outer = Window { starts_at: second(midnight + begins), ends_at: lasts.map(|l| second(midnight + begins + l)) };
        let horizon = second(midnight + 18 * 86_400);

        let all = enumerate(&days, &hours, &minutes, length, zone, from);
        let inside = |now: Timestamp| outer.contains(now) && all.iter().any(|(start, end)| *start <= now && now < *end);
        let edges = all.iter().flat_map(|(start, end)| [*start, *end]).chain([outer.starts_at]).chain(outer.ends_at);
        let mut edges: Vec<Timestamp> = edges.collect();
        edges.sort();
        for edge in edges.iter().filter(|edge| **edge <= horizon) {
            for micros in [-1, 0] {
                let now = Timestamp::from_microsecond(edge.as_microsecond() + micros).unwrap();
                prop_assert_eq!(schedule.contains(&outer, now), inside(now), "{} at {}", cron, now);
            }
        }

        // Merged, the moments at which it begins and ends.
        let mut expected: Vec<(Timestamp, Timestamp)> = Vec::new();
        for pair in edges.windows(2).filter(|pair| pair[0] < pair[1] && inside(pair[0])) {
            match expected.last_mut() {
                Some(last) if last.1 == pair[0] => last.1 = pair[1],
                _ => expected.push((pair[0], pair[1])),
            }
        }
        let got = schedule.windows(&outer, outer.starts_at).map(|window| (window.starts_at, window.ends_at.unwrap()));
        let early = |window: &(Timestamp, Timestamp)| window.1 < horizon;
        let got: Vec<_> = got.take_while(|window| window.0 <= horizon).filter(early).collect();
        let expected: Vec<_> = expected.into_iter().filter(early).collect();
        prop_assert_eq!(got, expected, "{}", cron);
    }

    #[test]
    fn no_text_makes_it_panic(cron in "[-*/,0-9A-Za-z?@# ]{0,20}", duration in "\\PC{0,12}", zone in "\\PC{0,12}") {
        let _ = Schedule::new(&cron, &duration, &zone);
        let _ = Schedule::new(&format!("0 9 {cron} * *"), "8h", "UTC");
        let _ = Schedule::new("0 9 * * *", &duration, &format!("Europe/{zone}"));
    }
}
