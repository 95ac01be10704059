#!/usr/bin/env python3
"""Writes ezsp.txt: every command that the table knows, in every version, as bellows encodes it.

    python3 -m venv venv && venv/bin/pip install bellows==1.2.1 && venv/bin/python ezsp.py > ezsp.txt

A line: versions (the first and the last of those that do it so), side, command, the fields with their values in the names of the
table, the bytes behind the head.
"""
import pathlib
import re

import bellows.ezsp
import bellows.types as t
import zigpy.types as zt

# The names of the table's fields for the names of bellows; those of one command come before those of all.
NAMES = {
    "version": {"desiredProtocolVersion": "protocol version"},
    "setManufacturerCode": {"code": "value"},
    "networkState": {"status": "state"},
    "startScan": {"scanType": "type"},
    "trustCenterJoinHandler": {"status": "type", "newNodeId": "node id", "newNodeEui64": "EUI64"},
    "childJoinHandler": {"childId": "node id", "childEui64": "EUI64"},
    "energyScanResultHandler": {"maxRssiValue": "last hop RSSI"},
    "incomingMessageHandler": {"nwk": "node id", "sender": "node id"},
    "incomingRouteRecordHandler": {"source": "node id", "sourceEui": "EUI64"},
    "removeDevice": {"destShort": "destination", "destLong": "destination EUI64", "targetLong": "EUI64"},
    "setInitialSecurityState": {"networkKeySequenceNumber": "sequence", "preconfiguredTrustCenterEui64": "EUI64"},
    "getMfgToken": {"tokenId": "token", "tokenData": "value"},
    "setMfgToken": {"tokenId": "token", "tokenData": "value"},
    "setTokenData": {"token_data": "value"},
    "getKey": {"type": "key type"},
    "getKeyTableEntry": {"type": "key type"},
    "getNetworkKeyInfo": {"network_key_sequence_number": "sequence"},
    "tokenFactoryReset": {"excludeOutgoingFC": "flags", "excludeBootCounter": "options"},
}
ALL = {
    "protocolVersion": "protocol version", "stackType": "stack type", "stackVersion": "stack version", "endpoint": "endpoint",
    "profileId": "profile", "deviceId": "device id", "deviceVersion": "device version", "inputClusterCount": "input cluster count",
    "outputClusterCount": "output cluster count", "inputClusterList": "input clusters", "outputClusterList": "output clusters",
    "on": "enabled", "concentratorType": "concentrator type", "minTime": "minimum time", "maxTime": "maximum time",
    "routeErrorThreshold": "route error threshold", "deliveryFailureThreshold": "delivery failure threshold", "maxHops": "maximum hops",
    "networkInitBitmask": "bitmask", "status": "status", "channelMask": "channel mask", "duration": "duration", "channel": "channel",
    "extendedPanId": "extended PAN id", "panId": "PAN id", "radioTxPower": "power", "radioChannel": "channel", "joinMethod": "join method",
    "nwkManagerId": "network manager", "nwkUpdateId": "update id", "channels": "channel mask", "options": "options", "index": "index",
    "joining": "joining", "childType": "type of the child", "policyDecision": "decision", "parentOfNewNodeId": "parent", "eui64": "EUI64",
    "nodeType": "node type", "type": "type", "message_type": "type", "indexOrDestination": "destination", "nwk": "destination",
    "clusterId": "cluster", "sourceEndpoint": "source endpoint", "destinationEndpoint": "destination endpoint", "groupId": "group",
    "messageTag": "message tag", "message_tag": "message tag", "messageContents": "message", "message": "message", "alias": "alias",
    "destination": "destination", "radius": "radius", "lastHopLqi": "last hop LQI", "lastHopRssi": "last hop RSSI", "lqi": "last hop LQI",
    "rssi": "last hop RSSI", "bindingIndex": "binding index", "binding_index": "binding index", "addressIndex": "address table index",
    "address_index": "address table index", "timestamp": "timestamp", "configId": "id", "policyId": "id", "valueId": "id", "value": "value",
    "decisionId": "decision", "relayList": "relays", "mode": "mode", "remainingTime": "remaining time", "nodeId": "node id",
    "address": "EUI64", "linkKey": "link key flag", "keyData": "key", "bitmask": "bitmask", "preconfiguredKey": "key",
    "networkKey": "network key", "trustCenterLongAddress": "EUI64", "keyType": "key type", "key": "key",
    "outgoingFrameCounter": "outgoing frame counter", "incomingFrameCounter": "incoming frame counter", "sequenceNumber": "sequence",
    "partnerEUI64": "EUI64", "remoteEui64": "EUI64", "extendedTimeout": "extended timeout", "target": "target", "addressTableIndex": "index",
    "newEui64": "EUI64", "newId": "node id", "newExtendedTimeout": "extended timeout", "oldEui64": "EUI64", "oldId": "node id",
    "oldExtendedTimeout": "extended timeout", "power": "power", "partner": "EUI64", "transientKey": "key", "errorCode": "error code",
    "token": "token", "plaintext_key": "key", "flags": "flags", "core_key_type": "key type", "key_index": "index",
    "derived_type": "derived key type", "multi_network_index": "network index", "psa_key_alg_permission": "key algorithm permission",
    "outgoing_frame_counter": "outgoing frame counter", "incoming_frame_counter": "incoming frame counter", "ttl_in_seconds": "timeout",
    "network_key_set": "network key set", "alternate_network_key_set": "alternate network key set",
    "alt_network_key_sequence_number": "alternate network key sequence number", "network_key_frame_counter": "frame counter",
    "sequence": "sequence",
}
APS = {"sequence": "APS sequence"}
NETWORK_UP = {t.EmberStatus: t.EmberStatus.NETWORK_UP, t.sl_Status: t.sl_Status.NETWORK_UP}


