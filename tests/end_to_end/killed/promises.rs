//! What must hold whenever the power goes, and whenever all has settled again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use keyway_test_support::{SOON, World, now, utc};
use serde_json::{Value, json};

use super::churn::{Asked, Churn, NODES, Question, What};

/// So long after the hub is back, all is as it should be: seconds on a quiet machine.
const SETTLED_WITHIN: Duration = SOON.saturating_mul(4);

impl Churn {
    /// At any moment: no code is in two slots, and what hands put in is there (I3, I5).
    pub(super) fn check_locks(&self, world: &World) {
        for (node, lock) in world.stick.locks() {
            let mut seen = BTreeSet::new();
            for (slot, code) in &lock.codes {
                assert!(seen.insert(code), "{code} is in two slots of node {node}: slot {slot} of {:?}", lock.codes);
            }
            for ((_, slot), code) in self.by_hand.range((node, 0)..=(node, u64::MAX)) {
                let held = lock.codes.iter().find(|(known, _)| known == slot).map(|(_, code)| code);
                assert_eq!(held, Some(code), "slot {slot} of node {node} is somebody's own: {:?}", lock.codes);
            }
        }
    }

    /// In peace: every request is answered, every grant that was answered with a yes is there as it was asked for, and
    /// each lock holds the codes whose time it is, once, what hands put in, and nothing else.
    pub(super) fn check_promises(&mut self, world: &World) {
        for (key, grant) in &mut self.grants {
            check_grant(world, key, grant);
        }
        let begun = now();
        while let Some(wrong) = self.what_is_wrong(world) {
            assert!(now() - begun < SETTLED_WITHIN, "{wrong}");
            std::thread::sleep(Duration::from_millis(50));
        }
        self.check_proofs(world);
        // What is over and answered for is no more to be looked after.
        self.grants.retain(|_, grant| !grant.is_to_be_deleted() && utc() < grant.ends_at);
    }

    /// Whether each lock holds what is due, what hands put in, and nothing else; what is otherwise, and what the hub says of
    /// the codes that are.
    fn what_is_wrong(&self, world: &World) -> Option<String> {
        self.check_locks(world);
        let locks = world.stick.locks();
        let holds = |node: &u16| locks[node].codes.iter().map(|(_, code)| code.clone()).collect::<BTreeSet<_>>();
        let (before, held, due) = (self.due(), NODES.iter().map(holds).collect::<Vec<_>>(), self.due());
        if before == due && held == due {
            return None;
        }
        let differ: BTreeSet<&String> =
            held.iter().zip(&due).flat_map(|(held, due)| held.symmetric_difference(due)).collect();
        let codes = world.client.request("access_codes/list", json!({}));
        let known = codes["access_codes"].as_array().into_iter().flatten();
        let known: Vec<&Value> = known.filter(|code| differ.iter().any(|pin| code["code"] == pin.as_str())).collect();
        Some(format!("the locks hold {held:?}, due is {due:?}; of {differ:?} the hub says {known:#?}"))
    }

    /// What each lock is to hold now.
    fn due(&self) -> Vec<BTreeSet<String>> {
        let now = utc();
        let of_door = |(door, node): (usize, &u16)| {
            let by_hand = self.by_hand.iter().filter(|((of, _), _)| of == node).map(|(_, code)| code.clone());
            let is_due = |grant: &&Asked| {
                grant.doors.contains(&door)
                    && !grant.is_to_be_deleted()
                    && (grant.starts_at..grant.ends_at).contains(&now)
            };
            self.grants.values().filter(is_due).map(|grant| grant.pin.clone()).chain(by_hand).collect()
        };
        NODES.iter().enumerate().map(of_door).collect()
    }

    /// I4: what is said to be set is in the lock.
    fn check_proofs(&self, world: &World) {
        let codes = world.client.ask("access_codes/list", json!({}));
        let set: Vec<&Value> =
            codes["access_codes"].as_array().unwrap().iter().filter(|code| code["status"] == "set").collect();
        let held: BTreeMap<&String, _> =
            world.devices.iter().zip(NODES.map(|node| world.stick.lock(node).codes)).collect();
        for code in set {
            let (device, pin) = (code["device_id"].as_str().unwrap().to_owned(), code["code"].as_str().unwrap());
            // Its end may have come meanwhile.
            let is_over = self.grants.values().any(|grant| grant.pin == pin && utc() >= grant.ends_at);
            assert!(is_over || held[&device].iter().any(|(_, known)| known == pin), "said to be set: {code}");
        }
    }
}

/// Takes the answers to what was asked of a grant, in the order in which it was, and compares. What was asked of a hub that
/// was dead has no answer: to be made or deleted it is asked for again, as a host would (I7); of a change either may be.
fn check_grant(world: &World, key: &str, grant: &mut Asked) {
    let made = grant.questions.iter().find(|question| question.what == What::Create).unwrap();
    let answered = answer(world, made, Duration::ZERO);
    let certain = answered.is_some();
    let created = answered.unwrap_or_else(|| ask_again(world, made));
    let mut there = created["ok"] == true;
    let was_over = created["error"]["type"] == "invalid_input" && utc() >= grant.ends_at;
    assert!(there || was_over, "{key}: {created}");
    let mut ends = vec![grant.ends_at];
    for question in &grant.questions {
        match (&question.what, answer(world, question, Duration::ZERO)) {
            (What::Create, _) => {}
            (What::Update(ends_at), None) => ends.push(*ends_at),
            (What::Update(ends_at), Some(answer)) if answer["ok"] == true => ends = vec![*ends_at],
            (What::Update(_), Some(answer)) => {
                let refused = answer["error"]["type"] == "invalid_input";
                assert!(refused || !there || !certain, "{key}: {answer}");
            }
            (What::Delete, Some(answer)) if answer["ok"] == true => there = false,
            // It may have been asked for before the grant was there.
            (What::Delete, Some(_)) => {
                let answer = world.client.request("access_grants/delete", json!({"access_grant_key": key}));
                assert!(answer["ok"] == true || !there, "{key}: {answer}");
                there = false;
            }
            (What::Delete, None) => {
                let answer = ask_again(world, question);
                assert!(answer["ok"] == true || !there, "{key} was not deleted: {answer}");
                there = false;
            }
        }
    }
    let answer = world.client.request("access_grants/get", json!({"access_grant_key": key}));
    assert_eq!(answer["ok"] == true, there, "{key} was answered for: {answer}");
    if there {
        let known: jiff::Timestamp = answer["access_grant"]["ends_at"].as_str().unwrap().parse().unwrap();
        let known = ends.iter().find(|end| end.as_millisecond() == known.as_millisecond());
        grant.ends_at = *known.unwrap_or_else(|| panic!("{key} ends at one of {ends:?}: {answer}"));
        let id = answer["access_grant"]["access_grant_id"].as_str().unwrap();
        assert_eq!(world.client.method_of(id)["code"], grant.pin.as_str(), "{key}");
    }
    // What has no answer by now is known: it is not asked for again.
    grant.questions.retain(|question| question.what == What::Delete || question.what == What::Create);
}

fn answer(world: &World, question: &Question, within: Duration) -> Option<Value> {
    world.client.answer_to(&question.correlation, within)
}

/// The same request once more: it is carried out if it was not, and answered as it was if it was.
fn ask_again(world: &World, question: &Question) -> Value {
    world.client.request(&format!("access_grants/{}", question.what.action()), question.body.clone())
}
