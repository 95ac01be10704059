//! Hands at the keypads: people who put codes in, change them, and take them out, theirs and others'.

use std::rc::Rc;
use std::time::Duration;

use keyway_lock::{Pin, SlotNumber};
use keyway_virtual::door::By;
use keyway_virtual::zwave::Action;
use rand::RngExt;
use rand::rngs::StdRng;

use crate::building::pick;
use crate::checker::Trouble;
use crate::world::World;

/// What no report told of is found by an audit within this.
const AUDITED_WITHIN: Duration = Duration::from_secs(8 * 3600);
/// A lock that is known to be out of reach, and that is to do nothing as far as anybody can know, is asked every five minutes
/// whether it is back: more often, one dead lock would take the air from all others. Once it is, its slots are looked at.
const ASKED_WITHIN: Duration = Duration::from_secs(330);
/// In what a lock's word reaches nobody; what it tells a stick that is reset or unplugged reaches nobody either.
const UNHEARD: [Trouble; 4] = [Trouble::Offline, Trouble::Lossy, Trouble::Slow, Trouble::StickGone];

/// Somebody is at each door now and then.
pub(crate) fn begin(world: &Rc<World>) {
    for door in 0..world.doors() {
        let (world, mut random) = (Rc::clone(world), world.choices());
        tokio::task::spawn_local(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(random.random_range(3600..4 * 86_400))).await;
                program(&world, door, &mut random);
            }
        });
    }
}

/// Somebody programs a slot at the keypad.
pub(crate) fn program(world: &Rc<World>, door: usize, random: &mut StdRng) {
    let slots = world.slots(door);
    let (theirs, ours) = {
        let checker = world.checker.borrow();
        (checker.slots_by(door, By::Hand), checker.slots_by(door, By::Radio))
    };
    let any = SlotNumber(random.random_range(1..=slots));
    let one_of =
        |slots: &[SlotNumber], random: &mut StdRng| slots.get(random.random_range(0..slots.len().max(1))).copied();
    let new = Some(new_code(random));
    let (slot, code) = match pick(random, &[4, 2, 6, 2, 2]) {
        0 => (Some(any), new),
        1 => (one_of(&theirs, random), new),
        2 => (one_of(&theirs, random), None),
        3 => (one_of(&ours, random), None),
        _ => (one_of(&ours, random), new),
    };
    // Most doors have few codes of their own.
    let Some(slot) = slot.filter(|_| code.is_none() || theirs.len() < 3) else { return };
    by_hand(world, door, slot, code);
}

/// Somebody is told that a code that is over is still in its lock. Some go there, and take it out themselves or give its slot
/// another.
pub(crate) fn told_that_it_stays(world: &Rc<World>, door: usize, grant: &str) {
    let (world, grant, mut random) = (Rc::clone(world), grant.to_owned(), world.choices());
    tokio::task::spawn_local(async move {
        tokio::time::sleep(Duration::from_secs(random.random_range(60..1800))).await;
        let slot = world.checker.borrow().slot_of_what_is_over(world.time.now(), door, &grant);
        let code = random.random_bool(0.6).then(|| new_code(&mut random));
        if let Some(slot) = slot.filter(|_| random.random_bool(0.6)) {
            by_hand(&world, door, slot, code);
        }
    });
}

fn new_code(random: &mut StdRng) -> Pin {
    Pin::new(&format!("{:07}", random.random_range(1_000_000..10_000_000_u32))).expect("seven digits")
}

fn by_hand(world: &Rc<World>, door: usize, slot: SlotNumber, code: Option<Pin>) {
    let unheard = is_unheard(world, door);
    if unheard {
        world.begins([door], Trouble::Unheard);
    }
    world.note(Some(door), &format!("a hand at slot {slot}"));
    world.act(door, &Action::ByHand { slot, code });
    world.count("hand at the keypad");
    if unheard {
        let world = Rc::clone(world);
        tokio::task::spawn_local(async move {
            tokio::time::sleep(AUDITED_WITHIN).await;
            heard_again(&world, door).await;
            world.ends([door], Trouble::Unheard);
        });
    }
}

fn is_unheard(world: &World, door: usize) -> bool {
    UNHEARD.iter().any(|trouble| world.checker.borrow().has_trouble(door, *trouble))
}

/// Waits until a lock has been within reach for as long as it takes to be asked.
pub(crate) async fn heard_again(world: &World, door: usize) {
    let step = ASKED_WITHIN / 11;
    let mut heard_for = Duration::ZERO;
    while heard_for < ASKED_WITHIN {
        tokio::time::sleep(step).await;
        heard_for = if is_unheard(world, door) { Duration::ZERO } else { heard_for + step };
    }
}