class Sample:
    """Values of which no two are alike."""

    def __init__(self, names):
        self.names, self.next, self.values = names, 0x21, []

    def bytes(self, count):
        self.next += 1
        return bytes((self.next + n * 7) & 0xFF for n in range(count))

    def say(self, name, kind, value, scope):
        if kind in NETWORK_UP or kind is t.EzspStatus:
            value = 0x15 if int(value) else 0
        name = scope.get(name) or self.names.get(name) or ALL[name]
        text = bytes(value).hex() or "-" if isinstance(value, bytes) else ",".join(map(str, value)) if isinstance(value, list) else str(value)
        self.values.append(f"{name}={text}")

    def value(self, name, kind, scope={}):
        if kind in NETWORK_UP:
            value = NETWORK_UP[kind]
        elif kind is t.EzspStatus:
            value = t.EzspStatus.SUCCESS
        elif issubclass(kind, zt.Struct):
            inner = APS if kind is t.EmberApsFrame else {}
            return kind(**{f.name: self.value(f.name, f.type, inner) for f in kind.fields})
        elif issubclass(kind, (t.EUI64, zt.EUI64)):
            value, _ = kind.deserialize(self.bytes(8))
            self.say(name, kind, int.from_bytes(value.serialize(), "little"), scope)
            return value
        elif issubclass(kind, (t.KeyData, zt.KeyData)):
            value, _ = kind.deserialize(self.bytes(16))
            self.say(name, kind, value.serialize(), scope)
            return value
        elif issubclass(kind, bytes):
            value = kind(self.bytes(5))
            self.say(name, kind, bytes(value), scope)
            return value
        elif issubclass(kind, zt.LVList):
            value = kind([0x1234, 0x5678])
            self.say(name, kind, [int(v) for v in value], scope)
            return value
        elif issubclass(kind, list):
            value = kind([0x0101, 0x000A] if name.startswith("input") else [0x0019])
            self.say(name, kind, [int(v) for v in value], scope)
            return value
        elif name == "inputClusterCount":
            value = kind(2)
        elif name == "outputClusterCount":
            value = kind(1)
        elif name == "alias":
            value = kind(0xFFFF)
        elif name in ("excludeOutgoingFC", "excludeBootCounter"):
            value = kind(0)
        else:
            size = len(kind(0).serialize())
            raw = self.bytes(size)
            value, _ = kind.deserialize(raw)
            self.say(name, kind, int.from_bytes(raw, "little"), scope)
            return value
        self.say(name, kind, int(value), scope)
        return value


def commands():
    """The table's commands, in bellows' spelling."""
    table = (pathlib.Path(__file__).parent / "../../src/ezsp/table.rs").read_text()
    block = re.search(r"^commands! \{(.*?)^\}", table, re.S | re.M).group(1)
    for name in re.findall(r"^    (\w+) \"", block, re.M):
        yield name[0].lower() + name[1:]


def encode(schema, names):
    sample = Sample(names)
    if isinstance(schema, dict):
        values = {field: sample.value(field, kind) for field, kind in schema.items()}
        data = t.serialize_dict((), values, schema)
    else:
        # Only the answer of getTokenData is a structure: its value is there when its status is OK.
        data = schema(status=0, value=t.LVBytes32(b"\x01\x02\x03")).serialize()
        sample.values = ["status=0", "value=010203"]
    return f"{'; '.join(sample.values)} | {data.hex()}"


print("# Written by ezsp.py with bellows 1.2.1.")
versions = sorted(version for version in bellows.ezsp.EZSP._BY_VERSION if version >= 8)
for name in commands():
    for side, at in (("request", 1), ("answer", 2)):
        if side == "request" and name.endswith("Handler"):
            continue
        runs = []
        for version in versions:
            table = bellows.ezsp.EZSP._BY_VERSION[version].COMMANDS
            text = encode(table[name][at], NAMES.get(name, {})) if name in table else None
            if runs and runs[-1][2] == text:
                runs[-1][1] = version
            else:
                runs.append([version, version, text])
        for first, last, text in runs:
            if text is not None:
                print(first, last, side, name, "|", text)
