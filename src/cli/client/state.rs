//! How codes and grants do, in a few words.

use jiff::Timestamp;
use serde_json::Value;

use super::LocalTime;
use super::reading::{is, items, moment, problems, text};

/// How a code does in its lock, with what to do where something is wrong.
pub(super) fn of_code(code: &Value, time: &LocalTime) -> String {
    if let [problem, ..] = problems(code)[..] {
        return format!("problem: {problem}");
    }
    let scheduled = items(code, "pending_mutations").iter().find_map(|mutation| moment(mutation, "scheduled_at"));
    match text(code, "status") {
        "set" => "the lock has it".to_owned(),
        "setting" => "waits for the lock to take it".to_owned(),
        "removing" => "waits for the lock to give it up".to_owned(),
        _ if is_over(code, time.now()) => "over: the lock has it no more".to_owned(),
        "unset" => match scheduled.or_else(|| moment(code, "starts_at")).filter(|at| *at > time.now()) {
            Some(at) => format!("ready: the lock gets it {}", time.long(at)),
            None => "ready".to_owned(),
        },
        other => other.to_owned(),
    }
}

/// How a grant does, in a word or two: `codes` are its own.
pub(super) fn of_grant(grant: &Value, codes: &[&Value], now: Timestamp) -> &'static str {
    let some = |status: &str| codes.iter().any(|code| text(code, "status") == status);
    let troubled = !problems(grant).is_empty() || codes.iter().any(|code| !problems(code).is_empty());
    if troubled {
        "problem"
    } else if is_over(grant, now) {
        if some("removing") { "being removed" } else { "over" }
    } else if moment(grant, "starts_at").is_some_and(|start| start > now) {
        "upcoming"
    } else if some("setting") {
        "waits for a lock"
    } else {
        "active"
    }
}

/// How a device does, in a word or two.
pub(super) fn of_device(device: &Value) -> &'static str {
    let online = device.get("properties").is_some_and(|properties| is(properties, "online"));
    match problems(device).is_empty() {
        _ if is_left_alone(device) => "left alone",
        true if online => "online",
        false if online => "problem",
        _ => "offline",
    }
}

/// Whether the hub was told to write nothing to the device.
pub(super) fn is_left_alone(device: &Value) -> bool {
    device.get("is_managed") == Some(&Value::Bool(false))
}

fn is_over(resource: &Value, now: Timestamp) -> bool {
    moment(resource, "ends_at").is_some_and(|end| end <= now)
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use serde_json::json;

    use super::*;

    fn time() -> LocalTime {
        LocalTime::new("2026-11-25T13:00:00Z".parse().unwrap(), TimeZone::UTC)
    }

    #[test]
    fn what_is_wrong_with_a_code_goes_before_all_else() {
        let message = "the lock does not answer. Check its battery";
        let code = json!({"status": "unset", "warnings": [{"message": message}]});
        assert_eq!(of_code(&code, &time()), format!("problem: {message}"));
    }

    #[test]
    fn a_code_says_where_it_is_on_its_way() {
        let tells = |code: Value| of_code(&code, &time());
        let later = "2026-11-26T15:00:00Z";
        assert_eq!(
            tells(json!({"status": "unset", "starts_at": later})),
            "ready: the lock gets it Thu 2026-11-26 15:00 UTC"
        );
        assert_eq!(tells(json!({"status": "setting"})), "waits for the lock to take it");
        assert_eq!(tells(json!({"status": "set"})), "the lock has it");
        assert_eq!(tells(json!({"status": "removing"})), "waits for the lock to give it up");
        let over = json!({"status": "unset", "ends_at": "2026-11-25T12:00:00Z"});
        assert_eq!(tells(over), "over: the lock has it no more");
        // Between two times of a recurring grant.
        let recurring = json!({"status": "unset", "starts_at": "2026-11-01T15:00:00Z",
            "pending_mutations": [{"scheduled_at": later}]});
        assert_eq!(tells(recurring), "ready: the lock gets it Thu 2026-11-26 15:00 UTC");
    }

    #[test]
    fn a_grant_is_as_good_as_its_worst_door() {
        let now = time().now();
        let grant = json!({"starts_at": "2026-11-25T12:00:00Z", "ends_at": null});
        let (set, setting) = (json!({"status": "set"}), json!({"status": "setting"}));
        let broken = json!({"status": "setting", "errors": [{"message": "the lock is full"}]});
        assert_eq!(of_grant(&grant, &[&set, &set], now), "active");
        assert_eq!(of_grant(&grant, &[&set, &setting], now), "waits for a lock");
        assert_eq!(of_grant(&grant, &[&set, &broken], now), "problem");
        let over = json!({"starts_at": "2026-11-24T12:00:00Z", "ends_at": "2026-11-25T12:00:00Z"});
        assert_eq!(of_grant(&over, &[&json!({"status": "removing"})], now), "being removed");
        assert_eq!(of_grant(&over, &[&json!({"status": "unset"})], now), "over");
    }
}
