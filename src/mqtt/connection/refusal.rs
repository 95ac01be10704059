//! What a broker refuses, in plain words: what follows from it, and what to do.

use rumqttc::mqttbytes::v5::{DisconnectReasonCode, PubAckReason, SubscribeReasonCode};
use rumqttc::{ConnectReturnCode, ConnectionError, PublishNoticeError, StateError};

/// What to do where the broker allows too little.
const SEE_TO_ACL: &str = "see to its access control list (config/mosquitto.acl shows what the hub needs)";
/// The same for its limits.
const SEE_TO_QUOTA: &str = "see to its limits";

/// Why there is no connection. `client_id` is the hub's own.
pub(super) fn no_connection(error: &ConnectionError, client_id: &str) -> String {
    match error {
        ConnectionError::ConnectionRefused(code)
        | ConnectionError::MqttState(StateError::ConnFail { reason: code }) => not_taken(*code, client_id),
        ConnectionError::Tls(error) => {
            format!("TLS with it fails: {error} (are mqtt.ca_file, the host's name and the port those of the broker?)")
        }
        ConnectionError::Io(error) => format!("{error} (is it running, is mqtt.url right?)"),
        #[cfg(feature = "websocket")]
        ConnectionError::Websocket(_) | ConnectionError::ResponseValidation(_) => {
            format!("there is no WebSocket of an MQTT broker: {error} (are host, port and path of mqtt.url right?)")
        }
        ConnectionError::Timeout(_) => "it does not answer (is mqtt.url right, and is that an MQTT broker?)".to_owned(),
        // Older ones say nothing more when another client comes with the same name.
        ConnectionError::MqttState(StateError::ConnectionAborted) => format!(
            "it closed the connection without a word (if again and again: has another client our client id {client_id}, \
             mqtt.client_id?)"
        ),
        ConnectionError::MqttState(StateError::AwaitPingResp) => "it does not answer any more".to_owned(),
        ConnectionError::MqttState(StateError::ServerDisconnect { reason_code, reason_string }) => {
            let said = reason_string.as_ref().map(|said| format!(" (it says: {said})")).unwrap_or_default();
            format!("{}{said}", thrown_out(*reason_code, client_id))
        }
        other => other.to_string(),
    }
}

fn not_taken(code: ConnectReturnCode, client_id: &str) -> String {
    use ConnectReturnCode as Code;
    match code {
        Code::BadUserNamePassword => {
            "it refuses our user name or password (mqtt.username, mqtt.password, the credential mqtt-password)"
                .to_owned()
        }
        Code::NotAuthorized => format!(
            "it does not let us in: our user name or password is wrong or missing (mqtt.username, mqtt.password), or it has \
             something against the client id {client_id}"
        ),
        Code::Banned => "it has banned us: lift that at the broker".to_owned(),
        Code::BadAuthenticationMethod => "it asks for another way to log in than user name and password".to_owned(),
        Code::ClientIdentifierNotValid | Code::BadClientId => {
            format!("it does not take the client id {client_id}: give another one (mqtt.client_id)")
        }
        Code::UnsupportedProtocolVersion | Code::RefusedProtocolVersion => {
            "it does not speak MQTT 5, which the hub needs: take a newer broker, such as mosquitto 2".to_owned()
        }
        Code::QuotaExceeded | Code::ConnectionRateExceeded => format!("we are above one of its quotas: {SEE_TO_QUOTA}"),
        Code::ServerUnavailable | Code::ServiceUnavailable | Code::ServerBusy => "it is busy".to_owned(),
        Code::UseAnotherServer | Code::ServerMoved => "it is somewhere else now: change mqtt.url".to_owned(),
        Code::RetainNotSupported | Code::QoSNotSupported => {
            "it does not keep retained messages, or knows no QoS 1, and the hub needs both".to_owned()
        }
        other => format!("it refuses the connection ({other:?})"),
    }
}

fn thrown_out(code: DisconnectReasonCode, client_id: &str) -> String {
    use DisconnectReasonCode as Code;
    match code {
        Code::SessionTakenOver => format!(
            "another client came with our client id {client_id}, and the two throw each other out: give one of them another \
             (mqtt.client_id)"
        ),
        Code::NotAuthorized => format!("it does not allow us something: {SEE_TO_ACL}"),
        Code::PacketTooLarge => format!("a message was larger than it takes: {SEE_TO_QUOTA} (max_packet_size)"),
        Code::QuotaExceeded | Code::MessageRateTooHigh | Code::ReceiveMaximumExceeded => {
            format!("we are above one of its quotas: {SEE_TO_QUOTA}")
        }
        Code::KeepAliveTimeout => "it has not heard of us for too long".to_owned(),
        Code::ServerShuttingDown => "it shuts down".to_owned(),
        Code::ServerBusy => "it is busy".to_owned(),
        Code::AdministrativeAction => "somebody has thrown us out there".to_owned(),
        other => format!("it closed the connection ({other:?})"),
    }
}

