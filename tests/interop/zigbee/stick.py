#!/usr/bin/env python3
"""A Silicon Labs stick with Zigbee locks, for a host to be tried against: its ASH frames, its table of EZSP commands, its ZDO
and ZCL types are those of bellows and zigpy.

    stick.py SETUP.json

It is set up and driven as `keyway virtual-stick --radio zigbee` is, as far as it goes. On start it prints
{"listening":"127.0.0.1:PORT","control":"127.0.0.1:PORT"}.
"""
import asyncio
import importlib
import json
import sys

import bellows.ash as ash
import bellows.types as t
import zigpy.types as zt
import zigpy.zdo.types as zdo_t
from zigpy.zcl import foundation
from zigpy.zcl.clusters.closures import DoorLock

setup = json.load(open(sys.argv[1]))
VERSION = setup.get("version", 13)
COMMANDS = importlib.import_module(f"bellows.ezsp.v{VERSION}.commands").COMMANDS
BY_ID = {command[0]: (name, command[1], command[2]) for name, command in COMMANDS.items()}
OWN = t.EUI64.convert("00:12:4b:00:1c:aa:bb:cc")
LATENCY = 0.015
# How long a stick keeps a frame for a child that sleeps, how often such a child fetches while it expects some, and for how long it does.
KEEPS_FOR, SHORT_POLL, EXPECTS = 7.68, 0.1, 2.0
WELL_KNOWN = "5a6967426565416c6c69616e63653039"
SERVER = {command.name: command.id for command in DoorLock.server_commands.values()}
CLIENT = {command.name: command for command in DoorLock.client_commands.values()}


def blank(kind):
    """A value that is all zeros."""
    for length in range(65):
        try:
            return kind.deserialize(bytes(length))[0]
        except (ValueError, KeyError):
            continue
    raise ValueError(kind)


