//! What holds of the decisions whatever the facts.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn any_presence() -> impl Strategy<Value = Presence> {
    prop_oneof![Just(Presence::Absent), Just(Presence::Unproven), Just(proven(-30)), Just(proven(5))]
}

fn any_content() -> impl Strategy<Value = SlotContent> {
    let pin = (1..4u128).prop_map(|n| SlotContent::Code(digits(&format!("{}", 731_000 + n))));
    prop_oneof![Just(SlotContent::Free), Just(SlotContent::Hidden), Just(SlotContent::Unusable), pin]
}

prop_compose! {
    fn any_table()(
        codes in proptest::collection::vec((1..5u16, -200..200i64, 1..200i64, any_presence(), any::<bool>()), 0..4),
        words in proptest::collection::btree_map(1..5u16, (any_content(), -300..0i64), 0..4),
    ) -> SlotTable {
        let mut table = table(4, vec![]);
        for (n, (slot, from, length, presence, deleted)) in codes.into_iter().enumerate() {
            let mut code = code(n as u128 + 1, slot, from, from + length, presence);
            code.deleted_at = deleted.then(|| at(-1));
            let alone = table.holder(code.slot).is_none();
            code.presence = if alone { code.presence } else { Presence::Absent };
            table.codes.push(code);
        }
        for (slot, (content, told)) in words {
            says(&mut table, slot, content, told);
        }
        table
    }
}

proptest! {
    #[test]
    fn a_slot_is_written_only_when_free_or_ours_and_cleared_only_when_ours(table in any_table()) {
        let holder_of = |slot| table.holder(slot).map(|code| code.access_code_id);
        match diff::next(&facts(table.clone()), now(0)) {
            Next::Do(Step::Set(id, slot, _)) => {
                let free = table.word(slot).is_some_and(|word| word.content == SlotContent::Free);
                prop_assert!(holder_of(slot).map_or(free, |holder| holder == id));
            }
            Next::Do(Step::Clear(id, slot)) => {
                prop_assert_eq!(holder_of(slot), Some(id));
                let code = table.holder(slot).unwrap();
                prop_assert!(code.deleted_at.is_some() || !code.window.contains(at(0)));
                prop_assert!(table.word(slot).is_some_and(|word| word.content == own(code)
                    || !matches!(word.content, SlotContent::Code(_))));
            }
            _ => {}
        }
    }

    #[test]
    fn nothing_changes_between_now_and_the_wake(mut table in any_table(), part in 0.0..1.0f64) {
        obey(&mut table, now(0));
        let facts = facts(table);
        prop_assert_eq!(diff::next(&facts, now(0)), Next::Wait, "it comes to rest");
        let wake = wake::next(&facts, now(0)).unwrap_or(at(100_000));
        let later = at(0).after(Duration::from_micros((at(0).until(wake).as_micros() as f64 * part) as u64));
        prop_assume!(later < wake);
        prop_assert_eq!(diff::next(&facts, Moment { utc: later, trusted: true }), Next::Wait);
    }
}

/// A lock that does at once what it is told.
fn obey(table: &mut SlotTable, now: Moment) {
    for _ in 0..100 {
        let (slot, content) = match diff::next(&facts(table.clone()), now) {
            Next::Wait => return,
            Next::Move(id, slot) => {
                change(table, id, |code| code.slot = slot);
                continue;
            }
            Next::Refuse(id, message) => {
                let problem = CodeProblem { kind: ProblemKind::FailedToSet, message, since: now.utc };
                change(table, id, |code| code.problem = Some(problem));
                continue;
            }
            Next::Do(Step::Set(id, slot, pin)) => {
                change(table, id, |code| code.presence = proven(0));
                (slot, SlotContent::Code(pin))
            }
            Next::Do(Step::Clear(id, slot)) => {
                change(table, id, |code| code.presence = Presence::Absent);
                (slot, SlotContent::Free)
            }
            Next::Do(Step::Read(slot)) => {
                let before = table.word(slot).map(|word| word.content.clone());
                let content = before.clone().unwrap_or(SlotContent::Free);
                match judge(before.as_ref(), slot, &content, &table.codes) {
                    Verdict::Proven(id) => change(table, id, |code| code.presence = proven(0)),
                    Verdict::Gone(id) | Verdict::Replaced(id) => {
                        change(table, id, |code| code.presence = Presence::Absent)
                    }
                    Verdict::Same | Verdict::Doubtful(_) | Verdict::Foreign => {}
                }
                (slot, content)
            }
            other @ Next::Do(Step::Act(..) | Step::Status) => panic!("nobody asked for {other:?}"),
        };
        table.codes.retain(|code| !code.is_finished(now.utc));
        says(table, slot.0, content, 0);
    }
    panic!("it does not come to rest: {:?}", diff::next(&facts(table.clone()), now));
}

fn change(table: &mut SlotTable, id: AccessCodeId, change: impl FnOnce(&mut AccessCode)) {
    change(table.codes.iter_mut().find(|code| code.access_code_id == id).unwrap());
}
