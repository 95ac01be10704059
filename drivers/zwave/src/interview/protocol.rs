//! What the stick knows of the node, and what the node says of itself in the clear.

use super::stage::{InterviewAsk, LEARNED, Reply, Stage};
use crate::node::info::ProtocolInfo;
use crate::serial_api::callback::NodeUpdate;
use crate::serial_api::command::Command;
use crate::serial_api::session::Completed;

pub(super) const PROTOCOL_INFO: Stage = Stage {
    name: "protocol information",
    ask: |record, about| match record.listening {
        Some(_) => Vec::new(),
        None => vec![InterviewAsk::Stick(Command::node_protocol_info(about.node, about.width))],
    },
    learn: |record, _, heard| {
        let Reply::Stick(Completed::Response(payload)) = heard.answer else { return None };
        record.listening = Some(ProtocolInfo::decode(payload).ok()?.listening);
        LEARNED
    },
};

pub(super) const NODE_INFORMATION: Stage = Stage {
    name: "node information",
    ask: |record, about| match record.clear.is_empty() {
        false => Vec::new(),
        true => vec![InterviewAsk::Stick(Command::request_node_info(about.node, about.width))],
    },
    learn: |record, about, heard| match heard.answer {
        Reply::Stick(Completed::Update(NodeUpdate::Information(node, info))) if *node == about.node => {
            record.clear.clone_from(&info.supported);
            LEARNED
        }
        _ => None,
    },
};