class Lock:
    """A lock: its codes, its bolt, and what it answers."""

    def __init__(self, number, setup):
        self.node, self.name = setup["node"], setup.get("name", f"Lock {setup['node']}")
        self.ieee = t.EUI64.convert(setup.get("ieee", f"00:0d:6f:00:0a:0b:0c:{self.node:02x}"))
        self.nwk, self.users, self.masked = t.NWK(0x1000 + number), setup.get("slots", 30), setup.get("shows") == "masked"
        self.codes, self.locked, self.battery = {}, True, 100
        # 0: its receiver is always on.
        self.poll, self.expects_until = setup.get("poll_ms", 250) / 1000, 0.0
        self.capability = b"\x80" if self.poll else b"\x8c"
        self.link_key = t.KeyData(bytes.fromhex(setup.get("install_code_key", WELL_KNOWN)))
        self.joined, self.bound, self.reported = False, set(), set()
        self.faults, self.commands, self.identified = {}, [], 0
        self.from_hub = self.to_hub = self.passed = self.sequence = 0

    def state(self):
        slots = [{"slot": user, "code": code, "status": status} for user, (code, status) in sorted(self.codes.items())]
        return {
            "node": self.node, "ieee": str(self.ieee), "nwk": int(self.nwk), "name": self.name, "joined": self.joined,
            "slots": slots, "locked": self.locked, "battery": self.battery, "identified": self.identified,
            "offline": bool(self.faults.get("offline")), "frames": {"from_hub": self.from_hub, "to_hub": self.to_hub},
            "commands": self.commands[-200:],
        }

    def attributes(self, cluster):
        string = zt.CharacterString
        return {
            0x0000: {0: zt.uint8_t(8), 4: string("Yale"), 5: string("YRD226 TSDB"), 7: zt.enum8(3), 0x4000: string("1.2.3")},
            0x0001: {0x20: zt.uint8_t(60), 0x21: zt.uint8_t(self.battery * 2)},
            0x0101: {
                0x00: zt.enum8(1 if self.locked else 2), 0x01: zt.enum8(0), 0x02: zt.Bool(True),
                0x11: zt.uint16_t(self.users), 0x12: zt.uint16_t(self.users), 0x13: zt.uint16_t(0),
                0x17: zt.uint8_t(8), 0x18: zt.uint8_t(4), 0x23: zt.uint32_t(0), 0x25: zt.enum8(0),
                0x32: zt.Bool(not self.masked), 0x33: zt.Bool(False),
            },
        }.get(cluster, {})

    def zdo(self, cluster, data):
        """The body of the answer, without its sequence number."""
        ok = b"\x00" + self.nwk.serialize()
        request = zdo_t.ZDOCmd
        if cluster == request.Node_Desc_req:
            return ok + zdo_t.NodeDescriptor(0x02, 0x40, self.capability[0], 0x101D, 82, 82, 0x2C00, 82, 0).serialize()
        if cluster == request.Active_EP_req:
            return ok + b"\x01\x01"
        if cluster == request.Simple_Desc_req:
            clusters = [0, 1, 3, 9, 0x0101]
            return ok + zdo_t.SizePrefixedSimpleDescriptor(1, 260, 10, 0, clusters, [0x000A]).serialize()
        if cluster == request.Bind_req:
            self.bound.add(int.from_bytes(data[9:11], "little"))
            return b"\x00"
        if cluster == request.IEEE_addr_req:
            return b"\x00" + self.ieee.serialize() + self.nwk.serialize()
        if cluster == request.Mgmt_Leave_req:
            self.joined = False
            return b"\x00"
        return b"\x84"

    def zcl(self, cluster, data):
        """The frames in answer."""
        header, body = foundation.ZCLHeader.deserialize(data)
        answered = lambda command, payload, of_cluster: [bytes([0x18 | of_cluster, header.tsn, command]) + payload]
        if header.direction == foundation.Direction.Server_to_Client:
            return []
        if header.frame_control.frame_type == foundation.FrameType.GLOBAL_COMMAND:
            return self.general(cluster, header.command_id, body, answered)
        if cluster != DoorLock.cluster_id:
            self.identified += cluster == 3 and header.command_id == 0 and body[:2] != b"\0\0"
            return answered(0x0B, bytes([header.command_id, 0]), 0)
        asked = DoorLock.server_commands.get(header.command_id)
        serve = asked and getattr(self, "on_" + asked.name, None)
        if serve is None:
            return answered(0x0B, bytes([header.command_id, 0x81]), 0)
        values, _ = asked.schema.deserialize(body)
        entry = {"command": asked.name}
        if hasattr(values, "user_id"):
            entry["slot"] = int(values.user_id)
        self.commands.append(entry)
        given = serve(values)
        if isinstance(given, int):
            return answered(0x0B, bytes([header.command_id, given]), 0)
        answer = DoorLock.client_commands[header.command_id]
        return answered(answer.id, answer.schema(**given).serialize(), 1)

    def general(self, cluster, command, body, answered):
        general = foundation.GeneralCommand
        if command == general.Read_Attributes:
            known, out = self.attributes(cluster), b""
            while body:
                number, body = zt.uint16_t.deserialize(body)
                value = known.get(number)
                if value is None:
                    out += number.serialize() + b"\x86"
                    continue
                kind = 0x30 if type(value) is zt.enum8 else foundation.DataType.from_python_type(type(value)).type_id
                out += number.serialize() + b"\x00" + bytes([kind]) + value.serialize()
            return answered(0x01, out, 0)
        if command == general.Write_Attributes:
            return answered(0x04, b"\x00", 0)
        if command == general.Configure_Reporting:
            self.reported.add(cluster)
            return answered(0x07, b"\x00", 0)
        return []

    def fetches_after(self, now):
        """How long it is until it has what is kept for it now."""
        if not self.poll:
            return 0
        expects, self.expects_until = now < self.expects_until, now + EXPECTS
        return SHORT_POLL if expects else self.poll

    def has(self, user):
        return 1 <= user <= self.users

    def on_lock_door(self, _):
        self.locked = True
        return {"status": 0}

    def on_unlock_door(self, _):
        self.locked = False
        return {"status": 0}

    def on_set_pin_code(self, asked):
        code = str(asked.pin_code)
        if not self.has(asked.user_id):
            return 0x85
        if not 4 <= len(code) <= 8 or self.faults.get("reject"):
            return {"status": 1}
        if any(held == code and user != asked.user_id for user, (held, _) in self.codes.items()):
            return {"status": 3}
        self.codes[int(asked.user_id)] = (code, int(asked.user_status))
        return {"status": 0}

    def on_get_pin_code(self, asked):
        if not self.has(asked.user_id):
            return 0x85
        code, status = self.codes.get(int(asked.user_id), ("", 0))
        shown = "\xff" * len(code) if self.masked or self.faults.get("mask") else code
        return {"user_id": asked.user_id, "user_status": status, "user_type": 0 if status else 0xFF, "code": shown}

    def on_clear_pin_code(self, asked):
        if self.faults.get("reject"):
            return {"status": 1}
        self.codes.pop(int(asked.user_id), None)
        return {"status": 0}

    def on_get_user_status(self, asked):
        return {"user_id": asked.user_id, "user_status": self.codes.get(int(asked.user_id), ("", 0))[1]}

    def told(self, cluster, command, payload, of_cluster=1):
        """A frame it sends by itself, if somebody is bound to the cluster."""
        if cluster not in self.bound:
            return
        self.sequence = (self.sequence + 1) % 256
        ncp.hear(self, 260, cluster, bytes([0x18 | of_cluster, self.sequence, command]) + payload, 1, 1)

    def operated(self, source, code, user):
        event = CLIENT["operation_event_notification"]
        values = event.schema(operation_event_source=source, operation_event_code=code, user_id=user, pin="",
                              local_time=0xFFFFFFFF, data="")
        self.told(0x0101, event.id, values.serialize())
        self.told(0x0101, 0x0A, b"\x00\x00\x30" + bytes([1 if self.locked else 2]), 0)

    def programmed(self, code, user, digits):
        event = CLIENT["programming_event_notification"]
        values = event.schema(program_event_source=0, program_event_code=code, user_id=user, pin=digits, user_type=0,
                              user_status=1 if digits else 0, local_time=0xFFFFFFFF, data="")
        self.told(0x0101, event.id, values.serialize())

    def act(self, request):
        """What a request of the control port asks of it."""
        answer = {"ok": True}
        self.faults.update(request.get("fault", {}))
        if "join" in request:
            answer = ncp.join(self)
        if "battery" in request:
            self.battery = request["battery"]
            if 1 in self.reported:
                self.told(0x0001, 0x0A, b"\x21\x00\x20" + bytes([self.battery * 2]), 0)
        if "turn" in request:
            self.locked = request["turn"] == "lock"
            self.operated(2, 13 if self.locked else 14, 0xFFFF)
        if "by_hand" in request:
            user, code = request["by_hand"]["slot"], request["by_hand"]["code"]
            if code:
                self.codes[user] = (code, 1)
            else:
                self.codes.pop(user, None)
            self.programmed(2 if code else 3, user, code or "")
        if "keypad" in request:
            match = (user for user, code in self.codes.items() if code == (request["keypad"], 1))
            user = next(match, None)
            if user is not None:
                self.locked = False
                self.operated(0, 2, user)
            else:
                self.operated(0, 5, 0xFFFF)
            answer = {"ok": True, "opened": user is not None, "slot": user}
        return answer


