use super::*;

fn controller(bridge: bool) -> Controller {
    let node = |id| NodeId::new(id).unwrap();
    let info = vec![0x53, 0x5D, 0x01, 0x04, 0x40, 0x03];
    let nodes = [(node(2), info.clone()), (node(257), info)].into();
    Controller::new(Known { home_id: 0xC0FF_EE01, own: node(1), nodes }, bridge, Series::Seven)
}

fn answer(controller: &mut Controller, function: u8, payload: &[u8]) -> Vec<u8> {
    match &controller.handle(&request(function, payload.to_vec()))[..] {
        [Effect::Tell(frame), ..] => {
            assert_eq!((frame.frame_type, frame.function), (FrameType::Response, function));
            frame.payload.clone()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_node_lists_hold_the_stick_and_its_locks() {
    let mut controller = controller(false);
    let init = answer(&mut controller, 0x02, &[]);
    assert_eq!((init.len(), &init[..4]), (34, &[0x09, 0x08, 29, 0b11][..]));
    let long_range = answer(&mut controller, 0xDA, &[0]);
    assert_eq!(long_range, [0, 0, 1, 0b10]);
}

#[test]
fn capabilities_list_what_is_there_and_nothing_else_is_answered() {
    let mut controller = controller(false);
    let capabilities = answer(&mut controller, 0x07, &[]);
    let has = |function: u8| capabilities[8 + usize::from(function - 1) / 8] & 1 << ((function - 1) % 8) != 0;
    assert!(has(0x13) && has(0x04) && !has(0xA9) && !has(0x14));
    assert_eq!(controller.handle(&request(0xA9, vec![1, 2, 2, 0x62, 0x02, 0x25, 0, 0, 0, 0, 7])), []);
}

#[test]
fn a_stick_without_long_range_nodes_does_not_speak_long_range() {
    let known = Known { home_id: 1, own: NodeId::FIRST, nodes: BTreeMap::new() };
    let mut classic = Controller::new(known, false, Series::Seven);
    assert_eq!(classic.handle(&request(0xDA, vec![0])), []);
    assert_eq!(classic.started().payload.last(), Some(&0));
    assert_eq!(controller(false).started().payload.last(), Some(&1));
}

#[test]
fn sixteen_bit_node_ids_hold_until_the_stick_restarts() {
    let mut controller = controller(false);
    assert_eq!(answer(&mut controller, 0x20, &[]), [0xC0, 0xFF, 0xEE, 0x01, 1]);
    assert_eq!(answer(&mut controller, 0x0B, &[0x80, 2]), [0x80, 1]);
    assert_eq!(answer(&mut controller, 0x20, &[]), [0xC0, 0xFF, 0xEE, 0x01, 0, 1]);
    assert_eq!(answer(&mut controller, 0x41, &[1, 1])[4], 0x40);
    controller.restart();
    assert_eq!(answer(&mut controller, 0x20, &[]).len(), 5);
}

#[test]
fn one_send_at_a_time_is_accepted() {
    let mut controller = controller(true);
    let send = request(0xA9, vec![1, 2, 2, 0x62, 0x02, 0x25, 0, 0, 0, 0, 7]);
    let accepted = controller.handle(&send);
    let [_, Effect::Send(inside)] = &accepted[..] else { panic!("{accepted:?}") };
    assert_eq!((inside.node, &inside.data[..], inside.callback), (NodeId::new(2), &[0x62, 0x02][..], 7));
    assert_eq!(controller.handle(&send), [respond(0xA9, vec![0])]);
}

#[test]
fn a_cut_command_is_not_answered() {
    let mut controller = controller(false);
    for (function, payload) in [(0x13, &[2, 9, 0x62][..]), (0x41, &[]), (0x0B, &[]), (0xDA, &[])] {
        assert_eq!(controller.handle(&request(function, payload.to_vec())), []);
    }
}

#[test]
fn callbacks_carry_a_transmit_report_where_it_was_asked_for() {
    let mut controller = controller(false);
    let send = Send { function: 0x13, node: NodeId::new(2), data: vec![], acknowledged: true, callback: 9 };
    let way = Way { signal: Some(-60), ..Way::default() };
    assert_eq!(controller.sent(&send, Sent::NoAck, 3, &way).payload, [9, 1]);
    answer(&mut controller, 0x0B, &[0x02, 0xFF]);
    let report = controller.sent(&send, Sent::Ok, 300, &way).payload;
    assert_eq!((report.len(), &report[..6]), (26, &[9, 0, 1, 44, 0, 0xC4][..]));
}