/// Whether to come back at once would only throw somebody else out.
pub(super) fn is_taken_over(error: &ConnectionError) -> bool {
    let taken_over = DisconnectReasonCode::SessionTakenOver;
    matches!(error, ConnectionError::MqttState(StateError::ServerDisconnect { reason_code, .. }) if *reason_code == taken_over)
}

/// Why a subscription was refused; `None`: it was not.
pub(super) fn not_subscribed(filter: &str, code: &SubscribeReasonCode) -> Option<String> {
    let why = match code {
        SubscribeReasonCode::Success(_) => return None,
        SubscribeReasonCode::NotAuthorized => format!("it does not allow that: {SEE_TO_ACL}"),
        SubscribeReasonCode::QuotaExceeded => format!("we are above one of its quotas: {SEE_TO_QUOTA}"),
        SubscribeReasonCode::WildcardSubscriptionsNotSupported => {
            "it knows no wildcards, which the hub needs".to_owned()
        }
        // What mosquitto says where its list allows too little.
        SubscribeReasonCode::Failure | SubscribeReasonCode::Unspecified => format!("it does not say why: {SEE_TO_ACL}"),
        other => format!("{other:?}"),
    };
    Some(format!("the broker refuses the subscription to {filter}, so nothing is heard there: {why}"))
}

/// Why a message was refused; `None`: it was not, but lost with its connection.
pub(super) fn not_published(topic: &str, error: &PublishNoticeError) -> Option<String> {
    let PublishNoticeError::V5PubAck(reason) = error else { return None };
    let why = match reason {
        PubAckReason::NotAuthorized => format!("it does not allow that: {SEE_TO_ACL}"),
        PubAckReason::QuotaExceeded => format!("we are above one of its quotas: {SEE_TO_QUOTA}"),
        PubAckReason::TopicNameInvalid => "it does not take that topic".to_owned(),
        other => format!("it does not say why ({other:?}): {SEE_TO_ACL}"),
    };
    Some(format!("the broker refuses what the hub publishes at {topic}: {why}"))
}

/// What a message that is too large for the broker is called.
pub(super) fn too_large(topic: &str, size: usize, largest: usize) -> String {
    format!(
        "the broker takes no message of more than {largest} bytes, and one of {size} bytes at {topic} is held back: let it \
         take larger ones (mosquitto: max_packet_size)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thrown_out(reason_code: DisconnectReasonCode) -> ConnectionError {
        let reason_string = Some("bye".to_owned());
        ConnectionError::MqttState(StateError::ServerDisconnect { reason_code, reason_string })
    }

    #[test]
    fn each_refusal_says_what_to_do() {
        let refused = |code| no_connection(&ConnectionError::ConnectionRefused(code), "keyway-home");
        assert!(refused(ConnectReturnCode::BadUserNamePassword).contains("mqtt.password"));
        assert!(refused(ConnectReturnCode::NotAuthorized).contains("mqtt.username"));
        assert!(refused(ConnectReturnCode::ClientIdentifierNotValid).contains("keyway-home"));
        assert!(refused(ConnectReturnCode::UnsupportedProtocolVersion).contains("MQTT 5"));
        let taken_over = thrown_out(DisconnectReasonCode::SessionTakenOver);
        assert!(is_taken_over(&taken_over) && !is_taken_over(&thrown_out(DisconnectReasonCode::ServerShuttingDown)));
        let said = no_connection(&taken_over, "keyway-home");
        assert!(said.contains("another client came with our client id keyway-home") && said.contains("bye"), "{said}");
        let said = no_connection(&thrown_out(DisconnectReasonCode::PacketTooLarge), "x");
        assert!(said.contains("max_packet_size"), "{said}");
    }

    #[test]
    fn a_refused_topic_is_named_and_one_that_is_taken_says_nothing() {
        let filter = "keyway/home/request/#";
        assert_eq!(not_subscribed(filter, &SubscribeReasonCode::Success(rumqttc::QoS::AtLeastOnce)), None);
        let said = not_subscribed(filter, &SubscribeReasonCode::NotAuthorized).unwrap();
        assert!(said.contains(filter) && said.contains("mosquitto.acl"), "{said}");
        assert_eq!(not_published("a", &PublishNoticeError::SessionReset), None);
        let said = not_published("a/b", &PublishNoticeError::V5PubAck(PubAckReason::QuotaExceeded)).unwrap();
        assert!(said.contains("a/b") && said.contains("quota"), "{said}");
    }
}