class Ncp:
    """The stick's end of ASH, and the commands of EZSP."""

    def __init__(self):
        self.locks = {lock["node"]: Lock(number, lock) for number, lock in enumerate(setup["locks"], 1)}
        self.network, self.security = None, None
        self.writer, self.garble, self.passed = None, 0, 0
        self.restart()

    def restart(self):
        """What a restart forgets."""
        self.up, self.open_until = False, 0.0
        self.agreed, self.sequence, self.aps = False, 0, 0
        self.configuration, self.policies, self.transient, self.extended = {}, {}, {}, {}
        self.next, self.expected, self.waiting, self.sent = 0, 0, [], None

    # ASH, with a window of one.

    async def serve(self, reader, writer):
        self.writer, buffer = writer, bytearray()
        while data := await reader.read(512):
            for byte in self.spoil(data):
                if byte == ash.Reserved.CANCEL:
                    buffer.clear()
                elif byte != ash.Reserved.FLAG:
                    buffer.append(byte)
                elif buffer:
                    self.take(bytes(buffer))
                    buffer.clear()
        self.writer = None

    def spoil(self, data):
        """Flips a bit of every n-th byte."""
        data = bytearray(data)
        for at in range(len(data)):
            self.passed += 1
            if self.garble and self.passed % self.garble == 0:
                data[at] ^= 1 << self.passed // self.garble % 8
        return bytes(data)

    def take(self, stuffed):
        try:
            frame = ash.parse_frame(bytes(ash.AshProtocol._unstuff_bytes(stuffed)))
        except Exception:
            return self.write(ash.NakFrame(res=0, ncp_ready=0, ack_num=self.expected))
        if isinstance(frame, ash.RstFrame):
            self.restart()
            return self.write(ash.RStackFrame(version=2, reset_code=t.NcpResetCode.RESET_SOFTWARE))
        if hasattr(frame, "ack_num") and self.sent and frame.ack_num == (self.sent[0] + 1) % 8:
            self.sent[2].cancel()
            self.sent = None
            self.send_next()
        if isinstance(frame, ash.NakFrame):
            self.send_again()
        elif isinstance(frame, ash.DataFrame):
            wanted = frame.frm_num == self.expected
            if wanted:
                self.expected = (self.expected + 1) % 8
            elif not frame.re_tx:
                return self.write(ash.NakFrame(res=0, ncp_ready=0, ack_num=self.expected))
            self.write(ash.AckFrame(res=0, ncp_ready=0, ack_num=self.expected))
            if wanted:
                self.command(bytes(frame.ezsp_frame))

    def send(self, payload):
        self.waiting.append(payload)
        self.send_next()

    def send_next(self):
        if self.sent is None and self.waiting:
            self.sent = [self.next, self.waiting.pop(0), None]
            self.next = (self.next + 1) % 8
            self.transmit(False)

    def send_again(self):
        if self.sent:
            self.sent[2].cancel()
            self.transmit(True)

    def transmit(self, again):
        number, payload, _ = self.sent
        self.write(ash.DataFrame(frm_num=number, re_tx=again, ack_num=self.expected, ezsp_frame=payload))
        self.sent[2] = asyncio.get_running_loop().call_later(1.6, self.send_again)

    def write(self, frame):
        if self.writer:
            data = bytes(ash.AshProtocol._stuff_bytes(frame.to_bytes())) + bytes([ash.Reserved.FLAG])
            self.writer.write(self.spoil(data))

    # EZSP

    def command(self, data):
        extended = len(data) >= 5 and data[2] == 0x01
        number, body = t.uint16_t.deserialize(data[3:]) if extended else (data[2], data[3:])
        respond = lambda number, body: self.send(
            bytes([data[0], 0x80, 0x01]) + t.uint16_t(number).serialize() + body if extended
            else bytes([data[0], 0x80, number]) + body)
        if number not in BY_ID:
            return respond(0x58, COMMANDS["invalidCommand"][2]["status"](0x31).serialize())
        name, asks, gives = BY_ID[number]
        values = t.deserialize_dict(body, asks)[0] if isinstance(asks, dict) else asks.deserialize(body)[0].as_dict()
        given = getattr(self, "on_" + name, lambda **_: {})(**values) or {}
        after = given.pop("after", None)
        if isinstance(gives, dict):
            answers = {field: blank(kind) for field, kind in gives.items()} | given
            if "status" in given:
                answers["status"] = self.status(gives["status"], given["status"])
            respond(number, t.serialize_dict((), answers, gives))
        else:
            # Of a token there is none.
            respond(number, (t.sl_Status.FAIL if VERSION >= 14 else t.EmberStatus.ERR_FATAL).serialize())
        self.sequence = data[0]
        if after:
            asyncio.get_running_loop().call_later(LATENCY, after)

    def status(self, kind, status):
        """A status by its name, in the kind that this version has there."""
        if not isinstance(status, str):
            return status
        names = {"NOT_JOINED": "NOT_JOINED", "OK": "OK" if kind is t.sl_Status else "SUCCESS"}
        return kind[names.get(status, status)]

    def callback(self, name, **values):
        number, _, gives = COMMANDS[name]
        blanks = {field: blank(kind) for field, kind in gives.items()}
        if "status" in values:
            values["status"] = self.status(gives["status"], values["status"])
        known = {field: value for field, value in values.items() if field in gives}
        body = t.serialize_dict((), blanks | known, gives)
        self.send(bytes([self.sequence, 0x90, 0x01]) + t.uint16_t(number).serialize() + body)

    def on_version(self, **_):
        return {"protocolVersion": VERSION, "stackType": 2, "stackVersion": 0x7430}

    def on_getEui64(self):
        return {"eui64": OWN}

    def on_getNodeId(self):
        return {"nodeId": 0 if self.up else 0xFFFE}

    def on_networkState(self):
        return {"status": t.EmberNetworkStatus(2 if self.up else 0)}

    def on_getConfigurationValue(self, configId):
        return {"value": self.configuration.get(int(configId), 5 if int(configId) == 0x0D else 8)}

    def on_setConfigurationValue(self, configId, value):
        self.configuration[int(configId)] = value

    def on_getValue(self, valueId):
        info = bytes([0, 0, 7, 4, 3, 0, 0xAA])
        return {"value": t.LVBytes(info)} if int(valueId) == 0x11 else {"status": 0x37 if VERSION < 14 else 0x21}

    def on_getExtendedValue(self, **_):
        return {"status": 0x37 if VERSION < 14 else 0x21, "value": t.LVBytes(b"\0\0")}

    def on_getMfgToken(self, tokenId):
        return {"tokenData": t.LVBytes(b"\xff" * 8)}

    def on_customFrame(self, **_):
        return {"status": t.EmberStatus.LIBRARY_NOT_PRESENT if VERSION < 14 else t.sl_Status.NOT_SUPPORTED}

    def on_setPolicy(self, policyId, decisionId):
        self.policies[int(policyId)] = int(decisionId)

    def on_setInitialSecurityState(self, state):
        self.security = state

    def on_formNetwork(self, parameters):
        self.network = parameters
        return {"after": self.start}

    def on_networkInit(self, **_):
        return {"after": self.start} if self.network else {"status": "NOT_JOINED"}

    def start(self):
        self.up = True
        self.callback("stackStatusHandler", status="NETWORK_UP")

    def on_leaveNetwork(self, **_):
        self.network, self.up = None, False
        return {"after": lambda: self.callback("stackStatusHandler", status="NETWORK_DOWN")}

    def on_getNetworkParameters(self):
        if not self.up:
            return {"status": "NOT_JOINED"}
        return {"nodeType": t.EmberNodeType.COORDINATOR, "parameters": self.network}

    def on_getCurrentSecurityState(self):
        state = blank(COMMANDS["getCurrentSecurityState"][2]["state"])
        return {"state": state.replace(bitmask=0x0094, trustCenterLongAddress=OWN)}

    def key(self, is_network):
        return self.security.networkKey if is_network else self.security.preconfiguredKey

    def on_exportKey(self, context):
        return {"key": self.key(context.core_key_type == t.SecurityManagerKeyType.NETWORK), "context": context}

    def on_getKey(self, keyType):
        struct = blank(COMMANDS["getKey"][2]["keyStruct"])
        is_network = keyType == t.EmberKeyType.CURRENT_NETWORK_KEY
        return {"keyStruct": struct.replace(bitmask=0x03, type=keyType, key=self.key(is_network))}

    def on_getNetworkKeyInfo(self):
        info = blank(COMMANDS["getNetworkKeyInfo"][2]["network_key_info"])
        return {"network_key_info": info.replace(network_key_set=True)}

    def on_findKeyTableEntry(self, **_):
        return {"index": 0xFF}

    def on_getChildData(self, index):
        return {"status": "NOT_JOINED"}

    def on_startScan(self, channelMask, **_):
        def heard():
            for channel in channelMask:
                self.callback("energyScanResultHandler", channel=channel, maxRssiValue=-95 if channel == 20 else -70)
            self.callback("scanCompleteHandler")
        return {"after": heard}

    def on_permitJoining(self, duration):
        self.open_until = asyncio.get_running_loop().time() + duration

    def on_addTransientLinkKey(self, partner, transientKey):
        self.transient[partner] = transientKey

    def on_importTransientKey(self, eui64, plaintext_key, **_):
        self.transient[eui64] = plaintext_key

    def on_setExtendedTimeout(self, remoteEui64, extendedTimeout):
        self.extended[remoteEui64] = extendedTimeout

    def on_getExtendedTimeout(self, remoteEui64):
        extended = self.extended.get(remoteEui64, False)
        return {"status": "OK" if extended else "FAIL"} if VERSION >= 14 else {"extendedTimeout": extended}

    def on_lookupNodeIdByEui64(self, eui64):
        return {"nodeId": next((lock.nwk for lock in self.members() if lock.ieee == eui64), 0xFFFF)}

    def on_lookupEui64ByNodeId(self, nodeId):
        found = [lock.ieee for lock in self.members() if lock.nwk == nodeId]
        return {"eui64": found[0]} if found else {"status": 3 if VERSION < 14 else 0x2D}

    # The air

    def members(self):
        return (lock for lock in self.locks.values() if lock.joined)

    def join(self, lock):
        """A lock has the well-known key, or that of its install code: where the stick has no such key for it, it can't come in."""
        loop = asyncio.get_running_loop()
        keys = [self.transient.get(ieee) for ieee in (lock.ieee, t.EUI64.convert("ff:ff:ff:ff:ff:ff:ff:ff"))]
        known = next((key for key in keys if key), None)
        if not self.up or loop.time() > self.open_until or not self.policies.get(0, 0) & 1:
            return {"ok": False, "error": "there is no network to do that in"}
        joined = {"newNodeId": lock.nwk, "newNodeEui64": lock.ieee, "parentOfNewNodeId": 0}
        self.callback("trustCenterJoinHandler", **joined, status=t.EmberDeviceUpdate.STANDARD_SECURITY_UNSECURED_JOIN)
        if known == lock.link_key:
            lock.joined = True
            self.hear(lock, 0, zdo_t.ZDOCmd.Device_annce, b"\x01" + lock.nwk.serialize() + lock.ieee.serialize() + lock.capability, 0, 0)
        return {"ok": True}

    def hear(self, lock, profile, cluster, data, source, destination):
        """A frame of a lock is on its way to the host."""
        lock.to_hub += 1
        if self.lost(lock):
            return
        self.aps = (self.aps + 1) % 256
        frame = t.EmberApsFrame(profileId=profile, clusterId=cluster, sourceEndpoint=source,
                                destinationEndpoint=destination, options=0, groupId=0, sequence=self.aps)
        values = {"apsFrame": frame, "aps_frame": frame, "lastHopLqi": 200, "lqi": 200, "lastHopRssi": -55, "rssi": -55,
                  "sender": lock.nwk, "nwk": lock.nwk, "eui64": lock.ieee, "bindingIndex": 0xFF, "addressIndex": 0xFF,
                  "binding_index": 0xFF, "address_index": 0xFF, "messageContents": t.LVBytes(data), "message": t.LVBytes(data)}
        told = lambda: self.callback("incomingMessageHandler", **values)
        asyncio.get_running_loop().call_later(LATENCY, told)

    def lost(self, lock):
        lock.passed += 1
        every = lock.faults.get("drop_every")
        return bool(lock.faults.get("offline") or (every and lock.passed % every == 0))

    def on_sendUnicast(self, **asked):
        frame, content = asked.get("apsFrame") or asked["aps_frame"], bytes(asked.get("messageContents") or asked.get("message"))
        nwk = asked.get("indexOrDestination", asked.get("nwk"))
        self.aps = (self.aps + 1) % 256
        frame = frame.replace(sequence=self.aps)
        return {"sequence": self.aps, "after": lambda: self.carry(asked, frame, nwk, content)}

    def carry(self, asked, frame, nwk, content):
        """A frame is on the air, or kept for a lock that sleeps."""
        loop = asyncio.get_running_loop()
        lock = next((lock for lock in self.members() if lock.nwk == nwk), None)
        if lock:
            lock.from_hub += 1
        asleep = lock is not None and lock.poll and lock.faults.get("asleep")
        delivered = nwk == 0 or (lock is not None and not asleep and not self.lost(lock))
        # One that sleeps longer than a stick waits by itself must have been named to it.
        patience = KEEPS_FOR if asleep and self.extended.get(lock.ieee) else 1.5
        after = patience if not delivered else lock.fetches_after(loop.time()) if lock else 0
        loop.call_later(after, lambda: self.arrive(asked, frame, nwk, content, lock, delivered))

    def arrive(self, asked, frame, nwk, content, lock, delivered):
        failure = "DELIVERY_FAILED" if VERSION < 14 else "ZIGBEE_DELIVERY_FAILED"
        told = {"type": asked.get("type"), "message_type": asked.get("message_type"), "indexOrDestination": nwk, "nwk": nwk,
                "apsFrame": frame, "aps_frame": frame, "messageTag": asked.get("messageTag"),
                "message_tag": asked.get("message_tag")}
        told = {field: value for field, value in told.items() if value is not None}
        sent = lambda: self.callback("messageSentHandler", **told, status="OK" if delivered else failure)
        sent()
        if not delivered:
            return
        cluster = frame.clusterId
        if nwk == 0:
            if frame.profileId == 0 and cluster == zdo_t.ZDOCmd.Node_Desc_req:
                own = Lock(0, {"node": 0})
                own.ieee, own.nwk = OWN, t.NWK(0)
                body = b"\x00\x00\x00" + zdo_t.NodeDescriptor(0x00, 0x40, 0x8F, 0x1049, 82, 82, 0x2C01, 82, 0).serialize()
                self.hear(own, 0, cluster | 0x8000, content[:1] + body, 0, 0)
            return
        if frame.profileId == 0:
            body = lock.zdo(cluster, content[1:])
            self.hear(lock, 0, cluster | 0x8000, content[:1] + body, 0, 0)
            return
        was_locked = lock.locked
        for answer in lock.zcl(cluster, content):
            self.hear(lock, frame.profileId, cluster, answer, frame.destinationEndpoint, frame.sourceEndpoint)
        if lock.locked != was_locked:
            lock.operated(1, 1 if lock.locked else 2, 0xFFFF)

    def on_sendBroadcast(self, **asked):
        frame = asked.get("apsFrame") or asked["aps_frame"]
        told = {"type": 6, "message_type": 6, "indexOrDestination": asked["destination"], "nwk": int(asked["destination"]),
                "apsFrame": frame, "aps_frame": frame, "messageTag": asked.get("messageTag", 0),
                "message_tag": asked.get("message_tag", 0)}
        return {"after": lambda: self.callback("messageSentHandler", **told, status="OK")}


ncp = Ncp()


def handle(request):
    """One request of the control port."""
    if "get" in request:
        network = ncp.network and {"pan": int(ncp.network.panId), "channel": int(ncp.network.radioChannel)}
        return {"network": network, "up": ncp.up, "locks": [lock.state() for lock in ncp.locks.values()]}
    if "stick" in request:
        if request["stick"].get("fail"):
            ncp.up = False
            ncp.write(ash.ErrorFrame(version=2, reset_code=t.NcpResetCode.RESET_ASSERT))
        if "garble_every" in request["stick"]:
            ncp.garble = request["stick"]["garble_every"]
        return {"ok": True}
    return ncp.locks[request["node"]].act(request)


async def control(reader, writer):
    while line := await reader.readline():
        try:
            answer = handle(json.loads(line))
        except Exception as problem:
            answer = {"ok": False, "error": repr(problem)}
        writer.write(json.dumps(answer).encode() + b"\n")


async def main():
    hosts = await asyncio.start_server(ncp.serve, "127.0.0.1", 0)
    hands = await asyncio.start_server(control, "127.0.0.1", 0)
    address = lambda server: "{}:{}".format(*server.sockets[0].getsockname())
    print(json.dumps({"listening": address(hosts), "control": address(hands)}), flush=True)
    await hosts.serve_forever()


asyncio.run(main())
